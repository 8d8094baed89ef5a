// JSON of any bytes as a crawler reads it, with and without a path.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "catalog/crawl/json_sniffer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::catalog::crawl;
  if (size < 1) return 0;
  uint8_t flags = data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const JsonPath paths[] = {JsonPath("$"), JsonPath("$[*]"), JsonPath("$.a[*].b"), JsonPath("$.*[1]")};
  JsonOptions options;
  options.strict = flags & 1;
  options.cut = flags & 2;
  if (flags & 4) options.path = &paths[(flags >> 4) % 4];
  std::string why_not;
  auto found = sniff_json(
      [&](char* into, std::size_t n) {
        n = std::min<std::size_t>({n, text.size(), 13});
        std::memcpy(into, text.data(), n);
        text.remove_prefix(n);
        return n;
      },
      options, why_not);
  if (found)
    for (const auto& column : found->columns) hive_text(column.type);
  return 0;
}
