#include "gateway/logs/logs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "api/logs.hpp"
#include "base/error.hpp"

namespace tarn::gateway {
namespace {

namespace logs = api::logs;
using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr int64_t now_ms = 1'700'000'000'000;

class LogsApi : public testing::Test {
 protected:
  LogsApi()
      : folder_("/tmp/tarn-logs-api-" + std::to_string(getpid()) + "-" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    metadata_ = meta::open_sqlite(folder_ + "/meta.db", clock_, false);
    store_ = std::make_unique<meta::LogStore>(*metadata_, clock_, folder_ + "/logs");
    register_logs(operations_, *store_);
  }
  ~LogsApi() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  Value call(const std::string& operation, const Value& input) {
    api::Context c;
    c.principal = {"000000000000", "arn:aws:iam::000000000000:root", "000000000000", ""};
    c.region = "us-east-1";
    c.now = clock_.now();
    return operations_.call(c, "logs:" + operation, input);
  }
  std::string failure(const std::string& operation, const Value& input) {
    try {
      call(operation, input);
    } catch (const Error& e) {
      return e.code() + ": " + e.message();
    }
    return "";
  }
  void make(const std::string& group, const std::string& stream) {
    if (!store_->find_group({"000000000000", "us-east-1"}, group))
      call("CreateLogGroup", Value::map({{"logGroupName", group}}));
    call("CreateLogStream", Value::map({{"logGroupName", group}, {"logStreamName", stream}}));
  }
  static Value batch(const std::vector<std::pair<int64_t, std::string>>& events) {
    Value list = Value::list();
    for (const auto& [at, message] : events)
      list.push_back(Value::map({{"timestamp", now_ms + at}, {"message", message}}));
    return list;
  }
  Value put(const std::string& group, const std::string& stream,
            const std::vector<std::pair<int64_t, std::string>>& events) {
    return call("PutLogEvents",
                Value::map({{"logGroupName", group}, {"logStreamName", stream}, {"logEvents", batch(events)}}));
  }
  // The messages of a GetLogEvents or FilterLogEvents.
  std::vector<std::string> messages(const std::string& operation, Value input, Value* out = nullptr) {
    Value answer = call(operation, input);
    std::vector<std::string> found;
    for (const Value& e : answer.at("events").as_list()) found.push_back(e.at("message").as_string());
    if (out) *out = answer;
    return found;
  }
  static Value get(const std::string& group, const std::string& stream) {
    return Value::map({{"logGroupName", group}, {"logStreamName", stream}});
  }

