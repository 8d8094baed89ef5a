// Texts, regular expressions and URLs (Trino's pages "String functions and operators", "Regular expression functions",
// "URL functions").
#include "query/dialect/functions.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

// White space as Java's and Trino's trim() see it; DuckDB's takes spaces alone.
constexpr std::string_view white_space =
    "chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || ' ' || chr(5760) || chr(8232) || chr(8233)";

// A number literal above zero; it may stand in a CAST.
bool positive_literal(const Value& value) {
  std::string digits = value.sql.substr(0, value.sql.find(" AS "));
  return value.number && digits.find('-') == std::string::npos &&
         digits.find_first_of("123456789") != std::string::npos;
}

// substr counts from 1, or from the end; 0 and what lies outside give the empty text.
std::string write_substr(Call& call) {
  bool has_length = call.arguments.size() == 3;
  std::vector<std::string> pieces = {call.sql(0), call.sql(1)};
  if (has_length) pieces.push_back(call.sql(2));
  return with_names(pieces, [&](const std::vector<std::string>& n) {
    std::string length;
    if (has_length) length = ", " + (positive_literal(call.arguments[2]) ? n[2] : "greatest(" + n[2] + ", 0)");
    std::string cut = "substr(" + n[0] + ", " + n[1] + length + ")";
    if (positive_literal(call.arguments[1])) return cut;
    std::string nothing = has_length ? n[2] + " IS NOT NULL AND " : std::string();
    return "CASE WHEN " + n[1] + " > 0 OR (" + n[1] + " < 0 AND -" + n[1] + " <= length(" + n[0] + ")) THEN " + cut +
           " WHEN " + nothing + n[0] + " IS NOT NULL AND " + n[1] + " IS NOT NULL THEN '' END";
  });
}

std::string write_split_part(Call& call) {
  std::string part = "string_split(" + call.sql(0) + ", " + call.sql(1) + ")[" + call.sql(2) + "]";
  if (positive_literal(call.arguments[2])) return part;
  return call.guard(call.sql(2) + " <= 0", "INVALID_FUNCTION_ARGUMENT", "'Index must be greater than zero'", part);
}

// The n-th place where the text is found, from the end for negative n: what stands before it are the pieces around its
// other places.
std::string write_strpos_instance(Call& call) {
  std::string pieces = "string_split(" + call.sql(0) + ", " + call.sql(1) + ")";
  return with_names({pieces, call.sql(1), call.sql(2)}, [&](const std::vector<std::string>& n) {
    std::string before = "CASE WHEN " + n[2] + " > 0 THEN " + n[2] + " ELSE len(" + n[0] + ") + " + n[2] + " END";
    std::string place = "CASE WHEN " + n[1] + " = '' THEN 1 WHEN abs(" + n[2] + ") >= len(" + n[0] +
                        ") THEN 0 ELSE length(array_to_string((" + n[0] + ")[1:" + before + "], " + n[1] + ")) + 1 END";
    return call.guard(n[2] + " = 0", "INVALID_FUNCTION_ARGUMENT",
                      "'''instance'' must be a positive or negative number.'", place);
  });
}

// The empty text stands before each character and at the end.
std::string write_replace(Call& call) {
  const std::optional<std::string>& search = call.arguments[1].text;
  std::string replaced = call.fill("replace($1, $2, $3)");
  if (search && !search->empty()) return replaced;
  return call.fill("CASE WHEN $2 = '' THEN $3 || array_to_string(string_split($1, ''), $3) || $3 ELSE ") + replaced +
         " END";
}

std::string write_pad(Call& call) {
  std::string padded = call.call.name + call.fill("($1, CAST($2 AS INTEGER), $3)");
  const std::optional<std::string>& with = call.arguments[2].text;
  if (!with || with->empty()) {
    padded =
        call.guard(call.sql(2) + " = ''", "INVALID_FUNCTION_ARGUMENT", "'Padding string must not be empty'", padded);
  }
  if (positive_literal(call.arguments[1])) return padded;
  return call.guard(call.sql(1) + " NOT BETWEEN 0 AND 2147483647", "INVALID_FUNCTION_ARGUMENT",
                    "'Target length must be in the range [0..2147483647]'", padded);
}

