#include "store/encryption.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "store/body_cipher.hpp"
#include "store/local_store.hpp"
#include "store/locate.hpp"
#include "store/test_store.hpp"
#include "store/verify.hpp"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;
using Kind = Encryption::Kind;

// Bytes that are told again wherever they stand in the clear.
std::string marked(std::size_t size) {
  std::string out;
  while (out.size() < size) out += "in the clear " + std::to_string(out.size()) + "; ";
  out.resize(size);
  return out;
}

struct EncryptionTest : StoreTest {
  ObjectInfo put(std::string_view key, std::string_view body, EncryptionWish wish = {}) {
    auto writer = store->write(grant, "lake", key, {}, {}, std::move(wish));
    for (std::size_t at = 0; at < body.size(); at += 50'001) writer->append(body.substr(at, 50'001));
    return writer->finish({});
  }
  std::string get(std::string_view key, std::string_view customer_key = {}) {
    auto reader = store->open(grant, "lake", key, "", customer_key);
    std::string out, buffer(100'000, '\0');
    while (std::size_t n = reader->read(buffer.data(), buffer.size())) out.append(buffer, 0, n);
    return out;
  }
  ObjectInfo copy(std::string_view from, std::string_view to, EncryptionWish wish = {}, std::string key = {}) {
    CopyOptions options;
    options.encryption = std::move(wish);
    options.from_customer_key = std::move(key);
    return store->copy(grant, "lake", from, grant, "lake", to, std::nullopt, options);
  }
  static EncryptionWish by(Kind kind, std::string customer_key = {}) {
    EncryptionWish wish;
    wish.kind = kind;
    wish.customer_key = std::move(customer_key);
    return wish;
  }
  // How many files of the data folder hold `text`.
  int files_with(std::string_view text) {
    int found = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      std::string bytes((std::istreambuf_iterator<char>(in)), {});
      if (bytes.find(text) != bytes.npos) found++;
    }
    return found;
  }
};

const std::string key_a(32, 'a'), key_b(32, 'b');

TEST_F(EncryptionTest, BodiesOfEverySizeComeBackWholeAndInRanges) {
  for (std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{32} << 10, (std::size_t{32} << 10) + 1, piece_size_bytes - 1,
        piece_size_bytes, piece_size_bytes + 1, 4 * piece_size_bytes, 5 * piece_size_bytes + 7, std::size_t{3} << 20}) {
    const std::string body = marked(size);
    for (Kind kind : {Kind::none, Kind::kms, Kind::customer}) {
      put("k", body, by(kind, key_a));
      ASSERT_EQ(get("k", key_a), body) << size;
      auto reader = store->open(grant, "lake", "k", "", key_a);
      for (std::size_t offset : {std::size_t{0}, size / 3, piece_size_bytes - 1, piece_size_bytes, size - size / 7}) {
        if (offset >= size) continue;
        for (std::size_t length : {std::size_t{1}, piece_size_bytes, size}) {
          std::string part(length, '\0');
          part.resize(reader->read_at(offset, part.data(), length));
          ASSERT_EQ(part, body.substr(offset, length)) << size << " " << offset << " " << length;
        }
      }
      reader->restrict_to(size / 3, size / 2);
      std::string rest, buffer(piece_size_bytes * 4, '\0');
      while (std::size_t n = reader->read(buffer.data(), buffer.size())) rest.append(buffer, 0, n);
      ASSERT_EQ(rest, body.substr(size / 3, size / 2));
    }
  }
}

