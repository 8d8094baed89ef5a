// The tree that the parser makes of a query or an expression of Trino's SQL. Statements stand in statement.hpp.
//
// Plain structs; a parent owns its children. Positions are where the thing begins in the text that was parsed.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "query/dialect/types.hpp"

namespace tarn::dialect {

struct Position {
  int line = 1;       // from 1
  int column = 1;     // from 1, in characters
  size_t offset = 0;  // in bytes
};

struct Expression;
struct Query;
struct Relation;
using ExpressionPtr = std::unique_ptr<Expression>;
using QueryPtr = std::unique_ptr<Query>;
using RelationPtr = std::unique_ptr<Relation>;

// A name. Names are compared without case, also quoted ones; `name` keeps the case that was written, without the
// quotes.
struct Identifier {
  std::string name;
  bool quoted = false;
  Position at;
};

// A table as written. Hidden suffixes ("t$partitions") stay in `table`. Lower-case, as the catalog's names are.
struct TableReference {
  std::optional<std::string> catalog;
  std::optional<std::string> database;
  std::string table;
  Position at;
  enum class AsOf { none, timestamp, version } as_of = AsOf::none;  // FOR TIMESTAMP | VERSION AS OF
  std::shared_ptr<Expression> as_of_value;
};

// A type as written in CAST and in column definitions. `unknown_name` is set where there is no such type.
struct TypeName {
  Type type;
  std::string unknown_name;
  Position at;
};

// ---- Expressions

struct NameExpression {
  Identifier name;
};
struct Dereference {
  ExpressionPtr base;
  Identifier field;
};
struct NullLiteral {};
struct BooleanLiteral {
  bool value;
};
struct StringLiteral {
  std::string value;
};
struct BinaryLiteral {
  std::string bytes;
};
struct IntegerLiteral {
  std::string digits;  // without underscores; may begin with 0x, 0o, 0b; a leading '-' belongs to it
};
struct DecimalLiteral {
  std::string text;
};
struct DoubleLiteral {
  std::string text;
};
struct TypedLiteral {  // DATE '2020-01-01', DECIMAL '1.5', JSON '{}'
  TypeName type;
  std::string value;
};
struct IntervalLiteral {
  bool negative = false;
  std::string value;
  std::string from;  // upper-case: YEAR, MONTH, DAY, HOUR, MINUTE, SECOND
  std::string to;    // "" when there is no TO
};
struct Parameter {
  int index;  // from 0, in the order of the text
};
struct Unary {
  char op;  // + -
  ExpressionPtr operand;
};
struct Binary {
  std::string op;  // + - * / % ||
  ExpressionPtr left, right;
};
struct Comparison {
  std::string op;  // = <> < <= > >=
  ExpressionPtr left, right;
};
struct Logical {
  bool is_and;
  std::vector<ExpressionPtr> terms;
};
struct Not {
  ExpressionPtr operand;
};
struct Between {
  ExpressionPtr value, low, high;
  bool negated;
};
struct InList {
  ExpressionPtr value;
  std::vector<ExpressionPtr> items;
  bool negated;
};
struct InSubquery {
  ExpressionPtr value;
  QueryPtr query;
  bool negated;
};
struct Like {
  ExpressionPtr value, pattern, escape;  // escape may be null
  bool negated;
};
struct IsNull {
  ExpressionPtr value;
  bool negated;
};
struct IsDistinctFrom {
  ExpressionPtr left, right;
  bool negated;
};
struct Exists {
  QueryPtr query;
};
struct QuantifiedComparison {
  std::string op;
  bool all;  // ALL; otherwise ANY or SOME
  ExpressionPtr value;
  QueryPtr query;
};
struct ScalarSubquery {
  QueryPtr query;
};
struct WhenClause {
  ExpressionPtr condition, result;
};
struct Case {
  ExpressionPtr operand;  // null for CASE WHEN
  std::vector<WhenClause> whens;
  ExpressionPtr otherwise;  // may be null
};
struct Cast {
  ExpressionPtr operand;
  TypeName type;
  bool is_try;
};
struct Extract {
  Identifier field;
  ExpressionPtr operand;
};
struct AtTimeZone {
  ExpressionPtr operand, zone;
};
struct ArrayConstructor {
  std::vector<ExpressionPtr> items;
};
struct RowConstructor {
  std::vector<ExpressionPtr> items;
};
struct Subscript {
  ExpressionPtr base, index;
};
struct Lambda {
  std::vector<Identifier> parameters;
  ExpressionPtr body;
};
struct CurrentTime {  // current_date, current_time, current_timestamp, localtime, localtimestamp, current_user,
                      // current_catalog, current_schema
  std::string name;   // lower-case
  std::optional<int> precision;
};
struct Grouping {
  std::vector<ExpressionPtr> columns;
};

enum class NullOrder : unsigned char { unset, first, last };
struct SortItem {
  ExpressionPtr key;
  bool descending = false;
  NullOrder nulls = NullOrder::unset;
};

struct FrameBound {
  enum class Kind { unbounded_preceding, preceding, current_row, following, unbounded_following } kind;
  ExpressionPtr value;  // of preceding and following
};
struct WindowFrame {
  enum class Unit { range, rows, groups } unit;
  FrameBound start;
  std::optional<FrameBound> end;
};
struct WindowSpecification {
  std::optional<Identifier> base;  // an existing window that this one refines, or is when nothing else is given
  std::vector<ExpressionPtr> partition_by;
  std::vector<SortItem> order_by;
  std::optional<WindowFrame> frame;
};

// Also TRIM(.. FROM ..), SUBSTRING(.. FROM ..), POSITION(.. IN ..), NORMALIZE and LISTAGG come out as calls: of trim,
// ltrim, rtrim, substring, position (whose arguments stand as in POSITION(a IN b)), normalize and listagg.
struct FunctionCall {
  std::string name;  // lower-case, with the dots of a qualified name
  std::vector<ExpressionPtr> arguments;
  bool star = false;  // f(*)
  bool distinct = false;
  std::vector<SortItem> order_by;  // in the call, or in WITHIN GROUP
  ExpressionPtr filter;
  std::optional<WindowSpecification> window;
  enum class Nulls : unsigned char { unset, ignore, respect } nulls = Nulls::unset;
  std::string overflow;  // LISTAGG: "" or "ERROR", or "TRUNCATE" (which the printer refuses)
};

// JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY of the SQL standard.
struct JsonCall {
  std::string name;  // lower-case
  ExpressionPtr input;
  std::string path;
  std::optional<TypeName> returning;
  std::string on_empty, on_error, wrapper;  // upper-case words, "" when not given
  ExpressionPtr empty_default, error_default;
  bool omit_quotes = false;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>>
      members;  // JSON_OBJECT's keys and values; JSON_ARRAY's values have no key
  bool absent_on_null = false;
  bool unique_keys = false;
};

struct Expression {
  Position at;  // as Trino's messages say it: of a binary operation and a predicate the operator's place, of all else
                // the first token's
  int height =
      1;  // of the tree below; the parser refuses too high ones, since all that comes later walks them by recursion
  std::variant<NameExpression, Dereference, NullLiteral, BooleanLiteral, StringLiteral, BinaryLiteral, IntegerLiteral,
               DecimalLiteral, DoubleLiteral, TypedLiteral, IntervalLiteral, Parameter, Unary, Binary, Comparison,
               Logical, Not, Between, InList, InSubquery, Like, IsNull, IsDistinctFrom, Exists, QuantifiedComparison,
               ScalarSubquery, Case, Cast, Extract, AtTimeZone, ArrayConstructor, RowConstructor, Subscript, Lambda,
               CurrentTime, Grouping, FunctionCall, JsonCall>
      node;
};

// ---- Relations

struct SubqueryRelation {
  QueryPtr query;
  bool lateral = false;
};
struct Unnest {
  std::vector<ExpressionPtr> arrays;
  bool with_ordinality = false;
};
struct Join {
  enum class Kind { cross, inner, left, right, full } kind;
  RelationPtr left, right;
  ExpressionPtr on;  // null when USING, NATURAL or CROSS
  std::vector<Identifier> using_columns;
  bool natural = false;
};
struct TableFunctionCall {  // TABLE(f(...))
  std::string name;
  std::vector<ExpressionPtr> arguments;
};
struct RelationAlias {
  Identifier name;
  std::vector<Identifier> columns;
};
struct Relation {
  Position at;
  std::variant<TableReference, SubqueryRelation, Unnest, Join, TableFunctionCall> node;
  std::optional<RelationAlias> alias;
  struct Sample {
    bool bernoulli;
    ExpressionPtr percentage;
  };
  std::optional<Sample> sample;
};

// ---- Queries

struct SelectItem {
  Position at;
  ExpressionPtr expression;  // null for *
  std::optional<Identifier> alias;
  bool all = false;                        // * or base.*
  ExpressionPtr all_of;                    // the base of base.*
  std::vector<Identifier> column_aliases;  // base.* AS (a, b)
};

struct GroupingElement {
  enum class Kind { expressions, rollup, cube, sets } kind = Kind::expressions;
  Position at;
  std::vector<std::vector<ExpressionPtr>> sets;  // expressions: one set
};

struct NamedWindow {
  Identifier name;
  WindowSpecification window;
};

struct Select {
  bool distinct = false;
  std::vector<SelectItem> items;
  std::vector<RelationPtr> from;
  ExpressionPtr where;
  std::vector<GroupingElement> group_by;
  bool group_by_distinct = false;
  ExpressionPtr having;
  std::vector<NamedWindow> windows;
};

struct QueryBody;
using QueryBodyPtr = std::unique_ptr<QueryBody>;
struct SetOperation {
  enum class Kind { unite, intersect, except } kind;
  bool all = false;
  QueryBodyPtr left, right;
  Position op_at;
};
struct Values {
  std::vector<ExpressionPtr> rows;  // a RowConstructor for more than one column
};
struct TableBody {  // TABLE t
  TableReference table;
};
struct NestedQuery {  // (SELECT ...)
  QueryPtr query;
};
struct QueryBody {
  Position at;
  std::variant<Select, SetOperation, Values, TableBody, NestedQuery> node;
};

struct CommonTable {
  Identifier name;
  std::vector<Identifier> columns;
  QueryPtr query;
};
struct With {
  bool recursive = false;
  std::vector<CommonTable> tables;
};

struct Query {
  Position at;
  std::optional<With> with;
  QueryBodyPtr body;
  std::vector<SortItem> order_by;
  ExpressionPtr offset;  // null when absent; an IntegerLiteral or Parameter
  ExpressionPtr limit;   // LIMIT or FETCH FIRST; null when absent or ALL
  bool with_ties = false;
};

}  // namespace tarn::dialect
