// Where the catalog's records stand in the metadata store, and the checks that all of its parts share.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "catalog/catalog.hpp"
#include "meta/metadata.hpp"

namespace tarn::catalog {

// A resource that can carry tags stands in kind "glue.TYPE" under key(account, region, name), TYPE as in its ARN
// ("crawler", "job").
inline constexpr std::string_view database_kind = "glue.database";
inline constexpr std::string_view table_kind = "glue.table";            // …, database, table
inline constexpr std::string_view version_kind = "glue.table_version";  // …, database, table, version in ten digits
inline constexpr std::string_view partition_kind = "glue.partition";    // …, database, table, values
inline constexpr std::string_view index_kind = "glue.partition_index";  // …, database, table, index
inline constexpr std::string_view table_statistics_kind = "glue.column_statistics";  // …, database, table, column
inline constexpr std::string_view partition_statistics_kind =
    "glue.partition_column_statistics";                             // …, database, table, values, column
inline constexpr std::string_view function_kind = "glue.function";  // …, database, function

[[noreturn]] void throw_not_found(std::string message);
[[noreturn]] void throw_exists(std::string message);
[[noreturn]] void throw_invalid(std::string message);

// `name` folded, after a check that it can be a name: 1 to 255 characters, none of them a control character. `what` is
// told in the error.
std::string checked_name(std::string_view name, const char* what);

std::string database_key(const Scope& scope, std::string_view database);
std::string table_key(const Scope& scope, std::string_view database, std::string_view table);
// The prefix of all records under the table.
std::string table_prefix(const Scope& scope, std::string_view database, std::string_view table);

// Each throws EntityNotFoundException.
glue::Database need_database(meta::Reader& reader, const Scope& scope, std::string_view database);
glue::Table need_table(meta::Reader& reader, const Scope& scope, std::string_view database, std::string_view table);

// The next page of the records under `prefix`.
template <class T>
Page<T> page_of_records(meta::Reader& reader, std::string_view kind, std::string_view prefix,
                        const PageRequest& request) {
  Page<T> page;
  auto records = reader.list(kind, prefix, key_of_token(request.token), request.limit + 1);
  bool more = records.size() > request.limit;
  if (more) records.pop_back();
  for (const meta::Record& r : records) page.items.push_back(api::from<T>(r.value));
  if (more) page.next = token_after(records.back().key);
  return page;
}

glue::ErrorDetail detail_of(const Error& error);

}  // namespace tarn::catalog
