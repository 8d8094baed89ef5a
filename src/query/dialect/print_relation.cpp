// FROM: tables, subqueries, UNNEST, joins.
#include <algorithm>

#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

std::string field_name(const Type& row, size_t i) {
  return row.field_names[i].empty() ? "field" + std::to_string(i) : row.field_names[i];
}

}  // namespace

PrintedRelation Printer::from(const std::vector<RelationPtr>& relations, const Scope* outer) {
  PrintedRelation all;
  for (const RelationPtr& each : relations) {
    Scope before;
    before.fields = all.fields;
    before.outer = outer;
    PrintedRelation next = relation(*each, outer, &before);
    if (!all.sql.empty()) all.sql += next.lateral ? " CROSS JOIN LATERAL " : " CROSS JOIN ";
    all.sql += next.sql;
    for (Field& field : next.fields) all.fields.push_back(std::move(field));
  }
  return all;
}

PrintedRelation Printer::relation(const Relation& r, const Scope* outer, const Scope* lateral) {
  PrintedRelation out = unaliased(r, outer, lateral);
  if (r.sample) {
    Scope none;
    Value percentage = expression(*r.sample->percentage, none);
    if (!percentage.type.is_numeric() || !percentage.number) {
      fail(r.sample->percentage->at, "INVALID_ARGUMENTS", "Sample percentage should be a number between 0 and 100");
    }
    std::string number = describe(*r.sample->percentage);
    if (number.starts_with("DECIMAL '")) number = number.substr(9, number.size() - 10);
    if (std::holds_alternative<Join>(r.node)) unsupported(r.at, "TABLESAMPLE of a join");
    out.sql += std::string(" TABLESAMPLE ") + (r.sample->bernoulli ? "bernoulli(" : "system(") + number + " PERCENT)";
  }
  return out;
}

PrintedRelation Printer::unaliased(const Relation& r, const Scope* outer, const Scope* lateral) {
  if (auto* t = std::get_if<TableReference>(&r.node)) return table(*t, r);
  if (auto* s = std::get_if<SubqueryRelation>(&r.node)) return subquery(*s, r, outer, lateral);
  if (auto* u = std::get_if<Unnest>(&r.node)) return unnest(*u, r, lateral);
  if (auto* j = std::get_if<Join>(&r.node)) return join(*j, r, outer, lateral);
  return table_function(std::get<TableFunctionCall>(r.node), r, outer);
}

// The alias's names for the visible columns, and the alias as what they belong to.
void Printer::rename_columns(const Relation& r, PrintedRelation& printed, const std::string& alias) {
  for (Field& field : printed.fields) {
    field.relation = lower_case(alias);
    field.database.clear();
    field.catalog.clear();
  }
  if (!r.alias || r.alias->columns.empty()) return;
  size_t visible =
      std::count_if(printed.fields.begin(), printed.fields.end(), [](const Field& f) { return !f.hidden; });
  if (r.alias->columns.size() != visible) {
    fail(r.at, "MISMATCHED_COLUMN_ALIASES",
         "Column alias list has " + std::to_string(r.alias->columns.size()) + " entries but '" + lower_case(alias) +
             "' has " + std::to_string(visible) + " columns available");
  }
  size_t next = 0;
  for (Field& field : printed.fields) {
    if (!field.hidden) field.name = lower_case(r.alias->columns[next++].name);
  }
  // Column aliases hide the hidden columns.
  std::erase_if(printed.fields, [](const Field& f) { return f.hidden; });
}

PrintedRelation Printer::table(const TableReference& t, const Relation& r) {
  PrintedRelation out;
  const std::string name = r.alias ? r.alias->name.name : t.table;
  if (!t.catalog && !t.database) {
    for (auto known = common_tables_.rbegin(); known != common_tables_.rend(); ++known) {
      if (known->name != t.table) continue;
      std::string alias = quote_name(unique_alias(name));
      out.sql = known->sql_name + " AS " + alias;
      out.fields = known->columns;
      for (Field& field : out.fields) field.sql = alias + "." + field.sql;
      rename_columns(r, out, name);
      return out;
    }
  }
  std::optional<ResolvedTable> resolved = resolve_(t);
  std::string catalog = t.catalog.value_or(options_.catalog), database = t.database.value_or(options_.database);
  if (!resolved)
    fail(t.at, "TABLE_NOT_FOUND", "Table '" + catalog + "." + database + "." + t.table + "' does not exist");
  std::string alias = quote_name(unique_alias(name));
  out.sql = mark(t.at) + resolved->sql + " AS " + alias;
  for (const TableColumn& column : resolved->columns) {
    Field field;
    field.name = lower_case(column.name);
    field.type = column.type;
    field.sql = alias + "." + quote_name(column.name);
    field.hidden = column.hidden;
    out.fields.push_back(std::move(field));
  }
  rename_columns(r, out, name);
  if (!r.alias) {
    for (Field& field : out.fields) {
      field.database = lower_case(database);
      field.catalog = lower_case(catalog);
    }
  }
  return out;
}

