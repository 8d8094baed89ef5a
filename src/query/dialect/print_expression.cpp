// Names, literals, and what is made of other expressions: CASE, CAST, arrays, rows, subscripts, subqueries.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

constexpr std::string_view not_resolved =
    " cannot be resolved or requester is not authorized to access requested resources";

std::string field_name(const Type& row, size_t i) {
  return row.field_names[i].empty() ? "field" + std::to_string(i) : row.field_names[i];
}

// The parts of a.b.c when it is made of names alone; empty otherwise.
std::vector<std::string> name_parts(const Expression& expression) {
  if (auto* name = std::get_if<NameExpression>(&expression.node)) return {lower_case(name->name.name)};
  auto* dereference = std::get_if<Dereference>(&expression.node);
  if (!dereference) return {};
  std::vector<std::string> parts = name_parts(*dereference->base);
  if (!parts.empty()) parts.push_back(lower_case(dereference->field.name));
  return parts;
}

bool belongs(const Field& field, const std::vector<std::string>& qualifier) {
  size_t n = qualifier.size();
  if (n == 0) return true;
  if (field.relation.empty() || qualifier[n - 1] != field.relation) return false;
  if (n > 1 && qualifier[n - 2] != field.database) return false;
  return n < 3 || (n == 3 && qualifier[0] == field.catalog);
}

}  // namespace

Value Printer::expression(const Expression& expression, const Scope& scope) {
  Grouped* grouped = scope.grouped && !scope.grouped->inside_aggregate ? scope.grouped : nullptr;
  size_t before = grouped ? grouped->ungrouped.size() : 0;
  Value out = std::visit([&](const auto& n) { return node(n, expression, scope); }, expression.node);
  if (grouped && grouped->keys.count(out.sql) > 0) grouped->ungrouped.resize(before);
  return out;
}

Value Printer::boolean(const Expression& condition, const Scope& scope, const std::string& clause) {
  Value value = expression(condition, scope);
  if (value.type.kind == TypeKind::unknown) return coerced(style_, value, simple_type(TypeKind::boolean));
  if (value.type.kind != TypeKind::boolean) {
    fail(condition.at, "TYPE_MISMATCH", clause + " must evaluate to a boolean: actual type " + to_trino(value.type));
  }
  return value;
}

std::vector<Value> Printer::printed(const std::vector<ExpressionPtr>& expressions, const Scope& scope) {
  std::vector<Value> out;
  for (const ExpressionPtr& item : expressions) out.push_back(expression(*item, scope));
  return out;
}

Type Printer::common_type_of(const std::vector<Value>& values, const std::vector<const Expression*>& at,
                             const std::string& what) {
  Type common;
  for (size_t i = 0; i < values.size(); i++) {
    std::optional<Type> next = common_type(common, values[i].type);
    if (!next) {
      std::string all;
      for (const Value& value : values) {
        std::string name = to_trino(value.type);
        if ((", " + all + ",").find(", " + name + ",") == std::string::npos) all += (all.empty() ? "" : ", ") + name;
      }
      fail(at[i]->at, "TYPE_MISMATCH",
           what + " must be the same type or coercible to a common type. Cannot find common type between " +
               to_trino(common) + " and " + to_trino(values[i].type) + ", all types (without duplicates): [" + all +
               "]");
    }
    common = *next;
  }
  return common;
}

// ---- Names

Value Printer::use_field(const Field& field, const Expression& at, const Scope& scope) {
  if (scope.grouped && !scope.grouped->inside_aggregate && scope.grouped->keys.count(field.sql) == 0) {
    scope.grouped->ungrouped.push_back(&at);
  }
  return Value{field.sql, field.type};
}

