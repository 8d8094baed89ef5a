// Which type coerces to which, and how: Trino's TypeCoercion.
#include <algorithm>

#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/value.hpp"

namespace tarn::dialect {

namespace {

constexpr int max_char_length = 65536;
// Pieces longer than this are bound to a name rather than written twice.
constexpr size_t max_repeated_size = 80;

int digits_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::tinyint:
      return 3;
    case TypeKind::smallint:
      return 5;
    case TypeKind::integer:
      return 10;
    default:
      return 19;
  }
}

std::optional<Type> common_number(const Type& a, const Type& b) {
  if (a.kind > b.kind) return common_number(b, a);
  // The kinds stand in the order of widening; a decimal takes an integer's digits in.
  if (b.kind != TypeKind::decimal) return b;
  Type x = a.kind == TypeKind::decimal ? a : decimal_type(digits_of(a.kind), 0);
  int whole = std::max(x.precision - x.scale, b.precision - b.scale);
  int scale = std::max(x.scale, b.scale);
  return decimal_type(std::min(38, whole + scale), scale);
}

// Numbers widen in this order: tinyint .. bigint, decimal, real, double. TypeKind has decimal last.
std::optional<Type> common_numeric(const Type& a, const Type& b) {
  if (a.kind == TypeKind::decimal || b.kind == TypeKind::decimal) {
    const Type& other = a.kind == TypeKind::decimal ? b : a;
    if (other.kind == TypeKind::real || other.kind == TypeKind::double_precision) return other;
    return common_number(a, b);
  }
  return a.kind > b.kind ? a : b;
}

std::optional<Type> common_time(const Type& a, const Type& b) {
  auto rank = [](TypeKind kind) {
    return kind == TypeKind::date                  ? 0
           : kind == TypeKind::timestamp           ? 1
           : kind == TypeKind::timestamp_with_zone ? 2
                                                   : -1;
  };
  if (rank(a.kind) >= 0 && rank(b.kind) >= 0) {
    Type out = rank(a.kind) >= rank(b.kind) ? a : b;
    out.precision = std::max(a.precision, b.precision);
    if (a.kind == b.kind && a.zone != b.zone) out.zone.clear();
    return out;
  }
  bool times = (a.kind == TypeKind::time && b.kind == TypeKind::time_with_zone) ||
               (a.kind == TypeKind::time_with_zone && b.kind == TypeKind::time);
  if (!times) return std::nullopt;
  Type out = a.kind == TypeKind::time_with_zone ? a : b;
  out.precision = std::max(a.precision, b.precision);
  return out;
}

std::optional<Type> common_nested(const Type& a, const Type& b) {
  if (a.children.size() != b.children.size()) return std::nullopt;
  Type out = a;
  for (size_t i = 0; i < a.children.size(); i++) {
    std::optional<Type> child = common_type(a.children[i], b.children[i]);
    if (!child) return std::nullopt;
    out.children[i] = *child;
    if (a.kind == TypeKind::row && !same_name(a.field_names[i], b.field_names[i])) out.field_names[i].clear();
  }
  return out;
}

// Whether DuckDB's plain CAST makes `to` of `from`: no fields to be renamed, no zone to be noted.
bool casts_plainly(const Type& from, const Type& to) {
  if (from.kind == TypeKind::row || to.kind == TypeKind::row) return false;
  if (from.kind == TypeKind::timestamp_with_zone || to.kind == TypeKind::timestamp_with_zone)
    return to_duckdb(from) == to_duckdb(to);
  if (from.kind == TypeKind::unknown) return true;
  for (size_t i = 0; i < from.children.size() && i < to.children.size(); i++) {
    if (!casts_plainly(from.children[i], to.children[i])) return false;
  }
  return true;
}

std::string coerced_row(const Style& style, const std::string& sql, const Type& from, const Type& to) {
  return with_names({sql}, [&](const std::vector<std::string>& names) {
    std::string fields;
    for (size_t i = 0; i < to.children.size(); i++) {
      std::string from_name = from.field_names[i].empty() ? "field" + std::to_string(i) : from.field_names[i];
      std::string to_name = to.field_names[i].empty() ? "field" + std::to_string(i) : to.field_names[i];
      Value field{"(" + names[0] + ")." + quote_name(from_name), from.children[i]};
      fields += (i > 0 ? ", " : "") + quote_name(to_name) + " := " + coerced(style, field, to.children[i]).sql;
    }
    return "CASE WHEN " + names[0] + " IS NOT NULL THEN struct_pack(" + fields + ") END";
  });
}

