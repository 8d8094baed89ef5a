// Statements of Trino's SQL, and those of Athena's own that follow its grammar: UNLOAD, OPTIMIZE, VACUUM.
#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/parser_state.hpp"

namespace tarn::dialect {

namespace {
template <class Node>
Statement wrap(Node node) {
  Statement out;
  out.node = std::move(node);
  return out;
}
}  // namespace

Statement Parser::statement() {
  if (looks_at("SELECT") || looks_at("WITH") || looks_at("VALUES") || looks_at("TABLE") || looks_at("("))
    return wrap(QueryStatement{query()});
  if (accept("CREATE")) {
    if (accept("OR")) {
      expect("REPLACE");
      expect("VIEW");
      return wrap(create_view(true));
    }
    if (accept("VIEW")) return wrap(create_view(false));
    expect("TABLE");
    return wrap(create_table_as());
  }
  if (accept("INSERT")) return wrap(insert());
  if (accept("DELETE")) {
    expect("FROM");
    Delete node;
    node.table = table_name();
    if (accept("WHERE")) node.where = expression();
    return wrap(std::move(node));
  }
  if (accept("UPDATE")) return wrap(update());
  if (accept("MERGE")) return wrap(merge());
  if (accept("UNLOAD")) return wrap(unload());
  if (accept("EXPLAIN")) return wrap(explain());
  if (accept("DROP")) {
    expect("VIEW");
    DropView node;
    if (accept("IF")) {
      expect("EXISTS");
      node.if_exists = true;
    }
    node.view = table_name();
    return wrap(std::move(node));
  }
  if (accept("PREPARE")) {
    Prepare node;
    node.name = identifier();
    expect("FROM");
    Position inner = here();
    node.statement = std::make_unique<Statement>(nested_statement());
    node.statement_text = text_since(inner);
    return wrap(std::move(node));
  }
  if (accept("EXECUTE")) {
    if (looks_at("IMMEDIATE") && token(1).kind == TokenKind::text) {
      next_++;
      ExecuteImmediate node;
      node.statement_text = text();
      node.parameters = using_values();
      return wrap(std::move(node));
    }
    record("IMMEDIATE");
    Execute node;
    node.name = identifier();
    node.parameters = using_values();
    return wrap(std::move(node));
  }
  if (accept("DEALLOCATE")) {
    expect("PREPARE");
    return wrap(Deallocate{identifier()});
  }
  if (accept("USE")) {
    Use node;
    node.database = lower_case(identifier().name);
    if (accept(".")) node.database = lower_case(identifier().name);
    return wrap(std::move(node));
  }
  if (looks_at("OPTIMIZE")) {
    next_++;
    Optimize node;
    node.table = table_name();
    for (std::string_view word : {"REWRITE", "DATA", "USING", "BIN_PACK"}) expect(word);
    if (accept("WHERE")) node.where = expression();
    return wrap(std::move(node));
  }
  if (looks_at("VACUUM")) {
    next_++;
    return wrap(Vacuum{table_name()});
  }
  for (std::string_view word : {"ALTER", "DESC", "DESCRIBE", "MSCK", "SHOW"})
    record(word);  // Hive's, but a statement may begin with them
  record("<query>");
  record("WITH");
  fail();
}

Statement Parser::nested_statement() {
  Nesting nesting(*this);
  return statement();
}

std::vector<ExpressionPtr> Parser::using_values() {
  std::vector<ExpressionPtr> out;
  if (!accept("USING")) return out;
  do out.push_back(expression());
  while (accept(","));
  return out;
}

std::vector<Property> Parser::properties() {
  std::vector<Property> out;
  expect("(");
  do {
    Property property;
    property.name = identifier();
    expect("=");
    property.value = expression();
    out.push_back(std::move(property));
  } while (accept(","));
  expect(")");
  return out;
}

CreateTableAs Parser::create_table_as() {
  CreateTableAs node;
  if (looks_like(0, "IF", "NOT", "EXISTS")) {
    next_ += 3;
    node.if_not_exists = true;
  }
  node.table = table_name();
  if (at("(")) node.columns = identifier_list();
  if (accept("COMMENT")) node.comment = text();
  if (accept("WITH")) node.properties = properties();
  expect("AS");
  bool in_parentheses = looks_at("(") && !query_ahead();
  if (in_parentheses) next_++;
  node.query = query();
  if (in_parentheses) expect(")");
  if (accept("WITH")) {
    if (accept("NO")) node.with_data = false;
    expect("DATA");
  }
  return node;
}

CreateView Parser::create_view(bool or_replace) {
  CreateView node;
  node.or_replace = or_replace;
  node.view = table_name();
  if (accept("COMMENT")) node.comment = text();
  if (accept("SECURITY")) {
    if (!accept("DEFINER")) expect("INVOKER");
  }
  expect("AS");
  Position start = here();
  node.query = query();
  node.query_text = text_since(start);
  return node;
}

InsertInto Parser::insert() {
  expect("INTO");
  InsertInto node;
  node.table = table_name();
  // A parenthesis begins the column list, or the query.
  if (at("(") && is_identifier(1)) node.columns = identifier_list();
  node.query = query();
  return node;
}

Unload Parser::unload() {
  Unload node;
  expect("(");
  node.query = query();
  expect(")");
  expect("TO");
  node.location = text();
  if (accept("WITH")) node.properties = properties();
  return node;
}

Explain Parser::explain() {
  Explain node;
  node.analyze = accept("ANALYZE");
  if (node.analyze) node.verbose = accept("VERBOSE");
  if (at("(") && (looks_at("FORMAT", 1) || looks_at("TYPE", 1))) {
    next_++;
    do {
      bool is_format = accept("FORMAT");
      if (!is_format) expect("TYPE");
      std::string& target = is_format ? node.format : node.type;
      target.clear();
      static constexpr std::string_view formats[] = {"TEXT", "GRAPHVIZ", "JSON"};
      static constexpr std::string_view types[] = {"LOGICAL", "DISTRIBUTED", "VALIDATE", "IO"};
      if (is_format) {
        for (std::string_view word : formats) {
          if (at(word)) target = word;
        }
      } else {
        for (std::string_view word : types) {
          if (at(word)) target = word;
        }
      }
      if (target.empty()) fail();
      next_++;
    } while (accept(","));
    expect(")");
  }
  node.statement = std::make_unique<Statement>(nested_statement());
  return node;
}

Update Parser::update() {
  Update node;
  node.table = table_name();
  expect("SET");
  do {
    Assignment assignment;
    assignment.column = identifier();
    expect("=");
    assignment.value = expression();
    node.assignments.push_back(std::move(assignment));
  } while (accept(","));
  if (accept("WHERE")) node.where = expression();
  return node;
}

Merge Parser::merge() {
  expect("INTO");
  Merge node;
  node.table = table_name();
  if (accept("AS") || is_identifier()) node.alias = identifier();
  expect("USING");
  node.source = relation();
  expect("ON");
  node.on = expression();
  do node.cases.push_back(merge_case());
  while (at("WHEN"));
  return node;
}

MergeCase Parser::merge_case() {
  MergeCase out;
  expect("WHEN");
  out.matched = !accept("NOT");
  expect("MATCHED");
  if (accept("AND")) out.condition = expression();
  expect("THEN");
  if (!out.matched) {
    out.action = MergeCase::Action::insert;
    expect("INSERT");
    std::vector<Identifier> columns;
    if (at("(")) columns = identifier_list();
    expect("VALUES");
    expect("(");
    Position values_at = here();
    std::vector<ExpressionPtr> values = expression_list(")");
    if (columns.empty()) {
      out.values = std::move(values);
      return out;
    }
    if (columns.size() != values.size()) fail_at(values_at, "Insert column name size does not match column value size");
    for (size_t i = 0; i < values.size(); i++) out.assignments.push_back(Assignment{columns[i], std::move(values[i])});
    return out;
  }
  if (accept("DELETE")) {
    out.action = MergeCase::Action::remove;
    return out;
  }
  expect("UPDATE");
  expect("SET");
  do {
    Assignment assignment;
    assignment.column = identifier();
    expect("=");
    assignment.value = expression();
    out.assignments.push_back(std::move(assignment));
  } while (accept(","));
  return out;
}

}  // namespace tarn::dialect
