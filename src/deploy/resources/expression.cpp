#include "deploy/resources/expression.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/resources/input_functions.hpp"

namespace tarn::deploy {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// What stands between `{` and `}`: alternatives of "function path".
struct Alternative {
  std::string_view function, path;
  bool literal = false;
};
std::vector<Alternative> alternatives(std::string_view text) {
  std::vector<Alternative> out;
  while (!text.empty()) {
    std::size_t end = text.find('|');
    std::string_view one = trimmed(text.substr(0, end));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (one.size() >= 2 && one.front() == '\'') {
      out.push_back({{}, one.substr(1, one.size() - 2), true});
      continue;
    }
    const std::size_t space = one.find(' ');
    if (space == one.npos)
      out.push_back({{}, one});
    else
      out.push_back({one.substr(0, space), trimmed(one.substr(space + 1))});
  }
  return out;
}

bool is_property(std::string_view path) {
  return !path.empty() && std::isupper(static_cast<unsigned char>(path.front()));
}

std::optional<Value> text_if_any(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return Value(text);
}

std::optional<Value> present(const Value* v) {
  if (!v || v->is_null()) return std::nullopt;
  return *v;
}

// `path` may have one "*": the rest of it in each item of a list.
std::optional<Value> value_at(const Value& value, std::string_view path) {
  const std::size_t star = path.find(".*.");
  if (star == path.npos) return present(at_path(value, path));
  const Value* list = at_path(value, path.substr(0, star));
  Value out = Value::list();
  if (list && list->is_list())
    for (const Value& item : list->as_list())
      if (const Value* v = at_path(item, path.substr(star + 3)); v && !v->is_null()) out.push_back(*v);
  return out;
}

std::optional<Value> variable(std::string_view path, const Scope& scope) {
  const std::size_t dot = path.find('.');
  const std::string_view first = path.substr(0, dot);
  const Action& action = scope.action;
  if (first == "id") return text_if_any(scope.id);
  if (first == "name") return text_if_any(scope.name);
  if (first == "region") return Value(action.region);
  if (first == "account") return Value(action.principal.account);
  if (first == "endpoint") return Value(action.endpoint);
  if (first == "stack_id") return Value(action.stack_id);
  if (first == "stack_name") return Value(action.stack_name);
  if (first == "logical_id") return Value(action.logical_id);
  if (first == "token") return Value(action.token);
  if (first == "all") return scope.properties;
  const Value* root = first == "out"      ? &scope.out
                      : first == "found"  ? &scope.found
                      : first == "read"   ? &scope.read
                      : first == "reads"  ? &scope.reads
                      : first == "item"   ? &scope.item
                      : first == "before" ? &scope.before
                                          : nullptr;
  TARN_ASSERT(root);  // the generator knows these names
  return dot == path.npos ? present(root) : value_at(*root, path.substr(dot + 1));
}

std::optional<Value> evaluate(std::string_view text, const Scope& scope) {
  for (const Alternative& one : alternatives(text)) {
    if (one.literal) return Value(one.path);
    std::optional<Value> v;
    if (is_property(one.path)) {
      if (const Value* property = at_path(scope.properties, one.path); property && !property->is_null()) v = *property;
    } else {
      v = variable(one.path, scope);
    }
    if (v && !one.function.empty()) {
      const InputFunction function = find_input_function(one.function);
      TARN_ASSERT(function);
      Value made = function(*v, scope);
      v = made.is_null() ? std::nullopt : std::optional<Value>(std::move(made));
    }
    if (v) return v;
  }
  return std::nullopt;
}

std::string text_of(const Value& v) {
  return v.is_string() ? v.as_string() : to_json(v);
}

std::optional<Value> expand_text(const std::string& text, const Scope& scope) {
  const std::size_t open = text.find('{');
  if (open == text.npos || text == "{}") return Value(text);
  if (open == 0 && text.find('}') == text.size() - 1) return evaluate(text.substr(1, text.size() - 2), scope);
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t start = text.find('{', at), end = start == text.npos ? text.npos : text.find('}', start);
    if (end == text.npos) {
      out += text.substr(at);
      break;
    }
    out += text.substr(at, start - at);
    if (auto v = evaluate(std::string_view(text).substr(start + 1, end - start - 1), scope)) out += text_of(*v);
    at = end + 1;
  }
  return Value(out);
}

void collect(const Value& node, std::set<std::string>& out) {
  if (node.is_map())
    for (const auto& [key, value] : node.as_map()) collect(value, out);
  if (node.is_list())
    for (const Value& value : node.as_list()) collect(value, out);
  if (!node.is_string()) return;
  const std::string& text = node.as_string();
  for (std::size_t at = text.find('{'); at != text.npos; at = text.find('{', at + 1)) {
    const std::size_t end = text.find('}', at);
    if (end == text.npos) return;
    for (const Alternative& one : alternatives(std::string_view(text).substr(at + 1, end - at - 1)))
      if (!one.literal && is_property(one.path)) out.emplace(one.path.substr(0, one.path.find('.')));
  }
}

}  // namespace

const Value* at_path(const Value& value, std::string_view path) {
  const Value* node = &value;
  while (node && !path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    const std::string_view step = path.substr(0, end);
    if (node->is_list()) {
      std::size_t index = node->as_list().size();
      std::from_chars(step.data(), step.data() + step.size(), index);
      node = index < node->as_list().size() ? &node->as_list()[index] : nullptr;
    } else {
      node = node->find(step);
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return node;
}

std::optional<Value> expand(const Value& node, const Scope& scope, const Value& rest) {
  if (node.is_string()) return expand_text(node.as_string(), scope);
  if (node.is_map()) {
    Value out = Value::map();
    for (const auto& [key, value] : node.as_map()) {
      if (key == "*") {
        for (const auto& [name, item] : rest.as_map()) out.set(name, item);
      } else if (auto v = expand(value, scope, rest)) {
        out.set(key, std::move(*v));
      }
    }
    if (out.as_map().empty() && !node.as_map().empty() && !node.find("*")) return std::nullopt;
    return out;
  }
  if (node.is_list()) {
    Value out = Value::list();
    for (const Value& one : node.as_list())
      if (auto v = expand(one, scope, rest)) out.push_back(std::move(*v));
    if (out.as_list().empty() && !node.as_list().empty()) return std::nullopt;
    return out;
  }
  return node;
}

std::set<std::string> properties_of(const Value& node) {
  std::set<std::string> out;
  collect(node, out);
  return out;
}

}  // namespace tarn::deploy
