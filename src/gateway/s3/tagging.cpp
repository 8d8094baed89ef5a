// Tags of buckets and objects.
#include "base/error.hpp"
#include "gateway/s3/requests.hpp"
#include "gateway/s3/tags.hpp"
#include "gateway/s3/versioning.hpp"

namespace tarn::gateway::s3 {
namespace {

api::Empty put_bucket_tagging(const Parts& parts, Context&, const model::PutBucketTaggingRequest& in) {
  const Value setting = tags_to_setting(checked_tags(in.tagging.tag_set, max_bucket_tags));
  parts.store.change_bucket(in.bucket, [&](store::BucketInfo& bucket) { bucket.settings["tagging"] = setting; });
  return {};
}

model::GetBucketTaggingOutput get_bucket_tagging(const Parts& parts, Context& context,
                                                 const model::GetBucketTaggingRequest& in) {
  const auto bucket = own_bucket(parts, context, in.bucket);
  const auto setting = bucket.settings.find("tagging");
  auto tags =
      setting == bucket.settings.end() ? std::map<std::string, std::string>() : tags_from_setting(setting->second);
  if (tags.empty())
    throw Error(ErrorKind::missing, "NoSuchTagSet", "The TagSet does not exist").with("BucketName", in.bucket);
  model::GetBucketTaggingOutput out;
  out.tag_set = tag_list(tags);
  return out;
}

api::Empty delete_bucket_tagging(const Parts& parts, Context&, const model::DeleteBucketTaggingRequest& in) {
  parts.store.change_bucket(in.bucket, [](store::BucketInfo& bucket) { bucket.settings.erase("tagging"); });
  return {};
}

// The version whose tags were changed, as answers tell it.
template <class Request>
std::optional<std::string> change_tags(const Parts& parts, Context& context, const Request& in,
                                       std::map<std::string, std::string> tags) {
  const store::ObjectInfo changed = parts.store.change_object(
      parts.may_write(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""),
      [&](store::ObjectInfo& info) { info.headers.tags = std::move(tags); });
  return told_version(parts, in.bucket, changed);
}

model::PutObjectTaggingOutput put_object_tagging(const Parts& parts, Context& context,
                                                 const model::PutObjectTaggingRequest& in) {
  auto tags = checked_tags(in.tagging.tag_set, max_object_tags);
  model::PutObjectTaggingOutput out;
  out.version_id = change_tags(parts, context, in, std::move(tags));
  return out;
}

model::GetObjectTaggingOutput get_object_tagging(const Parts& parts, Context& context,
                                                 const model::GetObjectTaggingRequest& in) {
  auto object =
      parts.store.head(parts.may_read(context, in.bucket, in.key), in.bucket, in.key, in.version_id.value_or(""));
  if (!object) throw absent(parts, context, in.bucket, in.key, in.version_id, "GET");
  model::GetObjectTaggingOutput out;
  out.version_id = told_version(parts, in.bucket, *object);
  out.tag_set = tag_list(object->headers.tags);
  return out;
}

model::DeleteObjectTaggingOutput delete_object_tagging(const Parts& parts, Context& context,
                                                       const model::DeleteObjectTaggingRequest& in) {
  model::DeleteObjectTaggingOutput out;
  out.version_id = change_tags(parts, context, in, {});
  return out;
}

}  // namespace

void register_tagging(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketTagging>(operations, parts, put_bucket_tagging);
  on<GetBucketTagging>(operations, parts, get_bucket_tagging);
  on<DeleteBucketTagging>(operations, parts, delete_bucket_tagging);
  on<PutObjectTagging>(operations, parts, put_object_tagging);
  on<GetObjectTagging>(operations, parts, get_object_tagging);
  on<DeleteObjectTagging>(operations, parts, delete_object_tagging);
}

}  // namespace tarn::gateway::s3
