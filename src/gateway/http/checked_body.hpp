// A body of S3 whose hashes are checked as it is read: x-amz-content-sha256, Content-MD5, x-amz-checksum-* in headers
// or behind the bytes.
// ("Checking object integrity" in the S3 User Guide.)
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "api/wire/message.hpp"
#include "base/digest.hpp"
#include "gateway/http/aws_chunked.hpp"

namespace tarn::gateway {

// What the request says about the hashes of its body.
struct ExpectedHashes {
  std::string sha256;              // hex, from the signature; empty: none
  std::optional<std::string> md5;  // raw
  std::string algorithm;           // "CRC32" ...; empty: no checksum
  std::string checksum;            // base64; empty: comes behind the bytes
};

// Reads the headers. Throws Error (caller): InvalidDigest for a Content-MD5 that is none, InvalidRequest for checksums
// that are malformed, doubled, announced but not there, or (`required`) missing altogether.
ExpectedHashes read_expected_hashes(const api::WireRequest& request, const std::string& payload_sha256,
                                    std::string_view announced_trailer, bool required);

// Errors at the end of the body: XAmzContentSHA256Mismatch, BadDigest. One thread; what is passed outlives it.
class CheckedBody : public api::BodySource {
 public:
  // `chunked` is `inner` where the body is aws-chunked, else nullptr.
  CheckedBody(api::BodySource& inner, const AwsChunkedBody* chunked, ExpectedHashes expected);

  std::size_t read(char* into, std::size_t size_bytes) override;
  std::optional<uint64_t> size_bytes() const override { return inner_.size_bytes(); }
  Checksum checksum() const override { return found_; }

 private:
  void check();

  api::BodySource& inner_;
  const AwsChunkedBody* chunked_;
  ExpectedHashes expected_;
  std::optional<Digest> sha256_, md5_, checksum_;
  bool ended_ = false, failed_ = false;
  Checksum found_;
};

}  // namespace tarn::gateway
