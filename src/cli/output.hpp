// What a client command prints: tables for people, JSON for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/value.hpp"

namespace tarn::cli {

using Row = std::vector<std::optional<std::string>>;

// Columns as wide as their widest cell, counted in characters; columns of numbers stand to the right; absent cells are
// left empty.
void print_table(const std::vector<std::string>& header, const std::vector<Row>& rows);
void print_csv(const std::vector<std::string>& header, const std::vector<Row>& rows);
void print_json(const Value& value);
// "1.5 MiB"
std::string human_size(uint64_t size_bytes);

}  // namespace tarn::cli
