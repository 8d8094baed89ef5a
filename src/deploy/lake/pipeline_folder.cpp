// A pipeline from its folder: config.yml, trigger/, catch/, steps/NAME/src/, and the modules of ../shared.
#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "deploy/lake/lake_builder.hpp"
#include "deploy/lake/yaml_part.hpp"
#include "deploy/lake/zip.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

constexpr const char* runtime = "python3.11";

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '-' ? '_' : c;
  return text;
}

class Pipeline {
 public:
  Pipeline(LakeBuilder& builder, const LakeDomain& domain, std::string folder)
      : b_(builder),
        domain_(domain),
        folder_(std::move(folder)),
        file_(folder_ + "/config.yml", builder.files.at(folder_ + "/config.yml")),
        config_(file_) {}

  void add() {
    config_.only({"name", "domain", "layers", "triggers", "steps", "tags", "contract"});
    if (auto contract = config_.find("contract")) contract->refuse_unsupported("tarn does not check contracts yet");
    name_ = config_.at("name").name_text("-_");
    if (auto domain = config_.find("domain"); domain && domain->text() != domain_.name)
      domain->refuse("the folder belongs to the domain " + domain_.name);
    read_layers();
    add_roles();
    add_function("catch", folder_ + "/catch", {{"TOPIC", b_.ref(b_.id({domain_.name, "errors"}))}, {"PIPELINE", name_}},
                 30, 128);
    add_machine();
    add_function("trigger", folder_ + "/trigger", {{"MACHINE", b_.ref(id("machine"))}}, 30, 128);
    if (auto triggers = config_.find("triggers")) {
      int number = 0;
      for (const YamlPart& trigger : triggers->items()) add_trigger(trigger, number++);
    }
  }

 private:
  std::string id(const std::string& part) const { return b_.id({domain_.name, name_, part}); }
  std::string named(const std::string& part) const { return b_.named({domain_.name, name_, part}); }
  std::string machine_name() const { return b_.named({domain_.name, name_}); }

  void read_layers() {
    origin_ = b_.lake.layers.front();
    target_ = b_.lake.layers.size() > 1 ? b_.lake.layers[1] : origin_;
    if (auto layers = config_.find("layers")) {
      layers->only({"origin", "target"});
      origin_ = layers->text_or("origin", origin_);
      target_ = layers->text_or("target", target_);
      for (const std::string& layer : {origin_, target_})
        if (std::find(b_.lake.layers.begin(), b_.lake.layers.end(), layer) == b_.lake.layers.end())
          layers->refuse("the lake has no layer " + layer);
    }
  }

  Value buckets(const std::string& below) const {
    Value out = Value::list();
    for (const std::string& layer : b_.lake.layers)
      out.push_back(b_.sub("arn:${AWS::Partition}:s3:::" + b_.bucket_name(domain_, layer) + below));
    return out;
  }

