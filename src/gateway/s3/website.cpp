// Serves the websites of buckets. Whoever asks is nobody, so an object is served only where the bucket's policy or its
// own ACL lets everybody read it.
#include "gateway/http/website.hpp"

#include "api/wire/percent.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/archive.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/public_access.hpp"
#include "gateway/s3/requests.hpp"
#include "gateway/s3/s3.hpp"
#include "gateway/s3/website_rules.hpp"
#include "govern/policy_decision.hpp"

namespace tarn::gateway::s3 {
namespace {

const char* title_of(int status) {
  switch (status) {
    case 403:
      return "403 Forbidden";
    case 404:
      return "404 Not Found";
    case 405:
      return "405 Method Not Allowed";
    default:
      return "500 Internal Server Error";
  }
}

std::string html(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

// One request to one website.
class Visit {
 public:
  Visit(const Parts& parts, const WebsiteRequest& request) : parts_(parts), request_(request) {
    const std::string* host = request.request.header("host");
    host_ = host ? *host : std::string(request.bucket);
  }

  WebsiteAnswer answer() {
    const std::string& method = request_.request.method;
    if (method != "GET" && method != "HEAD")
      return failed(405, Error(ErrorKind::conflict, "MethodNotAllowed",
                               "The specified method is not allowed against this resource."));
    bucket_ = parts_.store.find_bucket(request_.bucket);
    if (!bucket_)
      return failed(404, Error(ErrorKind::missing, "NoSuchBucket", "The specified bucket does not exist")
                             .with("BucketName", std::string(request_.bucket)));
    const Value* setting = find_setting(*bucket_, setting::website);
    if (!setting)
      return failed(404, Error(ErrorKind::missing, "NoSuchWebsiteConfiguration",
                               "The specified bucket does not have a website configuration")
                             .with("BucketName", bucket_->name));
    website_ = api::from<model::WebsiteConfiguration>(*setting);
    if (auto away = redirect_of_all(website_, request_.request.path, request_.request.query)) return redirected(*away);
    key_ = api::percent_decode(request_.request.path.substr(1), false);
    if (auto away = routed(website_, key_, host_, 0)) return redirected(*away);
    const std::string index = website_.index_document->suffix;
    const std::string page = key_.empty() || key_.ends_with('/') ? key_ + index : key_;
    if (auto found = open(page)) return served(std::move(found), 200);
    // A folder's name without its slash.
    if (page == key_ && open(key_ + "/" + index)) return redirected({302, "/" + encoded(key_) + "/"});
    return not_served(page);
  }

 private:
  // The object, where everybody may read it.
  std::unique_ptr<store::ObjectReader> open(const std::string& key) {
    if (key.empty() || key.size() > limits::max_key_size_bytes) return nullptr;
    const store::Grant grant = parts_.authority.internal(store::Access::read);
    const auto object = parts_.store.head(grant, bucket_->name, key);
    if (!object || object->encryption.hides_etag() || !anybody_reads(*object)) return nullptr;  // nobody has no key
    try {
      require_readable(*object, request_.now);
    } catch (const Error&) {
      return nullptr;
    }
    return parts_.store.open(grant, bucket_->name, key);
  }

  bool policy_lets_anybody(const char* action, const std::string& resource) const {
    const Value* policy = find_setting(*bucket_, setting::policy);
    return policy && policy->is_string() && !public_access(parts_, *bucket_).restrict_public_buckets &&
           govern::policy_allows(policy->as_string(), {"",
                                                       action,
                                                       "arn:aws:s3:::" + resource,
                                                       {{"aws:sourceip", request_.source_ip},
                                                        {"aws:securetransport", "false"},
                                                        {"aws:referer", header("referer")},
                                                        {"aws:useragent", header("user-agent")}}});
  }

  bool acl_lets_anybody(const Grants& grants) const {
    return allows_acls(*bucket_) && !public_access(parts_, *bucket_).ignore_public_acls && everybody_reads(grants);
  }

  bool anybody_reads(const store::ObjectInfo& object) const {
    if (!object.headers.acl.is_null() && acl_lets_anybody(api::from<Grants>(object.headers.acl))) return true;
    return policy_lets_anybody("s3:GetObject", bucket_->name + "/" + object.key);
  }

  // Only then a browser is told that something is not there.
  bool anybody_lists() const {
    const Value* acl = find_setting(*bucket_, setting::acl);
    return (acl && acl_lets_anybody(api::from<Grants>(*acl))) || policy_lets_anybody("s3:ListBucket", bucket_->name);
  }

  std::string header(const char* name) const {
    const std::string* found = request_.request.header(name);
    return found ? *found : "";
  }

  static std::string encoded(const std::string& key) {
    std::string out;
    api::append_percent_encoded(out, key, true);
    return out;
  }

  WebsiteAnswer served(std::unique_ptr<store::ObjectReader> object, int status) const {
    WebsiteAnswer out;
    const store::ObjectInfo& info = object->info();
    const store::ObjectHeaders& headers = info.headers;
    if (!headers.website_redirect_location.empty()) return redirected({301, headers.website_redirect_location});
    auto add = [&](const char* name, const std::string& value) {
      if (!value.empty()) out.response.headers.emplace_back(name, value);
    };
    out.response.status = status;
    add("x-amz-request-id", request_.request_id);
    add("ETag", quoted_etag(info.etag));
    add("Last-Modified", format_http_date(info.last_modified));
    if (status == 200 && is_unchanged(info)) {
      out.response.status = 304;
      return out;
    }
    add("Content-Type", headers.content_type);
    add("Content-Encoding", headers.content_encoding);
    add("Content-Language", headers.content_language);
    add("Content-Disposition", headers.content_disposition);
    add("Cache-Control", headers.cache_control);
    add("Expires", headers.expires);
    for (const auto& [name, value] : headers.user_metadata) add(("x-amz-meta-" + name).c_str(), value);
    out.stream = std::move(object);
    return out;
  }

  bool is_unchanged(const store::ObjectInfo& info) const {
    Conditions conditions;
    if (const std::string* etag = request_.request.header("if-none-match")) conditions.if_none_match = *etag;
    if (const std::string* since = request_.request.header("if-modified-since"))
      conditions.if_modified_since = parse_http_date(*since);
    return !check_read(conditions, info);
  }

  WebsiteAnswer redirected(const WebsiteRedirect& to) const {
    WebsiteAnswer out;
    out.response.status = to.status;
    out.response.headers = {{"Location", to.location}, {"x-amz-request-id", request_.request_id}};
    return out;
  }

  WebsiteAnswer not_served(const std::string& key) {
    const int status = anybody_lists() ? 404 : 403;
    if (auto away = routed(website_, key_, host_, status)) return redirected(*away);
    const Error why = status == 403 ? Error(ErrorKind::denied, "AccessDenied", "Access Denied") : no_such_key(key);
    if (!website_.error_document) return failed(status, why);
    if (auto page = open(website_.error_document->key)) return served(std::move(page), status);
    return failed(status, why, website_.error_document->key);
  }

  // S3's own page.
  WebsiteAnswer failed(int status, const Error& error, const std::string& error_document = "") const {
    WebsiteAnswer out;
    const std::string title = title_of(status);
    auto line = [](std::string_view name, std::string_view value) {
      return "<li>" + std::string(name) + ": " + html(value) + "</li>\n";
    };
    std::string& body = out.response.body;
    body = "<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n<ul>\n" +
           line("Code", error.code()) + line("Message", error.message());
    for (const auto& [name, value] : error.details()) body += line(name, value);
    body += line("RequestId", request_.request_id) + line("HostId", request_.request_id) + "</ul>\n";
    if (!error_document.empty())
      body += "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n" +
              line("Code", error.code()) + line("Message", error.message()) + line("Key", error_document) + "</ul>\n";
    body += "<hr/>\n</body>\n</html>\n";
    out.response.status = status;
    out.response.headers = {{"Content-Type", "text/html; charset=utf-8"},
                            {"x-amz-error-code", error.code()},
                            {"x-amz-error-message", error.message()},
                            {"x-amz-request-id", request_.request_id}};
    return out;
  }

  const Parts& parts_;
  const WebsiteRequest& request_;
  std::string host_, key_;
  std::shared_ptr<const store::BucketInfo> bucket_;
  model::WebsiteConfiguration website_;
};

}  // namespace
}  // namespace tarn::gateway::s3

namespace tarn::gateway {

Website s3_websites(store::Store& store, govern::Authority& authority, Random& random,
                    const s3::AccountSettings* accounts) {
  return [parts = s3::Parts{store, authority, random, accounts}](const WebsiteRequest& request) {
    return s3::Visit(parts, request).answer();
  };
}

}  // namespace tarn::gateway
