// The interpreter over a stand-in for what its tasks call: time limits, retries by the clock, and what is done again
// after a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/executions.hpp"

namespace tarn::states {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class ExecutionTest : public testing::Test {
 protected:
  ExecutionTest() {
    path = std::filesystem::temp_directory_path() / ("tarn-states-test-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
    metadata = meta::open_sqlite(path / "metadata.db", clock, false);
    operations.add("sqs:SendMessage", [this](api::Context& c, const Value& input) -> Value {
      ++calls;
      actor = c.principal.arn;
      return send(input);
    });
    open();
  }
  ~ExecutionTest() override {
    executions.reset();
    metadata.reset();
    std::filesystem::remove_all(path);
  }

  void open() {
    executions = std::make_unique<Executions>(
        StatesPlatform{*metadata, operations,
                       [](const std::string& role, const std::string& session) {
                         return api::Principal{"123456789012", role + "/" + session, "", ""};
                       },
                       clock, random},
        StatesOptions{path / "executions", false, false});
    executions->start();
  }

  std::string start(const std::string& states, const std::string& input = "{}") {
    Machine m;
    m.arn = {"us-east-1", "123456789012", "stateMachine", "m", ""};
    m.definition = R"({"StartAt":"A","States":)" + states + "}";
    m.role_arn = "arn:aws:iam::123456789012:role/r";
    for (const Diagnostic& d : check_definition(m.definition, false)) ADD_FAILURE() << d.message << d.location;
    return executions->begin({m, {}, {}}, {{}, {}, input}).arn;
  }

  template <class F>
  bool eventually(const F& is_so) {
    for (int i = 0; i < 1000; i++) {
      if (is_so()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  ExecutionRecord ended(const std::string& arn) {
    EXPECT_TRUE(eventually([&] { return executions->get(arn).ended(); }));
    return executions->get(arn);
  }
  std::vector<std::string> types(const std::string& arn) {
    std::vector<std::string> out;
    for (const Value& e : executions->records().events(executions->get(arn).number, 1, 1000))
      out.push_back(e.string_or("type"));
    return out;
  }
  bool reached(const std::string& arn, const std::string& type, int64_t times = 1) {
    return eventually([&] {
      const auto all = types(arn);
      return std::count(all.begin(), all.end(), type) == times;
    });
  }

  std::filesystem::path path;
  ManualClock clock{Time(1'800'000'000'000ms)};
  SeededRandom random{7};
  std::unique_ptr<meta::Metadata> metadata;
  api::Operations operations;
  std::function<Value(const Value&)> send = [](const Value&) { return Value::map({{"MessageId", "m"}}); };
  std::atomic<int> calls = 0;
  std::string actor;
  std::unique_ptr<Executions> executions;
};

const std::string send_task = R"("Type":"Task","Resource":"arn:aws:states:::aws-sdk:sqs:sendMessage",
  "Parameters":{"QueueUrl":"/1/q","MessageBody":"b"})";

TEST_F(ExecutionTest, CallsAsTheMachinesRole) {
  const std::string arn = start("{\"A\":{" + send_task + ",\"End\":true}}");
  EXPECT_EQ(ended(arn).status, "SUCCEEDED");
  EXPECT_EQ(*executions->records().output(executions->get(arn).number), R"({"MessageId":"m"})");
  EXPECT_EQ(actor, "arn:aws:iam::123456789012:role/r/" + executions->get(arn).name);
}

TEST_F(ExecutionTest, RetriesByTheClock) {
  send = [this](const Value&) -> Value {
    if (calls < 3) throw Error(ErrorKind::limit, "ThrottlingException", "slow down");
    return Value::map();
  };
  const std::string arn =
      start("{\"A\":{" + send_task +
            R"(,"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":10,"BackoffRate":3}],"End":true}})");
  ASSERT_TRUE(reached(arn, "TaskFailed", 1));
  clock.advance(9s);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(calls, 1);
  clock.advance(1s);
  ASSERT_TRUE(reached(arn, "TaskFailed", 2));
  clock.advance(29s);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(calls, 2);
  clock.advance(1s);
  EXPECT_EQ(ended(arn).status, "SUCCEEDED");
}

const std::string token_task = R"("Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
  "Parameters":{"QueueUrl":"/1/q","MessageBody.$":"$$.Task.Token"},"HeartbeatSeconds":10,"TimeoutSeconds":25)";

TEST_F(ExecutionTest, MissedHeartbeatsAndTimeLimitsEndATask) {
  std::string token;
  send = [&](const Value& in) {
    token = in.at("MessageBody").as_string();
    return Value::map({{"MessageId", "m"}});
  };
  const std::string arn =
      start("{\"A\":{" + token_task +
            R"(,"Catch":[{"ErrorEquals":["States.HeartbeatTimeout"],"Next":"B"}],"End":true},"B":{"Type":"Succeed"}})");
  ASSERT_TRUE(reached(arn, "TaskSubmitted"));
  clock.advance(8s);
  executions->task_heartbeat(token);
  clock.advance(8s);
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(executions->get(arn).ended());
  clock.advance(2s);
  ASSERT_EQ(ended(arn).status, "SUCCEEDED");
  EXPECT_TRUE(reached(arn, "TaskTimedOut"));
  EXPECT_THROW(executions->task_succeeded(token, "1"), Error);

  const std::string slow = start("{\"A\":{" + token_task + ",\"End\":true}}");
  ASSERT_TRUE(reached(slow, "TaskSubmitted"));
  for (int i = 0; i < 3; i++) {
    executions->task_heartbeat(token);
    clock.advance(9s);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(ended(slow).error, "States.Timeout");
}

TEST_F(ExecutionTest, WhatIsRecordedIsNotDoneAgain) {
  const std::string arn =
      start("{\"A\":{" + send_task + R"(,"ResultPath":null,"Next":"P"},
    "P":{"Type":"Parallel","End":true,"Branches":[
      {"StartAt":"B","States":{"B":{)" +
                send_task + R"(,"ResultPath":null,"Next":"W"},"W":{"Type":"Wait","Seconds":60,"End":true}}},
      {"StartAt":"C","States":{"C":{"Type":"Pass","Result":3,"End":true}}}]}})",
            "1");
  ASSERT_TRUE(reached(arn, "WaitStateEntered"));
  executions.reset();
  open();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(calls, 2);
  clock.advance(60s);
  EXPECT_EQ(ended(arn).status, "SUCCEEDED");
  EXPECT_EQ(*executions->records().output(executions->get(arn).number), "[1,3]");
  EXPECT_EQ(calls, 2);
}

TEST_F(ExecutionTest, ACallThatHadNotReturnedIsMadeAgain) {
  std::atomic<bool> hang = true;
  send = [&](const Value&) -> Value {
    while (hang) std::this_thread::sleep_for(5ms);
    return Value::map();
  };
  const std::string arn = start("{\"A\":{" + send_task + ",\"End\":true}}");
  ASSERT_TRUE(eventually([&] { return calls == 1; }));
  std::thread closing([&] { executions.reset(); });
  std::this_thread::sleep_for(50ms);
  hang = false;  // its answer comes too late
  closing.join();
  open();
  EXPECT_EQ(ended(arn).status, "SUCCEEDED");
  EXPECT_EQ(calls, 2);
  EXPECT_THAT(types(arn), ElementsAre("ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted",
                                      "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"));
}

// An operation that waits, as a function's invocation does.
TEST_F(ExecutionTest, ACallThatWaitsHoldsNoThread) {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Signal>> waits;
  operations.add("lambda:Invoke", [&](api::Context& c, const Value& in) -> Value {
    std::lock_guard lock(mutex);
    auto found = waits.find(c.request_id);
    if (found != waits.end())
      return Value::map({{"Payload", in.at("Payload")}, {"StatusCode", 200}, {"ExecutedVersion", "$LATEST"}});
    api::wait_slot(c)->wait = waits[c.request_id] = std::make_shared<Signal>();
    return Value::map();
  });
  std::vector<std::string> arns;
  for (int i = 0; i < 200; i++)
    arns.push_back(
        start(R"({"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true}})",
              std::to_string(i)));
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return waits.size() == arns.size();
  }));
  for (auto& [id, wait] : waits) wait->end();
  for (std::size_t i = 0; i < arns.size(); i++) {
    ASSERT_EQ(ended(arns[i]).status, "SUCCEEDED");
    EXPECT_EQ(*executions->records().output(executions->get(arns[i]).number), std::to_string(i));
  }
  EXPECT_THAT(types(arns[0]),
              ElementsAre("ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted",
                          "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"));
}

