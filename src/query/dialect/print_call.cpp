// Function calls: the right signature, its coercions, lambdas, and DuckDB's SQL for it.
#include <algorithm>

#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

// Where the parenthesis at `open` closes; quotes are skipped.
size_t closing_parenthesis(const std::string& sql, size_t open) {
  int depth = 0;
  char quote = 0;
  for (size_t i = open; i < sql.size(); i++) {
    char c = sql[i];
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      depth++;
    } else if (c == ')' && --depth == 0) {
      return i;
    }
  }
  TARN_ASSERT(false);
  return sql.size();
}

struct AggregateClauses {
  bool distinct = false;
  std::string order_by, filter, over, nulls;
};

// DuckDB's aggregates, which are marked in the SQL, get what stands around Trino's call. Marks inside an argument are
// gone by then.
std::string with_clauses(std::string sql, const AggregateClauses& clauses) {
  for (size_t mark = sql.find(aggregate_mark); mark != std::string::npos; mark = sql.find(aggregate_mark, mark)) {
    sql.erase(mark, 1);
    size_t close = closing_parenthesis(sql, mark);
    std::string after = clauses.filter + clauses.over;
    std::string inside = clauses.order_by + clauses.nulls;
    sql.insert(close + 1, after);
    sql.insert(close, inside);
    if (clauses.distinct) sql.insert(mark + 1, "DISTINCT ");
    mark++;
  }
  return sql;
}

}  // namespace

// One call on its way to SQL.
class CallPrinter {
 public:
  CallPrinter(Printer& printer, const FunctionCall& call, const Expression& at, const Scope& scope)
      : printer_(printer), call_(call), at_(at), scope_(scope) {}

  Value print() {
    if (std::optional<Value> special = special_form()) return *special;
    const FoundFunction* found = find_function(call_.name);
    if (!found) Printer::fail(at_.at, "FUNCTION_NOT_FOUND", "Function '" + call_.name + "' not registered");
    check_kind(*found);
    bool aggregates = found->kind == FunctionKind::aggregate && !call_.window;
    if (aggregates) enter_aggregate();
    Value out = print_row(*found);
    if (aggregates && scope_.grouped) scope_.grouped->inside_aggregate = false;
    return out;
  }

 private:
  void check_kind(const FoundFunction& found) {
    if (call_.window && found.kind == FunctionKind::scalar)
      Printer::fail(Position{}, "FUNCTION_NOT_WINDOW", "Not a window function: " + call_.name);
    if (!call_.window && found.kind == FunctionKind::window) {
      Printer::fail(at_.at, "MISSING_OVER",
                    "Window function system.builtin." + call_.name + " requires an OVER clause");
    }
    bool scalar = found.kind == FunctionKind::scalar;
    if (!scalar && !scope_.scalar_clause.empty()) {
      Printer::fail(at_.at, "EXPRESSION_NOT_SCALAR",
                    std::string(scope_.scalar_clause) +
                        " cannot contain aggregations, window functions or grouping operations: [" + describe(at_) +
                        "]");
    }
    if (scalar && call_.distinct)
      Printer::fail(at_.at, "FUNCTION_NOT_AGGREGATE", "DISTINCT is not supported for non-aggregation functions");
    if (scalar && !call_.order_by.empty())
      Printer::fail(at_.at, "FUNCTION_NOT_AGGREGATE", "ORDER BY is not supported for non-aggregation functions");
    if (scalar && call_.filter)
      Printer::fail(at_.at, "FUNCTION_NOT_AGGREGATE", "FILTER is not supported for non-aggregation functions");
    if (call_.window && call_.distinct && found.kind == FunctionKind::window) {
      Printer::fail(at_.at, "NOT_SUPPORTED",
                    "DISTINCT in window function parameters not yet supported: " + describe(at_));
    }
    if (call_.nulls != FunctionCall::Nulls::unset && found.kind != FunctionKind::window) {
      Printer::fail(at_.at, "NULL_TREATMENT_NOT_ALLOWED",
                    "Cannot specify null treatment clause for " + call_.name + " function");
    }
  }

