#include "notify/targets.hpp"

#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::notify {
namespace {

Value attributes_value(const MessageAttributes& attributes) {
  Value out = Value::map();
  for (const auto& [name, attribute] : attributes) {
    Value one = Value::map({{"DataType", attribute.data_type}});
    if (attribute.binary())
      one.set("BinaryValue", Blob{attribute.value});
    else
      one.set("StringValue", attribute.value);
    out.set(name, std::move(one));
  }
  return out;
}

void set_present(Value& v, std::string_view name, const std::string& text) {
  if (!text.empty()) v.set(name, text);
}

Value message_input(const char* body_name, const TargetInput& input) {
  Value out = Value::map({{body_name, input.body}});
  if (!input.attributes.empty()) out.set("MessageAttributes", attributes_value(input.attributes));
  set_present(out, "MessageGroupId", input.group_id);
  set_present(out, "MessageDeduplicationId", input.deduplication_id);
  return out;
}

// Which resources take something, and by which operation.
struct Receiver {
  std::string_view service, resource_prefix, operation;
};
constexpr Receiver receivers[] = {
    {"sqs", "", "SendMessage"},
    {"sns", "", "Publish"},
    {"lambda", "", "Invoke"},
    {"states", "stateMachine:", "StartExecution"},
    {"logs", "log-group:", "PutLogEvents"},
    {"glue", "workflow/", "NotifyEvent"},
};

const Receiver* receiver_of(const Arn& arn) {
  for (const Receiver& r : receivers)
    if (arn.service == r.service && arn.resource.starts_with(r.resource_prefix)) return &r;
  return nullptr;
}

// A body of the form {"timestamp": ..., "message": ...} says itself what is written; any other is the message.
Value log_event(const TargetInput& input) {
  Value out = Value::map({{"timestamp", input.time.time_since_epoch().count()}, {"message", input.body}});
  Value own;
  try {
    own = parse_json(input.body);
  } catch (const Error&) {
  }
  const Value *timestamp = own.find("timestamp"), *message = own.find("message");
  if (!timestamp || !message || own.as_map().size() != 2) return out;
  if (timestamp->is_int())
    out.set("timestamp", *timestamp);
  else if (auto at = timestamp->is_string() ? parse_iso8601(timestamp->as_string()) : std::nullopt)
    out.set("timestamp", at->time_since_epoch().count());
  return out.set("message", message->is_string() ? *message : Value(to_json(*message)));
}

[[noreturn]] void no_target(std::string_view arn) {
  throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not deliver to " + std::string(arn) + ".");
}

}  // namespace

std::optional<Arn> parse_arn(std::string_view text) {
  std::vector<std::string> parts;
  for (int i = 0; i < 5; ++i) {
    const std::size_t end = text.find(':');
    if (end == text.npos) return std::nullopt;
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (parts[0] != "arn" || text.empty()) return std::nullopt;
  return Arn{parts[2], parts[3], parts[4], std::string(text)};
}

void Targets::check(std::string_view text) const {
  const auto arn = parse_arn(text);
  const Receiver* receiver = arn ? receiver_of(*arn) : nullptr;
  const api::Service* service = receiver ? api::find_service(arn->service) : nullptr;
  const api::Operation* operation = service ? api::find_operation(*service, receiver->operation) : nullptr;
  if (!operation || !operations_.has(*service, *operation)) no_target(text);
}

void Targets::deliver(std::string_view text, const TargetInput& input) {
  check(text);
  const Arn arn = *parse_arn(text);
  api::Context context;
  context.principal =
      input.as.value_or(api::Principal{arn.account, "arn:aws:iam::" + arn.account + ":root", arn.account, ""});
  context.region = arn.region;
  context.request_id = random_.uuid();
  context.now = clock_.now();
  context.user_agent = input.invoked_by;
  if (arn.service == "sqs") {
    Value call = message_input("MessageBody", input);
    call.set("QueueUrl", "/" + arn.account + "/" + arn.resource);
    if (!input.trace.empty())
      call.set("MessageSystemAttributes",
               Value::map({{"AWSTraceHeader", Value::map({{"DataType", "String"}, {"StringValue", input.trace}})}}));
    operations_.call(context, "sqs:SendMessage", call);
  } else if (arn.service == "sns") {
    Value call = message_input("Message", input);
    call.set("TopicArn", std::string(text));
    set_present(call, "Subject", input.subject);
    operations_.call(context, "sns:Publish", call);
  } else if (arn.service == "states") {
    start_execution(context, text, input);
  } else if (arn.service == "logs") {
    write_log(context, arn, input);
  } else if (arn.service == "glue") {
    // A delivery's id begins with its event's.
    operations_.call(context, "glue:NotifyEvent",
                     Value::map({{"Name", arn.resource.substr(arn.resource.find('/') + 1)},
                                 {"EventId", input.id.substr(0, input.id.find('_'))}}));
  } else {
    operations_.call(
        context, "lambda:Invoke",
        Value::map({{"FunctionName", std::string(text)}, {"InvocationType", "Event"}, {"Payload", Blob{input.body}}}));
  }
}

// A delivery that is repeated has the same id, and starts nothing twice.
void Targets::start_execution(api::Context& context, std::string_view state_machine, const TargetInput& input) {
  Value call = Value::map({{"stateMachineArn", std::string(state_machine)}, {"input", input.body}});
  set_present(call, "name", input.id);
  try {
    operations_.call(context, "states:StartExecution", call);
  } catch (const Error& e) {
    if (e.code() != "ExecutionAlreadyExists" || input.id.empty()) throw;
  }
}

void Targets::write_log(api::Context& context, const Arn& arn, const TargetInput& input) {
  std::string group = arn.resource.substr(arn.resource.find(':') + 1);
  if (group.ends_with(":*")) group.resize(group.size() - 2);
  const std::string stream = input.id.empty() ? random_.uuid() : input.id;
  Value call = Value::map({{"logGroupName", group}, {"logStreamName", stream}});
  try {
    operations_.call(context, "logs:CreateLogStream", call);
  } catch (const Error& e) {
    if (e.code() != "ResourceAlreadyExistsException") throw;
  }
  call.set("logEvents", Value::list({log_event(input)}));
  operations_.call(context, "logs:PutLogEvents", call);
}

bool is_worth_retrying(const Error& error) {
  return error.kind() == ErrorKind::bug || error.kind() == ErrorKind::outside || error.kind() == ErrorKind::limit;
}

}  // namespace tarn::notify
