// A batch of SQS messages as a function is invoked with it, and what its answer says of it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/lambda.hpp"
#include "base/value.hpp"
#include "notify/event_pattern.hpp"

namespace tarn::compute {

// A record of the event, from a message as ReceiveMessage tells it.
Value queue_record(const Value& message, const std::string& queue_arn, const std::string& region);

// Filters of an event source mapping. Thread-safe once made.
class QueueFilters {
 public:
  // A pattern that is none throws InvalidParameterValueException.
  explicit QueueFilters(const std::optional<api::lambda::FilterCriteria>& criteria);
  // Whether one of the filters lets the record through; without filters all pass.
  bool let_through(const Value& record) const;

 private:
  std::vector<notify::EventPattern> patterns_;
};

// The ids that a function's answer names as failed (ReportBatchItemFailures). Absent: the answer is none that Lambda
// understands, and the whole batch failed.
std::optional<std::set<std::string>> failed_items(const std::string& payload, const std::set<std::string>& batch);

}  // namespace tarn::compute
