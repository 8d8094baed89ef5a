#include "store/replication.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "store/local_store.hpp"
#include "store/origin.hpp"

namespace tarn::store {
namespace {

constexpr std::size_t read_at_once = 100;
constexpr auto pause_after_failure = std::chrono::seconds(5);

}  // namespace

std::string replication_status(const Store& store, const Grant& grant, std::string_view bucket, std::string_view key,
                               std::string_view version_id) {
  const auto* local = dynamic_cast<const LocalStore*>(&store);
  return local ? local->replication_status(grant, bucket, key, version_id) : "";
}

Replication::Replication(Store& store, Grant grant)
    : store_(dynamic_cast<LocalStore*>(&store)), grant_(std::move(grant)) {}

Replication::~Replication() {
  worker_.request_stop();
}

void Replication::start() {
  if (store_) worker_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Replication::run(std::stop_token stop) {
  const OriginScope origin({Origin::Cause::replication, "s3.amazonaws.com", "", ""});
  while (!stop.stop_requested()) {
    std::chrono::milliseconds pause = std::chrono::minutes(1);
    try {
      if (read_some()) continue;
    } catch (const Error& e) {
      log(LogLevel::error, "objects can't be replicated", Value::map({{"why", e.message()}}));
      pause = pause_after_failure;
    }
    store_->events().wait(EventReader::replication, pause, stop);
  }
}

bool Replication::read_some() {
  const auto events = store_->events().read(EventReader::replication, 0, read_at_once);
  for (const ObjectEvent& event : events) {
    replicate(event);
    store_->events().acknowledge(EventReader::replication, {event.number});
  }
  return !events.empty();
}

void Replication::replicate(const ObjectEvent& event) {
  const auto bucket = store_->find_bucket(event.bucket);
  if (!bucket) return;
  const auto setting = bucket->settings.find("replication");
  if (setting == bucket->settings.end()) return;
  const ReplicationRules rules(setting->second);
  if (event.name == "ObjectRemoved:DeleteMarkerCreated") {
    for (const auto& target : rules.targets(event.key, {}))
      if (target.delete_markers && store_->find_bucket(target.bucket))
        store_->erase(grant_, target.bucket, event.key, {});
    return;
  }
  // Removed meanwhile, or done before a crash.
  const auto source = store_->head(grant_, event.bucket, event.key, event.version_id);
  if (!source || store_->replication_status(grant_, event.bucket, event.key, event.version_id) != "PENDING") return;
  bool all = true;
  for (const auto& target : rules.targets(event.key, source->headers.tags)) all &= copy_to(event, *source, target);
  store_->set_replication_status(grant_, event.bucket, event.key, event.version_id, all ? "COMPLETED" : "FAILED");
}

bool Replication::copy_to(const ObjectEvent& event, const ObjectInfo& source, const ReplicationRules::Target& target) {
  const auto bucket = store_->find_bucket(target.bucket);
  if (!bucket || versioning_of(*bucket) != Versioning::enabled) return false;
  ObjectHeaders headers = source.headers;
  headers.restore.reset();
  if (!has_object_lock(*bucket)) {
    headers.retention.reset();
    headers.legal_hold.reset();
  }
  if (!target.storage_class.empty()) headers.storage_class = target.storage_class;
  try {
    store_->copy(grant_, event.bucket, event.key, grant_, target.bucket, event.key, std::move(headers),
                 {event.version_id, {}});
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::bug || error.kind() == ErrorKind::outside) throw;
    log(LogLevel::warning, "an object was not replicated",
        Value::map({{"bucket", event.bucket}, {"key", event.key}, {"to", target.bucket}, {"why", error.message()}}));
    return false;
  }
}

}  // namespace tarn::store
