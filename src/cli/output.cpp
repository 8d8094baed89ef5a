#include "cli/output.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "base/json.hpp"

namespace tarn::cli {
namespace {

// Characters of UTF-8 text: bytes that do not continue one.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789+-.eE") == std::string::npos;
}

std::string csv_cell(const std::optional<std::string>& cell) {
  if (!cell) return {};
  std::string out = "\"";
  for (char c : *cell) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace

void print_table(const std::vector<std::string>& header, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  std::vector<bool> right(header.size(), !rows.empty());
  for (std::size_t i = 0; i < header.size(); i++) {
    widths.push_back(width(header[i]));
    for (const Row& row : rows)
      if (row[i]) {
        widths[i] = std::max(widths[i], width(*row[i]));
        right[i] = right[i] && is_number(*row[i]);
      }
  }
  auto line = [&](auto cell_at) {
    std::string out;
    for (std::size_t i = 0; i < header.size(); i++) {
      const std::string cell = cell_at(i);
      const std::string space(widths[i] - width(cell), ' ');
      out += (i ? "  " : "") + (right[i] ? space + cell : cell + space);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    std::cout << out << '\n';
  };
  line([&](std::size_t i) { return header[i]; });
  line([&](std::size_t i) { return std::string(widths[i], '-'); });
  for (const Row& row : rows) line([&](std::size_t i) { return row[i].value_or(""); });
}

void print_csv(const std::vector<std::string>& header, const std::vector<Row>& rows) {
  for (std::size_t i = 0; i < header.size(); i++) std::cout << (i ? "," : "") << csv_cell(header[i]);
  std::cout << '\n';
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); i++) std::cout << (i ? "," : "") << csv_cell(row[i]);
    std::cout << '\n';
  }
}

void print_json(const Value& value) {
  std::cout << to_pretty_json(value) << '\n';
}

std::string human_size(uint64_t size_bytes) {
  if (size_bytes < 1024) return std::to_string(size_bytes) + " B";
  double size = static_cast<double>(size_bytes);
  const char* unit = "";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB", "PiB"}) {
    if (size < 1024) break;
    size /= 1024;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", size, unit);
  return text;
}

}  // namespace tarn::cli
