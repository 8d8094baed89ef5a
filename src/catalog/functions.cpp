#include "catalog/catalog.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

std::string function_key(const Scope& scope, std::string_view database, std::string_view name) {
  return table_key(scope, database, name);
}

void take_input(glue::UserDefinedFunction& f, const glue::UserDefinedFunctionInput& input) {
  f.class_name = input.class_name;
  f.owner_name = input.owner_name;
  f.owner_type = input.owner_type;
  f.function_type = input.function_type;
  f.resource_uris = input.resource_uris;
  f.artifact_location = input.artifact_location;
  f.governance_mode = input.governance_mode;
}

glue::UserDefinedFunction need_function(meta::Reader& reader, const Scope& scope, std::string_view database,
                                        std::string_view name) {
  need_database(reader, scope, database);
  auto value = reader.get(function_kind, function_key(scope, database, name));
  if (!value) throw_not_found("Cannot find function: " + fold_name(name) + ".");
  return api::from<glue::UserDefinedFunction>(*value);
}

}  // namespace

void Catalog::create_function(const Scope& scope, std::string_view database,
                              const glue::UserDefinedFunctionInput& input) {
  glue::UserDefinedFunction f;
  f.function_name = checked_name(input.function_name.value_or(""), "FunctionName");
  f.database_name = fold_name(database);
  f.create_time = clock_.now();
  f.catalog_id = scope.account;
  take_input(f, input);
  std::string key = function_key(scope, database, *f.function_name);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    need_database(t, scope, database);
    if (t.get(function_kind, key)) throw_exists("Function already exists.");
    t.put(function_kind, key, to_value(f));
  });
}

glue::UserDefinedFunction Catalog::function(const Scope& scope, std::string_view database,
                                            std::string_view name) const {
  return need_function(metadata_, scope, database, name);
}

Page<glue::UserDefinedFunction> Catalog::functions(const Scope& scope, const std::optional<std::string>& database,
                                                   std::string_view pattern, const PageRequest& request) const {
  std::string under = meta::prefix({scope.account, scope.region});
  if (database) {
    need_database(metadata_, scope, *database);
    under += fold_name(*database) + '\0';
  }
  Page<glue::UserDefinedFunction> page;
  std::string last;
  for (const auto& record : metadata_.list(function_kind, under, key_of_token(request.token))) {
    if (!table_name_matches(pattern, meta::key_parts(record.key).back())) continue;
    if (page.items.size() == request.limit) {
      page.next = token_after(last);
      break;
    }
    page.items.push_back(api::from<glue::UserDefinedFunction>(record.value));
    last = record.key;
  }
  return page;
}

void Catalog::update_function(const Scope& scope, std::string_view database, std::string_view name,
                              const glue::UserDefinedFunctionInput& input) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::UserDefinedFunction f = need_function(t, scope, database, name);
    if (input.function_name && fold_name(*input.function_name) != fold_name(name))
      throw_invalid("A function can't be renamed.");
    take_input(f, input);
    t.put(function_kind, function_key(scope, database, name), to_value(f));
  });
}

void Catalog::delete_function(const Scope& scope, std::string_view database, std::string_view name) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    need_function(t, scope, database, name);
    t.erase(function_kind, function_key(scope, database, name));
  });
}

}  // namespace tarn::catalog
