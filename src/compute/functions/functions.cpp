#include "compute/functions/functions.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "compute/functions/limits.hpp"
#include "compute/functions/placement.hpp"
#include "compute/functions/records.hpp"
#include "compute/functions/rules.hpp"

namespace tarn::compute {
namespace {

constexpr int64_t largest_page = 50;

CodeSource source_of(const std::optional<Blob>& zip, const std::optional<std::string>& bucket,
                     const std::optional<std::string>& key, const std::optional<std::string>& version,
                     const api::Principal& principal) {
  return {zip, bucket.value_or(""), key.value_or(""), version.value_or(""), principal};
}

void set_package(lambda::FunctionConfiguration& configuration, const Package& package) {
  configuration.code_sha256 = package.sha256;
  configuration.code_size = static_cast<int64_t>(package.size_bytes);
}

// A role of another account can't be given to a function.
void check_role(const Scope& scope, const std::string& role) {
  const std::string account = "::" + scope.account + ":role/";
  if (role.find(account) == role.npos)
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "Cross-account pass role is not allowed: " + role + " is of another account than the function.");
}

}  // namespace

// ---- records ----

FunctionRecord Functions::read(meta::Reader& reader, const FunctionName& name) const {
  auto record = reader.get(function_kind, function_key(name));
  if (!record) function_missing(name);
  return function_record_from(*record);
}

void Functions::write(meta::Transaction& t, const FunctionName& name, const FunctionRecord& record) const {
  t.put(function_kind, function_key(name), to_value(record));
}

void Functions::touch(FunctionRecord& record, bool runs_otherwise) const {
  record.configuration.revision_id = platform_.random.uuid();
  record.configuration.last_modified = lambda_time(platform_.clock.now());
  if (runs_otherwise) record.generation = platform_.random.hex(16);
}

void Functions::change(const Scope& scope, const FunctionName& name,
                       const std::function<void(meta::Transaction&, FunctionRecord&)>& work) {
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    FunctionRecord record = read(t, name);
    work(t, record);
    write(t, name, record);
  });
}

FunctionRecord Functions::record(const FunctionName& name) const {
  return read(platform_.metadata, name);
}

bool Functions::exists(const FunctionName& name) const {
  try {
    runnable(name);
    return true;
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::missing) throw;
    return false;
  }
}

lambda::FunctionConfiguration Functions::configuration(const FunctionName& name) const {
  lambda::FunctionConfiguration out = runnable(name).configuration;
  out.function_arn = name.qualified_arn();
  return out;
}

RunnableFunction Functions::runnable(const FunctionName& name) const {
  auto stored = platform_.metadata.get(function_kind, function_key(name));
  if (!stored) function_missing(name);
  FunctionRecord record = function_record_from(*stored);
  RunnableFunction out{name, record.generation, name.qualified_arn(), std::move(record.configuration),
                       record.reserved_concurrency};
  if (out.name.qualifier.empty() || out.name.qualifier == latest_version) {
    out.name.qualifier = latest_version;
    return out;
  }
  if (!is_version_number(out.name.qualifier)) {
    auto found = platform_.metadata.get(alias_kind, qualified_key(name, name.qualifier));
    if (!found) resource_missing("Function not found: " + name.qualified_arn());
    const auto alias = api::from<lambda::AliasConfiguration>(*found);
    out.name.qualifier = *alias.function_version;
    if (alias.routing_config && alias.routing_config->additional_version_weights) {
      double drawn = static_cast<double>(platform_.random.next() >> 11) * 0x1p-53;
      for (const auto& [version, weight] : *alias.routing_config->additional_version_weights) {
        if (drawn < weight) {
          out.name.qualifier = version;
          break;
        }
        drawn -= weight;
      }
    }
    if (out.name.qualifier == latest_version) return out;
  }
  const auto number = version_number(out.name.qualifier);
  auto version = number ? platform_.metadata.get(version_kind, version_key(name, *number)) : std::nullopt;
  if (!version) function_missing(name);
  out.configuration = api::from<lambda::FunctionConfiguration>(*version);
  out.generation = out.configuration.revision_id.value_or("");
  return out;
}

