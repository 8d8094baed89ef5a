#include "catalog/tags.hpp"

#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

constexpr std::string_view tags_kind = "glue.tags";  // by ARN
constexpr std::size_t max_tags = 50;

TagMap read(meta::Reader& reader, const std::string& arn) {
  auto value = reader.get(tags_kind, arn);
  return value ? api::from<TagMap>(*value) : TagMap();
}

void write(meta::Transaction& t, const std::string& arn, const TagMap& tags) {
  if (tags.size() > max_tags) throw_invalid("A resource can have at most 50 tags.");
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 || value.size() > 256)
      throw_invalid("Tag keys have 1 to 128 characters, values at most 256.");
    if (fold_name(key).starts_with("aws:")) throw_invalid("Tag keys must not begin with aws:.");
  }
  if (tags.empty())
    t.erase(tags_kind, arn);
  else
    t.put(tags_kind, arn, api::to_value(tags));
}

void need_resource(meta::Reader& reader, const Scope& scope, const std::string& arn) {
  std::string start = "arn:aws:glue:" + scope.region + ":" + scope.account + ":";
  auto slash = arn.find('/', start.size());
  if (!arn.starts_with(start) || slash == arn.npos || slash + 1 == arn.size())
    throw_not_found("Resource " + arn + " not found in this account and region.");
  std::string type = arn.substr(start.size(), slash - start.size());
  if (!reader.get("glue." + type, meta::key({scope.account, scope.region, arn.substr(slash + 1)})))
    throw_not_found("Resource " + arn + " not found.");
}

}  // namespace

std::string resource_arn(const Scope& scope, std::string_view type, std::string_view name) {
  std::string arn = "arn:aws:glue:" + scope.region + ":" + scope.account + ":";
  return arn.append(type).append("/").append(name);
}

void put_tags(meta::Transaction& t, const std::string& arn, const TagMap& tags) {
  write(t, arn, tags);
}
void erase_tags(meta::Transaction& t, const std::string& arn) {
  t.erase(tags_kind, arn);
}

void Tags::add(const Scope& scope, const std::string& arn, const TagMap& tags) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    need_resource(t, scope, arn);
    TagMap all = read(t, arn);
    for (const auto& [key, value] : tags) all[key] = value;
    write(t, arn, all);
  });
}

void Tags::remove(const Scope& scope, const std::string& arn, const std::vector<std::string>& keys) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    need_resource(t, scope, arn);
    TagMap all = read(t, arn);
    for (const std::string& key : keys) all.erase(key);
    write(t, arn, all);
  });
}

TagMap Tags::get(const Scope& scope, const std::string& arn) const {
  need_resource(metadata_, scope, arn);
  return read(metadata_, arn);
}

TagMap Tags::of(const std::string& arn) const {
  return read(metadata_, arn);
}

}  // namespace tarn::catalog
