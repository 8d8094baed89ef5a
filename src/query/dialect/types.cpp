#include "query/dialect/types.hpp"

#include <array>
#include <cctype>

#include "base/error.hpp"
#include "query/dialect/names.hpp"

namespace tarn::dialect {

namespace {

// The three names of every type without parameters, and what Athena tells of it. Other names that mean the same stand
// in `aliases`.
struct SimpleName {
  TypeKind kind;
  std::string_view trino, hive, duckdb;
  int athena_precision;
};
constexpr std::array simple_names = {
    SimpleName{TypeKind::unknown, "unknown", "void", "INTEGER", 0},
    SimpleName{TypeKind::boolean, "boolean", "boolean", "BOOLEAN", 0},
    SimpleName{TypeKind::tinyint, "tinyint", "tinyint", "TINYINT", 3},
    SimpleName{TypeKind::smallint, "smallint", "smallint", "SMALLINT", 5},
    SimpleName{TypeKind::integer, "integer", "int", "INTEGER", 10},
    SimpleName{TypeKind::bigint, "bigint", "bigint", "BIGINT", 19},
    SimpleName{TypeKind::real, "real", "float", "FLOAT", 17},
    SimpleName{TypeKind::double_precision, "double", "double", "DOUBLE", 17},
    SimpleName{TypeKind::varbinary, "varbinary", "binary", "BLOB", 1073741824},
    SimpleName{TypeKind::date, "date", "date", "DATE", 0},
    SimpleName{TypeKind::interval_year_month, "interval year to month", "string", "INTERVAL", 0},
    SimpleName{TypeKind::interval_day_second, "interval day to second", "string", "INTERVAL", 0},
    SimpleName{TypeKind::json, "json", "string", "JSON", 0},
    SimpleName{TypeKind::uuid, "uuid", "string", "UUID", 0},
    SimpleName{TypeKind::ipaddress, "ipaddress", "string", "VARCHAR", 0},
};

const SimpleName* find_simple(TypeKind kind) {
  for (const SimpleName& entry : simple_names) {
    if (entry.kind == kind) return &entry;
  }
  return nullptr;
}

std::string numbered(std::string_view name, std::initializer_list<int> numbers) {
  std::string out(name);
  char separator = '(';
  for (int number : numbers) {
    out += separator;
    out += std::to_string(number);
    separator = ',';
  }
  return out + ")";
}

// A reader of Hive's type text: a name, then (numbers) or <types>.
class HiveTypeReader {
 public:
  explicit HiveTypeReader(std::string_view text) : text_(text) {}

  Type read_all() {
    Type type = read();
    skip_spaces();
    if (at_ < text_.size()) fail();
    return type;
  }

 private:
  static constexpr int max_nesting = 100;

