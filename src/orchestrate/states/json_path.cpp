#include "orchestrate/states/json_path.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/error.hpp"

namespace tarn::states {

// What stands in [?( )]: a tree of conditions over '@'.
struct PathFilter {
  enum class Kind { any, all, not_, compare, exists } kind = Kind::exists;
  std::vector<PathFilter> parts;        // any, all, not_
  std::string comparison;               // compare
  std::optional<JsonPath> left, right;  // paths from the present item, or
  Value left_value, right_value;        // literals
  bool holds(const Value& item) const;
};

namespace {

constexpr int max_filter_depth = 32;

std::optional<int> compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.as_double(), y = b.as_double();
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (a.is_string() && b.is_string()) return a.as_string().compare(b.as_string());
  return std::nullopt;
}

}  // namespace

bool json_equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return a.as_double() == b.as_double();
  if (a.is_list() && b.is_list()) {
    const ValueList &x = a.as_list(), &y = b.as_list();
    if (x.size() != y.size()) return false;
    for (std::size_t i = 0; i < x.size(); i++)
      if (!json_equal(x[i], y[i])) return false;
    return true;
  }
  if (a.is_map() && b.is_map()) {
    if (a.as_map().size() != b.as_map().size()) return false;
    for (const ValueMember& m : a.as_map()) {
      const Value* other = b.find(m.key);
      if (!other || !json_equal(m.value, *other)) return false;
    }
    return true;
  }
  return a == b;
}

bool PathFilter::holds(const Value& item) const {
  switch (kind) {
    case Kind::any:
      for (const PathFilter& p : parts)
        if (p.holds(item)) return true;
      return false;
    case Kind::all:
      for (const PathFilter& p : parts)
        if (!p.holds(item)) return false;
      return true;
    case Kind::not_:
      return !parts.front().holds(item);
    case Kind::exists:
      return left->read(item).has_value();
    case Kind::compare:
      break;
  }
  const std::optional<Value> a = left ? left->read(item) : left_value, b = right ? right->read(item) : right_value;
  if (!a || !b) return comparison == "!=" && a.has_value() != b.has_value();
  if (comparison == "==") return json_equal(*a, *b);
  if (comparison == "!=") return !json_equal(*a, *b);
  const std::optional<int> order = compare(*a, *b);
  if (!order) return false;
  return comparison == "<"    ? *order < 0
         : comparison == "<=" ? *order <= 0
         : comparison == ">"  ? *order > 0
                              : *order >= 0;
}

class PathParser {
 public:
  explicit PathParser(std::string_view text) : text_(text) {}

  // A whole path that begins with `root`.
  JsonPath whole(char root) {
    JsonPath out = path(root);
    if (at_ != text_.size()) fail("what follows position " + std::to_string(at_) + " is no step");
    return out;
  }