  void enter_aggregate() {
    if (!scope_.grouped) {
      Printer::fail(at_.at, "EXPRESSION_NOT_SCALAR", "An aggregation is not allowed here: [" + describe(at_) + "]");
    }
    if (scope_.grouped->inside_aggregate) {
      Printer::fail(at_.at, "NESTED_AGGREGATION",
                    "Cannot nest aggregations inside aggregation: [" + describe(at_) + "]");
    }
    for (const ExpressionPtr& argument : call_.arguments) {
      if (has_aggregate(*argument)) {
        Printer::fail(
            at_.at, "NESTED_AGGREGATION",
            "Cannot nest aggregations inside aggregation '" + call_.name + "': [" + describe(*argument) + "]");
      }
      if (has_window(*argument)) {
        Printer::fail(
            at_.at, "NESTED_WINDOW",
            "Cannot nest window functions inside aggregation '" + call_.name + "': [" + describe(*argument) + "]");
      }
    }
    scope_.grouped->inside_aggregate = true;
  }

  Value print_row(const FoundFunction& found) {
    if (call_.star) {
      if (call_.name != "count") no_match(found, {});
      Value out{std::string("count") + aggregate_mark + "(*)", simple_type(TypeKind::bigint)};
      out.sql = with_clauses(out.sql, clauses());
      return out;
    }
    std::vector<Value> arguments;
    for (const ExpressionPtr& argument : call_.arguments) {
      bool is_lambda = std::holds_alternative<Lambda>(argument->node);
      arguments.push_back(is_lambda ? Value{"", simple_type(TypeKind::function)}
                                    : printer_.expression(*argument, scope_));
    }
    for (bool exact : {true, false}) {
      for (const FunctionRow* row : found.rows) {
        std::optional<Bindings> bindings = bound(*row, arguments, exact);
        if (bindings) return write(*row, *bindings, arguments, found);
      }
    }
    no_match(found, arguments);
  }

  static const TypePattern* parameter(const Signature& signature, size_t i) {
    if (i < signature.parameters.size()) return &signature.parameters[i];
    bool repeats = !signature.parameters.empty() && signature.parameters.back().repeated;
    return repeats ? &signature.parameters.back() : nullptr;
  }

  std::optional<Bindings> bound(const FunctionRow& row, const std::vector<Value>& arguments, bool exact) {
    const Signature& signature = signature_of(row);
    bool repeats = !signature.parameters.empty() && signature.parameters.back().repeated;
    if (arguments.size() < signature.parameters.size() || (!repeats && arguments.size() > signature.parameters.size()))
      return std::nullopt;
    Bindings bindings;
    for (size_t i = 0; i < arguments.size(); i++) {
      const TypePattern& pattern = *parameter(signature, i);
      if (!bind(pattern, arguments[i].type, bindings, exact)) return std::nullopt;
      if (pattern.kind == TypePattern::Kind::lambda) {
        const auto& lambda = std::get<Lambda>(call_.arguments[i]->node);
        if (lambda.parameters.size() + 1 != pattern.children.size()) return std::nullopt;
      }
    }
    return bindings;
  }

  [[noreturn]] void no_match(const FoundFunction& found, const std::vector<Value>& arguments) {
    std::string types, expected;
    for (const Value& argument : arguments) {
      types += (types.empty() ? "" : ", ") +
               (argument.type.kind == TypeKind::function ? std::string("<function>") : to_trino(argument.type));
    }
    std::vector<std::string> forms;
    for (const FunctionRow* row : found.rows) forms.push_back(tarn::dialect::describe(*row));
    std::sort(forms.begin(), forms.end());
    forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
    for (const std::string& form : forms) expected += (expected.empty() ? "" : ", ") + form;
    Printer::fail(at_.at, "FUNCTION_NOT_FOUND",
                  "Unexpected parameters (" + types + ") for function " + call_.name + ". Expected: " + expected);
  }

