// Percent-encoding (RFC 3986) and the parameters of queries and forms (application/x-www-form-urlencoded).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarn::api {

// Decodes %XX; a '%' that no two hexadecimal digits follow stands for itself. With `plus_is_space` '+' becomes a space,
// as in queries.
std::string percent_decode(std::string_view text, bool plus_is_space);

// Encodes all but the unreserved characters; '/' stays where `keep_slash`.
void append_percent_encoded(std::string& out, std::string_view text, bool keep_slash = false);

// The parameters of "a=1&b&c=%20", decoded, in their order; one without '=' has an empty value. More than
// limits::max_form_parameters throws Error (limit, MalformedInput).
using Parameters = std::vector<std::pair<std::string, std::string>>;
Parameters parse_parameters(std::string_view text);

// Calls `each(name, value)`, both still encoded, for the parameters of a query string until it returns false.
template <class F>
void for_each_parameter(std::string_view query, F each) {
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    auto equals = std::min(pair.find('='), pair.size());
    if (!each(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())))) return;
  }
}

// The value of the first parameter of that (encoded) name without decoding anything else; absent as a null data().
std::string_view raw_parameter(std::string_view query, std::string_view name);

}  // namespace tarn::api