 private:
  using Step = JsonPath::Step;
  using Kind = Step::Kind;

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::caller, "InvalidPath", "'" + std::string(text_) + "' is no valid JSONPath: " + why + ".");
  }
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view token) {
    if (text_.substr(at_).substr(0, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void expect(char c) {
    if (peek() != c) fail(std::string("a '") + c + "' is missing");
    ++at_;
  }
  void skip_spaces() {
    while (peek() == ' ') ++at_;
  }

  JsonPath path(char root) {
    JsonPath out;
    expect(root);
    for (;;) {
      if (take("..")) {
        out.steps_.push_back({Kind::descend});
        out.definite_ = false;
        if (peek() != '[') dotted(out);
      } else if (peek() == '.') {
        ++at_;
        if (peek() != '[') dotted(out);
      } else if (peek() != '[') {
        return out;
      }
      if (peek() == '[') bracket(out);
    }
  }

  void dotted(JsonPath& out) {
    if (peek() == '*') {
      ++at_;
      out.steps_.push_back({Kind::all});
      out.definite_ = false;
      return;
    }
    const std::size_t begin = at_;
    while (!at_end() &&
           (static_cast<unsigned char>(peek()) >= 0x80 || std::isalnum(static_cast<unsigned char>(peek())) ||
            peek() == '_' || peek() == '-' || peek() == '@' || peek() == '#' || peek() == '/'))
      ++at_;
    if (at_ == begin) fail("a name is missing");
    std::string name(text_.substr(begin, at_ - begin));
    if (name == "length" && take("()"))
      out.steps_.push_back({Kind::length});
    else
      out.steps_.push_back({Kind::names, {std::move(name)}});
  }

  void bracket(JsonPath& out) {
    expect('[');
    skip_spaces();
    Step step{Kind::indexes};
    if (take("*")) {
      step.kind = Kind::all;
      out.definite_ = false;
    } else if (take("?")) {
      skip_spaces();
      expect('(');
      step.kind = Kind::filter;
      step.filter = std::make_shared<PathFilter>(any(0));
      skip_spaces();
      expect(')');
      out.definite_ = false;
    } else if (peek() == '\'' || peek() == '"') {
      step.kind = Kind::names;
      do {
        skip_spaces();
        step.names.push_back(quoted());
        skip_spaces();
      } while (take(","));
    } else {
      numbers(out, step);
    }
    skip_spaces();
    expect(']');
    if (step.names.size() > 1) {
      // Several members at a path's end are one object, elsewhere each goes on by itself.
      if (peek() != '.' && peek() != '[')
        step.kind = Kind::members;
      else
        out.definite_ = false;
    }
    out.steps_.push_back(std::move(step));
  }

  void numbers(JsonPath& out, Step& step) {
    std::optional<int64_t> first;
    if (peek() != ':') first = number();
    skip_spaces();
    if (take(":")) {
      step.kind = Kind::slice;
      step.from = first;
      skip_spaces();
      if (peek() != ']') step.to = number();
      out.definite_ = false;
      return;
    }
    step.indexes.push_back(*first);
    while (take(",")) {
      skip_spaces();
      step.indexes.push_back(number());
      skip_spaces();
      out.definite_ = false;
    }
  }

  int64_t number() {
    int64_t n = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), n);
    if (error != std::errc()) fail("a number is missing");
    at_ = static_cast<std::size_t>(end - text_.data());
    return n;
  }

  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("a name in quotes is missing");
    ++at_;
    std::string out;
    while (peek() != quote) {
      if (at_end()) fail("a quote is not closed");
      if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_++];
    }
    ++at_;
    return out;
  }

  // ---- filters: any of all of not ----
  PathFilter any(int depth) {
    if (depth > max_filter_depth) fail("its conditions stand too deep within each other");
    PathFilter out{PathFilter::Kind::any};
    do out.parts.push_back(all(depth));
    while (skip_spaces(), take("||"));
    return out;
  }
  PathFilter all(int depth) {
    PathFilter out{PathFilter::Kind::all};
    do out.parts.push_back(one(depth));
    while (skip_spaces(), take("&&"));
    return out;
  }
  PathFilter one(int depth) {
    skip_spaces();
    if (take("!")) {
      if (depth > max_filter_depth) fail("its conditions stand too deep within each other");
      PathFilter out{PathFilter::Kind::not_};
      out.parts.push_back(one(depth + 1));
      return out;
    }
    if (take("(")) {
      PathFilter out = any(depth + 1);
      skip_spaces();
      expect(')');
      return out;
    }
    PathFilter out;
    operand(out.left, out.left_value);
    skip_spaces();
    for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!take(op)) continue;
      out.kind = PathFilter::Kind::compare;
      out.comparison = op;
      skip_spaces();
      operand(out.right, out.right_value);
      return out;
    }
    if (!out.left) fail("a condition is missing");
    return out;
  }
  void operand(std::optional<JsonPath>& as_path, Value& as_value) {
    if (peek() == '@') {
      if (++nesting_ > max_filter_depth) fail("its filters stand too deep within each other");
      as_path = path('@');
      --nesting_;
    } else if (peek() == '\'' || peek() == '"') {
      as_value = quoted();
    } else if (take("true")) {
      as_value = true;
    } else if (take("false")) {
      as_value = false;
    } else if (!take("null")) {
      double d = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), d);
      if (error != std::errc()) fail("a condition has no value to compare with");
      at_ = static_cast<std::size_t>(end - text_.data());
      as_value = d;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int nesting_ = 0;
};

JsonPath::JsonPath(std::string_view text) {
  *this = PathParser(text).whole('$');
}

