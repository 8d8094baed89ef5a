#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/events/due_times.hpp"
#include "orchestrate/events/event_bus.hpp"
#include "orchestrate/events/schedule_times.hpp"
#include "orchestrate/events/schedules.hpp"

namespace tarn::orchestrate {
namespace {

using testing::ElementsAre;

std::string transformed(const std::map<std::string, std::string>& paths, const std::string& text, const char* event) {
  return InputTransformer(paths, text).apply(parse_json(event), {"arn:rule", "rule", Time()});
}

TEST(EventPath, FindsWhatItNames) {
  const Value event = parse_json(R"({"detail":{"items":[{"id":1},{"id":2}],"a b":3}})");
  auto at = [&](const char* path) { return to_json(EventPath::parse(path)->of(event).value_or(Value("nothing"))); };
  EXPECT_EQ(at("$.detail.items[1].id"), "2");
  EXPECT_EQ(at("$.detail.items[*].id"), "[1,2]");
  EXPECT_EQ(at("$.detail['a b']"), "3");
  EXPECT_EQ(at("$.detail.none"), "\"nothing\"");
  EXPECT_EQ(at("$"), to_json(event));
  for (const char* bad : {"", "detail", "$.", "$.a[", "$.a[x]", "$a"}) EXPECT_FALSE(EventPath::parse(bad)) << bad;
}

TEST(InputTransformer, PutsVariablesWhereTheyStand) {
  const std::map<std::string, std::string> paths{
      {"name", "$.detail.name"}, {"all", "$.detail"}, {"none", "$.detail.x"}};
  const char* event = R"({"id":"1","detail":{"name":"a \"b\"","n":2}})";
  EXPECT_EQ(transformed(paths, R"({"who":<name>,"what":<all>})", event),
            R"({"who":"a \"b\"","what":{"name":"a \"b\"","n":2}})");
  EXPECT_EQ(transformed(paths, R"("it is <name>, <all>")", event), R"("it is a \"b\", {name:a b,n:2}")");
  EXPECT_EQ(transformed(paths, R"({"x":<none>})", event), R"({"x":""})");
  EXPECT_EQ(transformed({}, R"({"r":"<aws.events.rule-name>","e":<aws.events.event>})", event),
            R"({"r":"rule","e":{"id":"1"}})");
  EXPECT_EQ(transformed({}, "<aws.events.event.json>", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(transformed({}, "\"one\"\n\"two < 3\"", "{}"), "\"one\"\n\"two < 3\"");
}

TEST(InputTransformer, WhatIsNone) {
  auto bad = [](const std::map<std::string, std::string>& paths, const char* text) {
    EXPECT_THROW(InputTransformer(paths, text), Error) << text;
  };
  bad({}, "it is <name>");
  bad({}, R"("it is <name>")");
  bad({}, "plain");
  bad({}, R"({"a":})");
  bad({{"aws.events.x", "$.a"}}, R"("a")");
  bad({{"a", "b"}}, R"("a")");
}

std::vector<std::string> instants(const char* expression, const char* zone, const char* from, int count,
                                  const char* start = "1970-01-01T00:00:00Z") {
  const ScheduleTimes times(expression, zone);
  std::vector<std::string> out;
  Time t = *parse_iso8601(from);
  for (int i = 0; i < count; ++i) {
    auto next = times.next_after(t, *parse_iso8601(start));
    if (!next) break;
    out.push_back(format_iso8601(t = *next, false));
  }
  return out;
}

TEST(ScheduleTimes, ClocksPutForwardAndBack) {
  // 02:30 is never shown on March 14, and counts once on November 1, as does 01:30.
  EXPECT_THAT(instants("cron(30 2 * * ? *)", "America/New_York", "2027-03-13T00:00:00Z", 3),
              ElementsAre("2027-03-13T07:30:00Z", "2027-03-15T06:30:00Z", "2027-03-16T06:30:00Z"));
  EXPECT_THAT(instants("cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00:00Z", 2),
              ElementsAre("2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"));
  EXPECT_THAT(instants("cron(30 1 * * ? *)", "America/New_York", "2026-11-01T06:00:00Z", 1),
              ElementsAre("2026-11-02T06:30:00Z"));
  EXPECT_THAT(instants("at(2026-07-01T09:00:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", 3),
              ElementsAre("2026-07-01T07:00:00Z"));
  EXPECT_THAT(instants("at(2027-03-14T02:30:00)", "America/New_York", "2026-01-01T00:00:00Z", 3),
              ElementsAre("2027-03-14T07:30:00Z"));
}

TEST(ScheduleTimes, RatesCountHoursFromTheirFirstInstant) {
  EXPECT_THAT(instants("rate(1 day)", "America/New_York", "2027-03-13T11:00:00Z", 3, "2027-03-13T12:00:00Z"),
              ElementsAre("2027-03-13T12:00:00Z", "2027-03-14T12:00:00Z", "2027-03-15T12:00:00Z"));
  EXPECT_THROW(ScheduleTimes("rate(1 days)", "UTC"), Error);
  EXPECT_THROW(ScheduleTimes("rate(1 day)", "Nowhere/Land"), Error);
}

TEST(DueTimes, ASoonerTimeWakesTheOneThatSleeps) {
  ManualClock clock(Time{});
  DueTimes due(clock);
  std::mutex mutex;
  std::vector<std::string> fired;
  due.start([&](const std::vector<Due>& now) {
    std::lock_guard lock(mutex);
    for (const Due& d : now) {
      fired.push_back(d.key);
      due.set(d.key, std::nullopt);
    }
  });
  auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  due.set("late", Time(std::chrono::hours(10)));
  pause();
  due.set("late", std::nullopt);
  due.set("b", Time(std::chrono::hours(2)));
  pause();
  due.set("a", Time(std::chrono::hours(1)));
  pause();
  clock.advance(std::chrono::hours(3));
  for (int i = 0; i < 100 && due.size() > 0; ++i) pause();
  std::lock_guard lock(mutex);
  EXPECT_THAT(fired, ElementsAre("a", "b"));
}

// Buses and schedules over operations that only note what they are called with.
class EventsTest : public testing::Test {
 protected:
  EventsTest() {
    std::filesystem::create_directories(folder_);
    operations_.add("sqs:SendMessage", [this](api::Context&, const Value& input) {
      std::lock_guard lock(mutex_);
      if (fails_-- > 0) throw Error(ErrorKind::bug, "InternalError", "no");
      sent_.push_back(input);
      return Value::map({{"MessageId", "1"}, {"MD5OfMessageBody", "1"}});
    });
    open();
  }
  ~EventsTest() override {
    close();
    std::filesystem::remove_all(folder_);
  }

  struct Parts {
    std::unique_ptr<meta::Metadata> metadata;
    notify::MessageStore store;
    notify::Deliveries deliveries;
    notify::Targets targets;
    govern::Identities identities;
    Invocations invocations;
    EventBus bus;
    Schedules schedules;
    Parts(const std::string& folder, Clock& clock, Random& random, Metrics& metrics, api::Operations& operations)
        : metadata(meta::open_sqlite(folder + "/metadata.db", clock, false)),
          store(folder + "/events", false),
          deliveries(store, clock, metrics),
          targets(operations, clock, random),
          identities(*metadata, clock, random),
          invocations(deliveries, targets, operations, identities, clock, random, metrics),
          bus(*metadata, store, invocations, clock, random),
          schedules(*metadata, store, invocations, operations, clock, random) {}
  };
  void open() { parts_ = std::make_unique<Parts>(folder_, clock_, random_, metrics_, operations_); }
  void start() {
    parts_->bus.start();
    parts_->schedules.start();
    parts_->invocations.start();
  }
  void close() {
    if (!parts_) return;
    parts_->bus.stop();
    parts_->schedules.stop();
    parts_->deliveries.stop();
    parts_.reset();
  }
  // What the queues got by the time that there are so many.
  std::vector<Value> sent(std::size_t count) {
    for (int i = 0; i < 500; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      std::lock_guard lock(mutex_);
      if (sent_.size() >= count) return sent_;
    }
    std::lock_guard lock(mutex_);
    return sent_;
  }
  void rule(const std::string& name, const std::string& pattern, const std::string& queue = "q") {
    api::events::PutRuleRequest in;
    in.event_pattern = pattern;
    put_rule(name, in, queue);
  }
  void put_rule(const std::string& name, const api::events::PutRuleRequest& in, const std::string& queue = "q") {
    const RuleAddress address{bus_address("000000000000", "us-east-1", {}), name};
    parts_->bus.rules.put(address, "test", in);
    api::events::Target t;
    t.id = "1";
    t.arn = "arn:aws:sqs:us-east-1:000000000000:" + queue;
    parts_->bus.rules.put_targets(address, "test", {t});
  }
  void put_event() {
    parts_->bus.put(ServiceEvent{"000000000000", "us-east-1", "aws.x", "T", {}, Value::map({{"a", 1}}), clock_.now()});
  }
  void schedule(const std::string& expression,
                const std::function<void(api::scheduler::CreateScheduleInput&)>& more = {}) {
    api::scheduler::CreateScheduleInput in;
    in.name = "s";
    in.schedule_expression = expression;
    in.target.arn = "arn:aws:sqs:us-east-1:000000000000:q";
    in.target.role_arn = "arn:aws:iam::000000000000:role/r";
    in.target.input = "<aws.scheduler.scheduled-time>";
    in.flexible_time_window.mode = "OFF";
    if (more) more(in);
    parts_->schedules.create({"000000000000", "us-east-1", "default", in.name}, "test", in);
  }
  static std::vector<std::string> bodies(const std::vector<Value>& sent) {
    std::vector<std::string> out;
    for (const Value& v : sent) out.push_back(v.string_or("MessageBody"));
    std::sort(out.begin(), out.end());
    return out;
  }

  const std::string folder_ = testing::TempDir() + "/tarn-events-" + SystemRandom().hex(8);
  ManualClock clock_{*parse_iso8601("2026-11-28T12:00:00Z")};
  SystemRandom random_;
  Metrics metrics_;
  api::Operations operations_;
  std::mutex mutex_;
  std::vector<Value> sent_;
  int fails_ = 0;
  std::unique_ptr<Parts> parts_;
};

TEST_F(EventsTest, WhatWasTakenIsDeliveredByTheNextProcess) {
  rule("r", R"({"source":["aws.x"]})");
  put_event();
  close();
  open();
  start();
  EXPECT_EQ(sent(1).size(), 1u);
  EXPECT_EQ(parse_json(sent(1)[0].string_or("MessageBody")).string_or("source"), "aws.x");
}

TEST_F(EventsTest, ARuleThatIsGoneCallsNothing) {
  rule("r", R"({"source":["aws.x"]})");
  put_event();
  const RuleAddress address{bus_address("000000000000", "us-east-1", {}), "r"};
  EXPECT_THROW(parts_->bus.rules.remove(address, "test"), Error);
  parts_->bus.rules.remove_targets(address, "test", {"1"});
  start();
  put_event();
  rule("other", R"({"source":["aws.x"]})");
  put_event();
  EXPECT_EQ(sent(1).size(), 1u);
}

TEST_F(EventsTest, FailuresAreRepeatedByTheClock) {
  rule("r", R"({"source":["aws.x"]})");
  fails_ = 2;
  start();
  put_event();
  for (int i = 0; i < 10 && sent_.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    clock_.advance(std::chrono::minutes(1));
  }
  EXPECT_EQ(sent(1).size(), 1u);
}

TEST_F(EventsTest, EveryInstantOfAScheduledRuleCounts) {
  start();
  api::events::PutRuleRequest in;
  in.schedule_expression = "rate(6 hours)";
  put_rule("r", in);
  clock_.advance(std::chrono::hours(36));
  const auto got = sent(6);
  ASSERT_EQ(got.size(), 6u);
  EXPECT_EQ(parse_json(got[0].string_or("MessageBody")).string_or("detail-type"), "Scheduled Event");
}

TEST_F(EventsTest, SchedulesFireForEachInstantAndOnceForWhatWasMissed) {
  start();
  schedule("cron(0 * * * ? *)");
  clock_.advance(std::chrono::hours(3));
  EXPECT_THAT(bodies(sent(3)), ElementsAre("2026-11-28T13:00:00Z", "2026-11-28T14:00:00Z", "2026-11-28T15:00:00Z"));
  close();
  clock_.advance(std::chrono::hours(5));
  open();
  start();
  EXPECT_EQ(bodies(sent(4)).back(), "2026-11-28T16:00:00Z");
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(bodies(sent(5)).back(), "2026-11-28T21:00:00Z");
  EXPECT_EQ(sent(6).size(), 5u);
}

TEST_F(EventsTest, ARateBeginsAtOnceAndAOneTimeScheduleGoesWhenItIsDone) {
  start();
  schedule("rate(1 hour)");
  EXPECT_EQ(sent(1).size(), 1u);
  parts_->schedules.remove({"000000000000", "us-east-1", "default", "s"}, "test");
  schedule("at(2026-11-28T14:00:00)", [](auto& in) { in.action_after_completion = "DELETE"; });
  clock_.advance(std::chrono::hours(3));
  EXPECT_EQ(sent(2).size(), 2u);
  const ScheduleAddress address{"000000000000", "us-east-1", "default", "s"};
  for (int i = 0; i < 200; ++i) {
    try {
      parts_->schedules.get(address);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    } catch (const Error&) {
      break;
    }
  }
  EXPECT_THROW(parts_->schedules.get(address), Error);
}

TEST_F(EventsTest, ADeletedScheduleCallsNothing) {
  start();
  schedule("cron(0 * * * ? *)");
  parts_->schedules.remove({"000000000000", "us-east-1", "default", "s"}, "test");
  clock_.advance(std::chrono::hours(3));
  schedule("at(2026-11-28T16:00:00)");
  clock_.advance(std::chrono::hours(2));
  EXPECT_THAT(bodies(sent(1)), ElementsAre("2026-11-28T16:00:00Z"));
}

TEST_F(EventsTest, FlexibleWindowsAndEnds) {
  start();
  schedule("rate(1 hour)", [&](auto& in) {
    in.start_date = clock_.now() + std::chrono::hours(1);
    in.end_date = clock_.now() + std::chrono::hours(3);
    in.flexible_time_window = {"FLEXIBLE", 30};
  });
  clock_.advance(std::chrono::hours(10));
  EXPECT_THAT(bodies(sent(3)), ElementsAre("2026-11-28T13:00:00Z", "2026-11-28T14:00:00Z", "2026-11-28T15:00:00Z"));
}

}  // namespace
}  // namespace tarn::orchestrate
