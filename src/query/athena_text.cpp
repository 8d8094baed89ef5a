// Values as Athena's results print them: numbers as Java does, [a, b], {k=v}, timestamps with as many digits as their
// type has.
#include <charconv>
#include <cmath>

#include "query/duckdb_state.hpp"

namespace tarn::query {
namespace {

using dialect::Type;
using dialect::TypeKind;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Value;

template <class T>
void append_integer(std::string& out, T value) {
  char text[48];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

// java.lang.Double.toString: the fewest digits that tell the number from its neighbours; decimal from 10^-3 to 10^7,
// else d.dE±n.
template <class T>
void append_float(std::string& out, T value) {
  if (std::isnan(value)) return void(out += "NaN");
  if (std::isinf(value)) return void(out += value < 0 ? "-Infinity" : "Infinity");
  const T size = std::abs(value);
  char text[400];
  if (size == 0 || (size >= T(1e-3) && size < T(1e7))) {
    const std::size_t from = out.size();
    out.append(text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr);
    if (out.find('.', from) == out.npos) out += ".0";
    return;
  }
  std::string_view digits(
      text, static_cast<std::size_t>(std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr -
                                     text));
  const auto e = digits.find('e');
  out += digits.substr(0, e);
  if (digits.substr(0, e).find('.') == digits.npos) out += ".0";
  out += 'E';
  std::string_view exponent = digits.substr(e + 1);
  if (exponent[0] == '-') out += '-';
  exponent.remove_prefix(1);
  while (exponent.size() > 1 && exponent[0] == '0') exponent.remove_prefix(1);
  out += exponent;
}

void append_padded(std::string& out, int64_t value, int width) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  for (auto have = end - text; have < width; ++have) out += '0';
  out.append(text, end);
}

void append_date(std::string& out, duckdb::date_t date) {
  int32_t year = 0, month = 0, day = 0;
  duckdb::Date::Convert(date, year, month, day);
  if (year < 0) out += '-', year = -year;
  append_padded(out, year, 4);
  out += '-';
  append_padded(out, month, 2);
  out += '-';
  append_padded(out, day, 2);
}

void append_time(std::string& out, int64_t micros, int digits) {
  append_padded(out, micros / 3'600'000'000, 2);
  out += ':';
  append_padded(out, micros / 60'000'000 % 60, 2);
  out += ':';
  append_padded(out, micros / 1'000'000 % 60, 2);
  if (digits <= 0) return;
  out += '.';
  int64_t fraction = micros % 1'000'000;
  for (int i = digits; i < 6; ++i) fraction /= 10;
  append_padded(out, fraction, std::min(digits, 6));
  for (int i = 6; i < digits; ++i) out += '0';
}

void append_timestamp(std::string& out, duckdb::timestamp_t value, int digits) {
  duckdb::date_t date;
  duckdb::dtime_t time;
  duckdb::Timestamp::Convert(value, date, time);
  append_date(out, date);
  out += ' ';
  append_time(out, time.micros, digits);
}

void append_interval(std::string& out, duckdb::interval_t value, TypeKind kind) {
  if (kind == TypeKind::interval_year_month) {
    if (value.months < 0) out += '-';
    append_integer(out, std::abs(value.months) / 12);
    out += '-';
    append_integer(out, std::abs(value.months) % 12);
    return;
  }
  int64_t micros =
      value.micros + (static_cast<int64_t>(value.days) + static_cast<int64_t>(value.months) * 30) * 86'400'000'000;
  if (micros < 0) out += '-', micros = -micros;
  append_integer(out, micros / 86'400'000'000);
  out += ' ';
  append_time(out, micros % 86'400'000'000, 3);
}

void append_binary(std::string& out, std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) out += ' ';
    out += digits[static_cast<unsigned char>(bytes[i]) >> 4];
    out += digits[static_cast<unsigned char>(bytes[i]) & 15];
  }
}

const Type& child(const Type& type, std::size_t i) {
  static const Type none;
  return i < type.children.size() ? type.children[i] : none;
}

int digits_of(const Type& type) {
  return type.is(TypeKind::timestamp) || type.is(TypeKind::time) || type.is(TypeKind::timestamp_with_zone)
             ? type.precision
             : 3;
}

// DuckDB leaves out the zero before the point where all digits are behind it.
void append_decimal(std::string& out, const std::string& text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  out.append(text, 0, sign);
  if (text.size() > sign && text[sign] == '.') out += '0';
  out.append(text, sign);
}

void append_value(std::string& out, const Value& value, const Type& type) {
  if (value.IsNull()) return void(out += "null");
  switch (value.type().id()) {
    case LogicalTypeId::BOOLEAN:
      out += duckdb::BooleanValue::Get(value) ? "true" : "false";
      return;
    case LogicalTypeId::FLOAT:
      return append_float(out, duckdb::FloatValue::Get(value));
    case LogicalTypeId::DOUBLE:
      return append_float(out, duckdb::DoubleValue::Get(value));
    case LogicalTypeId::DATE:
      return append_date(out, duckdb::DateValue::Get(value));
    case LogicalTypeId::TIME:
      return append_time(out, duckdb::TimeValue::Get(value).micros, digits_of(type));
    case LogicalTypeId::TIMESTAMP:
      return append_timestamp(out, duckdb::TimestampValue::Get(value), digits_of(type));
    case LogicalTypeId::TIMESTAMP_TZ:
      append_timestamp(out, value.GetValue<duckdb::timestamp_t>(), digits_of(type));
      out += " UTC";
      return;
    case LogicalTypeId::INTERVAL:
      return append_interval(out, duckdb::IntervalValue::Get(value), type.kind);
    case LogicalTypeId::DECIMAL:
      return append_decimal(out, value.ToString());
    case LogicalTypeId::BLOB:
      return append_binary(out, duckdb::StringValue::Get(value));
    case LogicalTypeId::VARCHAR:
      out += duckdb::StringValue::Get(value);
      return;
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY: {
      const auto& items = value.type().id() == LogicalTypeId::LIST ? duckdb::ListValue::GetChildren(value)
                                                                   : duckdb::ArrayValue::GetChildren(value);
      out += '[';
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += ", ";
        append_value(out, items[i], child(type, 0));
      }
      out += ']';
      return;
    }
    case LogicalTypeId::MAP: {
      const auto& entries = duckdb::MapValue::GetChildren(value);
      out += '{';
      for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& entry = duckdb::StructValue::GetChildren(entries[i]);
        if (i > 0) out += ", ";
        append_value(out, entry[0], child(type, 0));
        out += '=';
        append_value(out, entry[1], child(type, 1));
      }
      out += '}';
      return;
    }
    case LogicalTypeId::STRUCT: {
      const auto& fields = duckdb::StructValue::GetChildren(value);
      out += '{';
      for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i > 0) out += ", ";
        const bool named = type.field_names.size() == fields.size();
        const std::string name = named ? type.field_names[i] : duckdb::StructType::GetChildName(value.type(), i);
        out += name.empty() ? "field" + std::to_string(i) : name;
        out += '=';
        append_value(out, fields[i], child(type, i));
      }
      out += '}';
      return;
    }
    default:
      out += value.ToString();
      return;
  }
}

