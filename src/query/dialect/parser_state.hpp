// The parser itself, shared by its files: parser.cpp (tokens, errors, names, types), parse_expression.cpp,
// parse_call.cpp, parse_query.cpp, parse_statement.cpp and parse_hive.cpp.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "query/dialect/lexer.hpp"
#include "query/dialect/statement.hpp"

namespace tarn::dialect {

class Parser {
 public:
  Parser(std::string_view sql, Dialect dialect);

  // Each takes the whole text.
  Statement whole_statement();
  QueryPtr whole_query();
  ExpressionPtr whole_expression();
  std::optional<Type> whole_type();

  // What decides which grammar a statement is in, before it is parsed: Athena gives definitions to Hive and the rest to
  // Trino.
  static Dialect dialect_of(std::string_view sql);

 private:
  // Deeper trees are refused, since every later step walks them by recursion, as DuckDB does.
  static constexpr int max_nesting = 400;
  static constexpr int max_height = 1000;
  static constexpr int max_joins_and_set_operations = 1000;
  class Nesting {
   public:
    explicit Nesting(Parser& parser);
    ~Nesting() { parser_.nesting_--; }

   private:
    Parser& parser_;
  };
  // While the next token is the one at which it was made, errors name the rule alone (<expression>), not what it may
  // begin with.
  class Rule {
   public:
    Rule(Parser& parser, std::string_view name);
    ~Rule() { parser_.quiet_at_ = before_; }

   private:
    Parser& parser_;
    size_t before_;
  };

  class Parentheses {
   public:
    explicit Parentheses(Parser& parser) : parser_(parser) { parser_.open_parentheses_++; }
    ~Parentheses() { parser_.open_parentheses_--; }

   private:
    Parser& parser_;
  };

  // ---- Tokens (parser.cpp). A word is given in upper case, a symbol as it is.
  const Token& token(size_t ahead = 0) const { return tokens_[std::min(next_ + ahead, tokens_.size() - 1)]; }
  Position here() const { return token().at; }
  bool looks_at(std::string_view what, size_t ahead = 0) const;  // records nothing
  bool at(std::string_view what);                                // records what was looked for, for the error message
  bool accept(std::string_view what);
  void expect(std::string_view what);
  template <class... Words>
  bool accept_all(std::string_view first, Words... rest) {  // all or nothing; one error names the first
    if (!at(first)) return false;
    if (!looks_like(1, rest...)) return false;
    next_ += 1 + sizeof...(rest);
    return true;
  }
  bool looks_like(size_t) const { return true; }
  template <class... Words>
  bool looks_like(size_t ahead, std::string_view first, Words... rest) const {
    return looks_at(first, ahead) && looks_like(ahead + 1, rest...);
  }
  void record(std::string_view expected);
  [[noreturn]] void fail();
  [[noreturn]] void fail_at(Position at, const std::string& message, const std::string& code = "SYNTAX_ERROR") const;
  std::string text_since(const Position& start) const;  // the source up to the token just taken

  // ---- Names and types (parser.cpp)
  bool at_identifier();  // records <identifier>
  bool is_identifier(size_t ahead = 0) const;
  Identifier identifier();
  std::vector<Identifier> identifier_list();  // ( a, b )
  TableReference table_name();
  std::string text();  // a text literal
  int small_number();
  TypeName type_name();
  Type type(std::string& unknown);
  Type base_type(std::string& unknown);
  Type row_type_fields(std::string& unknown);
  Type timed_type(std::string& unknown);
  std::string interval_field();

