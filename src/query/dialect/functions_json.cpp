// JSON (Trino's page "JSON functions and operators"), the older functions and those of the SQL standard.
#include <cctype>

#include "query/dialect/functions.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

// $.a["b c"][0] as DuckDB writes it: $."a"."b c"[0]. nullopt for wildcards and filters.
std::optional<std::string> duckdb_path(std::string_view path) {
  std::string out = "$";
  size_t i = 0;
  if (path.empty()) return std::nullopt;
  if (path[0] == '$') i = 1;
  auto key = [&](std::string_view name) {
    if (name.find('"') != std::string_view::npos) return false;
    out += ".\"" + std::string(name) + "\"";
    return true;
  };
  bool first_bare = i == 0;  // Trino also takes a path that begins with a name
  while (i < path.size()) {
    if (path[i] == '[') {
      size_t close = path.find(']', i);
      if (i + 1 < path.size() && (path[i + 1] == '"' || path[i + 1] == '\'')) {
        size_t end = path.find(path[i + 1], i + 2);
        if (end == std::string_view::npos || end + 1 >= path.size() || path[end + 1] != ']') return std::nullopt;
        if (!key(path.substr(i + 2, end - i - 2))) return std::nullopt;
        i = end + 2;
        continue;
      }
      if (close == std::string_view::npos || close == i + 1) return std::nullopt;
      std::string_view inside = path.substr(i + 1, close - i - 1);
      bool number = inside.find_first_not_of("0123456789") == std::string_view::npos;
      if (number) {
        out += "[" + std::string(inside) + "]";
      } else if (!key(inside)) {
        return std::nullopt;
      }
      i = close + 1;
      continue;
    }
    if (path[i] == '.') {
      i++;
    } else if (!first_bare) {
      return std::nullopt;
    }
    first_bare = false;
    if (i < path.size() && path[i] == '"') {
      size_t end = path.find('"', i + 1);
      if (end == std::string_view::npos || !key(path.substr(i + 1, end - i - 1))) return std::nullopt;
      i = end + 1;
      continue;
    }
    size_t end = i;
    while (end < path.size() && path[end] != '.' && path[end] != '[') end++;
    std::string_view name = path.substr(i, end - i);
    if (name.empty() || name.find('*') != std::string_view::npos) return std::nullopt;
    if (!key(name)) return std::nullopt;
    i = end;
  }
  return out;
}

std::string path_of(Call& call, size_t i) {
  const std::string& text = call.literal(i);
  std::optional<std::string> path = duckdb_path(text);
  bool wild = text.find_first_of("*?@") != std::string::npos || text.find("..") != std::string::npos;
  if (!path && !wild) {
    Printer::fail(call.call.arguments[i]->at, "INVALID_FUNCTION_ARGUMENT", "Invalid JSON path: '" + text + "'");
  }
  if (!path) Printer::unsupported(call.call.arguments[i]->at, "the JSON path '" + text + "'");
  return quote_text(*path);
}

// What is no JSON gives NULL, where DuckDB fails.
std::string where_valid(const Value& json, const std::string& sql) {
  if (json.type.kind == TypeKind::json) return sql;
  return "CASE WHEN json_valid(" + json.sql + ") THEN " + sql + " END";
}

std::string write_json_extract(Call& call) {
  return where_valid(call.arguments[0], "json_extract(" + call.sql(0) + ", " + path_of(call, 1) + ")");
}

std::string scalar_at(const std::string& json, const std::string& path) {
  return "CASE WHEN json_type(" + json + ", " + path + ") NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(" + json +
         ", " + path + ") END";
}
std::string write_json_extract_scalar(Call& call) {
  return where_valid(call.arguments[0], scalar_at(call.sql(0), path_of(call, 1)));
}

std::string write_json_size(Call& call) {
  std::string path = path_of(call, 1), json = call.sql(0);
  return where_valid(call.arguments[0], "CASE json_type(" + json + ", " + path +
                                            ") WHEN 'ARRAY' THEN CAST(json_array_length(" + json + ", " + path +
                                            ") AS BIGINT) WHEN 'OBJECT' THEN len(json_keys(" + json + ", " + path +
                                            ")) WHEN NULL THEN NULL ELSE CASE WHEN json_exists(" + json + ", " + path +
                                            ") THEN 0 END END");
}

std::string write_json_array_length(Call& call) {
  return where_valid(call.arguments[0],
                     call.fill("CASE WHEN json_type($1) = 'ARRAY' THEN CAST(json_array_length($1) AS BIGINT) END"));
}

