// Operators: arithmetic, comparisons, predicates, logic, times and zones.
#include <algorithm>

#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

constexpr std::string_view division_by_zero = "DIVISION_BY_ZERO";

bool is_interval(const Type& type) {
  return type.kind == TypeKind::interval_day_second || type.kind == TypeKind::interval_year_month;
}
bool is_moment(const Type& type) {
  return type.kind == TypeKind::date || type.kind == TypeKind::timestamp ||
         type.kind == TypeKind::timestamp_with_zone || type.kind == TypeKind::time ||
         type.kind == TypeKind::time_with_zone;
}

[[noreturn]] void cannot_apply(const std::string& op, const Value& left, const Value& right, Position at) {
  Printer::fail(at, "TYPE_MISMATCH",
                "Cannot apply operator: " + to_trino(left.type) + " " + op + " " + to_trino(right.type));
}

std::string power_of_ten(int exponent) {
  return "1" + std::string(exponent, '0');
}

// A decimal's digits without its point, as an integer of DuckDB's that holds `digits` of them.
std::string unscaled(const std::string& sql, const Type& type, bool small) {
  const char* integer = small ? "BIGINT" : "HUGEINT";
  if (type.scale == 0) return "CAST(" + sql + " AS " + integer + ")";
  std::string factor = "CAST(" + power_of_ten(type.scale) + " AS DECIMAL(" + std::to_string(type.scale + 1) + ", 0))";
  std::string wide = small ? sql : "CAST(" + sql + " AS DECIMAL(38, " + std::to_string(type.scale) + "))";
  return "CAST(" + wide + " * " + factor + " AS " + integer + ")";
}

std::string zero_guarded(const Style& style, const Value& divisor, const std::string& divisor_name,
                         const std::string& value) {
  bool nonzero_literal = divisor.number && divisor.sql.find_first_of("123456789") != std::string::npos &&
                         divisor.sql.find_first_of("123456789") < divisor.sql.find(" AS ");
  if (nonzero_literal) return value;
  return guarded(style, divisor_name + " = 0", division_by_zero, "'Division by zero'", value);
}

Value integer_arithmetic(const Style& style, const std::string& op, Value left, Value right) {
  Type type = *common_type(left.type, right.type);
  left = coerced(style, left, type);
  right = coerced(style, right, type);
  if (op != "/" && op != "%") return Value{"(" + left.sql + " " + op + " " + right.sql + ")", type};
  std::string sql = with_names({left.sql, right.sql}, [&](const std::vector<std::string>& n) {
    return zero_guarded(style, right, n[1], n[0] + (op == "/" ? " // " : " % ") + n[1]);
  });
  return Value{"(" + sql + ")", type};
}

Type decimal_result(const std::string& op, const Type& a, const Type& b) {
  int scale = std::max(a.scale, b.scale);
  int whole = std::max(a.precision - a.scale, b.precision - b.scale);
  if (op == "+" || op == "-") return decimal_type(std::min(38, whole + scale + 1), scale);
  if (op == "*") return decimal_type(std::min(38, a.precision + b.precision), a.scale + b.scale);
  if (op == "/") return decimal_type(std::min(38, a.precision + b.scale + std::max(b.scale - a.scale, 0)), scale);
  return decimal_type(std::min(b.precision - b.scale, a.precision - a.scale) + scale, scale);
}

