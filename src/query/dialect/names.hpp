// How names and texts are written in SQL.
#pragma once

#include <string>
#include <string_view>

namespace tarn::dialect {

std::string lower_case(std::string_view text);  // ASCII letters alone, as the catalog compares names
std::string upper_case(std::string_view text);
bool same_name(std::string_view a, std::string_view b);  // without case

std::string quote_name(std::string_view name);  // "na""me"
std::string quote_text(std::string_view text);  // 'te''xt'

}  // namespace tarn::dialect
