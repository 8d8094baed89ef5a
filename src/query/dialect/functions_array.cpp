// Arrays and maps (Trino's pages "Array functions and operators", "Map functions and operators", "Lambda expressions").
#include <algorithm>

#include "query/dialect/functions.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

// True when found; else NULL when a NULL might have been it.
std::string write_contains(Call& call) {
  const std::string &array = call.sql(0), &item = call.sql(1);
  return "CASE WHEN " + item + " IS NULL THEN NULL WHEN list_contains(" + array + ", " + item +
         ") THEN true WHEN len(list_filter(" + array + ", lambda e: e IS NULL)) > 0 THEN NULL WHEN " + array +
         " IS NOT NULL THEN false END";
}

std::string distinct_in_order(const std::string& array) {
  return with_names({array}, [](const std::vector<std::string>& n) {
    return "list_filter(" + n[0] + ", lambda e, i: list_position(" + n[0] + ", e) = i)";
  });
}
std::string write_array_distinct(Call& call) {
  return distinct_in_order(call.sql(0));
}
std::string write_array_union(Call& call) {
  std::string both = "list_concat(" + call.sql(0) + ", " + call.sql(1) + ")";
  return "CASE WHEN " + call.sql(0) + " IS NOT NULL AND " + call.sql(1) + " IS NOT NULL THEN " +
         distinct_in_order(both) + " END";
}
std::string write_array_intersect(Call& call) {
  return with_names({distinct_in_order(call.sql(0)), call.sql(1)}, [](const std::vector<std::string>& n) {
    return "CASE WHEN " + n[1] + " IS NOT NULL THEN list_filter(" + n[0] + ", lambda e: list_position(" + n[1] +
           ", e) IS NOT NULL) END";
  });
}
std::string write_array_except(Call& call) {
  return with_names({distinct_in_order(call.sql(0)), call.sql(1)}, [](const std::vector<std::string>& n) {
    return "CASE WHEN " + n[1] + " IS NOT NULL THEN list_filter(" + n[0] + ", lambda e: list_position(" + n[1] +
           ", e) IS NULL) END";
  });
}

std::string write_array_extreme(Call& call) {
  std::string name = call.call.name == "array_max" ? "list_max" : "list_min";
  return "CASE WHEN len(list_filter(" + call.sql(0) + ", lambda e: e IS NULL)) = 0 THEN " + name + "(" + call.sql(0) +
         ") END";
}

std::string write_array_join(Call& call) {
  const Type& element = call.arguments[0].type.children[0];
  Value item{"e", element};
  bool nested = !element.children.empty();
  if (nested)
    call.fail("FUNCTION_NOT_FOUND", "Input type array elements " + to_trino(element) + " not supported by array_join");
  std::string text = text_sql(call.style(), item);
  std::string texts = "list_transform(" + call.sql(0) + ", lambda e: " + text + ")";
  if (call.arguments.size() == 3) {
    texts = "list_transform(" + call.sql(0) + ", lambda e: coalesce(" + text + ", " + call.sql(2) + "))";
  }
  return "CASE WHEN len(" + call.sql(0) + ") = 0 THEN '' ELSE coalesce(array_to_string(" + texts + ", " + call.sql(1) +
         "), CASE WHEN " + call.sql(0) + " IS NOT NULL THEN '' END) END";
}

std::string write_element_at(Call& call) {
  std::string item = "(" + call.sql(0) + ")[" + call.sql(1) + "]";
  const Value& index = call.arguments[1];
  bool nonzero = index.sql.substr(0, index.sql.find(" AS ")).find_first_of("123456789") != std::string::npos;
  if (index.number && nonzero) return item;
  return call.guard(call.sql(1) + " = 0", "INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'", item);
}

std::string write_slice(Call& call) {
  const std::string &array = call.sql(0), &start = call.sql(1), &length = call.sql(2);
  std::string from = "CASE WHEN " + start + " > 0 THEN " + start + " ELSE len(" + array + ") + " + start + " + 1 END";
  std::string cut = with_names({from}, [&](const std::vector<std::string>& n) {
    return "CASE WHEN " + n[0] + " < 1 OR " + length + " = 0 THEN (" + array + ")[1:0] ELSE (" + array + ")[" + n[0] +
           ":" + n[0] + " + " + length + " - 1] END";
  });
  std::string checked =
      call.guard(length + " < 0", "INVALID_FUNCTION_ARGUMENT", "'length must be greater than or equal to 0'", cut);
  return call.guard(start + " = 0", "INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'", checked);
}