std::string write_json_array_get(Call& call) {
  std::string items = "json_extract(" + call.sql(0) + ", '$[*]')";
  return where_valid(call.arguments[0], "CASE WHEN json_type(" + call.sql(0) + ") = 'ARRAY' THEN " + items +
                                            "[CASE WHEN " + call.sql(1) + " < 0 THEN " + call.sql(1) + " ELSE " +
                                            call.sql(1) + " + 1 END] END");
}

std::string write_json_array_contains(Call& call) {
  const Type& type = call.arguments[1].type;
  std::string same =
      type.is_text() ? "json_type(e) = 'VARCHAR' AND json_extract_string(e, '$') = " + call.sql(1)
      : type.kind == TypeKind::boolean
          ? "json_type(e) = 'BOOLEAN' AND json_extract_string(e, '$') = CAST(" + call.sql(1) + " AS VARCHAR)"
          : "json_type(e) IN ('UBIGINT', 'BIGINT', 'DOUBLE') AND CAST(json_extract_string(e, '$') AS DOUBLE) = " +
                call.sql(1);
  return where_valid(call.arguments[0], "CASE WHEN json_type(" + call.sql(0) +
                                            ") = 'ARRAY' THEN len(list_filter(json_extract(" + call.sql(0) +
                                            ", '$[*]'), lambda e: " + same + ")) > 0 END");
}

std::string write_json_parse(Call& call) {
  return call.guard("NOT json_valid(" + call.sql(0) + ")", "INVALID_FUNCTION_ARGUMENT",
                    "'Cannot convert value to JSON: ''' || " + call.sql(0) + " || ''''", "json(" + call.sql(0) + ")");
}

constexpr FunctionRow json_rows[] = {
    {"is_json_scalar", "json -> boolean", "json_type($1) NOT IN ('OBJECT', 'ARRAY')"},
    {"is_json_scalar", "varchar -> boolean", "json_type($1) NOT IN ('OBJECT', 'ARRAY')"},
    {"json_array_contains", "json, boolean -> boolean", "", write_json_array_contains},
    {"json_array_contains", "json, bigint -> boolean", "", write_json_array_contains},
    {"json_array_contains", "json, double -> boolean", "", write_json_array_contains},
    {"json_array_contains", "json, varchar -> boolean", "", write_json_array_contains},
    {"json_array_contains", "varchar, boolean -> boolean", "", write_json_array_contains},
    {"json_array_contains", "varchar, bigint -> boolean", "", write_json_array_contains},
    {"json_array_contains", "varchar, double -> boolean", "", write_json_array_contains},
    {"json_array_contains", "varchar, varchar -> boolean", "", write_json_array_contains},
    {"json_array_get", "json, bigint -> json", "", write_json_array_get},
    {"json_array_get", "varchar, bigint -> json", "", write_json_array_get},
    {"json_array_length", "json -> bigint", "", write_json_array_length},
    {"json_array_length", "varchar -> bigint", "", write_json_array_length},
    {"json_extract", "json, varchar -> json", "", write_json_extract},
    {"json_extract", "varchar(x), varchar -> json", "", write_json_extract},
    {"json_extract_scalar", "json, varchar -> varchar", "", write_json_extract_scalar},
    {"json_extract_scalar", "varchar(x), varchar -> varchar(x)", "", write_json_extract_scalar},
    {"json_format", "json -> varchar", "CAST($1 AS VARCHAR)"},
    {"json_parse", "varchar(x) -> json", "", write_json_parse},
    {"json_size", "json, varchar -> bigint", "", write_json_size},
    {"json_size", "varchar(x), varchar -> bigint", "", write_json_size},
};

}  // namespace

FunctionTable json_functions() {
  return {FunctionKind::scalar, json_rows};
}

// ---- JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY

namespace {

struct StandardPath {
  bool strict = false;
  std::string path;
};

StandardPath standard_path(const JsonCall& e, const Expression& at) {
  std::string_view text = e.path;
  auto skip = [&] {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0]))) text.remove_prefix(1);
  };
  StandardPath out;
  skip();
  if (text.starts_with("strict")) {
    out.strict = true;
    text.remove_prefix(6);
  } else if (text.starts_with("lax")) {
    text.remove_prefix(3);
  }
  skip();
  std::optional<std::string> path = text.starts_with("$") ? duckdb_path(text) : std::nullopt;
  if (!path) Printer::unsupported(at.at, "the JSON path '" + e.path + "'");
  out.path = quote_text(*path);
  return out;
}

