#include "orchestrate/states/service_call.hpp"

#include "api/wait.hpp"
#include "orchestrate/states/limits.hpp"

namespace tarn::states {
namespace {

// A text as the body of a request.
class TextBody : public api::BodySource {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t n = text_.copy(into, size, at_);
    at_ += n;
    return n;
  }
  std::optional<uint64_t> size_bytes() const override { return text_.size(); }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

const api::Member* streaming_member(const api::Shape* shape) {
  if (!shape) return nullptr;
  for (const api::Member& m : shape->members)
    if ((m.streaming || m.shape->streaming) && m.shape->type == api::Type::blob) return &m;
  return nullptr;
}

std::string read_all(api::BodyStream& body, std::size_t max_bytes) {
  std::string out;
  char buffer[16 * 1024];
  while (const std::size_t n = body.read(buffer, sizeof buffer)) {
    out.append(buffer, n);
    if (out.size() > max_bytes)
      throw Error(ErrorKind::limit, "States.DataLimitExceeded",
                  "The answer is larger than " + std::to_string(max_bytes) + " bytes.");
  }
  return out;
}

}  // namespace

ServiceCall::ServiceCall(api::Operations& operations, api::Principal principal, std::string region, Time now,
                         std::string request_id)
    : operations_(operations) {
  context_.principal = std::move(principal);
  context_.region = std::move(region);
  context_.now = now;
  context_.request_id = std::move(request_id);
  context_.user_agent = "states.amazonaws.com";
}

Value ServiceCall::run_operation(const api::Service& service, const api::Operation& operation, Value input,
                                 std::size_t max_bytes) {
  TextBody body("");
  if (const api::Member* streamed = streaming_member(operation.input)) {
    if (const Value* given = input.find(streamed->name)) {
      body = TextBody(given->is_blob() ? given->as_blob().bytes : given->as_string());
      input.erase(streamed->name);
    }
    context_.request_body = &body;
  }
  Value output = operations_.call(context_, service, operation, input);
  if (context_.response_body && !api::wait_slot(context_))
    if (const api::Member* streamed = streaming_member(operation.output))
      output.set(streamed->name, Blob{read_all(*context_.response_body, max_bytes)});
  return output;
}

std::optional<Value> ServiceCall::run(const Integration& in, const Value& arguments, std::function<void()> again) {
  const Value input = call_input(in, arguments);
  std::optional<Value> output;
  if (!streaming_member(in.operation->output)) context_.response_body = std::make_unique<api::WaitSlot>();
  try {
    output = run_operation(*in.service, *in.operation, input, limits::max_state_data_size_bytes);
  } catch (const Error& e) {
    throw call_failure(in, e, context_.request_id);
  }
  if (api::WaitSlot* slot = api::wait_slot(context_); slot && slot->wait) {
    const auto wait = slot->wait;
    wait->when_over(std::move(again));
    return std::nullopt;
  }
  return call_result(in, *output, context_.request_id);
}

Value ServiceCall::run_plain(const std::string& name, const Value& input, std::size_t max_bytes) {
  const std::size_t colon = name.find(':');
  const api::Service* service = api::find_service(name.substr(0, colon));
  const api::Operation* operation = service ? api::find_operation(*service, name.substr(colon + 1)) : nullptr;
  TARN_ASSERT(operation);
  return run_operation(*service, *operation, input, max_bytes);
}

}  // namespace tarn::states