Value decimal_arithmetic(const Style& style, const std::string& op, Value left, Value right, Position at) {
  auto as_decimal = [&](Value& value) {
    if (value.type.kind != TypeKind::decimal)
      value = coerced(style, value, *common_type(value.type, decimal_type(1, 0)));
  };
  as_decimal(left);
  as_decimal(right);
  Type type = decimal_result(op, left.type, right.type);
  if (type.scale > 38) {
    Printer::fail(at, "INVALID_FUNCTION_ARGUMENT",
                  "DECIMAL scale must be in range [0, precision (38)]: " + std::to_string(type.scale));
  }
  type.precision = std::max(type.precision, 1);
  if (op == "/") {
    std::string sql = with_names({left.sql, right.sql}, [&](const std::vector<std::string>& n) {
      return zero_guarded(style, right, n[1], decimal_quotient(style, n[0], left.type, n[1], right.type, type));
    });
    return Value{"(" + sql + ")", type};
  }
  if (op == "%") {
    std::string sql = with_names({left.sql, right.sql}, [&](const std::vector<std::string>& n) {
      return zero_guarded(style, right, n[1], "CAST(" + n[0] + " % " + n[1] + " AS " + to_duckdb(type) + ")");
    });
    return Value{"(" + sql + ")", type};
  }
  bool narrow = left.type.precision <= 18 && right.type.precision <= 18 && type.precision > 18;
  std::string first = left.sql;
  if (style.wide_decimals && (narrow || left.loose || right.loose)) {
    int precision = op == "*" ? 38 : type.precision;
    first =
        "CAST(" + first + " AS DECIMAL(" + std::to_string(precision) + ", " + std::to_string(left.type.scale) + "))";
  }
  Value out{"(" + first + " " + op + " " + right.sql + ")", type};
  out.loose = narrow || left.loose || right.loose;
  return out;
}

Value float_arithmetic(const Style& style, const std::string& op, Value left, Value right) {
  Type type = *common_type(left.type, right.type);
  left = coerced(style, left, type);
  right = coerced(style, right, type);
  return Value{"(" + left.sql + " " + op + " " + right.sql + ")", type};
}

// A date or time moved by an interval.
Value moved(const Style& style, const std::string& op, const Value& moment, const Value& interval, Position) {
  const std::string& by = interval.sql;
  bool months = interval.type.kind == TypeKind::interval_year_month;
  Type type = moment.type;
  if (moment.type.kind == TypeKind::date) {
    std::string sum = "CAST(" + moment.sql + " " + op + " " + by + " AS DATE)";
    bool whole = months || by.starts_with("to_days(");
    if (!whole) {
      sum = with_names({by, moment.sql}, [&](const std::vector<std::string>& n) {
        return guarded(style, "epoch(" + n[0] + ") % 86400 <> 0", "INVALID_FUNCTION_ARGUMENT",
                       "'Cannot add hour, minutes or seconds to a date'",
                       "CAST(" + n[1] + " " + op + " " + n[0] + " AS DATE)");
      });
    }
    return Value{"(" + sum + ")", type};
  }
  if (!months) type.precision = std::max(type.precision, 3);
  if (moment.type.kind != TypeKind::timestamp_with_zone)
    return Value{"(" + moment.sql + " " + op + " " + by + ")", type};
  if (!type.zone.empty()) {
    if (!months) return Value{"(" + moment.sql + " " + op + " " + by + ")", type};
    return Value{at_zone_sql("(" + local_sql(moment) + " " + op + " " + by + ")", type.zone), type};
  }
  std::string sql = with_names({moment.sql, by}, [&](const std::vector<std::string>& n) {
    return "CASE WHEN " + n[0] + " IS NOT NULL THEN struct_pack(t := (" + n[0] + ").t " + op + " " + n[1] + ", z := (" +
           n[0] + ").z) END";
  });
  return Value{"(" + sql + ")", type};
}

Value moments_between(const Style& style, const Value& left, const Value& right) {
  Type type = *common_type(left.type, right.type);
  Value a = coerced(style, left, type), b = coerced(style, right, type);
  Type interval = simple_type(TypeKind::interval_day_second);
  if (type.kind == TypeKind::date) return Value{"to_days(CAST(" + a.sql + " - " + b.sql + " AS INTEGER))", interval};
  if (type.kind == TypeKind::timestamp_with_zone)
    return Value{"(" + instant_sql(a) + " - " + instant_sql(b) + ")", interval};
  if (type.kind == TypeKind::time) {
    auto micros = [](const std::string& t) { return "epoch_us(DATE '1970-01-01' + " + t + ")"; };
    return Value{"to_microseconds(" + micros(a.sql) + " - " + micros(b.sql) + ")", interval};
  }
  return Value{"(" + a.sql + " - " + b.sql + ")", interval};
}

