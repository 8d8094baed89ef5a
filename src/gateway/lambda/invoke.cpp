#include <map>
#include <mutex>

#include "api/wait.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "compute/functions/limits.hpp"
#include "gateway/lambda/handlers.hpp"

namespace tarn::gateway {
namespace {

using namespace std::chrono_literals;
using api::Context;
using catalog::scope_of;
using compute::FunctionName;
using compute::Invocation;
using compute::parse_function_name;

constexpr auto wait_on_thread = 20ms;  // a warm function answers sooner than a request is parked and taken up again

// Invocations whose requests are parked, by the request's id. Thread-safe.
class Parked {
 public:
  void add(const std::string& request_id, std::shared_ptr<Invocation> invocation) {
    std::lock_guard lock(mutex_);
    invocations_[request_id] = std::move(invocation);
  }
  std::shared_ptr<Invocation> take(const std::string& request_id) {
    std::lock_guard lock(mutex_);
    auto it = invocations_.find(request_id);
    if (it == invocations_.end()) return nullptr;
    auto out = std::move(it->second);
    invocations_.erase(it);
    return out;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Invocation>> invocations_;
};

// A parked request's wait: whoever hangs up leaves no trace, though the function runs on.
class ParkedWait : public api::Wait {
 public:
  ParkedWait(std::shared_ptr<Parked> parked, std::string request_id, std::shared_ptr<Invocation> invocation)
      : parked_(std::move(parked)), request_id_(std::move(request_id)), invocation_(std::move(invocation)) {}
  void when_over(std::function<void()> then) override { invocation_->when_over(std::move(then)); }
  void end() override { invocation_->end(); }
  void abandon() override { parked_->take(request_id_); }

 private:
  std::shared_ptr<Parked> parked_;
  std::string request_id_;
  std::shared_ptr<Invocation> invocation_;
};

[[noreturn]] void too_large(std::size_t size, uint64_t most, const char* operation) {
  throw Error(ErrorKind::limit, "RequestTooLargeException",
              "Request must be smaller than " + std::to_string(most) + " bytes for the " + operation + " operation (" +
                  std::to_string(size) + ")")
      .with("Type", "User");
}

void check_payload(const std::string& payload, bool event) {
  const uint64_t most = event ? limits::max_event_payload_size_bytes : limits::max_invoke_payload_size_bytes;
  if (payload.size() > most) too_large(payload.size(), most, event ? "InvokeFunction (event)" : "InvokeFunction");
  if (payload.empty()) return;
  try {
    parse_json(payload);
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "InvalidRequestContentException",
                "Could not parse request body into json: " + e.message())
        .with("Type", "User");
  }
}

// The header is base64; handlers get JSON.
std::string client_context_of(const lambda::InvocationRequest& in) {
  if (!in.client_context || in.client_context->empty()) return {};
  if (in.client_context->size() > limits::max_client_context_size_bytes)
    throw Error(ErrorKind::caller, "InvalidRequestContentException",
                "Client context must be no longer than 3583 bytes in base64.")
        .with("Type", "User");
  try {
    const std::string text = base64_decode(*in.client_context).value_or("");
    return to_json(parse_json(text));  // on one line, as a header must be
  } catch (const Error&) {
    throw Error(ErrorKind::caller, "InvalidRequestContentException",
                "Client context must be a valid Base64-encoded JSON object.")
        .with("Type", "User");
  }
}

lambda::InvocationResponse response_of(const compute::InvocationResult& result, bool tail) {
  lambda::InvocationResponse out;
  out.status_code = 200;
  out.executed_version = result.executed_version;
  if (result.function_failed) out.function_error = "Unhandled";
  out.payload = Blob{result.payload};
  if (tail) {
    std::string_view log = result.log;
    if (log.size() > limits::log_tail_size_bytes) log.remove_prefix(log.size() - limits::log_tail_size_bytes);
    out.log_result = base64_encode(log);
  }
  return out;
}

lambda::InvocationResponse wait_for(const std::shared_ptr<Parked>& parked, Context& c,
                                    const std::shared_ptr<Invocation>& invocation, bool tail) {
  api::WaitSlot* slot = api::wait_slot(c);
  if (!slot || invocation->wait_for(wait_on_thread)) return response_of(invocation->result(), tail);
  parked->add(c.request_id, invocation);
  slot->wait = std::make_shared<ParkedWait>(parked, c.request_id, invocation);
  // The answer where tarn stops before the function does.
  lambda::InvocationResponse out;
  out.status_code = 500;
  out.payload = Blob{"{\"Type\":\"Service\",\"Message\":\"tarn is stopping\"}"};
  return out;
}

lambda::InvocationResponse invoke(const std::shared_ptr<Parked>& parked, compute::Functions& functions,
                                  compute::Invoker& invoker, Context& c, const lambda::InvocationRequest& in) {
  if (in.tenant_id) compute::not_implemented("TenantId: tarn has no tenants in a function.");
  if (in.durable_execution_name) compute::not_implemented("DurableExecutionName: tarn has no durable functions.");
  const bool tail = in.log_type == "Tail";
  if (auto invocation = parked->take(c.request_id)) return response_of(invocation->result(), tail);
  const std::string type = in.invocation_type.value_or("RequestResponse");
  const FunctionName name = parse_function_name(scope_of(c), in.function_name, in.qualifier);
  const std::string payload = in.payload ? in.payload->bytes : "";
  lambda::InvocationResponse out;
  if (type == "DryRun") {
    out.executed_version = functions.runnable(name).name.qualifier;
    out.status_code = c.response_status = 204;
    return out;
  }
  check_payload(payload, type == "Event");
  const compute::Event event{payload, c.request_id, client_context_of(in)};
  if (type == "Event") {
    invoker.enqueue(name, event);
    out.status_code = c.response_status = 202;
    return out;
  }
  return wait_for(parked, c, invoker.begin(name, event), tail);
}

}  // namespace

void register_lambda_invoke(api::Operations& o, compute::Functions& f, compute::Invoker& i) {
  auto parked = std::make_shared<Parked>();
  o.on<lambda::op::Invoke>([&f, &i, parked](Context& c, const auto& in) { return invoke(parked, f, i, c, in); });
}

}  // namespace tarn::gateway
