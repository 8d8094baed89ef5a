#include "orchestrate/states/integration.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "api/structs.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "notify/targets.hpp"

namespace tarn::states {
namespace {

using Kind = Integration::Kind;
using Pattern = Integration::Pattern;

// The optimised integrations: which patterns they have, and how their errors are named (as AWS's older SDK does).
struct Optimised {
  std::string_view service, action, operation;
  bool job, token;
  std::string_view prefix, other_error, error_service;
};
constexpr Optimised optimised[] = {
    {"lambda", "invoke", "Invoke", false, true, "Lambda", "AWSLambdaException", "AWSLambda"},
    {"glue", "startJobRun", "StartJobRun", true, false, "Glue", "AWSGlueException", "AWSGlue"},
    {"athena", "startQueryExecution", "StartQueryExecution", true, false, "Athena", "AmazonAthenaException",
     "AmazonAthena"},
    {"athena", "stopQueryExecution", "StopQueryExecution", false, false, "Athena", "AmazonAthenaException",
     "AmazonAthena"},
    {"athena", "getQueryExecution", "GetQueryExecution", false, false, "Athena", "AmazonAthenaException",
     "AmazonAthena"},
    {"athena", "getQueryResults", "GetQueryResults", false, false, "Athena", "AmazonAthenaException", "AmazonAthena"},
    {"sns", "publish", "Publish", false, true, "SNS", "AmazonSNSException", "AmazonSNS"},
    {"sqs", "sendMessage", "SendMessage", false, true, "SQS", "AmazonSQSException", "AmazonSQS"},
    {"events", "putEvents", "PutEvents", false, true, "EventBridge", "AmazonEventBridgeException", "AmazonEventBridge"},
    {"states", "startExecution", "StartExecution", true, true, "StepFunctions", "AWSStepFunctionsException",
     "AWSStepFunctions"},
    {"sagemaker", "createProcessingJob", "CreateProcessingJob", true, false, "SageMaker", "AmazonSageMakerException",
     "AmazonSageMaker"},
    {"dynamodb", "getItem", "GetItem", false, false, "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"},
    {"dynamodb", "putItem", "PutItem", false, false, "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"},
    {"dynamodb", "updateItem", "UpdateItem", false, false, "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"},
    {"dynamodb", "deleteItem", "DeleteItem", false, false, "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"},
};

const Optimised* find_optimised(std::string_view service, std::string_view action) {
  for (const Optimised& o : optimised)
    if (o.service == service && o.action == action) return &o;
  return nullptr;
}

std::string lower(std::string_view text) {
  std::string out;
  for (char c : text)
    if (c != ' ' && c != '-') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string upper_first(std::string_view text) {
  std::string out(text);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

// As AWS's SDK for Java names its packages: "CloudWatch Logs" is cloudwatchlogs.
const api::Service* find_sdk_service(std::string_view name) {
  for (const api::Service* s : api::services())
    if (lower(s->service_id) == name) return s;
  return nullptr;
}

const api::Operation* find_action(const api::Service& service, std::string_view action) {
  return api::find_operation(service, upper_first(action));
}

// As AWS's SDK for Java names its classes: DynamoDB is DynamoDb, SQS is Sqs, "CloudWatch Logs" is CloudWatchLogs.
std::string class_name(std::string_view service_id) {
  std::string out;
  bool in_word = false;
  for (std::size_t i = 0; i < service_id.size(); i++) {
    const auto c = static_cast<unsigned char>(service_id[i]);
    if (c == ' ' || c == '-') {
      in_word = false;
      continue;
    }
    const bool next_is_lower = i + 1 < service_id.size() && std::islower(static_cast<unsigned char>(service_id[i + 1]));
    const bool begins = !in_word || (std::isupper(c) && next_is_lower) ||
                        (std::isupper(c) && std::islower(static_cast<unsigned char>(service_id[i - 1])));
    out += static_cast<char>(begins ? std::toupper(c) : std::tolower(c));
    in_word = true;
  }
  return out;
}

std::string exception_name(std::string_view shape) {
  std::string out(shape);
  if (out.ends_with("Exception")) return out;
  if (out.ends_with("Fault")) out.resize(out.size() - 5);
  return out + "Exception";
}

const api::Shape* find_error(const Integration& in, std::string_view code) {
  auto matches = [&](const api::Shape* s) {
    return s->name == code || (!s->error_code.empty() && s->error_code == code);
  };
  for (const api::Shape* s : in.operation->errors)
    if (matches(s)) return s;
  for (const api::Shape* s : in.service->errors)
    if (matches(s)) return s;
  return nullptr;
}

int status_of(const Error& error, const api::Shape* shape, api::Protocol protocol) {
  if (shape && shape->http_status) return shape->http_status;
  const bool json = protocol == api::Protocol::json;
  switch (error.kind()) {
    case ErrorKind::denied:
      return json ? 400 : 403;
    case ErrorKind::missing:
      return json ? 400 : 404;
    case ErrorKind::conflict:
      return json ? 400 : 409;
    case ErrorKind::unsupported:
      return 501;
    case ErrorKind::outside:
      return 502;
    case ErrorKind::bug:
      return 500;
    default:
      return 400;
  }
}

std::optional<Integration> parse_own_arn(std::string_view resource) {
  const auto arn = notify::parse_arn(resource);
  if (!arn) return std::nullopt;
  Integration out{Kind::function};
  out.resource_type = out.resource = resource;
  if (arn->service == "lambda" && arn->resource.starts_with("function:")) {
    out.service = api::find_service("lambda");
    out.operation = api::find_operation(*out.service, "Invoke");
    return out;
  }
  if (arn->service != "states" || !arn->resource.starts_with("activity:")) return std::nullopt;
  out.kind = Kind::activity;
  out.pattern = Pattern::token;
  return out;
}

// "aws-sdk:s3:getObject" of arn:aws:states:::aws-sdk:s3:getObject; a region and an account may stand in it.
std::optional<std::string_view> service_integration(std::string_view resource) {
  constexpr std::string_view states = "arn:aws:states:";
  if (!resource.starts_with(states)) return std::nullopt;
  resource.remove_prefix(states.size());
  for (int skipped = 0; skipped < 2; skipped++) {
    const std::size_t colon = resource.find(':');
    if (colon == resource.npos) return std::nullopt;
    resource.remove_prefix(colon + 1);
  }
  return resource;
}

}  // namespace

std::optional<Integration> parse_resource(std::string_view resource) {
  if (auto own = parse_own_arn(resource)) return own;
  const std::optional<std::string_view> integration = service_integration(resource);
  if (!integration) return std::nullopt;
  std::string_view rest = *integration;
  Integration out{Kind::optimised};
  if (rest.starts_with("aws-sdk:")) {
    out.kind = Kind::sdk;
    rest.remove_prefix(8);
  }
  const std::size_t colon = rest.find(':');
  if (colon == rest.npos) return std::nullopt;
  const std::string_view service = rest.substr(0, colon);
  std::string_view action = rest.substr(colon + 1);
  out.resource = action;
  out.resource_type = (out.kind == Kind::sdk ? "aws-sdk:" : "") + std::string(service);
  for (auto [suffix, pattern] : {std::pair{".sync:2", Pattern::job_parsed}, std::pair{".sync", Pattern::job},
                                 std::pair{".waitForTaskToken", Pattern::token}})
    if (action.ends_with(suffix)) {
      out.pattern = pattern;
      action.remove_suffix(std::string_view(suffix).size());
      break;
    }
  const bool job = out.pattern == Pattern::job || out.pattern == Pattern::job_parsed;
  if (out.kind == Kind::sdk) {
    out.service = find_sdk_service(service);
    if (!out.service || job || action.empty() || std::isupper(static_cast<unsigned char>(action[0])))
      return std::nullopt;
    out.operation = find_action(*out.service, action);
    return out.operation ? std::optional(out) : std::nullopt;
  }
  const Optimised* found = find_optimised(service, action);
  if (!found || (job && !found->job) || (out.pattern == Pattern::token && !found->token)) return std::nullopt;
  if (out.pattern == Pattern::job_parsed && service != "states") return std::nullopt;
  out.service = api::find_service(service);
  out.operation = api::find_operation(*out.service, found->operation);
  return out;
}

// ---- values ----
namespace {

Value input_of(const api::Shape& shape, const Value& json, bool strict);

Value structure_input(const api::Shape& shape, const Value& json, bool strict) {
  Value out = Value::map();
  for (const ValueMember& m : json.as_map()) {
    if (m.value.is_null()) continue;
    const api::Member* member = nullptr;
    for (const api::Member& each : shape.members)
      if (each.name == m.key || upper_first(each.name) == m.key) member = &each;
    if (member)
      out.set(member->name, input_of(*member->shape, m.value, strict));
    else if (strict)
      throw Error(ErrorKind::caller, "States.Runtime", "The field '" + m.key + "' is not supported by Step Functions");
  }
  return out;
}

std::string text_of(const Value& json) {
  return json.is_string() ? json.as_string() : to_json(json);
}

Value input_of(const api::Shape& shape, const Value& json, bool strict) {
  switch (shape.type) {
    case api::Type::structure:
      return json.is_map() ? structure_input(shape, json, strict) : json;
    case api::Type::list: {
      if (!json.is_list()) return json;
      ValueList out;
      for (const Value& item : json.as_list()) out.push_back(input_of(*shape.element->shape, item, strict));
      return out;
    }
    case api::Type::map: {
      if (!json.is_map()) return json;
      Value out = Value::map();
      for (const ValueMember& m : json.as_map()) out.set(m.key, input_of(*shape.element->shape, m.value, strict));
      return out;
    }
    case api::Type::blob:
      return Blob{text_of(json)};
    case api::Type::string:
      return text_of(json);
    case api::Type::timestamp:
      if (json.is_string())
        if (auto time = parse_iso8601(json.as_string())) return *time;
      if (json.is_number()) return json.as_time();
      return json;
    default:
      return json;
  }
}

Value output_of(const api::Shape& shape, const Value& v, bool sdk) {
  if (v.is_time()) return sdk ? Value(format_iso8601(v.as_time())) : Value(v.as_time().time_since_epoch().count());
  if (v.is_blob()) return v.as_blob().bytes;
  if (shape.type == api::Type::timestamp && v.is_number()) return output_of(shape, v.as_time(), sdk);
  if (v.is_list() && shape.element) {
    ValueList out;
    for (const Value& item : v.as_list()) out.push_back(output_of(*shape.element->shape, item, sdk));
    return out;
  }
  if (!v.is_map()) return v;
  Value out = Value::map();
  for (const ValueMember& m : v.as_map()) {
    if (m.value.is_null()) continue;
    if (shape.type == api::Type::map) {
      out.set(m.key, output_of(*shape.element->shape, m.value, sdk));
    } else if (const api::Member* member = api::find_member(shape, m.key)) {
      out.set(upper_first(m.key), output_of(*member->shape, m.value, sdk));
    }
  }
  return out;
}

Value parsed_or_text(const std::string& text) {
  try {
    return text.empty() ? Value::map() : parse_json(text);
  } catch (const Error&) {
    return text;
  }
}

std::string payload_of(const Value& output) {
  const Value* payload = output.find("Payload");
  if (!payload || payload->is_null()) return "";
  return payload->is_blob() ? payload->as_blob().bytes : text_of(*payload);
}

// A function that raised: its payload tells the type of the error.
void check_function_error(const Value& output) {
  if (output.string_or("FunctionError").empty()) return;
  const std::string payload = payload_of(output);
  const Value parsed = parsed_or_text(payload);
  const std::string type = parsed.is_map() ? parsed.string_or("errorType") : "";
  if (!type.empty()) throw Error(ErrorKind::caller, type, payload);
  throw Error(
      ErrorKind::caller, "Lambda.Unknown",
      "The cause could not be determined because Lambda did not return an error type. Returned payload: " + payload);
}

Value sdk_metadata(std::string_view request_id) {
  return Value::map({{"AllHttpHeaders", Value::map({{"x-amzn-RequestId", Value::list({request_id})}})},
                     {"HttpHeaders", Value::map({{"x-amzn-RequestId", request_id}})},
                     {"HttpStatusCode", 200}});
}

}  // namespace

Value call_input(const Integration& in, const Value& arguments) {
  if (in.kind == Kind::function)
    return Value::map({{"FunctionName", in.resource}, {"Payload", Blob{to_json(arguments)}}});
  if (!in.operation->input) return Value::map();
  if (!arguments.is_map())
    throw Error(ErrorKind::caller, "States.Runtime", "The Parameters of " + in.resource + " must be an object.");
  const bool payload = in.kind == Kind::optimised && in.resource_type == "lambda";
  Value out = structure_input(*in.operation->input, arguments, in.kind == Kind::sdk);
  // A function's payload is JSON: a text is quoted.
  if (const Value* given = arguments.find("Payload"); payload && given) out.set("Payload", Blob{to_json(*given)});
  return out;
}

Value call_result(const Integration& in, const Value& output, std::string_view request_id) {
  const bool invocation = in.service->id == "lambda" && in.operation->name == "Invoke";
  if (invocation && in.kind != Kind::sdk) check_function_error(output);
  if (in.kind == Kind::function) return parsed_or_text(payload_of(output));
  Value out = in.operation->output ? output_of(*in.operation->output, output, in.kind == Kind::sdk) : Value::map();
  if (in.kind == Kind::sdk) return out;
  if (invocation) {
    out.set("Payload", parsed_or_text(payload_of(output)));
    if (!out.find("StatusCode")) out.set("StatusCode", 200);
  }
  if (in.service->id == "glue" || in.service->id == "states" || in.service->id == "athena") return out;
  if (in.service->id == "events" && out.int_or("FailedEntryCount") > 0)
    throw Error(ErrorKind::caller, "EventBridge.FailedEntry", to_json(out));
  out.set("SdkHttpMetadata", sdk_metadata(request_id));
  out.set("SdkResponseMetadata", Value::map({{"RequestId", request_id}}));
  return out;
}

Error call_failure(const Integration& in, const Error& error, std::string_view request_id) {
  if (error.code().starts_with("States.")) return error;
  const api::Shape* shape = find_error(in, error.code());
  const std::string status = std::to_string(status_of(error, shape, in.service->protocol));
  if (in.kind == Kind::sdk) {
    const std::string service = class_name(in.service->service_id);
    return {error.kind(), service + "." + (shape ? exception_name(shape->name) : service + "Exception"),
            error.message() + " (Service: " + service + ", Status Code: " + status +
                ", Request ID: " + std::string(request_id) + ")"};
  }
  std::string_view action = in.kind == Kind::function ? std::string_view("invoke") : std::string_view(in.resource);
  action = action.substr(0, action.find('.'));
  const Optimised* names = find_optimised(in.kind == Kind::function ? "lambda" : in.resource_type, action);
  return {error.kind(),
          std::string(names->prefix) + "." + (shape ? exception_name(shape->name) : std::string(names->other_error)),
          error.message() + " (Service: " + std::string(names->error_service) + "; Status Code: " + status +
              "; Error Code: " + error.code() + "; Request ID: " + std::string(request_id) + "; Proxy: null)"};
}

// ---- jobs ----

JobCall job_status_call(const Integration& in, const Value& arguments, const Value& started) {
  if (in.service->id == "glue")
    return {"glue:GetJobRun", Value::map({{"JobName", arguments.at("JobName")}, {"RunId", started.at("JobRunId")}})};
  if (in.service->id == "athena")
    return {"athena:GetQueryExecution", Value::map({{"QueryExecutionId", started.at("QueryExecutionId")}})};
  if (in.service->id == "sagemaker")
    return {"sagemaker:DescribeProcessingJob", Value::map({{"ProcessingJobName", arguments.at("ProcessingJobName")}})};
  return {"states:DescribeExecution", Value::map({{"executionArn", started.at("ExecutionArn")}})};
}

JobCall job_stop_call(const Integration& in, const Value& arguments, const Value& started) {
  if (in.service->id == "glue")
    return {"glue:BatchStopJobRun",
            Value::map({{"JobName", arguments.at("JobName")}, {"JobRunIds", Value::list({started.at("JobRunId")})}})};
  if (in.service->id == "athena")
    return {"athena:StopQueryExecution", Value::map({{"QueryExecutionId", started.at("QueryExecutionId")}})};
  if (in.service->id == "sagemaker")
    return {"sagemaker:StopProcessingJob", Value::map({{"ProcessingJobName", arguments.at("ProcessingJobName")}})};
  return {"states:StopExecution", Value::map({{"executionArn", started.at("ExecutionArn")}})};
}

namespace {

enum class JobState { running, succeeded, failed };

JobState job_state(const std::string& state) {
  if (state == "SUCCEEDED" || state == "Completed") return JobState::succeeded;
  for (const char* failed :
       {"Failed", "Stopped", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "CANCELLED", "ABORTED", "TIMED_OUT", "EXPIRED"})
    if (state == failed) return JobState::failed;
  return JobState::running;
}

}  // namespace

std::optional<Value> job_result(const Integration& in, const Value& status) {
  const bool glue = in.service->id == "glue", athena = in.service->id == "athena",
             sagemaker = in.service->id == "sagemaker";
  const char* operation_name = glue        ? "GetJobRun"
                               : athena    ? "GetQueryExecution"
                               : sagemaker ? "DescribeProcessingJob"
                                           : "DescribeExecution";
  const api::Operation* operation = api::find_operation(*in.service, operation_name);
  Value told = output_of(*operation->output, status, false);
  const std::string state = glue        ? told.at("JobRun").string_or("JobRunState")
                            : athena    ? told.at("QueryExecution").at("Status").string_or("State")
                            : sagemaker ? told.string_or("ProcessingJobStatus")
                                        : told.string_or("Status");
  if (job_state(state) == JobState::running) return std::nullopt;
  if (glue) told = told.at("JobRun");
  if (in.pattern == Pattern::job_parsed)
    for (const char* name : {"Input", "Output"})
      if (Value* text = told.find(name)) *text = parsed_or_text(text->as_string());
  if (job_state(state) == JobState::failed) throw Error(ErrorKind::caller, "States.TaskFailed", to_json(told));
  return told;
}

}  // namespace tarn::states
