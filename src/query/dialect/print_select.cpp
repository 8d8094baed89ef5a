// SELECT: its outputs, grouping, windows and order.
#include <algorithm>

#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

std::string output_name(const SelectItem& item, size_t index) {
  if (item.alias) return lower_case(item.alias->name);
  if (auto* name = std::get_if<NameExpression>(&item.expression->node)) return lower_case(name->name.name);
  if (auto* dereference = std::get_if<Dereference>(&item.expression->node)) return lower_case(dereference->field.name);
  return "_col" + std::to_string(index);
}

bool aggregates(const Select& select, const Query* query) {
  auto found = [](const ExpressionPtr& e) { return e && has_aggregate(*e); };
  if (!select.group_by.empty() || select.having) return true;
  for (const SelectItem& item : select.items) {
    if (found(item.expression)) return true;
  }
  if (!query) return false;
  return std::any_of(query->order_by.begin(), query->order_by.end(),
                     [&](const SortItem& item) { return found(item.key); });
}

std::optional<size_t> place_of(const Expression& expression) {
  auto* literal = std::get_if<IntegerLiteral>(&expression.node);
  if (!literal) return std::nullopt;
  return static_cast<size_t>(std::strtoull(literal->digits.c_str(), nullptr, 10));
}

// A constant would be read as a place in the SELECT, or refused.
std::string never_bare(const Value& value) {
  bool bare =
      value.number || value.text || value.type.kind == TypeKind::unknown || value.sql == "true" || value.sql == "false";
  return bare ? "CAST(" + value.sql + " AS " + to_duckdb(value.type) + ")" : value.sql;
}

}  // namespace

PrintedQuery Printer::select(const Select& select, Position at, const Query* q, const Scope* outer) {
  PrintedRelation source = from(select.from, outer);
  Scope scope;
  scope.fields = std::move(source.fields);
  scope.outer = outer;
  scope.windows = &select.windows;

  std::string where;
  if (select.where) {
    scope.scalar_clause = "WHERE clause";
    where = " WHERE " + mark(select.where->at) + boolean(*select.where, scope, "WHERE clause").sql;
    scope.scalar_clause = {};
  }

  bool order = q && !q->order_by.empty();
  Grouped grouped;
  std::string group;
  if (aggregates(select, q)) {
    group = group_by(select, scope, grouped);
    scope.grouped = &grouped;
  }
  std::vector<Output> items = outputs(select, scope);
  check_grouped(scope);
  std::string having;
  if (select.having) {
    if (has_window(*select.having)) {
      fail(select.having->at, "NESTED_WINDOW", "HAVING clause cannot contain window functions or row pattern measures");
    }
    having = " HAVING " + mark(select.having->at) + boolean(*select.having, scope, "HAVING clause").sql;
    check_grouped(scope);
  }
  std::vector<std::string> names = unique_names(items);
  std::string order_sql;
  if (order) order_sql = select_order(select, *q, scope, items, names);

  PrintedQuery out;
  out.sql = mark(at) + (select.distinct ? "SELECT DISTINCT " : "SELECT ");
  for (size_t i = 0; i < items.size(); i++) {
    const Value& value = items[i].value;
    std::string sql = value.loose || value.type.kind == TypeKind::unknown
                          ? "CAST(" + value.sql + " AS " + to_duckdb(value.type) + ")"
                          : value.sql;
    out.sql += (i > 0 ? ", " : "") + mark(items[i].at) + sql + " AS " + quote_name(names[i]);
    Field column;
    column.name = items[i].name;
    column.type = value.type;
    column.sql = quote_name(names[i]);
    out.columns.push_back(std::move(column));
    if (select.distinct && !is_comparable(value.type)) {
      fail(items[i].at, "TYPE_MISMATCH",
           "DISTINCT can only be applied to comparable types (actual: " + to_trino(value.type) + ")");
    }
  }
  if (!select.from.empty()) out.sql += " FROM " + source.sql;
  out.sql += where + group + having + order_sql;
  if (q) out.sql += limit_clause(*q);
  return out;
}

void Printer::check_grouped(const Scope& scope) const {
  if (!scope.grouped || scope.grouped->ungrouped.empty()) return;
  const Expression* first = scope.grouped->ungrouped.front();
  fail(first->at, "EXPRESSION_NOT_AGGREGATE",
       "'" + describe(*first) + "' must be an aggregate expression or appear in GROUP BY clause");
}

