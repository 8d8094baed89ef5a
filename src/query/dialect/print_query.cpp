// Queries around a SELECT: WITH, set operations, VALUES, ORDER BY and limits.
#include <algorithm>

#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

PrintedQuery Printer::query(const Query& q, const Scope* outer) {
  size_t tables_before = common_tables_.size();
  std::string prefix;
  if (q.with) prefix = with(*q.with, outer);
  PrintedQuery out;
  if (q.with_ties) unsupported(q.at, "FETCH FIRST ... WITH TIES");
  if (std::holds_alternative<Select>(q.body->node)) {
    out = body(*q.body, &q, outer);  // its ORDER BY sees the columns of FROM too
  } else {
    out = body(*q.body, nullptr, outer);
    bool ordered = !q.order_by.empty() || q.limit || q.offset;
    if (ordered) {
      if (std::holds_alternative<NestedQuery>(q.body->node)) out.sql = "(" + out.sql + ")";
      if (!q.order_by.empty()) {
        // Over the outputs alone, by name or place; anything else is computed over the query as a table.
        std::string alias = unique_alias("q");
        PrintedQuery inner = out;
        std::string items;
        for (Field& column : inner.columns) {
          std::string name = column.sql;
          column.sql = quote_name(alias) + "." + name;
          items += (items.empty() ? "" : ", ") + column.sql + " AS " + name;
        }
        out.sql = "SELECT " + items + " FROM (" + out.sql + ") AS " + quote_name(alias) +
                  order_by_outputs(q.order_by, inner, outer);
      }
      out.sql += limit_clause(q);
    }
  }
  out.sql = prefix + out.sql;
  common_tables_.resize(tables_before);
  return out;
}

// ---- WITH

std::string Printer::with(const With& with, const Scope* outer) {
  std::string sql;
  size_t first = common_tables_.size();
  bool recursive = false;
  for (const CommonTable& table : with.tables) {
    std::string name = lower_case(table.name.name);
    for (size_t i = first; i < common_tables_.size(); i++) {
      if (common_tables_[i].name == name) {
        fail(table.name.at, "DUPLICATE_NAMED_QUERY", "WITH query name '" + name + "' specified more than once");
      }
    }
    auto* steps = std::get_if<SetOperation>(&table.query->body->node);
    bool recurses = with.recursive && steps && steps->kind == SetOperation::Kind::unite && !table.query->with &&
                    table.query->order_by.empty();
    std::string one = recurses ? recursive_table(table, *steps, outer) : common_table(table, false, outer);
    recursive = recursive || recurses;
    sql += (sql.empty() ? "" : ", ") + one;
  }
  return std::string(recursive ? "WITH RECURSIVE " : "WITH ") + sql + " ";
}

void Printer::check_column_aliases(const CommonTable& table, size_t columns) {
  if (!table.columns.empty() && table.columns.size() != columns) {
    fail(table.name.at, "MISMATCHED_COLUMN_ALIASES",
         "Column alias list has " + std::to_string(table.columns.size()) + " entries but relation has " +
             std::to_string(columns) + " columns");
  }
}

std::string Printer::common_table(const CommonTable& table, bool, const Scope* outer) {
  PrintedQuery printed = query(*table.query, outer);
  check_column_aliases(table, printed.columns.size());
  CommonTableState state;
  state.name = lower_case(table.name.name);
  // A name that no base table has, so that the engine's own names are not caught by it.
  state.sql_name = quote_name(unique_alias(state.name + "@with"));
  state.columns = printed.columns;
  for (size_t i = 0; i < table.columns.size(); i++) state.columns[i].name = lower_case(table.columns[i].name);
  std::string sql = state.sql_name + " AS (" + printed.sql + ")";
  common_tables_.push_back(std::move(state));
  return sql;
}

// The first term says the columns and their types; the second sees the table.
std::string Printer::recursive_table(const CommonTable& table, const SetOperation& steps, const Scope* outer) {
  PrintedQuery base = body(*steps.left, nullptr, outer);
  check_column_aliases(table, base.columns.size());
  CommonTableState state;
  state.name = lower_case(table.name.name);
  state.sql_name = quote_name(unique_alias(state.name + "@with"));
  std::vector<Type> types;
  std::string names;
  for (size_t i = 0; i < base.columns.size(); i++) {
    Field column = base.columns[i];
    if (!table.columns.empty()) column.name = lower_case(table.columns[i].name);
    column.sql = quote_name("c" + std::to_string(i));
    names += (i > 0 ? ", " : "") + column.sql;
    types.push_back(column.type);
    state.columns.push_back(std::move(column));
  }
  std::string sql_name = state.sql_name;
  common_tables_.push_back(std::move(state));
  PrintedQuery step = body(*steps.right, nullptr, outer);
  bool fits = step.columns.size() == types.size();
  for (size_t i = 0; fits && i < types.size(); i++)
    fits = can_coerce(step.columns[i].type, types[i]) || (types[i].is_text() && step.columns[i].type.is_text());
  if (!fits)
    fail(steps.right->at, "TYPE_MISMATCH",
         "recursion step relation output type is not coercible to recursion base relation output type");
  step = cast_columns(std::move(step), types);
  return sql_name + "(" + names + ") AS ((" + base.sql + ") UNION " + (steps.all ? "ALL " : "") + "(" + step.sql + "))";
}

