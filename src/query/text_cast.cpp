// Text to numbers, truth values and dates as Hive's text SerDes have it, which is stricter than SQL's CAST ("1.5" is no
// integer) and looser elsewhere (OpenCSVSerde's dates are days since 1970).
#include <charconv>

#include "duckdb/common/exception/conversion_exception.hpp"
#include "duckdb/common/vector_operations/unary_executor.hpp"
#include "duckdb/planner/expression/bound_cast_expression.hpp"
#include "duckdb/planner/expression/bound_function_expression.hpp"
#include "query/lake_table.hpp"

namespace tarn::query {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::string_t;

[[noreturn]] void bad_text(std::string_view text) {
  throw duckdb::ConversionException("HIVE_BAD_DATA: Error parsing field value '%s': For input string: \"%s\"",
                                    std::string(text), std::string(text));
}

template <class T>
bool parse(std::string_view text, T& out) {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

template <>
bool parse(std::string_view text, bool& out) {
  out = duckdb::StringUtil::CIEquals(std::string(text), "true");
  return out || duckdb::StringUtil::CIEquals(std::string(text), "false");
}

template <class T, bool lenient>
void cast(duckdb::DataChunk& input, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, T>(
      input.data[0], result, input.size(), [](string_t value, duckdb::ValidityMask& mask, duckdb::idx_t row) -> T {
        const std::string_view text(value.GetData(), value.GetSize());
        T out{};
        if (!parse(text, out)) {
          if (!lenient && !text.empty()) bad_text(text);
          mask.SetInvalid(row);
        }
        return out;
      });
}

template <class T>
duckdb::scalar_function_t cast_to(bool lenient) {
  return lenient ? cast<T, true> : cast<T, false>;
}

// For OpenCSVSerde: the empty text is NULL; of dates and timestamps, whole numbers are days, or milliseconds, since
// 1970.
template <LogicalTypeId type>
void prepare(duckdb::DataChunk& input, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::ExecuteWithNulls<string_t, string_t>(
      input.data[0], result, input.size(),
      [&](string_t value, duckdb::ValidityMask& mask, duckdb::idx_t row) -> string_t {
        const std::string_view text(value.GetData(), value.GetSize());
        int64_t number = 0;
        if (text.empty()) {
          mask.SetInvalid(row);
          return value;
        }
        if (type == LogicalTypeId::DATE && parse(text, number))
          return duckdb::StringVector::AddString(
              result, duckdb::Date::ToString(duckdb::Date::EpochDaysToDate(static_cast<int32_t>(number))));
        if (type == LogicalTypeId::TIMESTAMP && parse(text, number))
          return duckdb::StringVector::AddString(result,
                                                 duckdb::Timestamp::ToString(duckdb::Timestamp::FromEpochMs(number)));
        return duckdb::StringVector::AddString(result, value);
      });
}

duckdb::scalar_function_t nested(const LogicalType& type, const DelimitedText& form) {
  return [type, form](duckdb::DataChunk& input, duckdb::ExpressionState&, duckdb::Vector& result) {
    result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    for (duckdb::idx_t row = 0; row < input.size(); ++row) {
      const duckdb::Value text = input.data[0].GetValue(row);
      result.SetValue(
          row, text.IsNull() ? duckdb::Value(type) : nested_text_value(duckdb::StringValue::Get(text), type, form, 0));
    }
  };
}

duckdb::unique_ptr<duckdb::Expression> call(const LogicalType& returns, duckdb::scalar_function_t function,
                                            duckdb::unique_ptr<duckdb::Expression> argument) {
  duckdb::ScalarFunction scalar("text_to_" + returns.ToString(), {LogicalType::VARCHAR}, returns, std::move(function));
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments;
  arguments.push_back(std::move(argument));
  return duckdb::make_uniq<duckdb::BoundFunctionExpression>(returns, std::move(scalar), std::move(arguments), nullptr);
}

}  // namespace

duckdb::unique_ptr<duckdb::Expression> undoubled_expression(duckdb::unique_ptr<duckdb::Expression> text, char quote) {
  return call(
      LogicalType::VARCHAR,
      [doubled = std::string(2, quote)](duckdb::DataChunk& input, duckdb::ExpressionState&, duckdb::Vector& result) {
        duckdb::StringVector::AddHeapReference(result, input.data[0]);
        duckdb::UnaryExecutor::Execute<string_t, string_t>(input.data[0], result, input.size(), [&](string_t value) {
          const std::string_view from(value.GetData(), value.GetSize());
          auto at = from.find(doubled);
          if (at == from.npos) return value;
          std::string out;
          std::size_t copied = 0;
          for (; at != from.npos; at = from.find(doubled, at + 2)) {
            out += from.substr(copied, at + 1 - copied);
            copied = at + 2;
          }
          out += from.substr(copied);
          return duckdb::StringVector::AddString(result, out);
        });
      },
      std::move(text));
}

duckdb::unique_ptr<duckdb::Expression> text_cast_expression(duckdb::ClientContext& context,
                                                            duckdb::unique_ptr<duckdb::Expression> text,
                                                            const LogicalType& type, bool lenient,
                                                            const DelimitedText& form) {
  switch (type.id()) {
    case LogicalTypeId::VARCHAR:
      return text;
    case LogicalTypeId::BOOLEAN:
      return call(type, cast_to<bool>(lenient), std::move(text));
    case LogicalTypeId::TINYINT:
      return call(type, cast_to<int8_t>(lenient), std::move(text));
    case LogicalTypeId::SMALLINT:
      return call(type, cast_to<int16_t>(lenient), std::move(text));
    case LogicalTypeId::INTEGER:
      return call(type, cast_to<int32_t>(lenient), std::move(text));
    case LogicalTypeId::BIGINT:
      return call(type, cast_to<int64_t>(lenient), std::move(text));
    case LogicalTypeId::LIST:
    case LogicalTypeId::MAP:
    case LogicalTypeId::STRUCT:
      if (lenient) return call(type, nested(type, form), std::move(text));
      break;
    default:
      break;
  }
  if (!lenient)
    text = call(LogicalType::VARCHAR,
                type.id() == LogicalTypeId::DATE        ? prepare<LogicalTypeId::DATE>
                : type.id() == LogicalTypeId::TIMESTAMP ? prepare<LogicalTypeId::TIMESTAMP>
                                                        : prepare<LogicalTypeId::VARCHAR>,
                std::move(text));
  return duckdb::BoundCastExpression::AddCastToType(context, std::move(text), type, lenient);
}

}  // namespace tarn::query
