#include "gateway/s3/requests.hpp"

#include <algorithm>
#include <array>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/http/form_upload.hpp"
#include "gateway/s3/archive.hpp"
#include "gateway/s3/names.hpp"

namespace tarn::gateway::s3 {
namespace {

// Members that ask for what tarn does not do yet: ignoring them would be a lie.
constexpr std::array unsupported_members = {
    std::string_view("WriteOffsetBytes"),
    std::string_view("AnnotationDirective"),
    std::string_view("ObjectLockEventHold"),
    std::string_view("ObjectLockEventHoldDurationDays"),
    std::string_view("ObjectLockEventHoldDurationYears"),
    std::string_view("BucketNamespace"),
};

void check_member(std::string_view name, const Value& value) {
  switch (name.front()) {
    case 'K':
      if (name == "Key" && value.is_string() && value.as_string().size() > limits::max_key_size_bytes)
        throw Error(ErrorKind::caller, "KeyTooLongError", "Your key is too long")
            .with("Size", std::to_string(value.as_string().size()))
            .with("MaxSizeAllowed", std::to_string(limits::max_key_size_bytes));
      break;
    case 'S':
      if (name == "StorageClass" && value.is_string()) check_storage_class(value.as_string());
      break;
    case 'V':
      if (name == "VersionId" && value.is_string()) check_version_id(value.as_string());
      break;
  }
  if (std::find(unsupported_members.begin(), unsupported_members.end(), name) != unsupported_members.end())
    refuse_unsupported(std::string(name));
}

}  // namespace

store::Origin origin_of(const Context& context) {
  store::Origin origin;
  if (dynamic_cast<const FormBody*>(context.request_body)) origin.cause = store::Origin::Cause::form;
  origin.principal_id = "AWS:" + context.principal.user_id;
  origin.source_ip = context.source_ip;
  origin.request_id = context.request_id;
  return origin;
}

void check_request(const Parts& parts, const Context& context, const Value& input) {
  if (!input.is_map()) return;
  const Value *bucket = nullptr, *expected_owner = nullptr;
  for (const auto& [name, value] : input.as_map()) {
    if (name == "Bucket")
      bucket = &value;
    else if (name == "ExpectedBucketOwner")
      expected_owner = &value;
    else if (!name.empty())
      check_member(name, value);
  }
  if (!bucket || !bucket->is_string()) return;
  auto info = find_own_bucket(parts, context, bucket->as_string());
  if (expected_owner && expected_owner->is_string() && expected_owner->as_string() != info->account)
    throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
}

std::shared_ptr<const store::BucketInfo> find_own_bucket(const Parts& parts, const Context& context,
                                                         std::string_view name) {
  auto info = parts.store.find_bucket(name);
  if (!info)
    throw Error(ErrorKind::missing, "NoSuchBucket", "The specified bucket does not exist")
        .with("BucketName", std::string(name));
  if (info->account != context.account()) throw Error(ErrorKind::denied, "AccessDenied", "Access Denied");
  return info;
}

store::BucketInfo own_bucket(const Parts& parts, const Context& context, std::string_view name) {
  return *find_own_bucket(parts, context, name);
}

std::string canonical_user_id(std::string_view account) {
  return hex_encode(digest(DigestKind::sha256, "canonical user " + std::string(account)));
}

model::Owner owner(std::string_view account) {
  model::Owner out;
  out.id = canonical_user_id(account);
  return out;
}

void refuse_unsupported(std::string what) {
  throw Error(ErrorKind::unsupported, "NotImplemented",
              "tarn's S3 does not have " + what + ". See docs/COVERAGE.md for what it has.");
}

Error no_such_key(std::string_view key) {
  return Error(ErrorKind::missing, "NoSuchKey", "The specified key does not exist.").with("Key", std::string(key));
}

}  // namespace tarn::gateway::s3