TEST_F(EncryptionTest, NothingStandsInTheClear) {
  put("small", marked(2000));
  put("large", marked(1 << 20));
  put("kms", marked(1 << 20), by(Kind::kms));
  put("customer", marked(100'000), by(Kind::customer, key_a));
  const std::string upload = store->create_upload(grant, "lake", "parts", {}, "", "").upload_id;
  auto part = store->write_part(grant, "lake", "parts", upload, 1);
  part->append(marked(1 << 20));
  part->finish({});
  EXPECT_EQ(files_with("in the clear"), 0);
  store.reset();
  EXPECT_EQ(files_with("in the clear"), 0);
  EXPECT_EQ(files_with(key_a), 0);
  Verification verified = verify_local(folder);
  EXPECT_EQ(verified.problems, std::vector<std::string>());
  EXPECT_EQ(verified.plain_bodies, 0u);

  reopen(AtRest::clear);
  put("small", marked(2000));
  put("large", marked(1 << 20));
  EXPECT_EQ(get("kms"), marked(1 << 20));
  store.reset();
  EXPECT_GT(files_with("in the clear"), 1);
  verified = verify_local(folder);
  EXPECT_EQ(verified.problems, std::vector<std::string>());
  EXPECT_EQ(verified.plain_bodies, 2u);
  EXPECT_EQ(verified.plain_size_bytes, 2000u + (1 << 20));
}

TEST_F(EncryptionTest, CustomersKeysAreAskedForAndNeverKept) {
  const ObjectInfo made = put("k", marked(100'000), by(Kind::customer, key_a));
  EXPECT_EQ(made.encryption.kind, Kind::customer);
  EXPECT_NE(made.etag, put("other", marked(100'000)).etag);
  EXPECT_EQ(code_of([&] { get("k"); }), "InvalidRequest");
  EXPECT_EQ(code_of([&] { get("k", key_b); }), "AccessDenied");
  EXPECT_EQ(get("k", key_a), marked(100'000));
  EXPECT_EQ(code_of([&] { copy("k", "copy"); }), "InvalidRequest");
}

TEST_F(EncryptionTest, CopiesPassFromKeyToKeyWithoutTheirBytes) {
  const std::string body = marked(1 << 20);
  put("own", body);
  copy("own", "kms", by(Kind::kms));
  copy("kms", "customer", by(Kind::customer, key_a));
  copy("customer", "other customer", by(Kind::customer, key_b), key_a);
  copy("other customer", "again", by(Kind::own), key_b);
  const auto files = [&] {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder + "/blobs")) count += entry.is_regular_file();
    return count;
  };
  EXPECT_EQ(files(), 1);
  for (const char* key : {"own", "kms", "again"}) EXPECT_EQ(get(key), body) << key;
  EXPECT_EQ(get("customer", key_a), body);
  EXPECT_EQ(get("other customer", key_b), body);
  EXPECT_EQ(code_of([&] { get("other customer", key_a); }), "AccessDenied");
  keeper.disabled = true;
  EXPECT_EQ(code_of([&] { get("kms"); }), "KMS.DisabledException");
  EXPECT_EQ(get("own"), body);
  store.reset();
  EXPECT_EQ(verify_local(folder).problems, std::vector<std::string>());
}

TEST_F(EncryptionTest, UploadsKeepToTheirKey) {
  const std::string body = marked(6 << 20);
  put("source", body);
  for (Kind kind : {Kind::none, Kind::kms, Kind::customer}) {
    const UploadInfo upload = store->create_upload(grant, "lake", "k", {}, "", "", by(kind, key_a));
    if (kind == Kind::customer) {
      EXPECT_EQ(code_of([&] { store->write_part(grant, "lake", "k", upload.upload_id, 1, key_b); }), "AccessDenied");
    }
    const std::string key = kind == Kind::customer ? key_a : "";
    auto part = store->write_part(grant, "lake", "k", upload.upload_id, 1, key);
    part->append(body);
    const std::string first = part->finish({}).etag;
    const std::string second =
        store->copy_part(grant, "lake", "source", 1000, 500'000, grant, "lake", "k", upload.upload_id, 2, "", "", key)
            .etag;
    auto made = store->complete_upload(grant, "lake", "k", upload.upload_id, {{1, first, {}}, {2, second, {}}}, {});
    EXPECT_EQ(made.encryption, upload.encryption);
    EXPECT_EQ(get("k", key), body + body.substr(1000, 500'000));
  }
  store.reset();
  EXPECT_EQ(verify_local(folder).problems, std::vector<std::string>());
}

TEST_F(EncryptionTest, ABucketSaysWhatItsObjectsAreEncryptedBy) {
  auto set = [&](Value setting) {
    store->change_bucket("lake", [&](BucketInfo& bucket) { bucket.settings[encryption_setting] = setting; });
  };
  set(Value::map({{"SSEAlgorithm", "aws:kms"}, {"KMSMasterKeyID", "mine"}, {"BucketKeyEnabled", true}}));
  const Encryption made = put("k", "body").encryption;
  EXPECT_EQ(made.kind, Kind::kms);
  EXPECT_EQ(made.kms_key_arn, "mine");
  EXPECT_EQ(made.context.at("aws:s3:arn"), "arn:aws:s3:::lake");
  EXPECT_EQ(copy("k", "copy").encryption.kind, Kind::kms);
  EXPECT_EQ(put("k", "body", by(Kind::own)).encryption.kind, Kind::own);
  EXPECT_EQ(put("k", "body", by(Kind::kms)).encryption.context.at("aws:s3:arn"), "arn:aws:s3:::lake/k");
  set(Value::map({{"SSEAlgorithm", "AES256"}, {"BlockedEncryptionTypes", Value::list({"SSE-C"})}}));
  EXPECT_EQ(code_of([&] { put("k", "body", by(Kind::customer, key_a)); }), "AccessDenied");
  EXPECT_EQ(put("k", "body").encryption.kind, Kind::own);
}

TEST_F(EncryptionTest, RotAndForgeryAreFound) {
  put("large", marked(300'000));
  store.reset();
  std::string file;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().string().find("/blobs/") != std::string::npos) file = entry.path();
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(200'000);
  bytes.put('\x5a');
  bytes.close();
  EXPECT_EQ(verify_local(folder).problems.size(), 1u);  // without any key
  reopen();
  EXPECT_EQ(code_of([&] { get("large"); }), "InternalError");
  auto reader = store->open(grant, "lake", "large");
  std::string start(100, '\0');
  EXPECT_EQ(reader->read_at(0, start.data(), start.size()), start.size());  // another piece, which is whole
  EXPECT_EQ(start, marked(300'000).substr(0, 100));
}

TEST_F(EncryptionTest, KeysAreSealedAnewWithoutTheBodies) {
  put("k", marked(100'000));
  keeper.seals_anew = true;
  reopen();
  keeper.seals_anew = false;
  reopen();
  EXPECT_EQ(get("k"), marked(100'000));
  store.reset();
  class Wrong : public TestKeeper {
    std::string open(std::string_view) override { throw Error(ErrorKind::bug, "InvalidKeyEncryptionKey", ""); }
  } wrong;
  EXPECT_EQ(code_of([&] { open_local(folder, clock, random, Durability::none, &wrong); }), "InvalidKeyEncryptionKey");
}

// What is told of a range of a sealed file is where its bytes stand there.
TEST_F(EncryptionTest, SealedBytesAreLocatedInTheirFile) {
  const std::string body = marked(5 * piece_size_bytes);
  put("whole", body);
  put("small", "in the clear");
  const std::string upload = store->create_upload(grant, "lake", "cut", {}, "", "").upload_id;
  const uint64_t from = piece_size_bytes + 5, size = 2 * piece_size_bytes;
  const PartInfo part = store->copy_part(grant, "lake", "whole", from, size, grant, "lake", "cut", upload, 1);
  store->complete_upload(grant, "lake", "cut", upload, {{1, part.etag, {}}}, {});
  reopen(AtRest::clear);
  put("plain", body);
  store.reset();
  const auto whole = locate_local(folder, "lake", "whole")->pieces.at(0),
             cut = locate_local(folder, "lake", "cut")->pieces.at(0),
             plain = locate_local(folder, "lake", "plain")->pieces.at(0),
             small = locate_local(folder, "lake", "small")->pieces.at(0);
  EXPECT_TRUE(whole.sealed && cut.sealed && small.sealed && !plain.sealed);
  EXPECT_EQ(whole.stored_offset_bytes, 0u);
  EXPECT_EQ(whole.stored_size_bytes + cipher_tag_size_bytes, sealed_size_bytes(body.size()));
  EXPECT_EQ(cut.file, whole.file);
  EXPECT_EQ(cut.size_bytes, size);
  EXPECT_EQ(cut.stored_offset_bytes, from + cipher_tag_size_bytes);
  EXPECT_EQ(cut.stored_size_bytes, size + 2 * cipher_tag_size_bytes);
  EXPECT_EQ(plain.stored_size_bytes, body.size());
  std::ifstream in(folder + "/" + plain.file, std::ios::binary);
  std::string bytes(body.size(), '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_EQ(bytes, body);
}

TEST(BodyCipher, APieceOpensInItsOwnPlaceOnly) {
  const std::string key(32, 'k'), body(2 * piece_size_bytes, 'x');
  BodySealer sealer(key);
  std::string sealed;
  sealer.seal(std::string_view(body).substr(0, piece_size_bytes), sealed);
  sealer.seal(std::string_view(body).substr(piece_size_bytes), sealed);
  EXPECT_EQ(sealed.size(), sealed_size_bytes(body.size()));
  std::string into(piece_size_bytes, '\0');
  BodyOpener opener(key);
  opener.open(1, sealed.data() + sealed_piece_size_bytes, piece_size_bytes, into.data());
  EXPECT_EQ(into, body.substr(piece_size_bytes));
  EXPECT_EQ(code_of([&] { opener.open(0, sealed.data() + sealed_piece_size_bytes, piece_size_bytes, into.data()); }),
            "InternalError");
}

TEST(Encryption, RecordsComeBackAsTheyWere) {
  Encryption e;
  e.kind = Kind::kms;
  e.kms_key_arn = "arn";
  e.context = {{"a", "b"}, {"c", ""}};
  e.bucket_key_enabled = true;
  e.sealed_key = std::string("\0x", 2);
  EXPECT_EQ(decode_encryption(encode(e)), e);
  SystemRandom random;
  const NewEncryption customer = encrypt_by_customer_key(key_a, random);
  EXPECT_EQ(decode_encryption(encode(customer.encryption)), customer.encryption);
  EXPECT_EQ(wrapping_key_of(customer.encryption, key_a), customer.wrapping_key);
  EXPECT_EQ(code_of([&] { decode_encryption("\x09"); }), "InternalError");
}

}  // namespace
}  // namespace tarn::store
