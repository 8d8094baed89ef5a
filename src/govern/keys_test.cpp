#include "govern/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "govern/key_pairs.hpp"

namespace tarn::govern {
namespace {

namespace fs = std::filesystem;
using OwnFile = KeyEncryptionKeys::OwnFile;

// The code of the error that `call` throws; empty when it throws none.
template <class F>
std::string failure(F call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

class KeysTest : public ::testing::Test {
 protected:
  KeysTest() { fs::create_directories(folder_); }
  ~KeysTest() override {
    keys_.reset();
    metadata_.reset();
    fs::remove_all(folder_);
  }

  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  Keys& keys() {
    if (!metadata_) metadata_ = meta::open_sqlite(file("metadata.db"), clock_, false);
    if (!keys_)
      keys_ = std::make_unique<Keys>(*metadata_, KeyEncryptionKeys::load({}, file("kek"), OwnFile::may_be_new, random_),
                                     clock_, random_);
    return *keys_;
  }
  void restart() {
    keys_.reset();
    metadata_.reset();
  }
  KeyRecord create(const std::string& spec = "SYMMETRIC_DEFAULT", const std::string& usage = "ENCRYPT_DECRYPT") {
    api::kms::CreateKeyRequest in;
    in.key_spec = spec;
    in.key_usage = usage;
    return keys().create(scope_, "tester", in);
  }

  SystemRandom random_;
  ManualClock clock_{Time(std::chrono::milliseconds(1'800'000'000'000))};
  std::string folder_ = (fs::temp_directory_path() / ("tarn_keys_" + random_.hex(16))).string();
  std::unique_ptr<meta::Metadata> metadata_;
  std::unique_ptr<Keys> keys_;
  KeyScope scope_{"000000000000", "us-east-1"};
};

TEST_F(KeysTest, WhatAKeyEncryptedItDecryptsAfterARestart) {
  const std::string blob = keys().encrypt(create(), "secret", {{"a", "b"}});
  restart();
  EXPECT_EQ(keys().decrypt(scope_, std::nullopt, blob, {{"a", "b"}}).plain, "secret");
  EXPECT_EQ(failure([&] { keys().decrypt(scope_, std::nullopt, blob, {{"a", "c"}}); }), "InvalidCiphertextException");
  EXPECT_EQ(failure([&] { keys().decrypt(scope_, std::nullopt, blob, {}); }), "InvalidCiphertextException");
  EXPECT_EQ(failure([&] { keys().decrypt(scope_, create().arn(), blob, {{"a", "b"}}); }), "IncorrectKeyException");
  for (std::size_t i = 0; i < blob.size(); i++) {
    std::string changed = blob;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_NE(failure([&] { keys().decrypt(scope_, std::nullopt, changed, {{"a", "b"}}); }), "") << i;
  }
}

TEST_F(KeysTest, MaterialIsNeverOnDiskNorInTheChangeLog) {
  const KeyRecord key = create();
  const std::string secret = keys().material(key);
  for (const auto& change : metadata_->changes(0, 100)) EXPECT_NE(change.kind, "kms.material");
  restart();
  const std::vector<std::string> forms{secret, base64_encode(secret), hex_encode(secret)};
  for (const auto& entry : fs::directory_iterator(folder_)) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    for (const std::string& form : forms) EXPECT_EQ(bytes.find(form), std::string::npos) << entry.path();
  }
}

TEST_F(KeysTest, TheClockRotatesAndDeletes) {
  const KeyRecord key = keys().change(scope_, "tester", create().arn(), [&](KeyRecord& k) {
    k.rotates = true;
    k.rotation_period_days = 90;
    k.next_rotation = clock_.now() + std::chrono::days(90);
  });
  const std::string blob = keys().encrypt(key, "old", {});
  clock_.advance(std::chrono::days(91));
  const KeyRecord rotated = keys().find(scope_, key.arn());
  ASSERT_EQ(rotated.materials.size(), 2u);
  EXPECT_NE(keys().material(rotated), keys().material(rotated, key.materials[0].id));
  EXPECT_EQ(rotated.metadata.current_key_material_id, rotated.materials[1].id);
  EXPECT_EQ(keys().decrypt(scope_, std::nullopt, blob, {}).plain, "old");
  EXPECT_EQ(keys().decrypt(scope_, std::nullopt, keys().encrypt(rotated, "new", {}), {}).material_id,
            rotated.materials[1].id);

  keys().change(scope_, "tester", key.arn(), [&](KeyRecord& k) {
    k.metadata.key_state = "PendingDeletion";
    k.metadata.deletion_date = clock_.now() + std::chrono::days(7);
  });
  EXPECT_EQ(failure([&] { keys().decrypt(scope_, std::nullopt, blob, {}); }), "KMSInvalidStateException");
  clock_.advance(std::chrono::days(7));
  EXPECT_EQ(failure([&] { keys().find(scope_, key.arn()); }), "NotFoundException");
  EXPECT_EQ(metadata_->count("kms.material", ""), 0u);
}

TEST_F(KeysTest, TheKeyEncryptionKeyRotatesWithoutTheDataBeingRewritten) {
  const std::string blob = keys().encrypt(create(), "secret", {});
  restart();
  EXPECT_EQ(KeyEncryptionKeys::rotate(file("kek"), random_), 2u);
  EXPECT_EQ(keys().decrypt(scope_, std::nullopt, blob, {}).plain, "secret");
  restart();
  // All is sealed by version 2 now: version 1 may go.
  std::ifstream in(file("kek"));
  std::string first, second;
  std::getline(in, first);
  std::getline(in, second);
  EXPECT_TRUE(second.starts_with("2 "));
  std::ofstream(file("kek")) << second << "\n";
  EXPECT_EQ(keys().decrypt(scope_, std::nullopt, blob, {}).plain, "secret");
  restart();
  std::ofstream(file("kek")) << "2 " << base64_encode(random_.bytes(32)) << "\n";
  EXPECT_EQ(failure([&] { keys(); }), "InvalidKeyEncryptionKey");
}

TEST_F(KeysTest, ALostKeyFileIsNotMadeAnew) {
  EXPECT_EQ(failure([&] { KeyEncryptionKeys::load({}, file("kek"), OwnFile::must_be_there, random_); }),
            "InvalidKeyEncryptionKey");
  EXPECT_FALSE(fs::exists(file("kek")));
}

TEST_F(KeysTest, AKeyFileIsItsOwnersAlone) {
  KeyEncryptionKeys::load({}, file("kek"), OwnFile::may_be_new, random_);
  struct stat status;
  ASSERT_EQ(::stat(file("kek").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ::chmod(file("kek").c_str(), 0644);
  EXPECT_EQ(failure([&] { KeyEncryptionKeys::load({}, file("kek"), OwnFile::may_be_new, random_); }),
            "InvalidKeyEncryptionKey");
}

TEST_F(KeysTest, TheKeyEncryptionKeyComesFromTextCommandOrFile) {
  const std::string key(32, 'k'), text = base64_encode(key);
  const std::string sealed = KeyEncryptionKeys::parse(text).seal("secret", "place", random_);
  KeySource by_text, by_command, by_file;
  by_text.text = "1 " + text + "\n";
  by_command.command = "echo " + text;
  by_file.file = file("elsewhere");
  std::ofstream(by_file.file) << "\n 1\t" << text << "\r\n";
  ::chmod(by_file.file.c_str(), 0600);
  for (const KeySource& source : {by_text, by_command, by_file})
    EXPECT_EQ(KeyEncryptionKeys::load(source, file("kek"), OwnFile::must_be_there, random_).open(sealed, "place"),
              "secret");
  EXPECT_FALSE(fs::exists(file("kek")));
  EXPECT_EQ(failure([&] { KeyEncryptionKeys::parse(text).open(sealed, "other"); }), "InvalidKeyEncryptionKey");
  for (const char* bad : {"", "1", "0 AAAA", "x y z", "1 AAAA"})
    EXPECT_EQ(failure([&] { KeyEncryptionKeys::parse(bad); }), "InvalidKeyEncryptionKey") << bad;
  EXPECT_EQ(failure([&] { KeyEncryptionKeys::parse("1 " + text + "\n1 " + text); }), "InvalidKeyEncryptionKey");
  KeySource failing;
  failing.command = "exit 3";
  EXPECT_EQ(failure([&] { KeyEncryptionKeys::load(failing, file("kek"), OwnFile::may_be_new, random_); }),
            "InvalidKeyEncryptionKey");
}

TEST_F(KeysTest, AwsOwnKeysAreMadeWhenNamed) {
  const KeyRecord key = keys().find(scope_, "alias/aws/s3");
  EXPECT_TRUE(key.is_aws_managed());
  EXPECT_EQ(keys().find(scope_, "arn:aws:kms:us-east-1:000000000000:alias/aws/s3").arn(), key.arn());
  EXPECT_EQ(failure([&] { keys().find_own(scope_, key.arn()); }), "AccessDeniedException");
  EXPECT_EQ(failure([&] { keys().find(scope_, "alias/aws/nothing"); }), "NotFoundException");
}

TEST(KeyPairs, SignAndVerifyByEveryAlgorithm) {
  for (const char* name :
       {"RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"}) {
    const KeySpec& spec = key_spec(name);
    const std::string secret = make_key_pair(spec);
    for (const std::string& algorithm : spec.signing_algorithms) {
      std::string signature = sign(secret, algorithm, "message", false);
      EXPECT_TRUE(verify(secret, algorithm, "message", false, signature)) << algorithm;
      EXPECT_FALSE(verify(secret, algorithm, "another", false, signature)) << algorithm;
      signature[signature.size() / 2] = static_cast<char>(signature[signature.size() / 2] ^ 1);
      EXPECT_FALSE(verify(secret, algorithm, "message", false, signature)) << algorithm;
    }
  }
}

TEST(KeyPairs, EncryptAndAgree) {
  const std::string rsa = make_key_pair(key_spec("RSA_2048"));
  for (const char* algorithm : {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}) {
    EXPECT_EQ(decrypt_by(rsa, algorithm, encrypt_for(rsa, algorithm, "plain")), "plain");
    EXPECT_EQ(failure([&] { encrypt_for(rsa, algorithm, std::string(300, 'x')); }), "ValidationException");
    EXPECT_EQ(failure([&] { decrypt_by(rsa, algorithm, std::string(256, 'x')); }), "InvalidCiphertextException");
  }
  const std::string one = make_key_pair(key_spec("ECC_NIST_P256")), two = make_key_pair(key_spec("ECC_NIST_P256"));
  EXPECT_EQ(derive_shared_secret(one, public_key_of(two)), derive_shared_secret(two, public_key_of(one)));
  EXPECT_EQ(failure([&] { derive_shared_secret(one, "junk"); }), "ValidationException");
  EXPECT_EQ(failure([&] { derive_shared_secret(one, public_key_of(rsa)); }), "ValidationException");
}

// RFC 4231, test case 2.
TEST(KeyPairs, MacsAreThoseOfTheStandard) {
  const std::string key = "Jefe", message = "what do ya want for nothing?";
  EXPECT_EQ(hex_encode(mac(key, "HMAC_SHA_224", message)), "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44");
  EXPECT_EQ(hex_encode(mac(key, "HMAC_SHA_256", message)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Ciphertexts, ParseWhatWasMadeAndNothingElse) {
  const std::string material(64, 'a');
  const std::string blob = ciphertext_head("000000000000", "key", material) + std::string(28, 's');
  auto parsed = parse_ciphertext(blob);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->key_id, "key");
  EXPECT_EQ(parsed->material_id, material);
  for (std::size_t size = 0; size < blob.size(); size++) EXPECT_FALSE(parse_ciphertext(blob.substr(0, size)));
  EXPECT_NE(associated_data("h", {{"a", "bc"}}), associated_data("h", {{"ab", "c"}}));
}

}  // namespace
}  // namespace tarn::govern
