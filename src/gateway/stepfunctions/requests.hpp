// What Step Functions' operations check alike, and their pages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/operations.hpp"
#include "api/stepfunctions.hpp"
#include "orchestrate/states/executions.hpp"

namespace tarn::gateway::stepfunctions {

namespace sfn = api::stepfunctions;

// By concern; stepfunctions.cpp calls them.
void register_machines(api::Operations& operations, states::Executions& executions);
void register_versions(api::Operations& operations, states::Executions& executions, Clock& clock);
void register_executions(api::Operations& operations, states::Executions& executions);
void register_map_runs(api::Operations& operations, states::Executions& executions);
void register_tasks(api::Operations& operations, states::Executions& executions, Clock& clock);

// The ARN, once it is found to be of this type and in the caller's account. Throws Error (caller, InvalidArn).
states::StatesArn checked_arn(const api::Context& context, const std::string& text, const char* type);
// The same without a qualifier.
states::StatesArn unqualified_arn(const api::Context& context, const std::string& text, const char* type);
// Throws Error (caller, InvalidName).
void check_name(const std::string& name);
states::Tags read_tags(const std::optional<std::vector<sfn::Tag>>& tags);
// Throws Error (unsupported) where it asks for a key of the customer's.
void check_encryption(const std::optional<sfn::EncryptionConfiguration>& encryption);

// maxResults of 0 is the default.
std::size_t page_size(const std::optional<int64_t>& max_results, std::size_t otherwise = 100);
std::string write_page_token(const std::string& place);
// Empty without a token; one of another make throws Error (caller, InvalidToken).
std::string read_page_token(const std::optional<std::string>& token);

}  // namespace tarn::gateway::stepfunctions
