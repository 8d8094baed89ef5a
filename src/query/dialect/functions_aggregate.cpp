// Aggregates and window functions (Trino's pages "Aggregate functions" and "Window functions").
#include "query/dialect/functions.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

// Exact, and rounded half up as Trino does: DuckDB's avg would be a double.
std::string write_avg_decimal(Call& call) {
  const Type& type = call.arguments[0].type;
  call.result = type;
  Type sum = decimal_type(38, type.scale), count = decimal_type(19, 0);
  std::string total = call.fill("sum@($1)"), rows = call.fill("CAST(count@($1) AS DECIMAL(19, 0))");
  return "CASE WHEN " + call.fill("count@($1)") + " > 0 THEN " +
         decimal_quotient(call.style(), total, sum, rows, count, type) + " END";
}

std::string write_percentile(Call& call) {
  if (!call.arguments[1].number && call.arguments[1].type.kind != TypeKind::array) {
    // DuckDB wants the share before the query runs; a column of shares has no counterpart.
    bool constant = call.sql(1).find('.') == std::string::npos || call.sql(1).starts_with("CAST(");
    if (!constant)
      Printer::unsupported(call.call.arguments[1]->at, "approx_percentile with a share that is not a literal");
  }
  return call.fill("quantile_disc@($1, $2)");
}

// One entry for each key: the keys of several rows would fail in DuckDB's map().
std::string write_map_agg(Call& call) {
  std::string entries = call.fill("list@(CASE WHEN $1 IS NOT NULL THEN struct_pack(k := $1, v := $2) END)");
  std::string known = "list_filter(" + entries + ", lambda e: e IS NOT NULL)";
  return "list_transform([" + known +
         "], lambda l: CASE WHEN len(l) = len(list_distinct(list_transform(l, lambda e: e.k))) THEN "
         "map_from_entries(l) ELSE "
         "map_from_entries(list_filter(l, lambda e, i: list_position(list_transform(l, lambda f: f.k), e.k) = i)) "
         "END)[1]";
}

std::string write_multimap_agg(Call& call) {
  std::string entries = call.fill("list@(CASE WHEN $1 IS NOT NULL THEN struct_pack(k := $1, v := $2) END)");
  std::string known = "list_filter(" + entries + ", lambda e: e IS NOT NULL)";
  return "list_transform([" + known +
         "], lambda l: map_from_entries(list_transform(list_distinct(list_transform(l, lambda e: e.k)), lambda d: "
         "struct_pack(k := d, v := "
         "list_transform(list_filter(l, lambda e: e.k = d), lambda e: e.v)))))[1]";
}

// Of keys that several maps have, the first map's value.
std::string write_map_union(Call& call) {
  std::string entries = "flatten(list_filter(" + call.fill("list@(map_entries($1))") + ", lambda m: m IS NOT NULL))";
  return "list_transform([" + entries +
         "], lambda l: map_from_entries(list_filter(l, lambda e, i: list_position(list_transform(l, lambda f: f.key), "
         "e.key) = i)))[1]";
}

std::string write_histogram(Call& call) {
  return "CAST(" + call.fill("histogram@($1)") + " AS " + to_duckdb(call.result) + ")";
}

std::string write_listagg(Call& call) {
  return call.fill("string_agg@($1, $2)");
}

