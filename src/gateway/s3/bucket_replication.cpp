// The replication configuration of buckets.
#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/object_status.hpp"
#include "gateway/s3/replication_checks.hpp"
#include "store/replication.hpp"

namespace tarn::gateway::s3 {
namespace {

bool is_versioned(const store::BucketInfo& bucket) {
  return store::versioning_of(bucket) == store::Versioning::enabled;
}

void check_buckets(const Parts& parts, const store::BucketInfo& source, const model::ReplicationConfiguration& c) {
  if (!is_versioned(source))
    throw invalid_request("Versioning must be 'Enabled' on the bucket to apply a replication configuration");
  for (const auto& rule : c.rules) {
    const std::string name = *bucket_of_arn(rule.destination.bucket);
    const auto target = parts.store.find_bucket(name);
    if (!target) throw invalid_request("Destination bucket must exist.");
    if (!is_versioned(*target)) throw invalid_request("Destination bucket must have versioning enabled.");
    if (name == source.name) throw invalid_request("Destination bucket cannot be the same as the source bucket.");
    if (target->account != source.account) refuse_unsupported("replication to another account's bucket");
    if (rule.destination.account && *rule.destination.account != target->account)
      throw invalid_request("Destination account does not own the destination bucket.");
  }
}

api::Empty put_replication(const Parts& parts, Context& context, const model::PutBucketReplicationRequest& in) {
  auto configuration = in.replication_configuration;
  check_replication(configuration);
  check_buckets(parts, own_bucket(parts, context, in.bucket), configuration);
  for (auto& rule : configuration.rules)
    if (!rule.id || rule.id->empty()) rule.id = parts.random.uuid();
  for (const auto& rule : configuration.rules)
    put_setting(parts, *bucket_of_arn(rule.destination.bucket), setting::replicated, true);
  parts.store.change_bucket(in.bucket, [&](store::BucketInfo& bucket) {
    bucket.settings[setting::replicated] = true;
    bucket.settings[setting::replication] = to_value(configuration);
  });
  return {};
}

model::GetBucketReplicationOutput get_replication(const Parts& parts, Context& context,
                                                  const model::GetBucketReplicationRequest& in) {
  model::GetBucketReplicationOutput out;
  out.replication_configuration = api::from<model::ReplicationConfiguration>(
      required_setting(parts, context, in.bucket, setting::replication, "ReplicationConfigurationNotFoundError",
                       "The replication configuration was not found"));
  return out;
}

api::Empty delete_replication(const Parts& parts, Context&, const model::DeleteBucketReplicationRequest& in) {
  erase_setting(parts, in.bucket, setting::replication);
  return {};
}

}  // namespace

std::optional<std::string> replication_status_of(const Parts& parts, const Context& context, const std::string& bucket,
                                                 const store::ObjectInfo& object) {
  const auto info = parts.store.find_bucket(bucket);
  if (!info || !find_setting(*info, setting::replicated)) return std::nullopt;
  std::string status = store::replication_status(parts.store, parts.may_read(context, bucket, object.key), bucket,
                                                 object.key, object.version_id);
  if (status.empty()) return std::nullopt;
  return status;
}

void register_bucket_replication(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketReplication>(operations, parts, put_replication);
  on<GetBucketReplication>(operations, parts, get_replication);
  on<DeleteBucketReplication>(operations, parts, delete_replication);
}

}  // namespace tarn::gateway::s3