std::optional<Value> Printer::named_column(const std::string& name, const Expression& at, const Scope& scope) {
  for (const Scope* s = &scope; s; s = s->outer) {
    if (s->outputs) {
      const NamedOutput* found = nullptr;
      for (const NamedOutput& output : *s->outputs) {
        if (output.name != name) continue;
        if (found && found->value.sql != output.value.sql)
          fail(at.at, "AMBIGUOUS_NAME", "Column '" + name + "' is ambiguous");
        found = &output;
      }
      if (found) return found->value;
    }
    const Field* found = nullptr;
    for (const Field& field : s->fields) {
      if (field.name != name) continue;
      if (found) fail(at.at, "AMBIGUOUS_NAME", "Column '" + name + "' is ambiguous");
      found = &field;
    }
    if (found) return use_field(*found, at, *s);
  }
  return std::nullopt;
}

std::optional<Value> Printer::qualified_column(const std::vector<std::string>& parts, const Expression& at,
                                               const Scope& scope) {
  std::vector<std::string> qualifier(parts.begin(), parts.end() - 1);
  for (const Scope* s = &scope; s; s = s->outer) {
    const Field* found = nullptr;
    for (const Field& field : s->fields) {
      if (field.name != parts.back() || !belongs(field, qualifier)) continue;
      if (found) fail(at.at, "AMBIGUOUS_NAME", "Column '" + describe(at) + "' is ambiguous");
      found = &field;
    }
    if (found) return use_field(*found, at, *s);
  }
  return std::nullopt;
}

Value Printer::node(const NameExpression& e, const Expression& at, const Scope& scope) {
  std::string name = lower_case(e.name.name);
  for (auto parameter = lambda_parameters_.rbegin(); parameter != lambda_parameters_.rend(); ++parameter) {
    if (parameter->name == name) return Value{parameter->sql, parameter->type};
  }
  std::optional<Value> column = named_column(name, at, scope);
  if (!column) fail(at.at, "COLUMN_NOT_FOUND", "Column '" + lower_case(e.name.name) + "'" + std::string(not_resolved));
  return *column;
}

Value Printer::node(const Dereference& e, const Expression& at, const Scope& scope) {
  std::vector<std::string> parts = name_parts(at);
  bool lambda_field = false;
  for (const LambdaParameter& parameter : lambda_parameters_)
    lambda_field = lambda_field || (!parts.empty() && parameter.name == parts[0]);
  if (!parts.empty() && !lambda_field) {
    if (std::optional<Value> column = qualified_column(parts, at, scope)) return *column;
    // t.x of a table that has no x: the table is known, so the column is what is missing.
    std::vector<std::string> qualifier(parts.begin(), parts.end() - 1);
    bool relation_known = false, base_known = false;
    for (const Scope* s = &scope; s; s = s->outer) {
      for (const Field& field : s->fields) {
        relation_known = relation_known || belongs(field, qualifier);
        base_known = base_known || field.name == parts[0] || (parts.size() > 2 && field.relation == parts[0]);
      }
      for (size_t i = 0; s->outputs && i < s->outputs->size(); i++)
        base_known = base_known || (*s->outputs)[i].name == parts[0];
    }
    if ((relation_known && qualifier.size() == 1 && !base_known) || !base_known) {
      fail(at.at, "COLUMN_NOT_FOUND", "Column '" + lower_case(describe(at)) + "'" + std::string(not_resolved));
    }
  }
  return field_of(expression(*e.base, scope), lower_case(e.field.name), at);
}

Value Printer::field_of(const Value& row, const std::string& name, const Expression& at) {
  const auto& dereference = std::get<Dereference>(at.node);
  if (row.type.kind != TypeKind::row) {
    fail(at.at, "TYPE_MISMATCH", "Expression " + describe(*dereference.base) + " is not of type ROW");
  }
  for (size_t i = 0; i < row.type.children.size(); i++) {
    if (same_name(row.type.field_names[i], name)) {
      return Value{"(" + row.sql + ")." + quote_name(field_name(row.type, i)), row.type.children[i]};
    }
  }
  fail(at.at, "COLUMN_NOT_FOUND", "Column '" + lower_case(describe(at)) + "'" + std::string(not_resolved));
}

// ---- Literals