std::string write_split_to_multimap(Call& call) {
  std::string pair = "struct_pack(k := string_split(e, " + call.sql(2) + ")[1], v := substr(e, strpos(e, " +
                     call.sql(2) + ") + length(" + call.sql(2) + ")))";
  std::string pairs = "list_transform(list_filter(string_split(" + call.sql(0) + ", " + call.sql(1) +
                      "), lambda e: e <> ''), lambda e: " + pair + ")";
  return with_names({pairs}, [](const std::vector<std::string>& n) { return multimap_sql(n[0]); });
}

// With a limit, the last piece holds the rest.
std::string write_split_limit(Call& call) {
  std::string parts = "string_split(" + call.sql(0) + ", " + call.sql(1) + ")";
  return with_names({parts, call.sql(1), call.sql(2)}, [&](const std::vector<std::string>& n) {
    std::string limited = "CASE WHEN len(" + n[0] + ") > " + n[2] + " THEN list_concat(" + n[0] + "[1:" + n[2] +
                          " - 1], [array_to_string(" + n[0] + "[" + n[2] + ":], " + n[1] + ")]) ELSE " + n[0] + " END";
    return call.guard(n[2] + " <= 0", "INVALID_FUNCTION_ARGUMENT", "'Limit must be positive'", limited);
  });
}

std::string write_split_to_map(Call& call) {
  std::string pair = "struct_pack(k := string_split(e, " + call.sql(2) + ")[1], v := substr(e, strpos(e, " +
                     call.sql(2) + ") + length(" + call.sql(2) + ")))";
  return "map_from_entries(list_transform(list_filter(string_split(" + call.sql(0) + ", " + call.sql(1) +
         "), lambda e: e <> ''), lambda e: " + pair + "))";
}

std::string write_trim(Call& call) {
  std::string characters = call.arguments.size() == 2 ? call.sql(1) : std::string(white_space);
  return std::string(call.call.name) + "(" + call.sql(0) + ", " + characters + ")";
}

std::string write_normalize(Call& call) {
  if (call.arguments.size() == 2 && call.literal(1) != "NFC")
    Printer::unsupported(call.at.at, "normalize() to " + call.literal(1));
  return "nfc_normalize(" + call.sql(0) + ")";
}

// DuckDB counts bytes.
std::string write_levenshtein(Call& call) {
  return with_names({call.sql(0), call.sql(1)}, [&](const std::vector<std::string>& n) {
    return call.guard("strlen(" + n[0] + ") <> length(" + n[0] + ") OR strlen(" + n[1] + ") <> length(" + n[1] + ")",
                      "NOT_SUPPORTED", "'tarn has " + call.call.name + " for ASCII texts only'",
                      "levenshtein(" + n[0] + ", " + n[1] + ")");
  });
}

std::string write_hamming(Call& call) {
  return with_names({call.sql(0), call.sql(1)}, [&](const std::vector<std::string>& n) {
    std::string same = "CASE WHEN length(" + n[0] + ") = 0 THEN 0 ELSE len(list_filter(range(1, length(" + n[0] +
                       ") + 1), lambda i: " + n[0] + "[i] <> " + n[1] + "[i])) END";
    return call.guard("length(" + n[0] + ") <> length(" + n[1] + ")", "INVALID_FUNCTION_ARGUMENT",
                      "'The input strings to hamming_distance function must have the same length'", same);
  });
}

// A char(n) counts all its n.
std::string write_char_length(Call& call) {
  return "CASE WHEN " + call.sql(0) + " IS NOT NULL THEN CAST(" + std::to_string(call.arguments[0].type.precision) +
         " AS BIGINT) END";
}

