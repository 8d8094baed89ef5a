#include "orchestrate/states/data_flow.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/choice.hpp"

namespace tarn::states {
namespace {

// InputPath or OutputPath: the whole where it is absent, nothing where it is null.
Value filtered(const Situation& at, const Value& document, const char* name) {
  const Value* path = at.state.find(name);
  if (!path) return document;
  if (path->is_null()) return Value::map();
  return required_path(path->as_string(), {document, at.context, at.random}, name);
}

Value put_result(const Value* result_path, const Value& input, Value result) {
  if (!result_path) return result;
  if (result_path->is_null()) return input;
  auto out = JsonPath(result_path->as_string()).write(input, std::move(result));
  if (!out)
    throw Error(ErrorKind::caller, "States.ResultPathMatchFailure",
                "Unable to apply ReferencePath " + result_path->as_string() + " to input " + to_json(input));
  return *std::move(out);
}

class JsonPathLanguage : public QueryLanguage {
 public:
  Value arguments(const Situation& at) const override {
    Value in = filtered(at, at.input, "InputPath");
    const Value* parameters = at.state.find("Parameters");
    // A Map's Parameters are of each item, in the old way of writing it.
    if (!parameters || at.state.string_or("Type") == "Map") return in;
    return fill_template(*parameters, {in, at.context, at.random});
  }

  Value output(const Situation& at, Value result) const override {
    if (const Value* selector = at.state.find("ResultSelector"))
      result = fill_template(*selector, {result, at.context, at.random});
    return filtered(at, put_result(at.state.find("ResultPath"), at.input, std::move(result)), "OutputPath");
  }

  Value caught(const Situation& at, const Value& catcher, Value error) const override {
    return put_result(catcher.find("ResultPath"), at.input, std::move(error));
  }

  std::optional<std::string> choose(const Situation& at) const override {
    const Value in = filtered(at, at.input, "InputPath");
    for (const Value& rule : at.state.at("Choices").as_list())
      if (choice_holds(rule, {in, at.context, at.random})) return rule.at("Next").as_string();
    const Value* otherwise = at.state.find("Default");
    return otherwise ? std::optional(otherwise->as_string()) : std::nullopt;
  }

  std::optional<Value> field(const Situation& at, const std::string& name) const override {
    if (const Value* given = at.state.find(name)) return *given;
    const std::string by_path = name + "Path";
    const Value* path = at.state.find(by_path);
    if (!path || path->is_null()) return std::nullopt;
    const Value in = filtered(at, at.input, "InputPath");
    const Data data{in, at.context, at.random};
    if (path->as_string().starts_with('$')) return required_path(path->as_string(), data, by_path);
    return Expression(path->as_string()).evaluate(data, by_path);
  }

  Value filled(const Situation& at, const Value& text) const override {
    const Value in = filtered(at, at.input, "InputPath");
    return fill_template(text, {in, at.context, at.random});
  }

  Value items(const Situation& at) const override {
    const Value in = filtered(at, at.input, "InputPath");
    const Value* path = at.state.find("ItemsPath");
    return path ? required_path(path->as_string(), {in, at.context, at.random}, "ItemsPath") : in;
  }

  Value item_input(const Situation& at, const Value& item) const override {
    const Value* selector = at.state.find("ItemSelector");
    if (!selector) selector = at.state.find("Parameters");
    if (!selector) return item;
    const Value in = filtered(at, at.input, "InputPath");
    return fill_template(*selector, {in, at.context, at.random});
  }
};

}  // namespace

const QueryLanguage& json_path_language() {
  static const JsonPathLanguage language;
  return language;
}

}  // namespace tarn::states
