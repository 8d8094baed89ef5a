// The services that VPC endpoints can be for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::network {

struct EndpointService {
  std::string name;          // "com.amazonaws.eu-west-1.ecr.api"
  std::string private_name;  // "api.ecr.eu-west-1.amazonaws.com"
  std::string host;          // as an endpoint's own names have it: "api.ecr"
  bool gateway = false;      // by a route
  bool interface = true;     // by network interfaces
};

std::vector<EndpointService> endpoint_services(std::string_view region);
std::optional<EndpointService> find_endpoint_service(std::string_view region, std::string_view name);

}  // namespace tarn::network
