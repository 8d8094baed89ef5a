// The settings of a bucket (its sub-resources), each stored as it was put, under S3's name of the sub-resource.
// Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {

// Their names in BucketInfo::settings.
namespace setting {
inline constexpr const char* accelerate = "accelerate";
inline constexpr const char* acl = "acl";
inline constexpr const char* cors = "cors";
inline constexpr const char* lifecycle = "lifecycle";
inline constexpr const char* logging = "logging";
inline constexpr const char* notification = "notification";
inline constexpr const char* ownership = "ownershipControls";
inline constexpr const char* policy = "policy";
inline constexpr const char* public_access = "publicAccessBlock";
inline constexpr const char* replicated = "replicated";  // objects may have a replication status: source and target
inline constexpr const char* replication = "replication";
inline constexpr const char* request_payment = "requestPayment";
inline constexpr const char* tagging = "tagging";
inline constexpr const char* versioning = "versioning";
inline constexpr const char* website = "website";
}  // namespace setting

// The setting, or nullptr where it was never put or was removed.
const Value* find_setting(const store::BucketInfo& bucket, std::string_view name);
// The setting of the caller's own bucket. Absent: throws Error (missing, `code`) with the bucket's name.
Value required_setting(const Parts& parts, const Context& context, const std::string& bucket, std::string_view name,
                       const char* code, const char* message);
void put_setting(const Parts& parts, const std::string& bucket, const std::string& name, Value value);
void erase_setting(const Parts& parts, const std::string& bucket, const std::string& name);

// "MalformedXML", for what the model can't tell is wrong.
Error malformed_xml();
Error invalid_argument(std::string message);
Error invalid_request(std::string message);

// The bucket that "arn:aws:s3:::name" names; absent for any other text.
std::optional<std::string> bucket_of_arn(std::string_view arn);

}  // namespace tarn::gateway::s3
