// aws-chunked bodies: never more bytes than announced, and the same bytes however they come.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "gateway/http/aws_chunked.hpp"

namespace {

class Bytes : public tarn::api::BodySource {
 public:
  Bytes(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t n = std::min({size, piece_, bytes_.size()});
    std::memcpy(into, bytes_.data(), n);
    bytes_.remove_prefix(n);
    return n;
  }
  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }

 private:
  std::string_view bytes_;
  std::size_t piece_;
};

std::string decode(std::string_view coded, const tarn::gateway::ChunkedForm& form, std::size_t piece,
                   std::size_t room) {
  Bytes source(coded, piece);
  tarn::gateway::AwsChunkedBody body(source, form);
  std::string out, buffer(room, '\0');
  try {
    while (std::size_t got = body.read(buffer.data(), buffer.size())) out.append(buffer, 0, got);
  } catch (const tarn::Error& error) {
    return "error " + error.code();
  }
  if (out.size() != form.decoded_size_bytes) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  tarn::gateway::ChunkedForm form;
  form.has_signatures = data[0] & 1;
  form.has_trailer = data[0] & 2;
  if (form.has_trailer) form.announced = {"x-amz-checksum-crc32"};
  if (data[0] & 4) form.signing = tarn::gateway::ChunkSigning{"key", "20260101T000000Z", "scope", "seed"};
  form.decoded_size_bytes = data[1];
  const std::string_view coded(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (decode(coded, form, 1, 3) != decode(coded, form, 1 << 20, 1 << 17)) std::abort();
  return 0;
}