// One column of a chunk, printed into one buffer: `ends[i]` is where row i's text ends.
struct PrintedColumn {
  std::string text;
  std::vector<std::size_t> ends;
  std::vector<bool> null;
};

template <class T, class F>
void print_flat(duckdb::UnifiedVectorFormat& format, std::size_t rows, PrintedColumn& out, F append) {
  const auto* data = duckdb::UnifiedVectorFormat::GetData<T>(format);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto at = format.sel->get_index(row);
    const bool null = !format.validity.RowIsValid(at);
    out.null[row] = null;
    if (!null) append(out.text, data[at]);
    out.ends[row] = out.text.size();
  }
}

void print_column(duckdb::Vector& vector, std::size_t rows, const Type& type, PrintedColumn& out) {
  out.text.clear();
  out.ends.resize(rows);
  out.null.resize(rows);
  duckdb::UnifiedVectorFormat format;
  vector.ToUnifiedFormat(rows, format);
  const int digits = digits_of(type);
  switch (vector.GetType().id()) {
    case LogicalTypeId::BOOLEAN:
      return print_flat<bool>(format, rows, out, [](std::string& o, bool v) { o += v ? "true" : "false"; });
    case LogicalTypeId::TINYINT:
      return print_flat<int8_t>(format, rows, out, append_integer<int>);
    case LogicalTypeId::SMALLINT:
      return print_flat<int16_t>(format, rows, out, append_integer<int>);
    case LogicalTypeId::INTEGER:
      return print_flat<int32_t>(format, rows, out, append_integer<int32_t>);
    case LogicalTypeId::BIGINT:
      return print_flat<int64_t>(format, rows, out, append_integer<int64_t>);
    case LogicalTypeId::FLOAT:
      return print_flat<float>(format, rows, out, append_float<float>);
    case LogicalTypeId::DOUBLE:
      return print_flat<double>(format, rows, out, append_float<double>);
    case LogicalTypeId::DATE:
      return print_flat<duckdb::date_t>(format, rows, out, append_date);
    case LogicalTypeId::TIMESTAMP:
      return print_flat<duckdb::timestamp_t>(
          format, rows, out, [&](std::string& o, duckdb::timestamp_t v) { append_timestamp(o, v, digits); });
    case LogicalTypeId::VARCHAR:
      return print_flat<duckdb::string_t>(
          format, rows, out, [](std::string& o, duckdb::string_t v) { o.append(v.GetData(), v.GetSize()); });
    default:
      break;
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const Value value = vector.GetValue(row);
    out.null[row] = value.IsNull();
    if (!value.IsNull()) append_value(out.text, value, type);
    out.ends[row] = out.text.size();
  }
}

}  // namespace

