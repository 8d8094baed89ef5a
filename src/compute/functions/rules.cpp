#include "compute/functions/rules.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/json.hpp"
#include "compute/functions/limits.hpp"
#include "compute/functions/names.hpp"
#include "notify/targets.hpp"

namespace tarn::compute {
namespace {

constexpr int64_t default_timeout_s = 3, default_memory_mb = 128, default_storage_mb = 512;
constexpr std::size_t max_tags = 50;

// The names that Lambda sets itself.
constexpr std::array reserved_variables = {"_HANDLER",
                                           "_X_AMZN_TRACE_ID",
                                           "AWS_ACCESS_KEY",
                                           "AWS_ACCESS_KEY_ID",
                                           "AWS_DEFAULT_REGION",
                                           "AWS_EXECUTION_ENV",
                                           "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                           "AWS_LAMBDA_FUNCTION_NAME",
                                           "AWS_LAMBDA_FUNCTION_VERSION",
                                           "AWS_LAMBDA_INITIALIZATION_TYPE",
                                           "AWS_LAMBDA_LOG_GROUP_NAME",
                                           "AWS_LAMBDA_LOG_STREAM_NAME",
                                           "AWS_LAMBDA_RUNTIME_API",
                                           "AWS_REGION",
                                           "AWS_SECRET_ACCESS_KEY",
                                           "AWS_SESSION_TOKEN",
                                           "LAMBDA_RUNTIME_DIR",
                                           "LAMBDA_TASK_ROOT"};

void check_at_most(const char* name, const std::optional<int64_t>& value, int64_t most) {
  if (value && *value > most)
    invalid_parameter("'" + std::string(name) +
                      "' value failed to satisfy constraint: Member must have value less than or equal to " +
                      std::to_string(most));
}

void check_variables(const std::map<std::string, std::string>& variables) {
  std::string reserved;
  std::size_t size_bytes = 0;
  for (const auto& [name, value] : variables) {
    size_bytes += name.size() + value.size();
    if (std::find(reserved_variables.begin(), reserved_variables.end(), name) != reserved_variables.end())
      reserved += (reserved.empty() ? "" : ", ") + name;
    if (value.find('\0') != value.npos)
      invalid_parameter("The environment variable " + name + " has a null character.");
  }
  if (!reserved.empty())
    invalid_parameter(
        "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided contains reserved keys that are currently not supported for modification. Reserved keys used in "
        "this request: " +
        reserved);
  if (size_bytes > limits::max_function_environment_size_bytes)
    invalid_parameter(
        "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided exceeded the 4KB limit. String measured: " +
        to_json(api::to_value(variables)));
}

void check_logging(const lambda::LoggingConfig& logging) {
  if (logging.log_format.value_or("Text") == "JSON")
    not_implemented("LoggingConfig with LogFormat JSON: tarn writes a function's log as text.");
  if (logging.application_log_level || logging.system_log_level)
    invalid_parameter(
        "To use ApplicationLogLevel or SystemLogLevel, you must set LogFormat to JSON in your logging configuration.");
}

// What both requests have.
template <class Request>
void check_settings(const Request& in) {
  if (in.file_system_configs && !in.file_system_configs->empty())
    not_implemented("FileSystemConfigs: tarn has no Amazon EFS.");
  if (in.kms_key_arn && !in.kms_key_arn->empty())
    not_implemented("KMSKeyArn: tarn encrypts environment variables with no key of yours.");
  if (in.snap_start && in.snap_start->apply_on == "PublishedVersions")
    not_implemented("SnapStart: tarn starts functions, it keeps no snapshots of them.");
  if (in.capacity_provider_config) not_implemented("CapacityProviderConfig: tarn has no capacity providers.");
  if (in.durable_config) not_implemented("DurableConfig: tarn has no durable functions.");
  if (in.runtime_config) not_implemented("RuntimeConfig: tarn has no runtimes of its users' own.");
  if (in.accelerator_config) not_implemented("AcceleratorConfig: tarn has no accelerators.");
  if (in.runtime) check_runtime(*in.runtime);
  check_at_most("Timeout", in.timeout, limits::max_function_timeout_s);
  check_at_most("MemorySize", in.memory_size, limits::max_function_memory_mb);
  if (in.ephemeral_storage) check_at_most("Size", in.ephemeral_storage->size, limits::max_ephemeral_storage_mb);
  if (in.environment && in.environment->variables) check_variables(*in.environment->variables);
  if (in.logging_config) check_logging(*in.logging_config);
  if (in.dead_letter_config && in.dead_letter_config->target_arn && !in.dead_letter_config->target_arn->empty())
    check_dead_letter_target(*in.dead_letter_config->target_arn);
}

// Exactly one place that code comes from.
void check_source(bool zip, bool bucket, bool key) {
  if (zip && (bucket || key))
    invalid_parameter("Please do not provide other FunctionCode parameters when providing a ZipFile.");
  if (!zip && bucket != key) invalid_parameter("Please provide both S3Bucket and S3Key.");
  if (!zip && !bucket) invalid_parameter("Please provide a source for function code.");
}

std::optional<lambda::EnvironmentResponse> environment_of(const lambda::Environment& in) {
  if (!in.variables || in.variables->empty()) return std::nullopt;
  lambda::EnvironmentResponse out;
  out.variables = in.variables;
  return out;
}

lambda::LoggingConfig logging_of(const std::optional<lambda::LoggingConfig>& in, const std::string& function) {
  lambda::LoggingConfig out;
  out.log_format = "Text";
  out.log_group = in && in->log_group ? *in->log_group : "/aws/lambda/" + function;
  return out;
}

}  // namespace

bool is_python(const std::string& runtime) {
  return runtime.starts_with("python3.");
}

void check_runtime(const std::string& runtime) {
  static const std::set<std::string> run{"python3.8",  "python3.9",  "python3.10",   "python3.11",     "python3.12",
                                         "python3.13", "python3.14", "nodejs18.x",   "nodejs20.x",     "nodejs22.x",
                                         "nodejs24.x", "provided",   "provided.al2", "provided.al2023"};
  static const std::set<std::string> retired{
      "python2.7",     "python3.6",     "python3.7",     "nodejs",     "nodejs4.3",  "nodejs4.3-edge",
      "nodejs6.10",    "nodejs8.10",    "nodejs10.x",    "nodejs12.x", "nodejs14.x", "dotnetcore1.0",
      "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "ruby2.5",    "ruby2.7",    "go1.x"};
  if (run.contains(runtime)) return;
  if (retired.contains(runtime))
    invalid_parameter("The runtime parameter of " + runtime +
                      " is no longer supported for creating or updating AWS Lambda functions. We recommend you use a "
                      "supported runtime while creating or updating functions.");
  const api::Service& service = *api::find_service("lambda");
  const api::Shape& shape = *api::find_member(*api::find_operation(service, "CreateFunction")->input, "Runtime")->shape;
  std::string known;
  for (std::string_view word : shape.enumeration) {
    if (word == runtime)
      not_implemented("Runtime " + runtime +
                      ": tarn runs python3.8 to python3.14, nodejs18.x to nodejs24.x and provided runtimes.");
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  invalid_parameter("Value " + runtime +
                    " at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [" + known +
                    "] or be a valid ARN");
}

void check_function_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > max_tags) invalid_parameter("The number of tags exceeds the limit of 50.");
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 || value.size() > 256)
      invalid_parameter("Tag keys have 1 to 128 characters, values at most 256.");
    if (key.starts_with("aws:")) invalid_parameter("Tag keys must not begin with aws:.");
  }
}