constexpr FunctionRow aggregate_rows[] = {
    {"any_value", "T -> T", "any_value@($1)"},
    {"approx_distinct", "T -> bigint", "approx_count_distinct@($1)"},
    {"approx_distinct", "T, double -> bigint", "approx_count_distinct@($1)"},
    {"approx_percentile", "bigint, double -> bigint", "", write_percentile},
    {"approx_percentile", "real, double -> real", "", write_percentile},
    {"approx_percentile", "double, double -> double", "", write_percentile},
    {"approx_percentile", "bigint, array(double) -> array(bigint)", "", write_percentile},
    {"approx_percentile", "real, array(double) -> array(real)", "", write_percentile},
    {"approx_percentile", "double, array(double) -> array(double)", "", write_percentile},
    {"arbitrary", "T -> T", "any_value@($1)"},
    {"array_agg", "T -> array(T)", "list@($1)"},
    {"avg", "tinyint -> double", "avg@($1)"},
    {"avg", "smallint -> double", "avg@($1)"},
    {"avg", "integer -> double", "avg@($1)"},
    {"avg", "bigint -> double", "avg@($1)"},
    {"avg", "decimal(p,s) -> decimal(p,s)", "", write_avg_decimal},
    {"avg", "real -> real", "CAST(avg@($1) AS FLOAT)"},
    {"avg", "double -> double", "avg@($1)"},
    {"avg", "interval day to second -> interval day to second",
     "to_microseconds(CAST(round(avg@(epoch($1)) * 1000) AS BIGINT) * 1000)"},
    {"bitwise_and_agg", "bigint -> bigint", "bit_and@($1)"},
    {"bitwise_or_agg", "bigint -> bigint", "bit_or@($1)"},
    {"bitwise_xor_agg", "bigint -> bigint", "bit_xor@($1)"},
    {"bool_and", "boolean -> boolean", "bool_and@($1)"},
    {"bool_or", "boolean -> boolean", "bool_or@($1)"},
    {"corr", "real, real -> real", "CAST(corr@($1, $2) AS FLOAT)"},
    {"corr", "double, double -> double", "corr@($1, $2)"},
    {"count", "-> bigint", "count@(*)"},
    {"count", "T -> bigint", "count@($1)"},
    {"count_if", "boolean -> bigint", "CAST(count_if@($1) AS BIGINT)"},
    {"covar_pop", "double, double -> double", "covar_pop@($1, $2)"},
    {"covar_samp", "double, double -> double", "covar_samp@($1, $2)"},
    {"every", "boolean -> boolean", "bool_and@($1)"},
    {"geometric_mean", "bigint -> double", "geomean@($1)"},
    {"geometric_mean", "double -> double", "geomean@($1)"},
    {"histogram", "K -> map(K, bigint)", "", write_histogram},
    {"kurtosis", "double -> double", "kurtosis@($1)"},
    {"listagg", "varchar(x), varchar(y) -> varchar", "", write_listagg},
    {"map_agg", "K, V -> map(K,V)", "", write_map_agg},
    {"map_union", "map(K,V) -> map(K,V)", "", write_map_union},
    {"max", "E -> E", "max@($1)"},
    {"max", "E, bigint -> array(E)", "max@($1, $2)"},
    {"max_by", "V, K -> V", "arg_max_null@($1, $2)"},
    {"max_by", "V, K, bigint -> array(V)", "arg_max@($1, $2, $3)"},
    {"min", "E -> E", "min@($1)"},
    {"min", "E, bigint -> array(E)", "min@($1, $2)"},
    {"min_by", "V, K -> V", "arg_min_null@($1, $2)"},
    {"min_by", "V, K, bigint -> array(V)", "arg_min@($1, $2, $3)"},
    {"multimap_agg", "K, V -> map(K, array(V))", "", write_multimap_agg},
    {"regr_intercept", "double, double -> double", "regr_intercept@($1, $2)"},
    {"regr_slope", "double, double -> double", "regr_slope@($1, $2)"},
    {"skewness", "double -> double", "skewness@($1)"},
    {"stddev", "double -> double", "stddev_samp@($1)"},
    {"stddev_pop", "double -> double", "stddev_pop@($1)"},
    {"stddev_samp", "double -> double", "stddev_samp@($1)"},
    {"sum", "tinyint -> bigint", "CAST(sum@($1) AS BIGINT)"},
    {"sum", "smallint -> bigint", "CAST(sum@($1) AS BIGINT)"},
    {"sum", "integer -> bigint", "CAST(sum@($1) AS BIGINT)"},
    {"sum", "bigint -> bigint", "CAST(sum@($1) AS BIGINT)"},
    {"sum", "decimal(p,s) -> decimal(38,s)", "sum@($1)"},
    {"sum", "real -> real", "CAST(sum@($1) AS FLOAT)"},
    {"sum", "double -> double", "sum@($1)"},
    {"sum", "interval day to second -> interval day to second",
     "to_microseconds(CAST(sum@(CAST(round(epoch($1) * 1000) AS BIGINT)) AS BIGINT) * 1000)"},
    {"var_pop", "double -> double", "var_pop@($1)"},
    {"var_samp", "double -> double", "var_samp@($1)"},
    {"variance", "double -> double", "var_samp@($1)"},
};

constexpr FunctionRow window_rows[] = {
    {"cume_dist", "-> double", "cume_dist@()"},
    {"dense_rank", "-> bigint", "dense_rank@()"},
    {"first_value", "T -> T", "first_value@($1)"},
    {"lag", "T -> T", "lag@($1)"},
    {"lag", "T, bigint -> T", "lag@($1, $2)"},
    {"lag", "T, bigint, T -> T", "lag@($1, $2, $3)"},
    {"last_value", "T -> T", "last_value@($1)"},
    {"lead", "T -> T", "lead@($1)"},
    {"lead", "T, bigint -> T", "lead@($1, $2)"},
    {"lead", "T, bigint, T -> T", "lead@($1, $2, $3)"},
    {"nth_value", "T, bigint -> T", "nth_value@($1, $2)"},
    {"ntile", "bigint -> bigint", "ntile@($1)"},
    {"percent_rank", "-> double", "percent_rank@()"},
    {"rank", "-> bigint", "rank@()"},
    {"row_number", "-> bigint", "row_number@()"},
};

}  // namespace

FunctionTable aggregate_functions() {
  return {FunctionKind::aggregate, aggregate_rows};
}
FunctionTable window_functions() {
  return {FunctionKind::window, window_rows};
}

}  // namespace tarn::dialect
