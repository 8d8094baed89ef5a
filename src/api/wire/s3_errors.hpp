// The error codes of S3 with their status ("Error responses" of the Amazon S3 API Reference).
#pragma once

#include <string_view>

namespace tarn::api {

// 0 for a code that S3 does not document.
int s3_error_status(std::string_view code);

}  // namespace tarn::api