PrintedRelation Printer::subquery(const SubqueryRelation& s, const Relation& r, const Scope* outer,
                                  const Scope* lateral) {
  PrintedQuery inner = query(*s.query, s.lateral ? lateral : outer);
  PrintedRelation out;
  out.lateral = s.lateral;
  std::string name = r.alias ? r.alias->name.name : "";
  std::string alias = quote_name(unique_alias(name.empty() ? "q" : name));
  out.sql = "(" + inner.sql + ") AS " + alias;
  out.fields = std::move(inner.columns);
  for (Field& field : out.fields) field.sql = alias + "." + field.sql;
  rename_columns(r, out, name);
  return out;
}

// (SELECT unnest(a) AS c0, unnest(b) AS c1): DuckDB fills the shorter list up with NULLs, as Trino does.
PrintedRelation Printer::unnest(const Unnest& u, const Relation& r, const Scope* lateral) {
  PrintedRelation out;
  std::string name = r.alias ? r.alias->name.name : "";
  std::string alias = quote_name(unique_alias(name.empty() ? "u" : name));
  std::string lists, lengths, items;
  size_t list_count = 0;
  bool rows = false;
  auto add_field = [&](const std::string& column_name, const Type& type, const std::string& sql) {
    Field field;
    field.name = column_name;
    field.type = type;
    field.sql = alias + "." + quote_name("c" + std::to_string(out.fields.size()));
    items += (items.empty() ? "" : ", ") + sql + " AS " + quote_name("c" + std::to_string(out.fields.size()));
    out.fields.push_back(std::move(field));
  };
  auto add_list = [&](const std::string& sql) {
    std::string list_name = "l" + std::to_string(list_count++);
    lists += (lists.empty() ? "" : ", ") + ("unnest(" + sql + ") AS " + quote_name(list_name));
    return "\"l\"." + quote_name(list_name);
  };
  Scope none;
  const Scope& scope = lateral ? *lateral : none;
  for (const ExpressionPtr& array : u.arrays) {
    Value value = expression(*array, scope);
    if (value.type.kind == TypeKind::map) {
      lengths += (lengths.empty() ? "" : ", ") + ("cardinality(" + value.sql + ")");
      add_field("", value.type.children[0], add_list("map_keys(" + value.sql + ")"));
      add_field("", value.type.children[1], add_list("map_values(" + value.sql + ")"));
      continue;
    }
    if (value.type.kind != TypeKind::array) {
      fail(array->at, "INVALID_FUNCTION_ARGUMENT", "Cannot unnest type: " + to_trino(value.type));
    }
    lengths += (lengths.empty() ? "" : ", ") + ("len(" + value.sql + ")");
    const Type& element = value.type.children[0];
    std::string item = add_list(value.sql);
    if (element.kind != TypeKind::row) {
      add_field("", element, item);
      continue;
    }
    rows = true;
    for (size_t i = 0; i < element.children.size(); i++) {
      add_field(element.field_names[i], element.children[i], "(" + item + ")." + quote_name(field_name(element, i)));
    }
  }
  if (u.with_ordinality) {
    std::string longest = u.arrays.size() == 1 ? lengths : "greatest(" + lengths + ")";
    add_field("", simple_type(TypeKind::bigint), add_list("range(1, CAST(" + longest + " AS BIGINT) + 1)"));
  }
  (void)rows;
  out.sql = "(SELECT " + items + " FROM (SELECT " + lists + ") AS \"l\") AS " + alias;
  out.lateral = lateral && !lateral->fields.empty();
  rename_columns(r, out, name);
  return out;
}

