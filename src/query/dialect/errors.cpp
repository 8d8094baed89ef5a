// DuckDB's messages in Athena's words.
#include <array>

#include "query/dialect/names.hpp"
#include "query/dialect/printer.hpp"

namespace tarn::dialect {

namespace {

// What stands between `before` and `after`, from the first place where both are found.
std::optional<std::string> between(std::string_view text, std::string_view before, std::string_view after) {
  size_t start = text.find(before);
  if (start == std::string_view::npos) return std::nullopt;
  start += before.size();
  size_t end = after.empty() ? text.size() : text.find(after, start);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(start, end - start));
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

struct TypeWord {
  std::string_view duckdb, cast, range;
};
constexpr std::array type_words = {
    TypeWord{"INT8", "TINYINT", "tinyint"}, TypeWord{"INT16", "SMALLINT", "smallint"},
    TypeWord{"INT32", "INT", "integer"},    TypeWord{"INT64", "BIGINT", "bigint"},
    TypeWord{"INT128", "BIGINT", "bigint"}, TypeWord{"DOUBLE", "DOUBLE", "double"},
    TypeWord{"FLOAT", "REAL", "real"},      TypeWord{"BOOL", "BOOLEAN", "boolean"},
};
const TypeWord* type_word(std::string_view name) {
  for (const TypeWord& word : type_words) {
    if (word.duckdb == name) return &word;
  }
  return nullptr;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '!' || text.back() == '.' || text.back() == ' ' || text.back() == '\n'))
    text.remove_suffix(1);
  return text;
}

// "DECIMAL(3, 1)" of "... DECIMAL(3,1) ...".
std::string decimal_name(std::string_view line) {
  std::string inside = between(line, "DECIMAL(", ")").value_or("");
  if (size_t comma = inside.find(','); comma != std::string::npos) inside.insert(comma + 1, " ");
  return "DECIMAL(" + inside + ")";
}

// RE2's complaints of a pattern. What Java's regular expressions have and it has not is refused by name.
std::optional<AthenaError> bad_pattern(std::string_view line) {
  static constexpr std::array complaints = {"missing ]: ",
                                            "missing ): ",
                                            "unexpected ): ",
                                            "invalid escape sequence: ",
                                            "invalid character class: ",
                                            "invalid character class range: ",
                                            "no argument for repetition operator: ",
                                            "invalid repetition operator: ",
                                            "bad repetition operator: ",
                                            "invalid repetition size: ",
                                            "trailing \\",
                                            "invalid named capture group: "};
  if (auto part = between(line, "invalid perl operator: ", ""))
    return AthenaError{"NOT_SUPPORTED", "tarn's regular expressions do not have " + *part};
  for (std::string_view complaint : complaints) {
    auto part = between(line, complaint, "");
    if (!part) continue;
    bool back_reference = part->size() == 2 && (*part)[0] == '\\' && (*part)[1] >= '1' && (*part)[1] <= '9';
    if (back_reference) return AthenaError{"NOT_SUPPORTED", "tarn's regular expressions do not have " + *part};
    return AthenaError{"INVALID_FUNCTION_ARGUMENT", std::string(line.substr(line.find(complaint)))};
  }
  return std::nullopt;
}

