#include "gateway/http/website.hpp"

namespace tarn::gateway {

std::optional<std::string_view> website_bucket(std::string_view host) {
  constexpr std::string_view mark = ".s3-website";
  const std::size_t at = host.rfind(mark);
  if (at == host.npos || at == 0) return std::nullopt;
  const std::string_view rest = host.substr(at + mark.size());
  if (!rest.starts_with('-') && !rest.starts_with('.')) return std::nullopt;
  return host.substr(0, at);
}

}  // namespace tarn::gateway
