#include "gateway/s3/tags.hpp"

#include "api/wire/percent.hpp"
#include "base/error.hpp"

namespace tarn::gateway::s3 {
namespace {

using Tags = std::map<std::string, std::string>;

// Lengths count characters, not bytes.
std::size_t utf8_length(std::string_view text) {
  std::size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

void add(Tags& tags, const std::string& key, const std::string& value, std::size_t most) {
  auto invalid = [&](const char* message) {
    throw Error(ErrorKind::caller, "InvalidTag", message).with("TagKey", key).with("TagValue", value);
  };
  if (key.empty() || utf8_length(key) > 128) invalid("The TagKey you have provided is invalid");
  if (utf8_length(value) > 256) invalid("The TagValue you have provided is invalid");
  if (key.starts_with("aws:")) invalid("System tags cannot be added/updated by requester");
  if (!tags.emplace(key, value).second) invalid("Cannot provide multiple Tags with the same key");
  if (tags.size() > most)
    throw Error(
        ErrorKind::caller, "BadRequest",
        (most == max_object_tags ? "Object tags cannot be greater than " : "Bucket tag count cannot be greater than ") +
            std::to_string(most));
}

}  // namespace

Tags checked_tags(const std::vector<api::s3::Tag>& tags, std::size_t most) {
  Tags out;
  for (const auto& tag : tags) add(out, tag.key, tag.value, most);
  return out;
}

Tags parse_tag_header(std::string_view text) {
  Tags out;
  for (const auto& [key, value] : api::parse_parameters(text)) {
    if (key.empty())
      throw Error(ErrorKind::caller, "InvalidArgument",
                  "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
                  "parameters without tag name duplicates.");
    add(out, key, value, max_object_tags);
  }
  return out;
}

std::vector<api::s3::Tag> tag_list(const Tags& tags) {
  std::vector<api::s3::Tag> out;
  for (const auto& [key, value] : tags) out.push_back({key, value});
  return out;
}

Value tags_to_setting(const Tags& tags) {
  Value out = Value::map();
  for (const auto& [key, value] : tags) out.set(key, value);
  return out;
}

Tags tags_from_setting(const Value& setting) {
  Tags out;
  if (setting.is_map())
    for (const auto& [key, value] : setting.as_map()) out[key] = value.as_string();
  return out;
}

}  // namespace tarn::gateway::s3
