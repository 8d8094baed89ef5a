#include "govern/parameters.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::govern {
namespace {

namespace model = api::ssm;

constexpr std::string_view parameter_kind = "ssm.parameter", version_kind = "ssm.version", sealed_kind = "ssm.sealed";
constexpr std::string_view default_key = "alias/aws/ssm";
constexpr std::size_t max_versions = 100, max_labels_of_version = 10, records_at_once = 500;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}
[[noreturn]] void not_found(const std::string& name) {
  throw Error(ErrorKind::missing, "ParameterNotFound", "Parameter " + name + " not found.");
}
[[noreturn]] void no_version(const std::string& name, const std::string& selector) {
  throw Error(
      ErrorKind::missing, "ParameterVersionNotFound",
      "Systems Manager could not find version " + selector + " of " + name + ". Verify the version and try again.");
}

std::string key_of(const ParameterScope& scope, std::string_view name) {
  return meta::key({scope.account, scope.region, name});
}

// Numbers sort as they count.
std::string version_key(const ParameterScope& scope, std::string_view name, int64_t version) {
  const std::string digits = std::to_string(version);
  return meta::key({scope.account, scope.region, name, std::string(12 - digits.size(), '0') + digits});
}

EncryptionContext context_of(const ParameterScope& scope, std::string_view name) {
  return {{"PARAMETER_ARN", parameter_arn(scope.account, scope.region, name)}};
}

bool is_secure(const ParameterVersion& version) {
  return version.type == "SecureString";
}

Value to_value(const ParameterRecord& r) {
  return Value::map({{"Newest", to_value(r.newest)}, {"Tags", api::to_value(r.tags)}});
}

ParameterRecord record_from(const Value& v) {
  return {api::from<ParameterVersion>(v.at("Newest")), api::from<ParameterTags>(v.at("Tags"))};
}

template <class F>
auto by_kms(F call) {
  try {
    return call();
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug) throw;
    throw Error(ErrorKind::caller, "InvalidKeyId", e.message() + " (" + e.code() + ")");
  }
}

}  // namespace

Parameters::Parameters(Keys& keys) : keys_(keys), metadata_(keys.metadata()) {}

std::optional<ParameterRecord> Parameters::load(meta::Reader& reader, const ParameterScope& scope,
                                                std::string_view name) const {
  auto value = reader.get(parameter_kind, key_of(scope, name));
  return value ? std::optional(record_from(*value)) : std::nullopt;
}

void Parameters::tell(const ParameterScope& scope, const char* operation, const ParameterVersion& version,
                      const std::string& label) const {
  if (listener_) listener_({scope, operation, version, label});
}

// ---- reading ----

ParameterRecord Parameters::find(const ParameterScope& scope, const ParameterReference& reference) {
  auto record = load(metadata_, scope, reference.name);
  if (!record && reference.maybe_bare) record = load(metadata_, scope, reference.name.substr(1));
  if (!record) not_found(reference.name);
  return std::move(*record);
}

std::vector<ParameterVersion> Parameters::versions(const ParameterScope& scope, const std::string& name) {
  std::vector<ParameterVersion> out;
  for (const auto& stored : metadata_.list(version_kind, meta::prefix({scope.account, scope.region, name})))
    out.push_back(api::from<ParameterVersion>(stored.value));
  return out;
}

ParameterVersion Parameters::version(const ParameterScope& scope, const ParameterReference& reference) {
  const ParameterRecord record = find(scope, reference);
  if (reference.selector.empty()) return record.newest;
  for (auto& v : versions(scope, *record.newest.name)) {
    if (std::to_string(*v.version) == reference.selector) return std::move(v);
    if (v.labels && std::ranges::find(*v.labels, reference.selector) != v.labels->end()) return std::move(v);
  }
  no_version(*record.newest.name, reference.selector);
}

void Parameters::scan(const ParameterScope& scope, const std::string& after,
                      const std::function<bool(const ParameterRecord&)>& take) {
  const std::string prefix = meta::prefix({scope.account, scope.region});
  std::string from = after.empty() ? std::string() : key_of(scope, after);
  for (;;) {
    const auto records = metadata_.list(parameter_kind, prefix, from, records_at_once);
    for (const auto& stored : records)
      if (!take(record_from(stored.value))) return;
    if (records.size() < records_at_once) return;
    from = records.back().key;
  }
}

