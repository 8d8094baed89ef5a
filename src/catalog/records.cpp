#include "catalog/records.hpp"

#include <re2/re2.h>

#include "base/base64.hpp"

namespace tarn::catalog {

void throw_not_found(std::string message) {
  throw Error(ErrorKind::missing, "EntityNotFoundException", std::move(message));
}
void throw_exists(std::string message) {
  throw Error(ErrorKind::conflict, "AlreadyExistsException", std::move(message));
}
void throw_invalid(std::string message) {
  throw Error(ErrorKind::caller, "InvalidInputException", std::move(message));
}

Scope scope_of(const api::Context& context) {
  return {context.account(), context.region, context.principal.arn.empty() ? "tarn" : context.principal.arn};
}

std::string fold_name(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string checked_name(std::string_view name, const char* what) {
  if (name.empty() || name.size() > 255) throw_invalid(std::string(what) + " must have 1 to 255 characters.");
  for (unsigned char c : name)
    if (c < 0x20 && c != '\t') throw_invalid(std::string(what) + " must not contain control characters.");
  return fold_name(name);
}

std::string database_key(const Scope& scope, std::string_view database) {
  return meta::key({scope.account, scope.region, fold_name(database)});
}
std::string table_key(const Scope& scope, std::string_view database, std::string_view table) {
  return meta::key({scope.account, scope.region, fold_name(database), fold_name(table)});
}
std::string table_prefix(const Scope& scope, std::string_view database, std::string_view table) {
  return meta::prefix({scope.account, scope.region, fold_name(database), fold_name(table)});
}

glue::Database need_database(meta::Reader& reader, const Scope& scope, std::string_view database) {
  auto value = reader.get(database_kind, database_key(scope, database));
  if (!value) throw_not_found("Database " + fold_name(database) + " not found.");
  return api::from<glue::Database>(*value);
}

glue::Table need_table(meta::Reader& reader, const Scope& scope, std::string_view database, std::string_view table) {
  auto value = reader.get(table_kind, table_key(scope, database, table));
  if (!value) {
    need_database(reader, scope, database);
    throw_not_found("Table " + fold_name(table) + " not found.");
  }
  return api::from<glue::Table>(*value);
}

glue::ErrorDetail detail_of(const Error& error) {
  glue::ErrorDetail detail;
  detail.error_code = error.code();
  detail.error_message = error.message();
  return detail;
}

std::string token_after(std::string_view key) {
  return base64_encode("t1" + std::string(key));
}

std::string key_of_token(const std::optional<std::string>& token) {
  if (!token || token->empty()) return {};
  auto decoded = base64_decode(*token);
  if (!decoded || !decoded->starts_with("t1")) throw_invalid("The NextToken is not one that this operation returned.");
  return decoded->substr(2);
}

bool table_name_matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return true;
  std::string regex;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    bool quantifier = i > 0 && (pattern[i - 1] == '.' || pattern[i - 1] == ']' || pattern[i - 1] == ')');
    if (pattern[i] == '*' && !quantifier) regex += '.';
    regex += pattern[i];
  }
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  RE2 re(regex, options);
  if (!re.ok()) throw_invalid("The expression '" + std::string(pattern) + "' is no regular expression: " + re.error());
  return RE2::FullMatch(re2::StringPiece(name.data(), name.size()), re);
}

}  // namespace tarn::catalog
