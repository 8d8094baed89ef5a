// Numbers, bits and bytes (Trino's pages "Mathematical functions and operators", "Bitwise functions", "Binary functions
// and operators").
#include <algorithm>

#include "query/dialect/functions.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

std::string cast_to(const std::string& sql, const Type& type) {
  return "CAST(" + sql + " AS " + to_duckdb(type) + ")";
}

// ceil, floor and round of decimal(p, s): decimal(p - s + 1, 0), and of whole numbers as they are.
std::string write_whole_decimal(Call& call) {
  const Type& type = call.arguments[0].type;
  call.result = decimal_type(std::min(38, type.precision - type.scale + std::min(type.scale, 1)), 0);
  std::string name = call.call.name == "ceiling" ? "ceil" : call.call.name;
  return cast_to(name + "(" + call.sql(0) + ")", call.result);
}

std::string write_round_decimal(Call& call) {
  const Type& type = call.arguments[0].type;
  call.result = decimal_type(std::min(38, type.precision + 1), type.scale);
  return cast_to("round(" + call.sql(0) + ", CAST(" + call.sql(1) + " AS INTEGER))", call.result);
}

std::string write_truncate_decimal(Call& call) {
  const Type& type = call.arguments[0].type;
  if (call.arguments.size() == 1) {
    call.result = decimal_type(std::max(type.precision - type.scale, 1), 0);
    return cast_to("trunc(" + call.sql(0) + ")", call.result);
  }
  call.result = type;
  return cast_to("trunc(" + call.sql(0) + ", CAST(" + call.sql(1) + " AS INTEGER))", type);
}

std::string write_sign_decimal(Call& call) {
  call.result = decimal_type(1, 0);
  return cast_to("sign(" + call.sql(0) + ")", call.result);
}

std::string write_mod(Call& call) {
  Value out = arithmetic(call.style(), "%", call.arguments[0], call.arguments[1], call.at.at);
  call.result = out.type;
  return out.sql;
}

// DuckDB fails where IEEE has an answer.
std::string logarithm(const std::string& sql, const std::string& name) {
  return with_names({sql}, [&](const std::vector<std::string>& n) {
    return "CASE WHEN " + n[0] + " > 0 THEN " + name + "(" + n[0] + ") WHEN " + n[0] +
           " = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN " + n[0] + " IS NOT NULL THEN CAST('NaN' AS DOUBLE) END";
  });
}
std::string write_logarithm(Call& call) {
  return logarithm(call.sql(0), call.call.name);
}
std::string write_log(Call& call) {
  return "(" + logarithm(call.sql(1), "ln") + " / " + logarithm(call.sql(0), "ln") + ")";
}
std::string write_sqrt(Call& call) {
  return with_names({call.sql(0)}, [](const std::vector<std::string>& n) {
    return "CASE WHEN " + n[0] + " < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt(" + n[0] + ") END";
  });
}

// DuckDB takes a power, which misses the whole roots by a bit; a step of Newton's finds them.
std::string write_cbrt(Call& call) {
  return with_names({"cbrt(" + call.sql(0) + ")", call.sql(0)}, [](const std::vector<std::string>& n) {
    return "CASE WHEN " + n[0] + " = 0 OR NOT isfinite(" + n[0] + ") THEN " + n[0] + " ELSE " + n[0] + " - (" + n[0] +
           " * " + n[0] + " * " + n[0] + " - " + n[1] + ") / (3 * " + n[0] + " * " + n[0] + ") END";
  });
}

std::string write_from_base(Call& call) {
  std::string digits = "list_transform(string_split(lower(" + call.sql(0) +
                       "), ''), lambda c: CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', c) - 1 AS BIGINT))";
  std::string sum = "list_reduce(" + digits + ", lambda a, d: a * " + call.sql(1) + " + d)";
  return call.guard("NOT regexp_full_match(lower(" + call.sql(0) + "), '[0-9a-z]+')", "INVALID_FUNCTION_ARGUMENT",
                    "'Not a valid base-' || " + call.sql(1) + " || ' number: ' || " + call.sql(0), sum);
}