std::string Parameters::value(const ParameterScope& scope, const ParameterVersion& version, bool decrypted) {
  if (!is_secure(version)) return *version.value;
  auto stored = metadata_.get(sealed_kind, *version.value);
  if (!stored) throw Error(ErrorKind::bug, "InternalServerError", "The value of " + *version.name + " is missing.");
  const std::string blob = stored->string_or("Sealed");
  if (!decrypted) return blob;
  return by_kms([&] {
    return keys_.decrypt(scope, std::nullopt, base64_decode(blob).value_or(""), context_of(scope, *version.name)).plain;
  });
}

// ---- putting ----

ParameterVersion Parameters::next_version(const ParameterScope& scope, std::string_view actor,
                                          const model::PutParameterRequest& in,
                                          const std::optional<ParameterRecord>& present) {
  if (!present && !in.type) invalid("A parameter type is required when you create a parameter.");
  ParameterVersion out;
  out.name = in.name;
  out.type = in.type.value_or(present ? *present->newest.type : "");
  if (present && is_secure(present->newest) != is_secure(out))
    throw Error(ErrorKind::caller, "HierarchyTypeMismatchException",
                "Parameter Store doesn't support changing a parameter type in a hierarchy: " + *present->newest.type +
                    " can't become " + *out.type + ".");
  if (in.key_id && !is_secure(out)) invalid("KeyId is required for SecureString type parameter only.");
  if (is_secure(out)) {
    out.key_id = in.key_id;
    if (!out.key_id && present) out.key_id = present->newest.key_id;
    if (!out.key_id) out.key_id = std::string(default_key);
  }
  out.last_modified_date = keys_.clock().now();
  out.last_modified_user = std::string(actor);
  out.description = in.description;
  out.allowed_pattern = in.allowed_pattern;
  if (present && !out.description) out.description = present->newest.description;
  if (present && !out.allowed_pattern) out.allowed_pattern = present->newest.allowed_pattern;
  out.version = present ? *present->newest.version + 1 : 1;
  out.data_type = in.data_type && !in.data_type->empty() ? *in.data_type : "text";
  out.tier = tier_of(in.tier, present ? present->newest.tier : std::nullopt, in.value);
  check_parameter_value(*out.type, in.value, out.allowed_pattern, *out.data_type);
  out.value = is_secure(out) ? seal(scope, out, in.value) : in.value;
  return out;
}

std::string Parameters::seal(const ParameterScope& scope, const ParameterVersion& version, const std::string& value) {
  const std::string blob = by_kms([&] {
    const KeyRecord key = keys_.usable(scope, *version.key_id, "ENCRYPT_DECRYPT");
    if (key.metadata.key_spec != "SYMMETRIC_DEFAULT")
      throw Error(ErrorKind::caller, "InvalidKeyUsageException", key.arn() + " is no symmetric encryption key.");
    return keys_.encrypt(key, value, context_of(scope, *version.name));
  });
  const std::string place = meta::key({scope.account, scope.region, *version.name, keys_.random().hex(32)});
  metadata_.change_quietly([&](meta::Transaction& t) {
    t.put(sealed_kind, place, Value::map({{"Sealed", base64_encode(blob)}}));
  });
  return place;
}

// The oldest version, where it has to go.
std::optional<ParameterVersion> Parameters::make_room(const ParameterScope& scope, const std::string& name) {
  if (metadata_.count(version_kind, meta::prefix({scope.account, scope.region, name})) < max_versions)
    return std::nullopt;
  const auto oldest = metadata_.list(version_kind, meta::prefix({scope.account, scope.region, name}), {}, 1);
  auto version = api::from<ParameterVersion>(oldest.at(0).value);
  if (version.labels && !version.labels->empty())
    throw Error(ErrorKind::limit, "ParameterMaxVersionLimitExceeded",
                "You attempted to create a new version of " + name +
                    " by calling the PutParameter API with the overwrite flag. Version " +
                    std::to_string(*version.version) +
                    ", the oldest version, can't be deleted because it has a label associated with it. Move the label "
                    "to another version of the parameter, and try again.");
  return version;
}

void Parameters::forget_value(const ParameterScope&, const ParameterVersion& version) {
  if (!is_secure(version)) return;
  metadata_.change_quietly([&](meta::Transaction& t) { t.erase(sealed_kind, *version.value); });
}

