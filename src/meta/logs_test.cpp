#include "meta/logs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/error.hpp"

namespace tarn::meta {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

const LogScope scope{"000000000000", "us-east-1"};
constexpr Time start{1'700'000'000'000ms};
constexpr int64_t start_ms = 1'700'000'000'000;

class Logs : public testing::Test {
 protected:
  Logs()
      : folder_("/tmp/tarn-logs-test-" + std::to_string(getpid()) + "-" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    open();
  }
  ~Logs() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    store_.reset();
    metadata_.reset();
    metadata_ = open_sqlite(folder_ + "/meta.db", clock_, false);
    store_ = std::make_unique<LogStore>(*metadata_, clock_, folder_ + "/logs");
  }
  LogStream make(const std::string& group, const std::string& stream) {
    store_->writer(scope, group, stream);
    return store_->stream(scope, group, stream);
  }
  void put(const LogStream& s, std::vector<std::pair<int64_t, std::string>> events) {
    std::vector<NewLogEvent> made;
    for (auto& [at, message] : events) made.push_back({start_ms + at, message});
    store_->append(s, made, LogFlush::later);
  }
  std::vector<std::string> read(const std::string& group, LogRange range = {}, LogOrder order = LogOrder::oldest_first,
                                std::size_t limit = 100) {
    std::vector<std::string> out;
    auto streams = store_->streams(scope, group);
    store_->scan(store_->group(scope, group), streams, range, order, [&](const LogStream& s, const LogEvent& e) {
      out.push_back(s.name + ":" + e.message);
      last_ = e.position;
      return out.size() < limit;
    });
    return out;
  }
  static std::string code(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& e) {
      return e.code();
    }
    return "";
  }

  std::string folder_;
  ManualClock clock_{start};
  std::unique_ptr<Metadata> metadata_;
  std::unique_ptr<LogStore> store_;
  LogPosition last_;
};

TEST_F(Logs, ReadsInOrderOfTimeThenArrival) {
  LogStream s = make("g", "s");
  put(s, {{5, "a"}, {5, "b"}, {7, "d"}});
  put(s, {{6, "c"}});
  EXPECT_THAT(read("g"), ElementsAre("s:a", "s:b", "s:c", "s:d"));
  EXPECT_THAT(read("g", {}, LogOrder::newest_first), ElementsAre("s:d", "s:c", "s:b", "s:a"));
}

TEST_F(Logs, ReadsARangeAndGoesOnFromAPosition) {
  LogStream s = make("g", "s");
  for (int i = 0; i < 10; ++i) put(s, {{i, std::to_string(i)}});
  EXPECT_THAT(read("g", {.from_ms = start_ms + 3, .to_ms = start_ms + 6}), ElementsAre("s:3", "s:4", "s:5"));
  EXPECT_THAT(read("g", {}, LogOrder::oldest_first, 3), ElementsAre("s:0", "s:1", "s:2"));
  EXPECT_THAT(read("g", {.beyond = last_}, LogOrder::oldest_first, 2), ElementsAre("s:3", "s:4"));
  EXPECT_THAT(read("g", {.beyond = last_}, LogOrder::newest_first), ElementsAre("s:3", "s:2", "s:1", "s:0"));
}

TEST_F(Logs, MergesStreams) {
  put(make("g", "s"), {{1, "a"}, {4, "d"}});
  put(make("g", "t"), {{2, "b"}, {3, "c"}});
  put(make("other", "s"), {{2, "x"}});
  EXPECT_THAT(read("g"), ElementsAre("s:a", "t:b", "t:c", "s:d"));
  EXPECT_THAT(read("g", {}, LogOrder::newest_first), ElementsAre("s:d", "t:c", "t:b", "s:a"));
}

TEST_F(Logs, KeepsStatistics) {
  LogStream s = make("g", "s");
  EXPECT_FALSE(store_->statistics(s).any);
  put(s, {{5, "abc"}, {9, "de"}});
  clock_.advance(100ms);
  put(s, {{2, ""}});
  LogStatistics statistics = store_->statistics(s);
  EXPECT_EQ(statistics.first_event_ms, start_ms + 2);
  EXPECT_EQ(statistics.last_event_ms, start_ms + 9);
  EXPECT_EQ(statistics.last_ingestion_ms, start_ms + 100);
  EXPECT_EQ(statistics.stored_bytes, 3 * 26 + 5u);
  EXPECT_EQ(store_->stored_bytes(store_->group(scope, "g")), 3 * 26 + 5u);
}

