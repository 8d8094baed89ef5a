// Multipart uploads, and the checksums of what they make.
#include "base/base64.hpp"
#include "base/digest.hpp"
#include "store/checksums.hpp"
#include "store/local_store.hpp"
#include "store/test_store.hpp"

namespace tarn::store {
namespace {

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

TEST_F(StoreTest, WhatComesWithoutAChecksumGetsCrc64Nvme) {
  auto sum = [](std::string_view bytes) { return base64_encode(digest(DigestKind::crc64nvme, bytes)); };
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100}, inline_limit + 1})
    EXPECT_EQ(put("k", pattern(size, 3)).checksum, (Checksum{"CRC64NVME", sum(pattern(size, 3)), false})) << size;
  // Parts too, whatever checksum they come with; the whole's is made of theirs.
  const std::string first = pattern(min_part, 1), last = pattern(1000, 2), source = pattern(2 * min_part, 3);
  put("source", source);
  const std::string upload = store->create_upload(grant, "lake", "big", {}, "", "").upload_id;
  const Checksum crc32{"CRC32", base64_encode(digest(DigestKind::crc32, first)), false};
  std::vector<CompletedPart> parts = {{1, put_part(upload, 1, first, crc32), crc32.value}};
  parts.push_back(
      {2, store->copy_part(grant, "lake", "source", 7, min_part, grant, "lake", "big", upload, 2).etag, {}});
  parts.push_back({3, put_part(upload, 3, last), {}});
  reopen();
  EXPECT_EQ(store->list_parts(grant, "lake", "big", upload, 0, 10).at(2).checksum.value, sum(last));
  const ObjectInfo made = store->complete_upload(grant, "lake", "big", upload, parts, {});
  EXPECT_EQ(made.checksum, (Checksum{"CRC64NVME", sum(first + source.substr(7, min_part) + last), false}));
  EXPECT_TRUE(made.part_checksums.empty());
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

}  // namespace
}  // namespace tarn::store
