// How requests of CloudWatch Logs name groups, and how its listings are cut into pages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/logs.hpp"
#include "api/operations.hpp"
#include "meta/logs.hpp"

namespace tarn::gateway {

meta::LogScope log_scope(const api::Context& context);

// arn:aws:logs:REGION:ACCOUNT:log-group:NAME
std::string log_group_arn(const api::Context& context, std::string_view name);
// The name in a group's ARN (with ":*" or without); a plain name is itself. Of another account or region:
// ResourceNotFoundException.
std::string log_group_name(const api::Context& context, std::string_view name_or_arn);
// The one of the two that a request must give; both or none throws InvalidParameterException.
std::string log_group_name(const api::Context& context, const std::optional<std::string>& name,
                           const std::optional<std::string>& identifier);

[[noreturn]] void invalid_parameter(const std::string& message);

// The token for what comes after `key`; and back: empty without a token. A token of another make throws
// InvalidParameterException.
std::string page_token(std::string_view key);
std::string page_key(const std::optional<std::string>& token);

// Positions as 56 digits, as AWS's own ids and tokens look.
std::string position_digits(const meta::LogPosition& position);
std::optional<meta::LogPosition> parse_position(std::string_view digits);

}  // namespace tarn::gateway
