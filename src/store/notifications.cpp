#include "store/notifications.hpp"

#include <algorithm>
#include <cstdio>

#include "api/wire/percent.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

namespace tarn::store {
namespace {

constexpr std::size_t read_at_once = 100;
constexpr auto longest_wait = std::chrono::minutes(5);

std::string sequencer_text(uint64_t sequencer) {
  char text[24];
  std::snprintf(text, sizeof text, "%018llX", static_cast<unsigned long long>(sequencer));
  return text;
}

bool is_removal(const ObjectEvent& event) {
  return event.name.starts_with("ObjectRemoved:") || event.name.starts_with("LifecycleExpiration:");
}

std::string bus_of(const ObjectEvent& event) {
  return "arn:aws:events:" + event.region + ":" + event.bucket_account + ":event-bus/default";
}

// ---- EventBridge's own names of the same events ----

const char* detail_type(const ObjectEvent& event) {
  if (event.name.starts_with("ObjectCreated:")) return "Object Created";
  if (is_removal(event)) return "Object Deleted";
  if (event.name == "ObjectTagging:Put") return "Object Tags Added";
  if (event.name == "ObjectTagging:Delete") return "Object Tags Deleted";
  if (event.name == "ObjectAcl:Put") return "Object ACL Updated";
  if (event.name == "LifecycleTransition") return "Object Storage Class Changed";
  if (event.name == "ObjectRestore:Post") return "Object Restore Initiated";
  if (event.name == "ObjectRestore:Completed") return "Object Restore Completed";
  return "Object Access Tier Changed";
}

const char* reason(const ObjectEvent& event) {
  if (event.name == "ObjectCreated:Put") return "PutObject";
  if (event.name == "ObjectCreated:Post") return "POST Object";
  if (event.name == "ObjectCreated:Copy") return "CopyObject";
  if (event.name == "ObjectCreated:CompleteMultipartUpload") return "CompleteMultipartUpload";
  if (event.name.starts_with("ObjectRemoved:")) return "DeleteObject";
  if (event.name.starts_with("LifecycleExpiration:")) return "Lifecycle Expiration";
  return nullptr;
}

Value bus_detail(const ObjectEvent& event) {
  Value object = Value::map({{"key", event.key}});
  if (!is_removal(event)) object.set("size", event.size_bytes);
  if (!event.etag.empty()) object.set("etag", event.etag);
  if (!event.version_id.empty()) object.set("version-id", event.version_id);
  if (event.sequencer) object.set("sequencer", sequencer_text(event.sequencer));
  Value detail =
      Value::map({{"version", "0"},
                  {"bucket", Value::map({{"name", event.bucket}})},
                  {"object", object},
                  {"request-id", event.request_id},
                  {"requester", event.source_ip.empty() ? std::string("s3.amazonaws.com") : event.bucket_account}});
  if (!event.source_ip.empty()) detail.set("source-ip-address", event.source_ip);
  if (const char* why = reason(event)) detail.set("reason", why);
  if (is_removal(event))
    detail.set("deletion-type",
               event.name.ends_with("DeleteMarkerCreated") ? "Delete Marker Created" : "Permanently Deleted");
  if (event.name == "LifecycleTransition") detail.set("destination-storage-class", event.detail);
  return detail;
}

}  // namespace

std::string event_message(const ObjectEvent& event, std::string_view configuration_id) {
  // Spaces are "+", as in a form.
  std::string key;
  api::append_percent_encoded(key, event.key, true);
  for (std::size_t at = key.find("%20"); at != key.npos; at = key.find("%20", at)) key.replace(at, 3, "+");
  Value object = Value::map({{"key", key}});
  if (!is_removal(event) || event.name.ends_with("DeleteMarkerCreated")) {
    if (!is_removal(event)) object.set("size", event.size_bytes);
    if (!event.etag.empty()) object.set("eTag", event.etag);
  }
  if (!event.version_id.empty()) object.set("versionId", event.version_id);
  if (event.sequencer) object.set("sequencer", sequencer_text(event.sequencer));
  Value record = Value::map(
      {{"eventVersion", event.name.starts_with("Object") && !event.name.starts_with("ObjectTagging") ? "2.1" : "2.3"},
       {"eventSource", "aws:s3"},
       {"awsRegion", event.region},
       {"eventTime", format_iso8601(event.time)},
       {"eventName", event.name},
       {"userIdentity", Value::map({{"principalId", event.principal}})},
       {"requestParameters",
        Value::map({{"sourceIPAddress", event.source_ip.empty() ? std::string("s3.amazonaws.com") : event.source_ip}})},
       {"responseElements", Value::map({{"x-amz-request-id", event.request_id}, {"x-amz-id-2", event.request_id}})},
       {"s3", Value::map({{"s3SchemaVersion", "1.0"},
                          {"configurationId", configuration_id},
                          {"bucket", Value::map({{"name", event.bucket},
                                                 {"ownerIdentity", Value::map({{"principalId", event.bucket_account}})},
                                                 {"arn", "arn:aws:s3:::" + event.bucket}})},
                          {"object", object}})}});
  if (event.name == "LifecycleTransition")
    record.set("lifecycleEventData",
               Value::map({{"transitionEventData", Value::map({{"destinationStorageClass", event.detail}})}}));
  return to_json(Value::map({{"Records", Value::list({record})}}));
}

std::string event_bus_entry(const ObjectEvent& event) {
  return to_json(Value::map({{"Source", "aws.s3"},
                             {"DetailType", detail_type(event)},
                             {"Time", format_iso8601(event.time, false)},
                             {"Resources", Value::list({"arn:aws:s3:::" + event.bucket})},
                             {"Detail", to_json(bus_detail(event))}}));
}

std::string test_message(const BucketInfo& bucket, Time now, std::string_view request_id) {
  return to_json(Value::map({{"Service", "Amazon S3"},
                             {"Event", "s3:TestEvent"},
                             {"Time", format_iso8601(now)},
                             {"Bucket", bucket.name},
                             {"RequestId", request_id},
                             {"HostId", request_id}}));
}

Notifications::Notifications(const Store& store, ObjectEvents* events, Clock& clock)
    : store_(store), events_(events), clock_(clock) {}

Notifications::~Notifications() {
  stop();
}

void Notifications::stop() {
  worker_.request_stop();
  if (worker_.joinable()) worker_.join();
}

void Notifications::add(std::string service, EventDestination& destination) {
  TARN_ASSERT(!worker_.joinable());
  destinations_[std::move(service)] = &destination;
}

void Notifications::start() {
  if (events_) worker_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

EventDestination* Notifications::destination_of(std::string_view arn) const {
  constexpr std::string_view prefix = "arn:aws:";
  if (!arn.starts_with(prefix)) return nullptr;
  arn.remove_prefix(prefix.size());
  auto found = destinations_.find(arn.substr(0, arn.find(':')));
  return found == destinations_.end() ? nullptr : found->second;
}

std::optional<std::string> Notifications::refusal(const std::string& arn, const BucketInfo& bucket) const {
  EventDestination* destination = events_ ? destination_of(arn) : nullptr;
  if (!destination) return "The destination service is not available";
  return destination->refusal(arn, bucket);
}

void Notifications::send_test(const std::string& arn, const BucketInfo& bucket, std::string_view request_id) {
  if (EventDestination* destination = destination_of(arn))
    destination->deliver(arn, bucket, test_message(bucket, clock_.now(), request_id));
}

void Notifications::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    try {
      const bool more = read_some();
      retry_due();
      if (more) continue;
    } catch (const Error& e) {
      log(LogLevel::error, "events of objects can't be read", Value::map({{"why", e.message()}}));
    }
    auto longest = std::chrono::milliseconds(waiting_.empty() ? 60'000 : 250);
    events_->wait(EventReader::notifications, longest, stop);
  }
}

bool Notifications::read_some() {
  if (waiting_.size() >= limits::max_undelivered_object_events) return false;
  auto events = events_->read(EventReader::notifications, read_to_, read_at_once);
  std::vector<uint64_t> done;
  for (auto& event : events) {
    read_to_ = event.number;
    Waiting waiting;
    const auto bucket = store_.find_bucket(event.bucket);
    const auto setting =
        bucket ? bucket->settings.find("notification") : std::map<std::string, Value>::const_iterator();
    if (bucket && setting != bucket->settings.end()) {
      NotificationRules rules(setting->second);
      for (auto& rule : rules.rules)
        if (rule.matches(event.name, event.key)) waiting.rules.push_back(std::move(rule));
      if (rules.to_event_bus) waiting.rules.push_back({"", bus_of(event), {}, "", ""});
    }
    waiting.event = std::move(event);
    if (deliver(waiting))
      done.push_back(waiting.event.number);
    else
      waiting_.push_back(std::move(waiting));
  }
  if (!done.empty()) events_->acknowledge(EventReader::notifications, done);
  return !events.empty();
}

void Notifications::retry_due() {
  const auto now = std::chrono::steady_clock::now();
  std::vector<uint64_t> done;
  std::erase_if(waiting_, [&](Waiting& waiting) {
    if (waiting.due > now || !deliver(waiting)) return false;
    done.push_back(waiting.event.number);
    return true;
  });
  if (!done.empty()) events_->acknowledge(EventReader::notifications, done);
}

bool Notifications::deliver(Waiting& waiting) {
  const ObjectEvent& event = waiting.event;
  const auto bucket = store_.find_bucket(event.bucket);
  if (!bucket) return true;
  const bool too_old = clock_.now() - event.time > std::chrono::hours(limits::object_event_lifetime_h);
  std::erase_if(waiting.rules, [&](const NotificationRule& rule) {
    // No service of ours takes it: there is nobody to wait for.
    EventDestination* destination = destination_of(rule.arn);
    if (!destination) return true;
    try {
      destination->deliver(
          rule.arn, *bucket,
          rule.arn.find(":event-bus/") != rule.arn.npos ? event_bus_entry(event) : event_message(event, rule.id));
      return true;
    } catch (const Error& e) {
      if (waiting.attempts == 0 || too_old)
        log(LogLevel::warning, too_old ? "an event of an object is given up" : "an event of an object was not taken",
            Value::map(
                {{"destination", rule.arn}, {"bucket", event.bucket}, {"key", event.key}, {"why", e.message()}}));
      return too_old;
    }
  });
  if (waiting.rules.empty()) return true;
  const auto pause = std::min<std::chrono::steady_clock::duration>(
      std::chrono::seconds(1) * (1 << std::min(waiting.attempts, 10)), longest_wait);
  waiting.attempts++;
  waiting.due = std::chrono::steady_clock::now() + pause;
  return false;
}

}  // namespace tarn::store