  Value write(const FunctionRow& row, Bindings bindings, std::vector<Value> arguments, const FoundFunction& found) {
    const Signature& signature = signature_of(row);
    std::vector<Call::LambdaTypes> lambdas = print_lambdas(signature, bindings, arguments, found);
    for (size_t i = 0; i < arguments.size(); i++) {
      const TypePattern& pattern = *parameter(signature, i);
      if (pattern.kind == TypePattern::Kind::lambda) continue;
      Type wanted = filled(pattern, bindings);
      // The zone of a time stays with its values.
      if (wanted.kind == TypeKind::timestamp_with_zone && arguments[i].type.kind == TypeKind::timestamp_with_zone) {
        wanted.zone = pattern.kind == TypePattern::Kind::variable ? wanted.zone : arguments[i].type.zone;
      }
      // A text's length is no business of DuckDB's.
      if (wanted.is_text() && arguments[i].type.kind == wanted.kind) continue;
      arguments[i] = coerced(printer_.style(), arguments[i], wanted);
    }
    Call call{printer_,          scope_, at_, call_, std::move(arguments), filled(signature.result, bindings),
              std::move(lambdas)};
    if (found.kind == FunctionKind::scalar) return Value{write_scalar(row, call), call.result};
    std::string sql = row.write ? row.write(call) : call.fill(row.sql);
    return Value{with_clauses(std::move(sql), clauses()), call.result};
  }

  // A long argument that the function's SQL speaks of more than once is bound to a name, or nested calls would double
  // at each level.
  static std::string write_scalar(const FunctionRow& row, Call& call) {
    std::vector<std::string> pieces;
    std::vector<size_t> places;
    for (size_t i = 0; i < call.arguments.size(); i++) {
      bool is_lambda = !call.lambdas[i].parameters.empty();
      if (is_lambda || call.arguments[i].sql.size() <= 80) continue;
      pieces.push_back(call.arguments[i].sql);
      places.push_back(i);
      call.arguments[i].sql = "\x02" + std::to_string(i) + "\x02";
    }
    std::string sql = row.write ? row.write(call) : call.fill(row.sql);
    bool repeated = false;
    for (size_t i : places) {
      const std::string& token = call.arguments[i].sql;
      size_t first = sql.find(token);
      repeated = repeated || (first != std::string::npos && sql.find(token, first + 1) != std::string::npos);
    }
    auto filled_with = [&](const std::vector<std::string>& names) {
      std::string out = sql;
      for (size_t k = 0; k < places.size(); k++) {
        const std::string& token = call.arguments[places[k]].sql;
        for (size_t at = out.find(token); at != std::string::npos; at = out.find(token, at + names[k].size())) {
          out.replace(at, token.size(), names[k]);
        }
      }
      return out;
    };
    return repeated ? with_names(pieces, filled_with) : filled_with(pieces);
  }

  std::vector<Call::LambdaTypes> print_lambdas(const Signature& signature, Bindings& bindings,
                                               std::vector<Value>& arguments, const FoundFunction& found) {
    std::vector<Call::LambdaTypes> out(arguments.size());
    for (size_t i = 0; i < arguments.size(); i++) {
      const TypePattern& pattern = *parameter(signature, i);
      if (pattern.kind != TypePattern::Kind::lambda) continue;
      // A result that widens a variable among the lambda's own parameters is printed again with the wider type
      // (reduce's state).
      for (int round = 0;; round++) {
        std::vector<Type> parameters;
        for (size_t p = 0; p + 1 < pattern.children.size(); p++)
          parameters.push_back(filled(pattern.children[p], bindings));
        PrintedLambda lambda = printer_.lambda(*call_.arguments[i], parameters, scope_);
        if (!bind(pattern.children.back(), lambda.body.type, bindings, false)) no_match(found, arguments);
        Type result = filled(pattern.children.back(), bindings);
        bool settled = round >= 3;
        std::vector<Type> after;
        for (size_t p = 0; p + 1 < pattern.children.size(); p++) after.push_back(filled(pattern.children[p], bindings));
        if (after == parameters || settled) {
          arguments[i].sql = lambda.head + coerced(printer_.style(), lambda.body, result).sql;
          out[i] = {std::move(parameters), std::move(result)};
          break;
        }
      }
    }
    return out;
  }

