// What the printer knows of an expression that it has written: DuckDB's SQL and Trino's type. And the rules between
// types: which coerces to which, and the SQL that does it.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/dialect/types.hpp"

namespace tarn::dialect {

struct Value {
  std::string sql;
  Type type;
  std::optional<std::string> text =
      std::nullopt;     // of a text literal: formats, units and paths are read before the query runs
  bool number = false;  // a number literal
  bool loose = false;   // a decimal that DuckDB may hold narrower than `type` says (see PrintOptions::wide_decimals)
};

// How SQL has to be written in the place where it stands.
struct Style {
  bool in_try = false;  // inside TRY(...), where DuckDB refuses its error() function
  bool wide_decimals = false;
};

// ---- Errors that the running query raises

// SQL that is `value`, or fails with Athena's code and message where `condition` holds. `message` is an SQL expression
// of a text.
std::string guarded(const Style& style, std::string_view condition, std::string_view code, const std::string& message,
                    std::string_view value);

// The body that `write` makes of short names for these pieces of SQL: the pieces themselves where they are short, and
// otherwise names that are bound to them once, so that no piece is written (and computed) twice.
std::string with_names(const std::vector<std::string>& pieces,
                       const std::function<std::string(const std::vector<std::string>&)>& write);

// ---- Types

// Trino's least common type (TypeCoercion.getCommonSuperType), or nullopt.
std::optional<Type> common_type(const Type& a, const Type& b);
bool can_coerce(const Type& from, const Type& to);
Value coerced(const Style& style, const Value& value, const Type& to);

// CAST and TRY_CAST by Trino's rules; nullopt where Trino has no such cast.
std::optional<Value> cast_value(const Style& style, const Value& value, const Type& to, bool is_try);

bool is_comparable(const Type& type);
bool is_orderable(const Type& type);

// ---- Times with a zone

std::string instant_sql(const Value& value);  // TIMESTAMPTZ
std::string zone_sql(const Value& value);     // the zone's name or offset, a text
std::string local_sql(
    const Value& value);  // TIMESTAMP: what a clock in its zone shows; of dates and timestamps: themselves
std::string at_zone_sql(const std::string& local,
                        const std::string& zone);  // TIMESTAMPTZ of a local TIMESTAMP in a zone's literal name
std::string zone_literal(std::string_view name);   // an SQL text; "+02:00" and names of zones
// A zone's name as Trino writes it ("America/Bogota", "+02:00", "UTC"), or nullopt where there is none such.
std::optional<std::string> known_zone(std::string_view name);

// A value as Trino's CAST(... AS VARCHAR) writes it.
std::string text_sql(const Style& style, const Value& value);
std::string timestamp_text_sql(const std::string& timestamp, int precision);

}  // namespace tarn::dialect
