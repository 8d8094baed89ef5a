// What is wrong with a definition, found before it ever runs.
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/choice.hpp"
#include "orchestrate/states/definition.hpp"
#include "orchestrate/states/expression.hpp"
#include "orchestrate/states/integration.hpp"

namespace tarn::states {
namespace {

constexpr std::size_t max_state_name_characters = 80;
constexpr int max_block_depth = 32;

class Checker {
 public:
  explicit Checker(bool express) : express_(express) {}

  std::vector<Diagnostic> check(std::string_view text) {
    Value json;
    try {
      json = parse_json(text);
    } catch (const Error& e) {
      add("INVALID_JSON_DESCRIPTION", e.message(), "");
      return std::move(found_);
    }
    if (!json.is_map()) {
      schema("Definition must be a valid JSON object", "");
      return std::move(found_);
    }
    known_fields(json, "", {"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"});
    if (const Value* v = json.find("Version"); v && *v != Value("1.0"))
      schema("The value for the field 'Version' must be \"1.0\"", "/Version");
    whole_number(json, "TimeoutSeconds", "", 1, 99'999'999);
    block(json, "", 0);
    return std::move(found_);
  }

 private:
  using Names = std::initializer_list<std::string_view>;

  void add(const char* code, std::string message, std::string location) {
    found_.push_back({code, std::move(message), std::move(location)});
  }
  void schema(std::string message, const std::string& location) {
    add("SCHEMA_VALIDATION_FAILED", std::move(message), location.empty() ? "/" : location);
  }

  // ---- fields ----
  void known_fields(const Value& json, const std::string& at, Names names) {
    for (const ValueMember& m : json.as_map()) {
      bool known = false;
      for (std::string_view name : names) known |= m.key == name;
      if (!known) schema("Field is not supported: '" + m.key + "'", at + "/" + m.key);
    }
    query_language(json, at);
  }
  void query_language(const Value& json, const std::string& at) {
    const Value* language = json.find("QueryLanguage");
    if (language && *language != Value("JSONPath"))
      schema("tarn does not have the QueryLanguage " + to_json(*language) + ", JSONPath only", at + "/QueryLanguage");
  }
  bool required(const Value& json, const std::string& at, Names names) {
    std::string missing;
    for (std::string_view name : names)
      if (!json.find(name)) missing += (missing.empty() ? "" : ", ") + std::string(name);
    if (missing.empty()) return true;
    schema("These fields are required: [" + missing + "]", at);
    return false;
  }
  bool is_text(const Value& json, std::string_view name, const std::string& at) {
    const Value* v = json.find(name);
    if (!v) return false;
    if (v->is_string()) return true;
    schema("The value for the field '" + std::string(name) + "' must be a STRING", at + "/" + std::string(name));
    return false;
  }
  void whole_number(const Value& json, std::string_view name, const std::string& at, int64_t least, int64_t most) {
    const Value* v = json.find(name);
    if (v && (!v->is_int() || v->as_int() < least || v->as_int() > most))
      schema("The value for the field '" + std::string(name) + "' must be an integer from " + std::to_string(least) +
                 " to " + std::to_string(most),
             at + "/" + std::string(name));
  }
  void at_most_one(const Value& json, const std::string& at, std::string_view a, std::string_view b) {
    if (json.find(a) && json.find(b))
      schema("You cannot specify both '" + std::string(a) + "' and '" + std::string(b) + "'", at);
  }

  // ---- paths ----
  void path(const Value& json, std::string_view name, const std::string& at, bool reference = false) {
    const Value* v = json.find(name);
    if (!v || v->is_null()) return;
    try {
      const std::string& text = v->as_string();
      const JsonPath parsed(text.starts_with("$$") ? text.substr(1) : text);
      if (!reference || (parsed.is_reference() && !text.starts_with("$$"))) return;
    } catch (const Error&) {
    }
    schema("The value for the field '" + std::string(name) + "' must be a valid " +
               (reference ? "Reference Path" : "JSONPath"),
           at + "/" + std::string(name));
  }
  // A path, or a call of a function.
  void path_or_call(const Value& json, std::string_view name, const std::string& at) {
    const Value* v = json.find(name);
    if (v && !v->is_null()) expression(std::string(name), *v, at);
  }
  void expression(const std::string& name, const Value& v, const std::string& at) {
    try {
      Expression parsed(v.as_string());
    } catch (const Error&) {
      schema("The value for the field '" + name + "' must be a valid JSONPath or a valid intrinsic function call", at);
    }
  }
  void payload(const Value& json, std::string_view name, const std::string& at) {
    if (const Value* v = json.find(name))
      for_each_expression(
          *v, [&](const std::string& field, const Value& e) { expression(field, e, at + "/" + std::string(name)); });
  }

