// Queries: WITH, SELECT and its clauses, relations and joins, set operations, ORDER BY and limits.
#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/parser_state.hpp"

namespace tarn::dialect {

void Parser::count_join_or_set_operation() {
  if (++joins_and_set_operations_ > max_joins_and_set_operations) {
    throw Error(ErrorKind::caller, "STACK_OVERFLOW", "statement is too large (stack overflow during analysis)");
  }
}

QueryPtr Parser::query() {
  Nesting nesting(*this);
  Position start = here();
  std::optional<With> ctes;
  if (accept("WITH")) ctes = with();
  std::optional<Rule> rule;
  if (!ctes) rule.emplace(*this, "<query>");
  QueryPtr out = query_without_with();
  out->at = start;
  out->with = std::move(ctes);
  return out;
}

With Parser::with() {
  With out;
  out.recursive = accept("RECURSIVE");
  do {
    CommonTable table;
    table.name = identifier();
    if (at("(")) table.columns = identifier_list();
    expect("AS");
    expect("(");
    table.query = query();
    expect(")");
    out.tables.push_back(std::move(table));
  } while (accept(","));
  return out;
}

QueryPtr Parser::query_without_with() {
  auto out = std::make_unique<Query>();
  out->at = here();
  out->body = query_term();
  if (accept("ORDER")) {
    expect("BY");
    out->order_by = sort_items();
  }
  limits(*out);
  return out;
}

void Parser::limits(Query& query) {
  if (accept("OFFSET")) {
    query.offset = row_count();
    if (!accept("ROW")) accept("ROWS");
  }
  if (accept("LIMIT")) {
    if (!accept("ALL")) query.limit = row_count();
    return;
  }
  if (!accept("FETCH")) return;
  if (!accept("FIRST")) expect("NEXT");
  Position start = here();
  bool counted = token().kind == TokenKind::integer || looks_at("?");
  query.limit = counted ? row_count() : make(start, IntegerLiteral{"1"});
  if (!accept("ROW")) expect("ROWS");
  if (accept("ONLY")) return;
  expect("WITH");
  expect("TIES");
  query.with_ties = true;
}

ExpressionPtr Parser::row_count() {
  record("<integer>");
  if (token().kind != TokenKind::integer && !at("?")) fail();
  return literal();
}

QueryBodyPtr Parser::set_operation(SetOperation::Kind kind, QueryBodyPtr left, Position op_at) {
  count_join_or_set_operation();
  SetOperation node{};
  node.kind = kind;
  node.op_at = op_at;
  node.all = accept("ALL");
  if (!node.all) accept("DISTINCT");
  Position start = left->at;
  node.left = std::move(left);
  node.right = kind == SetOperation::Kind::intersect ? query_primary() : intersect_term();
  return make_body(start, std::move(node));
}

QueryBodyPtr Parser::query_term() {
  QueryBodyPtr left = intersect_term();
  while (true) {
    Position op_at = here();
    if (accept("UNION")) {
      left = set_operation(SetOperation::Kind::unite, std::move(left), op_at);
    } else if (accept("EXCEPT")) {
      left = set_operation(SetOperation::Kind::except, std::move(left), op_at);
    } else {
      return left;
    }
  }
}

QueryBodyPtr Parser::intersect_term() {
  QueryBodyPtr left = query_primary();
  while (true) {
    Position op_at = here();
    if (!accept("INTERSECT")) return left;
    left = set_operation(SetOperation::Kind::intersect, std::move(left), op_at);
  }
}

QueryBodyPtr Parser::query_primary() {
  Position start = here();
  if (accept("SELECT")) return make_body(start, select());
  if (accept("TABLE")) return make_body(start, TableBody{table_name()});
  if (accept("VALUES")) {
    Values node;
    do node.rows.push_back(expression());
    while (accept(","));
    return make_body(start, std::move(node));
  }
  expect("(");
  Nesting nesting(*this);
  QueryPtr inner = query_without_with();
  expect(")");
  return make_body(start, NestedQuery{std::move(inner)});
}

Select Parser::select() {
  Select out;
  if (at("DISTINCT")) {
    next_++;
    out.distinct = true;
  } else if (at("ALL") && !looks_at(",", 1) && !looks_at("FROM", 1)) {
    next_++;
  }
  do out.items.push_back(select_item());
  while (accept(","));
  if (accept("FROM")) {
    do out.from.push_back(relation());
    while (accept(","));
  }
  if (accept("WHERE")) out.where = expression();
  if (accept("GROUP")) {
    expect("BY");
    group_by(out);
  }
  if (accept("HAVING")) out.having = expression();
  if (accept("WINDOW")) {
    do {
      NamedWindow window;
      window.name = identifier();
      expect("AS");
      expect("(");
      window.window = window_specification();
      expect(")");
      out.windows.push_back(std::move(window));
    } while (accept(","));
  }
  return out;
}

SelectItem Parser::select_item() {
  SelectItem out;
  out.at = here();
  if (accept("*")) {
    out.all = true;
    return out;
  }
  out.expression = expression();
  if (looks_at(".") && looks_at("*", 1)) {
    next_ += 2;
    out.all = true;
    out.all_of = std::move(out.expression);
    if (accept("AS")) out.column_aliases = identifier_list();
    return out;
  }
  if (accept("AS")) {
    out.alias = identifier();
  } else {
    record("<identifier>");
    if (can_alias()) out.alias = identifier();
  }
  return out;
}

void Parser::group_by(Select& select) {
  if (accept("DISTINCT")) {
    select.group_by_distinct = true;
  } else if (looks_at("ALL") && !looks_at(",", 1) && token(1).kind != TokenKind::end) {
    next_++;
  }
  record("ALL");
  do {
    GroupingElement element;
    element.at = here();
    if (at("ROLLUP") || at("CUBE")) {
      element.kind = looks_at("ROLLUP") ? GroupingElement::Kind::rollup : GroupingElement::Kind::cube;
      next_++;
      expect("(");
      if (!accept(")")) {
        do element.sets.push_back(grouping_set());
        while (accept(","));
        expect(")");
      }
    } else if (at("GROUPING") && !looks_at("(", 1)) {
      next_++;
      expect("SETS");
      element.kind = GroupingElement::Kind::sets;
      expect("(");
      do element.sets.push_back(grouping_set());
      while (accept(","));
      expect(")");
    } else {
      element.sets.push_back(grouping_set());
    }
    select.group_by.push_back(std::move(element));
  } while (accept(","));
}

std::vector<ExpressionPtr> Parser::grouping_set() {
  std::vector<ExpressionPtr> out;
  record("(");
  if (looks_at("(") && looks_at(")", 1)) {
    next_ += 2;
    return out;
  }
  ExpressionPtr only = expression();
  // (a, b) came out as a row; one that was written ROW(a, b) is one expression.
  RowConstructor* row = std::get_if<RowConstructor>(&only->node);
  bool written_as_row = row && sql_.substr(only->at.offset).starts_with("(") == false;
  if (row && !written_as_row) return std::move(row->items);
  out.push_back(std::move(only));
  return out;
}

// ---- Relations

RelationPtr Parser::relation() {
  Nesting nesting(*this);
  return joined(sampled_relation());
}

RelationPtr Parser::joined(RelationPtr left) {
  while (true) {
    Position start = left->at;
    Join node{};
    bool natural = false;
    if (accept("CROSS")) {
      node.kind = Join::Kind::cross;
    } else {
      natural = accept("NATURAL");
      if (at("LEFT") || at("RIGHT") || at("FULL")) {
        node.kind = looks_at("LEFT") ? Join::Kind::left : looks_at("RIGHT") ? Join::Kind::right : Join::Kind::full;
        next_++;
        accept("OUTER");
      } else {
        node.kind = Join::Kind::inner;
        bool inner = accept("INNER");
        if (!at("JOIN") && !inner && !natural) return left;
      }
    }
    expect("JOIN");
    count_join_or_set_operation();
    node.natural = natural;
    node.left = std::move(left);
    bool plain = natural || node.kind == Join::Kind::cross;
    // ON belongs to the nearest join: a JOIN b JOIN c ON .. ON .. nests on the right.
    node.right = plain ? sampled_relation() : relation();
    if (!plain) {
      if (accept("ON")) {
        node.on = expression();
      } else {
        if (!at("USING")) {
          expected_ = {"'ON'", "'USING'"};
          fail();
        }
        next_++;
        node.using_columns = identifier_list();
      }
    }
    left = std::make_unique<Relation>();
    left->at = start;
    left->node = std::move(node);
  }
}

RelationPtr Parser::sampled_relation() {
  RelationPtr out = primary_relation();
  relation_alias(*out);
  if (at("MATCH_RECOGNIZE") && looks_at("(", 1)) fail_at(here(), "tarn has no MATCH_RECOGNIZE", "NOT_SUPPORTED");
  if (at("TABLESAMPLE")) {
    next_++;
    Relation::Sample sample{};
    if (accept("BERNOULLI")) {
      sample.bernoulli = true;
    } else {
      expect("SYSTEM");
    }
    expect("(");
    sample.percentage = expression();
    expect(")");
    out->sample = std::move(sample);
  }
  return out;
}

bool Parser::can_alias(size_t ahead) const {
  if (!is_identifier(ahead)) return false;
  // TABLESAMPLE and MATCH_RECOGNIZE are names too, but not where they begin their clause; LIMIT, OFFSET and FETCH
  // likewise.
  if (looks_at("TABLESAMPLE", ahead)) return !(looks_at("BERNOULLI", ahead + 1) || looks_at("SYSTEM", ahead + 1));
  if (looks_at("MATCH_RECOGNIZE", ahead)) return !looks_at("(", ahead + 1);
  if (looks_at("LIMIT", ahead) || looks_at("OFFSET", ahead)) {
    const Token& following = token(ahead + 1);
    return following.kind != TokenKind::integer && following.raw != "?" && !looks_at("ALL", ahead + 1);
  }
  if (looks_at("WINDOW", ahead))
    return !(is_identifier(ahead + 1) && looks_at("AS", ahead + 2) && looks_at("(", ahead + 3));
  if (looks_at("FETCH", ahead)) return !looks_at("FIRST", ahead + 1) && !looks_at("NEXT", ahead + 1);
  return true;
}

void Parser::relation_alias(Relation& relation) {
  bool with_as = accept("AS");
  record("<identifier>");
  if (!with_as && !can_alias()) return;
  if (relation.alias && !relation.alias->columns.empty()) {
    fail_at(here(), "tarn has no second alias for a relation that already has column aliases", "NOT_SUPPORTED");
  }
  RelationAlias alias;
  alias.name = identifier();
  if (at("(")) alias.columns = identifier_list();
  relation.alias = std::move(alias);
}

RelationPtr Parser::primary_relation() {
  auto out = std::make_unique<Relation>();
  out->at = here();
  if (accept("(")) {
    if (query_ahead()) {
      out->node = SubqueryRelation{query(), false};
      expect(")");
      return out;
    }
    record("<query>");
    RelationPtr inner = relation();
    expect(")");
    return inner;
  }
  if (accept("UNNEST")) {
    expect("(");
    Unnest node;
    node.arrays = expression_list(")");
    if (looks_like(0, "WITH", "ORDINALITY")) {
      next_ += 2;
      node.with_ordinality = true;
    }
    out->node = std::move(node);
    return out;
  }
  if (at("LATERAL") && looks_at("(", 1)) {
    next_ += 2;
    out->node = SubqueryRelation{query(), true};
    expect(")");
    return out;
  }
  if (at("JSON_TABLE")) fail_at(here(), "tarn has no JSON_TABLE", "NOT_SUPPORTED");
  if (at("TABLE") && looks_at("(", 1)) {
    next_ += 2;
    TableFunctionCall node;
    node.name = lower_case(identifier().name);
    while (accept(".")) node.name += "." + lower_case(identifier().name);
    expect("(");
    if (!accept(")")) node.arguments = expression_list(")");
    expect(")");
    out->node = std::move(node);
    return out;
  }
  return table_relation();
}

RelationPtr Parser::table_relation() {
  auto out = std::make_unique<Relation>();
  out->at = here();
  TableReference table = table_name();
  if (at("FOR") && (looks_at("TIMESTAMP", 1) || looks_at("VERSION", 1))) {
    table.as_of = looks_at("TIMESTAMP", 1) ? TableReference::AsOf::timestamp : TableReference::AsOf::version;
    next_ += 2;
    expect("AS");
    expect("OF");
    table.as_of_value = std::shared_ptr<Expression>(value().release());
  }
  out->node = std::move(table);
  return out;
}

}  // namespace tarn::dialect