std::optional<Value> interval_arithmetic(const Style& style, const std::string& op, const Value& left,
                                         const Value& right) {
  bool adds = op == "+" || op == "-";
  if (adds && left.type == right.type) return Value{"(" + left.sql + " " + op + " " + right.sql + ")", left.type};
  bool swapped = op == "*" && is_interval(right.type) && left.type.is_numeric();
  const Value& interval = swapped ? right : left;
  const Value& number = swapped ? left : right;
  if (!is_interval(interval.type) || !number.type.is_numeric() || (op != "*" && op != "/")) return std::nullopt;
  if (interval.type.kind == TypeKind::interval_year_month) {
    std::string months = with_names({interval.sql}, [](const std::vector<std::string>& n) {
      return "(date_part('year', " + n[0] + ") * 12 + date_part('month', " + n[0] + "))";
    });
    return Value{"to_months(CAST(trunc(" + months + " " + op + " CAST(" + number.sql + " AS DOUBLE)) AS INTEGER))",
                 interval.type};
  }
  std::string ms = "trunc(round(epoch(" + interval.sql + ") * 1000) " + op + " CAST(" + number.sql + " AS DOUBLE))";
  (void)style;
  return Value{"to_microseconds(CAST(" + ms + " AS BIGINT) * 1000)", interval.type};
}

}  // namespace

std::string decimal_quotient(const Style& style, const std::string& a, const Type& a_type, const std::string& b,
                             const Type& b_type, const Type& type) {
  // Integers alone: the quotient of the unscaled numbers, the dividend brought to the result's scale, halves away from
  // zero.
  int rescale = type.scale - a_type.scale + b_type.scale;
  bool small = a_type.precision + rescale <= 17 && a_type.precision + a_type.scale <= 18 &&
               b_type.precision + b_type.scale <= 18;
  std::string dividend = unscaled(a, a_type, small), divisor = unscaled(b, b_type, small);
  if (rescale > 0)
    dividend = "(" + dividend + " * " +
               (small ? power_of_ten(rescale) : "CAST('" + power_of_ten(rescale) + "' AS HUGEINT)") + ")";
  (void)style;
  std::string body =
      "(2 * abs(q.n) + abs(q.d)) // (2 * abs(q.d)) * CASE WHEN (q.n < 0) <> (q.d < 0) THEN -1 ELSE 1 END";
  std::string quotient =
      "list_transform([struct_pack(n := " + dividend + ", d := " + divisor + ")], lambda q: " + body + ")[1]";
  if (type.scale == 0) return "CAST(" + quotient + " AS " + to_duckdb(type) + ")";
  std::string unit = "0." + std::string(type.scale - 1, '0') + "1";
  std::string unit_type = "DECIMAL(" + std::to_string(type.scale + 1) + ", " + std::to_string(type.scale) + ")";
  return "CAST(CAST(" + quotient + " AS DECIMAL(38, 0)) * CAST(" + unit + " AS " + unit_type + ") AS " +
         to_duckdb(type) + ")";
}

Value arithmetic(const Style& style, const std::string& op, const Value& left, const Value& right, Position at) {
  if (left.type.kind == TypeKind::unknown || right.type.kind == TypeKind::unknown) {
    const Type& known = left.type.kind == TypeKind::unknown ? right.type : left.type;
    Type type = known.kind == TypeKind::unknown ? simple_type(TypeKind::integer) : known;
    if (!is_moment(type)) return Value{"CAST(NULL AS " + to_duckdb(type) + ")", type};
  }
  if (left.type.is_numeric() && right.type.is_numeric()) {
    Type type = *common_type(left.type, right.type);
    if (type.is_integral()) return integer_arithmetic(style, op, left, right);
    if (type.kind == TypeKind::decimal) return decimal_arithmetic(style, op, left, right, at);
    return float_arithmetic(style, op, left, right);
  }
  bool adds = op == "+" || op == "-";
  if (adds && is_moment(left.type) && is_interval(right.type)) return moved(style, op, left, right, at);
  if (op == "+" && is_interval(left.type) && is_moment(right.type)) return moved(style, op, right, left, at);
  if (op == "-" && is_moment(left.type) && is_moment(right.type) && common_type(left.type, right.type)) {
    return moments_between(style, left, right);
  }
  if (is_interval(left.type) || is_interval(right.type)) {
    if (std::optional<Value> out = interval_arithmetic(style, op, left, right)) return *out;
  }
  cannot_apply(op, left, right, at);
}

