// What the settings of its bucket make answers tell of an object.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {

// x-amz-expiration: `expiry-date="Fri, 23 Dec 2012 00:00:00 GMT", rule-id="…"`; absent: no rule does, or it is not the
// latest version.
std::optional<std::string> expiration_of(const Parts& parts, std::string_view bucket, const store::ObjectInfo& object);

// x-amz-replication-status; absent: it is neither replicated nor a replica.
std::optional<std::string> replication_status_of(const Parts& parts, const Context& context, const std::string& bucket,
                                                 const store::ObjectInfo& object);

}  // namespace tarn::gateway::s3
