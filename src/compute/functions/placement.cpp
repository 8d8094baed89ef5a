#include "compute/functions/placement.hpp"

#include "base/error.hpp"
#include "network/placement.hpp"

namespace tarn::compute {

std::optional<api::lambda::VpcConfigResponse> place_function(meta::Transaction& t, const FunctionName& function,
                                                             const api::lambda::VpcConfig& in) {
  if (in.ipv6_allowed_for_dual_stack.value_or(false))
    not_implemented("Ipv6AllowedForDualStack: tarn's functions have this machine's network.");
  const auto subnets = in.subnet_ids.value_or(std::vector<std::string>{}),
             groups = in.security_group_ids.value_or(std::vector<std::string>{});
  if (subnets.empty() != groups.empty())
    invalid_parameter("SubnetIds and SecurityIds must coexist or be both empty list.");
  const network::NetworkScope scope{function.account, function.region};
  if (subnets.empty()) {
    network::place(t, scope, function.arn(), {});
    return std::nullopt;
  }
  api::lambda::VpcConfigResponse out;
  try {
    out.vpc_id = network::vpc_of(t, scope, subnets, groups);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::caller) throw;
    const bool of_groups = e.code().starts_with("InvalidGroup");
    invalid_parameter(std::string("Error occurred while ") +
                      (of_groups ? "DescribeSecurityGroups" : "DescribeSubnets") + ". EC2 Error Code: " + e.code() +
                      ". EC2 Error Message: " + e.message());
  }
  std::vector<std::string> places = subnets;
  places.insert(places.end(), groups.begin(), groups.end());
  network::place(t, scope, function.arn(), places);
  out.subnet_ids = subnets;
  out.security_group_ids = groups;
  out.ipv6_allowed_for_dual_stack = false;
  return out;
}

void forget_place(meta::Transaction& t, const FunctionName& function) {
  network::place(t, {function.account, function.region}, function.arn(), {});
}

}  // namespace tarn::compute
