// Uploads by form: the same fields and file however the bytes come; and the policies that they carry.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "gateway/http/form_upload.hpp"
#include "gateway/http/post_policy.hpp"

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

std::string decode(std::string_view body, std::size_t piece, std::size_t room) {
  Bytes source(body, piece);
  std::string out, buffer(room, '\0');
  try {
    tarn::gateway::FormUpload form(source, "multipart/form-data; boundary=\"b\"");
    for (const auto& [name, value] : form.fields()) out += name + "=" + value + "\n";
    out += form.file_name() + "\n";
    while (std::size_t got = form.read(buffer.data(), buffer.size())) out.append(buffer, 0, got);
    if (auto policy = form.fields().find("policy"); policy != form.fields().end())
      tarn::gateway::check_post_policy(policy->second, "lake", form.fields(), tarn::Time());
  } catch (const tarn::Error& error) {
    return "error " + error.code();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (decode(body, 1, 3) != decode(body, 1 << 20, 1 << 17)) std::abort();
  return 0;
}