PrintedRelation Printer::join(const Join& j, const Relation& r, const Scope* outer, const Scope* lateral) {
  if (j.natural) fail(r.at, "NOT_SUPPORTED", "Natural join not supported");
  PrintedRelation left = relation(*j.left, outer, lateral);
  Scope before;
  before.fields = lateral ? lateral->fields : std::vector<Field>{};
  before.fields.insert(before.fields.end(), left.fields.begin(), left.fields.end());
  before.outer = outer;
  PrintedRelation right = relation(*j.right, outer, &before);
  PrintedRelation out;
  out.lateral = left.lateral;
  std::string condition;
  if (!j.using_columns.empty()) {
    condition = " ON " + join_using(j, left, right, out.fields);
  } else {
    for (PrintedRelation* side : {&left, &right}) {
      for (const Field& field : side->fields) out.fields.push_back(field);
    }
    if (j.on) {
      Scope scope;
      scope.fields = out.fields;
      scope.outer = outer;
      scope.scalar_clause = "JOIN clause";
      condition = " ON " + mark(j.on->at) + boolean(*j.on, scope, "JOIN ON clause").sql;
    }
  }
  static constexpr const char* words[] = {" CROSS JOIN ", " INNER JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN "};
  std::string word = words[static_cast<int>(j.kind)];
  if (right.lateral) {
    if (j.kind == Join::Kind::right || j.kind == Join::Kind::full) {
      fail(j.right->at, "INVALID_COLUMN_REFERENCE", "LATERAL reference not allowed in RIGHT and FULL JOIN");
    }
    word += "LATERAL ";
  }
  bool nested = std::holds_alternative<Join>(j.right->node);
  out.sql = left.sql + word + (nested ? "(" + right.sql + ")" : right.sql) + condition;
  if (r.alias) rename_columns(r, out, r.alias->name.name);
  return out;
}

// The columns of USING come first and once, and belong to neither side; then the rest of the left, then of the right.
std::string Printer::join_using(const Join& j, PrintedRelation& left, PrintedRelation& right,
                                std::vector<Field>& fields) {
  std::string condition;
  std::vector<Field> merged;
  for (const Identifier& column : j.using_columns) {
    std::string name = lower_case(column.name);
    auto take = [&](PrintedRelation& side, const char* which) {
      auto found = std::find_if(side.fields.begin(), side.fields.end(),
                                [&](const Field& f) { return f.name == name && !f.hidden; });
      if (found == side.fields.end()) {
        fail(column.at, "COLUMN_NOT_FOUND", "Column '" + name + "' is missing from " + which + " side of join");
      }
      auto again =
          std::find_if(found + 1, side.fields.end(), [&](const Field& f) { return f.name == name && !f.hidden; });
      if (again != side.fields.end()) fail(column.at, "AMBIGUOUS_NAME", "Column '" + name + "' is ambiguous");
      Field out = *found;
      side.fields.erase(found);
      return out;
    };
    Field a = take(left, "left"), b = take(right, "right");
    std::optional<Type> type = common_type(a.type, b.type);
    if (!type) {
      fail(column.at, "TYPE_MISMATCH",
           "Column Types of left and right side are not comparable: left: " + to_trino(a.type) +
               ", right: " + to_trino(b.type));
    }
    Value l{a.sql, a.type}, r{b.sql, b.type};
    auto [left_sql, right_sql] = compared_sql(l, r);
    condition += (condition.empty() ? "" : " AND ") + left_sql + " = " + right_sql;
    std::string from_left = coerced(style_, l, *type).sql, from_right = coerced(style_, r, *type).sql;
    Field out;
    out.name = name;
    out.type = *type;
    out.sql = j.kind == Join::Kind::full    ? "coalesce(" + from_left + ", " + from_right + ")"
              : j.kind == Join::Kind::right ? from_right
                                            : from_left;
    merged.push_back(std::move(out));
  }
  fields = std::move(merged);
  for (PrintedRelation* side : {&left, &right}) {
    for (const Field& field : side->fields) fields.push_back(field);
  }
  return condition;
}

PrintedRelation Printer::table_function(const TableFunctionCall& call, const Relation& r, const Scope*) {
  if (call.name != "sequence") fail(r.at, "FUNCTION_NOT_FOUND", "Table function '" + call.name + "' not registered");
  Scope none;
  std::vector<Value> arguments = printed(call.arguments, none);
  if (arguments.size() < 2 || arguments.size() > 3)
    fail(r.at, "INVALID_ARGUMENTS", "sequence takes a start, a stop and a step");
  std::string list;
  for (const Value& argument : arguments) {
    if (!argument.type.is_integral()) fail(r.at, "TYPE_MISMATCH", "sequence takes whole numbers");
    list += (list.empty() ? "" : ", ") + ("CAST(" + argument.sql + " AS BIGINT)");
  }
  PrintedRelation out;
  std::string name = r.alias ? r.alias->name.name : "sequence";
  std::string alias = quote_name(unique_alias(name));
  out.sql = "(SELECT unnest(generate_series(" + list + ")) AS \"sequential_number\") AS " + alias;
  Field field;
  field.name = "sequential_number";
  field.type = simple_type(TypeKind::bigint);
  field.sql = alias + ".\"sequential_number\"";
  out.fields.push_back(std::move(field));
  rename_columns(r, out, name);
  return out;
}

}  // namespace tarn::dialect
