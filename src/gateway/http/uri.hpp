// Percent-encoding (RFC 3986), as AWS's signatures and S3's listings use it.
#pragma once

#include <string>
#include <string_view>

namespace tarn::gateway {

// Every byte but letters, digits and "-._~" becomes %XX in upper case; '/' too, but where `keep_slash`.
std::string percent_encode(std::string_view text, bool keep_slash = false);
// %XX becomes its byte; a % that two hexadecimal digits do not follow stays. '+' becomes a space where `plus_is_space`.
std::string percent_decode(std::string_view text, bool plus_is_space = false);

}  // namespace tarn::gateway