  std::string folder_;
  ManualClock clock_{Time(std::chrono::milliseconds(now_ms))};
  std::unique_ptr<meta::Metadata> metadata_;
  std::unique_ptr<meta::LogStore> store_;
  api::Operations operations_;
};

TEST_F(LogsApi, DescribesGroups) {
  make("/aws/b", "s");
  make("/aws/a", "s");
  make("other", "s");
  call("PutRetentionPolicy", Value::map({{"logGroupName", "/aws/a"}, {"retentionInDays", 7}}));
  put("/aws/a", "s", {{0, "abcd"}});
  Value all = call("DescribeLogGroups", Value::map({{"logGroupNamePrefix", "/aws"}}));
  ASSERT_EQ(all.at("logGroups").as_list().size(), 2u);
  const Value& a = all.at("logGroups").as_list()[0];
  EXPECT_EQ(a.at("logGroupName").as_string(), "/aws/a");
  EXPECT_EQ(a.at("arn").as_string(), "arn:aws:logs:us-east-1:000000000000:log-group:/aws/a:*");
  EXPECT_EQ(a.at("logGroupArn").as_string(), "arn:aws:logs:us-east-1:000000000000:log-group:/aws/a");
  EXPECT_EQ(a.at("retentionInDays").as_int(), 7);
  EXPECT_EQ(a.at("storedBytes").as_int(), 30);
  EXPECT_EQ(a.at("creationTime").as_int(), now_ms);
  EXPECT_FALSE(all.at("logGroups").as_list()[1].find("retentionInDays"));
  EXPECT_FALSE(all.find("nextToken"));

  Value first = call("DescribeLogGroups", Value::map({{"limit", 2}}));
  Value rest = call("DescribeLogGroups", Value::map({{"limit", 2}, {"nextToken", first.at("nextToken")}}));
  EXPECT_EQ(rest.at("logGroups").as_list()[0].at("logGroupName").as_string(), "other");
  EXPECT_FALSE(rest.find("nextToken"));
  EXPECT_EQ(call("DescribeLogGroups", Value::map({{"logGroupNamePattern", "ther"}})).at("logGroups").as_list().size(),
            1u);
  EXPECT_THAT(failure("DescribeLogGroups", Value::map({{"logGroupNamePattern", "a"}, {"logGroupNamePrefix", "a"}})),
              testing::StartsWith("InvalidParameterException"));
  EXPECT_THAT(failure("DescribeLogGroups", Value::map({{"nextToken", "%"}})),
              testing::StartsWith("InvalidParameterException"));
}

TEST_F(LogsApi, DescribesStreams) {
  for (auto name : {"a", "b", "c"}) make("g", name);
  put("g", "b", {{-5000, "x"}, {-10, "y"}});
  put("g", "a", {{-100, "x"}});
  auto names = [&](Value input) {
    input.set("logGroupName", "g");
    std::vector<std::string> out;
    Value answer;
    do {
      answer = call("DescribeLogStreams", input);
      for (const Value& s : answer.at("logStreams").as_list()) out.push_back(s.at("logStreamName").as_string());
      if (const Value* token = answer.find("nextToken")) input.set("nextToken", *token);
    } while (answer.find("nextToken"));
    return out;
  };
  EXPECT_THAT(names(Value::map({{"limit", 2}})), ElementsAre("a", "b", "c"));
  EXPECT_THAT(names(Value::map({{"limit", 1}, {"descending", true}})), ElementsAre("c", "b", "a"));
  EXPECT_THAT(names(Value::map({{"orderBy", "LastEventTime"}, {"descending", true}, {"limit", 1}})),
              ElementsAre("b", "a", "c"));
  EXPECT_THAT(names(Value::map({{"logStreamNamePrefix", "b"}})), ElementsAre("b"));
  EXPECT_THAT(failure("DescribeLogStreams",
                      Value::map({{"logGroupName", "g"}, {"orderBy", "LastEventTime"}, {"logStreamNamePrefix", "b"}})),
              testing::StartsWith("InvalidParameterException"));
  Value b = call("DescribeLogStreams",
                 Value::map({{"logGroupIdentifier", "arn:aws:logs:us-east-1:000000000000:log-group:g:*"},
                             {"logStreamNamePrefix", "b"}}))
                .at("logStreams")
                .as_list()[0];
  EXPECT_EQ(b.at("firstEventTimestamp").as_int(), now_ms - 5000);
  EXPECT_EQ(b.at("lastEventTimestamp").as_int(), now_ms - 10);
  EXPECT_EQ(b.at("arn").as_string(), "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:b");
  EXPECT_THAT(failure("DescribeLogStreams", Value::map({{"logGroupName", "none"}})),
              testing::StartsWith("ResourceNotFoundException"));
}

TEST_F(LogsApi, ChecksABatch) {
  make("g", "s");
  auto refusal = [&](const std::vector<std::pair<int64_t, std::string>>& events) {
    return failure("PutLogEvents",
                   Value::map({{"logGroupName", "g"}, {"logStreamName", "s"}, {"logEvents", batch(events)}}));
  };
  EXPECT_EQ(refusal({{0, "a"}, {-1, "b"}}),
            "InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order.");
  EXPECT_EQ(refusal({{-25 * 3'600'000, "a"}, {0, "b"}}),
            "InvalidParameterException: The batch of log events in a single PutLogEvents request cannot span more than "
            "24 hours.");
  EXPECT_THAT(refusal({{0, std::string(1024 * 1024 + 1, 'x')}}),
              testing::StartsWith("InvalidParameterException: Log event too large"));
  EXPECT_THAT(refusal({{0, std::string(700'000, 'x')}, {0, std::string(700'000, 'x')}}),
              testing::StartsWith("InvalidParameterException: Upload too large"));
  EXPECT_THAT(messages("GetLogEvents", get("g", "s")), ElementsAre());
}

TEST_F(LogsApi, TellsWhichEventsItRejects) {
  make("g", "s");
  constexpr int64_t hour = 3'600'000, day = 24 * hour;
  Value answer =
      put("g", "s", {{-20 * day, "old"}, {-15 * day, "old"}, {0, "good"}, {3 * hour, "new"}, {4 * hour, "new"}});
  EXPECT_EQ(answer.at("rejectedLogEventsInfo").at("tooOldLogEventEndIndex").as_int(), 2);
  EXPECT_EQ(answer.at("rejectedLogEventsInfo").at("tooNewLogEventStartIndex").as_int(), 3);
  EXPECT_THAT(messages("GetLogEvents", get("g", "s")), ElementsAre("good"));
  call("PutRetentionPolicy", Value::map({{"logGroupName", "g"}, {"retentionInDays", 1}}));
  answer = put("g", "s", {{-2 * day, "expired"}, {0, "good"}});
  EXPECT_EQ(answer.at("rejectedLogEventsInfo").at("expiredLogEventEndIndex").as_int(), 1);
  EXPECT_FALSE(put("g", "s", {{0, "fine"}}).find("rejectedLogEventsInfo"));
}

TEST_F(LogsApi, PagesForwardAndBackward) {
  make("g", "s");
  put("g", "s", {{1, "1"}, {2, "2"}, {3, "3"}, {4, "4"}, {5, "5"}});
  Value page;
  EXPECT_THAT(messages("GetLogEvents", get("g", "s").set("startFromHead", true).set("limit", 2), &page),
              ElementsAre("1", "2"));
  EXPECT_TRUE(page.at("nextForwardToken").as_string().starts_with("f/"));
  auto on = [&](const char* which) { return get("g", "s").set("limit", 2).set("nextToken", page.at(which)); };
  EXPECT_THAT(messages("GetLogEvents", on("nextForwardToken"), &page), ElementsAre("3", "4"));
  EXPECT_THAT(messages("GetLogEvents", on("nextForwardToken"), &page), ElementsAre("5"));
  std::string end = page.at("nextForwardToken").as_string();
  EXPECT_THAT(messages("GetLogEvents", on("nextForwardToken"), &page), ElementsAre());
  EXPECT_EQ(page.at("nextForwardToken").as_string(), end);  // the same again: that is how a client knows
  put("g", "s", {{6, "6"}});
  EXPECT_THAT(messages("GetLogEvents", on("nextForwardToken"), &page), ElementsAre("6"));
  EXPECT_THAT(messages("GetLogEvents", on("nextBackwardToken"), &page), ElementsAre("4", "5"));
  EXPECT_THAT(messages("GetLogEvents", on("nextBackwardToken"), &page), ElementsAre("2", "3"));
  EXPECT_THAT(messages("GetLogEvents", on("nextBackwardToken"), &page), ElementsAre("1"));
  std::string head = page.at("nextBackwardToken").as_string();
  EXPECT_THAT(messages("GetLogEvents", on("nextBackwardToken"), &page), ElementsAre());
  EXPECT_EQ(page.at("nextBackwardToken").as_string(), head);

  EXPECT_THAT(messages("GetLogEvents", get("g", "s").set("limit", 2)), ElementsAre("5", "6"));
  EXPECT_THAT(messages("GetLogEvents", get("g", "s").set("startTime", now_ms + 2).set("endTime", now_ms + 4)),
              ElementsAre("2", "3"));
  EXPECT_THAT(failure("GetLogEvents", get("g", "s").set("nextToken", "f/1")),
              testing::StartsWith("InvalidParameterException"));
}

TEST_F(LogsApi, FollowsAStreamThatIsStillEmpty) {
  make("g", "s");
  Value page;
  EXPECT_THAT(messages("GetLogEvents", get("g", "s"), &page), ElementsAre());
  put("g", "s", {{1, "1"}});
  EXPECT_THAT(messages("GetLogEvents", get("g", "s").set("nextToken", page.at("nextForwardToken"))), ElementsAre("1"));
}

TEST_F(LogsApi, CutsPagesAtAMegabyte) {
  make("g", "s");
  for (int i = 0; i < 3; ++i) put("g", "s", {{i, std::string(500'000, 'x')}});
  Value page;
  EXPECT_EQ(messages("GetLogEvents", get("g", "s").set("startFromHead", true), &page).size(), 2u);
  EXPECT_EQ(messages("GetLogEvents", get("g", "s").set("nextToken", page.at("nextForwardToken"))).size(), 1u);
}

TEST_F(LogsApi, FiltersOverStreams) {
  make("g", "s1");
  make("g", "s2");
  make("g", "t");
  put("g", "s1", {{1, "INFO a"}, {3, "ERROR b"}});
  put("g", "s2", {{2, "ERROR c"}});
  put("g", "t", {{4, "ERROR d"}});
  auto all = [&](Value input) {
    input.set("logGroupName", "g");
    std::vector<std::string> out;
    for (;;) {
      Value page;
      for (auto& m : messages("FilterLogEvents", input, &page)) out.push_back(m);
      if (!page.find("nextToken")) return out;
      input.set("nextToken", page.at("nextToken"));
    }
  };
  EXPECT_THAT(all(Value::map()), ElementsAre("INFO a", "ERROR c", "ERROR b", "ERROR d"));
  EXPECT_THAT(all(Value::map({{"filterPattern", "ERROR"}, {"limit", 1}})),
              ElementsAre("ERROR c", "ERROR b", "ERROR d"));
  EXPECT_THAT(all(Value::map({{"startFromHead", false}, {"limit", 1}})),
              ElementsAre("ERROR d", "ERROR b", "ERROR c", "INFO a"));
  EXPECT_THAT(all(Value::map({{"logStreamNamePrefix", "s"}, {"filterPattern", "ERROR"}})),
              ElementsAre("ERROR c", "ERROR b"));
  EXPECT_THAT(all(Value::map({{"logStreamNames", Value::list({"t"})}})), ElementsAre("ERROR d"));
  EXPECT_THAT(all(Value::map({{"startTime", now_ms + 2}, {"endTime", now_ms + 3}})), ElementsAre("ERROR c", "ERROR b"));
  EXPECT_THAT(
      failure("FilterLogEvents", Value::map({{"logGroupName", "g"}, {"logStreamNames", Value::list({"none"})}})),
      testing::StartsWith("ResourceNotFoundException"));
  EXPECT_THAT(failure("FilterLogEvents", Value::map({{"logGroupName", "g"}, {"filterPattern", "{ bad"}})),
              testing::StartsWith("InvalidParameterException"));
  EXPECT_THAT(failure("FilterLogEvents", Value::map()), testing::StartsWith("InvalidParameterException"));
}

TEST_F(LogsApi, TagsByBothGenerations) {
  call("CreateLogGroup", Value::map({{"logGroupName", "g"}, {"tags", Value::map({{"a", "1"}})}}));
  std::string arn = "arn:aws:logs:us-east-1:000000000000:log-group:g";
  call("TagResource", Value::map({{"resourceArn", arn}, {"tags", Value::map({{"b", "2"}})}}));
  call("TagLogGroup", Value::map({{"logGroupName", "g"}, {"tags", Value::map({{"c", "3"}})}}));
  call("UntagResource", Value::map({{"resourceArn", arn + ":*"}, {"tagKeys", Value::list({"a"})}}));
  call("UntagLogGroup", Value::map({{"logGroupName", "g"}, {"tags", Value::list({"b"})}}));
  EXPECT_EQ(call("ListTagsForResource", Value::map({{"resourceArn", arn}})).at("tags"), Value::map({{"c", "3"}}));
  EXPECT_EQ(call("ListTagsLogGroup", Value::map({{"logGroupName", "g"}})).at("tags"), Value::map({{"c", "3"}}));
  Value many = Value::map();
  for (int i = 0; i < 51; ++i) many.set("t" + std::to_string(i), "x");
  EXPECT_THAT(
      failure("TagResource", Value::map({{"resourceArn", arn}, {"tags", many}})),
      testing::AnyOf(testing::StartsWith("TooManyTagsException"), testing::StartsWith("InvalidParameterException")));
  EXPECT_THAT(
      failure("ListTagsForResource", Value::map({{"resourceArn", "arn:aws:logs:eu-west-1:000000000000:log-group:g"}})),
      testing::StartsWith("ResourceNotFoundException"));
}

TEST_F(LogsApi, TakesOnlyKnownRetentions) {
  make("g", "s");
  EXPECT_THAT(failure("PutRetentionPolicy", Value::map({{"logGroupName", "g"}, {"retentionInDays", 2}})),
              testing::StartsWith("InvalidParameterException"));
  call("PutRetentionPolicy", Value::map({{"logGroupName", "g"}, {"retentionInDays", 1}}));
  put("g", "s", {{0, "a"}});
  clock_.advance(25h);
  EXPECT_THAT(messages("GetLogEvents", get("g", "s")), ElementsAre());
  call("DeleteRetentionPolicy", Value::map({{"logGroupName", "g"}}));
}

TEST_F(LogsApi, RefusesKeysByName) {
  EXPECT_THAT(failure("CreateLogGroup", Value::map({{"logGroupName", "g"}, {"kmsKeyId", "k"}})),
              testing::StartsWith("NotImplemented"));
}

}  // namespace
}  // namespace tarn::gateway
