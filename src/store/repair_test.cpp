#include "store/repair.hpp"

#include <fstream>
#include <set>

#include "base/metrics.hpp"
#include "store/blob_files.hpp"
#include "store/coding.hpp"
#include "store/index.hpp"
#include "store/records.hpp"
#include "store/scrubber.hpp"
#include "store/test_store.hpp"
#include "store/verify.hpp"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;
using testing::Test;

void flip_byte(const fs::path& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char byte = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x20));
}

struct RepairTest : StoreTest {
  std::vector<fs::path> blob_paths() const {
    std::set<fs::path> out;  // by id: of one folder after another
    for (auto& entry : fs::recursive_directory_iterator(folder + "/blobs"))
      if (entry.is_regular_file()) out.insert(entry.path());
    return {out.begin(), out.end()};
  }
  fs::path blob_of(BlobId id) const { return folder + "/" + BlobFiles::path_of(id); }
  // The tables of the index, the largest first.
  std::vector<fs::path> tables() const {
    std::vector<fs::path> out;
    for (auto& entry : fs::directory_iterator(folder + "/index"))
      if (entry.path().extension() == ".sst") out.push_back(entry.path());
    std::sort(out.begin(), out.end(),
              [](const fs::path& a, const fs::path& b) { return fs::file_size(a) > fs::file_size(b); });
    return out;
  }
  void close() {
    store.reset();
    reopen();  // moves what was just written to its place
    store.reset();
  }
  RepairReport repair(RepairOptions options = {.apply = true}) { return repair_local(folder, clock, options); }
  static std::set<std::string> lost_keys(const RepairReport& report) {
    std::set<std::string> out;
    for (const LostObject& lost : report.lost) out.insert(lost.key);
    return out;
  }
  void edit(const std::function<void(Index&, Batch&)>& work) {
    Index index(folder + "/index", false);
    Batch batch(index);
    work(index, batch);
    index.commit(batch);
  }
};

