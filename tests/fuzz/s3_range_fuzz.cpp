// Ranges of objects and sources of copies: always inside the object, never empty.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "gateway/s3/names.hpp"
#include "gateway/s3/ranges.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  using namespace gateway::s3;
  if (size < 8) return 0;
  uint64_t object_size;
  std::memcpy(&object_size, data, 8);
  const std::string_view text(reinterpret_cast<const char*>(data) + 8, size - 8);
  auto inside = [&](const ByteRange& r) {
    return r.size_bytes > 0 && r.offset_bytes < object_size && r.size_bytes <= object_size - r.offset_bytes;
  };
  try {
    if (auto range = parse_range(text, object_size); range && !inside(*range)) std::abort();
  } catch (const Error&) {
  }
  try {
    if (!inside(parse_copy_range(text, object_size))) std::abort();
  } catch (const Error&) {
  }
  try {
    const CopySource source = parse_copy_source(text);
    if (source.bucket.empty() || source.key.empty()) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
