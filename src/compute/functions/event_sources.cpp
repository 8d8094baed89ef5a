#include "compute/functions/event_sources.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "compute/functions/limits.hpp"
#include "compute/functions/queue_poller.hpp"
#include "compute/functions/records.hpp"
#include "compute/functions/rules.hpp"

namespace tarn::compute {
namespace {

constexpr int64_t default_batch_size = 10, largest_batch_of_fifo = 10, largest_batch_without_window = 10;

std::string mapping_key(const Scope& scope, const std::string& uuid) {
  return meta::key({scope.account, scope.region, uuid});
}

[[noreturn]] void mapping_missing() {
  resource_missing("The resource you requested does not exist.");
}

EventSourceMapping mapping_from(const Value& v) {
  return api::from<EventSourceMapping>(v);
}

bool is_enabled(const EventSourceMapping& m) {
  return m.state == "Enabled";
}

// CreateEventSourceMappingRequest and UpdateEventSourceMappingRequest have these.
template <class Request>
void refuse_settings(const Request& in) {
  if (in.kms_key_arn && !in.kms_key_arn->empty())
    not_implemented("KMSKeyArn: tarn encrypts filters with no key of yours.");
  if (in.metrics_config) not_implemented("MetricsConfig: tarn counts nothing of event source mappings.");
  if (in.logging_config) not_implemented("LoggingConfig of an event source mapping: tarn logs nothing of it.");
  if (in.provisioned_poller_config) not_implemented("ProvisionedPollerConfig: tarn's mappings have one poller.");
  if (in.amazon_managed_kafka_event_source_config || in.self_managed_kafka_event_source_config ||
      in.document_db_event_source_config || in.source_access_configurations)
    not_implemented("Event sources other than SQS: tarn has event source mappings for queues.");
  if (in.parallelization_factor || in.bisect_batch_on_function_error || in.maximum_retry_attempts ||
      in.maximum_record_age_in_seconds || in.tumbling_window_in_seconds ||
      (in.destination_config && (in.destination_config->on_failure || in.destination_config->on_success)))
    invalid_parameter("Unsupported parameters for an SQS event source: they are for streams.");
}

template <class Request>
void apply(const Request& in, EventSourceMapping& out) {
  if (in.batch_size) out.batch_size = in.batch_size;
  if (in.maximum_batching_window_in_seconds)
    out.maximum_batching_window_in_seconds = in.maximum_batching_window_in_seconds;
  if (in.filter_criteria) out.filter_criteria = in.filter_criteria;
  if (out.filter_criteria && (!out.filter_criteria->filters || out.filter_criteria->filters->empty()))
    out.filter_criteria.reset();
  if (in.function_response_types) out.function_response_types = in.function_response_types;
  if (in.scaling_config) out.scaling_config = in.scaling_config;
  if (out.scaling_config && !out.scaling_config->maximum_concurrency) out.scaling_config.reset();
  if (in.enabled) out.state = *in.enabled ? "Enabled" : "Disabled";
}

}  // namespace

// A mapping at work.
class EventSources::Poller {
 public:
  Poller(EventSources& sources, std::string key, const EventSourceMapping& mapping)
      : poller_({sources.parts_.functions, sources.parts_.invoker, sources.parts_.operations, sources.parts_.identities,
                 sources.parts_.clock, sources.parts_.random},
                mapping,
                [&sources, key = std::move(key)](const std::string& result) { sources.note_result(key, result); }) {}

