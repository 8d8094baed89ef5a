// Expressions as Trino's messages write them.
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

std::string joined(const std::vector<ExpressionPtr>& items) {
  std::string out;
  for (const ExpressionPtr& item : items) out += (out.empty() ? "" : ", ") + describe(*item);
  return out;
}

std::string name_of(const Identifier& name) {
  return name.quoted ? quote_name(name.name) : name.name;
}

struct Description {
  std::string operator()(const NameExpression& e) const { return name_of(e.name); }
  std::string operator()(const Dereference& e) const { return describe(*e.base) + "." + name_of(e.field); }
  std::string operator()(const NullLiteral&) const { return "null"; }
  std::string operator()(const BooleanLiteral& e) const { return e.value ? "true" : "false"; }
  std::string operator()(const StringLiteral& e) const { return quote_text(e.value); }
  std::string operator()(const BinaryLiteral&) const { return "X'...'"; }
  std::string operator()(const IntegerLiteral& e) const { return e.digits; }
  std::string operator()(const DecimalLiteral& e) const { return "DECIMAL '" + e.text + "'"; }
  std::string operator()(const DoubleLiteral& e) const { return e.text; }
  std::string operator()(const TypedLiteral& e) const { return to_trino(e.type.type) + " " + quote_text(e.value); }
  std::string operator()(const IntervalLiteral& e) const {
    return "INTERVAL " + std::string(e.negative ? "- " : "") + quote_text(e.value) + " " + e.from +
           (e.to.empty() ? "" : " TO " + e.to);
  }
  std::string operator()(const Parameter&) const { return "?"; }
  std::string operator()(const Unary& e) const { return std::string(1, e.op) + describe(*e.operand); }
  std::string operator()(const Binary& e) const {
    return "(" + describe(*e.left) + " " + e.op + " " + describe(*e.right) + ")";
  }
  std::string operator()(const Comparison& e) const {
    return "(" + describe(*e.left) + " " + e.op + " " + describe(*e.right) + ")";
  }
  std::string operator()(const Logical& e) const {
    std::string out;
    for (const ExpressionPtr& term : e.terms) out += (out.empty() ? "" : e.is_and ? " AND " : " OR ") + describe(*term);
    return "(" + out + ")";
  }
  std::string operator()(const Not& e) const { return "(NOT " + describe(*e.operand) + ")"; }
  std::string operator()(const Between& e) const {
    return negated("(" + describe(*e.value) + " BETWEEN " + describe(*e.low) + " AND " + describe(*e.high) + ")",
                   e.negated);
  }
  std::string operator()(const InList& e) const {
    return negated("(" + describe(*e.value) + " IN (" + joined(e.items) + "))", e.negated);
  }
  std::string operator()(const InSubquery& e) const {
    return negated("(" + describe(*e.value) + " IN (...))", e.negated);
  }
  std::string operator()(const Like& e) const {
    return negated("(" + describe(*e.value) + " LIKE " + describe(*e.pattern) + ")", e.negated);
  }
  std::string operator()(const IsNull& e) const {
    return "(" + describe(*e.value) + " IS " + (e.negated ? "NOT " : "") + "NULL)";
  }
  std::string operator()(const IsDistinctFrom& e) const {
    return negated("(" + describe(*e.left) + " IS DISTINCT FROM " + describe(*e.right) + ")", e.negated);
  }
  std::string operator()(const Exists&) const { return "(EXISTS (...))"; }
  std::string operator()(const QuantifiedComparison& e) const {
    return "(" + describe(*e.value) + " " + e.op + (e.all ? " ALL" : " ANY") + " (...))";
  }
  std::string operator()(const ScalarSubquery&) const { return "(...)"; }
  std::string operator()(const Case& e) const {
    std::string out = "(CASE" + (e.operand ? " " + describe(*e.operand) : std::string());
    for (const WhenClause& when : e.whens)
      out += " WHEN " + describe(*when.condition) + " THEN " + describe(*when.result);
    if (e.otherwise) out += " ELSE " + describe(*e.otherwise);
    return out + " END)";
  }
  std::string operator()(const Cast& e) const {
    return std::string(e.is_try ? "TRY_CAST(" : "CAST(") + describe(*e.operand) + " AS " + to_trino(e.type.type) + ")";
  }
  std::string operator()(const Extract& e) const {
    return "EXTRACT(" + upper_case(e.field.name) + " FROM " + describe(*e.operand) + ")";
  }
  std::string operator()(const AtTimeZone& e) const {
    return describe(*e.operand) + " AT TIME ZONE " + describe(*e.zone);
  }
  std::string operator()(const ArrayConstructor& e) const { return "ARRAY[" + joined(e.items) + "]"; }
  std::string operator()(const RowConstructor& e) const { return "ROW (" + joined(e.items) + ")"; }
  std::string operator()(const Subscript& e) const { return describe(*e.base) + "[" + describe(*e.index) + "]"; }
  std::string operator()(const Lambda& e) const {
    std::string names;
    for (const Identifier& name : e.parameters) names += (names.empty() ? "" : ", ") + name_of(name);
    return "(" + names + ") -> " + describe(*e.body);
  }
  std::string operator()(const CurrentTime& e) const { return upper_case(e.name); }
  std::string operator()(const Grouping& e) const { return "GROUPING (" + joined(e.columns) + ")"; }
  std::string operator()(const FunctionCall& e) const {
    std::string out = e.name + "(" + (e.star ? "*" : "") + (e.distinct ? "DISTINCT " : "") + joined(e.arguments) + ")";
    if (e.filter) out += " FILTER (WHERE " + describe(*e.filter) + ")";
    if (e.window) out += " OVER ()";
    return out;
  }
  std::string operator()(const JsonCall& e) const { return upper_case(e.name) + "(...)"; }

