// Versions in requests and answers ("Retaining multiple versions of objects with S3 Versioning").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {

// Why a read found no object: NoSuchKey or NoSuchVersion; for a delete marker NoSuchKey, or MethodNotAllowed where the
// request names it, with the headers that tell of it.
Error absent(const Parts& parts, const Context& context, std::string_view bucket, std::string_view key,
             const std::optional<std::string>& version_id, std::string_view method);

// The version id as answers tell it: not in buckets that never had versioning.
std::optional<std::string> told_version(const Parts& parts, std::string_view bucket, const store::ObjectInfo& object);

}  // namespace tarn::gateway::s3