  // ---- blocks ----
  void block(const Value& json, const std::string& at, int depth) {
    if (depth > max_block_depth) return schema("States stand too deep within each other", at);
    if (!required(json, at, {"States", "StartAt"})) return;
    const Value& states = json.at("States");
    if (!states.is_map() || states.as_map().empty())
      return schema("The field 'States' must be an object with at least one state", at + "/States");
    if (!is_text(json, "StartAt", at)) return;
    const std::string& start = json.at("StartAt").as_string();
    if (!states.find(start)) add("MISSING_TRANSITION_TARGET", "Missing 'Next' target: " + start, at + "/StartAt");
    for (const ValueMember& m : states.as_map()) {
      const std::string here = at + "/States/" + m.key;
      if (m.key.size() > max_state_name_characters) schema("State name is longer than 80 characters", here);
      if (!names_.insert(m.key).second) add("DUPLICATE_STATE_NAME", "Duplicate State name: " + m.key, here);
      if (m.value.is_map())
        state(m.value, here, depth);
      else
        schema("A state must be an object", here);
    }
    transitions(states, start, at);
  }

  static std::vector<std::pair<std::string, std::string>> targets(const Value& state) {
    std::vector<std::pair<std::string, std::string>> out;  // field's location in the state, name
    auto take = [&](const Value& from, const char* field, const std::string& place) {
      if (const Value* v = from.find(field); v && v->is_string()) out.emplace_back(place + field, v->as_string());
    };
    take(state, "Next", "/");
    take(state, "Default", "/");
    for (const char* list : {"Choices", "Catch"})
      if (const Value* items = state.find(list); items && items->is_list())
        for (std::size_t i = 0; i < items->as_list().size(); i++)
          take(items->as_list()[i], "Next", "/" + std::string(list) + "[" + std::to_string(i) + "]/");
    return out;
  }

  // Each target must be there, each state reachable, and one of them an end.
  void transitions(const Value& states, const std::string& start, const std::string& at) {
    std::set<std::string> reached;
    std::vector<std::string> open{start};
    while (!open.empty()) {
      const std::string name = std::move(open.back());
      open.pop_back();
      const Value* state = states.find(name);
      if (!state || !reached.insert(name).second) continue;
      for (auto& [field, target] : targets(*state)) open.push_back(target);
    }
    bool ends = false;
    for (const ValueMember& m : states.as_map()) {
      const std::string here = at + "/States/" + m.key, type = m.value.string_or("Type");
      if (!reached.contains(m.key) && states.find(start))
        add("MISSING_TRANSITION_TARGET", "State \"" + m.key + "\" is not reachable.", here);
      for (const auto& [field, target] : targets(m.value))
        if (!states.find(target)) add("MISSING_TRANSITION_TARGET", "Missing 'Next' target: " + target, here + field);
      ends |= m.value.bool_or("End") || type == "Succeed" || type == "Fail";
    }
    if (!ends) add("MISSING_END_STATE", "No end state found in state machine", at.empty() ? "/" : at);
  }

  // ---- states ----
  void state(const Value& json, const std::string& at, int depth) {
    if (!required(json, at, {"Type"}) || !is_text(json, "Type", at)) return;
    const std::string& type = json.at("Type").as_string();
    for (const char* of_jsonata : {"Arguments", "Output", "Assign", "Items", "Condition"})
      if (json.find(of_jsonata))
        schema("tarn does not have '" + std::string(of_jsonata) + "': no JSONata and no variables",
               at + "/" + of_jsonata);
    query_language(json, at);
    path(json, "InputPath", at);
    path(json, "OutputPath", at);
    path(json, "ResultPath", at, true);
    payload(json, "Parameters", at);
    payload(json, "ResultSelector", at);
    if (type == "Task")
      task(json, at);
    else if (type == "Pass")
      fields(json, at, {"Result", "ResultPath", "Parameters"});
    else if (type == "Wait")
      wait(json, at);
    else if (type == "Choice")
      choice(json, at);
    else if (type == "Succeed")
      fields(json, at, {}, false);
    else if (type == "Fail")
      fail(json, at);
    else if (type == "Parallel")
      parallel(json, at, depth);
    else if (type == "Map")
      map(json, at, depth);
    else
      schema("'" + type +
                 "' is not a valid type. Valid types are [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]",
             at + "/Type");
  }

