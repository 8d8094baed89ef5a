// What a processing job may ask for.
#pragma once

#include <string>

#include "api/sagemaker.hpp"

namespace tarn::compute {

// Throws Error (caller, ValidationException), or (unsupported, NotImplemented) for what tarn does not have.
void check_processing_job(const api::sagemaker::CreateProcessingJobRequest& request);

struct S3Place {
  std::string bucket, key;
};
// "s3://bucket/key"; ValidationException.
S3Place parse_s3_uri(const std::string& uri);
// What a path has behind "/opt/ml/processing/"; ValidationException for one that is not below it.
std::string below_processing(const std::string& path);

}  // namespace tarn::compute