Value Printer::node(const Unary& e, const Expression& at, const Scope& scope) {
  Value operand = expression(*e.operand, scope);
  if (!operand.type.is_numeric() && !is_interval(operand.type) && operand.type.kind != TypeKind::unknown) {
    fail(at.at, "TYPE_MISMATCH",
         std::string(e.op == '-' ? "Cannot negate " : "Unary '+' operator cannot by applied to ") +
             to_trino(operand.type));
  }
  if (e.op == '+') return operand;
  Value out{"(-" + operand.sql + ")", operand.type};
  out.loose = operand.loose;
  return out;
}

Value Printer::node(const Binary& e, const Expression& at, const Scope& scope) {
  if (e.op != "||") return arithmetic(style_, e.op, expression(*e.left, scope), expression(*e.right, scope), at.at);
  return concatenated(expression(*e.left, scope), expression(*e.right, scope), at.at);
}

Value Printer::concatenated(const Value& left, const Value& right, Position at) {
  const Type &a = left.type, &b = right.type;
  auto joined = [&](const Type& type, const std::string& l, const std::string& r) {
    return Value{"(" + l + " || " + r + ")", type};
  };
  bool a_null = a.kind == TypeKind::unknown, b_null = b.kind == TypeKind::unknown;
  if (a.kind == TypeKind::array || b.kind == TypeKind::array) {
    Type array = a.kind == TypeKind::array ? a : b;
    std::optional<Type> both = common_type(a, b);
    if (both) return joined(*both, coerced(style_, left, *both).sql, coerced(style_, right, *both).sql);
    std::optional<Type> element = common_type(array.children[0], a.kind == TypeKind::array ? b : a);
    if (element) {
      Type type = array_type(*element);
      auto part = [&](const Value& v) {
        return v.type.kind == TypeKind::array ? coerced(style_, v, type).sql
                                              : "[" + coerced(style_, v, *element).sql + "]";
      };
      return joined(type, part(left), part(right));
    }
  }
  if ((a.is_text() || a_null) && (b.is_text() || b_null)) {
    if (a.kind == TypeKind::character || b.kind == TypeKind::character) {
      int length = std::min(65536, (a_null ? 0 : a.precision) + (b_null ? 0 : b.precision));
      Value padded = coerced(style_, left, varchar_type());
      return joined(char_type(length), padded.sql, right.sql);
    }
    return joined(varchar_type(), coerced(style_, left, varchar_type()).sql,
                  coerced(style_, right, varchar_type()).sql);
  }
  if ((a.kind == TypeKind::varbinary || a_null) && (b.kind == TypeKind::varbinary || b_null)) {
    return joined(simple_type(TypeKind::varbinary), coerced(style_, left, simple_type(TypeKind::varbinary)).sql,
                  coerced(style_, right, simple_type(TypeKind::varbinary)).sql);
  }
  fail(at, "FUNCTION_NOT_FOUND",
       "Unexpected parameters (" + to_trino(a) + ", " + to_trino(b) +
           ") for function concat. Expected: concat(E, array(E)) E, concat(array(E)) E, concat(array(E), E) E, "
           "concat(char(x), char(y)), "
           "concat(varbinary), concat(varchar)");
}

// ---- Comparisons

std::pair<std::string, std::string> Printer::compared_sql(const Value& left, const Value& right) {
  Type type = *common_type(left.type, right.type);
  if (type.is_numeric() && type.kind != TypeKind::real && left.type.is_numeric() && right.type.is_numeric()) {
    return {left.sql, right.sql};  // DuckDB widens numbers as Trino does, but for its own float
  }
  Value a = coerced(style_, left, type), b = coerced(style_, right, type);
  if (type.kind == TypeKind::character) return {"rtrim(" + left.sql + ")", "rtrim(" + right.sql + ")"};
  if (type.kind == TypeKind::timestamp_with_zone) return {instant_sql(a), instant_sql(b)};
  return {a.sql, b.sql};
}

