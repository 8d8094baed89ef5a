// Wait conditions: a stack waits until whoever has the handle's URL has signalled
// ("AWS::CloudFormation::WaitCondition", AWS CloudFormation User Guide).
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/own_types/own_types.hpp"
#include "deploy/stack_events.hpp"
#include "deploy/template.hpp"

namespace tarn::deploy {
namespace {

constexpr int64_t max_timeout_s = 43'200;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorKind::outside, plain_failure, message);
}

int64_t number(const Value* v, int64_t otherwise) {
  if (!v) return otherwise;
  const std::string text = text_of(*v);
  int64_t out = 0;
  for (char c : text) {
    if (c < '0' || c > '9' || out > 1'000'000) return -1;
    out = out * 10 + (c - '0');
  }
  return text.empty() ? -1 : out;
}

std::string token_of(const std::string& url) {
  const std::size_t at = url.rfind("token=");
  return at == url.npos ? "" : url.substr(at + 6);
}

class WaitConditionHandle : public ResourceType {
 public:
  explicit WaitConditionHandle(Answers answers) : answers_(answers) {}
  std::string_view name() const override { return "AWS::CloudFormation::WaitConditionHandle"; }
  std::vector<PropertyProblem> check(const Value& properties) const override {
    return check_members(properties, {}, {});
  }
  bool has_attribute(std::string_view) const override { return false; }
  Replacement replacement(std::string_view) const override { return Replacement::always; }
  Progress create(const Action& action, const Value&, const Value&) const override {
    // A restart makes another: nobody knows the first yet.
    const std::string token = action.random.hex(64);
    answers_.expect(token);
    Progress out;
    out.physical_id = Answers::url(action.endpoint, token);
    return out;
  }
  Progress update(const Action&, const std::string& id, const Value&, const Value&, const Value&) const override {
    Progress out;
    out.physical_id = id;
    return out;
  }
  Progress remove(const Action&, const std::string& id, const Value&, const Value&) const override {
    answers_.forget(token_of(id));
    Progress out;
    out.physical_id = id;
    return out;
  }

 private:
  mutable Answers answers_;
};

class WaitCondition : public ResourceType {
 public:
  explicit WaitCondition(Answers answers) : answers_(answers) {}
  std::string_view name() const override { return "AWS::CloudFormation::WaitCondition"; }
  std::vector<PropertyProblem> check(const Value& properties) const override {
    auto out = check_members(properties, {"Count", "Handle", "Timeout"}, {"Handle", "Timeout"});
    if (const Value* v = properties.find("Timeout"); v && !v->is_map())
      if (const int64_t s = number(v, 0); s < 0 || s > max_timeout_s)
        out.push_back({PropertyProblem::Kind::wrong, "/Timeout", "Timeout must be from 0 to 43200 seconds."});
    if (const Value* v = properties.find("Count"); v && !v->is_map() && number(v, 1) < 0)
      out.push_back({PropertyProblem::Kind::wrong, "/Count", "Count must be a number."});
    return out;
  }
  bool has_attribute(std::string_view attribute) const override { return attribute == "Data"; }
  Replacement replacement(std::string_view) const override { return Replacement::never; }

  Progress create(const Action& action, const Value& properties, const Value& memory) const override {
    Progress out;
    out.physical_id = action.stack_id + "/" + action.logical_id;
    const int64_t count = number(properties.find("Count"), 1);
    std::set<std::string> seen;
    Value data = Value::map();
    for (const std::string& text : answers_.all(token_of(properties.string_or("Handle")))) {
      Value signal;
      try {
        signal = parse_json(text);
      } catch (const Error&) {
        fail("WaitCondition received a malformed signal");
      }
      const std::string id = signal.string_or("UniqueId");
      if (signal.string_or("Status") != "SUCCESS")
        fail("WaitCondition received failed message: '" + signal.string_or("Reason") + "' for uniqueId: " + id);
      if (seen.insert(id).second) data.set(id, signal.string_or("Data"));
    }
    if (static_cast<int64_t>(seen.size()) >= count) {
      out.attributes.set("Data", to_json(data));
      return out;
    }
    out.done = false;
    out.memory = memory;
    if (memory.is_null())
      out.memory =
          Value::map({{"Until", (action.clock.now() + std::chrono::seconds(number(properties.find("Timeout"), 0)))
                                    .time_since_epoch()
                                    .count()}});
    else if (action.clock.now().time_since_epoch().count() >= memory.int_or("Until"))
      fail("WaitCondition timed out. Received " + std::to_string(seen.size()) + " conditions when expecting " +
           std::to_string(count));
    out.again_in = std::chrono::milliseconds(200);
    return out;
  }
  Progress update(const Action&, const std::string&, const Value&, const Value&, const Value&) const override {
    fail("Update to resource type AWS::CloudFormation::WaitCondition is not supported.");
  }
  Progress remove(const Action&, const std::string& id, const Value&, const Value&) const override {
    Progress out;
    out.physical_id = id;
    return out;
  }

 private:
  mutable Answers answers_;
};

}  // namespace

std::unique_ptr<ResourceType> make_wait_condition_type(Answers answers) {
  return std::make_unique<WaitCondition>(answers);
}
std::unique_ptr<ResourceType> make_wait_condition_handle_type(Answers answers) {
  return std::make_unique<WaitConditionHandle>(answers);
}

}  // namespace tarn::deploy
