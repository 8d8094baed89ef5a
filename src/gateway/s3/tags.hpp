// Tags of buckets and objects ("Tagging and categorizing your objects").
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3.hpp"

namespace tarn::gateway::s3 {

inline constexpr std::size_t max_bucket_tags = 50, max_object_tags = 10;

// Throws Error (caller): InvalidTag for keys that are doubled, empty, too long or of AWS's own, BadRequest for too
// many.
std::map<std::string, std::string> checked_tags(const std::vector<api::s3::Tag>& tags, std::size_t most);
// "project=a&stage=b%20c", as x-amz-tagging has them; the same errors, and InvalidArgument for text of another form.
std::map<std::string, std::string> parse_tag_header(std::string_view text);
std::vector<api::s3::Tag> tag_list(const std::map<std::string, std::string>& tags);

// As a bucket's setting "tagging".
Value tags_to_setting(const std::map<std::string, std::string>& tags);
std::map<std::string, std::string> tags_from_setting(const Value& setting);

}  // namespace tarn::gateway::s3
