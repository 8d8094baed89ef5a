// The "aws-chunked" content coding of S3: chunks that each carry a signature, and trailers with checksums, inside an
// ordinary body.
// ("Signature calculations for the authorization header: transferring payload in multiple chunks", "… including
// trailing headers".)
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/operations.hpp"
#include "base/digest.hpp"

namespace tarn::gateway {

// What the signatures of chunks are made with.
struct ChunkSigning {
  std::string key;             // the derived signing key, raw
  std::string timestamp;       // "20261121T025805Z"
  std::string scope;           // "20261121/us-east-1/s3/aws4_request"
  std::string seed_signature;  // the request's own, hex
};

struct ChunkedForm {
  bool has_signatures = false;          // STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER]
  bool has_trailer = false;             // …-TRAILER
  std::optional<ChunkSigning> signing;  // absent: signatures are read but can't be checked (the secret is unknown)
  uint64_t decoded_size_bytes = 0;      // x-amz-decoded-content-length
  std::vector<std::string> announced;   // the names in x-amz-trailer, lower case
};

// Bytes are handed on as they come; a chunk's signature is checked at its end, so a reader must not act before it saw
// the end of the body. Errors (caller): SignatureDoesNotMatch, IncompleteBody, InvalidChunkSizeError,
// MalformedTrailerError.
class AwsChunkedBody : public api::BodySource {
 public:
  AwsChunkedBody(api::BodySource& coded, ChunkedForm form);

  std::size_t read(char* into, std::size_t size_bytes) override;
  std::optional<uint64_t> size_bytes() const override { return form_.decoded_size_bytes; }
  // The checksum header that was announced to come behind the bytes ("x-amz-checksum-crc32"); empty: none.
  std::string_view announced_checksum() const;
  // A header that came behind the bytes, by its lower-case name; known once read() gave 0. Empty: none.
  std::string_view trailer(std::string_view name) const override;

 private:
  std::size_t read_coded(char* into, std::size_t size_bytes);
  std::string read_line();
  void begin_chunk();
  void end_chunk();
  void read_trailers();
  void check_signature(std::string_view kind, std::string_view hashes, std::string_view given);

  api::BodySource& coded_;
  ChunkedForm form_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;
  uint64_t chunk_remaining_bytes_ = 0, decoded_bytes_ = 0;
  bool in_chunk_ = false, ended_ = false, failed_ = false;
  std::string previous_signature_, chunk_signature_;
  std::optional<Digest> chunk_hash_;
  std::vector<std::pair<std::string, std::string>> trailers_;
};

}  // namespace tarn::gateway
