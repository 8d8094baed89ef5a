// Delimited text of any bytes, under each way of reading it.
#include <cstdint>
#include <string_view>

#include "catalog/crawl/csv_sniffer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::catalog::crawl;
  if (size < 1) return 0;
  uint8_t flags = data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  tarn::api::glue::CsvClassifier classifier;
  classifier.name = "c";
  classifier.delimiter = "|";
  classifier.allow_single_column = (flags & 4) != 0;
  classifier.custom_datatype_configured = true;
  classifier.custom_datatypes = {{"DATE", "DECIMAL", "INT", "TIMESTAMP", "BOOLEAN"}};
  CsvOptions options;
  options.strict = flags & 1;
  options.single_column = flags & 2;
  if (flags & 8) options.classifier = &classifier;
  std::string_view head = text.substr(0, 256);
  CsvSniffer sniffer(head, head.size() == text.size(), options);
  if (!sniffer.is_csv()) return 0;
  std::size_t step = 1 + (flags >> 4) * 7;
  for (std::size_t at = 0; at < text.size(); at += step) {
    if ((flags & 16) && at > 64 && at % 64 < step) sniffer.skip_to_next_line();
    sniffer.feed(text.substr(at, step));
  }
  if (auto found = sniffer.finish())
    for (const auto& column : found->columns) hive_text(column.type);
  return 0;
}