  [[noreturn]] void fail() {
    throw Error(ErrorKind::caller, "INVALID_TYPE",
                "Error: type expected at the position " + std::to_string(at_) + " of '" + std::string(text_) + "'");
  }
  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) at_++;
  }
  bool take(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    at_++;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  std::string read_word() {
    skip_spaces();
    size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) at_++;
    if (at_ == start) fail();
    return lower_case(text_.substr(start, at_ - start));
  }
  int read_number() {
    skip_spaces();
    size_t start = at_;
    int value = 0;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) && at_ - start < 9) {
      value = value * 10 + (text_[at_++] - '0');
    }
    if (at_ == start) fail();
    return value;
  }
  // A field's name may hold nearly anything ("$oid", "user id"): it ends at the colon.
  std::string read_field_name() {
    skip_spaces();
    if (take('`')) {
      size_t end = text_.find('`', at_);
      if (end == std::string_view::npos) fail();
      std::string name = lower_case(text_.substr(at_, end - at_));
      at_ = end + 1;
      return name;
    }
    size_t end = text_.find_first_of(":<>,", at_);
    if (end == std::string_view::npos || text_[end] != ':' || end == at_) fail();
    std::string name = lower_case(text_.substr(at_, end - at_));
    while (!name.empty() && name.back() == ' ') name.pop_back();
    at_ = end;
    return name;
  }

  Type read() {
    if (++depth_ > max_nesting) fail();
    size_t start = at_;
    std::string name = read_word();
    Type type;
    if (name == "array") {
      expect('<');
      type = array_type(read());
      expect('>');
    } else if (name == "map") {
      expect('<');
      Type key = read();
      expect(',');
      type = map_type(std::move(key), read());
      expect('>');
    } else if (name == "struct") {
      type = read_struct();
    } else {
      type = read_named(name, start);
    }
    depth_--;
    return type;
  }
  Type read_struct() {
    Type type;
    type.kind = TypeKind::row;
    expect('<');
    if (take('>')) return type;
    do {
      type.field_names.push_back(read_field_name());
      expect(':');
      type.children.push_back(read());
    } while (take(','));
    expect('>');
    return type;
  }
  Type read_named(std::string name, size_t start) {
    std::vector<int> parameters;
    if (take('(')) {
      do parameters.push_back(read_number());
      while (take(','));
      expect(')');
    }
    if (name == "timestamp" && parameters.empty()) {
      size_t here = at_;
      skip_spaces();
      std::string rest = lower_case(text_.substr(at_, 20));
      if (rest.starts_with("with local time zone")) {
        at_ += 20;
        return timestamp_with_zone_type(3);
      }
      at_ = here;
    }
    if (name == "decimal" && parameters.empty()) return decimal_type(10, 0);  // Trino says (38,0)
    if (name == "numeric" || name == "dec") name = "decimal";
    if (name == "string" && parameters.empty()) return varchar_type();
    if (name == "float" && parameters.empty()) return simple_type(TypeKind::real);
    if (name == "binary" && parameters.empty()) return simple_type(TypeKind::varbinary);
    std::optional<Type> type = type_by_name(name, parameters);
    if (!type) {
      at_ = start;
      fail();
    }
    return *type;
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

bool Type::is_integral() const {
  return kind >= TypeKind::tinyint && kind <= TypeKind::bigint;
}
bool Type::is_numeric() const {
  return kind >= TypeKind::tinyint && kind <= TypeKind::decimal;
}

bool Type::operator==(const Type& other) const {
  if (kind != other.kind || precision != other.precision || scale != other.scale || children != other.children)
    return false;
  if (field_names.size() != other.field_names.size()) return false;
  for (size_t i = 0; i < field_names.size(); i++) {
    if (lower_case(field_names[i]) != lower_case(other.field_names[i])) return false;
  }
  return true;
}

Type simple_type(TypeKind kind) {
  Type type;
  type.kind = kind;
  return type;
}
Type varchar_type(int length) {
  Type type = simple_type(TypeKind::varchar);
  type.precision = length;
  return type;
}
Type char_type(int length) {
  Type type = simple_type(TypeKind::character);
  type.precision = length;
  return type;
}
Type decimal_type(int precision, int scale) {
  Type type = simple_type(TypeKind::decimal);
  type.precision = precision;
  type.scale = scale;
  return type;
}
Type timestamp_type(int precision) {
  Type type = simple_type(TypeKind::timestamp);
  type.precision = precision;
  return type;
}
Type timestamp_with_zone_type(int precision, std::string zone) {
  Type type = simple_type(TypeKind::timestamp_with_zone);
  type.precision = precision;
  type.zone = std::move(zone);
  return type;
}
Type array_type(Type element) {
  Type type = simple_type(TypeKind::array);
  type.children.push_back(std::move(element));
  return type;
}
Type map_type(Type key, Type value) {
  Type type = simple_type(TypeKind::map);
  type.children.push_back(std::move(key));
  type.children.push_back(std::move(value));
  return type;
}
Type row_type(std::vector<std::string> field_names, std::vector<Type> fields) {
  Type type = simple_type(TypeKind::row);
  type.field_names = std::move(field_names);
  type.children = std::move(fields);
  return type;
}

Type parse_hive_type(std::string_view text) {
  return HiveTypeReader(text).read_all();
}

std::optional<Type> type_by_name(std::string_view given_name, const std::vector<int>& parameters) {
  std::string name = lower_case(given_name);
  size_t count = parameters.size();
  if (name == "varchar" || name == "char") {
    if (count > 1) return std::nullopt;
    int length = count == 1 ? parameters[0] : name == "varchar" ? unbounded_length : 1;
    return name == "varchar" ? varchar_type(length) : char_type(length);
  }
  if (name == "decimal") {
    if (count > 2) return std::nullopt;
    int precision = count > 0 ? parameters[0] : 38;
    int scale = count > 1 ? parameters[1] : 0;
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) return std::nullopt;
    return decimal_type(precision, scale);
  }
  bool timed =
      name == "timestamp" || name == "time" || name == "timestamp with time zone" || name == "time with time zone";
  if (timed) {
    if (count > 1 || (count == 1 && (parameters[0] < 0 || parameters[0] > 12))) return std::nullopt;
    Type type = simple_type(name == "timestamp"                  ? TypeKind::timestamp
                            : name == "time"                     ? TypeKind::time
                            : name == "timestamp with time zone" ? TypeKind::timestamp_with_zone
                                                                 : TypeKind::time_with_zone);
    type.precision = count == 1 ? parameters[0] : 3;
    return type;
  }
  if (count > 0) return std::nullopt;
  if (name == "int") return simple_type(TypeKind::integer);
  for (const SimpleName& entry : simple_names) {
    if (entry.trino == name) return simple_type(entry.kind);
  }
  return std::nullopt;
}

