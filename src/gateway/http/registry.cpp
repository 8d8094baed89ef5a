#include "gateway/http/registry.hpp"

namespace tarn::gateway {

bool asks_registry(const api::WireRequest& request, std::string_view virtual_bucket) {
  const std::string_view path = request.path;
  if (!path.starts_with("/v2")) return false;
  if (!virtual_bucket.empty() && virtual_bucket.find(".dkr.ecr.") == virtual_bucket.npos) return false;
  if (const std::string* authorization = request.header("authorization");
      authorization && authorization->starts_with("AWS"))
    return false;
  if (request.query.find("X-Amz-Signature=") != std::string::npos) return false;
  if (path == "/v2" || path == "/v2/" || path == "/v2/_catalog") return true;
  if (!path.starts_with("/v2/")) return false;
  const std::string_view rest = path.substr(4);
  return rest.find("/blobs/") != rest.npos || rest.find("/manifests/") != rest.npos ||
         rest.find("/referrers/") != rest.npos || rest.ends_with("/tags/list");
}

}  // namespace tarn::gateway