  void add_roles() {
    const std::string account = ":${AWS::Region}:${AWS::AccountId}:";
    const Value data = b_.allow({"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, buckets("/*"));
    const Value listing = b_.allow({"s3:ListBucket", "s3:GetBucketLocation"}, buckets(""));
    const Value logs = b_.allow({"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}, "*");
    b_.add_role(id("function-role"), named("function"), "lambda.amazonaws.com",
                Value::list({data, listing, logs,
                             b_.allow({"states:StartExecution"}, b_.sub("arn:${AWS::Partition}:states" + account +
                                                                        "stateMachine:" + machine_name())),
                             b_.allow({"sns:Publish"}, b_.ref(b_.id({domain_.name, "errors"})))}));
    b_.add_role(
        id("machine-role"), named("machine"), "states.amazonaws.com",
        Value::list(
            {b_.allow({"lambda:InvokeFunction"}, b_.sub("arn:${AWS::Partition}:lambda" + account +
                                                        "function:" + b_.named({domain_.name, name_ + "-*"}))),
             b_.allow({"glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"}, "*")}));
    bool jobs = false;
    for (const YamlPart& step : config_.at("steps").items()) jobs |= step.text("type") == "glue";
    if (!jobs) return;
    b_.add_role(id("job-role"), named("job"), "glue.amazonaws.com",
                Value::list({data, listing, logs, b_.allow({"glue:*"}, "*"),
                             b_.allow({"s3:GetObject"}, b_.sub("arn:${AWS::Partition}:s3:::${AssetsBucket}/*"))}));
  }

  // The files of `folder`, by their path in it, and the domain's shared modules.
  std::map<std::string, std::string> sources(const std::string& folder, bool with_shared) const {
    const std::size_t slash = folder_.rfind('/');
    const std::string shared = slash == std::string::npos ? "shared" : folder_.substr(0, slash) + "/shared";
    std::map<std::string, std::string> out;
    for (const std::string& place : {folder, shared}) {
      if (place == shared && !with_shared) continue;
      for (auto it = b_.files.lower_bound(place + "/"); it != b_.files.end() && it->first.starts_with(place + "/");
           ++it)
        out.emplace(it->first.substr(place.size() + 1), it->second);
    }
    if (!out.contains("index.py")) config_.refuse("there is no " + folder + "/index.py");
    const std::string needs = folder.substr(0, folder.rfind('/')) + "/requirements.json";
    for (const std::string& list : {folder + "/requirements.json", needs})
      if (b_.files.contains(list))
        config_.refuse_unsupported("tarn does not install packages for a step yet (" + list + ")");
    return out;
  }

  void add_function(const std::string& step, const std::string& folder, std::initializer_list<ValueMember> more,
                    int64_t timeout_s, int64_t memory_mib) {
    Value variables = Value::map(more);
    for (const std::string& layer : b_.lake.layers)
      variables.set(upper(layer) + "_BUCKET", b_.bucket_name(domain_, layer));
    variables.set("DATABASE", b_.database_name(domain_));
    const std::string key = b_.asset(zip(sources(folder, true)), ".zip");
    Value properties = Value::map({{"FunctionName", named(step)},
                                   {"Runtime", runtime},
                                   {"Handler", "index.handler"},
                                   {"Role", b_.arn_of(id("function-role"))},
                                   {"Timeout", timeout_s},
                                   {"MemorySize", memory_mib},
                                   {"Environment", Value::map({{"Variables", std::move(variables)}})},
                                   {"Code", Value::map({{"S3Bucket", b_.ref("AssetsBucket")}, {"S3Key", key}})}});
    if (!b_.lake.tags.empty()) properties.set("Tags", b_.tags());
    b_.add(id(step + "-function"), "AWS::Lambda::Function", std::move(properties));
  }

  void add_job(const std::string& step, const YamlPart& config) {
    const std::string command = config.text("command");
    if (command != "pythonshell" && command != "glueetl") config.at("command").refuse("must be pythonshell or glueetl");
    const std::string script = sources(folder_ + "/steps/" + step + "/src", false).at("index.py");
    const std::string key = b_.asset(script, ".py");
    Value properties =
        Value::map({{"Name", named(step)},
                    {"Role", b_.arn_of(id("job-role"))},
                    {"Timeout", config.number_or("timeout", 30, 1, 7 * 24 * 60)},
                    {"Command", Value::map({{"Name", command},
                                            {"PythonVersion", command == "glueetl" ? "3" : "3.9"},
                                            {"ScriptLocation", b_.sub("s3://${AssetsBucket}/" + key)}})},
                    {"ExecutionProperty",
                     Value::map({{"MaxConcurrentRuns", config.number_or("max_concurrent_runs", 1, 1, 1000)}})}});
    if (command == "glueetl") {
      properties.set("GlueVersion", config.text_or("glue_version", "4.0"));
      properties.set("WorkerType", config.text_or("worker_type", "G.1X"));
      properties.set("NumberOfWorkers", config.number_or("workers", 2, 2, 299));
    } else {
      properties.set("MaxCapacity", 0.0625);
    }
    if (!b_.lake.tags.empty()) properties.set("Tags", b_.tag_map());
    b_.add(id(step + "-job"), "AWS::Glue::Job", std::move(properties));
  }

  // A step's state; what it runs is added beside it.
  Value state_of(const YamlPart& step, const std::string& name, const std::string& type) {
    const Value caught = Value::list(
        {Value::map({{"ErrorEquals", Value::list({"States.ALL"})}, {"ResultPath", "$.error"}, {"Next", "catch"}})});
    Value out = Value::map({{"Type", "Task"}});
    if (type == "lambda") {
      step.only({"name", "type", "next_step", "timeout", "memory"});
      add_function(name, folder_ + "/steps/" + name + "/src", {}, step.number_or("timeout", 30, 1, 900),
                   step.number_or("memory", 128, 128, 10'240));
      out.set("Resource", "${" + id(name + "-function") + ".Arn}");
    } else {
      step.only({"name", "type", "next_step", "timeout", "command", "max_concurrent_runs", "glue_version",
                 "worker_type", "workers"});
      add_job(name, step);
      out.set("Resource", "arn:${AWS::Partition}:states:::glue:startJobRun.sync");
      out.set("Parameters", Value::map({{"JobName", "${" + id(name + "-job") + "}"},
                                        {"Arguments", Value::map({{"--input.$", "States.JsonToString($)"},
                                                                  {"--target", b_.bucket_name(domain_, target_)},
                                                                  {"--database", b_.database_name(domain_)}})}}));
      out.set("ResultPath", Value());
    }
    out.set("Catch", caught);
    if (auto next = step.find("next_step")) {
      next_steps_.emplace_back(next->text(), *next);
      out.set("Next", next->text());
    } else {
      out.set("End", true);
    }
    return out;
  }

  Value choice_of(const YamlPart& step) {
    step.only({"name", "type", "choices", "default"});
    Value choices = Value::list();
    for (const YamlPart& choice : step.at("choices").items()) {
      choice.only({"variable", "equals", "greater_than", "less_than", "next_step"});
      Value rule = Value::map({{"Variable", choice.text("variable")}, {"Next", choice.text("next_step")}});
      next_steps_.emplace_back(choice.text("next_step"), choice.at("next_step"));
      if (auto equals = choice.find("equals")) {
        const Value& value = equals->value();
        rule.set(value.is_bool() ? "BooleanEquals" : value.is_number() ? "NumericEquals" : "StringEquals", value);
      } else if (auto than = choice.find("greater_than")) {
        rule.set("NumericGreaterThan", than->value());
      } else {
        rule.set("NumericLessThan", choice.at("less_than").value());
      }
      choices.push_back(std::move(rule));
    }
    next_steps_.emplace_back(step.text("default"), step.at("default"));
    return Value::map({{"Type", "Choice"}, {"Choices", std::move(choices)}, {"Default", step.text("default")}});
  }

  void add_machine() {
    Value states = Value::map();
    std::string first;
    for (const YamlPart& step : config_.at("steps").items()) {
      const std::string name = step.at("name").name_text("-_"), type = step.text("type");
      if (first.empty()) first = name;
      if (states.find(name) || name == "catch" || name == "failed" || name == "trigger")
        step.refuse("the pipeline has a step " + name + " already");
      if (type == "choice") {
        states.set(name, choice_of(step));
      } else if (type == "succeed") {
        states.set(name, Value::map({{"Type", "Succeed"}}));
      } else if (type == "lambda" || type == "glue") {
        states.set(name, state_of(step, name, type));
      } else {
        step.at("type").refuse("must be lambda, glue, choice or succeed");
      }
    }
    if (first.empty()) config_.at("steps").refuse("must name a step");
    for (const auto& [next, part] : next_steps_)
      if (!states.find(next)) part.refuse("there is no step " + next);
    states.set("catch",
               Value::map({{"Type", "Task"}, {"Resource", "${" + id("catch-function") + ".Arn}"}, {"Next", "failed"}}));
    states.set("failed",
               Value::map({{"Type", "Fail"}, {"ErrorPath", "$.error.Error"}, {"CausePath", "$.error.Cause"}}));
    const Value machine = Value::map({{"StartAt", first}, {"States", std::move(states)}});
    Value properties = Value::map({{"StateMachineName", machine_name()},
                                   {"RoleArn", b_.arn_of(id("machine-role"))},
                                   {"DefinitionString", b_.sub(to_json(machine))}});
    if (!b_.lake.tags.empty()) properties.set("Tags", b_.tags());
    b_.add(id("machine"), "AWS::StepFunctions::StateMachine", std::move(properties));
  }

  void add_trigger(const YamlPart& trigger, int number) {
    trigger.only({"type", "prefix", "suffix", "source", "detail_type"});
    const std::string type = trigger.text("type"), suffix = std::to_string(number);
    const std::string function = id("trigger-function"), permission = id("trigger-permission-" + suffix);
    Value allowed = Value::map({{"Action", "lambda:InvokeFunction"}, {"FunctionName", b_.arn_of(function)}});
    if (type == "s3") {
      allowed.set("Principal", "s3.amazonaws.com");
      allowed.set("SourceAccount", b_.ref("AWS::AccountId"));
      allowed.set("SourceArn", b_.sub("arn:${AWS::Partition}:s3:::" + b_.bucket_name(domain_, origin_)));
      Value rules = Value::list();
      for (const char* part : {"prefix", "suffix"})
        if (auto found = trigger.find(part)) rules.push_back(Value::map({{"Name", part}, {"Value", found->text()}}));
      Value configuration = Value::map({{"Event", "s3:ObjectCreated:*"}, {"Function", b_.arn_of(function)}});
      if (!rules.as_list().empty())
        configuration.set("Filter", Value::map({{"S3Key", Value::map({{"Rules", std::move(rules)}})}}));
      auto& attached = b_.notifications[b_.id({domain_.name, origin_, "bucket"})];
      attached.first.push_back(std::move(configuration));
      attached.second.push_back(permission);
    } else if (type == "event_rule") {
      const std::string rule = id("rule-" + suffix);
      b_.add(rule, "AWS::Events::Rule",
             Value::map({{"Name", b_.named({domain_.name, name_ + "-" + suffix})},
                         {"EventPattern", Value::map({{"source", Value::list({trigger.text("source")})},
                                                      {"detail-type", Value::list({trigger.text("detail_type")})}})},
                         {"Targets", Value::list({Value::map({{"Id", "trigger"}, {"Arn", b_.arn_of(function)}})})}}));
      allowed.set("Principal", "events.amazonaws.com");
      allowed.set("SourceArn", b_.arn_of(rule));
    } else {
      trigger.at("type").refuse("must be s3 or event_rule");
    }
    b_.add(permission, "AWS::Lambda::Permission", std::move(allowed));
  }

  LakeBuilder& b_;
  const LakeDomain& domain_;
  const std::string folder_;
  const YamlFile file_;
  const YamlPart config_;
  std::string name_, origin_, target_;
  std::vector<std::pair<std::string, YamlPart>> next_steps_;
};

}  // namespace

void add_pipeline(LakeBuilder& builder, const LakeDomain& domain, const std::string& folder) {
  Pipeline(builder, domain, folder).add();
}

}  // namespace tarn::deploy
