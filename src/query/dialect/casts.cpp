// CAST and TRY_CAST as Trino does them. DuckDB's own CAST is laxer with texts ('1.5' and '1e3' are integers to it) and
// rounds halves of doubles to even.
#include "query/dialect/names.hpp"
#include "query/dialect/value.hpp"

namespace tarn::dialect {

namespace {

constexpr std::string_view invalid = "INVALID_CAST_ARGUMENT";
constexpr std::string_view date_text = R"(\s*[+-]?[0-9]{1,9}-[0-9]{1,2}-[0-9]{1,2}\s*)";
constexpr std::string_view local_time_text =
    R"([+-]?[0-9]{1,9}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]+)?)?)?)";

// A cast being written: the operand's name stands in for its SQL, so that it is computed once.
struct Casting {
  const Style& style;
  Value from;
  const Type& to;
  bool is_try;
  std::string target = to_duckdb(to);

  std::string plain() const { return std::string(is_try ? "TRY_CAST(" : "CAST(") + from.sql + " AS " + target + ")"; }
  std::string plain_of(const std::string& sql) const {
    return std::string(is_try ? "TRY_CAST(" : "CAST(") + sql + " AS " + target + ")";
  }
  // `value` where the operand fits `pattern`; else the error, or NULL for TRY_CAST.
  std::string matching(std::string_view pattern, const std::string& before, const std::string& after,
                       const std::string& value) const {
    std::string fits = "regexp_full_match(" + from.sql + ", " + quote_text(pattern) + ")";
    if (is_try) return "CASE WHEN " + fits + " THEN " + value + " END";
    return guarded(style, "NOT " + fits, invalid, quote_text(before) + " || " + from.sql + " || " + quote_text(after),
                   value);
  }
};

std::string java_name(TypeKind kind) {
  switch (kind) {
    case TypeKind::tinyint:
      return "TINYINT";
    case TypeKind::smallint:
      return "SMALLINT";
    case TypeKind::integer:
      return "INT";
    default:
      return "BIGINT";
  }
}

std::string rounded_timestamp(const std::string& sql, int precision) {
  if (precision >= 6) return sql;
  long long unit = 1;
  for (int i = precision; i < 6; i++) unit *= 10;
  std::string us = std::to_string(unit), half = std::to_string(unit / 2);
  return with_names({"epoch_us(" + sql + ")"}, [&](const std::vector<std::string>& names) {
    const std::string& t = names[0];
    // Down to the unit also before 1970.
    return "make_timestamp(" + t + " + " + half + " - ((" + t + " + " + half + ") % " + us + " + " + us + ") % " + us +
           ")";
  });
}

std::string text_to_number(const Casting& c) {
  if (c.to.is_integral()) {
    return c.matching(R"(\s*[+-]?[0-9]+\s*)", "Cannot cast '", "' to " + java_name(c.to.kind), c.plain());
  }
  if (c.to.kind == TypeKind::decimal) {
    std::string type = "DECIMAL(" + std::to_string(c.to.precision) + ", " + std::to_string(c.to.scale) + ")";
    return c.matching(R"([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)", "Cannot cast VARCHAR '",
                      "' to " + type + ". Value is not a number.", c.plain());
  }
  return c.plain();
}

std::string text_to_boolean(const Casting& c) {
  std::string out = "CASE lower(" + c.from.sql +
                    ") WHEN 'true' THEN true WHEN 't' THEN true WHEN '1' THEN true WHEN 'false' THEN false "
                    "WHEN 'f' THEN false WHEN '0' THEN false END";
  if (c.is_try) return out;
  return guarded(c.style, "lower(" + c.from.sql + ") NOT IN ('true', 't', '1', 'false', 'f', '0')", invalid,
                 "'Cannot cast ''' || " + c.from.sql + " || ''' to BOOLEAN'", out);
}

// Local date and time, then a zone's name or an offset, which has to be known value by value.
std::string text_to_zoned(const Casting& c) {
  std::string parts = "regexp_extract(" + c.from.sql + ", " +
                      quote_text(R"(^\s*([0-9+-]+(?: [0-9:.]+)?)\s*([A-Za-z+-].*?)?\s*$)") + ", ['l', 'z'])";
  std::string built = with_names({parts}, [&](const std::vector<std::string>& names) {
    std::string local = "CAST((" + names[0] + ").l AS TIMESTAMP)", zone = "(" + names[0] + ").z";
    std::string offset = "(CAST(" + zone + "[2:3] AS BIGINT) * 60 + CAST(coalesce(nullif(replace(" + zone +
                         "[4:], ':', ''), ''), '0') AS BIGINT)) * 60000000";
    return "CASE WHEN " + zone + " IN ('', 'UTC', 'Z') THEN struct_pack(t := CAST(" + local +
           " AS TIMESTAMPTZ), z := 'UTC') WHEN " + zone +
           "[1] IN ('+', '-') THEN struct_pack(t := CAST(make_timestamp(epoch_us(" + local + ") - " + offset +
           " * CASE WHEN " + zone + "[1] = '-' THEN -1 ELSE 1 END) AS TIMESTAMPTZ), z := " + zone +
           ") ELSE struct_pack(t := timezone(" + zone + ", " + local + "), z := " + zone + ") END";
  });
  return c.matching(R"(\s*)" + std::string(local_time_text) + R"(( +[A-Za-z][A-Za-z0-9_/+-]*| *[+-][0-9:]+)?\s*)",
                    "Value cannot be cast to timestamp: ", "", built);
}

std::string text_to(const Casting& c) {
  switch (c.to.kind) {
    case TypeKind::boolean:
      return text_to_boolean(c);
    case TypeKind::date:
      return c.matching(date_text, "Value cannot be cast to date: ", "", c.plain());
    case TypeKind::timestamp: {
      // A zone behind it is read and dropped.
      std::string pattern =
          R"(\s*)" + std::string(local_time_text) + R"(( +[A-Za-z][A-Za-z0-9_/+-]*| *[+-][0-9:]+)?\s*)";
      std::string bare = "regexp_extract(" + c.from.sql + ", " + quote_text(R"(^\s*[0-9+-]+(?: [0-9:.]+)?)") + ")";
      return c.matching(pattern, "Value cannot be cast to timestamp: ", "",
                        rounded_timestamp(c.plain_of(bare), c.to.precision));
    }
    case TypeKind::timestamp_with_zone:
      return text_to_zoned(c);
    case TypeKind::json:
      return "CASE WHEN " + c.from.sql + " IS NOT NULL THEN to_json(" + c.from.sql + ") END";
    default:
      return text_to_number(c);
  }
}

std::string number_to(const Casting& c) {
  const TypeKind from = c.from.type.kind;
  const std::string& sql = c.from.sql;
  if (c.to.kind == TypeKind::boolean) return "(" + sql + " <> 0)";
  bool rounds = (from == TypeKind::real || from == TypeKind::double_precision) && c.to.is_integral();
  return rounds ? c.plain_of("round(" + sql + ")") : c.plain();
}

std::string time_to(const Casting& c) {
  switch (c.to.kind) {
    case TypeKind::date:
      return "CAST(" + local_sql(c.from) + " AS DATE)";
    case TypeKind::time:
      return "CAST(" + local_sql(c.from) + " AS TIME)";
    case TypeKind::timestamp: {
      std::string local = local_sql(c.from);
      if (c.from.type.kind == TypeKind::date) return "CAST(" + local + " AS TIMESTAMP)";
      return c.to.precision < c.from.type.precision ? rounded_timestamp(local, c.to.precision) : local;
    }
    default:
      return coerced(c.style, c.from, c.to).sql;
  }
}

std::string json_to(const Casting& c);

// The JSON value in `sql` as a `to`.
std::string json_item(const Casting& c, const std::string& sql, const Type& to) {
  if (to.kind == TypeKind::json) return sql;
  return json_to(Casting{c.style, Value{sql, c.from.type}, to, c.is_try});
}

std::string json_to(const Casting& c) {
  const std::string& sql = c.from.sql;
  std::string text = "json_extract_string(" + sql + ", '$')";
  switch (c.to.kind) {
    case TypeKind::array: {
      std::string items = "json_extract(" + sql + ", '$[*]')";
      std::string made = c.to.children[0].kind == TypeKind::json
                             ? items
                             : "list_transform(" + items + ", lambda j: " + json_item(c, "j", c.to.children[0]) + ")";
      return "CASE WHEN json_type(" + sql + ") = 'ARRAY' THEN " + made + " WHEN json_type(" + sql +
             ") <> 'NULL' THEN CAST(" + sql + " AS " + c.target + ") END";
    }
    case TypeKind::map:
      return "CASE WHEN json_type(" + sql + ") <> 'NULL' THEN map_from_entries(list_transform(map_entries(CAST(" + sql +
             " AS MAP(VARCHAR, JSON))), lambda m: struct_pack(k := " +
             (c.to.children[0].is_text() ? std::string("m.key")
                                         : "CAST(m.key AS " + to_duckdb(c.to.children[0]) + ")") +
             ", v := " + json_item(c, "m.value", c.to.children[1]) + "))) END";
    case TypeKind::row: {
      std::string by_name, by_place;
      for (size_t i = 0; i < c.to.children.size(); i++) {
        const std::string& given = c.to.field_names[i];
        std::string name = given.empty() ? "field" + std::to_string(i) : given;
        std::string separator = i > 0 ? ", " : "";
        std::string path = quote_text("$.\"" + name + "\""), place = quote_text("$[" + std::to_string(i) + "]");
        by_name += separator + quote_name(name) +
                   " := " + json_item(c, "json_extract(" + sql + ", " + path + ")", c.to.children[i]);
        by_place += separator + quote_name(name) +
                    " := " + json_item(c, "json_extract(" + sql + ", " + place + ")", c.to.children[i]);
      }
      return "CASE json_type(" + sql + ") WHEN 'OBJECT' THEN struct_pack(" + by_name +
             ") WHEN 'ARRAY' THEN struct_pack(" + by_place + ") END";
    }
    case TypeKind::varchar:
    case TypeKind::character: {
      Value number{"CAST(" + text + " AS DOUBLE)", simple_type(TypeKind::double_precision)};
      std::string scalar =
          "CASE json_type(" + sql + ") WHEN 'DOUBLE' THEN " + text_sql(c.style, number) + " ELSE " + text + " END";
      std::string nested = "json_type(" + sql + ") IN ('ARRAY', 'OBJECT')";
      if (c.is_try) return "CASE WHEN NOT " + nested + " THEN " + scalar + " END";
      return guarded(c.style, nested, invalid, "'Cannot cast ''' || " + sql + " || ''' to varchar'", scalar);
    }
    case TypeKind::boolean:
      return c.plain_of(text);
    default:
      break;
  }
  if (!c.to.is_numeric()) return c.plain_of(text);
  return "CASE json_type(" + sql + ") WHEN 'BOOLEAN' THEN CAST(CAST(" + text + " AS BOOLEAN) AS INTEGER) ELSE " +
         c.plain_of(text) + " END";
}

// The bounded length of the target: texts are cut, other values have to fit.
std::string to_text(const Casting& c) {
  if (c.from.type.kind == TypeKind::json) {
    std::string text = json_to(c);
    return c.to.precision == unbounded_length ? text : "left(" + text + ", " + std::to_string(c.to.precision) + ")";
  }
  std::string length = std::to_string(c.to.precision);
  if (c.from.type.is_text()) {
    std::string text = coerced(c.style, c.from, varchar_type()).sql;
    return c.to.precision < c.from.type.precision ? "left(" + text + ", " + length + ")" : text;
  }
  std::string text = text_sql(c.style, c.from);
  if (c.to.precision == unbounded_length) return text;
  return with_names({text}, [&](const std::vector<std::string>& names) {
    if (c.is_try) return "CASE WHEN length(" + names[0] + ") <= " + length + " THEN " + names[0] + " END";
    return guarded(c.style, "length(" + names[0] + ") > " + length, invalid,
                   "'Value ' || " + names[0] + " || ' cannot be represented as " + to_trino(c.to) + "'", names[0]);
  });
}

std::optional<std::string> nested_to(const Casting& c) {
  const Type& from = c.from.type;
  const Type& to = c.to;
  if (from.kind != to.kind || from.children.size() != to.children.size()) return std::nullopt;
  std::vector<std::string> parts;
  for (size_t i = 0; i < to.children.size(); i++) {
    std::string name =
        from.kind == TypeKind::array ? "e"
        : from.kind == TypeKind::map
            ? (i == 0 ? "e.key" : "e.value")
            : "(" + c.from.sql + ")." +
                  quote_name(from.field_names[i].empty() ? "field" + std::to_string(i) : from.field_names[i]);
    std::optional<Value> part = cast_value(c.style, Value{name, from.children[i]}, to.children[i], false);
    if (!part) return std::nullopt;
    parts.push_back(part->sql);
  }
  const std::string& sql = c.from.sql;
  if (from.kind == TypeKind::array)
    return parts[0] == "e" ? sql : "list_transform(" + sql + ", lambda e: " + parts[0] + ")";
  if (from.kind == TypeKind::map) {
    if (parts[0] == "e.key" && parts[1] == "e.value") return sql;
    return "map_from_entries(list_transform(map_entries(" + sql + "), lambda e: struct_pack(k := " + parts[0] +
           ", v := " + parts[1] + ")))";
  }
  std::string fields;
  for (size_t i = 0; i < parts.size(); i++) {
    std::string name = to.field_names[i].empty() ? "field" + std::to_string(i) : to.field_names[i];
    fields += (i > 0 ? ", " : "") + quote_name(name) + " := " + parts[i];
  }
  return "CASE WHEN " + sql + " IS NOT NULL THEN struct_pack(" + fields + ") END";
}

bool is_time(const Type& type) {
  return type.kind == TypeKind::date || type.kind == TypeKind::timestamp || type.kind == TypeKind::timestamp_with_zone;
}

bool has_json(const Type& type) {
  switch (type.kind) {
    case TypeKind::varbinary:
    case TypeKind::interval_day_second:
    case TypeKind::interval_year_month:
    case TypeKind::time:
    case TypeKind::function:
      return false;
    default:
      break;
  }
  for (const std::string& name : type.field_names) {
    if (name.empty()) return false;  // Trino writes "" for each, which DuckDB's structs cannot
  }
  for (const Type& child : type.children) {
    if (!has_json(child)) return false;
  }
  return true;
}

std::optional<std::string> cast_sql(const Casting& c) {
  const Type& from = c.from.type;
  const Type& to = c.to;
  if (from.kind == TypeKind::unknown) return coerced(c.style, c.from, to).sql;
  if (to.kind == TypeKind::json) {
    if (from.kind == TypeKind::json) return c.from.sql;
    if (!has_json(from)) return std::nullopt;
    Value source = c.from;
    if (from.kind == TypeKind::decimal) return "CAST(" + text_sql(c.style, c.from) + " AS JSON)";
    if (is_time(from) && from.kind != TypeKind::date) source = Value{text_sql(c.style, c.from), varchar_type()};
    return "CASE WHEN " + c.from.sql + " IS NOT NULL THEN to_json(" + source.sql + ") END";
  }
  if (to.is_text()) {
    bool writes = from.is_text() || from.is_numeric() || from.kind == TypeKind::json ||
                  from.kind == TypeKind::boolean || is_time(from) || from.kind == TypeKind::time ||
                  from.kind == TypeKind::interval_day_second || from.kind == TypeKind::interval_year_month ||
                  from.kind == TypeKind::uuid || from.kind == TypeKind::ipaddress;
    return writes ? std::optional(to_text(c)) : std::nullopt;
  }
  if (from.kind == TypeKind::json) {
    bool reads = to.is_numeric() || to.kind == TypeKind::boolean || !to.children.empty();
    return reads ? std::optional(json_to(c)) : std::nullopt;
  }
  if (from.is_text()) {
    bool reads = to.is_numeric() || to.kind == TypeKind::boolean || is_time(to) || to.kind == TypeKind::time ||
                 to.kind == TypeKind::uuid || to.kind == TypeKind::ipaddress;
    return reads ? std::optional(text_to(c)) : std::nullopt;
  }
  if (from.is_numeric())
    return to.is_numeric() || to.kind == TypeKind::boolean ? std::optional(number_to(c)) : std::nullopt;
  if (from.kind == TypeKind::boolean) {
    if (to.kind == TypeKind::boolean) return c.from.sql;
    if (!to.is_numeric()) return std::nullopt;
    return c.plain_of("CAST(" + c.from.sql + " AS INTEGER)");
  }
  if (is_time(from) && (is_time(to) || to.kind == TypeKind::time)) {
    return from.kind == TypeKind::date && to.kind == TypeKind::time ? std::nullopt : std::optional(time_to(c));
  }
  if (!to.children.empty()) return nested_to(c);
  return from.kind == to.kind ? std::optional(c.from.sql) : std::nullopt;
}

// Whether the SQL of the cast speaks of its operand more than once.
bool repeats(const Type& from, const Type& to) {
  return from.is_text() || from.kind == TypeKind::json || to.kind == TypeKind::json || from.kind == TypeKind::row ||
         (from.kind == TypeKind::timestamp_with_zone && from.zone.empty());
}

// What TRY_CAST needs TRY() for: casts with no TRY_CAST of DuckDB's at their core.
bool needs_try(const Type& from, const Type& to) {
  return !to.children.empty() || (from.kind == TypeKind::json && !to.is_text()) ||
         (from.is_text() && to.kind == TypeKind::timestamp_with_zone);
}

// A double as Java's DecimalFormat writes it, 1.005E2, from DuckDB's shortest digits.
std::string double_text(const std::string& sql) {
  std::string digits = "regexp_replace(replace(regexp_extract(t, '^-?([0-9.]+)', 1), '.', ''), '^0+', '')";
  return with_names({sql}, [&](const std::vector<std::string>& names) {
    const std::string& x = names[0];
    std::string body =
        "list_transform([struct_pack(d := rtrim(" + digits +
        ", '0'), e := coalesce(TRY_CAST(regexp_extract(t, 'e([+-]?[0-9]+)', 1) AS INTEGER), 0)"
        " + CASE WHEN t SIMILAR TO '-?0\\.0*[1-9].*' THEN -1 - length(regexp_extract(t, '^-?0\\.(0*)', 1))"
        " ELSE length(regexp_extract(t, '^-?([0-9]+)', 1)) - 1 END)], lambda n: "
        "n.d[1] || '.' || CASE WHEN length(n.d) > 1 THEN n.d[2:] ELSE '0' END || 'E' || n.e)[1]";
    return "CASE WHEN isnan(" + x + ") THEN 'NaN' WHEN isinf(" + x + ") THEN CASE WHEN " + x +
           " > 0 THEN 'Infinity' ELSE '-Infinity' END WHEN " + x + " = 0 THEN '0.0E0' ELSE CASE WHEN " + x +
           " < 0 THEN '-' ELSE '' END || list_transform([CAST(" + x + " AS VARCHAR)], lambda t: " + body + ")[1] END";
  });
}

std::string interval_text(const Value& value) {
  return with_names({value.sql}, [&](const std::vector<std::string>& names) {
    const std::string& x = names[0];
    if (value.type.kind == TypeKind::interval_year_month) {
      std::string months = "(date_part('year', " + x + ") * 12 + date_part('month', " + x + "))";
      return "CASE WHEN " + months + " < 0 THEN '-' ELSE '' END || (abs(" + months + ") // 12) || '-' || (abs(" +
             months + ") % 12)";
    }
    std::string ms = "CAST(round(epoch(" + x + ") * 1000) AS BIGINT)";
    auto part = [&](const char* unit, const char* modulus, const char* format) {
      return "format('" + std::string(format) + "', (abs(" + ms + ") // " + unit + ")" +
             (*modulus ? " % " + std::string(modulus) : "") + ")";
    };
    return "CASE WHEN " + ms + " < 0 THEN '-' ELSE '' END || " + part("86400000", "", "{}") + " || ' ' || " +
           part("3600000", "24", "{:02d}") + " || ':' || " + part("60000", "60", "{:02d}") + " || ':' || " +
           part("1000", "60", "{:02d}") + " || '.' || " + part("1", "1000", "{:03d}");
  });
}

}  // namespace

std::optional<Value> cast_value(const Style& style, const Value& value, const Type& to, bool is_try) {
  if (value.type == to && to.kind != TypeKind::timestamp_with_zone) return Value{value.sql, to, value.text};
  if (value.type.kind == TypeKind::timestamp_with_zone && to.kind == TypeKind::timestamp_with_zone) {
    Type kept = to;  // the values keep their zone
    kept.zone = value.type.zone;
    return Value{value.sql, kept};
  }
  Style inner = style;
  bool by_try = is_try && needs_try(value.type, to);
  if (by_try) inner.in_try = true;
  std::optional<std::string> sql;
  Type target = to;
  if (value.type.is_text() && to.kind == TypeKind::timestamp_with_zone) target.zone.clear();
  auto write = [&](const std::string& operand) {
    Value named = value;
    named.sql = operand;
    return cast_sql(Casting{inner, named, target, is_try && !by_try});
  };
  if (!repeats(value.type, to)) {
    sql = write(value.sql);
  } else if (!write("x")) {
    return std::nullopt;
  } else {
    sql = with_names({value.sql}, [&](const std::vector<std::string>& names) { return *write(names[0]); });
  }
  if (!sql) return std::nullopt;
  if (by_try) sql = "TRY(" + *sql + ")";
  return Value{*sql, target};
}

std::string text_sql(const Style& style, const Value& value) {
  switch (value.type.kind) {
    case TypeKind::varchar:
      return value.sql;
    case TypeKind::character:
      return coerced(style, value, varchar_type()).sql;
    case TypeKind::real:
    case TypeKind::double_precision:
      return double_text(value.sql);
    case TypeKind::timestamp:
      return timestamp_text_sql(value.sql, value.type.precision);
    case TypeKind::timestamp_with_zone:
      return timestamp_text_sql(local_sql(value), value.type.precision) + " || ' ' || " + zone_sql(value);
    case TypeKind::time: {
      std::string text = timestamp_text_sql("(DATE '1970-01-01' + " + value.sql + ")", value.type.precision);
      return text + "[12:]";
    }
    case TypeKind::interval_day_second:
    case TypeKind::interval_year_month:
      return interval_text(value);
    case TypeKind::decimal: {
      std::string text = "CAST(" + value.sql + " AS VARCHAR)";  // without a zero before the point where all is fraction
      return value.type.precision > value.type.scale ? text : "regexp_replace(" + text + ", '^(-?)\\.', '\\10.')";
    }
    default:
      return "CAST(" + value.sql + " AS VARCHAR)";
  }
}

}  // namespace tarn::dialect
