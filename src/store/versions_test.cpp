// Versions, delete markers and object lock.
#include <algorithm>
#include <atomic>
#include <thread>

#include "store/test_store.hpp"
#include "store/verify.hpp"

namespace tarn::store {
namespace {

// "k:1 k:0*" and so on: each version's key, its place in `ids` (or "null"), "x" for a delete marker, "*" for the
// latest.
std::string described(const VersionListing& listing, const std::vector<std::string>& ids) {
  std::string out;
  for (const ObjectInfo& info : listing.versions) {
    auto at = std::find(ids.begin(), ids.end(), info.version_id);
    out += info.key + ":" + (at == ids.end() ? info.version_id : std::to_string(at - ids.begin())) +
           (info.delete_marker ? "x" : "") + (info.latest ? "* " : " ");
  }
  return out;
}

struct VersionsTest : StoreTest {
  std::vector<std::string> ids;

  VersionsTest() { set_versioning("Enabled"); }
  ~VersionsTest() override {
    store.reset();
    Verification found = verify_local(folder);
    EXPECT_TRUE(found.problems.empty()) << found.problems.front();
  }
  void set_versioning(const char* status) {
    store->change_bucket("lake", [&](BucketInfo& b) { b.settings["versioning"] = Value::map({{"Status", status}}); });
  }
  void put_version(std::string_view key, std::string_view body) {
    ids.push_back(put(key, body).version_id);
    clock.advance(milliseconds(1000));
  }
  std::string get_version(std::string_view key, std::string_view version) {
    auto reader = store->open(grant, "lake", key, version);
    return reader ? read_all(*reader) : "(absent)";
  }
  std::string all(std::string_view prefix = "") {
    return described(store->list_versions(grant, "lake", prefix, "", "", "", 1000), ids);
  }
};

TEST_F(VersionsTest, ConditionsOfAnErasureAreAboutTheObject) {
  put_version("k", "one");
  put_version("k", "two");
  auto erase_if = [&](const std::string& etag, const std::string& version) {
    EraseOptions options;
    options.version_id = version;
    options.preconditions.if_match = etag;
    return code_of([&] { store->erase(grant, "lake", "k", options); });
  };
  EXPECT_EQ(erase_if(etag_of("one"), ids[0]), "PreconditionFailed");
  EXPECT_EQ(erase_if(etag_of("two"), ids[0]), "");
  EXPECT_EQ(erase_if(etag_of("one"), ""), "PreconditionFailed");
  EXPECT_EQ(erase_if("*", ""), "");
  EXPECT_EQ(erase_if("*", ""), "NoSuchKey");  // a delete marker is no object
}

TEST_F(VersionsTest, EveryVersionStaysReadableUntilItIsErased) {
  put_version("k", "one");
  put_version("k", pattern(100'000, 2));
  put_version("k", "three");
  EXPECT_EQ(get("k"), "three");
  EXPECT_EQ(get_version("k", ids[0]), "one");
  EXPECT_EQ(get_version("k", ids[1]), pattern(100'000, 2));
  EXPECT_EQ(get_version("k", ids[2]), "three");
  EXPECT_EQ(all(), "k:2* k:1 k:0 ");
  reopen();
  EXPECT_EQ(all(), "k:2* k:1 k:0 ");
  EXPECT_EQ(store->statistics().objects, 3u);
  Erased done = store->erase(grant, "lake", "k", {ids[1]});
  EXPECT_TRUE(done.found);
  EXPECT_FALSE(done.delete_marker);
  expect_files(0);
  EXPECT_EQ(get_version("k", ids[1]), "(absent)");
  store->erase(grant, "lake", "k", {ids[2]});
  EXPECT_EQ(get("k"), "one");
  EXPECT_EQ(all(), "k:0* ");
  store->erase(grant, "lake", "k", {ids[0]});
  EXPECT_EQ(get("k"), "(absent)");
  EXPECT_EQ(store->statistics().objects, 0u);
  store->delete_bucket("lake");
  make_bucket("lake");
}

TEST_F(VersionsTest, ADeleteMarkerHidesTheObjectAndItsRemovalShowsItAgain) {
  put_version("k", "one");
  Erased marker = store->erase(grant, "lake", "k");
  ids.push_back(marker.version_id);
  EXPECT_TRUE(marker.delete_marker);
  EXPECT_EQ(get("k"), "(absent)");
  EXPECT_FALSE(store->head(grant, "lake", "k"));
  EXPECT_TRUE(keys().empty());
  EXPECT_TRUE(store->find_version(grant, "lake", "k")->delete_marker);
  EXPECT_EQ(get_version("k", ids[0]), "one");
  EXPECT_EQ(get_version("k", marker.version_id), "(absent)");
  EXPECT_EQ(all(), "k:1x* k:0 ");
  EXPECT_EQ(code_of([&] { store->delete_bucket("lake"); }), "BucketNotEmpty");
  EXPECT_EQ(code_of([&] { store->copy(grant, "lake", "k", grant, "lake", "c", {}); }), "NoSuchKey");
  EXPECT_EQ(code_of([&] { store->copy(grant, "lake", "k", grant, "lake", "c", {}, {marker.version_id}); }),
            "InvalidRequest");
  EXPECT_EQ(code_of([&] { store->change_object(grant, "lake", "k", marker.version_id, [](ObjectInfo&) {}); }),
            "MethodNotAllowed");
  ids.push_back(store->erase(grant, "lake", "k").version_id);  // another marker, as S3 makes
  EXPECT_EQ(all(), "k:2x* k:1x k:0 ");
  Erased removed = store->erase(grant, "lake", "k", {ids[2]});
  EXPECT_TRUE(removed.delete_marker);
  EXPECT_EQ(get("k"), "(absent)");
  store->erase(grant, "lake", "k", {ids[1]});
  EXPECT_EQ(get("k"), "one");
  EXPECT_EQ(all(), "k:0* ");
}

TEST_F(VersionsTest, NullVersionsAreReplacedWhereTheyStand) {
  make_bucket("other");
  set_versioning("Suspended");
  put_version("k", "null one");
  EXPECT_EQ(ids[0], "null");
  set_versioning("Enabled");
  put_version("k", "a");
  EXPECT_EQ(get_version("k", "null"), "null one");
  set_versioning("Suspended");
  put_version("k", pattern(50'000, 1));
  EXPECT_EQ(all(), "k:0* k:1 ");  // the older null version is gone
  EXPECT_EQ(get_version("k", "null"), pattern(50'000, 1));
  Erased marker = store->erase(grant, "lake", "k");
  EXPECT_EQ(marker.version_id, "null");
  expect_files(0);
  EXPECT_EQ(all(), "k:0x* k:1 ");
  put_version("k", "null three");
  EXPECT_EQ(all(), "k:0* k:1 ");
  set_versioning("Enabled");
  put_version("k", "b");
  EXPECT_EQ(all(), "k:4* k:0 k:1 ");
  store->erase(grant, "lake", "k", {"null"});
  EXPECT_EQ(all(), "k:4* k:1 ");
}

TEST_F(VersionsTest, OldVersionsCanBeCopiedAndTheirTagsChanged) {
  put_version("k", pattern(100'000, 1));
  put_version("k", "two");
  ObjectInfo copy = store->copy(grant, "lake", "k", grant, "lake", "k", {}, {ids[0]});
  ids.push_back(copy.version_id);
  EXPECT_EQ(get("k"), pattern(100'000, 1));
  expect_files(1);
  store->change_object(grant, "lake", "k", ids[1], [](ObjectInfo& info) { info.headers.tags["a"] = "b"; });
  EXPECT_EQ(store->head(grant, "lake", "k", ids[1])->headers.tags.at("a"), "b");
  EXPECT_TRUE(store->head(grant, "lake", "k")->headers.tags.empty());
  store->erase(grant, "lake", "k", {ids[0]});
  EXPECT_EQ(get("k"), pattern(100'000, 1));
  EXPECT_EQ(code_of([&] { store->copy(grant, "lake", "k", grant, "lake", "c", {}, {ids[0]}); }), "NoSuchVersion");
}

TEST_F(VersionsTest, ListingsOfVersionsGoOnWhereTheyEnded) {
  for (const char* key : {"a", "b/1", "b/2", "c"}) {
    for (int i = 0; i < 3; i++) put_version(key, "x");
  }
  store->erase(grant, "lake", "b/1");
  const std::string whole = all();
  for (std::size_t limit = 1; limit < 15; limit++) {
    std::string got, key, version;
    for (bool more = true; more;) {
      VersionListing page = store->list_versions(grant, "lake", "", "", key, version, limit);
      got += described(page, ids);
      more = page.truncated;
      key = page.next_key;
      version = page.next_version_id;
    }
    EXPECT_EQ(got, whole) << limit;
  }
  VersionListing grouped = store->list_versions(grant, "lake", "", "/", "", "", 1000);
  EXPECT_EQ(described(grouped, ids), "a:2* a:1 a:0 c:11* c:10 c:9 ");
  EXPECT_EQ(grouped.prefixes, std::vector<std::string>{"b/"});
  VersionListing behind = store->list_versions(grant, "lake", "", "/", "b/", "", 1000);
  EXPECT_EQ(described(behind, ids), "c:11* c:10 c:9 ");
}

// As those do who empty a bucket.
TEST_F(VersionsTest, ErasingWhatAPageGaveLosesNothingOfTheNext) {
  for (const char* key : {"a", "b"}) {
    for (int i = 0; i < 5; i++) put_version(key, "x");
    store->erase(grant, "lake", key);
  }
  std::string key, version;
  int erased = 0;
  for (bool more = true; more;) {
    VersionListing page = store->list_versions(grant, "lake", "", "", key, version, 4);
    std::vector<Erasure> erasures;
    for (const ObjectInfo& info : page.versions) erasures.push_back({info.key, {info.version_id}, {}, {}});
    store->erase_all(grant, "lake", erasures);
    for (const Erasure& erasure : erasures) EXPECT_TRUE(erasure.done.found);
    erased += static_cast<int>(erasures.size());
    more = page.truncated;
    key = page.next_key;
    version = page.next_version_id;
  }
  EXPECT_EQ(erased, 12);
  EXPECT_EQ(all(), "");
  store->delete_bucket("lake");
  make_bucket("lake");
}

TEST_F(VersionsTest, ManyErasuresOfOneKeyAreToldApart) {
  put_version("k", "one");
  put_version("k", "two");
  std::vector<Erasure> erasures{{"k", {}, {}, {}}, {"k", {ids[1]}, {}, {}}, {"k", {}, {}, {}}, {"k", {ids[1]}, {}, {}}};
  store->erase_all(grant, "lake", erasures);
  EXPECT_TRUE(erasures[0].done.delete_marker);
  EXPECT_TRUE(erasures[1].done.found);
  EXPECT_TRUE(erasures[2].done.delete_marker);
  EXPECT_NE(erasures[0].done.version_id, erasures[2].done.version_id);
  EXPECT_EQ(store->list_versions(grant, "lake", "", "", "", "", 10).versions.size(), 3u);
}

TEST_F(VersionsTest, LockedVersionsCantBeErased) {
  store->change_bucket("lake", [](BucketInfo& b) {
    b.settings["objectLock"] =
        Value::map({{"ObjectLockEnabled", "Enabled"},
                    {"Rule", Value::map({{"DefaultRetention", Value::map({{"Mode", "GOVERNANCE"}, {"Days", 1}})}})}});
  });
  ObjectInfo by_default = put("k", "one");
  ASSERT_TRUE(by_default.headers.retention);
  EXPECT_EQ(by_default.headers.retention->until, clock.now() + std::chrono::hours(24));
  EXPECT_EQ(code_of([&] { store->erase(grant, "lake", "k", {by_default.version_id}); }), "AccessDenied");
  EXPECT_TRUE(store->erase(grant, "lake", "k").delete_marker);  // hides, removes nothing
  EXPECT_TRUE(store->erase(grant, "lake", "k", {by_default.version_id, {}, true}).found);

  ObjectHeaders headers;
  headers.retention = {"COMPLIANCE", clock.now() + std::chrono::hours(1)};
  headers.legal_hold = true;
  ObjectInfo strict = put("k", "two", headers);
  std::vector<Erasure> erasures{{"k", {strict.version_id, {}, true}, {}, {}}};
  store->erase_all(grant, "lake", erasures);
  ASSERT_TRUE(erasures[0].error);
  EXPECT_EQ(erasures[0].error->code(), "AccessDenied");
  clock.advance(std::chrono::hours(2));
  EXPECT_EQ(code_of([&] { store->erase(grant, "lake", "k", {strict.version_id}); }), "AccessDenied");
  store->change_object(grant, "lake", "k", strict.version_id, [](ObjectInfo& i) { i.headers.legal_hold = false; });
  EXPECT_TRUE(store->erase(grant, "lake", "k", {strict.version_id}).found);
  make_bucket("plain");
  EXPECT_EQ(code_of([&] { store->write(grant, "plain", "k", headers); }), "InvalidRequest");
}

TEST_F(VersionsTest, AConditionThatHeldWhenTheWriteBeganAndWhoseObjectIsGoneIsAConflict) {
  ObjectInfo first = put("k", "one");
  auto writer = store->write(grant, "lake", "k", {}, {.if_match = first.etag});
  writer->append("two");
  store->erase(grant, "lake", "k");
  EXPECT_EQ(code_of([&] { writer->finish({}); }), "ConditionalRequestConflict");
}

TEST_F(VersionsTest, AMultipartVersionKeepsItsLayoutWhenItGetsOldAndWhenItComesBack) {
  put_version("source", pattern(min_part, 9));
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  std::vector<CompletedPart> parts;
  for (int number = 1; number <= 20; number++) {
    PartInfo part =
        store->copy_part(grant, "lake", "source", 0, min_part, grant, "lake", "big", upload.upload_id, number, ids[0]);
    parts.push_back({number, part.etag, {}});
  }
  ObjectInfo big = store->complete_upload(grant, "lake", "big", upload.upload_id, parts, {});
  put_version("big", "small");
  EXPECT_EQ(store->open(grant, "lake", "big", big.version_id)->info().part_sizes_bytes.size(), 20u);
  store->erase(grant, "lake", "big", {ids[1]});
  auto reader = store->open(grant, "lake", "big");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->info().version_id, big.version_id);
  EXPECT_EQ(reader->size_bytes(), 20 * min_part);
}

TEST_F(VersionsTest, ReadersFindAVersionWhileOthersPushItBackAndForth) {
  put_version("k", "kept");
  std::atomic<bool> stop = false;
  std::jthread other([&] {
    while (!stop) {
      std::string id = store->erase(grant, "lake", "k").version_id;
      store->erase(grant, "lake", "k", {id});
    }
  });
  for (int i = 0; i < 2000; i++) {
    ASSERT_EQ(get_version("k", ids[0]), "kept");
    auto listing = store->list_versions(grant, "lake", "", "", "", "", 10);
    ASSERT_GE(listing.versions.size(), 1u);
    EXPECT_EQ(listing.versions.back().version_id, ids[0]);
    EXPECT_TRUE(listing.versions.front().latest);
  }
  stop = true;
}

}  // namespace
}  // namespace tarn::store