std::string write_sequence(Call& call) {
  const Type& type = call.arguments[0].type;
  constexpr const char* wrong_way =
      "'sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop "
      "should be less than or equal to start'";
  if (type.is_integral()) {
    if (call.arguments.size() == 3) {
      return call.guard(call.fill("$3 = 0 OR ($3 > 0 AND $2 < $1) OR ($3 < 0 AND $2 > $1)"),
                        "INVALID_FUNCTION_ARGUMENT", wrong_way, call.fill("generate_series($1, $2, $3)"));
    }
    return call.fill("generate_series($1, $2, CASE WHEN $2 < $1 THEN -1 ELSE 1 END)");
  }
  if (call.arguments.size() == 3 && call.arguments[2].type.kind == TypeKind::interval_year_month) {
    // Each step from the start: the end of a month is not lost on the way through a shorter one.
    return with_names(
        {call.sql(0), call.sql(1),
         "(date_part('year', " + call.sql(2) + ") * 12 + date_part('month', " + call.sql(2) + "))"},
        [&](const std::vector<std::string>& n) {
          std::string moment =
              "CAST(" + n[0] + " + to_months(CAST(i * " + n[2] + " AS INTEGER)) AS " + to_duckdb(type) + ")";
          std::string steps =
              "date_sub('month', CAST(" + n[0] + " AS TIMESTAMP), CAST(" + n[1] + " AS TIMESTAMP)) // " + n[2];
          return call.guard(n[2] + " = 0 OR (" + n[2] + " > 0 AND " + n[1] + " < " + n[0] + ") OR (" + n[2] +
                                " < 0 AND " + n[1] + " > " + n[0] + ")",
                            "INVALID_FUNCTION_ARGUMENT", wrong_way,
                            "list_transform(generate_series(0, " + steps + "), lambda i: " + moment + ")");
        });
  }
  std::string step = call.arguments.size() == 3
                         ? call.sql(2)
                         : "CASE WHEN " + call.sql(1) + " < " + call.sql(0) + " THEN to_days(-1) ELSE to_days(1) END";
  std::string list =
      "generate_series(CAST(" + call.sql(0) + " AS TIMESTAMP), CAST(" + call.sql(1) + " AS TIMESTAMP), " + step + ")";
  return type.kind == TypeKind::date ? "CAST(" + list + " AS DATE[])" : list;
}

// `when` as soon as one result is `decisive`; else NULL when a result is NULL; else the opposite.
std::string matched(Call& call, const std::string& decisive, bool when) {
  std::string results = "list_transform(" + call.sql(0) + ", " + call.sql(1) + ")";
  return with_names({results}, [&](const std::vector<std::string>& n) {
    return "CASE WHEN list_contains(" + n[0] + ", " + decisive + ") THEN " + (when ? "true" : "false") +
           " WHEN len(list_filter(" + n[0] + ", lambda e: e IS NULL)) > 0 THEN NULL WHEN " + n[0] +
           " IS NOT NULL THEN " + (when ? "false" : "true") + " END";
  });
}
std::string write_any_match(Call& call) {
  return matched(call, "true", true);
}
std::string write_all_match(Call& call) {
  return matched(call, "false", false);
}
std::string write_none_match(Call& call) {
  return matched(call, "true", false);
}

// The state and the elements travel in one struct, since DuckDB's list_reduce has one type for both.
std::string write_reduce(Call& call) {
  std::string state = to_duckdb(call.lambdas[2].parameters[0]), element = to_duckdb(call.lambdas[2].parameters[1]);
  std::string first =
      "[struct_pack(s := CAST(" + call.sql(1) + " AS " + state + "), e := CAST(NULL AS " + element + "))]";
  std::string rest =
      "list_transform(" + call.sql(0) + ", lambda e: struct_pack(s := CAST(NULL AS " + state + "), e := e))";
  std::string step = "struct_pack(s := CAST(" + call.body(2, {"a.s", "b.e"}) + " AS " + state +
                     "), e := CAST(NULL AS " + element + "))";
  std::string last = "list_reduce(list_concat(" + first + ", " + rest + "), lambda a, b: " + step + ")";
  return "CASE WHEN " + call.sql(0) + " IS NOT NULL THEN list_transform([" + last +
         "], lambda r: " + call.body(3, {"r.s"}) + ")[1] END";
}

