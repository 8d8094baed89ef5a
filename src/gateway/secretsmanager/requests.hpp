// What Secrets Manager's operations check alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/secretsmanager.hpp"
#include "govern/secrets.hpp"

namespace tarn::gateway::secretsmanager {

namespace model = api::secretsmanager;

inline govern::SecretScope scope_of(const api::Context& c) {
  return {c.account(), c.region};
}

[[noreturn]] void invalid_parameter(const std::string& what);  // InvalidParameterException
[[noreturn]] void invalid_request(const std::string& what);    // InvalidRequestException
// Refuses by name what tarn does not have: NotImplemented.
void refuse(bool sent, const char* operation, const char* member);

// Keys given twice or reserved, and more than 50, are refused.
void check_tags(const std::vector<model::Tag>& tags);

// The secrets of the scope that all filters let through; those that are marked for deletion only where wanted.
std::vector<govern::SecretRecord> filtered(govern::Secrets& secrets, const govern::SecretScope& scope,
                                           const std::optional<std::vector<model::Filter>>& filters, bool with_deleted);

// Where a page begins, and the token of the next; `count` items are on it. A token that tarn did not give throws Error
// (caller, InvalidNextTokenException).
std::string after_of(const std::optional<std::string>& token);
std::string token_after(const std::string& last);

void register_secrets(api::Operations& operations, govern::Secrets& secrets);  // records, lists, deletion, tags
void register_values(api::Operations& operations, govern::Secrets& secrets);   // values, versions, stages, passwords
void register_policies(api::Operations& operations, govern::Secrets& secrets);

}  // namespace tarn::gateway::secretsmanager