  static std::string negated(const std::string& text, bool is) { return is ? "(NOT " + text + ")" : text; }
};

// Walks an expression's own parts, without subqueries.
struct Finder {
  bool aggregates;  // else windows

  bool any(const ExpressionPtr& e) const { return e && find(*e); }
  bool any(const std::vector<ExpressionPtr>& items) const {
    for (const ExpressionPtr& item : items) {
      if (any(item)) return true;
    }
    return false;
  }
  bool any(const std::vector<SortItem>& items) const {
    for (const SortItem& item : items) {
      if (any(item.key)) return true;
    }
    return false;
  }
  bool find(const Expression& e) const { return std::visit(*this, e.node); }

  bool operator()(const FunctionCall& e) const {
    if (!aggregates && e.window) return true;
    const FoundFunction* function = find_function(e.name);
    if (aggregates && !e.window && function && function->kind == FunctionKind::aggregate) return true;
    if (e.window && (any(e.window->partition_by) || any(e.window->order_by))) return true;
    return any(e.arguments) || any(e.order_by) || any(e.filter);
  }
  bool operator()(const Dereference& e) const { return any(e.base); }
  bool operator()(const Unary& e) const { return any(e.operand); }
  bool operator()(const Binary& e) const { return any(e.left) || any(e.right); }
  bool operator()(const Comparison& e) const { return any(e.left) || any(e.right); }
  bool operator()(const Logical& e) const { return any(e.terms); }
  bool operator()(const Not& e) const { return any(e.operand); }
  bool operator()(const Between& e) const { return any(e.value) || any(e.low) || any(e.high); }
  bool operator()(const InList& e) const { return any(e.value) || any(e.items); }
  bool operator()(const InSubquery& e) const { return any(e.value); }
  bool operator()(const Like& e) const { return any(e.value) || any(e.pattern) || any(e.escape); }
  bool operator()(const IsNull& e) const { return any(e.value); }
  bool operator()(const IsDistinctFrom& e) const { return any(e.left) || any(e.right); }
  bool operator()(const QuantifiedComparison& e) const { return any(e.value); }
  bool operator()(const Case& e) const {
    for (const WhenClause& when : e.whens) {
      if (any(when.condition) || any(when.result)) return true;
    }
    return any(e.operand) || any(e.otherwise);
  }
  bool operator()(const Cast& e) const { return any(e.operand); }
  bool operator()(const Extract& e) const { return any(e.operand); }
  bool operator()(const AtTimeZone& e) const { return any(e.operand); }
  bool operator()(const ArrayConstructor& e) const { return any(e.items); }
  bool operator()(const RowConstructor& e) const { return any(e.items); }
  bool operator()(const Subscript& e) const { return any(e.base) || any(e.index); }
  bool operator()(const Lambda& e) const { return any(e.body); }
  bool operator()(const Grouping&) const { return aggregates; }
  bool operator()(const JsonCall& e) const {
    for (const auto& [key, value] : e.members) {
      if (any(key) || any(value)) return true;
    }
    return any(e.input);
  }
  template <class Leaf>
  bool operator()(const Leaf&) const {
    return false;
  }
};

}  // namespace

std::string describe(const Expression& expression) {
  return std::visit(Description{}, expression.node);
}
bool has_aggregate(const Expression& expression) {
  return Finder{true}.find(expression);
}
bool has_window(const Expression& expression) {
  return Finder{false}.find(expression);
}

}  // namespace tarn::dialect
