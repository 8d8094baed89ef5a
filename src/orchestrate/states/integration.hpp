// What a Task's Resource names: an operation of a service, a function, an activity ("Integrating services", AWS Step
// Functions Developer Guide). And what goes to that operation and comes back from it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/model.hpp"
#include "base/error.hpp"
#include "base/value.hpp"

namespace tarn::states {

struct Integration {
  enum class Kind {
    function,   // a function's own ARN: its payload is the state's input, its answer the result
    activity,   // workers ask for it
    optimised,  // arn:aws:states:::lambda:invoke
    sdk,        // arn:aws:states:::aws-sdk:s3:getObject
  } kind;
  enum class Pattern {
    answer,      // the operation's answer is the result
    job,         // .sync: the result is what the job that was started became
    job_parsed,  // .sync:2: the same, its output parsed
    token,       // .waitForTaskToken: somebody sends the result
  } pattern = Pattern::answer;
  std::string resource_type, resource;  // as the history names it; of a function and an activity its ARN stands in both
  const api::Service* service = nullptr;  // nullptr: an activity
  const api::Operation* operation = nullptr;
};

// Absent where the resource is none that is known.
std::optional<Integration> parse_resource(std::string_view resource);

// The operation's input from the state's effective input. A field that the operation does not have throws Error
// (caller, States.Runtime) in an SDK integration, and is left out in the others, as on AWS.
Value call_input(const Integration& integration, const Value& arguments);
// The state's result from the operation's output. A function that failed throws Error whose code is its error's type
// and whose message is its payload.
Value call_result(const Integration& integration, const Value& output, std::string_view request_id);
// The error that a state sees when the operation failed: code and message are its Error and Cause.
Error call_failure(const Integration& integration, const Error& error, std::string_view request_id);

// ---- jobs that are waited for (.sync) ----
struct JobCall {
  const char* operation;  // "glue:GetJobRun"
  Value input;
};
// What tells how the job stands that `started` (the start's result) began.
JobCall job_status_call(const Integration& integration, const Value& arguments, const Value& started);
// What stops it.
JobCall job_stop_call(const Integration& integration, const Value& arguments, const Value& started);
// The result, once the job has ended; absent while it runs. One that failed throws Error (States.TaskFailed).
std::optional<Value> job_result(const Integration& integration, const Value& status);

}  // namespace tarn::states
