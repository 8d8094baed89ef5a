#include "query/dialect/functions.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/printer_state.hpp"

namespace tarn::dialect {

namespace {

using Index = std::unordered_map<std::string_view, FoundFunction>;

const Index& index() {
  static const Index built = [] {
    Index out;
    for (const FunctionTable& table : {text_functions(), regexp_functions(), number_functions(), time_functions(),
                                       array_functions(), map_functions(), json_functions(), binary_functions(),
                                       url_functions(), aggregate_functions(), window_functions()}) {
      for (const FunctionRow& row : table.rows) {
        FoundFunction& found = out.try_emplace(row.name, FoundFunction{table.kind, {}}).first->second;
        TARN_ASSERT(found.kind == table.kind);
        found.rows.push_back(&row);
      }
    }
    return out;
  }();
  return built;
}

// "varchar(x), (T, U) => R, T... -> array(T)"
class SignatureReader {
 public:
  explicit SignatureReader(std::string_view text) : text_(text) {}

  Signature read() {
    Signature out;
    skip();
    while (!text_.substr(at_).starts_with("->")) {
      out.parameters.push_back(pattern());
      take(",");
    }
    at_ += 2;
    out.result = pattern();
    TARN_ASSERT(at_ == text_.size());
    return out;
  }

 private:
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') at_++;
  }
  bool take(std::string_view what) {
    skip();
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    skip();
    return true;
  }
  std::string word() {
    skip();
    size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) at_++;
    TARN_ASSERT(at_ > start);
    std::string out(text_.substr(start, at_ - start));
    skip();
    return out;
  }
  TypePattern pattern() {
    TypePattern out;
    if (take("(")) {
      out.kind = TypePattern::Kind::lambda;
      while (!take(")")) {
        out.children.push_back(pattern());
        take(",");
      }
      TARN_ASSERT(take("=>"));
      out.children.push_back(pattern());
      return out;
    }
    std::string name = word();
    if (name.size() == 1 && name[0] >= 'A' && name[0] <= 'Z') {
      out.kind = TypePattern::Kind::variable;
      out.variable = name;
    } else {
      named(name, out);
    }
    out.repeated = take("...");
    return out;
  }
  void named(const std::string& name, TypePattern& out) {
    if (name == "array" || name == "map") {
      out.type = name == "array" ? TypeKind::array : TypeKind::map;
      TARN_ASSERT(take("("));
      while (!take(")")) {
        out.children.push_back(pattern());
        take(",");
      }
      return;
    }
    std::string full = name;
    if (take("(")) {
      while (!take(")")) {
        out.parameters.push_back(word());
        take(",");
      }
    }
    if (take("with time zone")) full += " with time zone";
    if (name == "interval")
      full += take("day to second") ? " day to second" : (TARN_ASSERT(take("year to month")), " year to month");
    if (name == "row") {  // row of any fields
      out.type = TypeKind::row;
      return;
    }
    std::optional<Type> type = type_by_name(full, {});
    TARN_ASSERT(type.has_value());
    out.type = type->kind;
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool is_number(const std::string& text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

int number_of(const std::string& parameter, const Bindings& bindings, int otherwise) {
  if (is_number(parameter)) return std::stoi(parameter);
  for (const auto& [name, value] : bindings.numbers) {
    if (name == parameter) return value;
  }
  return otherwise;
}

void bind_number(const std::string& name, int value, Bindings& bindings) {
  if (is_number(name)) return;
  for (auto& [known, bound] : bindings.numbers) {
    if (known == name) {
      bound = std::max(bound, value);
      return;
    }
  }
  bindings.numbers.emplace_back(name, value);
}

bool bind_variable(const std::string& name, const Type& actual, Bindings& bindings, bool exact) {
  for (auto& [known, bound] : bindings.types) {
    if (known != name) continue;
    if (bound == actual && bound.zone == actual.zone) return true;
    std::optional<Type> common = common_type(bound, actual);
    bool same_kind = bound.kind == actual.kind || bound.kind == TypeKind::unknown || actual.kind == TypeKind::unknown;
    if (!common || (exact && !same_kind)) return false;
    bound = *common;
    return true;
  }
  bindings.types.emplace_back(name, actual);
  return true;
}

// Whether a value of `from` may be passed where the pattern's type is asked for.
bool coerces(const Type& from, TypeKind to) {
  Type target = simple_type(to);
  if (to == TypeKind::varchar) target.precision = unbounded_length;
  if (to == TypeKind::decimal) return from.is_integral();
  if (to == TypeKind::timestamp || to == TypeKind::timestamp_with_zone) {
    target.precision = std::max(from.precision, 3);
    std::optional<Type> common = common_type(from, target);
    return common && common->kind == to;
  }
  return can_coerce(from, target);
}

std::string describe_pattern(const TypePattern& pattern) {
  if (pattern.kind == TypePattern::Kind::variable) return lower_case(pattern.variable);
  std::string inner;
  for (const TypePattern& child : pattern.children) inner += (inner.empty() ? "" : ",") + describe_pattern(child);
  if (pattern.kind == TypePattern::Kind::lambda) return "function(" + inner + ")";
  if (pattern.type == TypeKind::array) return "array(" + inner + ")";
  if (pattern.type == TypeKind::map) return "map(" + inner + ")";
  if (pattern.type == TypeKind::row) return "row";
  std::string name = to_trino(simple_type(pattern.type));
  std::string base = name.substr(0, name.find('('));
  std::string suffix = name.find(" with time zone") == std::string::npos ? "" : " with time zone";
  std::string parameters;
  for (const std::string& parameter : pattern.parameters) parameters += (parameters.empty() ? "" : ",") + parameter;
  return base + (parameters.empty() ? "" : "(" + parameters + ")") + suffix;
}

}  // namespace

const Style& Call::style() const {
  return printer.style();
}

std::string Call::body(size_t i, const std::vector<std::string>& parameters) const {
  Value value = printer.lambda_body(*call.arguments[i], lambdas[i].parameters, parameters, scope);
  return coerced(style(), value, lambdas[i].result).sql;
}

const std::string& Call::literal(size_t i) const {
  if (!arguments[i].text) {
    Printer::unsupported(call.arguments[i]->at, "an argument of " + call.name + " that is not a literal");
  }
  return *arguments[i].text;
}

std::string Call::fill(std::string_view text) const {
  auto listed = [&](size_t from) {
    std::string out;
    for (size_t i = from; i < arguments.size(); i++) out += (i > from ? ", " : "") + arguments[i].sql;
    return out;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '@') {
      out += aggregate_mark;
      continue;
    }
    char next = text[i] == '$' && i + 1 < text.size() ? text[i + 1] : '\0';
    bool numbered = next >= '1' && next <= '9';
    if (next != '*' && !numbered) {
      out += text[i];
      continue;
    }
    i++;
    size_t n = numbered ? next - '1' : 0;
    bool list = !numbered;
    if (numbered && i + 1 < text.size() && text[i + 1] == '*') {
      list = true;
      i++;
    }
    TARN_ASSERT(list || n < arguments.size());
    out += list ? listed(n) : arguments[n].sql;
  }
  return out;
}

void Call::fail(const std::string& code, const std::string& message) const {
  Printer::fail(at.at, code, message);
}

std::string Call::guard(const std::string& condition, std::string_view code, const std::string& message,
                        const std::string& value) const {
  return guarded(style(), condition, code, message, value);
}

const FoundFunction* find_function(std::string_view name) {
  auto found = index().find(name);
  return found == index().end() ? nullptr : &found->second;
}

size_t function_count() {
  return index().size();
}

const Signature& signature_of(const FunctionRow& row) {
  static std::mutex mutex;
  static std::unordered_map<const FunctionRow*, Signature> known;
  std::lock_guard lock(mutex);
  auto found = known.find(&row);
  if (found == known.end()) found = known.emplace(&row, SignatureReader(row.signature).read()).first;
  return found->second;
}

bool bind(const TypePattern& pattern, const Type& actual, Bindings& bindings, bool exact) {
  if (pattern.kind == TypePattern::Kind::lambda) return actual.kind == TypeKind::function;
  if (actual.kind == TypeKind::function) return false;
  if (pattern.kind == TypePattern::Kind::variable) return bind_variable(pattern.variable, actual, bindings, exact);
  if (actual.kind == TypeKind::unknown) {  // NULL fits everything
    for (const TypePattern& child : pattern.children) bind(child, Type{}, bindings, exact);
    return true;
  }
  if (pattern.type != actual.kind) {
    if (exact || !coerces(actual, pattern.type)) return false;
    if (pattern.type == TypeKind::decimal && pattern.parameters.size() == 2) {
      Type decimal = *common_type(actual, decimal_type(1, 0));
      bind_number(pattern.parameters[0], decimal.precision, bindings);
      bind_number(pattern.parameters[1], decimal.scale, bindings);
    } else if (!pattern.parameters.empty()) {
      bind_number(pattern.parameters[0], actual.is_text() || actual.precision > 0 ? actual.precision : 3, bindings);
    }
    return true;
  }
  if (!pattern.parameters.empty()) bind_number(pattern.parameters[0], actual.precision, bindings);
  if (pattern.parameters.size() > 1) bind_number(pattern.parameters[1], actual.scale, bindings);
  for (size_t i = 0; i < pattern.children.size(); i++) {
    if (!bind(pattern.children[i], actual.children[i], bindings, exact)) return false;
  }
  return true;
}

Type filled(const TypePattern& pattern, const Bindings& bindings) {
  if (pattern.kind == TypePattern::Kind::variable) {
    for (const auto& [name, type] : bindings.types) {
      if (name == pattern.variable) return type;
    }
    return Type{};
  }
  Type out = simple_type(pattern.kind == TypePattern::Kind::lambda ? TypeKind::function : pattern.type);
  for (const TypePattern& child : pattern.children) out.children.push_back(filled(child, bindings));
  switch (out.kind) {
    case TypeKind::varchar:
    case TypeKind::character:
      out.precision =
          pattern.parameters.empty() ? unbounded_length : number_of(pattern.parameters[0], bindings, unbounded_length);
      break;
    case TypeKind::decimal:
      out.precision = pattern.parameters.empty() ? 38 : number_of(pattern.parameters[0], bindings, 38);
      out.scale = pattern.parameters.size() < 2 ? 0 : number_of(pattern.parameters[1], bindings, 0);
      break;
    case TypeKind::time:
    case TypeKind::time_with_zone:
    case TypeKind::timestamp:
    case TypeKind::timestamp_with_zone:
      out.precision = pattern.parameters.empty() ? 3 : number_of(pattern.parameters[0], bindings, 3);
      break;
    default:
      break;
  }
  return out;
}

std::string describe(const FunctionRow& row) {
  const Signature& signature = signature_of(row);
  std::string out(row.name);
  out += '(';
  for (size_t i = 0; i < signature.parameters.size(); i++) {
    out += (i > 0 ? ", " : "") + describe_pattern(signature.parameters[i]);
  }
  return out + ")";
}

}  // namespace tarn::dialect