TEST_F(Logs, RefusesDuplicatesAndNamesThatAreMissing) {
  make("g", "s");
  LogGroup g;
  g.name = "g";
  EXPECT_EQ(code([&] { store_->create_group(scope, g); }), "ResourceAlreadyExistsException");
  EXPECT_EQ(code([&] { store_->create_stream(scope, "g", "s"); }), "ResourceAlreadyExistsException");
  EXPECT_EQ(code([&] { store_->create_stream(scope, "no", "s"); }), "ResourceNotFoundException");
  EXPECT_EQ(code([&] { store_->delete_group(scope, "no"); }), "ResourceNotFoundException");
  EXPECT_EQ(code([&] { store_->delete_stream(scope, "g", "no"); }), "ResourceNotFoundException");
  EXPECT_EQ(code([&] { store_->stream(scope, "g", "no"); }), "ResourceNotFoundException");
}

TEST_F(Logs, DeletesEventsWithTheirStreamAndGroup) {
  put(make("g", "s"), {{1, "a"}});
  put(make("g", "t"), {{2, "b"}});
  put(make("h", "s"), {{3, "c"}});
  store_->delete_stream(scope, "g", "s");
  make("g", "s");
  EXPECT_THAT(read("g"), ElementsAre("t:b"));
  store_->delete_group(scope, "g");
  EXPECT_FALSE(store_->find_group(scope, "g"));
  make("g", "t");
  EXPECT_THAT(read("g"), ElementsAre());
  EXPECT_THAT(read("h"), ElementsAre("s:c"));
}

TEST_F(Logs, KeepsAProtectedGroup) {
  make("g", "s");
  store_->change_group(scope, "g", [](LogGroup& g) { g.deletion_protection = true; });
  EXPECT_EQ(code([&] { store_->delete_group(scope, "g"); }), "ValidationException");
}

TEST_F(Logs, HidesExpiredEventsAndRemovesThem) {
  LogStream s = make("g", "s");
  put(s, {{0, "old"}, {3'600'000, "new"}});
  store_->change_group(scope, "g", [](LogGroup& g) { g.retention_days = 1; });
  EXPECT_THAT(read("g"), ElementsAre("s:old", "s:new"));
  clock_.advance(24h + 1ms);
  EXPECT_THAT(read("g"), ElementsAre("s:new"));
  EXPECT_EQ(store_->sweep(), 1u);
  EXPECT_EQ(store_->statistics(s).stored_bytes, 29u);
  EXPECT_EQ(store_->statistics(s).first_event_ms, start_ms + 3'600'000);
  store_->change_group(scope, "g", [](LogGroup& g) { g.retention_days.reset(); });
  EXPECT_THAT(read("g"), ElementsAre("s:new"));
  store_->change_group(scope, "g", [](LogGroup& g) { g.retention_days = 1; });
  clock_.advance(48h);
  EXPECT_EQ(store_->sweep(), 1u);
  EXPECT_FALSE(store_->statistics(s).any);
}

TEST_F(Logs, WritesLinesAsValidText) {
  LogWriter w = store_->writer(scope, "g", "s");
  w.write(std::vector<std::string_view>{"plain",
                                        "a\xff"
                                        "b",
                                        "\xc3\xa9", "\xed\xa0\x80", "cut \xe2\x82", ""});
  EXPECT_THAT(read("g"),
              ElementsAre("s:plain", "s:a\uFFFDb", "s:é", "s:\uFFFD\uFFFD\uFFFD", "s:cut \uFFFD\uFFFD", "s:"));
}

TEST_F(Logs, SurvivesItsReopening) {
  put(make("g", "s"), {{1, "a"}});
  open();
  EXPECT_THAT(read("g"), ElementsAre("s:a"));
  LogStream s = store_->stream(scope, "g", "s");
  put(s, {{1, "b"}});
  EXPECT_THAT(read("g"), ElementsAre("s:a", "s:b"));
}

TEST_F(Logs, SurvivesKill9) {
  make("g", "s");
  store_.reset();
  metadata_.reset();
  pid_t child = fork();
  if (child == 0) {
    open();
    LogWriter w = store_->writer(scope, "g", "s");
    for (int i = 0; i < 1000; ++i) w.write(std::to_string(i));
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  open();
  auto lines = read("g", {}, LogOrder::oldest_first, 2000);
  ASSERT_EQ(lines.size(), 1000u);
  EXPECT_EQ(lines.back(), "s:999");
}

TEST_F(Logs, TakesManyWritersAtOnce) {
  LogStream s = make("g", "s");
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) put(s, {{i, "x"}, {i, "y"}});
      });
  }
  EXPECT_EQ(read("g", {}, LogOrder::oldest_first, 100'000).size(), 3200u);
  EXPECT_EQ(store_->statistics(s).stored_bytes, 3200u * 27);
}

TEST_F(Logs, ForgetsAllOnReset) {
  put(make("g", "s"), {{1, "a"}});
  store_->reset();
  metadata_->reset();
  make("g", "s");
  EXPECT_THAT(read("g"), ElementsAre());
}

}  // namespace
}  // namespace tarn::meta