  // Those that every state has, and `more`; with `hands_on`, Next or End too.
  void fields(const Value& json, const std::string& at, Names more, bool hands_on = true) {
    for (const ValueMember& m : json.as_map()) {
      bool known = false;
      for (std::string_view name : {"Type", "Comment", "InputPath", "OutputPath", "QueryLanguage", "Arguments",
                                    "Output", "Assign", "Items", "Condition"})
        known |= m.key == name;
      if (hands_on) known |= m.key == "Next" || m.key == "End";
      for (std::string_view name : more) known |= m.key == name;
      if (!known) schema("Field is not supported: '" + m.key + "'", at + "/" + m.key);
    }
    if (!hands_on) return;
    if (const Value* end = json.find("End"); end && !end->is_bool())
      schema("The value for the field 'End' must be a BOOLEAN", at + "/End");
    is_text(json, "Next", at);
    if ((json.find("Next") != nullptr) == json.bool_or("End"))
      schema("Exactly one of the fields 'Next' and 'End' is required", at);
  }

  void task(const Value& json, const std::string& at) {
    fields(json, at,
           {"Resource", "Parameters", "ResultPath", "ResultSelector", "Retry", "Catch", "TimeoutSeconds",
            "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"});
    retries(json, at);
    catchers(json, at);
    if (json.find("Credentials"))
      schema("tarn does not have 'Credentials': a task acts as its machine's role", at + "/Credentials");
    for (const char* name : {"TimeoutSeconds", "HeartbeatSeconds"}) {
      whole_number(json, name, at, 1, 99'999'999);
      path(json, std::string(name) + "Path", at);
      at_most_one(json, at, name, std::string(name) + "Path");
    }
    if (json.int_or("HeartbeatSeconds", 0) >= json.int_or("TimeoutSeconds", 100'000'000))
      schema("'HeartbeatSeconds' must be less than 'TimeoutSeconds'", at);
    if (!required(json, at, {"Resource"}) || !is_text(json, "Resource", at)) return;
    const std::string& resource = json.at("Resource").as_string();
    const auto integration = parse_resource(resource);
    if (!integration)
      return schema(
          "The resource provided " + resource +
              " is not recognized. The value is not a valid resource ARN, or the resource is not available in "
              "this region.",
          at + "/Resource");
    if (integration->pattern != Integration::Pattern::answer && express_)
      schema("Express state machine does not support '" +
                 resource.substr(std::min(resource.rfind('.'), resource.size())) + "' service integration ",
             at + "/Resource");
  }