// Java's Formatter, for %s %d %x %f and %% with flags; the format has to be a literal.
std::string write_format(Call& call) {
  const std::string& format = call.literal(0);
  std::string out;
  auto add = [&](const std::string& piece) { out += (out.empty() ? "" : " || ") + piece; };
  std::string plain;
  size_t next = 1;
  for (size_t i = 0; i < format.size(); i++) {
    if (format[i] != '%') {
      plain += format[i];
      continue;
    }
    size_t end = format.find_first_not_of("-+ 0,.123456789", i + 1);
    if (end == std::string::npos) call.fail("INVALID_FUNCTION_ARGUMENT", "Invalid format string: " + format);
    std::string flags = format.substr(i + 1, end - i - 1);
    char conversion = format[end];
    i = end;
    if (conversion == '%' || conversion == 'n') {
      plain += conversion == '%' ? '%' : '\n';
      continue;
    }
    if (next >= call.arguments.size()) call.fail("INVALID_FUNCTION_ARGUMENT", "Invalid format string: " + format);
    const Value& value = call.arguments[next++];
    if (!plain.empty()) add(quote_text(plain));
    plain.clear();
    bool grouped = flags.find(',') != std::string::npos;
    std::string without_comma = flags;
    std::erase(without_comma, ',');
    if (conversion == 's') {
      std::string text = value.type.is_text() ? value.sql : text_sql(call.style(), value);
      if (value.type.kind == TypeKind::double_precision || value.type.kind == TypeKind::real)
        text = "CAST(" + value.sql + " AS VARCHAR)";
      add(flags.empty() ? "coalesce(" + text + ", 'null')"
                        : "printf(" + quote_text("%" + flags + "s") + ", " + text + ")");
    } else if (conversion == 'd' && value.type.is_integral()) {
      add(grouped ? "format('{:" + without_comma + ",}', " + value.sql + ")"
                  : "printf(" + quote_text("%" + flags + "d") + ", " + value.sql + ")");
    } else if (conversion == 'x' && value.type.is_integral() && !grouped) {
      add("printf(" + quote_text("%" + flags + "x") + ", " + value.sql + ")");
    } else if (conversion == 'f' && value.type.is_numeric()) {
      // Halves are rounded up, as Java does.
      size_t point = without_comma.find('.');
      std::string digits = point == std::string::npos ? "6" : without_comma.substr(point + 1);
      std::string number = "CAST(round(" + value.sql + ", " + digits + ") AS DOUBLE)";
      add(grouped ? "format('{:" + without_comma.substr(0, point) + ",." + digits + "f}', " + number + ")"
                  : "printf(" + quote_text("%" + without_comma + "f") + ", " + number + ")");
    } else {
      Printer::unsupported(call.at.at, "format() with %" + flags + conversion + " of " + to_trino(value.type));
    }
  }
  if (!plain.empty() || out.empty()) add(quote_text(plain));
  return "(" + out + ")";
}

// ---- Regular expressions: RE2 takes nearly what Java's do; references to groups are written $1 there and \1 here.

std::string group_references(std::string_view replacement, Call& call) {
  std::string out;
  for (size_t i = 0; i < replacement.size(); i++) {
    char c = replacement[i];
    char next = i + 1 < replacement.size() ? replacement[i + 1] : '\0';
    if (c == '$' && next >= '0' && next <= '9') {
      out += '\\';
      out += next;
      i++;
    } else if (c == '$' && next == '{') {
      Printer::unsupported(call.at.at, "named groups in regexp_replace");
    } else if (c == '$') {
      call.fail("INVALID_FUNCTION_ARGUMENT", "Illegal replacement sequence: " + std::string(replacement));
    } else if (c == '\\' && next != '\0') {
      out += next == '\\' ? "\\\\" : std::string(1, next);
      i++;
    } else {
      out += c;
    }
  }
  return out;
}

