#include "compute/images/registry.hpp"

#include "base/error.hpp"
#include "compute/images/limits.hpp"
#include "compute/images/records.hpp"

namespace tarn::compute {
namespace {

namespace ecr = api::ecr;

RepositoryRecord record_from(const Value& v) {
  RepositoryRecord out;
  out.repository = api::from<ecr::Repository>(v.at("Repository"));
  for (const auto& [key, value] : v.at("Tags").as_map()) out.tags[key] = value.as_string();
  if (const Value* policy = v.find("Policy")) out.policy = policy->as_string();
  if (const Value* policy = v.find("LifecyclePolicy")) out.lifecycle_policy = policy->as_string();
  if (const Value* at = v.find("LifecycleEvaluated")) out.lifecycle_evaluated = at->as_time();
  return out;
}

Value value_of(const RepositoryRecord& r) {
  Value tags = Value::map();
  for (const auto& [key, value] : r.tags) tags.set(key, value);
  Value out = Value::map({{"Repository", ecr::to_value(r.repository)}, {"Tags", std::move(tags)}});
  if (r.policy) out.set("Policy", *r.policy);
  if (r.lifecycle_policy) out.set("LifecyclePolicy", *r.lifecycle_policy);
  if (r.lifecycle_evaluated) out.set("LifecycleEvaluated", *r.lifecycle_evaluated);
  return out;
}

[[noreturn]] void repository_missing(const RepositoryName& name) {
  throw Error(
      ErrorKind::missing, "RepositoryNotFoundException",
      "The repository with name '" + name.name + "' does not exist in the registry with id '" + name.account + "'");
}

}  // namespace

Registry::Registry(Parts parts) : p_(parts), grant_(p_.authority.internal(store::Access::write)) {}

void Registry::start(std::string host) {
  host_ = std::move(host);
  const Time oldest = p_.clock.now() - std::chrono::seconds(limits::layer_upload_lifetime_s);
  std::vector<std::string> loose;
  for (const std::string& object : p_.metadata.keys(loose_object_kind, {})) loose.push_back(object);
  for (const meta::Record& upload : p_.metadata.list(upload_kind, {})) {
    if (upload.value.at("Started").as_time() > oldest) continue;
    p_.metadata.change_quietly([&](meta::Transaction& t) {
      for (const Value& part : upload.value.at("Parts").as_list()) {
        loose.push_back(part.string_or("Object"));
        t.put(loose_object_kind, loose.back(), Value::map());
      }
      t.erase(upload_kind, upload.key);
    });
  }
  if (!loose.empty()) discard(loose);
}

void Registry::require(meta::Reader& reader, const RepositoryName& name) const {
  if (!reader.get(repository_kind, name.key())) repository_missing(name);
}

RepositoryRecord Registry::create(const RepositoryName& name, std::string_view actor,
                                  const ecr::CreateRepositoryRequest& in, const std::string& kms_key_arn) {
  RepositoryRecord record;
  ecr::Repository& r = record.repository;
  r.repository_arn = name.arn();
  r.registry_id = name.account;
  r.repository_name = name.name;
  r.created_at = p_.clock.now();
  r.image_tag_mutability = in.image_tag_mutability.value_or("MUTABLE");
  r.image_tag_mutability_exclusion_filters = in.image_tag_mutability_exclusion_filters;
  r.image_scanning_configuration.emplace();
  r.image_scanning_configuration->scan_on_push =
      in.image_scanning_configuration && in.image_scanning_configuration->scan_on_push.value_or(false);
  r.encryption_configuration.emplace();
  r.encryption_configuration->encryption_type = kms_key_arn.empty() ? "AES256" : "KMS";
  if (!kms_key_arn.empty()) r.encryption_configuration->kms_key = kms_key_arn;
  if (in.tags)
    for (const ecr::Tag& tag : *in.tags) record.tags[tag.key] = tag.value;
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    if (t.get(repository_kind, name.key()))
      throw Error(
          ErrorKind::conflict, "RepositoryAlreadyExistsException",
          "The repository with name '" + name.name + "' already exists in the registry with id '" + name.account + "'");
    t.put(repository_kind, name.key(), value_of(record));
  });
  return record;
}