TEST_F(ExecutionTest, AFailedBranchEndsTheOthers) {
  const std::string arn = start(R"({"A":{"Type":"Parallel","End":true,"Branches":[
      {"StartAt":"B","States":{"B":{"Type":"Wait","Seconds":600,"End":true}}},
      {"StartAt":"C","States":{"C":{"Type":"Fail","Error":"E","Cause":"c"}}}]}})");
  EXPECT_EQ(ended(arn).error, "E");
  EXPECT_THAT(types(arn),
              ElementsAre("ExecutionStarted", "ParallelStateEntered", "ParallelStateStarted", "WaitStateEntered",
                          "FailStateEntered", "WaitStateAborted", "ParallelStateFailed", "ExecutionFailed"));
}

TEST_F(ExecutionTest, AHeldPlatformLetsNothingGoOn) {
  const std::string arn = start(R"({"A":{"Type":"Wait","Seconds":10,"End":true}})");
  ASSERT_TRUE(reached(arn, "WaitStateEntered"));
  {
    auto held = executions->hold();
    executions->reset();
  }
  clock.advance(20s);
  EXPECT_THROW(executions->get(arn), Error);
}

TEST_F(ExecutionTest, AThousandWaitAtOnce) {
  std::vector<std::string> arns;
  for (int i = 0; i < 1000; i++) arns.push_back(start(R"({"A":{"Type":"Wait","Seconds":60,"End":true}})"));
  for (const std::string& arn : arns) ASSERT_TRUE(reached(arn, "WaitStateEntered"));
  clock.advance(60s);
  for (const std::string& arn : arns) ASSERT_EQ(ended(arn).status, "SUCCEEDED");
}

}  // namespace
}  // namespace tarn::states
