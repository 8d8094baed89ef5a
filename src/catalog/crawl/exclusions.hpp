// The glob patterns by which a crawler leaves objects out ("AWS Glue Developer Guide", Include and exclude patterns): *
// and ? within a folder, ** over folders, [a-c], [!a-c], {a,b}, and a backslash before what is to be taken as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tarn::catalog::crawl {

// Whether the pattern matches the path (relative to the include path) or a folder above it. Never throws: a malformed
// pattern matches nothing but itself.
bool glob_matches(std::string_view pattern, std::string_view path);
bool excluded(const std::vector<std::string>& patterns, std::string_view path);

}  // namespace tarn::catalog::crawl
