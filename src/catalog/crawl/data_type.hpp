// What a crawler knows of a column's type: a Hive type, or nothing yet, and how two files' opinions become one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tarn::catalog::crawl {

struct Field;

// Plain data. The default is `unknown`: only nulls were seen, which is no vote.
struct DataType {
  enum class Kind { unknown, scalar, array, map, record };
  Kind kind = Kind::unknown;
  std::string name;           // scalar: Hive's name ("bigint", "decimal(10,2)")
  std::vector<Field> fields;  // record: its fields; array: its element; map: key and value

  bool operator==(const DataType&) const;

  static DataType scalar(std::string_view name);
  static DataType array(DataType element);
  static DataType map(DataType key, DataType value);
};

struct Field {
  std::string name;
  DataType type;
  bool operator==(const Field&) const = default;
};

// Makes `into` a type that holds the values of both: tinyint, smallint, int, bigint, double in that order; decimals by
// their digits; dates become timestamps; fields of records are united; what has nothing in common becomes string.
void merge(DataType& into, const DataType& other);

// Hive's text: "array<struct<id:bigint,name:string>>". Unknown is string, and so is a record without fields or a type
// whose text would be longer than Glue takes (131,072 bytes).
std::string hive_text(const DataType& type);

// Whether values of both fit one column without either becoming text.
bool compatible(const DataType& a, const DataType& b);

}  // namespace tarn::catalog::crawl