TEST_F(RepairTest, ASoundStoreIsLeftAlone) {
  put("a", "small");
  put("b", pattern(100'000, 1));
  close();
  const RepairReport report = repair();
  EXPECT_TRUE(report.problems.empty());
  EXPECT_TRUE(report.done.empty());
  EXPECT_TRUE(report.left.empty());
  reopen();
  EXPECT_EQ(get("b"), pattern(100'000, 1));
}

TEST_F(RepairTest, LostBodiesAreToldAndTakenOutOnlyWhenAskedFor) {
  put("damaged", pattern(3'000'000, 1));
  put("missing", pattern(100'000, 2));
  put("sound", pattern(100'000, 3));
  store->copy(grant, "lake", "damaged", grant, "lake", "damaged-too", {});
  store.reset();
  reopen();
  std::map<std::string, fs::path> paths;
  store.reset();
  for (const fs::path& path : blob_paths())
    paths[fs::file_size(path) > 1'000'000 ? "damaged" : paths.contains("missing") ? "sound" : "missing"] = path;
  flip_byte(paths["damaged"], 1'500'000);
  fs::remove(paths["missing"]);
  const std::size_t problems = verify_local(folder).problems.size();
  EXPECT_EQ(problems, 2);

  const RepairReport dry = repair({});
  EXPECT_EQ(dry.problems.size(), problems);
  EXPECT_EQ(lost_keys(dry).size(), 3);
  EXPECT_EQ(verify_local(folder).problems.size(), problems);
  EXPECT_FALSE(repair({.apply = true}).left.empty());
  EXPECT_EQ(verify_local(folder).problems.size(), problems);

  const RepairReport done = repair({.apply = true, .drop_corrupt = true});
  EXPECT_TRUE(done.left.empty());
  EXPECT_TRUE(lost_keys(done).contains("damaged") && lost_keys(done).contains("damaged-too"));
  std::ifstream file(folder + "/" + done.report_file);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(text.find("damaged-too"), text.npos);
  EXPECT_TRUE(verify_local(folder).problems.empty());
  EXPECT_TRUE(fs::exists(folder + "/aside"));  // the damaged blob, which nothing uses any more
  reopen();
  EXPECT_EQ(keys().size(), 1);
  EXPECT_EQ(store->statistics().objects, 1);
}

TEST_F(RepairTest, TheVersionBeforeALostOneBecomesTheObject) {
  store->change_bucket("lake", [](BucketInfo& b) { b.settings["versioning"] = Value::map({{"Status", "Enabled"}}); });
  put("k", pattern(50'000, 1));
  put("k", pattern(90'000, 2));
  close();
  for (const fs::path& path : blob_paths())
    if (fs::file_size(path) > 80'000) fs::remove(path);
  EXPECT_TRUE(repair({.apply = true, .drop_corrupt = true}).left.empty());
  reopen();
  EXPECT_EQ(get("k"), pattern(50'000, 1));
}

TEST_F(RepairTest, WhatFollowsFromTheRestIsMadeAnew) {
  put("a", pattern(100'000, 1));
  put("small", "small");
  store->copy(grant, "lake", "a", grant, "lake", "b", {});
  close();
  BlobId blob = 0;
  edit([&](Index& index, Batch& batch) {
    auto cursor = index.cursor(Family::records, "g");
    ASSERT_TRUE(cursor->seek("f"));
    blob = Decoder(cursor->key().substr(1)).ordered();
    std::string wrong;
    put_varint(wrong, 7);
    batch.put(Family::records, references_key(blob), wrong);
    batch.erase(Family::records, file_key(blob));
    batch.erase(Family::records, bucket_key("lake"));
    batch.put(Family::records, layout_key(999'999), "nobody's");
    batch.put(Family::bodies, body_key(999'998), "nobody's");
    batch.put(Family::records, null_version_key("lake", "none"), wrong);
  });
  std::ofstream(folder + "/blobs/00/00000000000ffe00", std::ios::binary) << "a stray";
  fs::create_directories(folder + "/blobs/00");
  std::ofstream(folder + "/blobs/00/00000000000ffe00", std::ios::binary) << "a stray";
  const RepairReport report = repair();
  EXPECT_TRUE(report.left.empty()) << report.left.front();
  EXPECT_GE(report.done.size(), 7);
  EXPECT_TRUE(report.lost.empty());
  EXPECT_TRUE(fs::exists(folder + "/aside/00000000000ffe00"));
  EXPECT_TRUE(verify_local(folder).problems.empty());
  reopen();
  EXPECT_EQ(get("a"), pattern(100'000, 1));
  EXPECT_EQ(get("b"), pattern(100'000, 1));
  EXPECT_EQ(get("small"), "small");
  put("c", pattern(100'000, 3));  // under an id that was not given before
  EXPECT_EQ(get("c"), pattern(100'000, 3));
  store->erase(grant, "lake", "a");
  EXPECT_EQ(get("b"), pattern(100'000, 1));
}

// Many small objects, so that the tables of the index have many blocks.
struct IndexRepairTest : RepairTest {
  static constexpr int count = 3000;
  static std::string body(int i) { return pattern(2000, static_cast<unsigned>(i)); }
  void fill() {
    for (int i = 0; i < count; i++) put("part-" + std::to_string(10'000 + i), body(i));
    put("large", pattern(200'000, 9));
    close();  // so much is written out as tables
  }
  // The keys that are there, each with its own bytes.
  std::set<std::string> sound_keys() {
    reopen();
    std::set<std::string> out;
    for (int i = 0; i < count; i++) {
      const std::string key = "part-" + std::to_string(10'000 + i);
      const std::string bytes = get(key);
      if (bytes == "(absent)") continue;
      EXPECT_EQ(bytes, body(i));
      out.insert(key);
    }
    EXPECT_EQ(get("large"), pattern(200'000, 9));
    store.reset();
    return out;
  }
};

TEST_F(IndexRepairTest, AMissingManifestCostsNothing) {
  fill();
  for (auto& entry : fs::directory_iterator(folder + "/index")) {
    const std::string name = entry.path().filename();
    if (name == "CURRENT" || name.starts_with("MANIFEST")) fs::remove(entry.path());
  }
  EXPECT_EQ(verify_local(folder).problems.size(), 1);
  const RepairReport dry = repair({});
  EXPECT_GT(dry.records_kept, static_cast<uint64_t>(count));
  EXPECT_FALSE(fs::exists(folder + "/index.repaired"));
  EXPECT_FALSE(fs::exists(folder + "/index/CURRENT"));
  const RepairReport report = repair();
  EXPECT_TRUE(report.left.empty());
  EXPECT_TRUE(report.lost.empty());
  EXPECT_EQ(sound_keys().size(), count);
  EXPECT_TRUE(verify_local(folder).problems.empty());
}

// The largest table is of the bodies, the next of the objects.
class DamagedTableTest : public IndexRepairTest, public testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Tables, DamagedTableTest, testing::Values(0, 1));

TEST_P(DamagedTableTest, ADamagedBlockCostsItsOwnRecordsAlone) {
  fill();
  ASSERT_GT(tables().size(), GetParam());
  const fs::path table = tables()[GetParam()];
  flip_byte(table, static_cast<std::streamoff>(fs::file_size(table) / 3));
  ASSERT_EQ(verify_local(folder).problems.size(), 1);
  const RepairReport report = repair({.apply = true, .drop_corrupt = true});
  EXPECT_TRUE(report.left.empty()) << report.left.front();
  const std::set<std::string> lost = lost_keys(report), sound = sound_keys();
  EXPECT_GT(lost.size(), 0);
  EXPECT_LT(lost.size(), 300);  // a block of 8 KiB
  for (int i = 0; i < count; i++) {
    const std::string key = "part-" + std::to_string(10'000 + i);
    EXPECT_TRUE(sound.contains(key) || lost.contains(key)) << key;
  }
  EXPECT_TRUE(verify_local(folder).problems.empty());
}

TEST_P(DamagedTableTest, ATruncatedTableCostsNoMoreThanItHeld) {
  fill();
  ASSERT_GT(tables().size(), GetParam());
  const fs::path table = tables()[GetParam()];
  fs::resize_file(table, fs::file_size(table) / 2);
  ASSERT_FALSE(verify_local(folder).problems.empty());
  const RepairReport report = repair({.apply = true, .drop_corrupt = true});
  EXPECT_TRUE(report.left.empty()) << report.left.front();
  EXPECT_TRUE(verify_local(folder).problems.empty());
  reopen();
  EXPECT_EQ(get("large"), GetParam() == 0 ? pattern(200'000, 9) : "(absent)");
}

TEST_F(RepairTest, TheScrubberFindsRotOnceAndKeepsARecordOfIt) {
  Metrics metrics;
  put("sound", pattern(2'500'000, 1));
  put("small", "small");
  put("rots", pattern(100'000, 2));
  {
    Scrubber scrubber(*store, clock, metrics, 0);
    EXPECT_TRUE(scrubber.run_once());
    EXPECT_EQ(scrubber.state().blobs, 3);
    EXPECT_TRUE(scrubber.state().damage.empty());
    EXPECT_EQ(scrubber.state().last_full_pass, clock.now());
  }
  fs::path rots;
  for (const fs::path& path : blob_paths())
    if (fs::file_size(path) < 1'000'000) rots = path;
  flip_byte(rots, 50'000);
  Scrubber scrubber(*store, clock, metrics, 0);
  EXPECT_TRUE(scrubber.run_once());
  const ScrubState state = scrubber.state();
  ASSERT_EQ(state.damage.size(), 1);
  EXPECT_NE(state.damage.front().find("lake/rots"), std::string::npos) << state.damage.front();
  EXPECT_NE(metrics.text().find("tarn_store_scrub_damaged_total 1"), std::string::npos);
  store.reset();
  EXPECT_EQ(verify_local(folder).scrubbed_damage, state.damage);
  reopen();
  Scrubber later(*store, clock, metrics, 0);
  store->erase(grant, "lake", "rots");
  EXPECT_TRUE(later.state().damage.empty());
}

TEST_F(RepairTest, TheScrubberGoesOnWhereItWasStoppedAndKeepsToItsRate) {
  Metrics metrics, later_metrics;
  for (int i = 0; i < 10; i++) put(std::to_string(i), pattern(1'000'000, static_cast<unsigned>(i)));
  uint64_t first = 0;
  {
    Scrubber scrubber(*store, clock, metrics, 10'000'000);
    std::stop_source stop;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(milliseconds(350));
      stop.request_stop();
    });
    EXPECT_FALSE(scrubber.run_once(stop.get_token()));
    first = scrubber.state().blobs;
    EXPECT_LE(first, 5);
  }
  reopen();
  Scrubber scrubber(*store, clock, later_metrics, 0);
  EXPECT_TRUE(scrubber.run_once());
  EXPECT_EQ(scrubber.state().blobs, 10);
  const std::string rest = "tarn_store_scrub_bodies_total " + std::to_string(10 - first) + "\n";
  EXPECT_NE(later_metrics.text().find(rest), std::string::npos) << later_metrics.text();
}

}  // namespace
}  // namespace tarn::store
