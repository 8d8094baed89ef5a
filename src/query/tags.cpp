#include "query/tags.hpp"

#include <set>

namespace tarn::query {
namespace {
constexpr const char* kind = "athena.tags";
constexpr std::size_t max_tags = 50;

std::string arn_of(const Caller& caller, const std::string& resource) {
  return "arn:aws:athena:" + caller.region + ":" + caller.account() + ":" + resource;
}
}  // namespace

std::string workgroup_arn(const Caller& caller, const std::string& name) {
  return arn_of(caller, "workgroup/" + name);
}
std::string data_catalog_arn(const Caller& caller, const std::string& name) {
  return arn_of(caller, "datacatalog/" + name);
}

void set_tags(meta::Transaction& change, const Caller& caller, const std::string& arn,
              const std::vector<athena::Tag>& tags) {
  if (tags.empty()) return;
  Value held = change.get(kind, caller.key({arn})).value_or(Value::map());
  std::set<std::string> seen;
  for (const auto& tag : tags) {
    if (!tag.key || !seen.insert(*tag.key).second) throw invalid_request("A tag key is missing or given twice");
    held.set(*tag.key, tag.value.value_or(""));
  }
  if (held.as_map().size() > max_tags) throw invalid_request("A resource has at most 50 tags");
  change.put(kind, caller.key({arn}), held);
}

void remove_tags(meta::Transaction& change, const Caller& caller, const std::string& arn) {
  change.erase(kind, caller.key({arn}));
}

void Tags::check_exists(meta::Reader& reader, const Caller& caller, const std::string& arn) const {
  const std::string workgroups = workgroup_arn(caller, ""), catalogs = data_catalog_arn(caller, "");
  bool found = false;
  if (arn.starts_with(workgroups)) {
    const std::string name = arn.substr(workgroups.size());
    found = name == "primary" || reader.get("athena.workgroup", caller.key({name}));
  } else if (arn.starts_with(catalogs)) {
    const std::string name = arn.substr(catalogs.size());
    found = name == "AwsDataCatalog" || reader.get("athena.data_catalog", caller.key({name}));
  }
  if (!found)
    throw Error(ErrorKind::missing, "ResourceNotFoundException", "There is no resource " + arn)
        .with("ResourceName", arn);
}

void Tags::add(const Caller& caller, const std::string& arn, const std::vector<athena::Tag>& tags) {
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    check_exists(change, caller, arn);
    set_tags(change, caller, arn, tags);
  });
}

void Tags::remove(const Caller& caller, const std::string& arn, const std::vector<std::string>& keys) {
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    check_exists(change, caller, arn);
    auto held = change.get(kind, caller.key({arn}));
    if (!held) return;
    for (const auto& key : keys) held->erase(key);
    change.put(kind, caller.key({arn}), *held);
  });
}

std::vector<athena::Tag> Tags::list(const Caller& caller, const std::string& arn) const {
  check_exists(parts_.metadata, caller, arn);
  std::vector<athena::Tag> out;
  const auto held = parts_.metadata.get(kind, caller.key({arn}));
  if (held)
    for (const auto& [key, value] : held->as_map()) {
      athena::Tag tag;
      tag.key = key;
      tag.value = value.as_string();
      out.push_back(std::move(tag));
    }
  return out;
}

}  // namespace tarn::query