std::string write_zip(Call& call) {
  Type row = simple_type(TypeKind::row);
  std::string fields;
  for (size_t i = 0; i < call.arguments.size(); i++) {
    row.field_names.emplace_back();
    row.children.push_back(call.arguments[i].type.children[0]);
    fields += (i > 0 ? ", " : "") + ("\"field" + std::to_string(i)) + "\" := z[" + std::to_string(i + 1) + "]";
  }
  call.result = array_type(row);
  return "list_transform(list_zip(" + call.fill("$*") + "), lambda z: struct_pack(" + fields + "))";
}

std::string write_zip_with(Call& call) {
  return "list_transform(list_zip(" + call.sql(0) + ", " + call.sql(1) +
         "), lambda z: " + call.body(2, {"z[1]", "z[2]"}) + ")";
}

std::string write_repeat(Call& call) {
  return "list_transform(range(" + call.sql(1) + "), lambda i: " + call.sql(0) + ")";
}

std::string write_arrays_overlap(Call& call) {
  const std::string &a = call.sql(0), &b = call.sql(1);
  return "CASE WHEN list_has_any(" + a + ", " + b + ") THEN true WHEN len(list_filter(" + a +
         ", lambda e: e IS NULL)) + len(list_filter(" + b + ", lambda e: e IS NULL)) > 0 THEN NULL WHEN " + a +
         " IS NOT NULL AND " + b + " IS NOT NULL THEN false END";
}

std::string write_contains_sequence(Call& call) {
  return call.fill(
      "CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN len($2) = 0 OR len(list_filter(range(1, CAST(len($1) - len($2) "
      "+ "
      "2 AS BIGINT)), lambda i: ($1)[i:i + len($2) - 1] = $2)) > 0 END");
}

// Of all bit patterns with n bits set, in the order that counts the first element fastest last.
std::string write_combinations(Call& call) {
  std::string chosen =
      call.fill("list_filter(range(0, CAST(1 AS BIGINT) << CAST(len($1) AS INTEGER)), lambda m: bit_count(m) = $2)");
  std::string items = call.fill("list_transform(list_sort(" + chosen +
                                "), lambda m: list_filter($1, lambda e, i: (m >> (i - 1)) & 1 = 1))");
  return call.guard(call.fill("$2 < 0 OR $2 > 5 OR len($1) > 20"), "INVALID_FUNCTION_ARGUMENT",
                    "'combinations of more than 5 of an array, or of more than 20 elements'", items);
}

std::string refuse_comparator(Call& call) {
  Printer::unsupported(call.at.at, "array_sort with a comparator");
}

// ---- Maps

std::string write_map(Call& call) {
  call.result = map_type(call.arguments[0].type.children[0], call.arguments[1].type.children[0]);
  return call.guard("len(" + call.sql(0) + ") <> len(" + call.sql(1) + ")", "INVALID_FUNCTION_ARGUMENT",
                    "'Key and value arrays must be the same length'", call.fill("map($1, $2)"));
}

std::string write_map_entries(Call& call) {
  const Type& map = call.arguments[0].type;
  call.result = array_type(row_type({"", ""}, {map.children[0], map.children[1]}));
  return call.fill(
      "list_transform(map_entries($1), lambda e: struct_pack(\"field0\" := e.key, \"field1\" := e.value))");
}

std::string write_map_from_entries(Call& call) {
  const Type& row = call.arguments[0].type.children[0];
  if (row.kind != TypeKind::row || row.children.size() != 2) {
    call.fail("FUNCTION_NOT_FOUND",
              "Unexpected parameters (" + to_trino(call.arguments[0].type) +
                  ") for function map_from_entries. Expected: map_from_entries(array(row(k,v))) K, V");
  }
  call.result = map_type(row.children[0], row.children[1]);
  return "map_from_entries(" + call.sql(0) + ")";
}