std::string Functions::fetch(const CodeSource& source) const {
  if (source.zip) {
    if (source.zip->bytes.size() > limits::max_zipped_code_size_bytes)
      throw Error(ErrorKind::limit, "RequestTooLargeException",
                  "Request must be smaller than " + std::to_string(limits::max_zipped_code_size_bytes * 4 / 3) +
                      " bytes for the CreateFunction operation")
          .with("Type", "User");
    return source.zip->bytes;
  }
  auto not_there = [](const char* code, const char* what) {
    invalid_parameter(std::string("Error occurred while GetObject. S3 Error Code: ") + code +
                      ". S3 Error Message: " + what);
  };
  std::unique_ptr<store::ObjectReader> object;
  try {
    object = platform_.store.open(
        platform_.authority.objects(source.principal, store::Access::read, source.bucket, source.key), source.bucket,
        source.key, source.object_version);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug) throw;
    not_there(e.code().c_str(), e.message().c_str());
  }
  if (!object) not_there("NoSuchKey", "The specified key does not exist.");
  if (object->info().size_bytes > limits::max_unzipped_code_size_bytes)
    invalid_parameter("Unzipped size must be smaller than " + std::to_string(limits::max_unzipped_code_size_bytes) +
                      " bytes");
  std::string out(object->info().size_bytes, '\0');
  std::size_t filled = 0;
  while (std::size_t n = object->read(out.data() + filled, out.size() - filled)) filled += n;
  out.resize(filled);
  return out;
}

// ---- create, update, remove ----

lambda::FunctionConfiguration Functions::create(const Scope& scope, const lambda::CreateFunctionRequest& request,
                                                const api::Principal& principal) {
  FunctionName name = parse_function_name(scope, request.function_name);
  if (!name.qualifier.empty()) invalid_parameter("A function's name has no qualifier: " + request.function_name);
  if (name.name.size() > limits::max_function_name_size)
    invalid_parameter("1 validation error detected: Value '" + name.name +
                      "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal "
                      "to 64");
  check_create(request);
  check_role(scope, request.role);
  if (platform_.metadata.get(function_kind, function_key(name)))
    resource_conflict("Function already exist: " + name.name);
  lambda::CreateFunctionRequest in = request;
  in.function_name = name.name;
  FunctionRecord record;
  record.configuration = configuration_of(in);
  record.configuration.function_name = name.name;
  record.configuration.function_arn = name.arn();
  record.configuration.version = std::string(latest_version);
  if (in.layers && !in.layers->empty()) record.configuration.layers = resolve_layers(*in.layers);
  if (in.tags) record.tags = *in.tags;
  if (in.code.image_uri)
    set_image(scope, name, *in.code.image_uri, record.configuration);
  else
    set_package(record.configuration,
                platform_.packages.put(fetch(source_of(in.code.zip_file, in.code.s3_bucket, in.code.s3_key,
                                                       in.code.s3_object_version, principal))));
  touch(record, true);
  lambda::FunctionConfiguration out;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    if (t.get(function_kind, function_key(name))) resource_conflict("Function already exist: " + name.name);
    if (in.vpc_config) record.configuration.vpc_config = place_function(t, name, *in.vpc_config);
    out = record.configuration;
    if (in.publish.value_or(false)) {
      out = publish_within(t, name, record, in.description);
      out.function_arn = name.arn();
    }
    write(t, name, record);
  });
  return out;
}

