// The printer itself, shared by its files: printer.cpp (entrances, output), print_query.cpp, print_select.cpp,
// print_relation.cpp, print_expression.cpp, print_operator.cpp, print_call.cpp.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "query/dialect/functions.hpp"
#include "query/dialect/printer.hpp"
#include "query/dialect/value.hpp"

namespace tarn::dialect {

// A column that an expression can name.
struct Field {
  std::string name;      // lower-case; "" for one that only * reaches
  std::string relation;  // alias or table, lower-case; "" where the column belongs to none (USING's)
  std::string database, catalog;
  Type type;
  std::string sql;
  bool hidden = false;
};

// A query's GROUP BY: what may stand in its SELECT, HAVING and ORDER BY.
struct Grouped {
  std::set<std::string> keys;                  // by their SQL
  std::vector<const Expression*> ungrouped{};  // columns that were named outside aggregates and that no key covers
  bool inside_aggregate = false;
  bool tolerant = false;  // while the keys themselves are found
};

struct NamedOutput {
  std::string name;
  Value value;
};

struct Scope {
  std::vector<Field> fields;
  const Scope* outer = nullptr;
  Grouped* grouped = nullptr;  // set while an aggregated query's outputs are printed
  const std::vector<NamedWindow>* windows = nullptr;
  const std::vector<NamedOutput>* outputs = nullptr;  // ORDER BY: names of the SELECT come first
  std::string_view scalar_clause;                     // where aggregates and windows are refused: "WHERE clause"
};

struct PrintedQuery {
  std::string sql;
  std::vector<Field> columns;  // sql: the quoted name of the output column
};

struct PrintedLambda {
  std::string head;  // "lambda x: "
  Value body;
};

struct PrintedRelation {
  std::string sql;
  std::vector<Field> fields;
  bool lateral = false;  // depends on the relations before it
};

class Printer {
 public:
  Printer(const TableResolver& resolve, const PrintOptions& options);

  PrintedQuery query(const Query& query, const Scope* outer);
  Value expression(const Expression& expression, const Scope& scope);
  Value boolean(const Expression& expression, const Scope& scope, const std::string& clause);
  // Takes the marks of places out of the text.
  static Printed finish(const std::string& marked, std::vector<OutputColumn> columns);

  const Style& style() const { return style_; }
  const PrintOptions& options() const { return options_; }
  // "line 1:8: " and the message, with Athena's code.
  [[noreturn]] static void fail(Position at, const std::string& code, const std::string& message);
  [[noreturn]] static void unsupported(Position at, const std::string& what);

  // For functions.
  Value concatenated(const Value& left, const Value& right, Position at);
  PrintedLambda lambda(const Expression& lambda, const std::vector<Type>& parameters, const Scope& scope);
  Value lambda_body(const Expression& lambda, const std::vector<Type>& parameters, const std::vector<std::string>& sql,
                    const Scope& scope);
  Value in_try(const Expression& expression, const Scope& scope);

 private:
  friend class CallPrinter;
  struct CommonTableState {
    std::string name;  // lower-case
    std::string sql_name;
    std::vector<Field> columns;
  };
  struct LambdaParameter {
    std::string name;
    Type type;
    std::string sql;
  };

  static std::string mark(Position at);
  std::string unique_alias(const std::string& wanted);

  // ---- Queries (print_query.cpp)
  std::string with(const With& with, const Scope* outer);
  std::string common_table(const CommonTable& table, bool recursive, const Scope* outer);
  std::string recursive_table(const CommonTable& table, const SetOperation& steps, const Scope* outer);
  void check_column_aliases(const CommonTable& table, size_t columns);
  PrintedQuery body(const QueryBody& body, const Query* query, const Scope* outer);
  PrintedQuery set_operation(const SetOperation& operation, const Scope* outer);
  PrintedQuery values(const Values& values, Position at, const Scope* outer);
  PrintedQuery table_body(const TableBody& body, Position at, const Scope* outer);
  PrintedQuery cast_columns(PrintedQuery query, const std::vector<Type>& types);
  std::string order_by_outputs(const std::vector<SortItem>& items, const PrintedQuery& query, const Scope* outer);
  std::string limit_clause(const Query& query);
  std::string row_count(const Expression& count);

  // ---- SELECT (print_select.cpp)
  struct Output {
    std::string name;  // as Athena shows it
    Value value;
    const Expression* expression = nullptr;
    Position at;
  };
  PrintedQuery select(const Select& select, Position at, const Query* query, const Scope* outer);
  std::vector<Output> outputs(const Select& select, const Scope& scope);
  void all_columns(const SelectItem& item, const Scope& scope, std::vector<Output>& out);
  Output one_output(const SelectItem& item, const Scope& scope, size_t index);
  std::string group_by(const Select& select, const Scope& scope, Grouped& grouped);
  Value group_key(const Expression& key, const Select& select, const Scope& scope);
  std::string select_order(const Select& select, const Query& query, const Scope& scope,
                           const std::vector<Output>& outputs, const std::vector<std::string>& names);
  void check_grouped(const Scope& scope) const;
  std::vector<std::string> unique_names(const std::vector<Output>& outputs) const;
  std::string window_sql(const WindowSpecification& window, const Scope& scope);
  std::string frame_sql(const WindowFrame& frame, const Scope& scope);
  std::string sort_sql(const std::vector<SortItem>& items, const Scope& scope);
  static std::string sort_suffix(const SortItem& item);