Value Printer::node(const NullLiteral&, const Expression&, const Scope&) {
  return Value{"NULL", Type{}};
}

Value Printer::node(const BooleanLiteral& e, const Expression&, const Scope&) {
  return Value{e.value ? "true" : "false", simple_type(TypeKind::boolean)};
}

Value Printer::node(const StringLiteral& e, const Expression&, const Scope&) {
  int length =
      static_cast<int>(std::count_if(e.value.begin(), e.value.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  return Value{quote_text(e.value), varchar_type(length), e.value};
}

Value Printer::node(const BinaryLiteral& e, const Expression&, const Scope&) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (unsigned char byte : e.bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return Value{"unhex('" + text + "')", simple_type(TypeKind::varbinary)};
}

Value Printer::node(const IntegerLiteral& e, const Expression& at, const Scope&) {
  std::string_view text = e.digits;
  bool negative = text.starts_with("-");
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && !(text[1] >= '0' && text[1] <= '9')) {
    base = (text[1] | 0x20) == 'x' ? 16 : (text[1] | 0x20) == 'o' ? 8 : 2;
    text.remove_prefix(2);
  }
  std::string signed_text = (negative ? "-" : "") + std::string(text);
  int64_t value = 0;
  auto [end, error] = std::from_chars(signed_text.data(), signed_text.data() + signed_text.size(), value, base);
  if (error != std::errc() || end != signed_text.data() + signed_text.size()) {
    fail(at.at, "SYNTAX_ERROR", "Invalid numeric literal: " + e.digits);
  }
  bool fits = value >= INT32_MIN && value <= INT32_MAX;
  std::string sql = std::to_string(value);
  if (value < 0) sql = "(" + sql + ")";
  if (value == INT64_MIN) sql = "CAST('" + std::to_string(value) + "' AS BIGINT)";
  Value out{sql, simple_type(fits ? TypeKind::integer : TypeKind::bigint)};
  out.number = true;
  return out;
}

Value Printer::node(const DecimalLiteral& e, const Expression& at, const Scope&) {
  // The digits count without leading zeros, the scale as written.
  std::string digits = e.text, sign;
  if (digits.starts_with("-")) {
    sign = "-";
    digits.erase(0, 1);
  }
  size_t point = digits.find('.');
  std::string whole = digits.substr(0, point), fraction = digits.substr(point + 1);
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  int scale = static_cast<int>(fraction.size());
  int precision = std::max(1, static_cast<int>(whole.size()) + scale);
  if (precision > 38) fail(at.at, "INVALID_LITERAL", "Invalid decimal literal '" + e.text + "'");
  std::string text = sign + (whole.empty() ? "0" : whole) + (scale > 0 ? "." + fraction : "");
  Type type = decimal_type(precision, scale);
  Value out{"CAST(" + text + " AS " + to_duckdb(type) + ")", type};
  out.number = true;
  return out;
}

Value Printer::node(const DoubleLiteral& e, const Expression&, const Scope&) {
  double value = std::strtod(e.text.c_str(), nullptr);
  std::string text = std::isinf(value) ? "'" + std::string(value < 0 ? "-" : "") + "Infinity'" : e.text;
  Value out{"CAST(" + text + " AS DOUBLE)", simple_type(TypeKind::double_precision)};
  out.number = true;
  return out;
}

Value Printer::node(const Parameter& e, const Expression& at, const Scope& scope) {
  size_t given = options_.parameters.size();
  if (static_cast<size_t>(e.index) >= given) {
    fail(Position{}, "INVALID_PARAMETER_USAGE",
         "Incorrect number of parameters: expected at least " + std::to_string(e.index + 1) + " but found " +
             std::to_string(given));
  }
  const Expression* parameter = options_.parameters[e.index];
  if (std::holds_alternative<Parameter>(parameter->node))
    fail(at.at, "INVALID_PARAMETER_USAGE", "A parameter's value may not be a parameter");
  Scope none;
  none.scalar_clause = scope.scalar_clause;
  return expression(*parameter, none);
}

// ---- CASE, CAST

Value Printer::node(const Case& e, const Expression&, const Scope& scope) {
  std::vector<Value> results;
  std::vector<const Expression*> at;
  std::vector<Value> conditions;
  for (const WhenClause& when : e.whens) {
    Value condition = expression(*when.condition, scope);
    if (!e.operand && condition.type.kind != TypeKind::boolean && condition.type.kind != TypeKind::unknown) {
      fail(when.condition->at, "TYPE_MISMATCH",
           "CASE WHEN clause must evaluate to a boolean (actual: " + to_trino(condition.type) + ")");
    }
    conditions.push_back(std::move(condition));
    results.push_back(expression(*when.result, scope));
    at.push_back(when.result.get());
  }
  if (e.otherwise) {
    results.push_back(expression(*e.otherwise, scope));
    at.push_back(e.otherwise.get());
  }
  Type common = common_type_of(results, at, "All CASE results");
  std::string sql = "CASE";
  if (e.operand) {
    Value operand = expression(*e.operand, scope);
    Type operand_type = operand.type;
    for (size_t i = 0; i < conditions.size(); i++) {
      std::optional<Type> next = common_type(operand_type, conditions[i].type);
      if (!next) {
        fail(e.whens[i].condition->at, "TYPE_MISMATCH",
             "CASE operand type does not match WHEN clause operand type: " + to_trino(operand.type) + " vs " +
                 to_trino(conditions[i].type));
      }
      operand_type = *next;
    }
    auto compared = [&](const Value& value) {
      Value same = coerced(style_, value, operand_type);
      if (operand_type.kind == TypeKind::character) return "rtrim(" + same.sql + ")";
      return operand_type.kind == TypeKind::timestamp_with_zone ? instant_sql(same) : same.sql;
    };
    sql += " " + compared(operand);
    for (Value& condition : conditions) condition.sql = compared(condition);
  }
  for (size_t i = 0; i < conditions.size(); i++) {
    sql += " WHEN " + conditions[i].sql + " THEN " + coerced(style_, results[i], common).sql;
  }
  if (e.otherwise) sql += " ELSE " + coerced(style_, results.back(), common).sql;
  Value out{sql + " END", common};
  out.loose = std::any_of(results.begin(), results.end(), [](const Value& v) { return v.loose; });
  return out;
}

Value Printer::node(const Cast& e, const Expression& at, const Scope& scope) {
  if (!e.type.unknown_name.empty()) fail(at.at, "TYPE_MISMATCH", "Unknown type: " + e.type.unknown_name);
  Value operand = expression(*e.operand, scope);
  std::optional<Value> out = cast_value(style_, operand, e.type.type, e.is_try);
  if (!out) fail(at.at, "TYPE_MISMATCH", "Cannot cast " + to_trino(operand.type) + " to " + to_trino(e.type.type));
  return *out;
}

Value Printer::in_try(const Expression& inner, const Scope& scope) {
  bool before = style_.in_try;
  style_.in_try = true;
  Value value = expression(inner, scope);
  style_.in_try = before;
  return Value{"TRY(" + value.sql + ")", value.type};
}

// ---- Arrays, rows, subscripts

Value Printer::node(const ArrayConstructor& e, const Expression&, const Scope& scope) {
  std::vector<Value> items = printed(e.items, scope);
  std::vector<const Expression*> at;
  for (const ExpressionPtr& item : e.items) at.push_back(item.get());
  Type element = common_type_of(items, at, "All ARRAY elements");
  if (items.empty()) return Value{"CAST([] AS INTEGER[])", array_type(Type{})};
  std::string sql;
  for (const Value& item : items) sql += (sql.empty() ? "" : ", ") + coerced(style_, item, element).sql;
  return Value{"[" + sql + "]", array_type(element)};
}

Value Printer::node(const RowConstructor& e, const Expression&, const Scope& scope) {
  Type type = simple_type(TypeKind::row);
  std::string sql;
  for (const ExpressionPtr& item : e.items) {
    Value value = expression(*item, scope);
    if (value.loose) value.sql = "CAST(" + value.sql + " AS " + to_duckdb(value.type) + ")";
    sql += (sql.empty() ? "" : ", ") + quote_name("field" + std::to_string(type.children.size())) + " := " + value.sql;
    type.field_names.emplace_back();
    type.children.push_back(value.type);
  }
  return Value{"struct_pack(" + sql + ")", type};
}

Value Printer::node(const Subscript& e, const Expression& at, const Scope& scope) {
  Value base = expression(*e.base, scope);
  Value index = expression(*e.index, scope);
  auto mismatch = [&] {
    fail(at.at, "TYPE_MISMATCH", "Cannot use " + to_trino(index.type) + " for subscript of " + to_trino(base.type));
  };
  constexpr std::string_view bad = "INVALID_FUNCTION_ARGUMENT";
  if (base.type.kind == TypeKind::row) {
    auto* literal = std::get_if<IntegerLiteral>(&e.index->node);
    size_t i = literal ? static_cast<size_t>(std::strtoll(literal->digits.c_str(), nullptr, 10)) : 0;
    if (!literal) fail(e.index->at, "EXPRESSION_NOT_CONSTANT", "Subscript expression on ROW requires a constant index");
    if (i < 1 || i > base.type.children.size()) {
      fail(e.index->at, "INVALID_FUNCTION_ARGUMENT",
           "Invalid subscript index: " + literal->digits + ". ROW indices start at 1");
    }
    return Value{"(" + base.sql + ")." + quote_name(field_name(base.type, i - 1)), base.type.children[i - 1]};
  }
  if (base.type.kind == TypeKind::array) {
    if (!index.type.is_integral() && index.type.kind != TypeKind::unknown) mismatch();
    bool plain = index.number && index.sql[0] != '(' && index.sql != "0";  // a positive literal
    std::string sql = with_names({base.sql, index.sql}, [&](const std::vector<std::string>& n) {
      std::string beyond = guarded(style_, n[1] + " > len(" + n[0] + ")", bad,
                                   "'Array subscript must be less than or equal to array length: ' || " + n[1] +
                                       " || ' > ' || len(" + n[0] + ")",
                                   "(" + n[0] + ")[" + n[1] + "]");
      if (plain) return beyond;
      std::string negative = guarded(style_, n[1] + " < 0", bad, "'Array subscript is negative: ' || " + n[1], beyond);
      return guarded(style_, n[1] + " = 0", bad, "'SQL array indices start at 1'", negative);
    });
    return Value{"(" + sql + ")", base.type.children[0]};
  }
  if (base.type.kind != TypeKind::map || !can_coerce(index.type, base.type.children[0])) mismatch();
  Value key = coerced(style_, index, base.type.children[0]);
  Value shown = key;
  std::string sql = with_names({base.sql, key.sql}, [&](const std::vector<std::string>& n) {
    shown.sql = n[1];
    bool writes = shown.type.is_numeric() || shown.type.is_text();
    std::string message =
        writes ? "'Key not present in map: ' || " + text_sql(style_, shown) : "'Key not present in map'";
    return guarded(style_, "NOT map_contains(" + n[0] + ", " + n[1] + ")", bad, message,
                   "(" + n[0] + ")[" + n[1] + "]");
  });
  return Value{"(" + sql + ")", base.type.children[1]};
}

Value Printer::node(const Lambda&, const Expression& at, const Scope&) {
  fail(at.at, "TYPE_MISMATCH", "Lambda expression should always be used inside a function");
}

PrintedLambda Printer::lambda(const Expression& given, const std::vector<Type>& parameters, const Scope& scope) {
  const auto& node = std::get<Lambda>(given.node);
  std::string names;
  std::vector<std::string> sql;
  for (size_t i = 0; i < parameters.size(); i++) {
    // A name of its own for each depth, since DuckDB's lambdas may not hide columns or one another.
    sql.push_back(
        quote_name(lower_case(node.parameters[i].name) + "$" + std::to_string(lambda_parameters_.size() + i)));
    names += (names.empty() ? "" : ", ") + sql.back();
  }
  Value body = lambda_body(given, parameters, sql, scope);
  return PrintedLambda{"lambda " + names + ": ", std::move(body)};
}

Value Printer::lambda_body(const Expression& given, const std::vector<Type>& parameters,
                           const std::vector<std::string>& sql, const Scope& scope) {
  const auto& node = std::get<Lambda>(given.node);
  size_t before = lambda_parameters_.size();
  for (size_t i = 0; i < parameters.size(); i++)
    lambda_parameters_.push_back({lower_case(node.parameters[i].name), parameters[i], sql[i]});
  Value body = expression(*node.body, scope);
  lambda_parameters_.resize(before);
  return body;
}

// ---- Subqueries

Value Printer::node(const ScalarSubquery& e, const Expression& at, const Scope& scope) {
  PrintedQuery inner = query(*e.query, &scope);
  if (inner.columns.size() != 1) {
    fail(at.at, "NOT_SUPPORTED",
         "Multiple columns returned by subquery are not yet supported. Found " + std::to_string(inner.columns.size()));
  }
  return Value{"(" + inner.sql + ")", inner.columns[0].type};
}

Value Printer::node(const Exists& e, const Expression&, const Scope& scope) {
  return Value{"EXISTS (" + query(*e.query, &scope).sql + ")", simple_type(TypeKind::boolean)};
}

// The subquery's SQL, and the value's, in types that DuckDB compares as Trino would.
Value Printer::subquery_operand(const Query& inner_query, const Scope& scope, const Value& value, std::string& left_sql,
                                Position at) {
  PrintedQuery inner = query(inner_query, &scope);
  std::vector<Type> right_types;
  for (const Field& column : inner.columns) right_types.push_back(column.type);
  bool rows =
      value.type.kind == TypeKind::row && right_types.size() == value.type.children.size() && right_types.size() > 1;
  std::vector<Type> left_types = rows ? value.type.children : std::vector<Type>{value.type};
  std::vector<Type> common;
  for (size_t i = 0; i < left_types.size() && left_types.size() == right_types.size(); i++) {
    std::optional<Type> type = common_type(left_types[i], right_types[i]);
    if (type) common.push_back(*type);
  }
  if (common.size() != left_types.size()) {
    Type right =
        right_types.size() == 1 ? right_types[0] : row_type(std::vector<std::string>(right_types.size()), right_types);
    fail(at, "TYPE_MISMATCH",
         "Value expression and result of subquery must be of the same type: " + to_trino(value.type) + " vs " +
             to_trino(right));
  }
  left_sql.clear();
  for (size_t i = 0; i < common.size(); i++) {
    Value part = rows ? Value{"(" + value.sql + ")." + quote_name(field_name(value.type, i)), left_types[i]} : value;
    left_sql += (i > 0 ? ", " : "") + coerced(style_, part, common[i]).sql;
  }
  if (rows) left_sql = "(" + left_sql + ")";
  return Value{cast_columns(std::move(inner), common).sql, Type{}};
}

Value Printer::node(const InSubquery& e, const Expression& at, const Scope& scope) {
  Value value = expression(*e.value, scope);
  std::string left;
  Value right = subquery_operand(*e.query, scope, value, left, at.at);
  return Value{"(" + left + (e.negated ? " NOT IN (" : " IN (") + right.sql + "))", simple_type(TypeKind::boolean)};
}

Value Printer::node(const QuantifiedComparison& e, const Expression& at, const Scope& scope) {
  Value value = expression(*e.value, scope);
  std::string left;
  Value right = subquery_operand(*e.query, scope, value, left, at.at);
  return Value{"(" + left + " " + e.op + (e.all ? " ALL (" : " ANY (") + right.sql + "))",
               simple_type(TypeKind::boolean)};
}

}  // namespace tarn::dialect
