// Heads of HTTP requests: what parses must be whole, and say the same wherever its bytes are cut.
#include <cstdint>
#include <cstdlib>

#include "base/error.hpp"
#include "gateway/http/head.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t end = gateway::find_head_end(bytes);
  if (end > size) std::abort();
  if (end > 0 && gateway::find_head_end(bytes, end / 2) == 0) std::abort();
  try {
    const gateway::RequestHead head = gateway::parse_head(end ? bytes.substr(0, end) : bytes);
    if (head.request.path.empty() || (head.chunked && head.content_length)) std::abort();
    for (const auto& [name, value] : head.request.headers)
      if (name.empty() || value.find_first_of("\r\n") != value.npos) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