Value Printer::node(const Comparison& e, const Expression& at, const Scope& scope) {
  Value left = expression(*e.left, scope), right = expression(*e.right, scope);
  std::optional<Type> type = common_type(left.type, right.type);
  bool orders = e.op != "=" && e.op != "<>";
  if (!type || !(orders ? is_orderable(*type) : is_comparable(*type))) {
    // Trino knows only =, < and <=.
    std::string shown = e.op == "<>" ? "=" : e.op == ">" ? "<" : e.op == ">=" ? "<=" : e.op;
    cannot_apply(shown, left, right, at.at);
  }
  auto [l, r] = compared_sql(left, right);
  return Value{"(" + l + " " + e.op + " " + r + ")", simple_type(TypeKind::boolean)};
}

Value Printer::node(const Logical& e, const Expression&, const Scope& scope) {
  std::string sql;
  for (const ExpressionPtr& term : e.terms) {
    Value value = expression(*term, scope);
    if (value.type.kind != TypeKind::boolean && value.type.kind != TypeKind::unknown) {
      fail(term->at, "TYPE_MISMATCH",
           "Logical expression term must evaluate to a boolean (actual: " + to_trino(value.type) + ")");
    }
    sql += (sql.empty() ? ""
            : e.is_and  ? " AND "
                        : " OR ") +
           coerced(style_, value, simple_type(TypeKind::boolean)).sql;
  }
  return Value{"(" + sql + ")", simple_type(TypeKind::boolean)};
}

Value Printer::node(const Not& e, const Expression&, const Scope& scope) {
  Value value = expression(*e.operand, scope);
  if (value.type.kind != TypeKind::boolean && value.type.kind != TypeKind::unknown) {
    fail(e.operand->at, "TYPE_MISMATCH",
         "Value of logical NOT expression must evaluate to a boolean (actual: " + to_trino(value.type) + ")");
  }
  return Value{"(NOT " + coerced(style_, value, simple_type(TypeKind::boolean)).sql + ")",
               simple_type(TypeKind::boolean)};
}

Value Printer::node(const Between& e, const Expression& at, const Scope& scope) {
  Value value = expression(*e.value, scope), low = expression(*e.low, scope), high = expression(*e.high, scope);
  std::optional<Type> bounds = common_type(low.type, high.type);
  std::optional<Type> all = bounds ? common_type(value.type, *bounds) : std::nullopt;
  if (!all || !is_orderable(*all)) {
    fail(at.at, "TYPE_MISMATCH",
         "Cannot check if " + to_trino(value.type) + " is BETWEEN " + to_trino(low.type) + " and " +
             to_trino(high.type));
  }
  std::string between = e.negated ? " NOT BETWEEN " : " BETWEEN ";
  bool numbers = all->is_numeric() && all->kind != TypeKind::real && value.type.is_numeric() && low.type.is_numeric() &&
                 high.type.is_numeric();
  auto part = [&](const Value& v) {
    if (numbers) return v.sql;
    if (all->kind == TypeKind::character) return "rtrim(" + v.sql + ")";
    Value same = coerced(style_, v, *all);
    return all->kind == TypeKind::timestamp_with_zone ? instant_sql(same) : same.sql;
  };
  return Value{"(" + part(value) + between + part(low) + " AND " + part(high) + ")", simple_type(TypeKind::boolean)};
}

Value Printer::node(const InList& e, const Expression&, const Scope& scope) {
  std::vector<Value> all = {expression(*e.value, scope)};
  std::vector<const Expression*> at = {e.value.get()};
  for (const ExpressionPtr& item : e.items) {
    all.push_back(expression(*item, scope));
    at.push_back(item.get());
  }
  Type type = common_type_of(all, at, "IN value and list items");
  bool numbers = type.is_numeric() && type.kind != TypeKind::real &&
                 std::all_of(all.begin(), all.end(), [](const Value& v) { return v.type.is_numeric(); });
  std::string items, first;
  for (const Value& value : all) {
    Value same = numbers ? value : coerced(style_, value, type);
    std::string sql = type.kind == TypeKind::character             ? "rtrim(" + value.sql + ")"
                      : type.kind == TypeKind::timestamp_with_zone ? instant_sql(same)
                                                                   : same.sql;
    if (first.empty()) {
      first = sql;
    } else {
      items += (items.empty() ? "" : ", ") + sql;
    }
  }
  return Value{"(" + first + (e.negated ? " NOT IN (" : " IN (") + items + "))", simple_type(TypeKind::boolean)};
}

