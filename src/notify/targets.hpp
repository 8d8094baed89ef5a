// The one place where a service hands something on to another's resource: a subscription to its queue, a rule to its
// target, a failed delivery to its dead-letter queue. Everything goes through Operations, as the role that is named, or
// as a call of the resource's own account. Resources: queues, topics, functions, state machines, log groups, workflows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "notify/message.hpp"

namespace tarn::notify {

struct TargetInput {
  std::string body;
  MessageAttributes attributes;  // queues and topics
  std::string subject;           // topics
  std::string group_id, deduplication_id;
  std::string invoked_by;  // "sns.amazonaws.com"
  std::string id;          // of this delivery: names a state machine's execution and a log stream; empty: a new one
  std::string trace;       // X-Ray's header; queues
  Time time{};             // log groups
  std::optional<api::Principal> as;  // who calls; absent: the root of the resource's own account
};

struct Arn {
  std::string service, region, account, resource;
};
// Absent when the text is no ARN.
std::optional<Arn> parse_arn(std::string_view text);

// Thread-safe. The operations outlive it.
class Targets {
 public:
  Targets(api::Operations& operations, Clock& clock, Random& random)
      : operations_(operations), clock_(clock), random_(random) {}

  // Throws Error (unsupported, NotImplemented) where tarn can't deliver to what this ARN names.
  void check(std::string_view arn) const;
  // Returns when the target has taken it. Throws what the target's operation throws.
  void deliver(std::string_view arn, const TargetInput& input);

 private:
  void start_execution(api::Context& context, std::string_view state_machine, const TargetInput& input);
  void write_log(api::Context& context, const Arn& arn, const TargetInput& input);

  api::Operations& operations_;
  Clock& clock_;
  Random& random_;
};

// Whether the same call might succeed later: a failure of the target's, or of tarn's.
bool is_worth_retrying(const Error& error);

}  // namespace tarn::notify
