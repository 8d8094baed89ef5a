#include "network/tags.hpp"

#include <algorithm>
#include <set>

namespace tarn::network {
namespace {

constexpr std::size_t max_tags = 50, max_key_characters = 128, max_value_characters = 256;

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

const Kind& kind_with(const std::string& id) {
  for (const Kind* kind : all_kinds)
    if (id.starts_with(kind->id_prefix)) return *kind;
  refuse("InvalidID", "The ID '" + id + "' is not valid");
}

Value create_tags(Records& records, const Value& in) {
  for (const std::string& id : texts(in, "Resources")) {
    const Kind& kind = kind_with(id);
    Value record = records.get(kind, id);
    add_tags(record[kind.tags_member], in.at("Tags"));
    records.put(kind, record);
  }
  return Value::map();
}

Value delete_tags(Records& records, const Value& in) {
  for (const std::string& id : texts(in, "Resources")) {
    const Kind& kind = kind_with(id);
    Value record = records.get(kind, id);
    Value& tags = record[kind.tags_member];
    if (!tags.is_list()) continue;
    const Value* removed = in.find("Tags");
    std::erase_if(tags.as_list(), [&](const Value& tag) {
      if (tag.at("Key").as_string().starts_with("aws:")) return false;
      if (!removed) return true;
      return std::any_of(removed->as_list().begin(), removed->as_list().end(), [&](const Value& r) {
        // A value that is given must be the tag's, an empty one too.
        const Value* value = r.find("Value");
        return r.string_or("Key") == tag.at("Key").as_string() &&
               (!value || value->as_string() == tag.string_or("Value"));
      });
    });
    records.put(kind, record);
  }
  return Value::map();
}

Value describe_tags(Records& records, const Value& in) {
  static constexpr Filter filters[] = {{"key", "Key"},
                                       {"resource-id", "ResourceId"},
                                       {"resource-type", "ResourceType"},
                                       {"value", "Value"},
                                       {"tag", "Own"}};
  ValueList items;
  for (const Kind* kind : all_kinds)
    for (const Value& record : records.all(*kind))
      if (const Value* tags = record.find(kind->tags_member); tags && tags->is_list())
        for (const Value& tag : tags->as_list())
          items.push_back(Value::map({{"Key", tag.at("Key")},
                                      {"Value", tag.string_or("Value")},
                                      {"ResourceId", record.at(kind->id_member)},
                                      {"ResourceType", kind->type},
                                      {"Own", Value::list({tag})}}));
  Value out = describe_items(in, "Tags", std::move(items), filters, [](const Value& item) {
    return item.at("ResourceId").as_string() + " " + item.at("Key").as_string();
  });
  for (Value& item : out["Tags"].as_list()) item.erase("Own");
  return out;
}

}  // namespace

void add_tags(Value& tags, const Value& added) {
  if (!tags.is_list()) tags = Value::list();
  std::set<std::string> seen;
  for (const Value& tag : added.as_list()) {
    const std::string key = tag.string_or("Key"), value = tag.string_or("Value");
    if (key.empty()) refuse("InvalidParameterValue", "Tag key cannot be empty.");
    if (key.starts_with("aws:"))
      refuse("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
    if (characters(key) > max_key_characters)
      refuse("InvalidParameterValue", "Tag key exceeds the maximum length of 128 characters");
    if (characters(value) > max_value_characters)
      refuse("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters");
    if (!seen.insert(key).second) refuse("InvalidParameterValue", "Duplicate tag key '" + key + "' specified.");
    auto& list = tags.as_list();
    auto same = std::find_if(list.begin(), list.end(), [&](const Value& t) { return t.at("Key").as_string() == key; });
    Value kept = Value::map({{"Key", key}, {"Value", value}});
    if (same == list.end())
      list.push_back(std::move(kept));
    else
      *same = std::move(kept);
  }
  if (tags.as_list().size() > max_tags) refuse("TagLimitExceeded", "The maximum number of Tags has been reached.");
}

Value tags_for(const Kind& kind, const Value& in) {
  Value tags = Value::list();
  const Value* specifications = in.find("TagSpecifications");
  if (!specifications) return tags;
  for (const Value& specification : specifications->as_list()) {
    const std::string type = specification.string_or("ResourceType");
    if (type.empty()) refuse("InvalidParameterValue", "Tag specification resource type must have a value");
    if (type != kind.type)
      refuse("InvalidParameterValue", "'" + type + "' is not a valid taggable resource type for this operation.");
    const Value* given = specification.find("Tags");
    if (!given || !given->is_list() || given->as_list().empty())
      refuse("InvalidParameterValue", "Tag specification must have at least one tag");
    add_tags(tags, *given);
  }
  return tags;
}

std::span<const Action> tag_actions() {
  static constexpr Action actions[] = {
      {"CreateTags", create_tags, "Resources Tags"},
      {"DeleteTags", delete_tags, "Resources Tags"},
      {"DescribeTags", describe_tags, "Filters MaxResults NextToken", false},
  };
  return actions;
}

}  // namespace tarn::network