std::string write_multimap_from_entries(Call& call) {
  const Type& row = call.arguments[0].type.children[0];
  if (row.kind != TypeKind::row || row.children.size() != 2) {
    call.fail("FUNCTION_NOT_FOUND",
              "Unexpected parameters (" + to_trino(call.arguments[0].type) +
                  ") for function multimap_from_entries. Expected: multimap_from_entries(array(row(k,v))) K, V");
  }
  call.result = map_type(row.children[0], array_type(row.children[1]));
  std::string name = row.field_names[0].empty() ? "field0" : row.field_names[0];
  std::string item = row.field_names[1].empty() ? "field1" : row.field_names[1];
  std::string entries = "list_transform(" + call.sql(0) + ", lambda e: struct_pack(k := e." + quote_name(name) +
                        ", v := e." + quote_name(item) + "))";
  return with_names({entries}, [](const std::vector<std::string>& n) { return multimap_sql(n[0]); });
}

// A key that one map lacks has NULL there.
std::string write_map_zip_with(Call& call) {
  std::string keys = "list_transform(list_concat(map_keys(" + call.sql(0) + "), list_filter(map_keys(" + call.sql(1) +
                     "), lambda k: NOT map_contains(" + call.sql(0) + ", k))), lambda k: struct_pack(k := k, a := (" +
                     call.sql(0) + ")[k], b := (" + call.sql(1) + ")[k]))";
  return "map_from_entries(list_transform(" + keys +
         ", lambda e: struct_pack(k := e.k, v := " + call.body(2, {"e.k", "e.a", "e.b"}) + ")))";
}

std::string write_map_filter(Call& call) {
  return "map_from_entries(list_filter(map_entries(" + call.sql(0) +
         "), lambda e: " + call.body(1, {"e.key", "e.value"}) + "))";
}
std::string write_transform_values(Call& call) {
  return "map_from_entries(list_transform(map_entries(" + call.sql(0) +
         "), lambda e: struct_pack(k := e.key, v := " + call.body(1, {"e.key", "e.value"}) + ")))";
}
std::string write_transform_keys(Call& call) {
  return "map_from_entries(list_transform(map_entries(" + call.sql(0) +
         "), lambda e: struct_pack(k := " + call.body(1, {"e.key", "e.value"}) + ", v := e.value)))";
}