lambda::FunctionConfiguration Functions::update_code(const Scope& scope, const lambda::UpdateFunctionCodeRequest& in,
                                                     const api::Principal& principal) {
  const FunctionName name = parse_function_name(scope, in.function_name);
  check_code(in);
  FunctionRecord present = read(platform_.metadata, name);
  check_revision(in.revision_id, present.configuration.revision_id);
  if (in.image_uri.has_value() != (present.configuration.package_type == "Image"))
    invalid_parameter(in.image_uri ? "Please don't provide ImageUri when updating a function with packageType Zip."
                                   : "Please provide ImageUri when updating a function with packageType Image.");
  if (in.image_uri) return update_image(scope, name, in, std::move(present));
  const std::string zip = fetch(source_of(in.zip_file, in.s3_bucket, in.s3_key, in.s3_object_version, principal));
  if (in.dry_run.value_or(false)) {
    set_package(present.configuration, Packages::describe(zip));
    return present.configuration;
  }
  const Package package = platform_.packages.put(zip);
  lambda::FunctionConfiguration out;
  change(scope, name, [&](meta::Transaction& t, FunctionRecord& record) {
    check_revision(in.revision_id, record.configuration.revision_id);
    set_package(record.configuration, package);
    if (in.architectures) record.configuration.architectures = in.architectures;
    touch(record, true);
    out = record.configuration;
    if (in.publish.value_or(false)) out = publish_within(t, name, record, std::nullopt);
  });
  tell_changed(name);
  return out;
}

lambda::FunctionConfiguration Functions::update_image(const Scope& scope, const FunctionName& name,
                                                      const lambda::UpdateFunctionCodeRequest& in,
                                                      FunctionRecord present) {
  set_image(scope, name, *in.image_uri, present.configuration);
  if (in.dry_run.value_or(false)) return present.configuration;
  lambda::FunctionConfiguration out;
  change(scope, name, [&](meta::Transaction& t, FunctionRecord& record) {
    check_revision(in.revision_id, record.configuration.revision_id);
    record.configuration.code_sha256 = present.configuration.code_sha256;
    if (in.architectures) record.configuration.architectures = in.architectures;
    touch(record, true);
    out = record.configuration;
    if (in.publish.value_or(false)) out = publish_within(t, name, record, std::nullopt);
  });
  tell_changed(name);
  return out;
}

lambda::FunctionConfiguration Functions::update_configuration(const Scope& scope,
                                                              const lambda::UpdateFunctionConfigurationRequest& in) {
  const FunctionName name = parse_function_name(scope, in.function_name);
  check_update(in);
  if (const bool image = read(platform_.metadata, name).configuration.package_type == "Image";
      image ? in.runtime || in.handler || in.layers : in.image_config.has_value())
    invalid_parameter(
        image ? "Please don't provide Handler or Runtime or Layer when updating a function with packageType "
                "Image."
              : "ImageConfig goes with PackageType Image alone.");
  if (in.role) check_role(scope, *in.role);
  std::optional<std::vector<lambda::Layer>> layers;
  if (in.layers) layers = resolve_layers(*in.layers);
  lambda::FunctionConfiguration out;
  change(scope, name, [&](meta::Transaction& t, FunctionRecord& record) {
    check_revision(in.revision_id, record.configuration.revision_id);
    lambda::FunctionConfiguration before = record.configuration;
    apply(in, record.configuration);
    if (in.vpc_config) record.configuration.vpc_config = place_function(t, name, *in.vpc_config);
    if (layers && layers->empty()) record.configuration.layers.reset();
    if (layers && !layers->empty()) record.configuration.layers = layers;
    touch(record, !(before == record.configuration));
    out = record.configuration;
  });
  tell_changed(name);
  return out;
}

