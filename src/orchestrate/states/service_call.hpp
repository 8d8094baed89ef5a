// One call of an operation, as the role of a state machine.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/operations.hpp"
#include "orchestrate/states/integration.hpp"

namespace tarn::states {

// Used by one thread at a time.
class ServiceCall {
 public:
  ServiceCall(api::Operations& operations, api::Principal principal, std::string region, Time now,
              std::string request_id);

  // The result of the state that calls it; absent where the operation waits: then `again` is called once, from any
  // thread, when the same call is to be made anew. Failures throw Error whose code and message are the state's Error
  // and Cause.
  std::optional<Value> run(const Integration& integration, const Value& arguments, std::function<void()> again);
  // Blocks until the operation has answered. The operation's output as it is, the bytes of a streaming one in its
  // member. Throws what the operation throws. An answer of more than `max_bytes` throws Error (limit,
  // States.DataLimitExceeded).
  Value run_plain(const std::string& operation, const Value& input, std::size_t max_bytes = 256 * 1024);

 private:
  Value run_operation(const api::Service& service, const api::Operation& operation, Value input, std::size_t max_bytes);

  api::Operations& operations_;
  api::Context context_;
};

}  // namespace tarn::states