  // ---- Relations (print_relation.cpp)
  PrintedRelation from(const std::vector<RelationPtr>& relations, const Scope* outer);
  PrintedRelation relation(const Relation& relation, const Scope* outer, const Scope* lateral);
  PrintedRelation unaliased(const Relation& relation, const Scope* outer, const Scope* lateral);
  PrintedRelation table(const TableReference& table, const Relation& relation);
  PrintedRelation subquery(const SubqueryRelation& subquery, const Relation& relation, const Scope* outer,
                           const Scope* lateral);
  PrintedRelation unnest(const Unnest& unnest, const Relation& relation, const Scope* lateral);
  PrintedRelation join(const Join& join, const Relation& relation, const Scope* outer, const Scope* lateral);
  std::string join_using(const Join& join, PrintedRelation& left, PrintedRelation& right, std::vector<Field>& fields);
  PrintedRelation table_function(const TableFunctionCall& call, const Relation& relation, const Scope* outer);
  void rename_columns(const Relation& relation, PrintedRelation& printed, const std::string& alias);

  // ---- Expressions (print_expression.cpp, print_operator.cpp)
  Value node(const NameExpression&, const Expression&, const Scope&);
  Value node(const Dereference&, const Expression&, const Scope&);
  Value node(const NullLiteral&, const Expression&, const Scope&);
  Value node(const BooleanLiteral&, const Expression&, const Scope&);
  Value node(const StringLiteral&, const Expression&, const Scope&);
  Value node(const BinaryLiteral&, const Expression&, const Scope&);
  Value node(const IntegerLiteral&, const Expression&, const Scope&);
  Value node(const DecimalLiteral&, const Expression&, const Scope&);
  Value node(const DoubleLiteral&, const Expression&, const Scope&);
  Value node(const TypedLiteral&, const Expression&, const Scope&);
  Value node(const IntervalLiteral&, const Expression&, const Scope&);
  Value node(const Parameter&, const Expression&, const Scope&);
  Value node(const Unary&, const Expression&, const Scope&);
  Value node(const Binary&, const Expression&, const Scope&);
  Value node(const Comparison&, const Expression&, const Scope&);
  Value node(const Logical&, const Expression&, const Scope&);
  Value node(const Not&, const Expression&, const Scope&);
  Value node(const Between&, const Expression&, const Scope&);
  Value node(const InList&, const Expression&, const Scope&);
  Value node(const InSubquery&, const Expression&, const Scope&);
  Value node(const Like&, const Expression&, const Scope&);
  Value node(const IsNull&, const Expression&, const Scope&);
  Value node(const IsDistinctFrom&, const Expression&, const Scope&);
  Value node(const Exists&, const Expression&, const Scope&);
  Value node(const QuantifiedComparison&, const Expression&, const Scope&);
  Value node(const ScalarSubquery&, const Expression&, const Scope&);
  Value node(const Case&, const Expression&, const Scope&);
  Value node(const Cast&, const Expression&, const Scope&);
  Value node(const Extract&, const Expression&, const Scope&);
  Value node(const AtTimeZone&, const Expression&, const Scope&);
  Value node(const ArrayConstructor&, const Expression&, const Scope&);
  Value node(const RowConstructor&, const Expression&, const Scope&);
  Value node(const Subscript&, const Expression&, const Scope&);
  Value node(const Lambda&, const Expression&, const Scope&);
  Value node(const CurrentTime&, const Expression&, const Scope&);
  Value node(const Grouping&, const Expression&, const Scope&);
  Value node(const FunctionCall&, const Expression&, const Scope&);
  Value node(const JsonCall&, const Expression&, const Scope&);

  std::optional<Value> named_column(const std::string& name, const Expression& at, const Scope& scope);
  std::optional<Value> qualified_column(const std::vector<std::string>& parts, const Expression& at,
                                        const Scope& scope);
  Value use_field(const Field& field, const Expression& at, const Scope& scope);
  Value field_of(const Value& row, const std::string& name, const Expression& at);
  // The values in one type; fails with `what` ("All ARRAY elements must be the same type ...") at the first that does
  // not fit.
  Type common_type_of(const std::vector<Value>& values, const std::vector<const Expression*>& at,
                      const std::string& what);
  std::vector<Value> printed(const std::vector<ExpressionPtr>& expressions, const Scope& scope);
  std::pair<Value, Value> comparable(const Value& left, const Value& right, const std::string& op, Position at);
  std::pair<std::string, std::string> compared_sql(const Value& left, const Value& right);
  Value subquery_operand(const Query& query, const Scope& scope, const Value& value, std::string& left_sql,
                         Position at);

  const TableResolver& resolve_;
  const PrintOptions& options_;
  Style style_;
  std::vector<CommonTableState> common_tables_;
  std::vector<LambdaParameter> lambda_parameters_;
  std::set<std::string> aliases_;  // lower-case
};

// ---- Operators by type (print_operator.cpp)
Value arithmetic(const Style& style, const std::string& op, const Value& left, const Value& right, Position at);
Value extracted(const Style& style, std::string_view field, const Value& value, Position at, Position value_at);
// a / b rounded half up as Trino divides decimals, into `type`. Both are SQL of decimals of the given types.
std::string decimal_quotient(const Style& style, const std::string& a, const Type& a_type, const std::string& b,
                             const Type& b_type, const Type& type);

// An expression as Trino's messages write it: (x + 1), count(*), upper(name).
std::string describe(const Expression& expression);

// Whether it holds an aggregate of its own (none inside subqueries, none inside a window's function).
bool has_aggregate(const Expression& expression);
bool has_window(const Expression& expression);

}  // namespace tarn::dialect
