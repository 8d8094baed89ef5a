#include "gateway/http/aws_chunked.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "gateway/http/canonical.hpp"

namespace tarn::gateway {
namespace {

// Gives its text in pieces of `piece` bytes.
class Text : public api::BodySource {
 public:
  Text(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
  std::size_t read(char* into, std::size_t size) override {
    std::size_t n = std::min({size, piece_, text_.size() - at_});
    std::memcpy(into, text_.data() + at_, n);
    at_ += n;
    return n;
  }
  std::optional<uint64_t> size_bytes() const override { return text_.size(); }

 private:
  std::string text_;
  std::size_t piece_, at_ = 0;
};

struct Result {
  std::string bytes, error, crc32;
};

Result decode(const std::string& coded, ChunkedForm form, std::size_t piece = 1000, std::size_t room = 777) {
  Text source(coded, piece);
  AwsChunkedBody body(source, std::move(form));
  Result out;
  try {
    std::string buffer(room, '\0');
    while (std::size_t got = body.read(buffer.data(), buffer.size())) out.bytes.append(buffer, 0, got);
    out.crc32 = body.trailer("x-amz-checksum-crc32");
  } catch (const Error& error) {
    out.error = error.code();
  }
  return out;
}

ChunkedForm trailer_form(uint64_t size) {
  return {false, true, {}, size, {"x-amz-checksum-crc32"}};
}

// The example of "Signature calculations for the authorization header: transferring payload in multiple chunks".
ChunkedForm documented_form() {
  SignatureParts parts;
  parts.date = "20130524";
  parts.region = "us-east-1";
  parts.service = "s3";
  ChunkSigning signing{signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", parts), "20130524T000000Z",
                       parts.scope(), "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"};
  return {true, false, signing, 66560, {}};
}

std::string documented_body(char letter = 'a') {
  return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
         std::string(65536, letter) +
         "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
         std::string(1024, 'a') +
         "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
}

TEST(AwsChunked, DocumentedSignaturesAreRight) {
  for (std::size_t piece : {1u, 7u, 4096u, 100000u}) {
    Result r = decode(documented_body(), documented_form(), piece, 65536);
    EXPECT_EQ(r.error, "") << piece;
    EXPECT_TRUE(r.bytes == std::string(66560, 'a')) << piece;
  }
}

TEST(AwsChunked, OneWrongByteIsFound) {
  EXPECT_EQ(decode(documented_body('b'), documented_form()).error, "SignatureDoesNotMatch");
  ChunkedForm other_key = documented_form();
  other_key.signing->key += "x";
  EXPECT_EQ(decode(documented_body(), other_key).error, "SignatureDoesNotMatch");
}

TEST(AwsChunked, TrailersAreToldAtTheEnd) {
  Result r = decode("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", trailer_form(5));
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.bytes, "hello");
  EXPECT_EQ(r.crc32, "NhCmhg==");
}

TEST(AwsChunked, SignedTrailersAreChecked) {
  ChunkedForm form = documented_form();
  form.decoded_size_bytes = 0;
  form.has_trailer = true;
  form.announced = {"x-amz-checksum-crc32"};
  const std::string nothing = hex_encode(digest(DigestKind::sha256, ""));
  const ChunkSigning& s = *form.signing;
  const std::string last =
      hex_encode(hmac_sha256(s.key, "AWS4-HMAC-SHA256-PAYLOAD\n" + s.timestamp + "\n" + s.scope + "\n" +
                                        s.seed_signature + "\n" + nothing + "\n" + nothing));
  const std::string hash = hex_encode(digest(DigestKind::sha256, "x-amz-checksum-crc32:AAAAAA==\n"));
  const std::string sign = hex_encode(
      hmac_sha256(s.key, "AWS4-HMAC-SHA256-TRAILER\n" + s.timestamp + "\n" + s.scope + "\n" + last + "\n" + hash));
  auto body = [&](const std::string& value, const std::string& signature) {
    return "0;chunk-signature=" + last + "\r\nx-amz-checksum-crc32:" + value +
           "\r\nx-amz-trailer-signature:" + signature + "\r\n\r\n";
  };
  EXPECT_EQ(decode(body("AAAAAA==", sign), form).error, "");
  EXPECT_EQ(decode(body("AAAAAQ==", sign), form).error, "SignatureDoesNotMatch");
  EXPECT_EQ(decode("0;chunk-signature=" + last + "\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", form).error,
            "SignatureDoesNotMatch");
}

TEST(AwsChunked, BrokenBodiesAreRefused) {
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\n\r\n", trailer_form(5)).error, "MalformedTrailerError");
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\nx-other:1\r\n\r\n", trailer_form(5)).error, "MalformedTrailerError");
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\n", trailer_form(6)).error, "IncompleteBody");
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\n", trailer_form(4)).error, "IncompleteBody");
  EXPECT_EQ(decode("5\r\nhel", trailer_form(5)).error, "IncompleteBody");
  EXPECT_EQ(decode("5\r\nhello\r\n", trailer_form(5)).error, "IncompleteBody");
  EXPECT_EQ(decode("", trailer_form(5)).error, "IncompleteBody");
  EXPECT_EQ(decode("5\r\nhello!\r\n0\r\n\r\n", trailer_form(5)).error, "InvalidRequest");
  EXPECT_EQ(decode("zz\r\nhello\r\n", trailer_form(5)).error, "InvalidRequest");
  EXPECT_EQ(decode("ffffffffffffffffff\r\n", trailer_form(5)).error, "InvalidRequest");
  EXPECT_EQ(decode(std::string(20000, 'a'), trailer_form(5)).error, "InvalidRequest");
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\n\r\n", {true, false, {}, 5, {}}).error, "InvalidRequest");
}

}  // namespace
}  // namespace tarn::gateway