void refuse_behaviour(const JsonCall& e, const Expression& at, std::initializer_list<std::string_view> known) {
  for (const std::string* behaviour : {&e.on_empty, &e.on_error}) {
    bool found = false;
    for (std::string_view word : known) found = found || *behaviour == word;
    if (!found) Printer::unsupported(at.at, upper_case(e.name) + " ... " + *behaviour);
  }
}

}  // namespace

Value Printer::node(const JsonCall& e, const Expression& at, const Scope& scope) {
  if (e.name == "json_object" || e.name == "json_array") {
    if (e.returning && !e.returning->type.is_text())
      unsupported(at.at, upper_case(e.name) + " ... RETURNING " + to_trino(e.returning->type));
    std::string items;
    for (const auto& [key, member] : e.members) {
      Value value = expression(*member, scope);
      bool nested = !value.type.children.empty() || value.type.kind == TypeKind::varbinary;
      if (nested) unsupported(member->at, upper_case(e.name) + " of " + to_trino(value.type));
      std::string sql = value.type.kind == TypeKind::unknown
                            ? "NULL"
                            : cast_value(style_, value, simple_type(TypeKind::json), false)->sql;
      if (key) {
        Value name = expression(*key, scope);
        if (!name.type.is_text())
          fail(key->at, "TYPE_MISMATCH", "Invalid type of JSON object key: " + to_trino(name.type));
        std::string entry = "struct_pack(k := " + name.sql + ", v := " + sql + ")";
        items += (items.empty() ? "" : ", ") + entry;
      } else {
        items += (items.empty() ? "" : ", ") + ("struct_pack(v := " + sql + ")");
      }
    }
    bool object = e.name == "json_object";
    std::string list = items.empty() ? std::string() : "[" + items + "]";
    if (!list.empty() && e.absent_on_null) list = "list_filter(" + list + ", lambda m: m.v IS NOT NULL)";
    std::string member = object ? "to_json(m.k) || ':' || coalesce(m.v, 'null')" : "coalesce(m.v, 'null')";
    std::string joined = list.empty() ? "''"
                                      : "coalesce(array_to_string(list_transform(" + list + ", lambda m: CAST(" +
                                            member + " AS VARCHAR)), ','), '')";
    return Value{"('" + std::string(object ? "{" : "[") + "' || " + joined + " || '" + (object ? "}" : "]") + "')",
                 varchar_type()};
  }
  Value input = expression(*e.input, scope);
  if (!input.type.is_text())
    fail(e.input->at, "TYPE_MISMATCH", "Unexpected type of JSON input: " + to_trino(input.type));
  StandardPath path = standard_path(e, at);
  return Value{
      with_names(
          {input.sql},
          [&](const std::vector<std::string>& n) {
            const std::string& json = n[0];
            if (e.name == "json_exists") {
              refuse_behaviour(e, at, {"", "FALSE"});
              return "CASE WHEN json_valid(" + json + ") THEN json_exists(" + json + ", " + path.path + ") WHEN " +
                     json + " IS NOT NULL THEN false END";
            }
            refuse_behaviour(e, at, {"", "NULL"});
            if (e.name == "json_query") {
              if (e.omit_quotes || e.wrapper == "CONDITIONAL")
                unsupported(at.at, "JSON_QUERY with OMIT QUOTES or a CONDITIONAL WRAPPER");
              std::string found = "CAST(json_extract(" + json + ", " + path.path + ") AS VARCHAR)";
              if (e.wrapper == "WITH") found = "'[' || " + found + " || ']'";
              return "CASE WHEN json_valid(" + json + ") THEN " + found + " END";
            }
            std::string scalar = "CASE WHEN json_valid(" + json + ") THEN " + scalar_at(json, path.path) + " END";
            if (!e.returning) return scalar;
            std::optional<Value> cast = cast_value(style_, Value{scalar, varchar_type()}, e.returning->type, true);
            if (!cast) unsupported(at.at, "JSON_VALUE ... RETURNING " + to_trino(e.returning->type));
            return cast->sql;
          }),
      e.name == "json_exists"                 ? simple_type(TypeKind::boolean)
      : e.name == "json_value" && e.returning ? e.returning->type
                                              : varchar_type()};
}

}  // namespace tarn::dialect