  void wait(const Value& json, const std::string& at) {
    fields(json, at, {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"});
    int given = 0;
    for (const char* name : {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}) given += json.find(name) ? 1 : 0;
    if (given != 1)
      schema("Exactly one of the fields 'Seconds', 'SecondsPath', 'Timestamp' and 'TimestampPath' is required", at);
    whole_number(json, "Seconds", at, 0, 99'999'999);
    path(json, "SecondsPath", at);
    path(json, "TimestampPath", at);
    if (is_text(json, "Timestamp", at) && !parse_timestamp(json.at("Timestamp").as_string()))
      schema("The value for the field 'Timestamp' must be a valid ISO 8601 timestamp", at + "/Timestamp");
  }

  void fail(const Value& json, const std::string& at) {
    for (const ValueMember& m : json.as_map()) {
      bool known = false;
      for (std::string_view name : {"Type", "Comment", "Error", "Cause", "ErrorPath", "CausePath", "QueryLanguage"})
        known |= m.key == name;
      if (!known) schema("Field is not supported: '" + m.key + "'", at + "/" + m.key);
    }
    for (const char* name : {"Error", "Cause"}) {
      is_text(json, name, at);
      path_or_call(json, std::string(name) + "Path", at + "/" + name + "Path");
      at_most_one(json, at, name, std::string(name) + "Path");
    }
  }

  void choice(const Value& json, const std::string& at) {
    fields(json, at, {"Choices", "Default", "Next", "End"}, false);
    for (const char* name : {"Next", "End"})
      if (json.find(name)) schema("Field is not supported: '" + std::string(name) + "'", at + "/" + name);
    is_text(json, "Default", at);
    if (!required(json, at, {"Choices"})) return;
    const Value& rules = json.at("Choices");
    if (!rules.is_list() || rules.as_list().empty())
      return schema("The field 'Choices' must be an array with at least one rule", at + "/Choices");
    for (std::size_t i = 0; i < rules.as_list().size(); i++) {
      const std::string here = at + "/Choices[" + std::to_string(i) + "]";
      const Value& r = rules.as_list()[i];
      if (!r.is_map()) {
        schema("A rule must be an object", here);
        continue;
      }
      if (required(r, here, {"Next"})) is_text(r, "Next", here);
      rule(r, here, 0);
    }
  }

  void rule(const Value& json, const std::string& at, int depth) {
    if (depth > max_block_depth) return schema("Rules stand too deep within each other", at);
    if (!json.is_map()) return schema("A rule must be an object", at);
    if (depth > 0 && json.find("Next")) schema("Field is not supported: 'Next'", at + "/Next");
    for (const char* name : {"And", "Or"}) {
      const Value* parts = json.find(name);
      if (!parts) continue;
      if (!parts->is_list() || parts->as_list().empty())
        return schema("The field '" + std::string(name) + "' must be an array with at least one rule", at);
      for (std::size_t i = 0; i < parts->as_list().size(); i++)
        rule(parts->as_list()[i], at + "/" + name + "[" + std::to_string(i) + "]", depth + 1);
      return;
    }
    if (const Value* part = json.find("Not")) return rule(*part, at + "/Not", depth + 1);
    if (json.find("Condition")) return schema("tarn does not have 'Condition': no JSONata", at + "/Condition");
    const auto comparison = comparison_of(json);
    if (!comparison) return schema("Exactly one comparison is required in a rule", at);
    for (const ValueMember& m : json.as_map())
      if (m.key != "Variable" && m.key != "Next" && m.key != "Comment" && m.key != *comparison)
        schema("Field is not supported: '" + m.key + "'", at + "/" + m.key);
    if (required(json, at, {"Variable"})) path(json, "Variable", at);
    operand(json, *comparison, at);
  }

  void operand(const Value& json, const std::string& comparison, const std::string& at) {
    const Value& v = json.at(comparison);
    bool right = true;
    switch (operand_of(comparison)) {
      case 'p':
        return path(json, comparison, at);
      case 's':
        right = v.is_string();
        break;
      case 'n':
        right = v.is_number();
        break;
      case 'b':
        right = v.is_bool();
        break;
      default:
        right = v.is_string() && parse_timestamp(v.as_string()).has_value();
    }
    if (!right) schema("The value for the field '" + comparison + "' is of the wrong type", at + "/" + comparison);
  }

  void parallel(const Value& json, const std::string& at, int depth) {
    fields(json, at, {"Branches", "Parameters", "ResultPath", "ResultSelector", "Retry", "Catch"});
    retries(json, at);
    catchers(json, at);
    if (!required(json, at, {"Branches"})) return;
    const Value& branches = json.at("Branches");
    if (!branches.is_list() || branches.as_list().empty())
      return schema("The field 'Branches' must be an array with at least one branch", at + "/Branches");
    for (std::size_t i = 0; i < branches.as_list().size(); i++) {
      const std::string here = at + "/Branches[" + std::to_string(i) + "]";
      const Value& b = branches.as_list()[i];
      if (!b.is_map()) {
        schema("A branch must be an object", here);
        continue;
      }
      known_fields(b, here, {"StartAt", "States", "Comment", "ProcessorConfig", "QueryLanguage"});
      block(b, here, depth + 1);
    }
  }

  void map(const Value& json, const std::string& at, int depth) {
    fields(json, at,
           {"ItemProcessor", "Iterator", "ItemsPath", "ItemSelector", "Parameters", "MaxConcurrency",
            "MaxConcurrencyPath", "ToleratedFailureCount", "ToleratedFailureCountPath", "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath", "ItemReader", "ItemBatcher", "ResultWriter", "Label", "ResultPath",
            "ResultSelector", "Retry", "Catch"});
    retries(json, at);
    catchers(json, at);
    path(json, "ItemsPath", at);
    payload(json, "ItemSelector", at);
    at_most_one(json, at, "ItemProcessor", "Iterator");
    at_most_one(json, at, "ItemSelector", "Parameters");
    whole_number(json, "MaxConcurrency", at, 0, 100'000'000);
    whole_number(json, "ToleratedFailureCount", at, 0, 100'000'000);
    whole_number(json, "ToleratedFailurePercentage", at, 0, 100);
    for (const char* name : {"MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"}) {
      path(json, std::string(name) + "Path", at);
      at_most_one(json, at, name, std::string(name) + "Path");
    }
    const Value* processor = map_processor(json);
    if (!processor) return schema("These fields are required: [ItemProcessor]", at);
    const std::string here = at + (json.find("ItemProcessor") ? "/ItemProcessor" : "/Iterator");
    if (!processor->is_map()) return schema("An ItemProcessor must be an object", here);
    known_fields(*processor, here, {"StartAt", "States", "Comment", "ProcessorConfig", "QueryLanguage"});
    map_mode(json, *processor, at, here);
    block(*processor, here, depth + 1);
  }

  void map_mode(const Value& json, const Value& processor, const std::string& at, const std::string& here) {
    const Value* config = processor.find("ProcessorConfig");
    if (config && !config->is_map()) return schema("A ProcessorConfig must be an object", here + "/ProcessorConfig");
    const std::string mode = config ? config->string_or("Mode", "INLINE") : "INLINE";
    if (mode != "INLINE" && mode != "DISTRIBUTED")
      schema("The value for the field 'Mode' must be INLINE or DISTRIBUTED", here + "/ProcessorConfig/Mode");
    if (mode == "DISTRIBUTED") {
      if (express_) schema("Express state machine does not support a Map in DISTRIBUTED mode", here);
      const std::string type = config->string_or("ExecutionType");
      if (type != "STANDARD" && type != "EXPRESS")
        schema("The field 'ExecutionType' must be STANDARD or EXPRESS", here + "/ProcessorConfig/ExecutionType");
      distributed(json, at);
    } else {
      for (const char* name : {"ItemReader", "ItemBatcher", "ResultWriter", "Label"})
        if (json.find(name))
          schema("The field '" + std::string(name) + "' is supported in DISTRIBUTED mode only", at + "/" + name);
    }
  }

  void distributed(const Value& json, const std::string& at) {
    if (const Value* label = json.find("Label"))
      if (!label->is_string() || label->as_string().empty() || label->as_string().size() > 40)
        schema("The value for the field 'Label' must be a STRING of at most 40 characters", at + "/Label");
    if (const Value* reader = json.find("ItemReader")) item_reader(*reader, at + "/ItemReader");
    if (const Value* batcher = json.find("ItemBatcher"); batcher && batcher->is_map()) {
      const std::string here = at + "/ItemBatcher";
      known_fields(*batcher, here,
                   {"BatchInput", "MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch",
                    "MaxInputBytesPerBatchPath"});
      payload(*batcher, "BatchInput", here);
      whole_number(*batcher, "MaxItemsPerBatch", here, 1, 100'000'000);
      whole_number(*batcher, "MaxInputBytesPerBatch", here, 1, 262'144);
    } else if (batcher) {
      schema("It must be an object", at + "/ItemBatcher");
    }
    const Value* writer = json.find("ResultWriter");
    if (!writer) return;
    const std::string here = at + "/ResultWriter";
    if (!writer->is_map()) return schema("It must be an object", here);
    known_fields(*writer, here, {"Resource", "Parameters"});
    if (!required(*writer, here, {"Resource", "Parameters"})) return;
    if (writer->string_or("Resource") != "arn:aws:states:::s3:putObject")
      schema("The Resource of a ResultWriter must be arn:aws:states:::s3:putObject", here + "/Resource");
    payload(*writer, "Parameters", here);
  }

  void item_reader(const Value& reader, const std::string& at) {
    if (!reader.is_map()) return schema("It must be an object", at);
    known_fields(reader, at, {"Resource", "Parameters", "ReaderConfig"});
    if (!required(reader, at, {"Resource", "Parameters"})) return;
    const std::string resource = reader.string_or("Resource");
    const bool listing = resource == "arn:aws:states:::s3:listObjectsV2";
    if (!listing && resource != "arn:aws:states:::s3:getObject")
      schema("The Resource of an ItemReader must be arn:aws:states:::s3:getObject or arn:aws:states:::s3:listObjectsV2",
             at + "/Resource");
    if (!reader.at("Parameters").is_map()) return schema("It must be an object", at + "/Parameters");
    payload(reader, "Parameters", at);
    const Value* config = reader.find("ReaderConfig");
    if (!config && !listing) return schema("These fields are required: [ReaderConfig]", at);
    if (!config) return;
    const std::string here = at + "/ReaderConfig";
    if (!config->is_map()) return schema("It must be an object", here);
    known_fields(
        *config, here,
        {"InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath", "ItemsPointer"});
    whole_number(*config, "MaxItems", here, 1, 100'000'000);
    path(*config, "MaxItemsPath", here);
    const std::string type = config->string_or("InputType");
    if (!listing && type != "JSON" && type != "JSONL" && type != "CSV")
      schema("tarn has the InputType CSV, JSON and JSONL, not '" + type + "'", here + "/InputType");
    if (type == "CSV" && !config->find("CSVHeaderLocation"))
      schema("These fields are required: [CSVHeaderLocation]", here);
    const Value* headers = config->find("CSVHeaders");
    if (!headers) return;
    bool names = headers->is_list();
    if (names)
      for (const Value& h : headers->as_list()) names &= h.is_string();
    if (!names) schema("The field 'CSVHeaders' must be an array of STRINGs", here + "/CSVHeaders");
  }

  // ---- errors ----
  void error_names(const Value& json, const std::string& at, bool is_last) {
    if (!required(json, at, {"ErrorEquals"})) return;
    const Value& names = json.at("ErrorEquals");
    if (!names.is_list() || names.as_list().empty())
      return schema("The field 'ErrorEquals' must be an array with at least one name", at + "/ErrorEquals");
    for (const Value& name : names.as_list()) {
      if (!name.is_string()) return schema("An error's name must be a STRING", at + "/ErrorEquals");
      if (name.as_string() == "States.ALL" && (names.as_list().size() > 1 || !is_last))
        schema("'States.ALL' must stand alone, and in the last of the list", at + "/ErrorEquals");
    }
  }

  template <class F>
  void each_of(const Value& json, const char* list, const std::string& at, const F& check) {
    const Value* items = json.find(list);
    if (!items) return;
    if (!items->is_list()) return schema("The field '" + std::string(list) + "' must be an array", at + "/" + list);
    for (std::size_t i = 0; i < items->as_list().size(); i++) {
      const std::string here = at + "/" + list + "[" + std::to_string(i) + "]";
      if (!items->as_list()[i].is_map()) {
        schema("It must be an object", here);
        continue;
      }
      error_names(items->as_list()[i], here, i + 1 == items->as_list().size());
      check(items->as_list()[i], here);
    }
  }

  void retries(const Value& json, const std::string& at) {
    each_of(json, "Retry", at, [&](const Value& r, const std::string& here) {
      known_fields(r, here,
                   {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy",
                    "Comment"});
      whole_number(r, "IntervalSeconds", here, 1, 99'999'999);
      whole_number(r, "MaxAttempts", here, 0, 99'999'999);
      whole_number(r, "MaxDelaySeconds", here, 1, 31'622'400);
      const Value* rate = r.find("BackoffRate");
      if (rate && (!rate->is_number() || rate->as_double() < 1))
        schema("The value for the field 'BackoffRate' must be a number of at least 1.0", here + "/BackoffRate");
      const std::string jitter = r.string_or("JitterStrategy", "NONE");
      if (jitter != "NONE" && jitter != "FULL")
        schema("The value for the field 'JitterStrategy' must be FULL or NONE", here + "/JitterStrategy");
    });
  }

  void catchers(const Value& json, const std::string& at) {
    each_of(json, "Catch", at, [&](const Value& c, const std::string& here) {
      known_fields(c, here, {"ErrorEquals", "Next", "ResultPath", "Comment"});
      if (required(c, here, {"Next"})) is_text(c, "Next", here);
      path(c, "ResultPath", here, true);
    });
  }

  const bool express_;
  std::set<std::string> names_;  // of all states
  std::vector<Diagnostic> found_;
};

}  // namespace

std::vector<Diagnostic> check_definition(std::string_view text, bool express) {
  return Checker(express).check(text);
}

}  // namespace tarn::states