std::string coerced_sql(const Style& style, const Value& value, const Type& to) {
  const Type& from = value.type;
  const std::string& sql = value.sql;
  if (from.kind == TypeKind::unknown) return "CAST(NULL AS " + to_duckdb(to) + ")";
  if (to.is_text()) {
    bool pads = from.kind == TypeKind::character && to.kind == TypeKind::varchar;
    return pads ? "rpad(" + sql + ", " + std::to_string(from.precision) + ", ' ')" : sql;
  }
  if (to.kind == TypeKind::timestamp_with_zone) {
    if (from.kind != TypeKind::timestamp_with_zone) return "CAST(CAST(" + sql + " AS TIMESTAMP) AS TIMESTAMPTZ)";
    if (!to.zone.empty() || from.zone.empty()) return sql;
    return with_names({sql}, [&](const std::vector<std::string>& names) {
      return "CASE WHEN " + names[0] + " IS NOT NULL THEN struct_pack(t := " + names[0] +
             ", z := " + zone_literal(from.zone) + ") END";
    });
  }
  if (to_duckdb(from) == to_duckdb(to)) return sql;
  if (casts_plainly(from, to)) return "CAST(" + sql + " AS " + to_duckdb(to) + ")";
  if (to.kind == TypeKind::row) return coerced_row(style, sql, from, to);
  if (to.kind == TypeKind::array) {
    Value element{"e", from.children[0]};
    return "list_transform(" + sql + ", lambda e: " + coerced(style, element, to.children[0]).sql + ")";
  }
  TARN_ASSERT(to.kind == TypeKind::map);
  Value key{"e.key", from.children[0]}, item{"e.value", from.children[1]};
  return "map_from_entries(list_transform(map_entries(" + sql +
         "), lambda e: struct_pack(k := " + coerced(style, key, to.children[0]).sql +
         ", v := " + coerced(style, item, to.children[1]).sql + ")))";
}

}  // namespace

std::string guarded(const Style& style, std::string_view condition, std::string_view code, const std::string& message,
                    std::string_view value) {
  std::string text = "'tarn|" + std::string(code) + "|' || " + message;
  std::string when(condition), otherwise(value);
  if (style.in_try) {
    // A text that is no boolean fails its cast, for all that DuckDB's optimizer knows only where the row is reached.
    return "CASE WHEN CAST(CASE WHEN " + when + " THEN " + text + " ELSE 'true' END AS BOOLEAN) THEN " + otherwise +
           " END";
  }
  return "CASE WHEN " + when + " THEN error(" + text + ") ELSE " + otherwise + " END";
}

std::string with_names(const std::vector<std::string>& pieces,
                       const std::function<std::string(const std::vector<std::string>&)>& write) {
  // The name must be one that no piece speaks of: a short piece goes into the body as it is. No counter, since equal
  // expressions must come out as equal text (GROUP BY is checked by it).
  std::vector<std::string> names;
  std::string fields, variable;
  bool taken = true;
  for (int i = 1; taken; i++) {
    variable = "v" + std::to_string(i);
    taken = false;
    for (const std::string& piece : pieces) {
      taken = taken || piece.find(variable + ".") != std::string::npos ||
              piece.find("lambda " + variable + ":") != std::string::npos;
    }
  }
  for (size_t i = 0; i < pieces.size(); i++) {
    if (pieces[i].size() <= max_repeated_size) {
      names.push_back(pieces[i]);
      continue;
    }
    std::string field = "p" + std::to_string(i);
    fields += (fields.empty() ? "" : ", ") + field + " := " + pieces[i];
    names.push_back(variable + "." + field);
  }
  std::string body = write(names);
  if (fields.empty()) return body;
  return "list_transform([struct_pack(" + fields + ")], lambda " + variable + ": " + body + ")[1]";
}

std::optional<Type> common_type(const Type& a, const Type& b) {
  if (a.kind == TypeKind::unknown) return b;
  if (b.kind == TypeKind::unknown) return a;
  if (a.is_numeric() && b.is_numeric()) return common_numeric(a, b);
  if (a.is_text() && b.is_text()) {
    int length = std::max(a.precision, b.precision);
    bool is_char = a.kind == TypeKind::character || b.kind == TypeKind::character;
    return is_char ? char_type(std::min(length, max_char_length)) : varchar_type(length);
  }
  if (std::optional<Type> time = common_time(a, b)) return time;
  if (a.kind != b.kind) return std::nullopt;
  if (a.kind == TypeKind::time || a.kind == TypeKind::time_with_zone) return a.precision >= b.precision ? a : b;
  if (a.kind == TypeKind::array || a.kind == TypeKind::map || a.kind == TypeKind::row) return common_nested(a, b);
  if (a.kind == TypeKind::function) return std::nullopt;
  return a;
}

bool can_coerce(const Type& from, const Type& to) {
  if (from == to || from.kind == TypeKind::unknown) return true;
  if (from.kind == TypeKind::character && to.kind == TypeKind::varchar) return to.precision >= from.precision;
  std::optional<Type> common = common_type(from, to);
  if (!common) return false;
  if (to.kind == TypeKind::row && from.kind == TypeKind::row) {  // names need not agree
    common->field_names = to.field_names;
  }
  return *common == to;
}

Value coerced(const Style& style, const Value& value, const Type& to) {
  if (value.type == to && (to.kind != TypeKind::timestamp_with_zone || value.type.zone == to.zone)) return value;
  Value out{coerced_sql(style, value, to), to};
  out.text = value.text;
  out.number = value.number;
  return out;
}

bool is_comparable(const Type& type) {
  if (type.kind == TypeKind::function) return false;
  return std::all_of(type.children.begin(), type.children.end(), is_comparable);
}

bool is_orderable(const Type& type) {
  if (type.kind == TypeKind::function || type.kind == TypeKind::map || type.kind == TypeKind::json) return false;
  return std::all_of(type.children.begin(), type.children.end(), is_orderable);
}

}  // namespace tarn::dialect