  AggregateClauses clauses() {
    AggregateClauses out;
    out.distinct = call_.distinct;
    if (!call_.order_by.empty()) out.order_by = " ORDER BY " + printer_.sort_sql(call_.order_by, scope_);
    if (call_.nulls == FunctionCall::Nulls::ignore) out.nulls = " IGNORE NULLS";
    if (call_.filter) {
      Value condition = printer_.expression(*call_.filter, scope_);
      if (condition.type.kind != TypeKind::boolean) {
        Printer::fail(call_.filter->at, "TYPE_MISMATCH",
                      "Filter expression must evaluate to a boolean (actual: " + to_trino(condition.type) + ")");
      }
      out.filter = " FILTER (WHERE " + condition.sql + ")";
    }
    if (call_.window) out.over = " OVER (" + printer_.window_sql(*call_.window, scope_) + ")";
    return out;
  }

  // ---- What Trino's grammar treats as expressions of their own: their arguments are not all computed, or have types
  // that no signature says.

  std::optional<Value> special_form() {
    const std::string& name = call_.name;
    size_t count = call_.arguments.size();
    if (call_.star || call_.window || call_.filter || call_.distinct) return std::nullopt;
    if (name == "coalesce" && count >= 2) return coalesce();
    if (name == "if" && (count == 2 || count == 3)) return conditional();
    if (name == "nullif" && count == 2) return nullif();
    if (name == "try" && count == 1) return printer_.in_try(*call_.arguments[0], scope_);
    if (name == "typeof" && count == 1) {
      std::string type = to_trino(argument(0).type);
      return Value{quote_text(type), varchar_type(), type};
    }
    if (name == "concat" && count >= 2) return concat();
    if ((name == "greatest" || name == "least") && count >= 1) return extreme();
    return std::nullopt;
  }

  Value argument(size_t i) { return printer_.expression(*call_.arguments[i], scope_); }

  Value coalesce() {
    std::vector<Value> values = printer_.printed(call_.arguments, scope_);
    std::vector<const Expression*> at;
    for (const ExpressionPtr& each : call_.arguments) at.push_back(each.get());
    Type type = printer_.common_type_of(values, at, "All COALESCE operands");
    std::string sql;
    bool loose = false;
    for (const Value& value : values) {
      sql += (sql.empty() ? "" : ", ") + coerced(printer_.style(), value, type).sql;
      loose = loose || value.loose;
    }
    Value out{"coalesce(" + sql + ")", type};
    out.loose = loose;
    return out;
  }

  Value conditional() {
    Value condition = argument(0);
    if (condition.type.kind != TypeKind::boolean && condition.type.kind != TypeKind::unknown) {
      Printer::fail(call_.arguments[0]->at, "TYPE_MISMATCH",
                    "IF condition must evaluate to a boolean (actual: " + to_trino(condition.type) + ")");
    }
    Value yes = argument(1);
    if (call_.arguments.size() == 2) return Value{"CASE WHEN " + condition.sql + " THEN " + yes.sql + " END", yes.type};
    Value no = argument(2);
    std::optional<Type> type = common_type(yes.type, no.type);
    if (!type) {
      Printer::fail(at_.at, "TYPE_MISMATCH",
                    "Result types for IF must be the same: " + to_trino(yes.type) + " vs " + to_trino(no.type));
    }
    const Style& style = printer_.style();
    Value out{"CASE WHEN " + condition.sql + " THEN " + coerced(style, yes, *type).sql + " ELSE " +
                  coerced(style, no, *type).sql + " END",
              *type};
    out.loose = yes.loose || no.loose;
    return out;
  }

