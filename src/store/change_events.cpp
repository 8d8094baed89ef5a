// What a change tells of itself, in its own batch.
#include "store/local_store.hpp"
#include "store/notification_rules.hpp"
#include "store/origin.hpp"
#include "store/replication_rules.hpp"

namespace tarn::store {
namespace {

using Cause = Origin::Cause;

const Value* find_setting(const BucketInfo& bucket, const char* name) {
  auto at = bucket.settings.find(name);
  return at == bucket.settings.end() || at->second.is_null() ? nullptr : &at->second;
}

// The event's name by what caused it.
std::string name_of(std::string_view event, Cause cause) {
  if (cause == Cause::form && event == "ObjectCreated:Put") return "ObjectCreated:Post";
  if (cause == Cause::replication && event == "ObjectCreated:Copy") return "ObjectCreated:Put";
  if (cause == Cause::lifecycle && event.starts_with("ObjectRemoved:"))
    return "LifecycleExpiration:" + std::string(event.substr(14));
  return std::string(event);
}

bool is_replicated(const BucketInfo& bucket, std::string_view event, const ObjectRecord& object) {
  const Cause cause = current_origin().cause;
  if (cause != Cause::request && cause != Cause::form) return false;
  if (event.starts_with("ObjectCreated:")) return object.replication_status == "PENDING";
  const Value* setting = find_setting(bucket, "replication");
  return setting && event == "ObjectRemoved:DeleteMarkerCreated" &&
         !ReplicationRules(*setting).targets(object.info.key, {}).empty();
}

}  // namespace

ObjectEvents* events_of(Store& store) {
  auto* local = dynamic_cast<LocalStore*>(&store);
  return local ? &local->events() : nullptr;
}

void settle_replication(const BucketInfo& bucket, ObjectRecord& object) {
  object.replication_status.clear();
  if (current_origin().cause == Cause::replication) {
    object.replication_status = "REPLICA";
    return;
  }
  const Value* setting = find_setting(bucket, "replication");
  if (setting && !ReplicationRules(*setting).targets(object.info.key, object.info.headers.tags).empty())
    object.replication_status = "PENDING";
}

std::string LocalStore::replication_status(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                           std::string_view version_id) const {
  require(grant, Access::read, bucket_name, key);
  auto record = find_record(bucket_name, key, version_id);
  return record ? record->replication_status : "";
}

void LocalStore::set_replication_status(const Grant& grant, std::string_view bucket_name, std::string_view key,
                                        std::string_view version_id, std::string status) {
  require(grant, Access::write, bucket_name, key);
  auto bucket_held = bucket_locks_.hold({bucket_locks_.shared(bucket_name)});
  bucket(bucket_name);
  auto held = name_locks_.hold({name_locks_.exclusive(object_key(bucket_name, key))});
  auto record = find_record(bucket_name, key, version_id);
  if (!record || record->info.delete_marker) return;
  record->replication_status = std::move(status);
  Change change(*this);
  change.rewrite(bucket_name, *record);
  change.commit();
}

void Change::tell(const BucketInfo& bucket, std::string_view event, const ObjectRecord& object,
                  std::string_view detail) {
  const Origin& origin = current_origin();
  const ObjectInfo& info = object.info;
  const Value* setting = find_setting(bucket, "notification");
  const std::string name = name_of(event, origin.cause);
  const bool notified = setting && NotificationRules(*setting).any(name, info.key);
  const bool replicated = is_replicated(bucket, event, object);
  if (!notified && !replicated) return;
  ObjectEvent out;
  out.name = name;
  out.time = store_.clock_.now();
  out.bucket = bucket.name;
  out.bucket_account = bucket.account;
  out.region = bucket.region;
  out.key = info.key;
  if (versioning_of(bucket) != Versioning::never) out.version_id = info.version_id;
  out.etag = info.etag;
  out.size_bytes = info.size_bytes;
  // A removal has no sequence of its own, but comes after all that it removes.
  out.sequencer = event == "ObjectRemoved:Delete" ? store_.new_id() : object.sequence;
  out.principal = origin.principal_id;
  out.source_ip = origin.source_ip;
  out.request_id = origin.request_id;
  out.detail = detail;
  events_.add(batch_, std::move(out), notified, replicated, [this] { return store_.new_id(); });
}

void Change::tell_of_headers(const BucketInfo& bucket, const ObjectHeaders& before, const ObjectRecord& after) {
  const ObjectHeaders& now = after.info.headers;
  if (now.tags != before.tags) tell(bucket, now.tags.empty() ? "ObjectTagging:Delete" : "ObjectTagging:Put", after);
  if (now.storage_class != before.storage_class && current_origin().cause == Cause::lifecycle)
    tell(bucket, "LifecycleTransition", after, now.storage_class);
  if (now.acl != before.acl) tell(bucket, "ObjectAcl:Put", after);
  if (now.restore && now.restore != before.restore) tell(bucket, "ObjectRestore:Post", after);
}

}  // namespace tarn::store