  // ---- Expressions (parse_expression.cpp, parse_call.cpp)
  template <class Node>
  ExpressionPtr make(Position at, Node node) {
    auto expression = std::make_unique<Expression>();
    expression->at = at;
    expression->node = std::move(node);
    return expression;
  }
  // Sets the height of an expression over these, which were parsed outside primary_start().
  ExpressionPtr raise(ExpressionPtr expression, int below);
  void count_join_or_set_operation();
  ExpressionPtr expression();
  std::vector<ExpressionPtr> expression_list(std::string_view closing);  // e, e closing
  ExpressionPtr logical(bool is_and);
  ExpressionPtr logical_not();
  ExpressionPtr predicated();
  ExpressionPtr predicate(ExpressionPtr value);
  ExpressionPtr comparison(ExpressionPtr value);
  ExpressionPtr negatable_predicate(ExpressionPtr value, bool negated);
  ExpressionPtr value();           // no predicate: what stands around BETWEEN's AND
  ExpressionPtr chain(int level);  // left-associative: 0 is ||, 1 is + -, 2 is * / %
  ExpressionPtr signed_value();
  ExpressionPtr with_time_zone();
  ExpressionPtr primary();
  ExpressionPtr primary_start();
  ExpressionPtr literal();  // null when none is there
  ExpressionPtr number();
  ExpressionPtr keyword_primary();  // null when none is there
  ExpressionPtr current_value();
  ExpressionPtr case_expression();
  ExpressionPtr cast(bool is_try);
  ExpressionPtr interval();
  ExpressionPtr parenthesized();
  bool lambda_ahead() const;
  ExpressionPtr lambda();
  bool query_ahead() const;  // SELECT, VALUES, TABLE or WITH, also behind parentheses
  ExpressionPtr name_or_call();
  ExpressionPtr call(Position at, std::string name);
  void call_arguments(FunctionCall& call);
  void call_tail(FunctionCall& call);
  ExpressionPtr
  special_call();  // EXTRACT, TRIM, SUBSTRING, POSITION, NORMALIZE, GROUPING, LISTAGG, JSON_*; null when none is there
  ExpressionPtr extract();
  ExpressionPtr trim();
  ExpressionPtr substring();
  ExpressionPtr position();
  ExpressionPtr normalize();
  ExpressionPtr grouping();
  ExpressionPtr listagg();
  ExpressionPtr json_call();
  void json_behaviours(JsonCall& call);
  ExpressionPtr json_object();
  ExpressionPtr json_array();
  void json_nulls_and_returning(JsonCall& call);
  WindowSpecification over();
  WindowSpecification window_specification();
  WindowFrame window_frame();
  FrameBound frame_bound();
  std::vector<SortItem> sort_items();

  // ---- Queries (parse_query.cpp)
  QueryPtr query();
  QueryPtr query_without_with();
  With with();
  QueryBodyPtr query_term();
  QueryBodyPtr intersect_term();
  QueryBodyPtr query_primary();
  template <class Node>
  QueryBodyPtr make_body(Position at, Node node) {
    auto body = std::make_unique<QueryBody>();
    body->at = at;
    body->node = std::move(node);
    return body;
  }
  QueryBodyPtr set_operation(SetOperation::Kind kind, QueryBodyPtr left, Position op_at);
  void limits(Query& query);
  ExpressionPtr row_count();
  Select select();
  SelectItem select_item();
  void group_by(Select& select);
  std::vector<ExpressionPtr> grouping_set();
  RelationPtr relation();
  RelationPtr joined(RelationPtr left);
  RelationPtr sampled_relation();
  RelationPtr primary_relation();
  RelationPtr table_relation();
  void relation_alias(Relation& relation);
  bool can_alias(size_t ahead = 0) const;

  // ---- Statements of Trino's SQL (parse_statement.cpp)
  Statement statement();
  CreateTableAs create_table_as();
  CreateView create_view(bool or_replace);
  InsertInto insert();
  Unload unload();
  Explain explain();
  Merge merge();
  MergeCase merge_case();
  Update update();
  std::vector<Property> properties();
  std::vector<ExpressionPtr> using_values();
  Statement nested_statement();

  // ---- Statements of Hive's DDL (parse_hive.cpp)
  Statement hive_statement();
  Statement hive_create();
  CreateExternalTable create_table(bool external);
  void table_clauses(CreateExternalTable& table);
  void row_format(CreateExternalTable& table);
  void partitioned_by(CreateExternalTable& table);
  void clustered_by(CreateExternalTable& table);
  std::vector<ColumnDefinition> column_definitions();
  ColumnDefinition column_definition();
  TypeName hive_type();
  CreateDatabase create_database();
  Statement hive_drop();
  Statement hive_show();
  Statement show_tables();
  Describe describe();
  Statement alter();
  AlterTable alter_table();
  AddPartitions add_partitions();
  DropPartitions drop_partitions();
  ChangeColumn change_column();
  PartitionSpec partition_spec(bool comparisons = false);
  std::string partition_value();
  Properties hive_properties();
  TableReference hive_table();

  std::string_view sql_;
  std::vector<Token> tokens_;
  size_t next_ = 0;
  int nesting_ = 0;
  int open_parentheses_ = 0;  // around the expression being read
  int parameters_ = 0;
  int highest_ = 0;  // of the expressions made since the innermost primary_start() began
  int joins_and_set_operations_ = 0;
  std::set<std::string> expected_;  // what would have been taken at tokens_[expected_at_]
  size_t expected_at_ = 0;
  size_t quiet_at_ = static_cast<size_t>(-1);
};

}  // namespace tarn::dialect
