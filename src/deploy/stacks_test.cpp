// The engine with types that only remember what they were asked.
#include "deploy/stacks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

namespace tarn::deploy {
namespace {

namespace cf = api::cloudformation;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// What the types of a test did, and what there is because of it.
struct World {
  std::mutex mutex;
  std::vector<std::string> calls;    // "create A", "update A to 1", "remove A"
  std::set<std::string> there;       // physical ids
  std::map<std::string, int> tries;  // of each logical id
  int resumed = 0, under_way = 0, most_under_way = 0;

  void note(const std::string& call) {
    std::lock_guard lock(mutex);
    calls.push_back(call);
  }
};

// Properties: Name (a change replaces), Value, Fail ("create", "update", "remove": these fail), Waits (rounds), Replace
// (an update can't be made), Slow.
class FakeType : public ResourceType {
 public:
  explicit FakeType(World& world) : world_(world) {}
  std::string_view name() const override { return "AWS::Fake::Thing"; }
  std::vector<PropertyProblem> check(const Value& properties) const override {
    if (properties.find("Colour")) return {{PropertyProblem::Kind::unknown, "/Colour", "no colours"}};
    return {};
  }
  bool has_attribute(std::string_view a) const override { return a == "Value"; }
  Replacement replacement(std::string_view path) const override {
    return path == "/Name" ? Replacement::always : Replacement::never;
  }
  Progress create(const Action& a, const Value& properties, const Value& memory) const override {
    Progress out;
    out.physical_id = generated_name(a, 64);
    {
      std::lock_guard lock(world_.mutex);
      world_.resumed += a.begun_before;
      world_.most_under_way = std::max(world_.most_under_way, ++world_.under_way);
    }
    if (properties.find("Slow")) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    {
      std::lock_guard lock(world_.mutex);
      --world_.under_way;
    }
    const int64_t rounds = memory.is_null() ? 0 : memory.as_int();
    if (rounds < properties.int_or("Waits")) {
      out.done = false;
      out.memory = rounds + 1;
      out.again_in = std::chrono::milliseconds(5);
      return out;
    }
    if (properties.string_or("Fail") == "create") throw Error(ErrorKind::conflict, "ThingAlreadyExists", "it is there");
    world_.note("create " + a.logical_id);
    std::lock_guard lock(world_.mutex);
    world_.there.insert(out.physical_id);
    out.attributes.set("Value", properties.string_or("Value"));
    return out;
  }
  Progress update(const Action& a, const std::string& id, const Value&, const Value& after,
                  const Value&) const override {
    if (after.string_or("Fail") == "update") throw Error(ErrorKind::caller, "Wrong", "can't be");
    if (after.find("Replace")) throw Error(ErrorKind::caller, "NotUpdatable", "it can't be changed");
    world_.note("update " + a.logical_id + " to " + after.string_or("Value"));
    Progress out;
    out.physical_id = id;
    out.attributes.set("Value", after.string_or("Value"));
    return out;
  }
  Progress remove(const Action& a, const std::string& id, const Value& properties, const Value&) const override {
    if (properties.string_or("Fail") == "remove") {
      std::lock_guard lock(world_.mutex);
      if (world_.tries[a.logical_id]++ == 0) throw Error(ErrorKind::conflict, "InUse", "it is in use");
    }
    world_.note("remove " + a.logical_id);
    std::lock_guard lock(world_.mutex);
    world_.there.erase(id);
    Progress out;
    out.physical_id = id;
    return out;
  }

 private:
  World& world_;
};

class StacksTest : public testing::Test {
 protected:
  StacksTest() : folder_(std::filesystem::temp_directory_path() / ("stacks-test-" + random_.hex(12))) {
    std::filesystem::create_directories(folder_);
    metadata_ = meta::open_sqlite((folder_ / "metadata.db").string(), clock_, false);
    identities_ = std::make_unique<govern::Identities>(*metadata_, clock_, random_);
    begin();
  }
  ~StacksTest() override {
    stacks_.reset();
    metadata_.reset();
    std::filesystem::remove_all(folder_);
  }

  // As after a restart.
  void begin() {
    stacks_.reset();
    stacks_ = std::make_unique<Stacks>(StacksPlatform{*metadata_, operations_, *identities_, clock_, random_, nullptr},
                                       StacksOptions{{}, true});
    stacks_->types().add(std::make_unique<FakeType>(world_));
    stacks_->start("http://127.0.0.1:1");
  }

