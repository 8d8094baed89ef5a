#include "meta/metric_math.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/error.hpp"

namespace tarn::meta {
namespace {

constexpr int max_depth = 100;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationError", "Error in expression: " + what);
}

using Pointwise = std::function<double(double, double)>;

// Points where the function has no finite answer (a division by 0) are left out.
TimeSeries join(const TimeSeries& a, const TimeSeries& b, const Pointwise& f) {
  TimeSeries out;
  for (const auto& [at, value] : a)
    if (auto other = b.find(at); other != b.end())
      if (double v = f(value, other->second); std::isfinite(v)) out.emplace(at, v);
  return out;
}

TimeSeries map(const TimeSeries& a, const std::function<double(double)>& f) {
  TimeSeries out;
  for (const auto& [at, value] : a)
    if (double v = f(value); std::isfinite(v)) out.emplace(at, v);
  return out;
}

MathValue apply(const MathValue& a, const MathValue& b, const Pointwise& f);

MathValue apply_each(const std::vector<TimeSeries>& list, const std::function<MathValue(const TimeSeries&)>& f) {
  std::vector<TimeSeries> out;
  for (const TimeSeries& one : list) out.push_back(std::get<TimeSeries>(f(one)));
  return out;
}

MathValue apply(const MathValue& a, const MathValue& b, const Pointwise& f) {
  if (auto* list = std::get_if<std::vector<TimeSeries>>(&a)) {
    if (std::holds_alternative<std::vector<TimeSeries>>(b)) invalid("an operator can't take two arrays of time series");
    return apply_each(*list, [&](const TimeSeries& one) { return apply(one, b, f); });
  }
  if (auto* list = std::get_if<std::vector<TimeSeries>>(&b))
    return apply_each(*list, [&](const TimeSeries& one) { return apply(a, one, f); });
  if (auto* x = std::get_if<double>(&a)) {
    if (auto* y = std::get_if<double>(&b)) return f(*x, *y);
    return map(std::get<TimeSeries>(b), [&](double v) { return f(*x, v); });
  }
  const auto& series = std::get<TimeSeries>(a);
  if (auto* y = std::get_if<double>(&b)) return map(series, [&](double v) { return f(v, *y); });
  return join(series, std::get<TimeSeries>(b), f);
}

// SUM, AVG, MIN, MAX: of one series its points, of several the points of each time.
MathValue fold(const MathValue& of, const std::function<double(const std::vector<double>&)>& f) {
  if (auto* series = std::get_if<TimeSeries>(&of)) {
    std::vector<double> values;
    for (const auto& point : *series) values.push_back(point.second);
    return values.empty() ? 0.0 : f(values);
  }
  auto* list = std::get_if<std::vector<TimeSeries>>(&of);
  if (!list) invalid("the function takes time series");
  std::map<Time, std::vector<double>> columns;
  for (const TimeSeries& one : *list)
    for (const auto& [at, value] : one) columns[at].push_back(value);
  TimeSeries out;
  for (const auto& [at, values] : columns) out[at] = f(values);
  return out;
}

MathValue map_value(const MathValue& of, const std::function<double(double)>& f) {
  return apply(of, 0.0, [&](double v, double) { return f(v); });
}

MathValue each_series(const MathValue& of, const std::function<TimeSeries(const TimeSeries&)>& f) {
  if (auto* series = std::get_if<TimeSeries>(&of)) return f(*series);
  if (auto* list = std::get_if<std::vector<TimeSeries>>(&of))
    return apply_each(*list, [&](const TimeSeries& one) { return MathValue(f(one)); });
  invalid("the function takes time series");
}

TimeSeries differences(const TimeSeries& series, bool per_second) {
  TimeSeries out;
  const std::pair<const Time, double>* before = nullptr;
  for (const auto& point : series) {
    if (before) {
      double s = std::chrono::duration<double>(point.first - before->first).count();
      out[point.first] = (point.second - before->second) / (per_second ? s : 1);
    }
    before = &point;
  }
  return out;
}

TimeSeries running_sum(const TimeSeries& series) {
  TimeSeries out;
  double sum = 0;
  for (const auto& [at, value] : series) out[at] = sum += value;
  return out;
}

enum class Filling { number, repeat, linear };

TimeSeries fill(const TimeSeries& series, const std::vector<Time>& timeline, Filling how, double number) {
  TimeSeries out = series;
  for (Time at : timeline) {
    if (series.contains(at)) continue;
    auto after = series.upper_bound(at);
    bool has_before = after != series.begin(), has_after = after != series.end();
    if (how == Filling::number) {
      out[at] = number;
    } else if (how == Filling::repeat && has_before) {
      out[at] = std::prev(after)->second;
    } else if (how == Filling::linear && has_before && has_after) {
      auto before = std::prev(after);
      double part = std::chrono::duration<double>(at - before->first) / (after->first - before->first);
      out[at] = before->second + part * (after->second - before->second);
    }
  }
  return out;
}

class Parser {
 public:
  Parser(std::string_view text, const MathNames& names) : text_(text), names_(names) {}

