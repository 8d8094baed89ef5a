// The table of functions: Trino's name and signature, and DuckDB's SQL or the code that writes it. One table for each
// concern (functions_text.cpp, functions_time.cpp, ...); a function that stands in none is refused as Trino refuses it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/dialect/ast.hpp"
#include "query/dialect/value.hpp"

namespace tarn::dialect {

class Printer;
struct Scope;

// A call whose arguments have been printed and coerced to the signature that fits.
struct Call {
  Printer& printer;
  const Scope& scope;
  const Expression& at;
  const FunctionCall& call;
  std::vector<Value> arguments;
  Type result;  // of the signature
  struct LambdaTypes {
    std::vector<Type> parameters;
    Type result;
  };
  std::vector<LambdaTypes> lambdas;  // one for each argument, empty for those that are no lambdas

  const Style& style() const;
  const std::string& sql(size_t i) const { return arguments[i].sql; }
  // A template as FunctionRow::sql has it, filled in.
  std::string fill(std::string_view text) const;
  // The body of the lambda that argument i is, its parameters standing for this SQL.
  std::string body(size_t i, const std::vector<std::string>& parameters) const;
  // The text of argument i, which has to be a literal; fails by name (NOT_SUPPORTED) otherwise.
  const std::string& literal(size_t i) const;
  [[noreturn]] void fail(const std::string& code, const std::string& message) const;
  // Fails while the query runs.
  std::string guard(const std::string& condition, std::string_view code, const std::string& message,
                    const std::string& value) const;
};

// What stands before the parenthesis of DuckDB's aggregate, so that DISTINCT, ORDER BY, FILTER and OVER find their
// places. No text of UTF-8 holds it.
inline constexpr char aggregate_mark = '\xFE';

// Writes the SQL of a call; may set call.result.
using CallWriter = std::string (*)(Call& call);

enum class FunctionKind : unsigned char { scalar, aggregate, window };

struct FunctionRow {
  std::string_view name;
  // "varchar(x), bigint -> varchar(x)". Capitals are type variables (T, K, V, R, S); x, p, s in parentheses are
  // lengths, precisions and scales;
  // "(T, U) => R" is a lambda; "T..." takes any number, at least one.
  std::string_view signature;
  std::string_view sql;  // $1, $2: the arguments; $*: all, with commas; $2*: from the second on; @: the aggregate_mark.
                         // Empty when `write` does it.
  CallWriter write = nullptr;
};

struct FunctionTable {
  FunctionKind kind;
  std::span<const FunctionRow> rows;
};

// The rows of a name (lower-case), in the order of the tables: the first that fits without coercions is taken, else the
// first that fits.
struct FoundFunction {
  FunctionKind kind;
  std::vector<const FunctionRow*> rows;
};
const FoundFunction* find_function(std::string_view name);
// How many names the tables have.
size_t function_count();

// A map from each key to the values of all its entries, of a list of STRUCT(k, v) by that name.
std::string multimap_sql(const std::string& entries);

FunctionTable text_functions();
FunctionTable regexp_functions();
FunctionTable number_functions();
FunctionTable time_functions();
FunctionTable array_functions();
FunctionTable map_functions();
FunctionTable json_functions();
FunctionTable binary_functions();
FunctionTable url_functions();
FunctionTable aggregate_functions();
FunctionTable window_functions();

// ---- Signatures

// A type in a signature, with variables.
struct TypePattern {
  enum class Kind : unsigned char { type, variable, lambda } kind = Kind::type;
  TypeKind type = TypeKind::unknown;
  std::string variable;                 // of kind variable
  std::vector<std::string> parameters;  // names or numbers of lengths, precisions, scales
  std::vector<TypePattern> children;    // of arrays, maps, and lambdas (the last is the result)
  bool repeated = false;                // T...
};
struct Signature {
  std::vector<TypePattern> parameters;
  TypePattern result;
};
const Signature& signature_of(const FunctionRow& row);  // parsed once

struct Bindings {
  std::vector<std::pair<std::string, Type>> types;
  std::vector<std::pair<std::string, int>> numbers;
};
// Binds `pattern` to `actual`; false when it does not fit. With `exact`, no coercion is made.
bool bind(const TypePattern& pattern, const Type& actual, Bindings& bindings, bool exact);
// The pattern with its variables filled in; a variable that is not bound is unknown.
Type filled(const TypePattern& pattern, const Bindings& bindings);
// As Trino lists it: "lower(varchar(x))".
std::string describe(const FunctionRow& row);

}  // namespace tarn::dialect