// ---- Outputs

std::vector<Printer::Output> Printer::outputs(const Select& select, const Scope& scope) {
  std::vector<Output> out;
  for (const SelectItem& item : select.items) {
    if (item.all) {
      if (!item.all_of && select.from.empty())
        fail(item.at, "COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause");
      all_columns(item, scope, out);
    } else {
      out.push_back(one_output(item, scope, out.size()));
    }
  }
  return out;
}

Printer::Output Printer::one_output(const SelectItem& item, const Scope& scope, size_t index) {
  Output out;
  out.value = expression(*item.expression, scope);
  out.name = output_name(item, index);
  out.expression = item.expression.get();
  out.at = item.at;
  return out;
}

void Printer::all_columns(const SelectItem& item, const Scope& scope, std::vector<Output>& out) {
  size_t before = out.size();
  std::vector<std::string> qualifier;
  for (const Expression* e = item.all_of.get(); e;) {
    if (auto* name = std::get_if<NameExpression>(&e->node)) {
      qualifier.insert(qualifier.begin(), lower_case(name->name.name));
      e = nullptr;
    } else if (auto* dereference = std::get_if<Dereference>(&e->node)) {
      qualifier.insert(qualifier.begin(), lower_case(dereference->field.name));
      e = dereference->base.get();
    } else {
      qualifier.clear();
      break;
    }
  }
  bool known = !item.all_of;
  for (const Field& field : scope.fields) {
    if (item.all_of) {
      size_t n = qualifier.size();
      bool fits = n > 0 && n <= 3 && field.relation == qualifier[n - 1] &&
                  (n < 2 || field.database == qualifier[n - 2]) && (n < 3 || field.catalog == qualifier[0]);
      if (!fits) continue;
      known = true;
    }
    if (field.hidden) continue;
    Output one;
    one.value = Value{field.sql, field.type};
    one.name = field.name.empty() ? "_col" + std::to_string(out.size()) : field.name;
    one.at = item.at;
    if (scope.grouped && !scope.grouped->tolerant && scope.grouped->keys.count(field.sql) == 0) {
      fail(item.at, "EXPRESSION_NOT_AGGREGATE", "Column '" + field.name + "' not in GROUP BY clause");
    }
    out.push_back(std::move(one));
  }
  if (!known) {
    // The fields of a row.
    bool is_name = qualifier.size() == 1;
    bool is_column = false;
    for (const Field& field : scope.fields) is_column = is_column || (is_name && field.name == qualifier[0]);
    if (!qualifier.empty() && is_name && !is_column)
      fail(item.at, "TABLE_NOT_FOUND", "Unable to resolve reference " + qualifier[0]);
    Value row = expression(*item.all_of, scope);
    if (row.type.kind != TypeKind::row)
      fail(item.at, "TYPE_MISMATCH", "Expression " + describe(*item.all_of) + " is not of type ROW");
    for (size_t i = 0; i < row.type.children.size(); i++) {
      Output one;
      std::string name = row.type.field_names[i];
      one.value = Value{"(" + row.sql + ")." + quote_name(name.empty() ? "field" + std::to_string(i) : name),
                        row.type.children[i]};
      one.name = name.empty() ? "_col" + std::to_string(out.size()) : name;
      one.at = item.at;
      out.push_back(std::move(one));
    }
  }
  if (item.column_aliases.empty()) return;
  if (item.column_aliases.size() != out.size() - before) {
    fail(item.at, "MISMATCHED_COLUMN_ALIASES",
         "Column alias list has " + std::to_string(item.column_aliases.size()) + " entries but relation has " +
             std::to_string(out.size() - before) + " columns");
  }
  for (size_t i = before; i < out.size(); i++) out[i].name = lower_case(item.column_aliases[i - before].name);
}

// Names that DuckDB can tell apart: a repeated one gets a number.
std::vector<std::string> Printer::unique_names(const std::vector<Output>& items) const {
  std::set<std::string> taken;
  for (const Output& item : items) taken.insert(item.name);
  std::set<std::string> used;
  std::vector<std::string> out;
  for (const Output& item : items) {
    std::string name = item.name;
    for (int i = 1; used.count(name) > 0 || (i > 1 && taken.count(name) > 0); i++)
      name = item.name + "_" + std::to_string(i);
    used.insert(name);
    out.push_back(name);
  }
  return out;
}