namespace {

void check_escapes(std::string_view pattern, char escape, Position at) {
  for (size_t i = 0; i < pattern.size(); i++) {
    if (pattern[i] != escape) continue;
    char next = ++i < pattern.size() ? pattern[i] : '\0';
    if (next != '%' && next != '_' && next != escape) {
      Printer::fail(at, "INVALID_FUNCTION_ARGUMENT",
                    "Escape character must be followed by '%', '_' or the escape character itself");
    }
  }
}

}  // namespace

Value Printer::node(const Like& e, const Expression& at, const Scope& scope) {
  auto text = [&](const ExpressionPtr& part, const char* what) {
    Value value = expression(*part, scope);
    if (!value.type.is_text() && value.type.kind != TypeKind::unknown) {
      fail(part->at, "TYPE_MISMATCH",
           std::string(what) + " must evaluate to a varchar (actual: " + to_trino(value.type) + ")");
    }
    return coerced(style_, value, varchar_type());
  };
  Value value = text(e.value, "Left side of LIKE expression");
  Value pattern = text(e.pattern, "Pattern for LIKE expression");
  std::string sql = "(" + value.sql + (e.negated ? " NOT LIKE " : " LIKE ") + pattern.sql;
  if (e.escape) {
    Value escape = text(e.escape, "Escape for LIKE expression");
    if (escape.text && escape.text->size() != 1) {
      fail(e.escape->at, "INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character");
    }
    sql += " ESCAPE " + escape.sql;
    if (pattern.text && escape.text) check_escapes(*pattern.text, (*escape.text)[0], at.at);
  }
  return Value{sql + ")", simple_type(TypeKind::boolean)};
}

Value Printer::node(const IsNull& e, const Expression&, const Scope& scope) {
  Value value = expression(*e.value, scope);
  return Value{"(" + value.sql + (e.negated ? " IS NOT NULL)" : " IS NULL)"), simple_type(TypeKind::boolean)};
}

Value Printer::node(const IsDistinctFrom& e, const Expression& at, const Scope& scope) {
  Value left = expression(*e.left, scope), right = expression(*e.right, scope);
  if (!common_type(left.type, right.type)) {
    fail(at.at, "TYPE_MISMATCH", "Cannot check if " + to_trino(left.type) + " is identical to " + to_trino(right.type));
  }
  auto [l, r] = compared_sql(left, right);
  return Value{"(" + l + (e.negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ") + r + ")",
               simple_type(TypeKind::boolean)};
}

Value Printer::node(const Grouping& e, const Expression& at, const Scope& scope) {
  if (!scope.grouped || scope.grouped->keys.empty()) {
    fail(Position{}, "MISSING_GROUP_BY",
         "A GROUPING() operation can only be used with a corresponding GROUPING SET/CUBE/ROLLUP/GROUP BY clause");
  }
  std::string columns;
  for (const ExpressionPtr& column : e.columns) {
    Value value = expression(*column, scope);
    if (scope.grouped->keys.count(value.sql) == 0) {
      fail(column->at, "INVALID_ARGUMENTS",
           "The arguments to GROUPING() must be expressions referenced by the GROUP BY at line " +
               std::to_string(at.at.line) + ":" + std::to_string(at.at.column));
    }
    columns += (columns.empty() ? "" : ", ") + value.sql;
  }
  Type type = simple_type(e.columns.size() <= 31 ? TypeKind::integer : TypeKind::bigint);
  return Value{"CAST(GROUPING(" + columns + ") AS " + to_duckdb(type) + ")", type};
}

}  // namespace tarn::dialect
