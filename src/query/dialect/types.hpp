// SQL types: one struct for Hive's names (`struct<a:int>`, `decimal(10,2)`), Trino's (`row(a integer)`) and DuckDB's
// (`STRUCT("a" INTEGER)`).
//
// Plain data, no threads, no ownership beyond the value itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::dialect {

enum class TypeKind : uint8_t {
  unknown,  // the type of NULL
  boolean,
  tinyint,
  smallint,
  integer,
  bigint,
  real,
  double_precision,
  decimal,    // precision, scale
  varchar,    // precision is the length, unbounded_length when there is none
  character,  // char(n): precision is the length
  varbinary,
  date,
  time,                 // precision: digits of the second
  time_with_zone,       // precision
  timestamp,            // precision
  timestamp_with_zone,  // precision; zone
  interval_year_month,
  interval_day_second,
  json,
  uuid,
  ipaddress,
  array,     // children[0] is the element
  map,       // children[0] is the key, children[1] the value
  row,       // children are the fields, field_names their names ("" for a nameless one)
  function,  // a lambda: the last child is its result, those before are its parameters
};

inline constexpr int unbounded_length = 2147483647;  // Trino's varchar without a length

struct Type {
  TypeKind kind = TypeKind::unknown;
  int precision = 0;
  int scale = 0;
  std::vector<Type> children;
  std::vector<std::string> field_names;
  // timestamp_with_zone: the zone that all values of the column are in, known before the query runs. Empty when each
  // value has its own: DuckDB then holds STRUCT(t TIMESTAMPTZ, z VARCHAR), and otherwise TIMESTAMPTZ. No part of the
  // type's identity.
  std::string zone = "UTC";

  bool operator==(const Type& other) const;  // field names count as written in lower case; zone does not
  bool is(TypeKind k) const { return kind == k; }
  bool is_integral() const;  // tinyint to bigint
  bool is_numeric() const;   // integral, real, double, decimal
  bool is_text() const { return kind == TypeKind::varchar || kind == TypeKind::character; }
};

Type simple_type(TypeKind kind);
Type varchar_type(int length = unbounded_length);
Type char_type(int length);
Type decimal_type(int precision, int scale);
Type timestamp_type(int precision = 3);
Type timestamp_with_zone_type(int precision = 3, std::string zone = "UTC");
Type array_type(Type element);
Type map_type(Type key, Type value);
Type row_type(std::vector<std::string> field_names, std::vector<Type> fields);

// A type as the catalog and Hive's DDL write it: `bigint`, `varchar(10)`, `array<map<string,int>>`,
// `struct<a:int,b:string>`, also `uniontype`'s absence is an error. Throws Error (caller, INVALID_TYPE) that names what
// it could not read. Names are taken in any case.
Type parse_hive_type(std::string_view text);

// A type as Trino writes it: `bigint`, `varchar(10)`, `array(map(varchar, integer))`, `row(a integer, varchar)`,
// `timestamp(3) with time zone`, `interval day to second`. nullopt when there is no such type.
std::optional<Type> parse_trino_type(std::string_view text);

// The type of `name` with these parameters (`decimal`, `varchar`, `integer`, `string`, ...), or nullopt where none is
// called so.
std::optional<Type> type_by_name(std::string_view name, const std::vector<int>& parameters);

std::string to_hive(
    const Type& type);  // struct<a:int,b:array<string>>; Iceberg's and Trino's own types take Hive's nearest name
std::string to_trino(const Type& type);   // row(a integer, b array(varchar)), as typeof() and error messages say it
std::string to_duckdb(const Type& type);  // STRUCT("a" INTEGER, "b" VARCHAR[])

// What Athena's GetQueryResults says of a column (ColumnInfo): Type, Precision, Scale, CaseSensitive.
struct ColumnDescription {
  std::string name;  // "varchar", "bigint", "decimal", "row", "timestamp with time zone", ...
  int precision = 0;
  int scale = 0;
  bool case_sensitive = false;
};
ColumnDescription describe_for_athena(const Type& type);

}  // namespace tarn::dialect
