// Custom resources: a function or a topic is asked, and answers by a URL ("Custom resource reference", AWS
// CloudFormation User Guide).
#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/own_types/own_types.hpp"
#include "deploy/stack_events.hpp"
#include "deploy/template.hpp"
#include "notify/targets.hpp"

namespace tarn::deploy {
namespace {

constexpr int64_t default_timeout_s = 3600;
constexpr std::chrono::milliseconds pause{150};

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorKind::outside, plain_failure, message);
}

// Custom resources get every scalar as text.
Value as_text(const Value& v) {
  if (v.is_map()) {
    Value out = Value::map();
    for (const ValueMember& m : v.as_map()) out.set(m.key, as_text(m.value));
    return out;
  }
  if (v.is_list()) {
    Value out = Value::list();
    for (const Value& one : v.as_list()) out.push_back(as_text(one));
    return out;
  }
  return text_of(v);
}

int64_t timeout_s(const Value& properties) {
  const Value* v = properties.find("ServiceTimeout");
  if (!v) return default_timeout_s;
  const std::string text = text_of(*v);
  int64_t out = 0;
  for (char c : text) out = c >= '0' && c <= '9' && out < 100'000 ? out * 10 + (c - '0') : 100'000;
  return text.empty() ? 0 : out;
}

class CustomResource : public ResourceType {
 public:
  explicit CustomResource(Answers answers) : answers_(answers) {}
  std::string_view name() const override { return "AWS::CloudFormation::CustomResource"; }

  std::vector<PropertyProblem> check(const Value& properties) const override {
    std::vector<PropertyProblem> out;
    const Value* token = properties.find("ServiceToken");
    if (!token) {
      out.push_back({PropertyProblem::Kind::missing, "/ServiceToken", "Property ServiceToken cannot be empty."});
    } else if (token->is_string()) {
      const auto arn = notify::parse_arn(token->as_string());
      if (!arn || (arn->service != "lambda" && arn->service != "sns"))
        out.push_back({PropertyProblem::Kind::wrong, "/ServiceToken",
                       "Invalid ServiceToken " + token->as_string() +
                           ": it is the ARN of a Lambda function or of an SNS topic."});
    }
    if (const Value* v = properties.find("ServiceTimeout"); v && !v->is_map())
      if (const int64_t s = timeout_s(properties); s < 1 || s > default_timeout_s)
        out.push_back(
            {PropertyProblem::Kind::wrong, "/ServiceTimeout", "ServiceTimeout must be an integer from 1 to 3600."});
    return out;
  }
  bool has_attribute(std::string_view) const override { return true; }
  // The provider says so, by another physical id.
  Replacement replacement(std::string_view) const override { return Replacement::never; }

  Progress create(const Action& action, const Value& properties, const Value& memory) const override {
    return ask(action, "Create", generated_name(action, 255), properties, nullptr, memory);
  }
  Progress update(const Action& action, const std::string& id, const Value& before, const Value& after,
                  const Value& memory) const override {
    return ask(action, "Update", id, after, &before, memory);
  }
  Progress remove(const Action& action, const std::string& id, const Value& properties,
                  const Value& memory) const override {
    return ask(action, "Delete", id, properties, nullptr, memory);
  }

 private:
  // First what is asked is settled, then it is asked, then the answer is waited for: a restart asks twice at most, with
  // the same RequestId.
  Progress ask(const Action& action, const char* what, const std::string& id, const Value& properties,
               const Value* before, const Value& memory) const {
    Progress out;
    out.physical_id = id;
    out.done = false;
    if (memory.is_null()) {
      const std::string token = action.random.hex(64);
      answers_.expect(token);
      out.memory = Value::map(
          {{"Token", token},
           {"RequestId", action.random.uuid()},
           {"Until", (action.clock.now() + std::chrono::seconds(timeout_s(properties))).time_since_epoch().count()}});
      out.again_in = std::chrono::milliseconds(0);
      return out;
    }
    out.memory = memory;
    out.again_in = pause;
    if (!memory.find("Sent")) {
      send(action, what, id, properties, before, memory);
      out.memory.set("Sent", true);
      return out;
    }
    const std::string token = memory.string_or("Token");
    const auto answers = answers_.all(token);
    if (answers.empty()) {
      if (action.clock.now().time_since_epoch().count() < memory.int_or("Until")) return out;
      answers_.forget(token);
      fail(
          "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
          "[" +
          memory.string_or("RequestId") + "].");
    }
    answers_.forget(token);
    return read(answers.front(), what, id, memory.string_or("RequestId"));
  }

  void send(const Action& action, const char* what, const std::string& id, const Value& properties, const Value* before,
            const Value& memory) const {
    Value event = Value::map({{"RequestType", what}});
    const std::string token = properties.string_or("ServiceToken");
    event.set("ServiceToken", token)
        .set("ResponseURL", Answers::url(action.endpoint, memory.string_or("Token")))
        .set("StackId", action.stack_id)
        .set("RequestId", memory.string_or("RequestId"))
        .set("LogicalResourceId", action.logical_id);
    if (std::string_view(what) != "Create") event.set("PhysicalResourceId", id);
    event.set("ResourceType", action.resource_type).set("ResourceProperties", as_text(properties));
    if (before) event.set("OldResourceProperties", as_text(*before));
    const std::string body = to_json(event);
    const auto arn = notify::parse_arn(token);
    if (!arn) fail("Invalid ServiceToken " + token);
    if (arn->service == "sns")
      action.call("sns:Publish", Value::map({{"TopicArn", token},
                                             {"Message", body},
                                             {"Subject", "AWS CloudFormation custom resource request"}}));
    else
      action.call("lambda:Invoke",
                  Value::map({{"FunctionName", token}, {"InvocationType", "Event"}, {"Payload", Blob{body}}}));
  }

  static Progress read(const std::string& body, const char* what, const std::string& id,
                       const std::string& request_id) {
    if (body.size() > max_answer_size_bytes) fail("Response object is too long.");
    Value answer;
    try {
      answer = parse_json(body);
    } catch (const Error&) {
      fail("Response is not valid JSON");
    }
    const std::string status = answer.string_or("Status");
    if (!answer.is_map() || (status != "SUCCESS" && status != "FAILED"))
      fail("Invalid response object: Value of property Status is invalid");
    Progress out;
    out.physical_id = id;
    if (const std::string given = answer.string_or("PhysicalResourceId"); !given.empty()) out.physical_id = given;
    if (status == "FAILED") {
      const std::string reason = answer.string_or("Reason");
      if (reason.empty()) fail("Invalid Response object: Value of property Reason is missing");
      fail("Received response status [FAILED] from custom resource. Message returned: " + reason +
           " (RequestId: " + request_id + ")");
    }
    if (std::string_view(what) == "Create" && answer.string_or("PhysicalResourceId").empty())
      fail("Invalid PhysicalResourceId");
    if (const Value* data = answer.find("Data"); data && data->is_map()) out.attributes = *data;
    return out;
  }

  mutable Answers answers_;
};

}  // namespace

std::unique_ptr<ResourceType> make_custom_resource_type(Answers answers) {
  return std::make_unique<CustomResource>(answers);
}

}  // namespace tarn::deploy