  static api::Context context() {
    api::Context c;
    c.principal = govern::Identities::root_of("000000000000");
    c.region = "us-east-1";
    return c;
  }
  static std::string resources(const std::string& text) { return "{\"Resources\":{" + text + "}}"; }
  static std::string thing(const std::string& id, const std::string& properties, const std::string& more = "") {
    return "\"" + id + "\":{\"Type\":\"AWS::Fake::Thing\",\"Properties\":{" + properties + "}" + more + "}";
  }
  StackRecord settle(const std::string& name) {
    for (int i = 0; i < 4000; ++i) {
      StackRecord s = stacks_->stack(context(), name);
      if (!s.operation) return s;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "the stack does not settle";
    return {};
  }
  std::string create(const std::string& body) {
    cf::CreateStackInput in;
    in.stack_name = "s";
    in.template_body = body;
    id_ = stacks_->create(context(), in).id();
    return settle(id_).status();
  }
  std::string update(const std::string& body, bool disable_rollback = false) {
    cf::UpdateStackInput in;
    in.stack_name = "s";
    in.template_body = body;
    in.disable_rollback = disable_rollback;
    stacks_->update(context(), in);
    return settle(id_).status();
  }
  std::string remove() {
    cf::DeleteStackInput in;
    in.stack_name = id_;
    stacks_->remove(context(), in);
    return settle(id_).status();
  }
  std::vector<std::string> calls() {
    std::lock_guard lock(world_.mutex);
    return std::exchange(world_.calls, {});
  }
  std::string reason_of(const std::string& logical_id, const std::string& status) {
    for (auto& [key, e] : stacks_->records().events(stacks_->stack(context(), id_), {}, 1000))
      if (e.event.logical_resource_id == logical_id && e.event.resource_status == status)
        return e.event.resource_status_reason.value_or("");
    return "none";
  }

  SystemClock clock_;
  SystemRandom random_;
  std::filesystem::path folder_;
  std::unique_ptr<meta::Metadata> metadata_;
  std::unique_ptr<govern::Identities> identities_;
  api::Operations operations_;
  World world_;
  std::unique_ptr<Stacks> stacks_;
  std::string id_;
};

TEST_F(StacksTest, WhatAResourceNeedsIsThereBeforeIt) {
  EXPECT_EQ(create(resources(thing("C", R"("Value":{"Fn::GetAtt":["B","Value"]})") + "," +
                             thing("B", R"("Value":{"Ref":"A"})") + "," + thing("A", R"("Value":"a")"))),
            "CREATE_COMPLETE");
  EXPECT_THAT(calls(), ElementsAre("create A", "create B", "create C"));
  const auto records = stacks_->records().resources(stacks_->stack(context(), "s"));
  EXPECT_EQ(records.at("C").now.properties.string_or("Value"), records.at("A").now.physical_id);
  EXPECT_EQ(remove(), "DELETE_COMPLETE");
  EXPECT_THAT(calls(), ElementsAre("remove C", "remove B", "remove A"));
  EXPECT_TRUE(world_.there.empty());
}

TEST_F(StacksTest, WhatNeedsNothingIsMadeAtOnce) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += (i ? "," : "") + thing("R" + std::to_string(i), R"("Slow":true)");
  EXPECT_EQ(create(resources(text)), "CREATE_COMPLETE");
  EXPECT_GT(world_.most_under_way, 4);
}

TEST_F(StacksTest, AFailedCreationLeavesNothing) {
  EXPECT_EQ(create(resources(thing("A", "") + "," + thing("B", R"("Fail":"create","Value":{"Ref":"A"})"))),
            "ROLLBACK_COMPLETE");
  EXPECT_TRUE(world_.there.empty());
  EXPECT_THAT(reason_of("B", "CREATE_FAILED"), HasSubstr("Resource handler returned message: \"it is there\""));
  EXPECT_THAT(reason_of("B", "CREATE_FAILED"), HasSubstr("HandlerErrorCode: AlreadyExists"));
  EXPECT_EQ(reason_of("s", "ROLLBACK_IN_PROGRESS"),
            "The following resource(s) failed to create: [B]. Rollback requested by user.");
}

TEST_F(StacksTest, WhatWaitsIsGivenUpWhenAnotherFails) {
  EXPECT_EQ(create(resources(thing("A", R"("Waits":100000)") + "," + thing("B", R"("Waits":3,"Fail":"create")"))),
            "ROLLBACK_COMPLETE");
  EXPECT_EQ(reason_of("A", "CREATE_FAILED"), "Resource creation cancelled");
  EXPECT_THAT(calls(), Contains("remove A"));
}

TEST_F(StacksTest, AnUpdateReplacesBeforeItRemoves) {
  ASSERT_EQ(create(resources(thing("A", R"("Name":"1")") + "," + thing("B", R"("Value":{"Ref":"A"})") + "," +
                             thing("Gone", ""))),
            "CREATE_COMPLETE");
  calls();
  EXPECT_EQ(update(resources(thing("A", R"("Name":"2")") + "," + thing("B", R"("Value":{"Ref":"A"})"))),
            "UPDATE_COMPLETE");
  const auto done = calls();
  EXPECT_EQ(done.at(0), "create A");
  EXPECT_THAT(done.at(1), HasSubstr("update B to s-A-"));
  EXPECT_THAT(std::vector(done.begin() + 2, done.end()), testing::UnorderedElementsAre("remove A", "remove Gone"));
  EXPECT_EQ(world_.there.size(), 2u);
}

TEST_F(StacksTest, WhatCantBeUpdatedIsReplaced) {
  ASSERT_EQ(create(resources(thing("A", R"("Value":"1")"))), "CREATE_COMPLETE");
  const std::string before = *world_.there.begin();
  EXPECT_EQ(update(resources(thing("A", R"("Value":"2","Replace":true)"))), "UPDATE_COMPLETE");
  EXPECT_EQ(world_.there.size(), 1u);
  EXPECT_NE(*world_.there.begin(), before);
}

TEST_F(StacksTest, AFailedUpdateRestores) {
  ASSERT_EQ(create(resources(thing("A", R"("Value":"1")") + "," + thing("R", R"("Name":"1")") + "," +
                             thing("U", R"("Value":"1")"))),
            "CREATE_COMPLETE");
  const auto before = world_.there;
  calls();
  const std::string broken =
      resources(thing("A", R"("Value":"2")") + "," + thing("R", R"("Name":"2")") + "," + thing("N", "") + "," +
                thing("U", R"("Fail":"update","Value":"2")", R"(,"DependsOn":["A","R","N"])"));
  EXPECT_EQ(update(broken), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(world_.there, before);
  EXPECT_THAT(calls(), Contains("update A to 1"));
  const StackRecord s = stacks_->stack(context(), "s");
  const auto records = stacks_->records().resources(s);
  EXPECT_EQ(records.size(), 3u);
  EXPECT_EQ(records.at("A").now.properties.string_or("Value"), "1");
  EXPECT_FALSE(s.stable.has_value());

  EXPECT_EQ(update(broken, true), "UPDATE_FAILED");
  EXPECT_EQ(world_.there.size(), 5u);
  // What comes next goes on from there, and a rollback after it goes back to what was whole.
  EXPECT_EQ(update(resources(thing("A", R"("Value":"3")") + "," + thing("R", R"("Name":"3")") + "," + thing("N", "") +
                             "," + thing("U", R"("Fail":"update","Value":"3")", R"(,"DependsOn":["A","R","N"])"))),
            "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(world_.there, before);
}

TEST_F(StacksTest, ADeletionAfterAFailedUpdateLeavesNothing) {
  ASSERT_EQ(create(resources(thing("A", R"("Name":"1")") + "," + thing("U", ""))), "CREATE_COMPLETE");
  EXPECT_EQ(
      update(resources(thing("A", R"("Name":"2")") + "," + thing("U", R"("Fail":"update")", R"(,"DependsOn":"A")")),
             true),
      "UPDATE_FAILED");
  EXPECT_EQ(world_.there.size(), 3u);
  EXPECT_EQ(remove(), "DELETE_COMPLETE");
  EXPECT_TRUE(world_.there.empty());
}

TEST_F(StacksTest, AFailedDeletionCanBeTriedAgain) {
  ASSERT_EQ(create(resources(thing("A", R"("Fail":"remove")") + "," + thing("B", R"("Value":{"Ref":"A"})"))),
            "CREATE_COMPLETE");
  EXPECT_EQ(remove(), "DELETE_FAILED");
  EXPECT_EQ(settle(id_).shown.stack_status_reason, "The following resource(s) failed to delete: [A]. ");
  EXPECT_EQ(remove(), "DELETE_COMPLETE");
  EXPECT_TRUE(world_.there.empty());
}

TEST_F(StacksTest, WhatIsUnderWaySurvivesARestart) {
  cf::CreateStackInput in;
  in.stack_name = "s";
  in.template_body = resources(thing("A", R"("Waits":40)") + "," + thing("B", R"("Value":{"Ref":"A"})"));
  id_ = stacks_->create(context(), in).id();
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  begin();
  EXPECT_EQ(settle(id_).status(), "CREATE_COMPLETE");
  EXPECT_THAT(calls(), ElementsAre("create A", "create B"));
  EXPECT_GE(world_.resumed, 1);
  EXPECT_EQ(world_.there.size(), 2u);  // under one name before and after
}

TEST_F(StacksTest, AnUpdateCanBeCancelled) {
  ASSERT_EQ(create(resources(thing("A", R"("Value":"1")"))), "CREATE_COMPLETE");
  cf::UpdateStackInput in;
  in.stack_name = "s";
  in.template_body = resources(thing("A", R"("Value":"2")") + "," + thing("N", R"("Waits":100000)"));
  stacks_->update(context(), in);
  stacks_->cancel_update(context(), "s");
  EXPECT_EQ(settle(id_).status(), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(world_.there.size(), 1u);
}

TEST_F(StacksTest, WhatIsWrongIsNamedBeforeAnythingIsMade) {
  try {
    create(resources(thing("A", "") + ",\n" + thing("B", R"("Colour":"red")")));
    ADD_FAILURE() << "it was made";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), "ValidationError");
    EXPECT_THAT(e.message(), HasSubstr("B (AWS::Fake::Thing), line 2, /Properties/Colour: no colours"));
  }
  EXPECT_FALSE(stacks_->records().find({"000000000000", "us-east-1"}, "s"));
  EXPECT_TRUE(calls().empty());
}

}  // namespace
}  // namespace tarn::deploy
