#include "store/store.hpp"

#include <dirent.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "store/blob_files.hpp"
#include "store/checksums.hpp"
#include "store/local_store.hpp"
#include "store/test_store.hpp"
#include "store/verify.hpp"

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

// ---- multipart uploads

TEST_F(StoreTest, PartsBecomeOneObject) {
  ObjectHeaders headers;
  headers.content_type = "application/parquet";
  auto upload = store->create_upload(grant, "lake", "big", headers, "", "");
  std::string one = pattern(min_part, 1), two = pattern(min_part + 12345, 2), three = "end";
  std::vector<CompletedPart> parts;
  parts.push_back({3, put_part(upload.upload_id, 3, one), {}});
  parts.push_back({5, "\"" + put_part(upload.upload_id, 5, two) + "\"", {}});
  parts.push_back({10'000, put_part(upload.upload_id, 10'000, three), {}});
  put_part(upload.upload_id, 7, pattern(100'000, 9));  // not among the completed ones
  EXPECT_EQ(get("big"), "(absent)");
  ObjectInfo info = store->complete_upload(grant, "lake", "big", upload.upload_id, parts, {});
  std::string sums = digest(DigestKind::md5, one) + digest(DigestKind::md5, two) + digest(DigestKind::md5, three);
  EXPECT_EQ(info.etag, etag_of(sums) + "-3");
  EXPECT_EQ(info.part_sizes_bytes, (std::vector<uint64_t>{one.size(), two.size(), three.size()}));
  EXPECT_EQ(get("big"), one + two + three);
  expect_files(2);
  reopen();
  EXPECT_EQ(store->head(grant, "lake", "big")->headers, headers);
  EXPECT_EQ(store->head(grant, "lake", "big")->etag, info.etag);
  EXPECT_EQ(store->list(grant, "lake", "", "", "", 1).objects[0].etag, info.etag);

  auto reader = store->open(grant, "lake", "big");
  reader->restrict_to(one.size() - 100, 200);
  EXPECT_FALSE(reader->file_range());
  EXPECT_EQ(read_all(*reader), one.substr(one.size() - 100) + two.substr(0, 100));
  reader->restrict_to(one.size() + 5, 1000);
  EXPECT_EQ(read_all(*reader), two.substr(5, 1000));

  // The pinned files stay while it is read.
  store->erase(grant, "lake", "big");
  std::this_thread::sleep_for(milliseconds(50));
  reader->restrict_to(0, UINT64_MAX);
  EXPECT_EQ(read_all(*reader), one + two + three);
  reader.reset();
  expect_files(0);
}

TEST_F(StoreTest, CompletingTwiceGivesTheSameAnswer) {
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  std::vector<CompletedPart> parts{{1, put_part(upload.upload_id, 1, "all"), {}}};
  ObjectInfo first = store->complete_upload(grant, "lake", "big", upload.upload_id, parts, {});
  EXPECT_EQ(store->complete_upload(grant, "lake", "big", upload.upload_id, parts, {}).etag, first.etag);
  put("big", "other");
  EXPECT_EQ(code_of([&] { store->complete_upload(grant, "lake", "big", upload.upload_id, parts, {}); }),
            "NoSuchUpload");
}

TEST_F(StoreTest, CompletionIsRefusedForEachFault) {
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  const std::string& id = upload.upload_id;
  CompletedPart one{1, put_part(id, 1, "small"), {}}, two{2, put_part(id, 2, "small"), {}};
  auto expect = [&](const char* code, std::vector<CompletedPart> parts) {
    EXPECT_EQ(code_of([&] { store->complete_upload(grant, "lake", "big", id, parts, {}); }), code);
  };
  expect("EntityTooSmall", {one, two});
  expect("InvalidPartOrder", {two, one});
  expect("InvalidPartOrder", {one, one});
  expect("InvalidPart", {{1, etag_of("other"), {}}});
  expect("InvalidPart", {{3, one.etag, {}}});
  expect("InvalidPart", {{1, one.etag, "AAAA"}});
  expect("MalformedXML", {});
  try {
    store->complete_upload(grant, "lake", "big", id, {one, two}, {});
  } catch (const Error& error) {
    std::map<std::string, std::string> details(error.details().begin(), error.details().end());
    EXPECT_EQ(details["ProposedSize"], "5");
    EXPECT_EQ(details["MinSizeAllowed"], "5242880");
    EXPECT_EQ(details["PartNumber"], "1");
  }
  EXPECT_EQ(code_of([&] { store->complete_upload(grant, "lake", "big", "none", {one}, {}); }), "NoSuchUpload");
  EXPECT_EQ(code_of([&] { store->complete_upload(grant, "lake", "other", id, {one}, {}); }), "NoSuchUpload");
  put("big", "present");
  EXPECT_EQ(code_of([&] { store->complete_upload(grant, "lake", "big", id, {one}, {}, {.if_none_match = "*"}); }),
            "PreconditionFailed");
  store->complete_upload(grant, "lake", "big", id, {one}, {});
  EXPECT_EQ(get("big"), "small");
}

TEST_F(StoreTest, UploadsAndPartsAreListed) {
  std::vector<std::string> ids;
  for (const char* key : {"b", "a", "b", "c/x"}) {
    ids.push_back(store->create_upload(grant, "lake", key, {}, "CRC32", "COMPOSITE").upload_id);
    clock.advance(milliseconds(1));
  }
  auto all = store->list_uploads(grant, "lake", "", "", "", 10);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].key, "a");
  EXPECT_EQ(all[1].upload_id, ids[0]);  // of one key, the older first
  EXPECT_EQ(all[2].upload_id, ids[2]);
  EXPECT_EQ(all[3].checksum_algorithm, "CRC32");
  EXPECT_EQ(store->list_uploads(grant, "lake", "c/", "", "", 10).size(), 1u);
  EXPECT_EQ(store->list_uploads(grant, "lake", "", "b", ids[0], 10)[0].upload_id, ids[2]);
  EXPECT_EQ(store->list_uploads(grant, "lake", "", "b", "", 10)[0].key, "c/x");
  EXPECT_EQ(store->list_uploads(grant, "lake", "", "", "", 2).size(), 2u);

  for (int number : {300, 2, 1}) {
    std::string body = std::to_string(number);
    put_part(ids[1], number, body, {"CRC32", base64_encode(digest(DigestKind::crc32, body)), false}, "a");
  }
  EXPECT_EQ(code_of([&] { put_part(ids[1], 4, "x", {}, "a"); }), "InvalidRequest");
  auto parts = store->list_parts(grant, "lake", "a", ids[1], 0, 10);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[2].number, 300);
  EXPECT_EQ(parts[2].etag, etag_of("300"));
  EXPECT_EQ(parts[2].size_bytes, 3u);
  EXPECT_EQ(store->list_parts(grant, "lake", "a", ids[1], 1, 1)[0].number, 2);
  EXPECT_EQ(store->upload(grant, "lake", "a", ids[1]).upload_id, ids[1]);
  EXPECT_EQ(code_of([&] { store->upload(grant, "lake", "a", ids[0]); }), "NoSuchUpload");
  EXPECT_EQ(code_of([&] { store->list_parts(grant, "lake", "a", "none", 0, 1); }), "NoSuchUpload");
}

