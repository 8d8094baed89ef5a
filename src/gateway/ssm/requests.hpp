// What Parameter Store's operations check alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/ssm.hpp"
#include "govern/parameters.hpp"
#include "govern/secrets.hpp"

namespace tarn::gateway::ssm {

namespace model = api::ssm;
using govern::ParameterRecord;
using govern::Parameters;
using govern::ParameterScope;
using govern::ParameterVersion;

inline ParameterScope scope_of(const api::Context& c) {
  return {c.account(), c.region};
}

[[noreturn]] void invalid(const std::string& what);  // ValidationException

// Where a page begins, and the token of the next. A token that tarn did not give throws Error (caller,
// InvalidNextToken).
std::string after_of(const std::optional<std::string>& token);
std::string token_after(const std::string& last);

// ---- filters ----

// Checks keys and options: InvalidFilterKey, InvalidFilterOption, InvalidFilterValue. `allowed` names the keys of the
// operation; "tag:" stands for all tags.
void check_filters(const std::vector<model::ParameterStringFilter>& filters, const std::vector<std::string>& allowed);
// Whether the parameter passes; filters by label are somebody else's matter.
bool passes(const std::vector<model::ParameterStringFilter>& filters, const ParameterRecord& parameter);

// ---- parameters that are nobody's own ----

// AWS's public parameters (/aws/service/...), by name; absent when tarn has none of that name.
std::optional<model::Parameter> public_parameter(const api::Context& c, const std::string& name);
// Those under a path, by name.
std::vector<model::Parameter> public_parameters(const api::Context& c, const std::string& path, bool recursive);
// "/aws/reference/secretsmanager/NAME[:version or stage]": a secret, as a parameter.
std::optional<model::Parameter> secret_parameter(govern::Secrets& secrets, const api::Context& c,
                                                 const std::string& name, bool decrypted);

void register_writes(api::Operations& operations, Parameters& parameters);  // put, delete, labels, tags
void register_reads(api::Operations& operations, Parameters& parameters, govern::Secrets& secrets);

}  // namespace tarn::gateway::ssm
