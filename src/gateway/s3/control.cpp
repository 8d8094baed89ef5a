// S3 Control: the public access block of an account, and the tags of buckets by their ARN.
#include <algorithm>

#include "api/s3control.hpp"
#include "base/error.hpp"
#include "gateway/s3/account_settings.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/s3.hpp"
#include "gateway/s3/tags.hpp"

namespace tarn::gateway {
namespace {

namespace model = api::s3control;
using api::Context;

struct ControlParts {
  store::Store& store;
  s3::AccountSettings& accounts;
};

void check_account(const Context& context, const std::optional<std::string>& account) {
  if (account && *account != context.account()) throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
}

// The bucket of the caller's that the ARN names.
std::string tagged_bucket(const ControlParts& parts, const Context& context, const std::string& arn) {
  const auto name = s3::bucket_of_arn(arn);
  if (!name) {
    if (arn.starts_with("arn:aws:s3"))
      throw Error(
          ErrorKind::unsupported, "NotImplemented",
          "tarn's S3 Control has tags of buckets only, not of " + arn + ". See docs/COVERAGE.md for what it has.");
    throw Error(ErrorKind::caller, "InvalidRequest", "The ARN " + arn + " names no resource of S3.");
  }
  const auto bucket = parts.store.find_bucket(*name);
  if (!bucket) throw Error(ErrorKind::missing, "NoSuchBucket", "The specified bucket does not exist");
  if (bucket->account != context.account()) throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
  return *name;
}

using Tags = std::map<std::string, std::string>;

// `change` makes the new tags of the bucket out of its present ones.
void change_tags(const ControlParts& parts, const std::string& bucket, const std::function<void(Tags&)>& change) {
  parts.store.change_bucket(bucket, [&](store::BucketInfo& info) {
    const Value* present = s3::find_setting(info, s3::setting::tagging);
    Tags tags = present ? s3::tags_from_setting(*present) : Tags();
    change(tags);
    if (tags.empty())
      info.settings.erase(s3::setting::tagging);
    else
      info.settings[s3::setting::tagging] = s3::tags_to_setting(tags);
  });
}

void on_public_access_block(api::Operations& operations, const ControlParts& parts) {
  operations.on<model::op::GetPublicAccessBlock>(
      [parts](Context& context, const model::GetPublicAccessBlockRequest& in) {
        check_account(context, in.account_id);
        const auto block = parts.accounts.public_access_block(context.account());
        if (!block)
          throw Error(ErrorKind::missing, "NoSuchPublicAccessBlockConfiguration",
                      "The public access block configuration was not found");
        model::GetPublicAccessBlockOutput out;
        out.public_access_block_configuration = api::from<model::PublicAccessBlockConfiguration>(*block);
        return out;
      });
  operations.on<model::op::PutPublicAccessBlock>([parts](Context& context,
                                                         const model::PutPublicAccessBlockRequest& in) {
    check_account(context, in.account_id);
    auto c = in.public_access_block_configuration;
    for (auto* flag : {&c.block_public_acls, &c.ignore_public_acls, &c.block_public_policy, &c.restrict_public_buckets})
      *flag = flag->value_or(false);
    parts.accounts.put_public_access_block(context.principal.arn, context.account(), to_value(c));
    return api::Empty();
  });
  operations.on<model::op::DeletePublicAccessBlock>(
      [parts](Context& context, const model::DeletePublicAccessBlockRequest& in) {
        check_account(context, in.account_id);
        parts.accounts.erase_public_access_block(context.principal.arn, context.account());
        return api::Empty();
      });
}

void on_tags(api::Operations& operations, const ControlParts& parts) {
  operations.on<model::op::ListTagsForResource>([parts](Context& context, const model::ListTagsForResourceRequest& in) {
    check_account(context, in.account_id);
    const auto bucket = parts.store.find_bucket(tagged_bucket(parts, context, in.resource_arn));
    const Value* present = bucket ? s3::find_setting(*bucket, s3::setting::tagging) : nullptr;
    model::ListTagsForResourceResult out;
    out.tags.emplace();
    if (present)
      for (const auto& [key, value] : s3::tags_from_setting(*present)) out.tags->push_back({key, value});
    return out;
  });
  operations.on<model::op::TagResource>([parts](Context& context, const model::TagResourceRequest& in) {
    check_account(context, in.account_id);
    std::vector<api::s3::Tag> given;
    for (const auto& tag : in.tags) given.push_back({tag.key, tag.value});
    const Tags added = s3::checked_tags(given, s3::max_bucket_tags);
    change_tags(parts, tagged_bucket(parts, context, in.resource_arn), [&](Tags& tags) {
      for (const auto& [key, value] : added) tags[key] = value;
      s3::checked_tags(s3::tag_list(tags), s3::max_bucket_tags);
    });
    return model::TagResourceResult();
  });
  operations.on<model::op::UntagResource>([parts](Context& context, const model::UntagResourceRequest& in) {
    check_account(context, in.account_id);
    change_tags(parts, tagged_bucket(parts, context, in.resource_arn), [&](Tags& tags) {
      for (const auto& key : in.tag_keys) tags.erase(key);
    });
    return model::UntagResourceResult();
  });
}

}  // namespace

void register_s3_control(api::Operations& operations, store::Store& store, s3::AccountSettings& accounts) {
  const ControlParts parts{store, accounts};
  on_public_access_block(operations, parts);
  on_tags(operations, parts);
}

}  // namespace tarn::gateway