// "Conversion Error: ..." of a CAST.
std::optional<AthenaError> conversion(std::string_view line) {
  if (auto text = between(line, "Could not convert string '", "' to ")) {
    std::string_view type = trimmed(line.substr(line.rfind("' to ") + 5));
    const TypeWord* word = type_word(type.substr(0, type.find(' ')));
    return AthenaError{"INVALID_CAST_ARGUMENT",
                       "Cannot cast '" + *text + "' to " + std::string(word ? word->cast : type)};
  }
  if (auto text = between(line, "Could not convert string \"", "\" to DECIMAL(")) {
    return AthenaError{"INVALID_CAST_ARGUMENT", "Cannot cast VARCHAR '" + *text + "' to " +
                                                    decimal_name(line.substr(line.rfind("\" to "))) +
                                                    ". Value too large."};
  }
  if (auto value = between(line, " with value ", " can't be cast")) {
    std::string to = between(line, "destination type ", "").value_or("");
    const TypeWord* word = type_word(std::string_view(to).substr(0, to.find(' ')));
    std::string type(word ? word->range : trimmed(to));
    if (has(line, "casting from source column"))
      return AthenaError{"NUMERIC_VALUE_OUT_OF_RANGE", "bigint addition overflow: " + *value};
    return AthenaError{"NUMERIC_VALUE_OUT_OF_RANGE", "Out of range for " + type + ": " + *value};
  }
  if (auto value = between(line, "Could not cast value ", " to DECIMAL(")) {
    return AthenaError{"INVALID_CAST_ARGUMENT", "Cannot cast '" + *value + "' to " + decimal_name(line)};
  }
  if (auto value = between(line, "Casting value \"", "\" to type DECIMAL(")) {
    return AthenaError{"INVALID_CAST_ARGUMENT", "Cannot cast DECIMAL '" + *value + "' to " + decimal_name(line)};
  }
  if (auto text = between(line, "date field value out of range: \"", "\"")) {
    return AthenaError{"INVALID_CAST_ARGUMENT", "Value cannot be cast to date: " + *text};
  }
  if (auto text = between(line, "invalid date field format: \"", "\"")) {
    return AthenaError{"INVALID_CAST_ARGUMENT", "Value cannot be cast to date: " + *text};
  }
  if (auto text = between(line, "timestamp field value out of range: \"", "\"")) {
    return AthenaError{"INVALID_CAST_ARGUMENT", "Value cannot be cast to timestamp: " + *text};
  }
  if (auto text = between(line, "invalid timestamp field format: \"", "\"")) {
    return AthenaError{"INVALID_CAST_ARGUMENT", "Value cannot be cast to timestamp: " + *text};
  }
  if (auto text = between(line, "time field value out of range: \"", "\"")) {
    return AthenaError{"INVALID_CAST_ARGUMENT", "Value cannot be cast to time: " + *text};
  }
  return std::nullopt;
}

std::optional<AthenaError> overflow(std::string_view line) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> operations = {
      {{"addition", "addition"}, {"subtraction", "subtraction"}, {"multiplication", "multiplication"}}};
  for (const auto& [word, name] : operations) {
    if (!has(line, "Overflow in " + std::string(word) + " of ")) continue;
    std::string type = between(line, "Overflow in " + std::string(word) + " of ", " (").value_or("");
    if (type.starts_with("DECIMAL")) return AthenaError{"NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow"};
    const TypeWord* known = type_word(type);
    std::string operands = between(line, " of " + type + " (", ")").value_or("");
    return AthenaError{"NUMERIC_VALUE_OUT_OF_RANGE", std::string(known ? known->range : "bigint") + " " +
                                                         std::string(name) + " overflow: " + operands};
  }
  if (has(line, "Overflow in ") || has(line, "out of range"))
    return AthenaError{"NUMERIC_VALUE_OUT_OF_RANGE", std::string(line)};
  return std::nullopt;
}

