// Which requests from other origins a bucket's CORS rules let through ("Using cross-origin resource sharing"). Pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3.hpp"
#include "gateway/http/cross_origin.hpp"

namespace tarn::gateway::s3 {

// Whether `text` is what `pattern` says, which may hold one "*" that stands for any characters.
bool matches_wildcard(std::string_view pattern, std::string_view text);

// Throws Error (caller): InvalidRequest for methods that S3 does not take, more than one "*", or an ID twice;
// MalformedXML for no rule at all or more than 100.
void check_cors_rules(const std::vector<api::s3::CORSRule>& rules);

// The headers of the answer by the first rule that fits; absent: none does.
std::optional<api::Headers> cors_headers(const std::vector<api::s3::CORSRule>& rules,
                                         const CrossOriginRequest& request);

}  // namespace tarn::gateway::s3
