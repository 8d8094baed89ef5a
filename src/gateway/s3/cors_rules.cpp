#include "gateway/s3/cors_rules.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr std::size_t max_cors_rules = 100;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

const std::string* matching_origin(const model::CORSRule& rule, std::string_view origin) {
  for (const auto& pattern : rule.allowed_origins)
    if (matches_wildcard(pattern, origin)) return &pattern;
  return nullptr;
}

bool allows_header(const model::CORSRule& rule, const std::string& header) {
  if (!rule.allowed_headers) return false;
  return std::any_of(rule.allowed_headers->begin(), rule.allowed_headers->end(),
                     [&](const auto& pattern) { return matches_wildcard(lower(pattern), lower(header)); });
}

void check_wildcards(const std::vector<std::string>& patterns, const char* what) {
  for (const auto& pattern : patterns)
    if (std::count(pattern.begin(), pattern.end(), '*') > 1)
      throw invalid_request(std::string(what) + " \"" + pattern + "\" can not have more than one wildcard.");
}

}  // namespace

bool matches_wildcard(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == pattern.npos) return pattern == text;
  const auto before = pattern.substr(0, star), after = pattern.substr(star + 1);
  return text.size() + 1 >= pattern.size() && text.starts_with(before) && text.ends_with(after);
}

void check_cors_rules(const std::vector<model::CORSRule>& rules) {
  constexpr std::array methods = {"GET", "PUT", "HEAD", "POST", "DELETE"};
  if (rules.empty() || rules.size() > max_cors_rules) throw malformed_xml();
  std::set<std::string_view> ids;
  for (const auto& rule : rules) {
    if (rule.allowed_methods.empty() || rule.allowed_origins.empty()) throw malformed_xml();
    if (rule.id && rule.id->size() > 255) throw invalid_argument("ID length should not exceed allowed limit of 255");
    if (rule.id && !rule.id->empty() && !ids.insert(*rule.id).second)
      throw invalid_request("Rule ID must be unique. Found same ID for more than one rule");
    for (const auto& method : rule.allowed_methods)
      if (std::find(methods.begin(), methods.end(), method) == methods.end())
        throw invalid_request("Found unsupported HTTP method in CORS config. Unsupported method is " + method);
    check_wildcards(rule.allowed_origins, "AllowedOrigin");
    if (rule.allowed_headers) check_wildcards(*rule.allowed_headers, "AllowedHeader");
    if (rule.expose_headers)
      for (const auto& header : *rule.expose_headers)
        if (header.find('*') != header.npos)
          throw invalid_request("ExposeHeader \"" + header +
                                "\" contains wildcard. We currently do not support wildcard for ExposeHeader");
  }
}

std::optional<api::Headers> cors_headers(const std::vector<model::CORSRule>& rules, const CrossOriginRequest& request) {
  for (const auto& rule : rules) {
    const std::string* origin = matching_origin(rule, request.origin);
    if (!origin) continue;
    if (std::find(rule.allowed_methods.begin(), rule.allowed_methods.end(), request.method) ==
        rule.allowed_methods.end())
      continue;
    if (!std::all_of(request.headers.begin(), request.headers.end(),
                     [&](const auto& header) { return allows_header(rule, header); }))
      continue;
    api::Headers out;
    const bool any = *origin == "*";
    out.emplace_back("Access-Control-Allow-Origin", any ? "*" : std::string(request.origin));
    out.emplace_back("Access-Control-Allow-Methods", joined(rule.allowed_methods));
    if (!request.headers.empty()) {
      std::vector<std::string> names;
      for (const auto& header : request.headers) names.push_back(lower(header));
      out.emplace_back("Access-Control-Allow-Headers", joined(names));
    }
    if (rule.expose_headers && !rule.expose_headers->empty())
      out.emplace_back("Access-Control-Expose-Headers", joined(*rule.expose_headers));
    if (rule.max_age_seconds) out.emplace_back("Access-Control-Max-Age", std::to_string(*rule.max_age_seconds));
    if (!any) out.emplace_back("Access-Control-Allow-Credentials", "true");
    out.emplace_back("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    return out;
  }
  return std::nullopt;
}

}  // namespace tarn::gateway::s3