constexpr FunctionRow array_rows[] = {
    {"all_match", "array(T), (T) => boolean -> boolean", "", write_all_match},
    {"any_match", "array(T), (T) => boolean -> boolean", "", write_any_match},
    {"array_distinct", "array(E) -> array(E)", "", write_array_distinct},
    {"array_except", "array(E), array(E) -> array(E)", "", write_array_except},
    {"array_first", "array(E) -> E", "($1)[1]"},
    {"array_intersect", "array(E), array(E) -> array(E)", "", write_array_intersect},
    {"array_join", "array(T), varchar -> varchar", "", write_array_join},
    {"array_join", "array(T), varchar, varchar -> varchar", "", write_array_join},
    {"array_last", "array(E) -> E", "($1)[-1]"},
    {"array_max", "array(T) -> T", "", write_array_extreme},
    {"array_min", "array(T) -> T", "", write_array_extreme},
    {"array_position", "array(T), T -> bigint",
     "CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN CAST(coalesce(list_position($1, $2), 0) AS BIGINT) END"},
    {"array_remove", "array(E), E -> array(E)",
     "CASE WHEN $2 IS NOT NULL THEN list_filter($1, lambda e: e IS DISTINCT FROM $2) END"},
    {"array_sort", "array(E) -> array(E)", "list_sort($1, 'ASC', 'NULLS LAST')"},
    {"array_sort", "array(T), (T, T) => integer -> array(T)", "", refuse_comparator},
    {"array_union", "array(E), array(E) -> array(E)", "", write_array_union},
    {"arrays_overlap", "array(E), array(E) -> boolean", "", write_arrays_overlap},
    {"cardinality", "array(E) -> bigint", "len($1)"},
    {"cardinality", "map(K,V) -> bigint", "CAST(cardinality($1) AS BIGINT)"},
    {"combinations", "array(T), bigint -> array(array(T))", "", write_combinations},
    {"contains", "array(T), T -> boolean", "", write_contains},
    {"contains_sequence", "array(T), array(T) -> boolean", "", write_contains_sequence},
    {"element_at", "array(E), bigint -> E", "", write_element_at},
    {"element_at", "map(K,V), K -> V", "($1)[$2]"},
    {"filter", "array(T), (T) => boolean -> array(T)", "list_filter($1, $2)"},
    {"flatten", "array(array(E)) -> array(E)", "flatten($1)"},
    {"ngrams", "array(T), bigint -> array(array(T))",
     "CASE WHEN len($1) <= $2 THEN [$1] ELSE list_transform(range(1, CAST(len($1) - $2 + 2 AS BIGINT)), lambda i: "
     "($1)[i:i + $2 - 1]) END"},
    {"none_match", "array(T), (T) => boolean -> boolean", "", write_none_match},
    {"reduce", "array(T), S, (S, T) => S, (S) => R -> R", "", write_reduce},
    {"repeat", "T, bigint -> array(T)", "", write_repeat},
    {"sequence", "bigint, bigint -> array(bigint)", "", write_sequence},
    {"sequence", "bigint, bigint, bigint -> array(bigint)", "", write_sequence},
    {"sequence", "date, date -> array(date)", "", write_sequence},
    {"sequence", "date, date, interval day to second -> array(date)", "", write_sequence},
    {"sequence", "date, date, interval year to month -> array(date)", "", write_sequence},
    {"sequence", "timestamp(p), timestamp(p), interval day to second -> array(timestamp(p))", "", write_sequence},
    {"sequence", "timestamp(p), timestamp(p), interval year to month -> array(timestamp(p))", "", write_sequence},
    {"shuffle", "array(T) -> array(T)",
     "list_transform(list_sort(list_transform($1, lambda e: struct_pack(r := random(), e := e))), lambda s: s.e)"},
    {"slice", "array(E), bigint, bigint -> array(E)", "", write_slice},
    {"transform", "array(T), (T) => U -> array(U)", "list_transform($1, $2)"},
    {"trim_array", "array(E), bigint -> array(E)", "($1)[1:len($1) - $2]"},
    {"zip", "array(A), array(B) -> array(row)", "", write_zip},
    {"zip", "array(A), array(B), array(C) -> array(row)", "", write_zip},
    {"zip", "array(A), array(B), array(C), array(D) -> array(row)", "", write_zip},
    {"zip", "array(A), array(B), array(C), array(D), array(E) -> array(row)", "", write_zip},
    {"zip_with", "array(T), array(U), (T, U) => R -> array(R)", "", write_zip_with},
};

constexpr FunctionRow map_rows[] = {
    {"map", "-> map(K,V)", "CAST(map([], []) AS MAP(INTEGER, INTEGER))"},
    {"map", "array(K), array(V) -> map(K,V)", "", write_map},
    {"map_concat", "map(K,V), map(K,V)... -> map(K,V)", "map_concat($*)"},
    {"map_entries", "map(K,V) -> array(row)", "", write_map_entries},
    {"map_filter", "map(K,V), (K, V) => boolean -> map(K,V)", "", write_map_filter},
    {"map_from_entries", "array(T) -> map(K,V)", "", write_map_from_entries},
    {"map_keys", "map(K,V) -> array(K)", "map_keys($1)"},
    {"map_zip_with", "map(K,A), map(K,B), (K, A, B) => R -> map(K,R)", "", write_map_zip_with},
    {"multimap_from_entries", "array(T) -> map(K,V)", "", write_multimap_from_entries},
    {"map_values", "map(K,V) -> array(V)", "map_values($1)"},
    {"transform_keys", "map(K,V), (K, V) => R -> map(R,V)", "", write_transform_keys},
    {"transform_values", "map(K,V), (K, V) => R -> map(K,R)", "", write_transform_values},
};

}  // namespace

std::string multimap_sql(const std::string& entries) {
  return "map_from_entries(list_transform(list_filter(list_transform(" + entries +
         ", lambda e: e.k), lambda d, i: " + "list_position(list_transform(" + entries +
         ", lambda e: e.k), d) = i), lambda d: struct_pack(k := d, v := list_transform(list_filter(" + entries +
         ", lambda e: e.k = d), lambda e: e.v))))";
}

FunctionTable array_functions() {
  return {FunctionKind::scalar, array_rows};
}
FunctionTable map_functions() {
  return {FunctionKind::scalar, map_rows};
}

}  // namespace tarn::dialect
