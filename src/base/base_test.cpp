#include <gtest/gtest.h>

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/random.hpp"

namespace tarn {
namespace {

TEST(Json, RoundTripKeepsOrderAndTypes) {
  const std::string text = R"({"b":1,"a":[true,null,1.5,"x\n\u00e9"],"c":{}})";
  EXPECT_EQ(to_json(parse_json(text)), "{\"b\":1,\"a\":[true,null,1.5,\"x\\n\xc3\xa9\"],\"c\":{}}");
}

TEST(Json, DoublesAreReadExactly) {
  for (const char* text : {"0.30000000000000004", "1.7976931348623157e+308", "5e-324"})
    EXPECT_EQ(to_json(parse_json(text)), text);
  EXPECT_THROW(parse_json("1e400"), Error);
}

TEST(Json, LastOfEqualKeysCounts) {
  EXPECT_EQ(to_json(parse_json(R"({"a":1,"b":2,"a":3})")), R"({"a":3,"b":2})");
}

TEST(Json, MalformedTextIsTheCallersError) {
  for (const char* text : {"", "{", "{\"a\":}", "[1,]", "1 2", "\"\xff\""}) {
    try {
      parse_json(text);
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), "SerializationException");
    }
  }
  EXPECT_THROW(parse_json(std::string(1000, '[')), Error);
}

TEST(Base64, RoundTripAndRefusal) {
  for (std::string s : {"", "a", "ab", "abc", "abcd"}) EXPECT_EQ(base64_decode(base64_encode(s)), s);
  EXPECT_FALSE(base64_decode("abc"));
  EXPECT_FALSE(base64_decode("a=bc"));
  EXPECT_EQ(hex_encode(*hex_decode("00fFa0")), "00ffa0");
}

TEST(Digest, KnownAnswers) {
  auto hex = [](DigestKind k) { return hex_encode(digest(k, "123456789")); };
  EXPECT_EQ(hex(DigestKind::crc32), "cbf43926");
  EXPECT_EQ(hex(DigestKind::crc32c), "e3069283");
  EXPECT_EQ(hex(DigestKind::crc64nvme), "ae8b14860a799888");
  EXPECT_EQ(hex(DigestKind::md5), "25f9e794323b453885f5181f1b624d0b");
  EXPECT_EQ(hex(DigestKind::sha1), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
}

// RFC 4231's cases 1 and 6, RFC 2202's case 1.
TEST(Digest, KeyedKnownAnswers) {
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex_encode(hmac_sha1(std::string(20, '\x0b'), "Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
}

TEST(Digest, PiecesOfAnySizeMakeTheWhole) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i * 7919 >> 3);
  for (DigestKind kind : {DigestKind::crc32, DigestKind::crc32c, DigestKind::crc64nvme, DigestKind::sha256}) {
    Digest in_pieces(kind), byte_by_byte(kind);
    for (std::size_t at = 0, size = 1; at < bytes.size(); at += size++)
      in_pieces.update(std::string_view(bytes).substr(at, size));
    for (char c : bytes) byte_by_byte.update({&c, 1});
    const std::string whole = digest(kind, bytes);
    EXPECT_EQ(in_pieces.finish(), whole);
    EXPECT_EQ(byte_by_byte.finish(), whole);
  }
}

TEST(Clock, TextsRoundTrip) {
  auto t = parse_iso8601("2026-11-21T02:58:05.120Z");
  ASSERT_TRUE(t);
  EXPECT_EQ(format_iso8601(*t), "2026-11-21T02:58:05.120Z");
  EXPECT_EQ(parse_iso8601("2026-11-21T04:58:05.12+02:00"), t);
  auto whole = parse_http_date("Sat, 21 Nov 2026 02:58:05 GMT");
  ASSERT_TRUE(whole);
  EXPECT_EQ(format_http_date(*whole), "Sat, 21 Nov 2026 02:58:05 GMT");
  EXPECT_EQ(parse_basic_iso8601(format_basic_iso8601(*whole)), whole);
  EXPECT_FALSE(parse_iso8601("2026-02-30"));
  EXPECT_FALSE(parse_iso8601("yesterday"));
}

TEST(Clock, ManualClockWakesWhenAdvanced) {
  ManualClock clock(Time{});
  clock.advance(std::chrono::hours(36));
  EXPECT_TRUE(clock.wait_until(Time{} + std::chrono::hours(36), {}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(clock.wait_until(Time{} + std::chrono::hours(37), stop.get_token()));
}

TEST(Random, SeedRepeats) {
  SeededRandom a(7), b(7);
  EXPECT_EQ(a.uuid(), b.uuid());
  EXPECT_EQ(a.uuid()[14], '4');
}

}  // namespace
}  // namespace tarn
