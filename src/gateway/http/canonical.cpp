#include "gateway/http/canonical.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "api/wire/percent.hpp"
#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/limits.hpp"
#include "gateway/http/auth_errors.hpp"

namespace tarn::gateway {
namespace {

constexpr std::string_view algorithm = api::signature_algorithm;

using api::for_each_parameter;
using api::percent_decode;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (true) {
    auto end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

Error malformed(const api::Service& service, bool presigned, const std::string& message) {
  Error error = auth_error(service, AuthProblem::incomplete, message);
  if (presigned && error.code() == "AuthorizationHeaderMalformed")
    return Error(ErrorKind::caller, "AuthorizationQueryParametersError", message);
  return error;
}

// "AKID/20261121/us-east-1/s3/aws4_request"; the key id itself may hold slashes.
void read_credential(std::string_view credential, SignatureParts& parts, const api::Service& service) {
  auto fields = split(credential, '/');
  if (fields.size() < 5 || fields.back() != "aws4_request" || fields[0].empty())
    throw malformed(service, parts.presigned,
                    "The Credential is malformed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
  std::size_t n = fields.size();
  parts.service = fields[n - 2];
  parts.region = fields[n - 3];
  parts.date = fields[n - 4];
  parts.access_key_id = fields[0];
  for (std::size_t i = 1; i < n - 4; i++) parts.access_key_id += "/" + fields[i];
}

void read_timestamp(std::string_view text, SignatureParts& parts, const api::Service& service) {
  auto time = parse_basic_iso8601(text);
  if (!time) time = parse_http_date(text);
  if (!time) {
    if (service.protocol == api::Protocol::rest_xml && !parts.presigned)
      throw Error(ErrorKind::denied, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
    throw malformed(service, parts.presigned,
                    "Authorization requires a valid 'X-Amz-Date' of the form \"yyyyMMddTHHmmssZ\".");
  }
  parts.time = *time;
  parts.timestamp = format_basic_iso8601(*time);
  if (parts.timestamp.substr(0, 8) != parts.date)
    throw malformed(service, parts.presigned,
                    "Invalid credential date \"" + parts.date + "\". This date is not the same as X-Amz-Date: \"" +
                        parts.timestamp.substr(0, 8) + "\".");
}

SignatureParts from_header(const api::WireRequest& request, std::string_view header, const api::Service& service) {
  SignatureParts parts;
  std::string credential;
  header.remove_prefix(algorithm.size());
  for (std::string_view field : split(header, ',')) {
    while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
    while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
    auto equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view name = field.substr(0, equals), value = field.substr(equals + 1);
    if (name == "Credential") credential = value;
    if (name == "Signature") parts.signature = value;
    if (name == "SignedHeaders" && !value.empty()) parts.signed_headers = split(lower(value), ';');
  }
  std::string missing;
  if (credential.empty()) missing += "Authorization header requires 'Credential' parameter. ";
  if (parts.signature.empty()) missing += "Authorization header requires 'Signature' parameter. ";
  if (parts.signed_headers.empty()) missing += "Authorization header requires 'SignedHeaders' parameter. ";
  if (!missing.empty()) throw malformed(service, false, missing.substr(0, missing.size() - 1));
  read_credential(credential, parts, service);
  const std::string* date = request.header("x-amz-date");
  if (!date) date = request.header("date");
  read_timestamp(date ? *date : std::string(), parts, service);
  if (const std::string* token = request.header("x-amz-security-token")) parts.session_token = *token;
  return parts;
}

SignatureParts from_query(const api::WireRequest& request, const api::Service& service) {
  SignatureParts parts;
  parts.presigned = true;
  auto get = [&](std::string_view name) { return query_parameter(request.query, name); };
  auto credential = get("X-Amz-Credential"), date = get("X-Amz-Date"), expires = get("X-Amz-Expires");
  auto headers = get("X-Amz-SignedHeaders"), signature = get("X-Amz-Signature");
  const bool needs_expires = service.protocol == api::Protocol::rest_xml;
  if (!credential || !date || (!expires && needs_expires) || !headers || headers->empty() || !signature)
    throw malformed(
        service, true,
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
        "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
  read_credential(*credential, parts, service);
  read_timestamp(*date, parts, service);
  parts.signed_headers = split(lower(*headers), ';');
  parts.signature = *signature;
  parts.session_token = get("X-Amz-Security-Token").value_or("");
  parts.expires_s = limits::max_clock_skew_s;
  if (expires) {
    auto [end, error] = std::from_chars(expires->data(), expires->data() + expires->size(), parts.expires_s);
    if (error != std::errc() || end != expires->data() + expires->size())
      throw malformed(service, true, "X-Amz-Expires should be a number");
    if (parts.expires_s < 0) throw malformed(service, true, "X-Amz-Expires must be non-negative");
    if (parts.expires_s > limits::max_presigned_lifetime_s)
      throw malformed(
          service, true,
          "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
          "604800 seconds");
  }
  return parts;
}

// S3's Signature Version 2: AWSAccessKeyId, Expires (seconds since 1970), Signature.
SignatureParts from_version_2_query(const api::WireRequest& request) {
  SignatureParts parts;
  parts.presigned = parts.version_2 = true;
  parts.access_key_id = query_parameter(request.query, "AWSAccessKeyId").value_or("");
  parts.signature = query_parameter(request.query, "Signature").value_or("");
  parts.session_token = query_parameter(request.query, "x-amz-security-token").value_or("");
  const std::string expires = query_parameter(request.query, "Expires").value_or("");
  int64_t at_s = 0;
  auto [end, error] = std::from_chars(expires.data(), expires.data() + expires.size(), at_s);
  if (error != std::errc() || end != expires.data() + expires.size() || at_s < 0 || at_s > 253'402'300'799)
    throw Error(ErrorKind::denied, "AccessDenied", "Invalid date (should be seconds since epoch): " + expires);
  parts.time = Time(std::chrono::seconds(at_s));
  return parts;
}

// What of a query is part of the resource that Signature Version 2 signs.
bool is_sub_resource(std::string_view name) {
  static constexpr std::string_view names[] = {"accelerate",
                                               "acl",
                                               "analytics",
                                               "cors",
                                               "delete",
                                               "inventory",
                                               "lifecycle",
                                               "location",
                                               "logging",
                                               "metrics",
                                               "notification",
                                               "partNumber",
                                               "policy",
                                               "replication",
                                               "requestPayment",
                                               "response-cache-control",
                                               "response-content-disposition",
                                               "response-content-encoding",
                                               "response-content-language",
                                               "response-content-type",
                                               "response-expires",
                                               "restore",
                                               "tagging",
                                               "torrent",
                                               "uploadId",
                                               "uploads",
                                               "versionId",
                                               "versioning",
                                               "versions",
                                               "website"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  for_each_parameter(query, [&](std::string_view key, std::string_view value) {
    if (key == name || percent_decode(key, true) == name) found = percent_decode(value, true);
    return !found;
  });
  return found;
}

std::optional<SignatureParts> find_signature(const api::WireRequest& request, const api::Service& service) {
  const std::string* header = request.header("authorization");
  const bool s3 = service.protocol == api::Protocol::rest_xml;
  auto query_algorithm = request.query.find("X-Amz-") == std::string::npos
                             ? std::nullopt
                             : query_parameter(request.query, "X-Amz-Algorithm");
  const bool version_2_query = s3 && request.query.find("AWSAccessKeyId=") != std::string::npos &&
                               request.query.find("Signature=") != std::string::npos;
  if (header && (query_algorithm || version_2_query))
    throw Error(ErrorKind::caller, s3 ? "InvalidArgument" : "IncompleteSignatureException",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                "parameter or the "
                "Authorization header should be specified");
  if (version_2_query) return from_version_2_query(request);
  if (s3 && header && header->starts_with("AWS "))
    throw Error(ErrorKind::caller, "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");
  if (query_algorithm) {
    if (*query_algorithm != algorithm)
      throw malformed(service, true, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    return from_query(request, service);
  }
  if (!header) return std::nullopt;
  if (header->starts_with("AWS4-ECDSA"))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn checks Signature Version 4 (AWS4-HMAC-SHA256), not 4A.");
  if (!header->starts_with(algorithm)) {
    if (s3) throw Error(ErrorKind::caller, "InvalidArgument", "Unsupported Authorization Type");
    return std::nullopt;  // another scheme (Bearer), which the operation itself may know
  }
  return from_header(request, *header, service);
}

std::string string_to_sign_version_2(const api::WireRequest& request, std::string_view bucket) {
  auto of_query_or_header = [&](std::string_view name) {
    if (auto value = query_parameter(request.query, name)) return *value;
    const std::string* header = request.header(name);
    return header ? *header : std::string();
  };
  std::map<std::string, std::string> amz;
  auto add_amz = [&](std::string_view name, std::string_view value) {
    std::string key = lower(name);
    if (!key.starts_with("x-amz-")) return;
    std::string& all = amz[key];
    if (!all.empty()) all += ',';
    api::append_header_value(all, value);
  };
  std::vector<std::string> resources;
  for (const auto& [name, value] : request.headers) add_amz(name, value);
  for_each_parameter(request.query, [&](std::string_view name, std::string_view value) {
    add_amz(name, percent_decode(value, true));
    if (is_sub_resource(name))
      resources.push_back(std::string(name) + (value.empty() ? "" : "=" + percent_decode(value, true)));
    return true;
  });
  std::sort(resources.begin(), resources.end());
  std::string out = request.method + "\n" + of_query_or_header("content-md5") + "\n" +
                    of_query_or_header("content-type") + "\n" + query_parameter(request.query, "Expires").value_or("") +
                    "\n";
  for (const auto& [name, value] : amz) out += name + ":" + value + "\n";
  if (!bucket.empty()) out.append("/").append(bucket);
  out += request.path;
  for (std::size_t i = 0; i < resources.size(); i++) out += (i ? "&" : "?") + resources[i];
  return out;
}

}  // namespace tarn::gateway