dialect::Type trino_type(const LogicalType& type) {
  using namespace dialect;
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      return simple_type(TypeKind::boolean);
    case LogicalTypeId::TINYINT:
      return simple_type(TypeKind::tinyint);
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::UTINYINT:
      return simple_type(TypeKind::smallint);
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::USMALLINT:
      return simple_type(TypeKind::integer);
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::UINTEGER:
      return simple_type(TypeKind::bigint);
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UHUGEINT:
      return decimal_type(38, 0);
    case LogicalTypeId::UBIGINT:
      return decimal_type(20, 0);
    case LogicalTypeId::FLOAT:
      return simple_type(TypeKind::real);
    case LogicalTypeId::DOUBLE:
      return simple_type(TypeKind::double_precision);
    case LogicalTypeId::DECIMAL:
      return decimal_type(duckdb::DecimalType::GetWidth(type), duckdb::DecimalType::GetScale(type));
    case LogicalTypeId::DATE:
      return simple_type(TypeKind::date);
    case LogicalTypeId::TIMESTAMP:
      return timestamp_type();
    case LogicalTypeId::TIMESTAMP_TZ:
      return timestamp_with_zone_type();
    case LogicalTypeId::BLOB:
      return simple_type(TypeKind::varbinary);
    case LogicalTypeId::LIST:
      return array_type(trino_type(duckdb::ListType::GetChildType(type)));
    case LogicalTypeId::MAP:
      return map_type(trino_type(duckdb::MapType::KeyType(type)), trino_type(duckdb::MapType::ValueType(type)));
    case LogicalTypeId::STRUCT: {
      std::vector<std::string> names;
      std::vector<Type> fields;
      for (const auto& [name, field] : duckdb::StructType::GetChildTypes(type))
        names.push_back(name), fields.push_back(trino_type(field));
      return row_type(std::move(names), std::move(fields));
    }
    default:
      return varchar_type();
  }
}

void print_chunk(duckdb::DataChunk& chunk, const std::vector<ResultColumn>& columns,
                 const std::function<void(std::span<const Cell>)>& emit) {
  const std::size_t width = chunk.ColumnCount();
  std::vector<PrintedColumn> printed(width);
  for (std::size_t i = 0; i < width; ++i) print_column(chunk.data[i], chunk.size(), columns.at(i).type, printed[i]);
  std::vector<Cell> cells(width);
  for (std::size_t row = 0; row < chunk.size(); ++row) {
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t from = row == 0 ? 0 : printed[i].ends[row - 1];
      cells[i] = {std::string_view(printed[i].text).substr(from, printed[i].ends[row] - from), printed[i].null[row]};
    }
    emit(cells);
  }
}

}  // namespace tarn::query
