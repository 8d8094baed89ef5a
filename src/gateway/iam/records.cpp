#include "gateway/iam/records.hpp"

#include <algorithm>

#include "base/base64.hpp"

namespace tarn::gateway::iam {

void check_modifiable(const EntityType& type, const Value& record) {
  const Value& entity = record.at("Entity");
  if (&type == &role && entity.at("Path").as_string().starts_with(service_role_path))
    throw Error(ErrorKind::caller, "UnmodifiableEntity",
                "Cannot perform the operation on the protected role '" + entity.at("RoleName").as_string() +
                    "' - this role is only modifiable by AWS");
}

void no_such_entity(const std::string& message) {
  throw Error(ErrorKind::missing, "NoSuchEntity", message);
}

Value get(meta::Reader& reader, const EntityType& type, std::string_view account, std::string_view name) {
  if (auto record = reader.get(type.record, meta::key({account, name}))) return std::move(*record);
  const std::string what = &type == &instance_profile ? "Instance Profile " + std::string(name) + " cannot be found."
                           : type.name == "Group"     ? "The group with name " + std::string(name) + " cannot be found."
                                                      : "The " + std::string(type.arn_name) + " with name " +
                                                        std::string(name) + " cannot be found.";
  no_such_entity(what);
}

void put(meta::Transaction& t, const EntityType& type, std::string_view account, const Value& record) {
  t.put(type.record, meta::key({account, record.at("Entity").at(type.member("Name")).as_string()}), record);
}

void add(meta::Transaction& t, const EntityType& type, std::string_view account, const Value& record) {
  const std::string& name = record.at("Entity").at(type.member("Name")).as_string();
  if (t.get(type.record, meta::key({account, name})))
    throw Error(ErrorKind::conflict, "EntityAlreadyExists",
                std::string(type.name) + " with name " + name + " already exists.");
  put(t, type, account, record);
}

Value make_entity(const EntityType& type, const api::Context& context, const Value& input, Random& random) {
  const std::string path = input.string_or("Path", "/"), name = input.at(type.member("Name")).as_string();
  Value entity =
      Value::map({{"Path", path},
                  {type.member("Name"), name},
                  {type.member("Id"), std::string(type.id_prefix) + random.alphanumeric(17)},
                  {"Arn", "arn:aws:iam::" + context.account() + ":" + std::string(type.arn_name) + path + name},
                  {"CreateDate", Time(std::chrono::floor<std::chrono::seconds>(context.now))}});
  if (const Value* tags = input.find("Tags")) set_tags(entity["Tags"], *tags);
  if (const Value* boundary = input.find("PermissionsBoundary"))
    entity.set("PermissionsBoundary",
               Value::map({{"PermissionsBoundaryType", "Policy"}, {"PermissionsBoundaryArn", *boundary}}));
  return entity;
}

Value page(const Value& input, std::string_view list_name, const ValueList& items,
           const std::function<std::string(const Value&)>& id_of) {
  const std::string after = base64_decode(input.string_or("Marker")).value_or("");
  const auto limit = static_cast<std::size_t>(input.int_or("MaxItems", 100));
  Value out = Value::map();
  ValueList shown;
  bool truncated = false;
  for (const Value& item : items) {
    if (!after.empty() && id_of(item) <= after) continue;
    if (shown.size() == limit) {
      truncated = true;
      break;
    }
    shown.push_back(item);
  }
  if (truncated) out.set("Marker", base64_encode(id_of(shown.back())));
  out.set("IsTruncated", truncated);
  out.set(list_name, std::move(shown));
  return out;
}

std::string encode_document(std::string_view document) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : document) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
        c == '.' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  return out;
}

void set_tags(Value& tags, const Value& added) {
  if (tags.is_null()) tags = Value::list();
  for (const Value& tag : added.as_list()) {
    auto& list = tags.as_list();
    auto same = std::find_if(list.begin(), list.end(), [&](const Value& t) { return t.at("Key") == tag.at("Key"); });
    if (same != list.end())
      *same = tag;
    else
      list.push_back(tag);
  }
  if (tags.as_list().size() > 50)
    throw Error(ErrorKind::limit, "LimitExceeded", "The number of tags has reached the maximum limit of 50.");
}

void remove_tags(Value& tags, const Value& keys) {
  if (!tags.is_list()) return;
  std::erase_if(tags.as_list(), [&](const Value& tag) {
    return std::any_of(keys.as_list().begin(), keys.as_list().end(),
                       [&](const Value& key) { return tag.at("Key") == key; });
  });
}

}  // namespace tarn::gateway::iam
