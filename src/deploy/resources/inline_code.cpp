// Code that stands in a template, a function's, a state machine's; and what is made by rules that stand there.
#include <zlib.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "deploy/resources/input_functions.hpp"

namespace tarn::deploy {
namespace {

// What AWS puts beside inline code: how a function that stands behind a custom resource answers CloudFormation
// ("cfn-response module" in the CloudFormation User Guide).
constexpr std::string_view python_response = R"py(import json
import urllib.request

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False, reason=None):
    answer = {
        "Status": responseStatus,
        "Reason": reason or "See the details in CloudWatch Log Stream: " + context.log_stream_name,
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }
    body = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT",
                                     headers={"content-type": "", "content-length": str(len(body))})
    try:
        with urllib.request.urlopen(request) as response:
            print("Status code:", response.status)
    except Exception as error:
        print("send(..) failed:", error)
)py";

constexpr std::string_view node_response = R"js("use strict";
exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";
exports.send = function (event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  const body = JSON.stringify({
    Status: responseStatus,
    Reason: "See the details in CloudWatch Log Stream: " + context.logStreamName,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: responseData,
  });
  const url = new URL(event.ResponseURL);
  const sender = require(url.protocol === "https:" ? "https" : "http");
  const request = sender.request(
    url, { method: "PUT", headers: { "content-type": "", "content-length": Buffer.byteLength(body) } },
    (response) => { console.log("Status code: " + response.statusCode); response.resume(); context.done(); });
  request.on("error", (error) => { console.log("send(..) failed: " + error); context.done(); });
  request.write(body);
  request.end();
};
)js";

void put16(std::string& out, uint32_t v) {
  out += static_cast<char>(v & 0xFF);
  out += static_cast<char>((v >> 8) & 0xFF);
}
void put32(std::string& out, uint32_t v) {
  put16(out, v);
  put16(out, v >> 16);
}

// A zip archive of uncompressed files, dated 1980-01-01: the same code is the same archive.
std::string zip(std::initializer_list<std::pair<std::string_view, std::string_view>> files) {
  constexpr uint32_t first_day = (1u << 5) | 1u, regular_file = 0100644u << 16;
  std::string out, directory;
  uint32_t count = 0;
  for (const auto& [name, bytes] : files) {
    const auto size = static_cast<uint32_t>(bytes.size()), at = static_cast<uint32_t>(out.size());
    const auto crc = static_cast<uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
    auto description = [&](std::string& to) {
      put16(to, 20);  // version needed
      put16(to, 0);   // flags
      put16(to, 0);   // stored
      put16(to, 0);   // time
      put16(to, first_day);
      put32(to, crc);
      put32(to, size);
      put32(to, size);
      put16(to, static_cast<uint32_t>(name.size()));
      put16(to, 0);  // extra field
    };
    put32(out, 0x04034b50);
    description(out);
    out += name;
    out += bytes;
    put32(directory, 0x02014b50);
    put16(directory, (3u << 8) | 20u);  // made on Unix
    description(directory);
    put16(directory, 0);  // comment
    put16(directory, 0);  // disk
    put16(directory, 0);  // internal attributes
    put32(directory, regular_file);
    put32(directory, at);
    directory += name;
    ++count;
  }
  const auto at = static_cast<uint32_t>(out.size()), size = static_cast<uint32_t>(directory.size());
  out += directory;
  put32(out, 0x06054b50);
  put16(out, 0);
  put16(out, 0);
  put16(out, count);
  put16(out, count);
  put32(out, size);
  put32(out, at);
  put16(out, 0);
  return out;
}

Value inline_code(const Value& text, const Scope& scope) {
  if (!text.is_string()) return text;
  const std::string runtime = scope.properties.string_or("Runtime");
  if (runtime.starts_with("nodejs"))
    return Value(Blob{zip({{"index.js", text.as_string()}, {"cfn-response.js", node_response}})});
  if (!runtime.starts_with("python"))
    throw Error(ErrorKind::caller, "InvalidParameterValueException",
                "ZipFile can only be used when Runtime is set to either of nodejs or python.");
  return Value(Blob{zip({{"index.py", text.as_string()}, {"cfnresponse.py", python_response}})});
}

std::string object_text(const Action& action, const Value& location) {
  api::Context context;
  context.principal = action.principal;
  context.region = action.region;
  context.request_id = action.random.uuid();
  context.now = action.clock.now();
  Value input = Value::map({{"Bucket", location.string_or("Bucket")}, {"Key", location.string_or("Key")}});
  if (const Value* version = location.find("Version")) input.set("VersionId", *version);
  action.operations.call(context, "s3:GetObject", input);
  std::string out;
  if (!context.response_body) return out;
  if (context.response_body->size_bytes() > limits::max_control_body_size_bytes)
    throw Error(ErrorKind::limit, "InvalidDefinition", "The definition in S3 is too large.");
  char buffer[16 * 1024];
  while (const std::size_t n = context.response_body->read(buffer, sizeof buffer)) out.append(buffer, n);
  return out;
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

// The definition as text, whichever of its three forms the properties have, with ${Name} replaced.
Value state_machine_definition(const Value& properties, const Scope& scope) {
  std::string text;
  const Value* object = properties.find("Definition");
  if (object)
    text = object->is_string() ? object->as_string() : to_json(*object);
  else if (const Value* string = properties.find("DefinitionString"))
    text = string->is_string() ? string->as_string() : to_json(*string);
  else if (const Value* location = properties.find("DefinitionS3Location"))
    text = object_text(scope.action, *location);
  else
    return {};
  if (const Value* substitutions = properties.find("DefinitionSubstitutions"); substitutions && substitutions->is_map())
    for (const auto& [name, value] : substitutions->as_map()) {
      std::string by = value.is_string() ? value.as_string() : to_json(value);
      if (object) {  // within a string of JSON
        std::string quoted;
        append_json_string(quoted, by);
        by = quoted.substr(1, quoted.size() - 2);
      }
      replace_all(text, "${" + name + "}", by);
    }
  return Value(text);
}

// A secret's value made by the rules that the template gives.
Value generated_secret(const Value& rules, const Scope& scope) {
  Value input = Value::map();
  for (const auto& [key, value] : rules.as_map())
    if (key != "SecretStringTemplate" && key != "GenerateStringKey") input.set(key, value);
  const std::string password = scope.action.call("secretsmanager:GetRandomPassword", input).string_or("RandomPassword");
  const Value *around = rules.find("SecretStringTemplate"), *key = rules.find("GenerateStringKey");
  if (!around && !key) return Value(password);
  if (!around || !key)
    throw Error(ErrorKind::caller, "InvalidRequest",
                "GenerateStringKey and SecretStringTemplate must be specified together.");
  Value whole = parse_json(around->as_string());
  if (!whole.is_map()) throw Error(ErrorKind::caller, "InvalidRequest", "SecretStringTemplate must be a JSON object.");
  return Value(to_json(whole.set(key->as_string(), password)));
}

constexpr std::array<std::pair<std::string_view, InputFunction>, 3> functions{
    {{"inline_code", inline_code},
     {"generated_secret", generated_secret},
     {"state_machine_definition", state_machine_definition}}};

}  // namespace

InputFunction find_code_function(std::string_view name) {
  for (const auto& [known, function] : functions)
    if (known == name) return function;
  return nullptr;
}

}  // namespace tarn::deploy