RepositoryRecord Registry::repository(const RepositoryName& name) const {
  auto found = p_.metadata.get(repository_kind, name.key());
  if (!found) repository_missing(name);
  return record_from(*found);
}

std::vector<RepositoryRecord> Registry::repositories(std::string_view account, std::string_view region,
                                                     std::string_view after, std::size_t limit) const {
  std::vector<RepositoryRecord> out;
  const std::string from = after.empty() ? std::string() : meta::key({account, region, after});
  for (const meta::Record& r : p_.metadata.list(repository_kind, meta::prefix({account, region}), from, limit))
    out.push_back(record_from(r.value));
  return out;
}

std::vector<RepositoryName> Registry::with_lifecycle_policy() const {
  std::vector<RepositoryName> out;
  for (const meta::Record& r : p_.metadata.list(repository_kind, {})) {
    const auto parts = meta::key_parts(r.key);
    if (r.value.find("LifecyclePolicy")) out.push_back({parts.at(0), parts.at(1), parts.at(2)});
  }
  return out;
}

RepositoryRecord Registry::change(const RepositoryName& name, std::string_view actor,
                                  const std::function<void(RepositoryRecord&)>& change) {
  RepositoryRecord out;
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    auto found = t.get(repository_kind, name.key());
    if (!found) repository_missing(name);
    out = record_from(*found);
    change(out);
    t.put(repository_kind, name.key(), value_of(out));
  });
  return out;
}

RepositoryRecord Registry::remove(const RepositoryName& name, std::string_view actor, bool force) {
  RepositoryRecord out;
  std::vector<std::string> loose;
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    auto found = t.get(repository_kind, name.key());
    if (!found) repository_missing(name);
    out = record_from(*found);
    if (!force && t.count(image_kind, name.prefix()) > 0)
      throw Error(ErrorKind::conflict, "RepositoryNotEmptyException",
                  "The repository with name '" + name.name + "' in registry with id '" + name.account +
                      "' cannot be deleted because it still contains images");
    for (const meta::Record& layer : t.list(image_layer_kind, name.prefix()))
      loose.push_back(layer.value.string_or("Object"));
    for (const meta::Record& upload : t.list(upload_kind, name.prefix()))
      for (const Value& part : upload.value.at("Parts").as_list()) loose.push_back(part.string_or("Object"));
    for (std::string_view kind : {image_kind, tag_kind, image_layer_kind, upload_kind})
      t.erase_all(kind, name.prefix());
    t.erase(repository_kind, name.key());
    for (const std::string& object : loose) t.put(loose_object_kind, object, Value::map());
  });
  discard(loose);
  return out;
}

std::string Registry::kms_key_of(const RepositoryName& name) const {
  const auto& encryption = repository(name).repository.encryption_configuration;
  return encryption && encryption->encryption_type == "KMS" ? encryption->kms_key.value_or("") : "";
}

std::optional<std::string> Registry::registry_policy(std::string_view account, std::string_view region) const {
  auto found = p_.metadata.get(registry_kind, meta::key({account, region}));
  if (!found || !found->find("Policy")) return std::nullopt;
  return found->at("Policy").as_string();
}

void Registry::set_registry_policy(std::string_view account, std::string_view region, std::string_view actor,
                                   const std::optional<std::string>& text) {
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    const std::string key = meta::key({account, region});
    if (text)
      t.put(registry_kind, key, Value::map({{"Policy", *text}}));
    else
      t.erase(registry_kind, key);
  });
}

std::string Registry::signing_key() {
  constexpr std::string_view at = "key";
  if (auto found = p_.metadata.get(signing_key_kind, at)) return found->at("Key").as_string();
  std::string key = p_.random.hex(64);
  p_.metadata.change_quietly([&](meta::Transaction& t) {
    if (auto found = t.get(signing_key_kind, at))
      key = found->at("Key").as_string();
    else
      t.put(signing_key_kind, at, Value::map({{"Key", key}}));
  });
  return key;
}

}  // namespace tarn::compute
