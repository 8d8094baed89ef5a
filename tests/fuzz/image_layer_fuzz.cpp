// Layers of images, packed or plain: whatever the bytes, they are read or refused.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "compute/images/root_folder.hpp"
#include "compute/images/tar.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  try {
    tarn::compute::TarReader tar(tarn::compute::unpacked([&left](char* into, std::size_t most) {
      const std::size_t n = left.copy(into, most);
      left.remove_prefix(n);
      return n;
    }));
    tarn::compute::TarEntry entry;
    std::array<char, 4096> buffer;
    uint64_t read = 0;
    while (read < 16 * 1024 * 1024 && tar.next(entry)) {
      tarn::compute::clean_path(entry.name);
      while (const std::size_t n = tar.read(buffer.data(), buffer.size())) read += n;
    }
  } catch (const tarn::Error&) {
  }
  return 0;
}
