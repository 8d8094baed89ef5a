// Arrays, maps and structs in delimited text, as Hive's LazySimpleSerDe writes them: each level of nesting has a
// separator of its own.
#include <algorithm>

#include "base/text_encoding.hpp"
#include "query/lake_table.hpp"

namespace tarn::query {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Value;

std::string separator(const DelimitedText& form, std::size_t level) {
  if (level == 0) return form.collection_delimiter;
  if (level == 1) return form.map_key_delimiter;
  return std::string(1, static_cast<char>(level + 2));
}

std::vector<std::string_view> pieces(std::string_view text, const std::string& by) {
  std::vector<std::string_view> out;
  if (text.empty()) return out;
  for (std::size_t from = 0;;) {
    const auto at = text.find(by, from);
    out.push_back(text.substr(from, at == text.npos ? at : at - from));
    if (at == text.npos) return out;
    from = at + by.size();
  }
}

bool is_whole(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

Value map_value(std::string_view text, const LogicalType& type, const DelimitedText& form, std::size_t level) {
  const LogicalType &key_type = duckdb::MapType::KeyType(type), &value_type = duckdb::MapType::ValueType(type);
  duckdb::vector<Value> keys, values;
  for (const auto entry : pieces(text, separator(form, level))) {
    const std::string between = separator(form, level + 1);
    const auto at = entry.find(between);
    Value key = nested_text_value(entry.substr(0, at), key_type, form, level + 2);
    if (key.IsNull() || std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    keys.push_back(std::move(key));
    values.push_back(at == entry.npos
                         ? Value(value_type)
                         : nested_text_value(entry.substr(at + between.size()), value_type, form, level + 2));
  }
  return Value::MAP(key_type, value_type, std::move(keys), std::move(values));
}

}  // namespace

Value nested_text_value(std::string_view text, const LogicalType& type, const DelimitedText& form, std::size_t level) {
  // A separator that is no character may have cut one in two.
  if (text == form.null_text || !is_utf8(text)) return Value(type);
  switch (type.id()) {
    case LogicalTypeId::VARCHAR:
      return Value(std::string(text));
    case LogicalTypeId::LIST: {
      const LogicalType& element = duckdb::ListType::GetChildType(type);
      duckdb::vector<Value> items;
      for (const auto piece : pieces(text, separator(form, level)))
        items.push_back(nested_text_value(piece, element, form, level + 1));
      return Value::LIST(element, std::move(items));
    }
    case LogicalTypeId::MAP:
      return map_value(text, type, form, level);
    case LogicalTypeId::STRUCT: {
      const auto parts = pieces(text, separator(form, level));
      duckdb::child_list_t<Value> fields;
      for (const auto& [name, field] : duckdb::StructType::GetChildTypes(type)) {
        const std::size_t i = fields.size();
        fields.emplace_back(name,
                            i < parts.size() ? nested_text_value(parts[i], field, form, level + 1) : Value(field));
      }
      return Value::STRUCT(std::move(fields));
    }
    default:
      break;
  }
  if (type.IsIntegral() && !is_whole(text)) return Value(type);
  Value out(std::string{text});
  return out.DefaultTryCastAs(type) ? out : Value(type);
}

}  // namespace tarn::query