void Functions::remove(const Scope& scope, const FunctionName& name) {
  if (name.qualifier == latest_version)
    invalid_parameter("$LATEST version cannot be deleted without deleting the function.");
  if (!name.qualifier.empty() && !is_version_number(name.qualifier))
    invalid_parameter("Deletion of aliases is not currently supported.");
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    FunctionRecord record = read(t, name);
    const std::string prefix = function_prefix(name);
    if (name.qualifier.empty()) {
      t.erase(function_kind, function_key(name));
      forget_place(t, name);
      for (auto kind : {version_kind, alias_kind, policy_kind, event_invoke_kind, function_image_kind})
        t.erase_all(kind, prefix);
      return;
    }
    std::string users;
    for (const meta::Record& r : t.list(alias_kind, prefix)) {
      const auto alias = api::from<lambda::AliasConfiguration>(r.value);
      const bool weighted = alias.routing_config && alias.routing_config->additional_version_weights &&
                            alias.routing_config->additional_version_weights->contains(name.qualifier);
      if (alias.function_version == name.qualifier || weighted)
        users += (users.empty() ? "" : ", ") + alias.name.value_or("");
    }
    if (!users.empty())
      resource_conflict("Version " + name.qualifier +
                        " cannot be deleted because the following aliases reference it: " + users);
    const auto number = version_number(name.qualifier);
    if (number) t.erase(version_kind, version_key(name, *number));
    t.erase(policy_kind, qualified_key(name, name.qualifier));
    t.erase(event_invoke_kind, qualified_key(name, name.qualifier));
    if (number && record.published_version == *number) {
      record.published_version = 0;
      write(t, name, record);
    }
  });
  tell_changed(name, true);
}

void Functions::set_tags(const Scope& scope, const FunctionName& name, const std::function<void(Tags&)>& work) {
  change(scope, name, [&](meta::Transaction&, FunctionRecord& record) {
    work(record.tags);
    check_function_tags(record.tags);
  });
}

// ---- lists ----

MarkedPage<lambda::FunctionConfiguration> Functions::list(const Scope& scope, bool all_versions,
                                                          const MarkedPageRequest& request) const {
  MarkedPageRequest page = request;
  page.max_items = std::min(page.max_items, largest_page);
  auto out =
      marked_page<FunctionRecord>(platform_.metadata, function_kind, meta::prefix({scope.account, scope.region}), page,
                                  [](const meta::Record& r) { return std::optional(function_record_from(r.value)); });
  MarkedPage<lambda::FunctionConfiguration> configurations;
  configurations.next_marker = out.next_marker;
  for (FunctionRecord& r : out.items) {
    const FunctionName name{scope.account, scope.region, *r.configuration.function_name, {}};
    if (all_versions) *r.configuration.function_arn += ":" + std::string(latest_version);
    configurations.items.push_back(std::move(r.configuration));
    if (!all_versions) continue;
    for (const meta::Record& v : platform_.metadata.list(version_kind, function_prefix(name)))
      configurations.items.push_back(api::from<lambda::FunctionConfiguration>(v.value));
  }
  return configurations;
}

std::pair<int64_t, int64_t> Functions::usage(const Scope& scope) const {
  const std::string prefix = meta::prefix({scope.account, scope.region});
  int64_t count = 0, size_bytes = 0;
  for (const meta::Record& r : platform_.metadata.list(function_kind, prefix)) {
    ++count;
    size_bytes += function_record_from(r.value).configuration.code_size.value_or(0);
  }
  for (const meta::Record& r : platform_.metadata.list(version_kind, prefix)) size_bytes += r.value.int_or("CodeSize");
  for (const meta::Record& r : platform_.metadata.list(layer_kind, prefix))
    if (const Value* content = r.value.at("Layer").find("Content")) size_bytes += content->int_or("CodeSize");
  return {count, size_bytes};
}

std::set<std::string> Functions::packages_in_use() const {
  std::set<std::string> out;
  for (const meta::Record& r : platform_.metadata.list(function_kind, {}))
    out.insert(r.value.at("Configuration").string_or("CodeSha256"));
  for (const meta::Record& r : platform_.metadata.list(version_kind, {})) out.insert(r.value.string_or("CodeSha256"));
  for (const meta::Record& r : platform_.metadata.list(layer_kind, {}))
    if (const Value* content = r.value.at("Layer").find("Content")) out.insert(content->string_or("CodeSha256"));
  return out;
}

}  // namespace tarn::compute