// ---- Bodies

PrintedQuery Printer::body(const QueryBody& b, const Query* q, const Scope* outer) {
  if (auto* s = std::get_if<Select>(&b.node)) return select(*s, b.at, q, outer);
  if (auto* s = std::get_if<SetOperation>(&b.node)) return set_operation(*s, outer);
  if (auto* v = std::get_if<Values>(&b.node)) return values(*v, b.at, outer);
  if (auto* t = std::get_if<TableBody>(&b.node)) return table_body(*t, b.at, outer);
  return query(*std::get<NestedQuery>(b.node).query, outer);
}

PrintedQuery Printer::cast_columns(PrintedQuery q, const std::vector<Type>& types) {
  bool same = true;
  for (size_t i = 0; i < types.size(); i++) {
    same = same && to_duckdb(q.columns[i].type) == to_duckdb(types[i]) && q.columns[i].type.zone == types[i].zone &&
           q.columns[i].type.kind == types[i].kind;
  }
  if (!same) {
    std::string items, alias = unique_alias("q");
    for (size_t i = 0; i < types.size(); i++) {
      Value value{quote_name(alias) + "." + q.columns[i].sql, q.columns[i].type};
      items += (i > 0 ? ", " : "") + coerced(style_, value, types[i]).sql + " AS " + q.columns[i].sql;
    }
    q.sql = "SELECT " + items + " FROM (" + q.sql + ") AS " + quote_name(alias);
  }
  for (size_t i = 0; i < types.size(); i++) q.columns[i].type = types[i];
  return q;
}

PrintedQuery Printer::set_operation(const SetOperation& operation, const Scope* outer) {
  PrintedQuery left = body(*operation.left, nullptr, outer);
  PrintedQuery right = body(*operation.right, nullptr, outer);
  using Kind = SetOperation::Kind;
  std::string name = operation.kind == Kind::unite       ? "UNION"
                     : operation.kind == Kind::intersect ? "INTERSECT"
                                                         : "EXCEPT";
  if (left.columns.size() != right.columns.size()) {
    fail(operation.op_at, "TYPE_MISMATCH",
         name + " query has different number of fields: " + std::to_string(left.columns.size()) + ", " +
             std::to_string(right.columns.size()));
  }
  std::vector<Type> types;
  for (size_t i = 0; i < left.columns.size(); i++) {
    std::optional<Type> type = common_type(left.columns[i].type, right.columns[i].type);
    if (!type) {
      fail(operation.op_at, "TYPE_MISMATCH",
           "column " + std::to_string(i + 1) + " in " + name + " query has incompatible types: " +
               to_trino(left.columns[i].type) + ", " + to_trino(right.columns[i].type));
    }
    types.push_back(*type);
  }
  left = cast_columns(std::move(left), types);
  right = cast_columns(std::move(right), types);
  PrintedQuery out;
  out.sql = "(" + left.sql + ") " + name + (operation.all ? " ALL (" : " (") + right.sql + ")";
  out.columns = std::move(left.columns);
  return out;
}

PrintedQuery Printer::values(const Values& v, Position at, const Scope* outer) {
  Scope scope;
  scope.outer = outer;
  scope.scalar_clause = "VALUES";
  std::vector<std::vector<Value>> rows;
  std::vector<Type> types;
  std::string first_row;
  for (const ExpressionPtr& row : v.rows) {
    std::vector<Value> values;
    if (auto* constructor = std::get_if<RowConstructor>(&row->node)) {
      values = printed(constructor->items, scope);
    } else {
      Value only = expression(*row, scope);
      if (only.type.kind == TypeKind::row) {
        for (size_t i = 0; i < only.type.children.size(); i++) {
          std::string name = only.type.field_names[i].empty() ? "field" + std::to_string(i) : only.type.field_names[i];
          values.push_back(Value{"(" + only.sql + ")." + quote_name(name), only.type.children[i]});
        }
      } else {
        values.push_back(std::move(only));
      }
    }
    if (!rows.empty() && values.size() != types.size()) {
      fail(at, "TYPE_MISMATCH",
           "Values rows have mismatched sizes: " + std::to_string(types.size()) + " vs " +
               std::to_string(values.size()));
    }
    std::string shown;
    for (size_t i = 0; i < values.size(); i++) shown += (i > 0 ? ", " : "") + to_trino(values[i].type);
    for (size_t i = 0; i < values.size(); i++) {
      if (rows.empty()) {
        types.push_back(values[i].type);
        continue;
      }
      std::optional<Type> type = common_type(types[i], values[i].type);
      if (!type)
        fail(at, "TYPE_MISMATCH", "Values rows have mismatched types: row(" + first_row + ") vs row(" + shown + ")");
      types[i] = *type;
    }
    if (rows.empty()) first_row = shown;
    rows.push_back(std::move(values));
  }
  std::string sql, names, items;
  for (const std::vector<Value>& row : rows) {
    std::string one;
    for (size_t i = 0; i < row.size(); i++) {
      Value value = coerced(style_, row[i], types[i]);
      if (row[i].number || row[i].loose) value.sql = "CAST(" + value.sql + " AS " + to_duckdb(types[i]) + ")";
      one += (i > 0 ? ", " : "") + value.sql;
    }
    sql += (sql.empty() ? "(" : ", (") + one + ")";
  }
  PrintedQuery out;
  std::string alias = quote_name(unique_alias("values"));
  for (size_t i = 0; i < types.size(); i++) {
    std::string name = "_col" + std::to_string(i);
    names += (i > 0 ? ", " : "") + quote_name(name);
    items += (i > 0 ? ", " : "") + alias + "." + quote_name(name);
    Field column;
    column.name = name;
    column.type = types[i];
    column.sql = quote_name(name);
    out.columns.push_back(std::move(column));
  }
  out.sql = "SELECT " + items + " FROM (VALUES " + sql + ") AS " + alias + "(" + names + ")";
  return out;
}

