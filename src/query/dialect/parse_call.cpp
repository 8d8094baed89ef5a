// Function calls: the ordinary ones with their windows and filters, and those whose arguments have a grammar of their
// own.
#include "query/dialect/names.hpp"
#include "query/dialect/parser_state.hpp"

namespace tarn::dialect {

namespace {

ExpressionPtr call_of(Position at, std::string name, std::vector<ExpressionPtr> arguments) {
  FunctionCall call;
  call.name = std::move(name);
  call.arguments = std::move(arguments);
  auto out = std::make_unique<Expression>();
  out->at = at;
  out->node = std::move(call);
  return out;
}

std::vector<ExpressionPtr> list_of(ExpressionPtr first, ExpressionPtr second = nullptr, ExpressionPtr third = nullptr) {
  std::vector<ExpressionPtr> out;
  out.push_back(std::move(first));
  if (second) out.push_back(std::move(second));
  if (third) out.push_back(std::move(third));
  return out;
}

}  // namespace

ExpressionPtr Parser::name_or_call() {
  Position start = here();
  // A qualified name is a call when a parenthesis follows it.
  size_t dots = 0;
  while (is_identifier(2 * dots) && looks_at(".", 2 * dots + 1) && is_identifier(2 * dots + 2)) dots++;
  if (looks_at("(", 2 * dots + 1)) {
    std::string name = lower_case(identifier().name);
    for (size_t i = 0; i < dots; i++) {
      expect(".");
      name += "." + lower_case(identifier().name);
    }
    return call(start, std::move(name));
  }
  // DATE '2020-01-01': a type's name before a text.
  const Token& following = token(1);
  if (following.kind == TokenKind::text || following.kind == TokenKind::unicode_text) {
    Identifier name = identifier();
    TypeName type{Type{}, "", start};
    std::optional<Type> found = type_by_name(name.name, {});
    if (found) {
      type.type = *found;
    } else {
      type.unknown_name = lower_case(name.name);
    }
    return make(start, TypedLiteral{std::move(type), text()});
  }
  Identifier name = identifier();
  if (open_parentheses_ > 0) {
    for (std::string_view next : {"(", "->", "OVER", "<string>"}) record(next);
  }
  return make(start, NameExpression{std::move(name)});
}

ExpressionPtr Parser::call(Position at, std::string name) {
  FunctionCall node;
  node.name = std::move(name);
  expect("(");
  call_arguments(node);
  call_tail(node);
  return make(at, std::move(node));
}

void Parser::call_arguments(FunctionCall& call) {
  Parentheses inside(*this);
  record("ALL");
  if (accept(")")) return;
  if (accept("*")) {
    call.star = true;
    expect(")");
    return;
  }
  if (is_identifier() && looks_at(".", 1) && looks_at("*", 2)) {  // count(t.*)
    fail_at(here(), "label.* syntax is only supported as the only argument of row pattern count function");
  }
  if (accept("DISTINCT")) {
    call.distinct = true;
  } else if (looks_at("ALL") && !looks_at(",", 1) && !looks_at(")", 1)) {
    next_++;
  }
  if (call.distinct || !at("ORDER")) {
    do call.arguments.push_back(expression());
    while (accept(","));
  }
  if (accept("ORDER")) {
    expect("BY");
    call.order_by = sort_items();
  }
  expect(")");
}

void Parser::call_tail(FunctionCall& call) {
  if (looks_like(0, "FILTER", "(")) {
    next_++;
    expect("(");
    expect("WHERE");
    call.filter = expression();
    expect(")");
  }
  if ((looks_at("IGNORE") || looks_at("RESPECT")) && looks_at("NULLS", 1)) {
    call.nulls = looks_at("IGNORE") ? FunctionCall::Nulls::ignore : FunctionCall::Nulls::respect;
    next_ += 2;
    if (!at("OVER")) fail();
  }
  if (looks_at("OVER") && (looks_at("(", 1) || is_identifier(1))) {
    next_++;
    call.window = over();
  }
}

WindowSpecification Parser::over() {
  if (!accept("(")) {
    WindowSpecification named;
    named.base = identifier();
    return named;
  }
  WindowSpecification out = window_specification();
  expect(")");
  return out;
}

WindowSpecification Parser::window_specification() {
  WindowSpecification out;
  bool keyword = (looks_at("PARTITION") && looks_at("BY", 1)) || looks_at("ORDER") || looks_at("RANGE") ||
                 looks_at("ROWS") || looks_at("GROUPS");
  record("<identifier>");
  if (!keyword && is_identifier()) out.base = identifier();
  if (accept("PARTITION")) {
    expect("BY");
    do out.partition_by.push_back(expression());
    while (accept(","));
  }
  if (accept("ORDER")) {
    expect("BY");
    out.order_by = sort_items();
  }
  if (at("RANGE") || at("ROWS") || at("GROUPS")) out.frame = window_frame();
  return out;
}

WindowFrame Parser::window_frame() {
  WindowFrame out{};
  if (accept("RANGE")) {
    out.unit = WindowFrame::Unit::range;
  } else if (accept("ROWS")) {
    out.unit = WindowFrame::Unit::rows;
  } else {
    expect("GROUPS");
    out.unit = WindowFrame::Unit::groups;
  }
  if (!accept("BETWEEN")) {
    out.start = frame_bound();
    return out;
  }
  out.start = frame_bound();
  expect("AND");
  out.end = frame_bound();
  return out;
}

FrameBound Parser::frame_bound() {
  using Kind = FrameBound::Kind;
  if (accept("UNBOUNDED")) {
    if (accept("PRECEDING")) return {Kind::unbounded_preceding, nullptr};
    expect("FOLLOWING");
    return {Kind::unbounded_following, nullptr};
  }
  if (looks_like(0, "CURRENT", "ROW")) {
    next_ += 2;
    return {Kind::current_row, nullptr};
  }
  record("CURRENT");
  ExpressionPtr distance = expression();
  if (accept("PRECEDING")) return {Kind::preceding, std::move(distance)};
  expect("FOLLOWING");
  return {Kind::following, std::move(distance)};
}

std::vector<SortItem> Parser::sort_items() {
  std::vector<SortItem> out;
  do {
    SortItem item;
    item.key = expression();
    if (accept("DESC")) {
      item.descending = true;
    } else {
      accept("ASC");
    }
    if (accept("NULLS")) {
      if (accept("FIRST")) {
        item.nulls = NullOrder::first;
      } else {
        expect("LAST");
        item.nulls = NullOrder::last;
      }
    }
    out.push_back(std::move(item));
  } while (accept(","));
  return out;
}

// ---- Calls with a grammar of their own

ExpressionPtr Parser::special_call() {
  const Token& found = token();
  if (found.kind != TokenKind::word || !looks_at("(", 1)) return nullptr;
  const std::string& word = found.value;
  if (word == "EXTRACT") return extract();
  if (word == "TRIM") return trim();
  if (word == "SUBSTRING") return substring();
  if (word == "POSITION") return position();
  if (word == "NORMALIZE") return normalize();
  if (word == "GROUPING") return grouping();
  if (word == "LISTAGG") return listagg();
  if (word == "JSON_VALUE" || word == "JSON_QUERY" || word == "JSON_EXISTS") return json_call();
  if (word == "JSON_OBJECT") return json_object();
  if (word == "JSON_ARRAY") return json_array();
  return nullptr;
}

ExpressionPtr Parser::extract() {
  Position start = here();
  next_ += 2;
  Identifier field = identifier();
  expect("FROM");
  Rule rule(*this, "<expression>");
  ExpressionPtr operand = value();
  expect(")");
  return make(start, Extract{std::move(field), std::move(operand)});
}

ExpressionPtr Parser::trim() {
  Position start = here();
  next_ += 2;
  std::string name = "trim";
  bool sided = true;
  if (accept("LEADING")) {
    name = "ltrim";
  } else if (accept("TRAILING")) {
    name = "rtrim";
  } else if (!accept("BOTH")) {
    sided = false;
  }
  ExpressionPtr first;
  if (!accept("FROM")) {
    first = value();
    if (accept("FROM")) {
      sided = true;
    } else if (sided) {
      fail();
    } else {
      ExpressionPtr characters = accept(",") ? value() : nullptr;
      expect(")");
      return call_of(start, name, list_of(std::move(first), std::move(characters)));
    }
  }
  ExpressionPtr source = value();
  expect(")");
  return call_of(start, name, list_of(std::move(source), std::move(first)));
}

ExpressionPtr Parser::substring() {
  Position start = here();
  next_ += 2;
  ExpressionPtr source = expression();
  bool sql_form = accept("FROM");
  if (!sql_form) expect(",");
  ExpressionPtr from = expression();
  ExpressionPtr length;
  if (accept(sql_form ? "FOR" : ",")) length = expression();
  expect(")");
  return call_of(start, "substring", list_of(std::move(source), std::move(from), std::move(length)));
}

ExpressionPtr Parser::position() {
  Position start = here();
  next_ += 2;
  ExpressionPtr sought = value();
  expect("IN");
  ExpressionPtr within = value();
  expect(")");
  return call_of(start, "position", list_of(std::move(sought), std::move(within)));
}

ExpressionPtr Parser::normalize() {
  Position start = here();
  next_ += 2;
  ExpressionPtr source = value();
  std::string form = "NFC";
  if (accept(",")) {
    for (std::string_view candidate : {"NFD", "NFC", "NFKD", "NFKC"}) {
      if (at(candidate)) form = std::string(candidate);
    }
    if (!looks_at(form)) fail();
    next_++;
  }
  expect(")");
  return call_of(start, "normalize", list_of(std::move(source), make(start, StringLiteral{form})));
}

ExpressionPtr Parser::grouping() {
  Position start = here();
  next_ += 2;
  Grouping node;
  if (!accept(")")) {
    do {
      Position at = here();
      ExpressionPtr column = make(at, NameExpression{identifier()});
      while (accept(".")) column = make(at, Dereference{std::move(column), identifier()});
      node.columns.push_back(std::move(column));
    } while (accept(","));
    expect(")");
  }
  return make(start, std::move(node));
}

ExpressionPtr Parser::listagg() {
  Position start = here();
  next_ += 2;
  FunctionCall node;
  node.name = "listagg";
  if (accept("DISTINCT")) {
    node.distinct = true;
  } else {
    accept("ALL");
  }
  node.arguments.push_back(expression());
  Position separator_at = here();
  node.arguments.push_back(make(separator_at, StringLiteral{accept(",") ? text() : std::string()}));
  if (accept("ON")) {
    expect("OVERFLOW");
    if (accept("ERROR")) {
      node.overflow = "ERROR";
    } else {
      expect("TRUNCATE");
      node.overflow = "TRUNCATE";
      if (token().kind == TokenKind::text) next_++;
      if (!accept("WITH")) expect("WITHOUT");
      expect("COUNT");
    }
  }
  expect(")");
  expect("WITHIN");
  expect("GROUP");
  expect("(");
  expect("ORDER");
  expect("BY");
  node.order_by = sort_items();
  expect(")");
  call_tail(node);
  return make(start, std::move(node));
}

// ---- The JSON functions of the standard

ExpressionPtr Parser::json_call() {
  Position start = here();
  JsonCall node;
  node.name = lower_case(token().raw);
  next_ += 2;
  node.input = expression();
  if (accept("FORMAT")) expect("JSON");
  expect(",");
  node.path = text();
  if (at("PASSING")) fail_at(here(), "tarn has no PASSING in JSON functions", "NOT_SUPPORTED");
  if (accept("RETURNING")) {
    node.returning = type_name();
    if (accept("FORMAT")) expect("JSON");
  }
  if (node.name == "json_query" && (at("WITH") || at("WITHOUT"))) {
    node.wrapper = accept("WITHOUT") ? "WITHOUT" : (expect("WITH"), "WITH");
    if (accept("CONDITIONAL")) {
      node.wrapper = "CONDITIONAL";
    } else {
      accept("UNCONDITIONAL");
    }
    accept("ARRAY");
    expect("WRAPPER");
  }
  if (node.name == "json_query" && (at("KEEP") || at("OMIT"))) {
    node.omit_quotes = looks_at("OMIT");
    next_++;
    expect("QUOTES");
    if (accept("ON")) {
      expect("SCALAR");
      expect("TEXT_STRING");
    }
  }
  json_behaviours(node);
  expect(")");
  return make(start, std::move(node));
}

void Parser::json_behaviours(JsonCall& call) {
  while (!at(")")) {
    std::string behaviour;
    ExpressionPtr otherwise;
    if (accept("DEFAULT")) {
      behaviour = "DEFAULT";
      otherwise = expression();
    } else if (accept("EMPTY")) {
      behaviour = accept("ARRAY") ? "EMPTY ARRAY" : (expect("OBJECT"), "EMPTY OBJECT");
    } else {
      for (std::string_view word : {"ERROR", "NULL", "TRUE", "FALSE", "UNKNOWN"}) {
        if (at(word)) behaviour = std::string(word);
      }
      if (behaviour.empty()) fail();
      next_++;
    }
    expect("ON");
    if (call.on_empty.empty() && call.on_error.empty() && accept("EMPTY")) {
      call.on_empty = behaviour;
      call.empty_default = std::move(otherwise);
    } else {
      expect("ERROR");
      call.on_error = behaviour;
      call.error_default = std::move(otherwise);
      return;
    }
  }
}

ExpressionPtr Parser::json_object() {
  Position start = here();
  JsonCall node;
  node.name = "json_object";
  next_ += 2;
  if (!at(")") && !at("RETURNING") && !(looks_at("NULL") && looks_at("ON", 1)) && !looks_at("ABSENT")) {
    do {
      if (looks_at("KEY") && !looks_at(":", 1) && !looks_at("VALUE", 1)) next_++;
      ExpressionPtr key = expression();
      if (!accept(":")) expect("VALUE");
      ExpressionPtr member = expression();
      if (accept("FORMAT")) expect("JSON");
      node.members.emplace_back(std::move(key), std::move(member));
    } while (accept(","));
  }
  json_nulls_and_returning(node);
  return make(start, std::move(node));
}

ExpressionPtr Parser::json_array() {
  Position start = here();
  JsonCall node;
  node.name = "json_array";
  node.absent_on_null = true;
  next_ += 2;
  if (!at(")") && !at("RETURNING")) {
    do {
      ExpressionPtr member = expression();
      if (accept("FORMAT")) expect("JSON");
      node.members.emplace_back(nullptr, std::move(member));
    } while (accept(","));
  }
  json_nulls_and_returning(node);
  return make(start, std::move(node));
}

void Parser::json_nulls_and_returning(JsonCall& call) {
  if (at("NULL") || at("ABSENT")) {
    call.absent_on_null = looks_at("ABSENT");
    next_++;
    expect("ON");
    expect("NULL");
  }
  if (call.name == "json_object" && (at("WITH") || at("WITHOUT"))) {
    call.unique_keys = looks_at("WITH");
    next_++;
    expect("UNIQUE");
    accept("KEYS");
  }
  if (accept("RETURNING")) {
    call.returning = type_name();
    if (accept("FORMAT")) expect("JSON");
  }
  expect(")");
}

}  // namespace tarn::dialect