std::string write_width_bucket(Call& call) {
  return with_names({call.sql(0), call.sql(1), call.sql(2), call.sql(3)}, [](const std::vector<std::string>& n) {
    std::string up = "CASE WHEN " + n[0] + " < " + n[1] + " THEN 0 WHEN " + n[0] + " >= " + n[2] + " THEN " + n[3] +
                     " + 1 ELSE CAST(floor((" + n[0] + " - " + n[1] + ") / (" + n[2] + " - " + n[1] + ") * " + n[3] +
                     ") AS BIGINT) + 1 END";
    std::string down = "CASE WHEN " + n[0] + " > " + n[1] + " THEN 0 WHEN " + n[0] + " <= " + n[2] + " THEN " + n[3] +
                       " + 1 ELSE CAST(floor((" + n[1] + " - " + n[0] + ") / (" + n[1] + " - " + n[2] + ") * " + n[3] +
                       ") AS BIGINT) + 1 END";
    return "CASE WHEN " + n[1] + " <= " + n[2] + " THEN " + up + " ELSE " + down + " END";
  });
}

std::string write_random_below(Call& call) {
  if (call.arguments.size() == 1) return call.fill("CAST(floor(random() * $1) AS ") + to_duckdb(call.result) + ")";
  return call.fill("(CAST(floor(random() * ($2 - $1)) AS ") + to_duckdb(call.result) + call.fill(") + $1)");
}

