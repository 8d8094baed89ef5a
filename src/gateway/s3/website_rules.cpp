#include "gateway/s3/website_rules.hpp"

#include "api/wire/percent.hpp"

namespace tarn::gateway::s3 {
namespace {

bool applies(const api::s3::RoutingRule& rule, std::string_view key, int error_status) {
  const std::string wanted_status = error_status ? std::to_string(error_status) : "";
  if (!rule.condition) return error_status == 0;
  if (rule.condition->http_error_code_returned_equals.value_or("") != wanted_status) return false;
  return key.starts_with(rule.condition->key_prefix_equals.value_or(""));
}

std::string replaced_key(const api::s3::RoutingRule& rule, std::string_view key) {
  if (rule.redirect.replace_key_with) return *rule.redirect.replace_key_with;
  if (!rule.redirect.replace_key_prefix_with) return std::string(key);
  const std::size_t prefix = rule.condition ? rule.condition->key_prefix_equals.value_or("").size() : 0;
  return *rule.redirect.replace_key_prefix_with + std::string(key.substr(prefix));
}

}  // namespace

std::string website_url(std::string_view protocol, std::string_view host, std::string_view key) {
  std::string out = std::string(protocol) + "://" + std::string(host) + "/";
  api::append_percent_encoded(out, key, true);
  return out;
}

std::optional<WebsiteRedirect> redirect_of_all(const api::s3::WebsiteConfiguration& website, std::string_view path,
                                               std::string_view query) {
  if (!website.redirect_all_requests_to) return std::nullopt;
  const auto& to = *website.redirect_all_requests_to;
  WebsiteRedirect out{301, std::string(to.protocol.value_or("http")) + "://" + to.host_name + std::string(path)};
  if (!query.empty()) out.location += "?" + std::string(query);
  return out;
}

std::optional<WebsiteRedirect> routed(const api::s3::WebsiteConfiguration& website, std::string_view key,
                                      std::string_view host, int error_status) {
  if (!website.routing_rules) return std::nullopt;
  for (const auto& rule : *website.routing_rules) {
    if (!applies(rule, key, error_status)) continue;
    const auto& to = rule.redirect;
    return WebsiteRedirect{
        std::stoi(to.http_redirect_code.value_or("301")),
        website_url(to.protocol.value_or("http"), to.host_name.value_or(std::string(host)), replaced_key(rule, key))};
  }
  return std::nullopt;
}

}  // namespace tarn::gateway::s3
