#include "gateway/s3/transfer.hpp"

#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr uint64_t buffer_size_bytes = 256 * 1024;

[[noreturn]] void too_large(uint64_t size_bytes) {
  throw Error(ErrorKind::caller, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
      .with("ProposedSize", std::to_string(size_bytes))
      .with("MaxSizeAllowed", std::to_string(limits::max_single_put_size_bytes));
}

}  // namespace

void check_upload_size(const api::Context& context) {
  auto size = context.request_body ? context.request_body->size_bytes() : std::nullopt;
  if (size && *size > limits::max_single_put_size_bytes) too_large(*size);
}

store::Checksum receive(api::Context& context, store::ObjectWriter& writer) {
  if (!context.request_body) return {};  // a call from inside without a body makes an empty object
  api::BodySource& body = *context.request_body;
  const std::size_t room = std::clamp<uint64_t>(body.size_bytes().value_or(buffer_size_bytes), 4096, buffer_size_bytes);
  auto buffer = std::make_unique_for_overwrite<char[]>(room);
  uint64_t total = 0;
  while (std::size_t got = body.read(buffer.get(), room)) {
    if ((total += got) > limits::max_single_put_size_bytes) too_large(total);
    writer.append({buffer.get(), got});
  }
  auto checksum = body.checksum();
  return {checksum.algorithm, checksum.value, false};
}

}  // namespace tarn::gateway::s3