TEST_F(StoreTest, AnAbortedUploadIsGone) {
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  put_part(upload.upload_id, 1, pattern(100'000, 1));
  put_part(upload.upload_id, 1, pattern(100'000, 2));  // replaces the first
  expect_files(1);
  auto late = store->write_part(grant, "lake", "big", upload.upload_id, 2);
  late->append(pattern(50'000, 3));
  store->abort_upload(grant, "lake", "big", upload.upload_id);
  EXPECT_EQ(code_of([&] { late->finish({}); }), "NoSuchUpload");
  late.reset();
  expect_files(0);
  EXPECT_EQ(code_of([&] { store->abort_upload(grant, "lake", "big", upload.upload_id); }), "NoSuchUpload");
  EXPECT_EQ(code_of([&] { store->write_part(grant, "lake", "big", upload.upload_id, 1); }), "NoSuchUpload");
}

TEST_F(StoreTest, PartNumbersHaveARange) {
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  EXPECT_EQ(code_of([&] { store->write_part(grant, "lake", "big", upload.upload_id, 0); }), "InvalidArgument");
  EXPECT_EQ(code_of([&] { store->write_part(grant, "lake", "big", upload.upload_id, 10'001); }), "InvalidArgument");
}

TEST_F(StoreTest, ChecksumsOfTheWholeFollowFromThoseOfTheParts) {
  std::string one = pattern(min_part, 1), two = pattern(777, 2);
  for (auto [name, kind] : {std::pair{"CRC32", DigestKind::crc32},
                            {"CRC32C", DigestKind::crc32c},
                            {"CRC64NVME", DigestKind::crc64nvme},
                            {"SHA256", DigestKind::sha256}}) {
    for (std::string type : {"COMPOSITE", "FULL_OBJECT"}) {
      if (code_of([&] { store->create_upload(grant, "lake", "big", {}, name, type); }) == "InvalidRequest") {
        EXPECT_TRUE((type == "COMPOSITE") == (kind == DigestKind::crc64nvme)) << name << type;
        continue;
      }
      auto upload = store->create_upload(grant, "lake", "big", {}, name, type);
      Checksum first{name, base64_encode(digest(kind, one)), false},
          second{name, base64_encode(digest(kind, two)), false};
      std::vector<CompletedPart> parts{{1, put_part(upload.upload_id, 1, one, first), first.value},
                                       {2, put_part(upload.upload_id, 2, two, second), {}}};
      std::string wanted = type == "FULL_OBJECT"
                               ? base64_encode(digest(kind, one + two))
                               : base64_encode(digest(kind, digest(kind, one) + digest(kind, two))) + "-2";
      EXPECT_EQ(code_of([&] {
                  store->complete_upload(grant, "lake", "big", upload.upload_id, parts, {name, "AAAA", false});
                }),
                "BadDigest");
      ObjectInfo info =
          store->complete_upload(grant, "lake", "big", upload.upload_id, parts, {name, wanted, type == "COMPOSITE"});
      EXPECT_EQ(info.checksum, (Checksum{name, wanted, type == "COMPOSITE"}));
    }
  }
}

TEST_F(StoreTest, ChecksumsCombineForEverySize) {
  for (DigestKind kind : {DigestKind::crc32, DigestKind::crc32c, DigestKind::crc64nvme}) {
    for (std::size_t size : {0, 1, 2, 7, 255, 256, 65'537}) {
      std::string one = pattern(1000 - size % 999, 1), two = pattern(size, 2);
      EXPECT_EQ(combine_crc(kind, digest(kind, one), digest(kind, two), size), digest(kind, one + two));
    }
  }
}

TEST_F(StoreTest, PartsMadeOfRangesOfObjects) {
  std::string body = pattern(2 * min_part + 1000, 4);
  put("source", body);
  auto upload = store->create_upload(grant, "lake", "big", {}, "CRC32", "FULL_OBJECT");
  auto copy_part = [&](uint64_t offset, uint64_t size, int number) {
    return store->copy_part(grant, "lake", "source", offset, size, grant, "lake", "big", upload.upload_id, number);
  };
  PartInfo one = copy_part(1000, min_part, 1), two = copy_part(0, body.size(), 2),
           three = copy_part(body.size() - 7, 7, 3);
  EXPECT_EQ(one.etag, etag_of(body.substr(1000, min_part)));
  EXPECT_EQ(two.etag, etag_of(body));
  EXPECT_EQ(one.checksum.value, base64_encode(digest(DigestKind::crc32, body.substr(1000, min_part))));
  expect_files(1);
  store->erase(grant, "lake", "source");
  std::string whole = body.substr(1000, min_part) + body + body.substr(body.size() - 7);
  ObjectInfo info = store->complete_upload(grant, "lake", "big", upload.upload_id,
                                           {{1, one.etag, {}}, {2, two.etag, {}}, {3, three.etag, {}}}, {});
  EXPECT_EQ(info.checksum.value, base64_encode(digest(DigestKind::crc32, whole)));
  EXPECT_EQ(get("big"), whole);
  expect_files(1);
  store->erase(grant, "lake", "big");
  expect_files(0);
}

TEST_F(StoreTest, BadRangesOfObjectsMakeNoPart) {
  put("source", "0123456789");
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  auto code = [&](const char* key, uint64_t offset, uint64_t size) {
    return code_of(
        [&] { store->copy_part(grant, "lake", key, offset, size, grant, "lake", "big", upload.upload_id, 1); });
  };
  EXPECT_EQ(code("source", 5, 6), "InvalidRange");
  EXPECT_EQ(code("source", 11, 0), "InvalidRange");
  EXPECT_EQ(code("none", 0, 1), "NoSuchKey");
  EXPECT_EQ(code("source", 5, 5), "");
}

TEST_F(StoreTest, ThousandsOfPartsStayOutOfTheListedRecord) {
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  std::string body = pattern(min_part, 1);
  put("source", body);
  std::vector<CompletedPart> parts;
  for (int number = 1; number <= 40; number++) {
    parts.push_back(
        {number,
         store->copy_part(grant, "lake", "source", 0, min_part, grant, "lake", "big", upload.upload_id, number).etag,
         {}});
  }
  store->complete_upload(grant, "lake", "big", upload.upload_id, parts, {});
  store->copy(grant, "lake", "big", grant, "lake", "copy", {});
  store->erase(grant, "lake", "big");
  reopen();
  auto reader = store->open(grant, "lake", "copy");
  EXPECT_EQ(reader->info().part_sizes_bytes.size(), 40u);
  reader->restrict_to(39 * min_part - 10, 20);
  EXPECT_EQ(read_all(*reader), body.substr(min_part - 10) + body.substr(0, 10));
  reader.reset();
  store->erase(grant, "lake", "copy");
  store->erase(grant, "lake", "source");
  expect_files(0);
}

// ---- the whole

TEST_F(StoreTest, StatisticsCountWhatIsThere) {
  put("a", "12345");
  put("b", pattern(100'000, 1));
  put("a", "123");
  store->copy(grant, "lake", "b", grant, "lake", "c", {});
  store->erase(grant, "lake", "b");
  for (int i = 0; i < 2; i++) {
    StoreStatistics s = store->statistics();
    EXPECT_EQ(s.objects, 2u);
    EXPECT_EQ(s.size_bytes, 100'003u);
    reopen();
  }
}

TEST_F(StoreTest, ResetForgetsEverything) {
  put("a", pattern(100'000, 1));
  put("b", "x");
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  put_part(upload.upload_id, 1, pattern(100'000, 2));
  auto late = store->write(grant, "lake", "late", {});
  late->append(pattern(100'000, 3));
  store->reset();
  EXPECT_FALSE(store->find_bucket("lake"));
  make_bucket("lake");
  EXPECT_EQ(code_of([&] { late->finish({}); }), "NoSuchBucket");
  late.reset();
  expect_files(0);
  put("new", pattern(100'000, 4));
  EXPECT_EQ(keys(), std::vector<std::string>{"new"});
  EXPECT_TRUE(store->list_uploads(grant, "lake", "", "", "", 10).empty());
  EXPECT_EQ(store->statistics().objects, 1u);
  reopen();
  expect_files(1);
  EXPECT_EQ(get("new"), pattern(100'000, 4));
}

TEST_F(StoreTest, ResetForgetsManyObjectsToo) {
  for (int i = 0; i < 1500; i++) put("k" + std::to_string(i), "x");
  store->reset();
  make_bucket("lake");
  EXPECT_TRUE(keys().empty());
  put("k1", "y");
  EXPECT_EQ(keys(), std::vector<std::string>{"k1"});
  store.reset();
  EXPECT_TRUE(verify_local(folder).problems.empty());
}

TEST_F(StoreTest, AFolderServesOneOpenerAtATime) {
  EXPECT_EQ(code_of([&] { open_local(folder, clock, random, Durability::none); }), "DataFolderInUse");
}

TEST_F(StoreTest, AFolderOfOtherThingsIsRefused) {
  std::string other = folder + "_other";
  std::filesystem::create_directories(other);
  std::ofstream(other + "/letter.txt") << "dear";
  EXPECT_EQ(code_of([&] { open_local(other, clock, random, Durability::none); }), "InvalidDataFolder");
  std::filesystem::remove(other + "/letter.txt");
  std::ofstream(other + "/STORE") << "tarn object store, format 99\n";
  EXPECT_EQ(code_of([&] { open_local(other, clock, random, Durability::none); }), "InvalidDataFolder");
  std::filesystem::remove_all(other);
  std::ofstream(other.c_str()) << "a file";
  EXPECT_EQ(code_of([&] { open_local(other, clock, random, Durability::none); }), "InvalidDataFolder");
  std::filesystem::remove(other);
}

TEST_F(StoreTest, ACreationThatCameToNoEndIsBegunAgain) {
  std::string other = folder + "_other";
  std::filesystem::create_directories(other + "/index");
  std::ofstream(other + "/STORE") << "tarn object store, being made\n";
  std::ofstream(other + "/index/CURRENT") << "half";
  EXPECT_EQ(code_of([&] { verify_local(other); }), "InvalidDataFolder");
  auto made = open_local(other, clock, random, Durability::flushed);
  made->create_bucket({"b", "000000000000", "us-east-1", clock.now(), {}});
  made.reset();
  EXPECT_TRUE(open_local(other, clock, random, Durability::flushed)->find_bucket("b"));
  EXPECT_TRUE(verify_local(other).problems.empty());
  std::filesystem::remove_all(other);
}

TEST_F(StoreTest, WhatAnInterruptedWriteLeftIsRemovedAtTheNextOpening) {
  put("k", pattern(100'000, 1));
  store.reset();
  std::ofstream(folder + "/incoming/00000000000000ff") << "half";
  std::ofstream(folder + "/incoming/strange") << "half";
  // A blob that was committed but not yet moved.
  for (auto& entry : std::filesystem::recursive_directory_iterator(folder + "/blobs")) {
    if (entry.is_regular_file())
      std::filesystem::rename(entry.path(), folder + "/incoming/" + entry.path().filename().string());
  }
  reopen();
  expect_files(1);
  EXPECT_TRUE(std::filesystem::is_empty(folder + "/incoming"));
  EXPECT_EQ(get("k"), pattern(100'000, 1));
}

TEST_F(StoreTest, DamageToABodyIsSeen) {
  put("small", "hello");
  put("large", pattern(3'000'000, 1));
  store.reset();
  reopen();  // removes what was written and not yet moved
  store.reset();
  std::string path;
  for (auto& entry : std::filesystem::recursive_directory_iterator(folder + "/blobs")) {
    if (entry.is_regular_file()) path = entry.path();
  }
  BlobFiles files(folder, false);
  Index index(folder + "/index", false);
  BlobId id = std::stoull(std::filesystem::path(path).filename(), nullptr, 16);
  std::string stored;
  ASSERT_TRUE(index.get(Family::records, file_key(id), stored));
  FileRecord record = decode_file(stored);
  EXPECT_EQ(record.size_bytes, sealed_size_bytes(3'000'000));
  EXPECT_EQ(files.damage(id, record), std::nullopt);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(1'500'000);
    const char byte = static_cast<char>(file.get());
    file.seekp(1'500'000);
    file.put(static_cast<char>(byte ^ 1));
  }
  EXPECT_EQ(files.damage(id, record), "the MiB at offset 1048576 is damaged");
  std::filesystem::resize_file(path, 2'000'000);
  EXPECT_EQ(files.damage(id, record), "the file is too short");
}

}  // namespace
}  // namespace tarn::store