// ---- GROUP BY

Value Printer::group_key(const Expression& key, const Select& select, const Scope& scope) {
  Scope plain = scope;
  plain.grouped = nullptr;
  plain.scalar_clause = "GROUP BY clause";
  Value value;
  if (std::optional<size_t> place = place_of(key)) {
    // A place counts outputs: * stands for many.
    std::vector<Output> items = outputs(select, [&] {
      Scope any = scope;
      any.scalar_clause = {};
      return any;
    }());
    if (*place < 1 || *place > items.size()) {
      fail(key.at, "INVALID_COLUMN_REFERENCE",
           "GROUP BY position " + std::to_string(*place) + " is not in select list");
    }
    const Output& item = items[*place - 1];
    if (item.expression && (has_aggregate(*item.expression) || has_window(*item.expression))) {
      fail(key.at, "EXPRESSION_NOT_SCALAR",
           "GROUP BY clause cannot contain aggregations, window functions or grouping operations: [" +
               describe(*item.expression) + "]");
    }
    value = item.value;
  } else {
    value = expression(key, plain);
  }
  if (!is_comparable(value.type)) {
    fail(key.at, "TYPE_MISMATCH",
         to_trino(value.type) + " is not comparable, and therefore cannot be used in GROUP BY");
  }
  return value;
}

std::string Printer::group_by(const Select& select, const Scope& scope, Grouped& grouped) {
  if (select.group_by.empty()) return {};
  // Places are resolved in a scope where aggregates beside the key do no harm.
  Grouped anything;
  anything.tolerant = true;
  Scope tolerant = scope;
  tolerant.grouped = &anything;
  std::string sql;
  size_t sets = 0;
  for (const GroupingElement& element : select.group_by) {
    std::string one;
    for (const std::vector<ExpressionPtr>& set : element.sets) {
      std::string keys;
      for (const ExpressionPtr& key : set) {
        Value value = group_key(*key, select, tolerant);
        grouped.keys.insert(value.sql);
        keys += (keys.empty() ? "" : ", ") + mark(key->at) + never_bare(value);
      }
      bool whole = element.kind == GroupingElement::Kind::expressions && !set.empty();
      one += (one.empty() ? "" : ", ") + (whole ? keys : set.size() == 1 ? keys : "(" + keys + ")");
    }
    switch (element.kind) {
      case GroupingElement::Kind::expressions:
        break;
      case GroupingElement::Kind::rollup:
        one = one.empty() ? "()" : "ROLLUP (" + one + ")";
        break;
      case GroupingElement::Kind::cube:
        one = one.empty() ? "()" : "CUBE (" + one + ")";
        break;
      case GroupingElement::Kind::sets:
        one = "GROUPING SETS (" + one + ")";
        break;
    }
    sets += element.kind == GroupingElement::Kind::expressions ? 0 : 1;
    sql += (sql.empty() ? "" : ", ") + one;
  }
  if (select.group_by_distinct && sets > 1)
    unsupported(select.group_by[0].at, "GROUP BY DISTINCT over several grouping sets");
  return " GROUP BY " + sql;
}

// ---- ORDER BY

std::string Printer::select_order(const Select& select, const Query& q, const Scope& scope,
                                  const std::vector<Output>& items, const std::vector<std::string>& names) {
  std::vector<NamedOutput> named;
  for (const Output& item : items) named.push_back({item.name, item.value});
  Scope order_scope = scope;
  order_scope.outputs = &named;
  std::string out;
  for (const SortItem& item : q.order_by) {
    std::string sql;
    if (std::optional<size_t> place = place_of(*item.key)) {
      if (*place < 1 || *place > items.size()) {
        fail(item.key->at, "INVALID_COLUMN_REFERENCE",
             "ORDER BY position " + std::to_string(*place) + " is not in select list");
      }
      sql = std::to_string(*place);
      if (!is_orderable(items[*place - 1].value.type)) {
        fail(item.key->at, "TYPE_MISMATCH",
             "Type " + to_trino(items[*place - 1].value.type) +
                 " is not orderable, and therefore cannot be used in ORDER BY: " + describe(*item.key));
      }
    } else {
      size_t before = scope.grouped ? scope.grouped->ungrouped.size() : 0;
      Value key = expression(*item.key, order_scope);
      size_t same = items.size();
      for (size_t i = 0; i < items.size() && same == items.size(); i++) {
        if (items[i].value.sql == key.sql) same = i;
      }
      if (same < items.size() && scope.grouped) scope.grouped->ungrouped.resize(before);
      if (!is_orderable(key.type)) {
        fail(item.key->at, "TYPE_MISMATCH",
             "Type " + to_trino(key.type) +
                 " is not orderable, and therefore cannot be used in ORDER BY: " + describe(*item.key));
      }
      if (same < items.size()) {
        sql = std::to_string(same + 1);
      } else if (select.distinct) {
        fail(Position{}, "EXPRESSION_NOT_IN_DISTINCT",
             "For SELECT DISTINCT, ORDER BY expressions must appear in select list");
      } else {
        sql = key.type.kind == TypeKind::timestamp_with_zone ? instant_sql(key) : never_bare(key);
      }
    }
    out += (out.empty() ? " ORDER BY " : ", ") + mark(item.key->at) + sql + sort_suffix(item);
  }
  (void)names;
  check_grouped(scope);
  return out;
}

