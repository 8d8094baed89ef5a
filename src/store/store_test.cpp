#include "store/store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <thread>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "store/local_store.hpp"
#include "store/test_store.hpp"

namespace tarn::store {
namespace {

// ---- buckets

TEST_F(StoreTest, BucketsAreCreatedFoundListedAndSurviveReopening) {
  store->change_bucket("lake", [](BucketInfo& b) {
    b.settings["versioning"] = Value::map({{"Status", "Enabled"}, {"at", Time{milliseconds(5)}}});
  });
  make_bucket("alpine");
  make_bucket("other", "111111111111");
  reopen();
  auto found = store->find_bucket("lake");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->account, "000000000000");
  EXPECT_EQ(found->created, clock.now());
  EXPECT_EQ(found->settings.at("versioning").at("at").as_time(), Time{milliseconds(5)});
  EXPECT_FALSE(store->find_bucket("none"));
  auto mine = store->list_buckets("000000000000");
  ASSERT_EQ(mine.size(), 2u);
  EXPECT_EQ(mine[0].name, "alpine");
  EXPECT_EQ(store->statistics().buckets, 3u);
}

TEST_F(StoreTest, BucketNamesAreUnique) {
  EXPECT_EQ(code_of([&] { make_bucket("lake"); }), "BucketAlreadyOwnedByYou");
  EXPECT_EQ(code_of([&] { make_bucket("lake", "111111111111"); }), "BucketAlreadyExists");
}

TEST_F(StoreTest, OnlyAnEmptyBucketIsDeleted) {
  put("k", "x");
  EXPECT_EQ(code_of([&] { store->delete_bucket("lake"); }), "BucketNotEmpty");
  store->erase(grant, "lake", "k");
  store->delete_bucket("lake");
  EXPECT_EQ(code_of([&] { store->delete_bucket("lake"); }), "NoSuchBucket");
  EXPECT_FALSE(store->find_bucket("lake"));
}

TEST_F(StoreTest, ABucketWhoseNameBeginsAnothersIsNotMixedUpWithIt) {
  make_bucket("lake2");
  auto writer = store->write(grant, "lake2", "k", {});
  writer->append("x");
  writer->finish({});
  EXPECT_TRUE(keys().empty());
  store->delete_bucket("lake");
  EXPECT_TRUE(store->head(grant, "lake2", "k"));
}

TEST_F(StoreTest, DeletingABucketDropsItsOpenUploads) {
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  put_part(upload.upload_id, 1, pattern(100'000, 1));
  expect_files(1);
  store->delete_bucket("lake");
  expect_files(0);
  make_bucket("lake");
  EXPECT_TRUE(store->list_uploads(grant, "lake", "", "", "", 10).empty());
}

TEST_F(StoreTest, AThrowingChangeLeavesTheBucketAsItWas) {
  EXPECT_THROW(store->change_bucket("lake",
                                    [](BucketInfo& b) {
                                      b.settings["x"] = 1;
                                      throw Error(ErrorKind::caller, "X", "x");
                                    }),
               Error);
  EXPECT_TRUE(store->find_bucket("lake")->settings.empty());
  EXPECT_EQ(code_of([&] { store->change_bucket("none", [](BucketInfo&) {}); }), "NoSuchBucket");
}

// ---- objects

TEST_F(StoreTest, ObjectsOfEverySizeComeBackByteForByte) {
  for (std::size_t size : {std::size_t(0), std::size_t(1), std::size_t(4096), inline_limit, inline_limit + 1,
                           std::size_t(1 << 20), std::size_t(5'000'001)}) {
    std::string body = pattern(size, static_cast<unsigned>(size));
    ObjectInfo info = put("k", body);
    EXPECT_EQ(info.size_bytes, size);
    EXPECT_EQ(info.etag, etag_of(body));
    EXPECT_EQ(info.version_id, "null");
    EXPECT_EQ(get("k"), body);
    reopen();
    EXPECT_EQ(get("k"), body) << size;
  }
}

TEST_F(StoreTest, ABodyMayComeInPiecesOfAnySize) {
  std::string body = pattern(700'000, 3);
  auto writer = store->write(grant, "lake", "k", {});
  for (std::size_t at = 0, step = 1; at < body.size(); at += step, step = step * 3 % 200'003)
    writer->append(std::string_view(body).substr(at, step));
  EXPECT_EQ(writer->finish({}).etag, etag_of(body));
  EXPECT_EQ(get("k"), body);
}

TEST_F(StoreTest, HeadTellsAllThatWasStored) {
  ObjectHeaders headers;
  headers.content_type = "text/csv";
  headers.content_encoding = "gzip";
  headers.content_language = "es";
  headers.content_disposition = "inline";
  headers.cache_control = "no-cache";
  headers.expires = "Sat, 21 Nov 2026 02:58:05 GMT";
  headers.website_redirect_location = "/x";
  headers.storage_class = "GLACIER";
  headers.user_metadata = {{"a", "1"}, {"dueño", "Ana"}};
  headers.tags = {{"team", "energy"}, {"empty", ""}};
  Checksum checksum{"CRC32", "AAAAAA==", false};
  auto writer = store->write(grant, "lake", "k", headers);
  writer->append("a,b\n");
  writer->finish(checksum);
  reopen();
  auto info = store->head(grant, "lake", "k");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->key, "k");
  EXPECT_EQ(info->headers, headers);
  EXPECT_EQ(info->checksum, checksum);
  EXPECT_EQ(info->last_modified, clock.now());
  EXPECT_EQ(store->open(grant, "lake", "k")->info().headers, headers);
  EXPECT_FALSE(store->head(grant, "lake", "other"));
  EXPECT_EQ(store->open(grant, "lake", "other"), nullptr);
}

TEST_F(StoreTest, MissingBucketsAreNamed) {
  auto expect = [&](auto work) { EXPECT_EQ(code_of(work), "NoSuchBucket"); };
  expect([&] { store->write(grant, "none", "k", {}); });
  expect([&] { store->open(grant, "none", "k"); });
  expect([&] { store->head(grant, "none", "k"); });
  expect([&] { store->erase(grant, "none", "k"); });
  expect([&] { erase_all("none", {"k"}); });
  expect([&] { store->list(grant, "none", "", "", "", 10); });
  expect([&] { store->copy(grant, "none", "k", grant, "lake", "k", {}); });
  expect([&] { store->copy(grant, "lake", "k", grant, "none", "k", {}); });
  expect([&] { set_tags(grant, "none", "k", {}); });
  expect([&] { store->create_upload(grant, "none", "k", {}, "", ""); });
  expect([&] { store->list_uploads(grant, "none", "", "", "", 1); });
}

TEST_F(StoreTest, AGrantOpensOnlyWhatItCovers) {
  put("open/a", "x");
  put("shut/a", "x");
  Grant reader = govern::Authority::grant(Access::read, "lake", "open/");
  EXPECT_TRUE(store->head(reader, "lake", "open/a"));
  EXPECT_EQ(store->list(reader, "lake", "open/", "", "", 10).objects.size(), 1u);
  auto expect = [&](auto work) { EXPECT_EQ(code_of(work), "AccessDenied"); };
  expect([&] { store->head(reader, "lake", "shut/a"); });
  expect([&] { store->open(reader, "lake", "shut/a"); });
  expect([&] { store->list(reader, "lake", "", "", "", 10); });
  expect([&] { store->write(reader, "lake", "open/b", {}); });
  expect([&] { store->erase(reader, "lake", "open/a"); });
  expect([&] {
    std::vector<Erasure> erasures{{"open/a", {}, {}, {}}};
    store->erase_all(reader, "lake", erasures);
  });
  expect([&] { set_tags(reader, "lake", "open/a", {}); });
  expect([&] { store->copy(reader, "lake", "shut/a", grant, "lake", "b", {}); });
  expect([&] { store->copy(reader, "lake", "open/a", reader, "lake", "open/b", {}); });
  expect([&] { store->create_upload(reader, "lake", "open/b", {}, "", ""); });
}

TEST_F(StoreTest, KeysMayHoldAnyCharacterButZero) {
  std::string all;
  for (int c = 1; c < 128; c++) all += static_cast<char>(c);
  for (int c = 128; c < 256; c++) all += {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
  for (const std::string& key :
       {all, std::string("/"), std::string("a/../b"), std::string(1024, 'k'), std::string("\U0010ffff\uffff")}) {
    put(key, key);
    EXPECT_EQ(get(key), key);
  }
  EXPECT_EQ(keys().size(), 5u);
  EXPECT_EQ(code_of([&] { put(std::string(1025, 'k'), "x"); }), "KeyTooLongError");
  EXPECT_EQ(code_of([&] { put("", "x"); }), "InvalidURI");
  EXPECT_EQ(code_of([&] { put(std::string("a\0b", 3), "x"); }), "InvalidURI");
  EXPECT_EQ(code_of([&] { put("a\xff", "x"); }), "InvalidURI");
  EXPECT_EQ(code_of([&] { put("a\xc3", "x"); }), "InvalidURI");
}

TEST_F(StoreTest, OverwritingAndErasingFreeTheOldBody) {
  put("k", pattern(100'000, 1));
  put("k", pattern(200'000, 2));
  expect_files(1);
  put("k", "small");
  expect_files(0);
  put("k", pattern(100'000, 3));
  EXPECT_TRUE(store->erase(grant, "lake", "k").found);
  EXPECT_FALSE(store->erase(grant, "lake", "k").found);
  expect_files(0);
  EXPECT_EQ(get("k"), "(absent)");
}

TEST_F(StoreTest, AnUnfinishedWriteLeavesNothing) {
  {
    auto writer = store->write(grant, "lake", "k", {});
    writer->append(pattern(300'000, 1));
    EXPECT_EQ(get("k"), "(absent)");
  }
  expect_files(0);
}

TEST_F(StoreTest, AReaderKeepsItsBodyWhileTheObjectIsReplaced) {
  for (std::size_t size : {std::size_t(1000), std::size_t(300'000)}) {
    std::string body = pattern(size, 1);
    put("k", body);
    auto reader = store->open(grant, "lake", "k");
    put("k", "new");
    store->erase(grant, "lake", "k");
    expect_files(0);
    EXPECT_EQ(read_all(*reader), body);
  }
}

TEST_F(StoreTest, RangesAndRandomReads) {
  for (std::size_t size : {std::size_t(1000), std::size_t(300'000)}) {
    std::string body = pattern(size, 1);
    put("k", body);
    auto reader = store->open(grant, "lake", "k");
    char buffer[100];
    EXPECT_EQ(reader->read_at(size - 10, buffer, 100), 10u);
    EXPECT_EQ(std::string_view(buffer, 10), body.substr(size - 10));
    EXPECT_EQ(reader->read_at(size, buffer, 100), 0u);
    reader->restrict_to(100, 500);
    EXPECT_EQ(reader->size_bytes(), 500u);
    EXPECT_EQ(read_all(*reader), body.substr(100, 500));
    reader->restrict_to(size - 5, 500);
    EXPECT_EQ(read_all(*reader), body.substr(size - 5));
    reader->restrict_to(size + 5, 1);
    EXPECT_EQ(read_all(*reader), "");
  }
}

TEST_F(StoreTest, AFileRangeHoldsTheRemainingBytes) {
  std::string body = pattern(300'000, 1);
  put("sealed", body);
  EXPECT_FALSE(store->open(grant, "lake", "sealed")->file_range());
  reopen(AtRest::clear);
  put("k", body);
  auto reader = store->open(grant, "lake", "k");
  reader->restrict_to(1000, 2000);
  char buffer[3000];
  EXPECT_EQ(reader->read(buffer, 500), 500u);
  auto range = reader->file_range();
  ASSERT_TRUE(range);
  EXPECT_EQ(range->size_bytes, 1500u);
  ASSERT_EQ(pread(range->fd, buffer, 1500, static_cast<off_t>(range->offset_bytes)), 1500);
  EXPECT_EQ(std::string_view(buffer, 1500), body.substr(1500, 1500));
  put("small", "x");
  EXPECT_FALSE(store->open(grant, "lake", "small")->file_range());
}

TEST_F(StoreTest, Preconditions) {
  Preconditions absent{.if_none_match = "*"};
  ObjectInfo first = put("k", "one", {}, absent);
  EXPECT_EQ(code_of([&] { store->write(grant, "lake", "k", {}, absent); }), "PreconditionFailed");
  EXPECT_EQ(code_of([&] { put("k", "two", {}, {.if_match = "bad"}); }), "PreconditionFailed");
  EXPECT_EQ(code_of([&] { put("none", "two", {}, {.if_match = "bad"}); }), "NoSuchKey");
  EXPECT_EQ(code_of([&] { put("k", "two", {}, {.if_none_match = first.etag}); }), "PreconditionFailed");
  clock.advance(milliseconds(1000));
  EXPECT_EQ(code_of([&] { put("k", "two", {}, {.if_unmodified_since = first.last_modified - milliseconds(1)}); }),
            "PreconditionFailed");
  EXPECT_EQ(code_of([&] { put("k", "two", {}, {.if_modified_since = first.last_modified}); }), "PreconditionFailed");
  put("k", "two", {}, {.if_match = first.etag});
  EXPECT_EQ(code_of([&] { store->erase(grant, "lake", "k", {"", {.if_match = first.etag}}); }), "PreconditionFailed");
  EXPECT_TRUE(store->erase(grant, "lake", "k", {"", {.if_match = etag_of("two")}}).found);
}

TEST_F(StoreTest, PreconditionsHoldWhenTheWriteEnds) {
  auto writer = store->write(grant, "lake", "k", {}, {.if_none_match = "*"});
  writer->append(pattern(100'000, 1));
  put("k", "sooner");
  EXPECT_EQ(code_of([&] { writer->finish({}); }), "PreconditionFailed");
  writer.reset();
  EXPECT_EQ(get("k"), "sooner");
  expect_files(0);
}

TEST_F(StoreTest, OfManyWritersThatWantTheKeyAbsentOneWins) {
  std::atomic<int> won = 0, lost = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([&] {
      auto code = code_of([&] { put("k", "x", {}, {.if_none_match = "*"}); });
      (code.empty() ? won : lost)++;
      EXPECT_TRUE(code.empty() || code == "PreconditionFailed");
    });
  }
  threads.clear();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
}

TEST_F(StoreTest, AWriteIntoABucketDeletedMeanwhileFails) {
  auto writer = store->write(grant, "lake", "k", {});
  writer->append(pattern(100'000, 1));
  store->delete_bucket("lake");
  EXPECT_EQ(code_of([&] { writer->finish({}); }), "NoSuchBucket");
  writer.reset();
  expect_files(0);
}

TEST_F(StoreTest, EraseAllErasesInOneStep) {
  put("a", "x");
  put("b", pattern(100'000, 1));
  auto found = erase_all("lake", {"a", "none", "b", "a"});
  EXPECT_EQ(found, (std::vector<bool>{true, false, true, false}));
  EXPECT_TRUE(keys().empty());
  expect_files(0);
  EXPECT_EQ(store->statistics().objects, 0u);
}

TEST_F(StoreTest, AclsAreKeptWithTheObjectAndNotCopied) {
  const Value acl = Value::list({Value::map({{"Permission", "READ"}})});
  ObjectHeaders headers;
  headers.acl = acl;
  put("k", "x", headers);
  reopen();
  EXPECT_EQ(store->head(grant, "lake", "k")->headers.acl, acl);
  store->change_object(grant, "lake", "k", "", [](ObjectInfo& info) { info.headers.acl = Value(); });
  EXPECT_EQ(store->head(grant, "lake", "k")->headers, ObjectHeaders());
}

TEST_F(StoreTest, TagsChangeAlone) {
  ObjectInfo before = put("k", "x");
  clock.advance(milliseconds(5));
  set_tags(grant, "lake", "k", {{"a", "b"}});
  auto info = store->head(grant, "lake", "k");
  EXPECT_EQ(info->headers.tags.at("a"), "b");
  EXPECT_EQ(info->last_modified, before.last_modified);
  EXPECT_EQ(code_of([&] { set_tags(grant, "lake", "none", {}); }), "NoSuchKey");
}

// ---- copies

TEST_F(StoreTest, ACopySharesTheBodyAndOutlivesItsSource) {
  make_bucket("two");
  for (std::size_t size : {std::size_t(0), std::size_t(1000), std::size_t(200'000)}) {
    std::string body = pattern(size, 1);
    ObjectHeaders headers;
    headers.content_type = "text/csv";
    put("k", body, headers);
    clock.advance(milliseconds(10));
    ObjectInfo copy = store->copy(grant, "lake", "k", grant, "two", "c", {});
    EXPECT_EQ(copy.etag, etag_of(body));
    EXPECT_EQ(copy.last_modified, clock.now());
    EXPECT_EQ(copy.headers.content_type, "text/csv");
    store->copy(grant, "lake", "k", grant, "lake", "d", ObjectHeaders{});
    EXPECT_EQ(store->head(grant, "lake", "d")->headers.content_type, "");
    expect_files(size > inline_limit ? 1 : 0);
    store->erase(grant, "lake", "k");
    store->erase(grant, "lake", "d");
    reopen();
    EXPECT_EQ(read_all(*store->open(grant, "two", "c")), body);
    store->erase(grant, "two", "c");
    expect_files(0);
  }
}

TEST_F(StoreTest, CopyingOntoItselfChangesHeaders) {
  std::string body = pattern(100'000, 1);
  put("k", body);
  ObjectHeaders headers;
  headers.user_metadata["a"] = "b";
  store->copy(grant, "lake", "k", grant, "lake", "k", headers);
  EXPECT_EQ(get("k"), body);
  EXPECT_EQ(store->head(grant, "lake", "k")->headers.user_metadata.at("a"), "b");
  expect_files(1);
  EXPECT_EQ(store->statistics().objects, 1u);
  EXPECT_EQ(code_of([&] { store->copy(grant, "lake", "none", grant, "lake", "k", {}); }), "NoSuchKey");
}

TEST_F(StoreTest, OverwritingASharedBodyWithItselfAgainAndAgain) {
  put("k", pattern(100'000, 1));
  for (int i = 0; i < 3; i++) store->copy(grant, "lake", "k", grant, "lake", "c", {});
  store->erase(grant, "lake", "k");
  EXPECT_EQ(get("c"), pattern(100'000, 1));
  store->erase(grant, "lake", "c");
  expect_files(0);
}

// ---- listing

TEST_F(StoreTest, ListIsInByteOrderAndPages) {
  for (const char* key : {"b", "a", "a/1", "a/2", "é", "B", "a0"}) put(key, "x");
  EXPECT_EQ(keys(), (std::vector<std::string>{"B", "a", "a/1", "a/2", "a0", "b", "é"}));
  EXPECT_EQ(keys("a/"), (std::vector<std::string>{"a/1", "a/2"}));
  std::vector<std::string> paged;
  std::string after;
  for (int pages = 0; pages < 10; pages++) {
    Listing page = store->list(grant, "lake", "", "", after, 3);
    for (auto& object : page.objects) paged.push_back(object.key);
    EXPECT_EQ(page.next, paged.back());
    after = page.next;
    if (!page.truncated) break;
  }
  EXPECT_EQ(paged, keys());
  Listing none = store->list(grant, "lake", "", "", "", 0);
  EXPECT_TRUE(none.objects.empty());
  EXPECT_FALSE(none.truncated);
}

TEST_F(StoreTest, ListTellsSizeTimeEtagAndStorageClass) {
  ObjectHeaders headers;
  headers.storage_class = "STANDARD_IA";
  put("k", "hello", headers);
  Listing listing = store->list(grant, "lake", "", "", "", 10);
  ASSERT_EQ(listing.objects.size(), 1u);
  EXPECT_EQ(listing.objects[0].size_bytes, 5u);
  EXPECT_EQ(listing.objects[0].etag, etag_of("hello"));
  EXPECT_EQ(listing.objects[0].last_modified, clock.now());
  EXPECT_EQ(listing.objects[0].headers.storage_class, "STANDARD_IA");
}

TEST_F(StoreTest, DelimitersGroupKeys) {
  for (const char* key : {"a", "a/1", "a/2", "a/b/3", "b/1", "c", "d//x", "d/y"}) put(key, "x");
  EXPECT_EQ(keys("", "/"), (std::vector<std::string>{"a", "c", "a/", "b/", "d/"}));
  EXPECT_EQ(keys("a/", "/"), (std::vector<std::string>{"a/1", "a/2", "a/b/"}));
  EXPECT_EQ(keys("a", "/"), (std::vector<std::string>{"a", "a/"}));
  EXPECT_EQ(keys("d/", "/"), (std::vector<std::string>{"d/y", "d//"}));
  EXPECT_EQ(keys("", "//"), (std::vector<std::string>{"a", "a/1", "a/2", "a/b/3", "b/1", "c", "d/y", "d//"}));
  EXPECT_EQ(keys("none", "/"), std::vector<std::string>{});
}

TEST_F(StoreTest, PagesByDelimiterMissNothingAndRepeatNothing) {
  std::set<std::string> wanted;
  for (int i = 0; i < 30; i++) {
    std::string name = "k" + std::to_string(i % 10) + (i % 3 ? "/" + std::to_string(i) : "-" + std::to_string(i));
    put(name, "x");
    wanted.insert(name.find('/') == name.npos ? name : name.substr(0, name.find('/') + 1));
  }
  for (std::size_t limit : {1, 2, 3, 7}) {
    std::vector<std::string> got;
    std::string after;
    for (bool more = true; more;) {
      Listing page = store->list(grant, "lake", "", "/", after, limit);
      for (auto& object : page.objects) got.push_back(object.key);
      for (auto& common : page.prefixes) got.push_back(common);
      more = page.truncated;
      EXPECT_TRUE(!more || page.objects.size() + page.prefixes.size() == limit);
      after = page.next;
    }
    EXPECT_EQ(got.size(), wanted.size());
    EXPECT_EQ(std::set<std::string>(got.begin(), got.end()), wanted);
  }
}

TEST_F(StoreTest, ListingAfterAKeyInsideAGroupStillTellsTheGroup) {
  for (const char* key : {"a/1", "a/2", "b"}) put(key, "x");
  EXPECT_EQ(store->list(grant, "lake", "", "/", "a/1", 10).prefixes, std::vector<std::string>{"a/"});
  EXPECT_TRUE(store->list(grant, "lake", "", "/", "a/", 10).prefixes.empty());
  EXPECT_EQ(store->list(grant, "lake", "a/", "", "A", 10).objects.size(), 2u);
  EXPECT_TRUE(store->list(grant, "lake", "a/", "", "b", 10).objects.empty());
}

}  // namespace
}  // namespace tarn::store
