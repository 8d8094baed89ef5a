#include "gateway/s3/s3.hpp"

#include "gateway/s3/requests.hpp"

namespace tarn::gateway {

void register_s3(api::Operations& operations, store::Store& store, govern::Authority& authority, Random& random,
                 const s3::AccountSettings* accounts, store::Notifications* notifications) {
  const s3::Parts parts{store, authority, random, accounts, notifications};
  s3::register_buckets(operations, parts);
  s3::register_bucket_settings(operations, parts);
  s3::register_encryption(operations, parts);
  s3::register_objects(operations, parts);
  s3::register_object_acls(operations, parts);
  s3::register_copies(operations, parts);
  s3::register_listings(operations, parts);
  s3::register_multipart(operations, parts);
  s3::register_tagging(operations, parts);
  s3::register_versioning(operations, parts);
  s3::register_object_locks(operations, parts);
  s3::register_archive(operations, parts);
}

}  // namespace tarn::gateway