  Value nullif() {
    Value first = argument(0), second = argument(1);
    if (!common_type(first.type, second.type)) {
      Printer::fail(at_.at, "TYPE_MISMATCH",
                    "Types are not comparable with NULLIF: " + to_trino(first.type) + " vs " + to_trino(second.type));
    }
    // The first's own type and value, compared in the common one.
    std::string sql = with_names({first.sql}, [&](const std::vector<std::string>& n) {
      Value named = first;
      named.sql = n[0];
      auto [l, r] = printer_.compared_sql(named, second);
      return "CASE WHEN " + l + " = " + r + " THEN NULL ELSE " + n[0] + " END";
    });
    return Value{sql, first.type};
  }

  Value concat() {
    std::vector<Value> values = printer_.printed(call_.arguments, scope_);
    auto all = [&](auto fits) {
      return std::all_of(values.begin(), values.end(),
                         [&](const Value& v) { return v.type.kind == TypeKind::unknown || fits(v.type); });
    };
    Type type;
    bool chars =
        std::any_of(values.begin(), values.end(), [](const Value& v) { return v.type.kind == TypeKind::character; });
    if (chars && values.size() == 2) {
      return printer_.concatenated(values[0], values[1], at_.at);
    } else if (all([](const Type& t) { return t.is_text(); })) {
      type = varchar_type();
    } else if (all([](const Type& t) { return t.kind == TypeKind::varbinary; })) {
      type = simple_type(TypeKind::varbinary);
    } else {
      // Arrays, and elements put before or behind one.
      for (const Value& value : values) {
        Type as_array = value.type.kind == TypeKind::array ? value.type : array_type(value.type);
        std::optional<Type> common = common_type(type, as_array);
        bool any_array =
            std::any_of(values.begin(), values.end(), [](const Value& v) { return v.type.kind == TypeKind::array; });
        if (!common || !any_array) {
          std::string types;
          for (const Value& v : values) types += (types.empty() ? "" : ", ") + to_trino(v.type);
          Printer::fail(at_.at, "FUNCTION_NOT_FOUND",
                        "Unexpected parameters (" + types +
                            ") for function concat. Expected: concat(E, array(E)) E, concat(array(E)) E, "
                            "concat(array(E), E) E, concat(char(x), char(y)), concat(varbinary), concat(varchar)");
        }
        type = *common;
      }
    }
    std::string sql;
    for (const Value& value : values) {
      bool element =
          type.kind == TypeKind::array && value.type.kind != TypeKind::array && value.type.kind != TypeKind::unknown;
      std::string part = element ? "[" + coerced(printer_.style(), value, type.children[0]).sql + "]"
                                 : coerced(printer_.style(), value, type).sql;
      sql += (sql.empty() ? "" : " || ") + part;
    }
    return Value{"(" + sql + ")", type};
  }

  // NULL when any is NULL, where DuckDB leaves NULLs out.
  Value extreme() {
    std::vector<Value> values = printer_.printed(call_.arguments, scope_);
    std::vector<const Expression*> at;
    for (const ExpressionPtr& each : call_.arguments) at.push_back(each.get());
    Type type = printer_.common_type_of(values, at, "All " + upper_case(call_.name) + " arguments");
    std::vector<std::string> pieces;
    for (const Value& value : values) pieces.push_back(coerced(printer_.style(), value, type).sql);
    std::string sql = with_names(pieces, [&](const std::vector<std::string>& names) {
      std::string list, nulls;
      for (const std::string& name : names) {
        list += (list.empty() ? "" : ", ") + name;
        nulls += (nulls.empty() ? "" : " AND ") + name + " IS NOT NULL";
      }
      return "CASE WHEN " + nulls + " THEN " + call_.name + "(" + list + ") END";
    });
    return Value{sql, type};
  }

  Printer& printer_;
  const FunctionCall& call_;
  const Expression& at_;
  const Scope& scope_;
};

Value Printer::node(const FunctionCall& e, const Expression& at, const Scope& scope) {
  FunctionCall const& call = e;
  if (!call.overflow.empty() && call.overflow == "TRUNCATE") unsupported(at.at, "LISTAGG ... ON OVERFLOW TRUNCATE");
  return CallPrinter(*this, call, at, scope).print();
}

}  // namespace tarn::dialect
