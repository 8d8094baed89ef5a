// What AWS takes of a function's settings, and what tarn has of it.
//
// A setting that AWS refuses throws InvalidParameterValueException, one that tarn does not have NotImplemented.
#pragma once

#include <map>
#include <string>

#include "api/lambda.hpp"

namespace tarn::compute {

namespace lambda = api::lambda;

void check_create(const lambda::CreateFunctionRequest& request);
void check_update(const lambda::UpdateFunctionConfigurationRequest& request);
void check_code(const lambda::UpdateFunctionCodeRequest& request);
// "python3.12", "provided.al2023" ...: one that tarn runs.
void check_runtime(const std::string& runtime);
bool is_python(const std::string& runtime);
void check_function_tags(const std::map<std::string, std::string>& tags);
// The ARN of a queue or topic.
void check_dead_letter_target(const std::string& arn);
void check_event_invoke_destinations(const lambda::DestinationConfig& destinations);

// Settings as they are kept and told, with AWS's defaults.
lambda::FunctionConfiguration configuration_of(const lambda::CreateFunctionRequest& request);
// What `update` names replaces what is there; layers are not its affair.
void apply(const lambda::UpdateFunctionConfigurationRequest& update, lambda::FunctionConfiguration& configuration);

}  // namespace tarn::compute