// ---- Windows

std::string Printer::window_sql(const WindowSpecification& window, const Scope& scope) {
  // A named window is written out where it is used.
  const WindowSpecification* base = nullptr;
  if (window.base) {
    for (size_t i = 0; scope.windows && i < scope.windows->size(); i++) {
      const NamedWindow& named = (*scope.windows)[i];
      if (same_name(named.name.name, window.base->name)) base = &named.window;
    }
    if (!base) fail(window.base->at, "INVALID_WINDOW_REFERENCE", "Cannot resolve WINDOW name " + window.base->name);
    if (base->base) unsupported(window.base->at, "a named window that refines another");
  }
  std::string out;
  const std::vector<ExpressionPtr>& partition =
      base && !base->partition_by.empty() ? base->partition_by : window.partition_by;
  for (const ExpressionPtr& key : partition) {
    Value value = expression(*key, scope);
    if (!is_comparable(value.type)) {
      fail(key->at, "TYPE_MISMATCH",
           to_trino(value.type) + " is not comparable, and therefore cannot be used in window function PARTITION BY");
    }
    out += (out.empty() ? "PARTITION BY " : ", ") + value.sql;
  }
  const std::vector<SortItem>& order = base && !base->order_by.empty() ? base->order_by : window.order_by;
  if (!order.empty()) out += (out.empty() ? "ORDER BY " : " ORDER BY ") + sort_sql(order, scope);
  const std::optional<WindowFrame>& frame = window.frame ? window.frame : base ? base->frame : window.frame;
  if (frame) out += (out.empty() ? "" : " ") + frame_sql(*frame, scope);
  return out;
}

std::string Printer::frame_sql(const WindowFrame& frame, const Scope& scope) {
  using Kind = FrameBound::Kind;
  auto bound = [&](const FrameBound& b) -> std::string {
    switch (b.kind) {
      case Kind::unbounded_preceding:
        return "UNBOUNDED PRECEDING";
      case Kind::unbounded_following:
        return "UNBOUNDED FOLLOWING";
      case Kind::current_row:
        return "CURRENT ROW";
      case Kind::preceding:
        return expression(*b.value, scope).sql + " PRECEDING";
      case Kind::following:
        return expression(*b.value, scope).sql + " FOLLOWING";
    }
    return {};
  };
  static constexpr const char* units[] = {"RANGE", "ROWS", "GROUPS"};
  std::string unit = units[static_cast<int>(frame.unit)];
  Position at = frame.start.value ? frame.start.value->at : Position{};
  if (frame.start.kind == Kind::unbounded_following)
    fail(at, "INVALID_WINDOW_FRAME", "Window frame start cannot be UNBOUNDED FOLLOWING");
  if (frame.end && frame.end->kind == Kind::unbounded_preceding)
    fail(at, "INVALID_WINDOW_FRAME", "Window frame end cannot be UNBOUNDED PRECEDING");
  if (frame.start.kind == Kind::following && (!frame.end || frame.end->kind == Kind::current_row)) {
    fail(at, "INVALID_WINDOW_FRAME", "Window frame starting from FOLLOWING cannot end with CURRENT ROW");
  }
  // One bound alone ends at the current row.
  std::string end = frame.end ? bound(*frame.end) : "CURRENT ROW";
  return unit + " BETWEEN " + bound(frame.start) + " AND " + end;
}

}  // namespace tarn::dialect