 private:
  QueuePoller poller_;
};

EventSources::EventSources(EventSourceParts parts) : parts_(parts) {}
EventSources::~EventSources() {
  stop();
}

void EventSources::start() {
  std::lock_guard lock(changing_);
  started_ = true;
  for (const meta::Record& r : parts_.metadata.list(event_source_kind, {})) restart(r.key, mapping_from(r.value));
}

void EventSources::stop() {
  std::lock_guard lock(changing_);
  started_ = false;
  pollers_.clear();
}

std::unique_lock<std::mutex> EventSources::hold() {
  std::unique_lock held(changing_);
  pollers_.clear();
  return held;
}

void EventSources::restart(const std::string& key, const std::optional<EventSourceMapping>& mapping) {
  pollers_.erase(key);
  if (started_ && mapping && is_enabled(*mapping)) pollers_[key] = std::make_unique<Poller>(*this, key, *mapping);
}

void EventSources::note_result(const std::string& key, const std::string& result) {
  parts_.metadata.change_quietly([&](meta::Transaction& t) {
    auto record = t.get(event_source_kind, key);
    if (!record || record->string_or("LastProcessingResult") == result) return;
    record->set("LastProcessingResult", result);
    t.put(event_source_kind, key, *record);
  });
}

void EventSources::check(const Scope& scope, const EventSourceMapping& m) const {
  const bool fifo = m.event_source_arn->ends_with(".fifo");
  const int64_t window_s = m.maximum_batching_window_in_seconds.value_or(0);
  if (fifo && m.batch_size.value_or(0) > largest_batch_of_fifo)
    invalid_parameter("Maximum batch size for FIFO queues is 10.");
  if (fifo && window_s > 0) invalid_parameter("Batching window is not supported for FIFO queues.");
  if (m.batch_size.value_or(0) > largest_batch_without_window && window_s == 0)
    invalid_parameter(
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10");
  QueueFilters filters(m.filter_criteria);
  const FunctionName function = parse_function_name(scope, *m.function_arn);
  const int64_t timeout_s = parts_.functions.runnable(function).configuration.timeout.value_or(0);
  const int64_t visibility_s =
      queue_visibility_timeout_s(parts_.operations, parts_.clock, parts_.random, *m.event_source_arn);
  if (visibility_s < timeout_s)
    invalid_parameter("Queue visibility timeout: " + std::to_string(visibility_s) +
                      " seconds is less than Function timeout: " + std::to_string(timeout_s) + " seconds");
}

EventSourceMapping EventSources::create(const Scope& scope, const lambda::CreateEventSourceMappingRequest& in) {
  refuse_settings(in);
  if (in.self_managed_event_source || in.topics || in.queues)
    not_implemented("Event sources other than SQS: tarn has event source mappings for queues.");
  if (!in.event_source_arn) invalid_parameter("EventSourceArn is required.");
  const auto source = notify::parse_arn(*in.event_source_arn);
  if (!source || source->service != "sqs")
    not_implemented("An event source " + *in.event_source_arn + ": tarn has event source mappings for queues.");
  if (in.starting_position || in.starting_position_timestamp)
    invalid_parameter("StartingPosition is not valid for SQS event sources.");
  const FunctionName function = parse_function_name(scope, in.function_name);
  if (!parts_.functions.exists(function)) function_missing(function);
  EventSourceMapping m;
  m.uuid = parts_.random.uuid();
  m.event_source_arn = in.event_source_arn;
  m.function_arn = function.qualified_arn();
  m.batch_size = default_batch_size;
  m.maximum_batching_window_in_seconds = 0;
  m.state = "Enabled";
  m.state_transition_reason = "USER_INITIATED";
  m.function_response_types = std::vector<std::string>();
  m.last_modified = parts_.clock.now();
  m.event_source_mapping_arn =
      "arn:aws:lambda:" + scope.region + ":" + scope.account + ":event-source-mapping:" + *m.uuid;
  apply(in, m);
  check(scope, m);
  std::lock_guard lock(changing_);
  const std::string key = mapping_key(scope, *m.uuid);
  parts_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    for (const meta::Record& r : t.list(event_source_kind, meta::prefix({scope.account, scope.region}))) {
      const auto other = mapping_from(r.value);
      if (other.event_source_arn == m.event_source_arn && other.function_arn == m.function_arn)
        resource_conflict("An event source mapping with SQS arn (\" " + *m.event_source_arn + " \") and function (\" " +
                          function.name +
                          " \") already exists. Please update or delete the existing mapping with UUID " + *other.uuid);
    }
    Value record = lambda::to_value(m);
    if (in.tags && !in.tags->empty()) record.set("Tags", api::to_value(*in.tags));
    t.put(event_source_kind, key, record);
  });
  restart(key, m);
  EventSourceMapping out = m;
  if (is_enabled(m)) out.state = "Creating";
  return out;
}

EventSourceMapping EventSources::update(const Scope& scope, const lambda::UpdateEventSourceMappingRequest& in) {
  refuse_settings(in);
  std::lock_guard lock(changing_);
  const std::string key = mapping_key(scope, in.uuid);
  auto record = parts_.metadata.get(event_source_kind, key);
  if (!record) mapping_missing();
  EventSourceMapping m = mapping_from(*record);
  if (in.function_name) {
    const FunctionName function = parse_function_name(scope, *in.function_name);
    if (!parts_.functions.exists(function)) function_missing(function);
    m.function_arn = function.qualified_arn();
  }
  apply(in, m);
  check(scope, m);
  m.last_modified = parts_.clock.now();
  m.state_transition_reason = "USER_INITIATED";
  parts_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    Value changed = lambda::to_value(m);
    if (const Value* tags = record->find("Tags")) changed.set("Tags", *tags);
    t.put(event_source_kind, key, changed);
  });
  restart(key, m);
  return m;
}

EventSourceMapping EventSources::remove(const Scope& scope, const std::string& uuid) {
  std::lock_guard lock(changing_);
  EventSourceMapping m = get(scope, uuid);
  const std::string key = mapping_key(scope, uuid);
  parts_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) { t.erase(event_source_kind, key); });
  restart(key, std::nullopt);
  m.state = "Deleting";
  return m;
}

EventSourceMapping EventSources::get(const Scope& scope, const std::string& uuid) const {
  auto record = parts_.metadata.get(event_source_kind, mapping_key(scope, uuid));
  if (!record) mapping_missing();
  return mapping_from(*record);
}

Tags EventSources::tags(const Scope& scope, const std::string& uuid) const {
  auto record = parts_.metadata.get(event_source_kind, mapping_key(scope, uuid));
  if (!record) mapping_missing();
  Tags out;
  if (const Value* tags = record->find("Tags")) api::from_value(*tags, out);
  return out;
}

void EventSources::set_tags(const Scope& scope, const std::string& uuid, const std::function<void(Tags&)>& change) {
  std::lock_guard lock(changing_);
  Tags all = tags(scope, uuid);
  change(all);
  check_function_tags(all);
  parts_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto record = t.get(event_source_kind, mapping_key(scope, uuid));
    if (!record) mapping_missing();
    record->set("Tags", api::to_value(all));
    t.put(event_source_kind, mapping_key(scope, uuid), *record);
  });
}

MarkedPage<EventSourceMapping> EventSources::list(const Scope& scope, const std::optional<std::string>& source_arn,
                                                  const std::optional<FunctionName>& function,
                                                  const MarkedPageRequest& page) const {
  return marked_page<EventSourceMapping>(parts_.metadata, event_source_kind,
                                         meta::prefix({scope.account, scope.region}), page,
                                         [&](const meta::Record& r) -> std::optional<EventSourceMapping> {
                                           auto m = mapping_from(r.value);
                                           if (source_arn && m.event_source_arn != source_arn) return std::nullopt;
                                           if (function && m.function_arn != function->qualified_arn())
                                             return std::nullopt;
                                           return m;
                                         });
}

}  // namespace tarn::compute
