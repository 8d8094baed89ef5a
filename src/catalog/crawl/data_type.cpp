#include "catalog/crawl/data_type.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace tarn::catalog::crawl {
namespace {

constexpr std::size_t max_type_text_size_bytes = 131'072;
constexpr std::array<std::string_view, 4> integers = {"tinyint", "smallint", "int", "bigint"};

int integer_rank(std::string_view name) {
  auto at = std::find(integers.begin(), integers.end(), name);
  return at == integers.end() ? -1 : static_cast<int>(at - integers.begin());
}
bool is_floating(std::string_view name) {
  return name == "float" || name == "double";
}

struct Decimal {
  int precision, scale;
};
std::optional<Decimal> as_decimal(const std::string& name) {
  Decimal d{};
  if (std::sscanf(name.c_str(), "decimal(%d,%d)", &d.precision, &d.scale) != 2) return std::nullopt;
  return d;
}

// The scalar that holds both, or "string".
std::string wider(const std::string& a, const std::string& b) {
  if (a == b) return a;
  int x = integer_rank(a), y = integer_rank(b);
  if (x >= 0 && y >= 0) return std::string(integers[static_cast<std::size_t>(std::max(x, y))]);
  auto d = as_decimal(a), e = as_decimal(b);
  if (d && e) {
    int scale = std::max(d->scale, e->scale), whole = std::max(d->precision - d->scale, e->precision - e->scale);
    if (whole + scale <= 38) return "decimal(" + std::to_string(whole + scale) + "," + std::to_string(scale) + ")";
    return "double";
  }
  auto number = [](const std::string& n) { return integer_rank(n) >= 0 || is_floating(n) || as_decimal(n); };
  if (number(a) && number(b)) return "double";
  if ((a == "date" && b == "timestamp") || (a == "timestamp" && b == "date")) return "timestamp";
  return "string";
}

void merge_records(DataType& into, const DataType& other) {
  for (const Field& field : other.fields) {
    auto same =
        std::find_if(into.fields.begin(), into.fields.end(), [&](const Field& f) { return f.name == field.name; });
    if (same == into.fields.end())
      into.fields.push_back(field);
    else
      merge(same->type, field.type);
  }
}

void append_text(std::string& out, const DataType& type) {
  switch (type.kind) {
    case DataType::Kind::unknown:
      out += "string";
      return;
    case DataType::Kind::scalar:
      out += type.name;
      return;
    case DataType::Kind::array:
      out += "array<";
      append_text(out, type.fields[0].type);
      break;
    case DataType::Kind::map:
      out += "map<";
      append_text(out, type.fields[0].type);
      out += ',';
      append_text(out, type.fields[1].type);
      break;
    case DataType::Kind::record: {
      if (type.fields.empty()) {
        out += "string";
        return;
      }
      out += "struct<";
      bool first = true;
      for (const Field& field : type.fields) {
        if (!first) out += ',';
        first = false;
        // Hive's syntax has no quotes here.
        for (char c : field.name) out += c == ':' || c == ',' || c == '<' || c == '>' || c == '(' || c == ')' ? '_' : c;
        out += ':';
        append_text(out, field.type);
      }
    }
  }
  out += '>';
}

}  // namespace

// Written out: clang 16 ends on a defaulted one of types that hold each other.
bool DataType::operator==(const DataType& other) const {
  return kind == other.kind && name == other.name && fields == other.fields;
}

DataType DataType::scalar(std::string_view name) {
  DataType t;
  t.kind = Kind::scalar;
  t.name = name;
  return t;
}
DataType DataType::array(DataType element) {
  DataType t;
  t.kind = Kind::array;
  t.fields.push_back({"", std::move(element)});
  return t;
}
DataType DataType::map(DataType key, DataType value) {
  DataType t;
  t.kind = Kind::map;
  t.fields.push_back({"", std::move(key)});
  t.fields.push_back({"", std::move(value)});
  return t;
}

void merge(DataType& into, const DataType& other) {
  using Kind = DataType::Kind;
  if (other.kind == Kind::unknown) return;
  if (into.kind == Kind::unknown) {
    into = other;
  } else if (into.kind != other.kind) {
    into = DataType::scalar("string");
  } else if (into.kind == Kind::scalar) {
    into.name = wider(into.name, other.name);
  } else if (into.kind == Kind::record) {
    merge_records(into, other);
  } else {
    for (std::size_t i = 0; i < into.fields.size(); ++i) merge(into.fields[i].type, other.fields[i].type);
  }
}

std::string hive_text(const DataType& type) {
  std::string out;
  append_text(out, type);
  return out.size() > max_type_text_size_bytes ? "string" : out;
}

bool compatible(const DataType& a, const DataType& b) {
  using Kind = DataType::Kind;
  if (a.kind == Kind::unknown || b.kind == Kind::unknown) return true;
  if (a.kind != b.kind) return false;
  return a.kind != Kind::scalar || a.name == b.name || wider(a.name, b.name) != "string";
}

}  // namespace tarn::catalog::crawl
