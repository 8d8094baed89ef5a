// Zip archives of functions and layers: whatever the bytes, they are read or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "compute/functions/archive.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  try {
    const tarn::compute::Archive archive({reinterpret_cast<const char*>(data), size});
    if (archive.unpacked_size_bytes() > 64 * 1024 * 1024) return 0;
    for (std::size_t i = 0; i < archive.entries().size(); ++i) archive.read(i);
  } catch (const tarn::Error&) {
  }
  return 0;
}
