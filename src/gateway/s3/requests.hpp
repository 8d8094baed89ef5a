// What every S3 operation checks of its request, and how operations are registered. Internal to this folder.
#pragma once

#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "api/s3.hpp"
#include "base/random.hpp"
#include "govern/authority.hpp"
#include "store/origin.hpp"
#include "store/store.hpp"

namespace tarn::store {
class Notifications;
}

namespace tarn::gateway::s3 {

class AccountSettings;

using api::Context;
using api::to_value;
namespace model = api::s3;

struct Parts {
  store::Store& store;
  govern::Authority& authority;
  Random& random;
  const AccountSettings* accounts = nullptr;      // nullptr: no account has settings
  store::Notifications* notifications = nullptr;  // nullptr: events go nowhere

  store::Grant may_read(const Context& context, std::string_view bucket, std::string_view key_prefix) const {
    return authority.objects(context.principal, store::Access::read, bucket, key_prefix);
  }
  store::Grant may_write(const Context& context, std::string_view bucket, std::string_view key_prefix) const {
    return authority.objects(context.principal, store::Access::write, bucket, key_prefix);
  }
};

// Refuses, before the handler runs: buckets that are not there (NoSuchBucket) or another account's (AccessDenied), keys
// that are too long, version ids that are none, and by name every member that asks for what tarn does not do.
void check_request(const Parts& parts, const Context& context, const Value& input);

// The bucket, which must be there and the caller's own: NoSuchBucket, AccessDenied.
std::shared_ptr<const store::BucketInfo> find_own_bucket(const Parts& parts, const Context& context,
                                                         std::string_view name);
store::BucketInfo own_bucket(const Parts& parts, const Context& context, std::string_view name);

// "AWS names its owners by a 64-digit canonical id": ours follows from the account.
std::string canonical_user_id(std::string_view account);
model::Owner owner(std::string_view account);

[[noreturn]] void refuse_unsupported(std::string what);
Error no_such_key(std::string_view key);

// What events tell of the request that made a change.
store::Origin origin_of(const Context& context);

// `Op`'s handler runs once check_request() let the request through.
template <class Op>
using Handler = typename Op::Output (*)(const Parts&, Context&, const typename Op::Input&);

template <class Op>
void on(api::Operations& operations, const Parts& parts, Handler<Op> handler) {
  operations.add(Op::name, [parts, handler](Context& context, const Value& input) {
    check_request(parts, context, input);
    const store::OriginScope origin(origin_of(context));
    return to_value(handler(parts, context, api::from<typename Op::Input>(input)));
  });
}

// One for each file of operations.
void register_buckets(api::Operations&, const Parts&);
void register_bucket_access(api::Operations&, const Parts&);
void register_bucket_acls(api::Operations&, const Parts&);
void register_bucket_cors(api::Operations&, const Parts&);
void register_bucket_lifecycle(api::Operations&, const Parts&);
void register_bucket_logging(api::Operations&, const Parts&);
void register_bucket_notifications(api::Operations&, const Parts&);
void register_bucket_payment(api::Operations&, const Parts&);
void register_bucket_policy(api::Operations&, const Parts&);
void register_bucket_replication(api::Operations&, const Parts&);
void register_bucket_reports(api::Operations&, const Parts&);
void register_bucket_settings(api::Operations&, const Parts&);  // which registers all those above
void register_bucket_website(api::Operations&, const Parts&);
void register_encryption(api::Operations&, const Parts&);
void register_object_acls(api::Operations&, const Parts&);
void register_objects(api::Operations&, const Parts&);
void register_copies(api::Operations&, const Parts&);
void register_listings(api::Operations&, const Parts&);
void register_multipart(api::Operations&, const Parts&);
void register_tagging(api::Operations&, const Parts&);
void register_versioning(api::Operations&, const Parts&);
void register_object_locks(api::Operations&, const Parts&);
void register_archive(api::Operations&, const Parts&);

}  // namespace tarn::gateway::s3