  MathValue whole() {
    MathValue value = comparison();
    skip();
    if (!text_.empty()) invalid("unexpected '" + std::string(text_.substr(0, 10)) + "'");
    return value;
  }

 private:
  void skip() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front()))) text_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skip();
    if (!text_.starts_with(token)) return false;
    bool word = std::isalpha(static_cast<unsigned char>(token.front()));
    if (word && text_.size() > token.size() && is_name(text_[token.size()])) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  void need(std::string_view token) {
    if (!take(token)) invalid("'" + std::string(token) + "' is missing");
  }
  static bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

  MathValue comparison() {
    if (++depth_ > max_depth) invalid("it is nested too deeply");
    MathValue left = compared();
    for (;;) {
      if (take("AND") || take("&&"))
        left = apply(left, compared(), [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; });
      else if (take("OR") || take("||"))
        left = apply(left, compared(), [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; });
      else
        break;
    }
    --depth_;
    return left;
  }

  MathValue compared() {
    MathValue left = sum();
    if (take("==")) return apply(left, sum(), [](double a, double b) { return a == b ? 1.0 : 0.0; });
    if (take("!=")) return apply(left, sum(), [](double a, double b) { return a != b ? 1.0 : 0.0; });
    if (take("<=")) return apply(left, sum(), [](double a, double b) { return a <= b ? 1.0 : 0.0; });
    if (take(">=")) return apply(left, sum(), [](double a, double b) { return a >= b ? 1.0 : 0.0; });
    if (take("<")) return apply(left, sum(), [](double a, double b) { return a < b ? 1.0 : 0.0; });
    if (take(">")) return apply(left, sum(), [](double a, double b) { return a > b ? 1.0 : 0.0; });
    return left;
  }

  MathValue sum() {
    MathValue left = product();
    for (;;) {
      if (take("+"))
        left = apply(left, product(), [](double a, double b) { return a + b; });
      else if (take("-"))
        left = apply(left, product(), [](double a, double b) { return a - b; });
      else
        return left;
    }
  }

  MathValue product() {
    MathValue left = power();
    for (;;) {
      if (take("*"))
        left = apply(left, power(), [](double a, double b) { return a * b; });
      else if (take("/"))
        left = apply(left, power(), [](double a, double b) { return a / b; });
      else
        return left;
    }
  }

  MathValue power() {
    if (++depth_ > max_depth) invalid("it is nested too deeply");
    MathValue out;
    if (take("-")) {
      out = map_value(power(), [](double v) { return -v; });
    } else {
      out = primary();
      if (take("^")) out = apply(out, power(), [](double a, double b) { return std::pow(a, b); });
    }
    --depth_;
    return out;
  }

  MathValue primary() {
    skip();
    if (take("(")) {
      MathValue inner = comparison();
      need(")");
      return inner;
    }
    if (take("[")) return array();
    if (text_.empty()) invalid("it ends too early");
    if (std::isdigit(static_cast<unsigned char>(text_.front())) || text_.front() == '.') return number();
    std::size_t end = 0;
    while (end < text_.size() && is_name(text_[end])) ++end;
    if (end == 0) invalid("unexpected '" + std::string(text_.substr(0, 10)) + "'");
    std::string name(text_.substr(0, end));
    text_.remove_prefix(end);
    if (take("(")) return function(name);
    return names_.value(name);
  }

  MathValue number() {
    double v = 0;
    auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), v);
    if (error != std::errc()) invalid("'" + std::string(text_.substr(0, 10)) + "' is no number");
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return v;
  }

  MathValue array() {
    std::vector<TimeSeries> out;
    do {
      MathValue one = comparison();
      if (auto* series = std::get_if<TimeSeries>(&one))
        out.push_back(std::move(*series));
      else if (auto* list = std::get_if<std::vector<TimeSeries>>(&one))
        out.insert(out.end(), list->begin(), list->end());
      else
        invalid("an array holds time series");
    } while (take(","));
    need("]");
    return out;
  }

  std::string string_literal() {
    skip();
    char quote = text_.empty() ? '\0' : text_.front();
    if (quote != '"' && quote != '\'') invalid("a text in quotes is missing");
    std::size_t end = text_.find(quote, 1);
    if (end == text_.npos) invalid("a quote is not closed");
    std::string out(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return out;
  }

  MathValue one_argument() {
    MathValue value = comparison();
    need(")");
    return value;
  }

  MathValue function(const std::string& name) {
    if (name == "METRICS") {
      if (take(")")) return names_.metrics({});
      std::string part = string_literal();
      need(")");
      return names_.metrics(part);
    }
    if (name == "IF") return choice();
    if (name == "FILL") return filled();
    if (auto folded = folding(name)) return fold(one_argument(), folded);
    if (auto point = pointwise(name)) return map_value(one_argument(), point);
    if (name == "DIFF" || name == "RATE")
      return each_series(one_argument(), [&](const TimeSeries& s) { return differences(s, name == "RATE"); });
    if (name == "RUNNING_SUM") return each_series(one_argument(), running_sum);
    if (name == "PERIOD") {
      one_argument();
      return names_.period_s;
    }
    if (name == "METRIC_COUNT") {
      MathValue of = one_argument();
      auto* list = std::get_if<std::vector<TimeSeries>>(&of);
      return list ? static_cast<double>(list->size()) : 1.0;
    }
    if (name == "TIME_SERIES") {
      MathValue of = one_argument();
      auto* v = std::get_if<double>(&of);
      if (!v) invalid("TIME_SERIES takes a number");
      TimeSeries out;
      for (Time at : names_.timeline) out[at] = *v;
      return out;
    }
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn does not have the function " + name + " of metric math.");
  }

  static std::function<double(const std::vector<double>&)> folding(const std::string& name) {
    using Values = std::vector<double>;
    auto total = [](const Values& v) {
      double sum = 0;
      for (double x : v) sum += x;
      return sum;
    };
    if (name == "SUM") return total;
    if (name == "AVG") return [total](const Values& v) { return total(v) / static_cast<double>(v.size()); };
    if (name == "MIN") return [](const Values& v) { return *std::min_element(v.begin(), v.end()); };
    if (name == "MAX") return [](const Values& v) { return *std::max_element(v.begin(), v.end()); };
    return nullptr;
  }

  static std::function<double(double)> pointwise(const std::string& name) {
    if (name == "ABS") return [](double v) { return std::abs(v); };
    if (name == "CEIL") return [](double v) { return std::ceil(v); };
    if (name == "FLOOR") return [](double v) { return std::floor(v); };
    if (name == "LOG") return [](double v) { return std::log(v); };
    if (name == "LOG10") return [](double v) { return std::log10(v); };
    return nullptr;
  }

  MathValue filled() {
    MathValue of = comparison();
    need(",");
    Filling how = take("REPEAT") ? Filling::repeat : take("LINEAR") ? Filling::linear : Filling::number;
    double number = 0;
    if (how == Filling::number) {
      MathValue given = comparison();
      if (!std::holds_alternative<double>(given)) invalid("FILL takes a number, REPEAT or LINEAR");
      number = std::get<double>(given);
    }
    need(")");
    return each_series(of, [&](const TimeSeries& s) { return fill(s, names_.timeline, how, number); });
  }

  // IF(condition, then, else); without `else` the points where the condition is 0 are left out.
  MathValue choice() {
    MathValue condition = comparison();
    need(",");
    MathValue yes = comparison();
    std::optional<MathValue> no;
    if (take(",")) no = comparison();
    need(")");
    for (const MathValue* v : {&condition, &yes, no ? &*no : &yes})
      if (std::holds_alternative<std::vector<TimeSeries>>(*v)) invalid("IF takes numbers and time series");
    if (auto* c = std::get_if<double>(&condition)) {
      if (*c == 0 && !no) return TimeSeries{};
      return *c != 0 ? yes : *no;
    }
    auto at_time = [](const MathValue& v, Time at) -> std::optional<double> {
      if (auto* x = std::get_if<double>(&v)) return *x;
      const auto& series = std::get<TimeSeries>(v);
      auto found = series.find(at);
      return found == series.end() ? std::nullopt : std::optional(found->second);
    };
    TimeSeries out;
    for (const auto& [at, c] : std::get<TimeSeries>(condition)) {
      if (c == 0 && !no) continue;
      if (auto v = at_time(c != 0 ? yes : *no, at)) out[at] = *v;
    }
    return out;
  }

  std::string_view text_;
  const MathNames& names_;
  int depth_ = 0;
};

}  // namespace

MathValue evaluate_math(std::string_view expression, const MathNames& names) {
  return Parser(expression, names).whole();
}

}  // namespace tarn::meta