void check_dead_letter_target(const std::string& arn) {
  const auto parsed = notify::parse_arn(arn);
  if (!parsed || (parsed->service != "sqs" && parsed->service != "sns"))
    invalid_parameter("The provided target ARN is invalid: a dead letter target is an SQS queue or an SNS topic.");
  if (arn.ends_with(".fifo")) invalid_parameter("FIFO queues and topics can't be dead letter targets of functions.");
}

void check_event_invoke_destinations(const lambda::DestinationConfig& destinations) {
  auto check = [](const std::optional<std::string>& arn) {
    if (!arn || arn->empty()) return;
    const auto parsed = notify::parse_arn(*arn);
    static const std::set<std::string> services{"sqs", "sns", "lambda", "events", "s3"};
    if (!parsed || !services.contains(parsed->service) || arn->ends_with(".fifo"))
      invalid_parameter("The provided destination config is invalid: " + *arn);
    if (parsed->service == "events" || parsed->service == "s3")
      not_implemented("A destination " + *arn + ": tarn hands results to queues, topics and functions.");
  };
  if (destinations.on_success) check(destinations.on_success->destination);
  if (destinations.on_failure) check(destinations.on_failure->destination);
}

void check_create(const lambda::CreateFunctionRequest& in) {
  if (in.code_signing_config_arn && !in.code_signing_config_arn->empty())
    not_implemented("CodeSigningConfigArn: tarn verifies no signatures of code.");
  if (in.tenancy_config) not_implemented("TenancyConfig: tarn has no tenants in a function.");
  if (in.publish_to) not_implemented("PublishTo: tarn publishes numbered versions.");
  if (in.code.source_kms_key_arn && !in.code.source_kms_key_arn->empty())
    not_implemented("SourceKMSKeyArn: tarn keeps code under no key of yours.");
  if (in.code.s3_object_storage_mode == "REFERENCE")
    not_implemented("S3ObjectStorageMode REFERENCE: tarn copies the code.");
  check_settings(in);
  if (in.package_type == "Image") {
    if (in.runtime || in.handler || in.layers)
      invalid_parameter(
          "Please don't provide Handler or Runtime or Layer when the intent is to create a function with PackageType "
          "Image.");
    if (!in.code.image_uri)
      invalid_parameter("Please provide ImageUri when creating a function with packageType Image.");
    if (in.code.zip_file || in.code.s3_bucket || in.code.s3_key)
      invalid_parameter("Please do not provide other FunctionCode parameters when providing an ImageUri.");
  } else {
    if (in.code.image_uri) invalid_parameter("Please set PackageType to Image when providing an ImageUri.");
    if (in.image_config) invalid_parameter("ImageConfig goes with PackageType Image alone.");
    if (!in.runtime || !in.handler)
      invalid_parameter("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
    check_source(in.code.zip_file.has_value(), in.code.s3_bucket.has_value(), in.code.s3_key.has_value());
  }
  if (in.tags) check_function_tags(*in.tags);
}

void check_update(const lambda::UpdateFunctionConfigurationRequest& in) {
  check_settings(in);
}

void check_code(const lambda::UpdateFunctionCodeRequest& in) {
  if (in.publish_to) not_implemented("PublishTo: tarn publishes numbered versions.");
  if (in.source_kms_key_arn && !in.source_kms_key_arn->empty())
    not_implemented("SourceKMSKeyArn: tarn keeps code under no key of yours.");
  if (in.s3_object_storage_mode == "REFERENCE") not_implemented("S3ObjectStorageMode REFERENCE: tarn copies the code.");
  if (!in.image_uri) check_source(in.zip_file.has_value(), in.s3_bucket.has_value(), in.s3_key.has_value());
  if (in.image_uri && (in.zip_file || in.s3_bucket || in.s3_key))
    invalid_parameter("Please do not provide other FunctionCode parameters when providing an ImageUri.");
}

lambda::FunctionConfiguration configuration_of(const lambda::CreateFunctionRequest& in) {
  lambda::FunctionConfiguration out;
  out.runtime = in.runtime;
  out.role = in.role;
  out.handler = in.handler;
  out.description = in.description.value_or("");
  out.timeout = in.timeout.value_or(default_timeout_s);
  out.memory_size = in.memory_size.value_or(default_memory_mb);
  if (in.dead_letter_config && in.dead_letter_config->target_arn && !in.dead_letter_config->target_arn->empty())
    out.dead_letter_config = in.dead_letter_config;
  if (in.environment) out.environment = environment_of(*in.environment);
  // Kept as a record: there is no X-Ray that a trace would be written to (docs/COVERAGE.md).
  out.tracing_config = lambda::TracingConfigResponse{in.tracing_config ? in.tracing_config->mode : std::nullopt};
  if (!out.tracing_config->mode) out.tracing_config->mode = "PassThrough";
  out.package_type = in.package_type.value_or("Zip");
  if (in.image_config) out.image_config_response = lambda::ImageConfigResponse{*in.image_config, std::nullopt};
  out.architectures = in.architectures.value_or(std::vector<std::string>{"x86_64"});
  out.ephemeral_storage = in.ephemeral_storage.value_or(lambda::EphemeralStorage{default_storage_mb});
  out.snap_start = lambda::SnapStartResponse{"None", "Off"};
  out.state = "Active";
  out.last_update_status = "Successful";
  out.logging_config = logging_of(in.logging_config, in.function_name);
  return out;
}

void apply(const lambda::UpdateFunctionConfigurationRequest& in, lambda::FunctionConfiguration& out) {
  if (in.role) out.role = in.role;
  if (in.handler) out.handler = in.handler;
  if (in.description) out.description = in.description;
  if (in.timeout) out.timeout = in.timeout;
  if (in.memory_size) out.memory_size = in.memory_size;
  if (in.runtime) out.runtime = in.runtime;
  if (in.environment) out.environment = environment_of(*in.environment);
  if (in.ephemeral_storage) out.ephemeral_storage = in.ephemeral_storage;
  if (in.logging_config) out.logging_config = logging_of(in.logging_config, *out.function_name);
  if (in.image_config) out.image_config_response = lambda::ImageConfigResponse{*in.image_config, std::nullopt};
  if (in.tracing_config && in.tracing_config->mode)
    out.tracing_config = lambda::TracingConfigResponse{in.tracing_config->mode};
  if (in.dead_letter_config) {
    out.dead_letter_config = in.dead_letter_config;
    if (!in.dead_letter_config->target_arn || in.dead_letter_config->target_arn->empty())
      out.dead_letter_config.reset();
  }
}

}  // namespace tarn::compute
