#include "meta/metadata.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/error.hpp"

namespace tarn::meta {
namespace {

struct MetadataTest : testing::Test {
  std::string folder = testing::TempDir() + "/meta_" + std::to_string(getpid()) +
                       testing::UnitTest::GetInstance()->current_test_info()->name();
  ManualClock clock{Time{} + std::chrono::hours(1)};
  MetadataTest() { std::filesystem::create_directories(folder); }
  ~MetadataTest() override { std::filesystem::remove_all(folder); }
  std::unique_ptr<Metadata> open() { return open_sqlite(folder + "/meta.db", clock); }
};

TEST_F(MetadataTest, RecordsSurviveReopening) {
  open()->change("me", [](Transaction& t) { t.put("glue.table", key({"a", "b"}), Value::map({{"x", 1}})); });
  EXPECT_EQ(open()->get("glue.table", key({"a", "b"}))->at("x").as_int(), 1);
}

TEST_F(MetadataTest, ThrowingWorkChangesNothing) {
  auto m = open();
  EXPECT_THROW(m->change("me",
                         [](Transaction& t) {
                           t.put("k", "a", 1);
                           throw Error(ErrorKind::conflict, "X", "x");
                         }),
               Error);
  EXPECT_FALSE(m->get("k", "a"));
  EXPECT_TRUE(m->changes(0, 10).empty());
}

// What was read before is not told again after a change: of a record, of none, of all.
TEST_F(MetadataTest, ReadsFollowChanges) {
  auto m = open();
  EXPECT_FALSE(m->get("k", "a"));
  EXPECT_FALSE(m->get("k", "a"));
  m->change("me", [](Transaction& t) { t.put("k", "a", 1); });
  EXPECT_EQ(m->get("k", "a")->as_int(), 1);
  EXPECT_EQ(m->get("k", "a")->as_int(), 1);
  m->change_quietly([](Transaction& t) { t.put("k", "a", 2); });
  EXPECT_EQ(m->get("k", "a")->as_int(), 2);
  m->change("me", [](Transaction& t) { t.erase("k", "a"); });
  EXPECT_FALSE(m->get("k", "a"));
  m->change("me", [](Transaction& t) { t.put("k", "a", 3); });
  EXPECT_TRUE(m->get("k", "a"));
  m->reset();
  EXPECT_FALSE(m->get("k", "a"));
}

// A reader that keeps what it read never keeps what a change that ended meanwhile replaced.
TEST_F(MetadataTest, ReadersNeverSeeTimeGoBack) {
  auto m = open();
  std::atomic<int64_t> ended{0};
  std::jthread writer([&] {
    for (int64_t i = 1; i <= 300; ++i) {
      m->change_quietly([&](Transaction& t) { t.put("k", "a", i); });
      ended = i;
    }
  });
  std::vector<std::jthread> readers;
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&] {
      for (int64_t before = 0; before < 300; before = ended) {
        const auto found = m->get("k", "a");
        EXPECT_GE(found ? found->as_int() : 0, before);
      }
    });
}

TEST_F(MetadataTest, ListKeepsToPrefixInOrderAndPages) {
  auto m = open();
  m->change("me", [](Transaction& t) {
    for (const char* n : {"c", "a", "b"}) t.put("k", key({"1", n}), n);
    t.put("k", key({"10", "z"}), "z");
    t.put("k", key({"1"}), "self");
  });
  auto all = m->list("k", prefix({"1"}));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(key_parts(all[0].key)[1], "a");
  EXPECT_EQ(m->list("k", prefix({"1"}), all[0].key, 1)[0].value.as_string(), "b");
  EXPECT_EQ(m->count("k", prefix({"1"})), 3u);
  EXPECT_EQ(m->keys("k", prefix({"1"}), all[0].key), (std::vector<std::string>{key({"1", "b"}), key({"1", "c"})}));
  EXPECT_EQ(m->keys("k", "", "", 1), std::vector<std::string>{key({"1"})});
  m->change("me", [](Transaction& t) { EXPECT_EQ(t.erase_all("k", prefix({"1"})), 3u); });
  EXPECT_EQ(m->count("k", ""), 2u);
}

TEST_F(MetadataTest, ChangesTellBeforeAndAfter) {
  auto m = open();
  m->change("ana", [](Transaction& t) { t.put("k", "a", 1); });
  m->change("ben", [](Transaction& t) { t.put("k", "a", 2); });
  m->change("cam", [](Transaction& t) { t.put("k", "a", 2); });  // no change, no entry
  m->change_quietly([](Transaction& t) { t.put("k", "a", 3); });
  m->change("dan", [](Transaction& t) { EXPECT_TRUE(t.erase("k", "a")); });
  auto log = m->changes(0, 10);
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(log[1].actor, "ben");
  EXPECT_EQ(log[1].before, Value(1));
  EXPECT_EQ(log[1].after, Value(2));
  EXPECT_FALSE(log[2].after);
  EXPECT_EQ(m->changes(log[1].number, 10).size(), 1u);
}

TEST_F(MetadataTest, ForeignFileIsRefused) {
  {
    FILE* f = fopen((folder + "/meta.db").c_str(), "w");
    fputs("this is not a database, but text long enough to look like one", f);
    fclose(f);
  }
  EXPECT_THROW(open(), Error);
}

}  // namespace
}  // namespace tarn::meta
