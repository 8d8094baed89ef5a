// Requests of a function's runtime: whatever the bytes, they are read, refused or more are waited for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "compute/functions/runtime_api.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  try {
    auto request = tarn::compute::read_runtime_request({reinterpret_cast<const char*>(data), size}, 1024);
    if (request && (request->size_bytes > size || request->body.size() > 1024)) std::abort();
  } catch (const tarn::Error&) {
  }
  return 0;
}