std::optional<AthenaError> known_error(std::string_view message, const std::string& place) {
  // Errors that the printed SQL raises by itself: tarn|CODE|message.
  if (auto code = between(message, "tarn|", "|")) {
    std::string text = between(message, "tarn|" + *code + "|", "").value_or("");
    if (size_t end = text.rfind("' to BOOL"); has(message, "Could not convert string") && end != std::string::npos)
      text.resize(end);
    return AthenaError{*code, text};
  }
  std::string_view line = first_line(message);
  if (size_t colon = line.find("Error: "); colon != std::string_view::npos) line.remove_prefix(colon + 7);
  if (std::optional<AthenaError> out = conversion(line)) return out;
  if (std::optional<AthenaError> out = overflow(line)) return out;
  if (has(message, "Invalid Input Error")) {
    if (std::optional<AthenaError> out = bad_pattern(line)) return out;
  }
  if (has(line, "More than one row returned by a subquery"))
    return AthenaError{"SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"};
  if (auto input = between(message, "Malformed JSON at byte", "")) {
    std::string text = between(*input, "Input: \"", "\"").value_or("");
    return AthenaError{"INVALID_FUNCTION_ARGUMENT", "Cannot convert value to JSON: '" + text + "'"};
  }
  if (auto text = between(line, "Could not parse string \"", "\" according to format")) {
    return AthenaError{"INVALID_FUNCTION_ARGUMENT", "Invalid format: \"" + *text + "\""};
  }
  if (has(line, "Division by zero")) return AthenaError{"DIVISION_BY_ZERO", "Division by zero"};
  if (auto pattern = between(line, "Unknown TimeZone '", "'")) {
    return AthenaError{"INVALID_FUNCTION_ARGUMENT", "'" + *pattern + "' is not a valid time zone"};
  }
  if (auto column = between(line, "column \"", "\" must appear in the GROUP BY clause")) {
    return AthenaError{"EXPRESSION_NOT_AGGREGATE",
                       place + "'" + *column + "' must be an aggregate expression or appear in GROUP BY clause"};
  }
  if (auto column = between(line, "Referenced column \"", "\" not found")) {
    return AthenaError{"COLUMN_NOT_FOUND",
                       place + "Column '" + lower_case(*column) +
                           "' cannot be resolved or requester is not authorized to access requested resources"};
  }
  if (auto table = between(line, "Table with name ", " does not exist")) {
    return AthenaError{"TABLE_NOT_FOUND", place + "Table '" + lower_case(*table) + "' does not exist"};
  }
  if (has(message, "Map keys must be unique"))
    return AthenaError{"INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed"};
  if (has(message, "Map keys can not be NULL"))
    return AthenaError{"INVALID_FUNCTION_ARGUMENT", "map key cannot be null"};
  if (has(message, "Out of Memory Error") || has(message, "failed to allocate")) {
    return AthenaError{"EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exhausted resources at this scale factor"};
  }
  if (has(message, "Invalid Input Error: Invalid regular expression") || has(message, "regular expression")) {
    return AthenaError{"INVALID_FUNCTION_ARGUMENT", std::string(line)};
  }
  return std::nullopt;
}

// The place in the statement that an offset into the printed SQL comes from: "line 1:8: ".
std::string place_of(const Printed& printed, std::optional<size_t> position) {
  if (!position) return {};
  const Position* found = nullptr;
  for (const Printed::Origin& origin : printed.origins) {
    if (origin.offset > *position) break;
    found = &origin.at;
  }
  return found ? "line " + std::to_string(found->line) + ":" + std::to_string(found->column) + ": " : std::string();
}

}  // namespace

AthenaError athena_error(std::string_view full_message, const Printed& printed, std::optional<size_t> position) {
  std::string_view message = full_message.substr(0, full_message.find("\nLINE "));  // the rest shows our own SQL
  std::string place = place_of(printed, position);
  if (std::optional<AthenaError> known = known_error(message, place)) return *known;
  std::string_view line = first_line(message);
  bool bound = message.starts_with("Binder Error") || message.starts_with("Parser Error") ||
               message.starts_with("Catalog Error");
  return AthenaError{bound ? "NOT_SUPPORTED" : "GENERIC_INTERNAL_ERROR", place + std::string(line)};
}

bool needs_wide_decimals(std::string_view message) {
  return has(message, "Overflow in multiplication of DECIMAL(18)") ||
         has(message, "Overflow in addition of DECIMAL(18)") || has(message, "Overflow in subtraction of DECIMAL(18)");
}

}  // namespace tarn::dialect
