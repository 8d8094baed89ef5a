#include "compute/processing/processing_rules.hpp"

#include <set>

#include "base/error.hpp"

namespace tarn::compute {
namespace {

namespace sagemaker = api::sagemaker;

constexpr std::string_view processing_root = "/opt/ml/processing/";

[[noreturn]] void invalid_job(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

[[noreturn]] void without(const std::string& what) {
  throw Error(ErrorKind::unsupported, "NotImplemented", what);
}

void check_input(const sagemaker::ProcessingInput& in) {
  if (in.dataset_definition) without("DatasetDefinition: tarn's processing jobs read S3.");
  if (in.app_managed.value_or(false)) without("AppManaged inputs: tarn brings them itself.");
  if (!in.s3_input) invalid_job("The input " + in.input_name + " has no S3Input.");
  const auto& s3 = *in.s3_input;
  if (s3.s3_input_mode.value_or("File") != "File") without("S3InputMode Pipe: tarn's processing jobs have files.");
  if (s3.s3_compression_type.value_or("None") != "None") without("S3CompressionType Gzip goes with Pipe alone.");
  if (s3.s3_data_type != "S3Prefix") without("S3DataType ManifestFile: tarn reads prefixes.");
  if (!s3.local_path) invalid_job("The input " + in.input_name + " has no LocalPath.");
  parse_s3_uri(s3.s3_uri);
  below_processing(*s3.local_path);
}

void check_output(const sagemaker::ProcessingOutput& out) {
  if (out.feature_store_output) without("FeatureStoreOutput: tarn has no feature store.");
  if (out.app_managed.value_or(false)) without("AppManaged outputs: tarn takes them to S3 itself.");
  if (!out.s3_output) invalid_job("The output " + out.output_name + " has no S3Output.");
  if (out.s3_output->s3_upload_mode != "EndOfJob")
    without("S3UploadMode Continuous: tarn takes outputs to S3 at the end of the job.");
  if (!out.s3_output->local_path) invalid_job("The output " + out.output_name + " has no LocalPath.");
  parse_s3_uri(out.s3_output->s3_uri);
  below_processing(*out.s3_output->local_path);
}

}  // namespace

void check_processing_job(const sagemaker::CreateProcessingJobRequest& in) {
  std::set<std::string> names;
  if (in.processing_inputs)
    for (const auto& input : *in.processing_inputs) {
      check_input(input);
      if (!names.insert(input.input_name).second) invalid_job("Two inputs have the name " + input.input_name + ".");
    }
  names.clear();
  if (in.processing_output_config)
    for (const auto& output : in.processing_output_config->outputs) {
      check_output(output);
      if (!names.insert(output.output_name).second)
        invalid_job("Two outputs have the name " + output.output_name + ".");
    }
  const auto& cluster = in.processing_resources.cluster_config;
  if (!cluster.instance_type) invalid_job("ClusterConfig has no InstanceType.");
  if (cluster.instance_count.value_or(1) > 1) without("InstanceCount above 1: tarn runs a job on this machine.");
  if (cluster.instance_preferences) without("InstancePreferences: tarn runs a job on this machine.");
  if (in.network_config &&
      (in.network_config->vpc_config || in.network_config->enable_network_isolation.value_or(false)))
    without("NetworkConfig: tarn's processing jobs have this machine's network.");
  if (in.experiment_config) without("ExperimentConfig: tarn has no experiments.");
}

S3Place parse_s3_uri(const std::string& uri) {
  constexpr std::string_view scheme = "s3://";
  if (!uri.starts_with(scheme))
    without("An address " + uri + ": tarn's processing jobs read and write s3://BUCKET/KEY.");
  const std::string rest = uri.substr(scheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  if (slash == 0) invalid_job("The S3 URI " + uri + " names no bucket.");
  return {rest.substr(0, slash), rest.substr(std::min(slash + 1, rest.size()))};
}

std::string below_processing(const std::string& path) {
  std::string below = path.starts_with(processing_root) ? path.substr(processing_root.size()) : "";
  while (below.ends_with('/')) below.pop_back();
  if (below.empty() || ("/" + below + "/").find("/../") != std::string::npos)
    invalid_job("LocalPath " + path + " is not below " + std::string(processing_root) + ".");
  return below;
}

}  // namespace tarn::compute