std::string write_regexp_replace(Call& call) {
  if (call.arguments.size() == 2) return call.fill("regexp_replace($1, $2, '', 'g')");
  if (call.arguments[2].text) {
    return call.fill("regexp_replace($1, $2, ") + quote_text(group_references(*call.arguments[2].text, call)) +
           ", 'g')";
  }
  return call.fill("regexp_replace($1, $2, regexp_replace($3, '\\$([0-9])', '\\\\\\1', 'g'), 'g')");
}

// How many groups the pattern has that take a number.
int count_groups(std::string_view pattern) {
  int groups = 0;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); i++) {
    if (pattern[i] == '\\') {
      i++;
    } else if (in_class) {
      in_class = pattern[i] != ']';
    } else if (pattern[i] == '[') {
      in_class = true;
      if (pattern.substr(i + 1).starts_with("^]"))
        i += 2;
      else if (pattern.substr(i + 1).starts_with("]"))
        i++;
    } else if (pattern[i] == '(') {
      std::string_view after = pattern.substr(i + 1);
      bool named = after.starts_with("?P<") ||
                   (after.starts_with("?<") && !after.starts_with("?<=") && !after.starts_with("?<!"));
      groups += !after.starts_with("?") || named ? 1 : 0;
    }
  }
  return groups;
}

// ", group" as the last argument of DuckDB's functions, and the check that the pattern has that many.
std::string with_group(Call& call, const std::function<std::string(const std::string&)>& write) {
  if (call.arguments.size() < 3) return write("");
  std::string text = write(", CAST(" + call.sql(2) + " AS INTEGER)");
  const std::optional<std::string>& pattern = call.arguments[1].text;
  if (!pattern) return text;
  std::string groups = std::to_string(count_groups(*pattern));
  return call.guard(call.sql(2) + " NOT BETWEEN 0 AND " + groups, "INVALID_FUNCTION_ARGUMENT",
                    "'Pattern has " + groups + " groups. Cannot access group ' || " + call.sql(2), text);
}

std::string write_regexp_extract(Call& call) {
  return with_names({call.sql(0), call.sql(1)}, [&](const std::vector<std::string>& n) {
    return with_group(call, [&](const std::string& group) {
      return "CASE WHEN regexp_matches(" + n[0] + ", " + n[1] + ") THEN regexp_extract(" + n[0] + ", " + n[1] + group +
             ") END";
    });
  });
}

std::string write_regexp_extract_all(Call& call) {
  return with_group(call,
                    [&](const std::string& group) { return call.fill("regexp_extract_all($1, $2") + group + ")"; });
}

// The first match: what stands before it is the first of the pieces between matches.
std::string write_regexp_position(Call& call) {
  return call.fill(
      "CASE WHEN regexp_matches($1, $2) THEN CAST(length(string_split_regex($1, $2)[1]) + 1 AS BIGINT) WHEN $1 IS NOT "
      "NULL AND $2 IS NOT NULL THEN -1 END");
}

// ---- URLs, by the regular expression of RFC 3986, appendix B

constexpr std::string_view authority = R"(^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*|\[[^\]]*\]))";

std::string url_part(Call& call, std::string_view pattern, bool empty_is_null) {
  std::string sql = "regexp_extract(" + call.sql(0) + ", " + quote_text(pattern) + ", 1)";
  return empty_is_null ? "nullif(" + sql + ", '')" : sql;
}
std::string write_url_protocol(Call& call) {
  return url_part(call, R"(^([A-Za-z][A-Za-z0-9+.-]*):)", false);
}
std::string write_url_host(Call& call) {
  return url_part(call, authority, true);
}
std::string write_url_path(Call& call) {
  return url_part(call, R"(^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^?#]*))", false);
}
std::string write_url_query(Call& call) {
  return "url_decode(" + url_part(call, R"(^[^?#]*\?([^#]*))", false) + ")";
}
std::string write_url_fragment(Call& call) {
  return "url_decode(" + url_part(call, R"(^[^#]*#(.*)$)", false) + ")";
}
std::string write_url_port(Call& call) {
  return "TRY_CAST(" + url_part(call, R"(^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?[^/?#:]*:([0-9]+))", true) +
         " AS BIGINT)";
}
std::string write_url_parameter(Call& call) {
  std::string pairs = "string_split(regexp_extract(" + call.sql(0) + R"(, '^[^?#]*\?([^#]*)', 1), '&'))";
  std::string named = "list_filter(" + pairs + ", lambda e: string_split(e, '=')[1] = " + call.sql(1) + ")[1]";
  return with_names({named}, [](const std::vector<std::string>& n) {
    return "CASE WHEN strpos(" + n[0] + ", '=') > 0 THEN url_decode(replace(substr(" + n[0] + ", strpos(" + n[0] +
           ", '=') + 1), '+', ' ')) WHEN " + n[0] + " IS NOT NULL THEN '' END";
  });
}