PrintedQuery Printer::table_body(const TableBody& b, Position at, const Scope*) {
  Relation relation;
  relation.at = at;
  PrintedRelation printed = table(b.table, relation);
  PrintedQuery out;
  std::string items;
  for (const Field& field : printed.fields) {
    if (field.hidden) continue;
    Field column = field;
    column.sql = quote_name(field.name);
    items += (items.empty() ? "" : ", ") + field.sql + " AS " + column.sql;
    out.columns.push_back(std::move(column));
  }
  out.sql = "SELECT " + items + " FROM " + printed.sql;
  return out;
}

// ---- ORDER BY, LIMIT

std::string Printer::sort_suffix(const SortItem& item) {
  return std::string(item.descending ? " DESC" : " ASC") +
         (item.nulls == NullOrder::first ? " NULLS FIRST" : " NULLS LAST");
}

std::string Printer::sort_sql(const std::vector<SortItem>& items, const Scope& scope) {
  std::string out;
  for (const SortItem& item : items) {
    Value key = expression(*item.key, scope);
    if (!is_orderable(key.type)) {
      fail(item.key->at, "TYPE_MISMATCH",
           "Type " + to_trino(key.type) +
               " is not orderable, and therefore cannot be used in ORDER BY: " + describe(*item.key));
    }
    // A bare number would be a place in the SELECT.
    std::string sql = key.number || key.text ? "CAST(" + key.sql + " AS " + to_duckdb(key.type) + ")" : key.sql;
    if (key.type.kind == TypeKind::timestamp_with_zone) sql = instant_sql(key);
    out += (out.empty() ? "" : ", ") + sql + sort_suffix(item);
  }
  return out;
}

std::string Printer::order_by_outputs(const std::vector<SortItem>& items, const PrintedQuery& q, const Scope* outer) {
  Scope scope;
  scope.outer = outer;
  scope.fields = q.columns;
  std::string out;
  for (const SortItem& item : items) {
    std::string sql;
    if (auto* place = std::get_if<IntegerLiteral>(&item.key->node)) {
      size_t i = static_cast<size_t>(std::strtoull(place->digits.c_str(), nullptr, 10));
      if (i < 1 || i > q.columns.size()) {
        fail(item.key->at, "INVALID_COLUMN_REFERENCE", "ORDER BY position " + place->digits + " is not in select list");
      }
      sql = q.columns[i - 1].sql + sort_suffix(item);
    } else {
      std::vector<SortItem> one(1);
      one[0].descending = item.descending;
      one[0].nulls = item.nulls;
      Value key = expression(*item.key, scope);
      sql = key.sql + sort_suffix(item);
    }
    out += (out.empty() ? " ORDER BY " : ", ") + sql;
  }
  return out;
}

std::string Printer::row_count(const Expression& count) {
  Scope none;
  const Expression* value = &count;
  if (auto* parameter = std::get_if<Parameter>(&count.node)) {
    if (static_cast<size_t>(parameter->index) < options_.parameters.size())
      value = options_.parameters[parameter->index];
  }
  Value printed_count = expression(*value, none);
  if (!printed_count.type.is_integral() || !printed_count.number || printed_count.sql[0] == '(') {
    fail(count.at, "INVALID_LIMIT_CLAUSE", "A number of rows must be a whole number that is not negative");
  }
  return printed_count.sql;
}

std::string Printer::limit_clause(const Query& q) {
  std::string out;
  if (q.limit) out += " LIMIT " + row_count(*q.limit);
  if (q.offset) out += " OFFSET " + row_count(*q.offset);
  return out;
}

}  // namespace tarn::dialect