constexpr FunctionRow number_rows[] = {
    {"abs", "tinyint -> tinyint", "abs($1)"},
    {"abs", "smallint -> smallint", "abs($1)"},
    {"abs", "integer -> integer", "abs($1)"},
    {"abs", "bigint -> bigint", "abs($1)"},
    {"abs", "decimal(p,s) -> decimal(p,s)", "abs($1)"},
    {"abs", "real -> real", "abs($1)"},
    {"abs", "double -> double", "abs($1)"},
    {"acos", "double -> double", "CASE WHEN abs($1) > 1 THEN CAST('NaN' AS DOUBLE) ELSE acos($1) END"},
    {"asin", "double -> double", "CASE WHEN abs($1) > 1 THEN CAST('NaN' AS DOUBLE) ELSE asin($1) END"},
    {"atan", "double -> double", "atan($1)"},
    {"atan2", "double, double -> double", "atan2($1, $2)"},
    {"cbrt", "double -> double", "", write_cbrt},
    {"ceil", "tinyint -> tinyint", "$1"},
    {"ceil", "smallint -> smallint", "$1"},
    {"ceil", "integer -> integer", "$1"},
    {"ceil", "bigint -> bigint", "$1"},
    {"ceil", "decimal(p,s) -> decimal(p,s)", "", write_whole_decimal},
    {"ceil", "real -> real", "CAST(ceil($1) AS FLOAT)"},
    {"ceil", "double -> double", "ceil($1)"},
    {"ceiling", "tinyint -> tinyint", "$1"},
    {"ceiling", "smallint -> smallint", "$1"},
    {"ceiling", "integer -> integer", "$1"},
    {"ceiling", "bigint -> bigint", "$1"},
    {"ceiling", "decimal(p,s) -> decimal(p,s)", "", write_whole_decimal},
    {"ceiling", "real -> real", "CAST(ceil($1) AS FLOAT)"},
    {"ceiling", "double -> double", "ceil($1)"},
    {"cos", "double -> double", "cos($1)"},
    {"cosh", "double -> double", "cosh($1)"},
    {"degrees", "double -> double", "degrees($1)"},
    {"e", "-> double", "exp(1)"},
    {"exp", "double -> double", "exp($1)"},
    {"floor", "tinyint -> tinyint", "$1"},
    {"floor", "smallint -> smallint", "$1"},
    {"floor", "integer -> integer", "$1"},
    {"floor", "bigint -> bigint", "$1"},
    {"floor", "decimal(p,s) -> decimal(p,s)", "", write_whole_decimal},
    {"floor", "real -> real", "CAST(floor($1) AS FLOAT)"},
    {"floor", "double -> double", "floor($1)"},
    {"from_base", "varchar(x), bigint -> bigint", "", write_from_base},
    {"infinity", "-> double", "CAST('Infinity' AS DOUBLE)"},
    {"is_finite", "double -> boolean", "isfinite($1)"},
    {"is_infinite", "double -> boolean", "isinf($1)"},
    {"is_nan", "double -> boolean", "isnan($1)"},
    {"is_nan", "real -> boolean", "isnan($1)"},
    {"ln", "double -> double", "", write_logarithm},
    {"log", "double, double -> double", "", write_log},
    {"log10", "double -> double", "", write_logarithm},
    {"log2", "double -> double", "", write_logarithm},
    {"mod", "tinyint, tinyint -> tinyint", "", write_mod},
    {"mod", "smallint, smallint -> smallint", "", write_mod},
    {"mod", "integer, integer -> integer", "", write_mod},
    {"mod", "bigint, bigint -> bigint", "", write_mod},
    {"mod", "decimal(p,s), decimal(q,r) -> decimal(p,s)", "", write_mod},
    {"mod", "real, real -> real", "", write_mod},
    {"mod", "double, double -> double", "", write_mod},
    {"nan", "-> double", "CAST('NaN' AS DOUBLE)"},
    {"pi", "-> double", "pi()"},
    {"pow", "double, double -> double", "pow($1, $2)"},
    {"power", "double, double -> double", "pow($1, $2)"},
    {"radians", "double -> double", "radians($1)"},
    {"rand", "-> double", "random()"},
    {"rand", "integer -> integer", "", write_random_below},
    {"rand", "bigint -> bigint", "", write_random_below},
    {"rand", "integer, integer -> integer", "", write_random_below},
    {"rand", "bigint, bigint -> bigint", "", write_random_below},
    {"random", "-> double", "random()"},
    {"random", "integer -> integer", "", write_random_below},
    {"random", "bigint -> bigint", "", write_random_below},
    {"random", "integer, integer -> integer", "", write_random_below},
    {"random", "bigint, bigint -> bigint", "", write_random_below},
    {"round", "tinyint -> tinyint", "$1"},
    {"round", "smallint -> smallint", "$1"},
    {"round", "integer -> integer", "$1"},
    {"round", "bigint -> bigint", "$1"},
    {"round", "decimal(p,s) -> decimal(p,s)", "", write_whole_decimal},
    {"round", "real -> real", "CAST(round($1) AS FLOAT)"},
    {"round", "double -> double", "round($1)"},
    {"round", "tinyint, integer -> tinyint", "CAST(round($1, $2) AS TINYINT)"},
    {"round", "smallint, integer -> smallint", "CAST(round($1, $2) AS SMALLINT)"},
    {"round", "integer, integer -> integer", "CAST(round($1, $2) AS INTEGER)"},
    {"round", "bigint, integer -> bigint", "CAST(round($1, $2) AS BIGINT)"},
    {"round", "decimal(p,s), integer -> decimal(p,s)", "", write_round_decimal},
    {"round", "real, integer -> real", "CAST(round($1, $2) AS FLOAT)"},
    {"round", "double, integer -> double", "round($1, $2)"},
    {"sign", "tinyint -> tinyint", "sign($1)"},
    {"sign", "smallint -> smallint", "CAST(sign($1) AS SMALLINT)"},
    {"sign", "integer -> integer", "CAST(sign($1) AS INTEGER)"},
    {"sign", "bigint -> bigint", "CAST(sign($1) AS BIGINT)"},
    {"sign", "decimal(p,s) -> decimal(1,0)", "", write_sign_decimal},
    {"sign", "real -> real", "CASE WHEN isnan($1) THEN $1 ELSE CAST(sign($1) AS FLOAT) END"},
    {"sign", "double -> double", "CASE WHEN isnan($1) THEN $1 ELSE CAST(sign($1) AS DOUBLE) END"},
    {"sin", "double -> double", "sin($1)"},
    {"sinh", "double -> double", "sinh($1)"},
    {"sqrt", "double -> double", "", write_sqrt},
    {"tan", "double -> double", "tan($1)"},
    {"tanh", "double -> double", "tanh($1)"},
    {"to_base", "bigint, bigint -> varchar",
     "CASE WHEN $1 < 0 THEN '-' ELSE '' END || lower(to_base(abs($1), CAST($2 AS INTEGER)))"},
    {"truncate", "decimal(p,s) -> decimal(p,s)", "", write_truncate_decimal},
    {"truncate", "decimal(p,s), bigint -> decimal(p,s)", "", write_truncate_decimal},
    {"truncate", "real -> real", "CAST(trunc($1) AS FLOAT)"},
    {"truncate", "double -> double", "trunc($1)"},
    {"uuid", "-> uuid", "uuid()"},
    {"width_bucket", "double, double, double, bigint -> bigint", "", write_width_bucket},
    {"bit_count", "bigint, bigint -> bigint",
     "CAST(CASE WHEN $2 = 64 THEN bit_count($1) ELSE bit_count($1 & ((CAST(1 AS BIGINT) << CAST($2 AS INTEGER)) - 1)) "
     "END AS BIGINT)"},
    {"bitwise_and", "bigint, bigint -> bigint", "($1 & $2)"},
    {"bitwise_left_shift", "integer, bigint -> integer",
     "CASE WHEN $2 >= 32 THEN 0 ELSE CAST((((CAST($1 AS BIGINT) << CAST($2 AS INTEGER)) & 4294967295) + 2147483648) % "
     "4294967296 - 2147483648 AS INTEGER) END"},
    {"bitwise_left_shift", "bigint, bigint -> bigint", "CASE WHEN $2 >= 64 THEN 0 ELSE $1 << $2 END"},
    {"bitwise_not", "bigint -> bigint", "(~$1)"},
    {"bitwise_or", "bigint, bigint -> bigint", "($1 | $2)"},
    {"bitwise_right_shift", "bigint, bigint -> bigint",
     "CASE WHEN $2 >= 64 THEN 0 WHEN $2 = 0 THEN $1 ELSE ($1 >> $2) & ((CAST(1 AS BIGINT) << (64 - $2 - 1)) * 2 - 1) "
     "END"},
    {"bitwise_right_shift_arithmetic", "bigint, bigint -> bigint",
     "CASE WHEN $2 >= 64 THEN CASE WHEN $1 < 0 THEN -1 ELSE 0 END ELSE $1 >> $2 END"},
    {"bitwise_xor", "bigint, bigint -> bigint", "xor($1, $2)"},
};

constexpr FunctionRow binary_rows[] = {
    {"from_base64", "varchar(x) -> varbinary", "from_base64($1)"},
    {"from_base64url", "varchar(x) -> varbinary",
     "from_base64(rpad(replace(replace($1, '-', '+'), '_', '/'), CAST((length($1) + 3) // 4 * 4 AS INTEGER), '='))"},
    {"from_hex", "varchar(x) -> varbinary", "unhex($1)"},
    {"md5", "varbinary -> varbinary", "unhex(md5($1))"},
    {"sha1", "varbinary -> varbinary", "unhex(sha1($1))"},
    {"sha256", "varbinary -> varbinary", "unhex(sha256($1))"},
    {"to_base64", "varbinary -> varchar", "to_base64($1)"},
    {"to_base64url", "varbinary -> varchar", "replace(replace(to_base64($1), '+', '-'), '/', '_')"},
    {"to_hex", "varbinary -> varchar", "hex($1)"},
};

}  // namespace

FunctionTable number_functions() {
  return {FunctionKind::scalar, number_rows};
}
FunctionTable binary_functions() {
  return {FunctionKind::scalar, binary_rows};
}

}  // namespace tarn::dialect
