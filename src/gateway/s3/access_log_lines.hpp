// The lines of server access logs, and what the objects are called that hold them ("Amazon S3 server access log
// format", "Logging requests with server access logging"). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "api/s3.hpp"
#include "gateway/http/access_log.hpp"
#include "store/store.hpp"

namespace tarn::gateway::s3 {

// With its line break.
std::string access_log_line(const AccessRecord& record, const store::BucketInfo& bucket);
// "REST.GET.OBJECT" for GetObject, "WEBSITE.GET.OBJECT" for no operation.
std::string access_log_operation(std::string_view operation, std::string_view method);
// The key of the object that holds lines of the bucket `source`, delivered at `now`. `unique` is 16 letters or digits.
std::string access_log_key(const api::s3::LoggingEnabled& logging, const store::BucketInfo& source, Time now,
                           std::string_view unique);

}  // namespace tarn::gateway::s3