std::string to_hive(const Type& type) {
  switch (type.kind) {
    case TypeKind::varchar:
      return type.precision == unbounded_length ? "string" : numbered("varchar", {type.precision});
    case TypeKind::character:
      return numbered("char", {type.precision});
    case TypeKind::decimal:
      return numbered("decimal", {type.precision, type.scale});
    case TypeKind::timestamp:
    case TypeKind::timestamp_with_zone:
      return "timestamp";
    case TypeKind::array:
      return "array<" + to_hive(type.children[0]) + ">";
    case TypeKind::map:
      return "map<" + to_hive(type.children[0]) + "," + to_hive(type.children[1]) + ">";
    case TypeKind::row: {
      std::string out = "struct<";
      for (size_t i = 0; i < type.children.size(); i++) {
        if (i > 0) out += ',';
        out += type.field_names[i].empty() ? "field" + std::to_string(i) : type.field_names[i];
        out += ':' + to_hive(type.children[i]);
      }
      return out + ">";
    }
    default:
      break;
  }
  const SimpleName* name = find_simple(type.kind);
  return name ? std::string(name->hive) : "string";
}

std::string to_trino(const Type& type) {
  switch (type.kind) {
    case TypeKind::varchar:
      return type.precision == unbounded_length ? "varchar" : numbered("varchar", {type.precision});
    case TypeKind::character:
      return numbered("char", {type.precision});
    case TypeKind::decimal:
      return numbered("decimal", {type.precision, type.scale});
    case TypeKind::time:
      return numbered("time", {type.precision});
    case TypeKind::time_with_zone:
      return numbered("time", {type.precision}) + " with time zone";
    case TypeKind::timestamp:
      return numbered("timestamp", {type.precision});
    case TypeKind::timestamp_with_zone:
      return numbered("timestamp", {type.precision}) + " with time zone";
    case TypeKind::array:
      return "array(" + to_trino(type.children[0]) + ")";
    case TypeKind::map:
      return "map(" + to_trino(type.children[0]) + ", " + to_trino(type.children[1]) + ")";
    case TypeKind::function: {
      std::string out = "function(";
      for (size_t i = 0; i < type.children.size(); i++) out += (i > 0 ? "," : "") + to_trino(type.children[i]);
      return out + ")";
    }
    case TypeKind::row: {
      std::string out = "row(";
      for (size_t i = 0; i < type.children.size(); i++) {
        if (i > 0) out += ", ";
        const std::string& name = type.field_names[i];
        if (!name.empty()) out += name + " ";
        out += to_trino(type.children[i]);
      }
      return out + ")";
    }
    default:
      break;
  }
  return std::string(find_simple(type.kind)->trino);
}

std::string to_duckdb(const Type& type) {
  switch (type.kind) {
    case TypeKind::varchar:
    case TypeKind::character:
      return "VARCHAR";
    case TypeKind::decimal:
      return numbered("DECIMAL", {type.precision, type.scale});
    case TypeKind::time:
      return "TIME";
    case TypeKind::time_with_zone:
      return "TIMETZ";
    case TypeKind::timestamp:
      return type.precision > 6 ? "TIMESTAMP_NS" : "TIMESTAMP";
    case TypeKind::timestamp_with_zone:
      return type.zone.empty() ? "STRUCT(t TIMESTAMPTZ, z VARCHAR)" : "TIMESTAMPTZ";
    case TypeKind::array:
      return to_duckdb(type.children[0]) + "[]";
    case TypeKind::map:
      return "MAP(" + to_duckdb(type.children[0]) + ", " + to_duckdb(type.children[1]) + ")";
    case TypeKind::row: {
      std::string out = "STRUCT(";
      for (size_t i = 0; i < type.children.size(); i++) {
        if (i > 0) out += ", ";
        out += quote_name(type.field_names[i].empty() ? "field" + std::to_string(i) : type.field_names[i]) + " ";
        out += to_duckdb(type.children[i]);
      }
      return out + ")";
    }
    default:
      break;
  }
  const SimpleName* name = find_simple(type.kind);
  TARN_ASSERT(name != nullptr);
  return std::string(name->duckdb);
}

ColumnDescription describe_for_athena(const Type& type) {
  ColumnDescription out;
  switch (type.kind) {
    case TypeKind::real:
      return {"float", 17, 0, false};
    case TypeKind::varchar:
      return {"varchar", type.precision, 0, true};
    case TypeKind::character:
      return {"char", type.precision, 0, true};
    case TypeKind::decimal:
      return {"decimal", type.precision, type.scale, false};
    case TypeKind::time:
      return {"time", 3, 0, false};
    case TypeKind::time_with_zone:
      return {"time with time zone", 3, 0, false};
    case TypeKind::timestamp:
      return {"timestamp", 3, 0, false};
    case TypeKind::timestamp_with_zone:
      return {"timestamp with time zone", 3, 0, false};
    case TypeKind::array:
      return {"array", 0, 0, false};
    case TypeKind::map:
      return {"map", 0, 0, false};
    case TypeKind::row:
      return {"row", 0, 0, false};
    default:
      break;
  }
  const SimpleName* name = find_simple(type.kind);
  TARN_ASSERT(name != nullptr);
  return {std::string(name->trino), name->athena_precision, 0, false};
}

}  // namespace tarn::dialect