bool JsonPath::is_reference() const {
  if (!definite_) return false;
  for (const Step& s : steps_) {
    if (s.kind == Step::Kind::length || s.kind == Step::Kind::members) return false;
    for (int64_t i : s.indexes)
      if (i < 0) return false;
  }
  return true;
}

namespace {

using Step = JsonPath::Step;
using Found = std::vector<const Value*>;

void add_index(const Value& v, int64_t index, Found& out) {
  if (!v.is_list()) return;
  const auto size = static_cast<int64_t>(v.as_list().size());
  if (index < 0) index += size;
  if (index >= 0 && index < size) out.push_back(&v.as_list()[static_cast<std::size_t>(index)]);
}

void add_children(const Value& v, Found& out) {
  if (v.is_list())
    for (const Value& item : v.as_list()) out.push_back(&item);
  if (v.is_map())
    for (const ValueMember& m : v.as_map()) out.push_back(&m.value);
}

void add_descendants(const Value& v, Found& out) {
  out.push_back(&v);
  Found children;
  add_children(v, children);
  for (const Value* child : children)
    if (child->is_list() || child->is_map()) add_descendants(*child, out);
}

void add_slice(const Value& v, const Step& s, Found& out) {
  if (!v.is_list()) return;
  const auto size = static_cast<int64_t>(v.as_list().size());
  auto bound = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  const int64_t to = bound(s.to.value_or(size));
  for (int64_t i = bound(s.from.value_or(0)); i < to; i++) out.push_back(&v.as_list()[static_cast<std::size_t>(i)]);
}

void apply(const Value& v, const Step& s, Found& out) {
  switch (s.kind) {
    case Step::Kind::names:
      for (const std::string& name : s.names)
        if (const Value* m = v.find(name)) out.push_back(m);
      break;
    case Step::Kind::indexes:
      for (int64_t i : s.indexes) add_index(v, i, out);
      break;
    case Step::Kind::all:
      add_children(v, out);
      break;
    case Step::Kind::slice:
      add_slice(v, s, out);
      break;
    case Step::Kind::filter: {
      Found children;
      if (v.is_list())
        add_children(v, children);
      else
        children.push_back(&v);
      for (const Value* child : children)
        if (s.filter->holds(*child)) out.push_back(child);
      break;
    }
    case Step::Kind::descend:
      add_descendants(v, out);
      break;
    case Step::Kind::members:
    case Step::Kind::length:
      break;
  }
}

// The named members of an object, those that it has.
Value members_of(const Value& v, const std::vector<std::string>& names) {
  Value out = Value::map();
  for (const std::string& name : names)
    if (const Value* m = v.find(name)) out.set(name, *m);
  return out;
}

}  // namespace

std::optional<Value> JsonPath::read(const Value& document) const {
  Found found{&document};
  for (const Step& s : steps_) {
    if (s.kind == Step::Kind::length) {
      if (!definite_) return static_cast<int64_t>(found.size());
      if (found.empty() || !found.front()->is_list()) return std::nullopt;
      return static_cast<int64_t>(found.front()->as_list().size());
    }
    if (s.kind == Step::Kind::members) {
      ValueList all;
      for (const Value* v : found)
        if (v->is_map()) all.push_back(members_of(*v, s.names));
      if (!definite_) return all;
      return all.empty() ? std::nullopt : std::optional<Value>(std::move(all.front()));
    }
    Found next;
    for (const Value* v : found) apply(*v, s, next);
    found = std::move(next);
  }
  if (definite_) return found.empty() ? std::nullopt : std::optional<Value>(*found.front());
  ValueList all;
  for (const Value* v : found) all.push_back(*v);
  return all;
}

std::optional<Value> JsonPath::write(const Value& document, Value value) const {
  Value out = document;
  Value* place = &out;
  for (const Step& s : steps_) {
    if (s.kind == Step::Kind::names) {
      if (place->is_null()) *place = Value::map();
      if (!place->is_map()) return std::nullopt;
      place = &(*place)[s.names.front()];
    } else {
      const auto index = static_cast<std::size_t>(s.indexes.front());
      if (!place->is_list() || index >= place->as_list().size()) return std::nullopt;
      place = &place->as_list()[index];
    }
  }
  *place = std::move(value);
  return out;
}

}  // namespace tarn::states