constexpr FunctionRow text_rows[] = {
    {"chr", "bigint -> varchar(1)", "chr(CAST($1 AS INTEGER))"},
    {"codepoint", "varchar(x) -> integer", "unicode($1)"},
    {"concat_ws", "varchar, array(varchar) -> varchar", "CASE WHEN $1 IS NOT NULL THEN array_to_string($2, $1) END"},
    {"concat_ws", "varchar, varchar... -> varchar", "concat_ws($*)"},
    {"format", "varchar, A, B, C, D, E, F, G, H -> varchar", "", write_format},
    {"format", "varchar, A, B, C, D, E, F, G -> varchar", "", write_format},
    {"format", "varchar, A, B, C, D, E, F -> varchar", "", write_format},
    {"format", "varchar, A, B, C, D, E -> varchar", "", write_format},
    {"format", "varchar, A, B, C, D -> varchar", "", write_format},
    {"format", "varchar, A, B, C -> varchar", "", write_format},
    {"format", "varchar, A, B -> varchar", "", write_format},
    {"format", "varchar, A -> varchar", "", write_format},
    {"format", "varchar -> varchar", "", write_format},
    {"hamming_distance", "varchar(x), varchar(y) -> bigint", "", write_hamming},
    {"length", "char(x) -> bigint", "", write_char_length},
    {"length", "varchar(x) -> bigint", "length($1)"},
    {"length", "varbinary -> bigint", "octet_length($1)"},
    {"levenshtein_distance", "varchar(x), varchar(y) -> bigint", "", write_levenshtein},
    {"lower", "char(x) -> char(x)", "lower($1)"},
    {"lower", "varchar(x) -> varchar(x)", "lower($1)"},
    {"lpad", "varchar(x), bigint, varchar(y) -> varchar", "", write_pad},
    {"ltrim", "varchar(x) -> varchar(x)", "", write_trim},
    {"ltrim", "varchar(x), varchar(y) -> varchar(x)", "", write_trim},
    {"normalize", "varchar(x) -> varchar", "", write_normalize},
    {"normalize", "varchar(x), varchar(y) -> varchar", "", write_normalize},
    {"position", "varchar(x), varchar(y) -> bigint", "strpos($2, $1)"},
    {"replace", "varchar(x), varchar(y) -> varchar(x)", "replace($1, $2, '')"},
    {"replace", "varchar(x), varchar(y), varchar(z) -> varchar", "", write_replace},
    {"reverse", "varchar(x) -> varchar(x)", "reverse($1)"},
    {"reverse", "array(E) -> array(E)", "list_reverse($1)"},
    {"rpad", "varchar(x), bigint, varchar(y) -> varchar", "", write_pad},
    {"rtrim", "varchar(x) -> varchar(x)", "", write_trim},
    {"rtrim", "varchar(x), varchar(y) -> varchar(x)", "", write_trim},
    {"split", "varchar(x), varchar(y) -> array(varchar(x))", "string_split($1, $2)"},
    {"split", "varchar(x), varchar(y), bigint -> array(varchar(x))", "", write_split_limit},
    {"split_part", "varchar(x), varchar(y), bigint -> varchar(x)", "", write_split_part},
    {"split_to_map", "varchar, varchar, varchar -> map(varchar, varchar)", "", write_split_to_map},
    {"split_to_multimap", "varchar, varchar, varchar -> map(varchar, array(varchar))", "", write_split_to_multimap},
    {"starts_with", "varchar(x), varchar(y) -> boolean", "starts_with($1, $2)"},
    {"strpos", "varchar(x), varchar(y) -> bigint", "strpos($1, $2)"},
    {"strpos", "varchar(x), varchar(y), bigint -> bigint", "", write_strpos_instance},
    {"substr", "varchar(x), bigint -> varchar(x)", "", write_substr},
    {"substr", "varchar(x), bigint, bigint -> varchar(x)", "", write_substr},
    {"substring", "varchar(x), bigint -> varchar(x)", "", write_substr},
    {"substring", "varchar(x), bigint, bigint -> varchar(x)", "", write_substr},
    {"to_utf8", "varchar(x) -> varbinary", "encode($1)"},
    {"from_utf8", "varbinary -> varchar", "decode($1)"},
    {"translate", "varchar(x), varchar(y), varchar(z) -> varchar", "translate($1, $2, $3)"},
    {"trim", "varchar(x) -> varchar(x)", "", write_trim},
    {"trim", "varchar(x), varchar(y) -> varchar(x)", "", write_trim},
    {"upper", "char(x) -> char(x)", "upper($1)"},
    {"upper", "varchar(x) -> varchar(x)", "upper($1)"},
};

