// Base64 (RFC 4648, padded) and hexadecimal text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tarn {

std::string base64_encode(std::string_view bytes);
// Absent when `text` is not padded base64.
std::optional<std::string> base64_decode(std::string_view text);

std::string hex_encode(std::string_view bytes);  // lower case
// Absent when `text` is not pairs of hexadecimal digits.
std::optional<std::string> hex_decode(std::string_view text);

}  // namespace tarn
