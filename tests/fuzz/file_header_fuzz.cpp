// Files of any bytes as a crawler meets them: Parquet footers, Avro headers, compressed text.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "catalog/crawl/classify.hpp"
#include "catalog/crawl/parquet_footer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::catalog::crawl;
  if (size < 1) return 0;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    std::string why_not;
    if (auto found = read_parquet_footer(text, why_not))
      for (const auto& column : found->columns) hive_text(column.type);
    return 0;
  }
  FileBytes bytes;
  bytes.size_bytes = text.size();
  bytes.read_at = [&](uint64_t offset, char* into, std::size_t n) -> std::size_t {
    if (offset >= text.size()) return 0;
    n = std::min<std::size_t>(n, text.size() - offset);
    std::memcpy(into, text.data() + offset, n);
    return n;
  };
  classify_file("a.csv", bytes, {});
  return 0;
}
