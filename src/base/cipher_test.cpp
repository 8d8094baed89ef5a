#include "base/cipher.hpp"

#include <gtest/gtest.h>

#include "base/base64.hpp"

namespace tarn {
namespace {

// "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, appendix B: test cases 13 to 16, those of 256 bits.
struct Vector {
  const char *key, *nonce, *associated, *plain, *sealed, *tag;
};
constexpr const char* key_16 = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
const Vector vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
     "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {key_16, "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
     "ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
     "bcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {key_16, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
     "ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
     "bcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(Cipher, SealsAndOpensTheKnownVectorsOfGcm) {
  for (const Vector& v : vectors) {
    const std::string key = *hex_decode(v.key), nonce = *hex_decode(v.nonce), associated = *hex_decode(v.associated),
                      plain = *hex_decode(v.plain);
    std::string sealed(plain.size() + cipher_tag_size_bytes, '\0');
    AesGcm(key, AesGcm::Direction::seal).seal(nonce, associated, plain.data(), plain.size(), sealed.data());
    EXPECT_EQ(hex_encode(sealed), std::string(v.sealed) + v.tag);
    std::string opened(plain.size(), '\0');
    AesGcm opener(key, AesGcm::Direction::open);
    EXPECT_TRUE(opener.open(nonce, associated, sealed.data(), plain.size(), opened.data()));
    EXPECT_EQ(opened, plain);
    sealed.back() = static_cast<char>(sealed.back() ^ 1);
    EXPECT_FALSE(opener.open(nonce, associated, sealed.data(), plain.size(), opened.data()));
  }
}

TEST(Cipher, OneKeySealsManyMessagesInPlace) {
  SeededRandom random(1);
  const std::string key = random.bytes(32);
  AesGcm sealer(key, AesGcm::Direction::seal), opener(key, AesGcm::Direction::open);
  for (int i = 0; i < 10; i++) {
    std::string nonce(12, static_cast<char>(i)), message = random.bytes(static_cast<std::size_t>(i) * 1000);
    std::string place = message + std::string(16, '\0');
    sealer.seal(nonce, "", place.data(), message.size(), place.data());
    EXPECT_TRUE(opener.open(nonce, "", place.data(), message.size(), place.data()));
    EXPECT_EQ(place.substr(0, message.size()), message);
  }
}

TEST(Cipher, ASealedMessageOpensWithItsKeyAndContextOnly) {
  SeededRandom random(2);
  const std::string key = random.bytes(32), sealed = seal(key, "context", "secret", random);
  EXPECT_EQ(open_sealed(key, "context", sealed), "secret");
  EXPECT_FALSE(open_sealed(key, "other", sealed));
  EXPECT_FALSE(open_sealed(random.bytes(32), "context", sealed));
  EXPECT_FALSE(open_sealed(key, "context", sealed.substr(0, 20)));
  for (std::size_t i = 0; i < sealed.size(); i++) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    EXPECT_FALSE(open_sealed(key, "context", changed)) << i;
  }
}

// RFC 3394, section 4.6.
TEST(Cipher, WrapsTheKnownKey) {
  const std::string wrapping = *hex_decode("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"),
                    key = *hex_decode("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
  const std::string wrapped = wrap_key(wrapping, key);
  EXPECT_EQ(hex_encode(wrapped), "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
  EXPECT_EQ(unwrap_key(wrapping, wrapped), key);
  EXPECT_FALSE(unwrap_key(key, wrapped));
  EXPECT_FALSE(unwrap_key(wrapping, wrapped.substr(1)));
}

TEST(Cipher, DerivedKeysDifferByPurpose) {
  const std::string secret(32, 's');
  EXPECT_EQ(derive_key(secret, "a"), derive_key(secret, "a"));
  EXPECT_NE(derive_key(secret, "a"), derive_key(secret, "b"));
  EXPECT_EQ(derive_key(secret, "a").size(), cipher_key_size_bytes);
}

}  // namespace
}  // namespace tarn
