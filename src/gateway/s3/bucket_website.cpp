// The website configuration of buckets, by which website.cpp serves them.
#include <algorithm>

#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr std::size_t max_routing_rules = 50;

bool is_status(const std::string& text, char from, char to) {
  return text.size() == 3 && text[0] >= from && text[0] <= to &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void check_routing_rule(const model::RoutingRule& rule) {
  const auto& to = rule.redirect;
  if (!to.host_name && !to.http_redirect_code && !to.protocol && !to.replace_key_prefix_with && !to.replace_key_with)
    throw malformed_xml();
  if (to.replace_key_prefix_with && to.replace_key_with)
    throw invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
  if (to.http_redirect_code && (!is_status(*to.http_redirect_code, '3', '3') || *to.http_redirect_code == "300"))
    throw invalid_request("The provided HTTP redirect code (" + *to.http_redirect_code +
                          ") is not valid. Valid codes are 3XX except 300.");
  if (!rule.condition) return;
  const auto& when = *rule.condition;
  if (!when.http_error_code_returned_equals && !when.key_prefix_equals)
    throw invalid_request(
        "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be "
        "present.");
  if (when.http_error_code_returned_equals && !is_status(*when.http_error_code_returned_equals, '4', '5'))
    throw invalid_request("The provided HTTP error code (" + *when.http_error_code_returned_equals +
                          ") is not valid. Valid codes are 4XX or 5XX.");
}

void check_website(const model::WebsiteConfiguration& c) {
  if (c.redirect_all_requests_to) {
    if (c.index_document || c.error_document || c.routing_rules)
      throw invalid_argument("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.");
    if (c.redirect_all_requests_to->host_name.empty())
      throw invalid_request("The provided RedirectAllRequestsTo HostName is not valid.");
    return;
  }
  if (!c.index_document)
    throw invalid_argument("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty");
  const std::string& suffix = c.index_document->suffix;
  if (suffix.empty() || suffix.find('/') != suffix.npos)
    throw invalid_argument("The IndexDocument Suffix is not well formed");
  if (c.error_document && c.error_document->key.empty())
    throw invalid_argument("The ErrorDocument Key is not well formed");
  if (!c.routing_rules) return;
  if (c.routing_rules->size() > max_routing_rules)
    throw invalid_request("Max number of RoutingRules is " + std::to_string(max_routing_rules));
  for (const auto& rule : *c.routing_rules) check_routing_rule(rule);
}

api::Empty put_website(const Parts& parts, Context&, const model::PutBucketWebsiteRequest& in) {
  check_website(in.website_configuration);
  put_setting(parts, in.bucket, setting::website, to_value(in.website_configuration));
  return {};
}

model::GetBucketWebsiteOutput get_website(const Parts& parts, Context& context,
                                          const model::GetBucketWebsiteRequest& in) {
  return api::from<model::GetBucketWebsiteOutput>(
      required_setting(parts, context, in.bucket, setting::website, "NoSuchWebsiteConfiguration",
                       "The specified bucket does not have a website configuration"));
}

api::Empty delete_website(const Parts& parts, Context&, const model::DeleteBucketWebsiteRequest& in) {
  erase_setting(parts, in.bucket, setting::website);
  return {};
}

}  // namespace

void register_bucket_website(api::Operations& operations, const Parts& parts) {
  using namespace model::op;
  on<PutBucketWebsite>(operations, parts, put_website);
  on<GetBucketWebsite>(operations, parts, get_website);
  on<DeleteBucketWebsite>(operations, parts, delete_website);
}

}  // namespace tarn::gateway::s3