constexpr FunctionRow regexp_rows[] = {
    {"regexp_count", "varchar(x), varchar -> bigint", "len(regexp_extract_all($1, $2))"},
    {"regexp_extract", "varchar(x), varchar -> varchar(x)", "", write_regexp_extract},
    {"regexp_extract", "varchar(x), varchar, bigint -> varchar(x)", "", write_regexp_extract},
    {"regexp_extract_all", "varchar(x), varchar -> array(varchar(x))", "", write_regexp_extract_all},
    {"regexp_extract_all", "varchar(x), varchar, bigint -> array(varchar(x))", "", write_regexp_extract_all},
    {"regexp_like", "varchar(x), varchar -> boolean", "regexp_matches($1, $2)"},
    {"regexp_position", "varchar(x), varchar -> bigint", "", write_regexp_position},
    {"regexp_replace", "varchar(x), varchar -> varchar(x)", "", write_regexp_replace},
    {"regexp_replace", "varchar(x), varchar, varchar(y) -> varchar", "", write_regexp_replace},
    {"regexp_split", "varchar(x), varchar -> array(varchar(x))", "string_split_regex($1, $2)"},
};

constexpr FunctionRow url_rows[] = {
    {"url_decode", "varchar(x) -> varchar(x)", "url_decode(replace($1, '+', ' '))"},
    {"url_encode", "varchar(x) -> varchar",
     "replace(replace(replace(url_encode($1), '%20', '+'), '%2A', '*'), '~', '%7E')"},
    {"url_extract_fragment", "varchar(x) -> varchar(x)", "", write_url_fragment},
    {"url_extract_host", "varchar(x) -> varchar(x)", "", write_url_host},
    {"url_extract_parameter", "varchar(x), varchar(y) -> varchar(x)", "", write_url_parameter},
    {"url_extract_path", "varchar(x) -> varchar(x)", "", write_url_path},
    {"url_extract_port", "varchar(x) -> bigint", "", write_url_port},
    {"url_extract_protocol", "varchar(x) -> varchar(x)", "", write_url_protocol},
    {"url_extract_query", "varchar(x) -> varchar(x)", "", write_url_query},
};

}  // namespace

FunctionTable text_functions() {
  return {FunctionKind::scalar, text_rows};
}
FunctionTable regexp_functions() {
  return {FunctionKind::scalar, regexp_rows};
}
FunctionTable url_functions() {
  return {FunctionKind::scalar, url_rows};
}

}  // namespace tarn::dialect
