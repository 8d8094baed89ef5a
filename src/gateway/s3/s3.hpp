// Amazon S3's operations ("Amazon S3 API Reference") over the object store.
#pragma once

#include "api/operations.hpp"
#include "base/random.hpp"
#include "gateway/http/cross_origin.hpp"
#include "gateway/http/website.hpp"
#include "gateway/s3/access_logs.hpp"
#include "gateway/s3/account_settings.hpp"
#include "govern/authority.hpp"
#include "store/store.hpp"

namespace tarn::store {
class Notifications;
}

namespace tarn::gateway {

// All that is passed must outlive `operations`. Without `accounts` no account has settings of its own; without
// `notifications` events of objects have no destination.
void register_s3(api::Operations& operations, store::Store& store, govern::Authority& authority, Random& random,
                 const s3::AccountSettings* accounts = nullptr, store::Notifications* notifications = nullptr);

// S3 Control ("Amazon S3 Control API"): what holds for a whole account, and the tags of buckets.
void register_s3_control(api::Operations& operations, store::Store& store, s3::AccountSettings& accounts);

// What the CORS rules of a bucket say of a request. Thread-safe.
CrossOriginAnswer s3_cross_origin(const store::Store& store, std::string_view bucket,
                                  const CrossOriginRequest& request);

// Serves the websites of buckets; what is passed must outlive what it returns.
Website s3_websites(store::Store& store, govern::Authority& authority, Random& random,
                    const s3::AccountSettings* accounts);

}  // namespace tarn::gateway
