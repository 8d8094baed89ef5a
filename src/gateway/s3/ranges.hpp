// The Range header of a read (RFC 9110, section 14), as S3 takes it: one range of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tarn::gateway::s3 {

struct ByteRange {
  uint64_t offset_bytes, size_bytes;
  bool operator==(const ByteRange&) const = default;
};

// The part of an object of `object_size_bytes` that "bytes=0-99", "bytes=100-" or "bytes=-100" names. Absent where the
// text has another form or names several ranges: S3 then answers with the whole object. A range beyond the object
// throws Error (caller, InvalidRange).
std::optional<ByteRange> parse_range(std::string_view text, uint64_t object_size_bytes);

// x-amz-copy-source-range: "bytes=first-last", both given and inside the object; else Error (caller, InvalidArgument).
ByteRange parse_copy_range(std::string_view text, uint64_t object_size_bytes);

}  // namespace tarn::gateway::s3