ParameterVersion Parameters::put(const ParameterScope& scope, std::string_view actor,
                                 const model::PutParameterRequest& in) {
  check_parameter_name(in.name);
  const bool overwrite = in.overwrite.value_or(false);
  if (overwrite && in.tags && !in.tags->empty())
    invalid(
        "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove "
        "overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or "
        "RemoveTagsFromResource.");
  std::lock_guard alone(writing_);
  const auto present = load(metadata_, scope, in.name);
  if (present && !overwrite)
    throw Error(ErrorKind::conflict, "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to "
                "true.");
  const auto removed = make_room(scope, in.name);
  const ParameterVersion made = next_version(scope, actor, in, present);
  ParameterRecord record{made, present ? present->tags : ParameterTags()};
  if (in.tags)
    for (const auto& tag : *in.tags) record.tags[tag.key] = tag.value;
  try {
    metadata_.change(actor, [&](meta::Transaction& t) {
      t.put(version_kind, version_key(scope, in.name, *made.version), to_value(made));
      t.put(parameter_kind, key_of(scope, in.name), to_value(record));
      if (removed) t.erase(version_kind, version_key(scope, in.name, *removed->version));
    });
  } catch (const Error&) {
    forget_value(scope, made);
    throw;
  }
  if (removed) forget_value(scope, *removed);
  tell(scope, present ? "Update" : "Create", made);
  return made;
}

bool Parameters::remove(const ParameterScope& scope, std::string_view actor, const std::string& name) {
  std::lock_guard alone(writing_);
  const auto record = load(metadata_, scope, name);
  if (!record) return false;
  metadata_.change(actor, [&](meta::Transaction& t) {
    t.erase(parameter_kind, key_of(scope, name));
    t.erase_all(version_kind, meta::prefix({scope.account, scope.region, name}));
  });
  if (is_secure(record->newest))
    metadata_.change_quietly([&](meta::Transaction& t) {
      t.erase_all(sealed_kind, meta::prefix({scope.account, scope.region, name}));
    });
  tell(scope, "Delete", record->newest);
  return true;
}

// ---- labels and tags ----

ParameterVersion Parameters::label(const ParameterScope& scope, std::string_view actor, const std::string& name,
                                   std::optional<int64_t> version, const std::vector<std::string>& labels) {
  std::lock_guard alone(writing_);
  const auto record = load(metadata_, scope, name);
  if (!record) not_found(name);
  const int64_t number = version.value_or(*record->newest.version);
  std::vector<ParameterVersion> all = versions(scope, name);
  auto to = std::ranges::find_if(all, [&](const auto& v) { return v.version == number; });
  if (to == all.end()) no_version(name, std::to_string(number));
  std::vector<std::string> moved;
  for (const auto& l : labels)
    if (is_parameter_label(l)) moved.push_back(l);
  for (auto& v : all)
    if (v.labels) std::erase_if(*v.labels, [&](const auto& l) { return std::ranges::find(moved, l) != moved.end(); });
  if (!to->labels) to->labels.emplace();
  to->labels->insert(to->labels->end(), moved.begin(), moved.end());
  if (to->labels->size() > max_labels_of_version)
    throw Error(
        ErrorKind::limit, "ParameterVersionLabelLimitExceeded",
        "An error occurred (ParameterVersionLabelLimitExceeded): A parameter version can have maximum 10 labels. "
        "Move one or more labels to another version and try again.");
  metadata_.change(actor, [&](meta::Transaction& t) {
    for (const auto& v : all) t.put(version_kind, version_key(scope, name, *v.version), to_value(v));
  });
  for (const auto& l : moved) tell(scope, "LabelParameterVersion", *to, l);
  return *to;
}

std::vector<std::string> Parameters::unlabel(const ParameterScope& scope, std::string_view actor,
                                             const std::string& name, int64_t version,
                                             const std::vector<std::string>& labels) {
  std::lock_guard alone(writing_);
  if (!load(metadata_, scope, name)) not_found(name);
  const auto stored = metadata_.get(version_kind, version_key(scope, name, version));
  if (!stored) no_version(name, std::to_string(version));
  auto found = api::from<ParameterVersion>(*stored);
  std::vector<std::string> removed;
  if (found.labels)
    std::erase_if(*found.labels, [&](const auto& l) {
      const bool goes = std::ranges::find(labels, l) != labels.end();
      if (goes) removed.push_back(l);
      return goes;
    });
  metadata_.change(
      actor, [&](meta::Transaction& t) { t.put(version_kind, version_key(scope, name, version), to_value(found)); });
  return removed;
}

void Parameters::change_tags(const ParameterScope& scope, std::string_view actor, const std::string& name,
                             const std::function<void(ParameterTags&)>& change) {
  std::lock_guard alone(writing_);
  auto record = load(metadata_, scope, name);
  if (!record) throw Error(ErrorKind::missing, "InvalidResourceId", "The resource ID " + name + " is not valid.");
  change(record->tags);
  metadata_.change(actor, [&](meta::Transaction& t) { t.put(parameter_kind, key_of(scope, name), to_value(*record)); });
}

}  // namespace tarn::govern
