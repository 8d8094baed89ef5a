#include "catalog/connections.hpp"

#include <algorithm>

#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

constexpr std::string_view connection_kind = "glue.connection";

std::string connection_key(const Scope& scope, std::string_view name) {
  return meta::key({scope.account, scope.region, name});
}

[[noreturn]] void throw_no_connection(std::string_view name) {
  throw_not_found("Connection " + std::string(name) + " not found.");
}

void take_authentication(glue::Connection& c, const glue::AuthenticationConfigurationInput& input) {
  if (input.o_auth2_properties || input.basic_authentication_credentials || input.custom_authentication_credentials)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn takes a connection's credentials from SecretArn or ConnectionProperties only.");
  auto& out = c.authentication_configuration.emplace();
  out.authentication_type = input.authentication_type;
  out.secret_arn = input.secret_arn;
  out.kms_key_arn = input.kms_key_arn;
}

void take_input(glue::Connection& c, const glue::ConnectionInput& input) {
  if (input.validate_credentials.value_or(false))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn does not have ValidateCredentials: it can't reach the other system for you.");
  c.description = input.description;
  c.connection_type = input.connection_type;
  c.match_criteria = input.match_criteria;
  c.connection_properties = input.connection_properties;
  c.spark_properties = input.spark_properties;
  c.athena_properties = input.athena_properties;
  c.python_properties = input.python_properties;
  c.physical_connection_requirements = input.physical_connection_requirements;
  c.authentication_configuration.reset();
  if (input.authentication_configuration) take_authentication(c, *input.authentication_configuration);
}

bool matches(const glue::Connection& c, const glue::GetConnectionsFilter& filter) {
  if (filter.connection_type && c.connection_type != filter.connection_type) return false;
  if (filter.connection_schema_version && c.connection_schema_version.value_or(1) != *filter.connection_schema_version)
    return false;
  if (!filter.match_criteria) return true;
  auto have = c.match_criteria.value_or(std::vector<std::string>{});
  return std::all_of(filter.match_criteria->begin(), filter.match_criteria->end(), [&](const std::string& wanted) {
    return std::find(have.begin(), have.end(), wanted) != have.end();
  });
}

}  // namespace

void Connections::create(const Scope& scope, const glue::ConnectionInput& input, const TagMap& tags) {
  checked_name(input.name, "Connection name");
  glue::Connection c;
  c.name = input.name;
  c.creation_time = c.last_updated_time = clock_.now();
  c.last_updated_by = scope.actor_arn;
  c.status = glue::connection_status::ready;
  c.connection_schema_version = 1;
  take_input(c, input);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    std::string key = connection_key(scope, input.name);
    if (t.get(connection_kind, key)) throw_exists("Connection already exists.");
    t.put(connection_kind, key, to_value(c));
    put_tags(t, resource_arn(scope, "connection", input.name), tags);
  });
}

std::optional<glue::Connection> Connections::find(const Scope& scope, std::string_view name) const {
  auto value = metadata_.get(connection_kind, connection_key(scope, name));
  return value ? std::optional(api::from<glue::Connection>(*value)) : std::nullopt;
}

glue::Connection Connections::get(const Scope& scope, std::string_view name) const {
  auto found = find(scope, name);
  if (!found) throw_no_connection(name);
  return *std::move(found);
}

Page<glue::Connection> Connections::list(const Scope& scope, const std::optional<glue::GetConnectionsFilter>& filter,
                                         const PageRequest& request) const {
  Page<glue::Connection> page;
  for (const auto& record :
       metadata_.list(connection_kind, meta::prefix({scope.account, scope.region}), key_of_token(request.token))) {
    auto c = api::from<glue::Connection>(record.value);
    if (filter && !matches(c, *filter)) continue;
    if (page.items.size() == request.limit) {
      page.next = token_after(connection_key(scope, *page.items.back().name));
      break;
    }
    page.items.push_back(std::move(c));
  }
  return page;
}

void Connections::update(const Scope& scope, std::string_view name, const glue::ConnectionInput& input) {
  if (input.name != name) throw_invalid("A connection can't be renamed: ConnectionInput.Name must equal Name.");
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto value = t.get(connection_kind, connection_key(scope, name));
    if (!value) throw_no_connection(name);
    auto c = api::from<glue::Connection>(*value);
    take_input(c, input);
    c.last_updated_time = clock_.now();
    c.last_updated_by = scope.actor_arn;
    t.put(connection_kind, connection_key(scope, name), to_value(c));
  });
}

void Connections::erase(const Scope& scope, std::string_view name) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    if (!t.erase(connection_kind, connection_key(scope, name))) throw_no_connection(name);
    erase_tags(t, resource_arn(scope, "connection", name));
  });
}

glue::Connection without_passwords(glue::Connection connection) {
  auto is_password = [](const auto& property) { return property.first.ends_with("PASSWORD"); };
  if (connection.connection_properties) std::erase_if(*connection.connection_properties, is_password);
  return connection;
}

}  // namespace tarn::catalog
