#include "cli/client.hpp"

#include <curl/curl.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "api/model.hpp"
#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "gateway/http/canonical.hpp"

namespace tarn::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The keys of one section of ~/.aws/credentials or ~/.aws/config.
std::map<std::string, std::string> read_section(const std::string& path, const std::string& section) {
  std::ifstream in(path);
  std::map<std::string, std::string> out;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    auto trim = [](std::string s) {
      s.erase(0, s.find_first_not_of(" \t\r"));
      s.erase(s.find_last_not_of(" \t\r") + 1);
      return s;
    };
    line = trim(line);
    if (line.starts_with("[")) {
      inside = line == "[" + section + "]" || line == "[profile " + section + "]";
    } else if (auto equals = line.find('='); inside && equals != std::string::npos) {
      out[trim(line.substr(0, equals))] = trim(line.substr(equals + 1));
    }
  }
  return out;
}

std::string text_between(const std::string& text, const std::string& open, const std::string& close) {
  auto from = text.find(open);
  if (from == std::string::npos) return {};
  from += open.size();
  return text.substr(from, text.find(close, from) - from);
}

// Throws what an error answer says, in whatever form it came.
[[noreturn]] void fail(const api::WireResponse& response) {
  std::string code, message;
  if (response.body.starts_with("{")) {
    Value body = parse_json(response.body);
    code = body.string_or("__type", body.string_or("code"));
    message = body.string_or("message", body.string_or("Message"));
  } else {
    code = text_between(response.body, "<Code>", "</Code>");
    message = text_between(response.body, "<Message>", "</Message>");
  }
  if (code.empty()) code = "HTTP" + std::to_string(response.status);
  throw Error(ErrorKind::caller, code, message.empty() ? code : message + " (" + code + ")");
}

}  // namespace

Target find_target(const std::string& endpoint_option, const std::string& profile_option) {
  Target out;
  const std::string named = !profile_option.empty() ? profile_option : environment("AWS_PROFILE");
  const std::string folder = environment("HOME") + "/.aws/";
  auto profile = read_section(folder + "config", named.empty() ? "default" : named);
  for (auto& [key, value] : read_section(folder + "credentials", named.empty() ? "default" : named))
    profile[key] = value;
  if (!named.empty() && profile.empty())
    throw Error(ErrorKind::caller, "NoProfile", "There is no profile " + named + " in " + folder + ".");
  auto pick = [&](const char* variable, const char* key, const char* otherwise) {
    const std::string value = environment(variable);
    if (!value.empty()) return value;
    return profile.contains(key) ? profile[key] : std::string(otherwise);
  };
  out.endpoint =
      !endpoint_option.empty() ? endpoint_option : pick("AWS_ENDPOINT_URL", "endpoint_url", "http://127.0.0.1:4566");
  while (out.endpoint.ends_with("/")) out.endpoint.pop_back();
  out.region = environment("AWS_REGION");
  if (out.region.empty()) out.region = pick("AWS_DEFAULT_REGION", "region", "us-east-1");
  out.access_key_id = pick("AWS_ACCESS_KEY_ID", "aws_access_key_id", "tarn");
  out.secret_access_key = pick("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key", "tarn");
  out.session_token = pick("AWS_SESSION_TOKEN", "aws_session_token", "");
  return out;
}

struct Client::Transfer {
  std::FILE* upload = nullptr;
  uint64_t upload_size_bytes = 0;
  std::FILE* download = nullptr;
};

Client::Client(Target target) : target_(std::move(target)), curl_(curl_easy_init()) {
  TARN_ASSERT(curl_);
}
Client::~Client() {
  curl_easy_cleanup(curl_);
}

namespace {

// What libcurl's callbacks write into: the body of a good answer goes to the file, any other into the response.
struct Answer {
  api::WireResponse response;
  std::FILE* download;
  CURL* curl;
};

size_t take_body(char* data, size_t size, size_t count, void* to) {
  auto* answer = static_cast<Answer*>(to);
  long status = 0;
  curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &status);
  if (answer->download && status < 300) return std::fwrite(data, size, count, answer->download) * size;
  answer->response.body.append(data, size * count);
  return size * count;
}

size_t take_header(char* data, size_t size, size_t count, void* to) {
  std::string line(data, size * count);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  if (auto colon = line.find(':'); colon != std::string::npos) {
    auto value = line.find_first_not_of(' ', colon + 1);
    static_cast<Answer*>(to)->response.headers.emplace_back(line.substr(0, colon),
                                                            value == std::string::npos ? "" : line.substr(value));
  }
  return size * count;
}

size_t give_upload(char* into, size_t size, size_t count, void* from) {
  return std::fread(into, size, count, static_cast<std::FILE*>(from));
}

void sign(api::WireRequest& request, const Target& target, std::string_view signing_name, bool hashed_body) {
  const Time now = SystemClock().now();
  gateway::SignatureParts parts;
  parts.access_key_id = target.access_key_id;
  parts.timestamp = format_basic_iso8601(now);
  parts.date = parts.timestamp.substr(0, 8);
  parts.region = target.region;
  parts.service = signing_name;
  const bool s3 = signing_name == "s3";
  const std::string payload = hashed_body ? hex_encode(digest(DigestKind::sha256, request.body)) : "UNSIGNED-PAYLOAD";
  api::set_header(request.headers, "x-amz-date", parts.timestamp);
  if (s3) api::set_header(request.headers, "x-amz-content-sha256", payload);
  if (!target.session_token.empty()) api::set_header(request.headers, "x-amz-security-token", target.session_token);
  std::map<std::string, bool> names;
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    names[lower] = true;
  }
  std::string list;
  for (const auto& [name, present] : names) {
    parts.signed_headers.push_back(name);
    list += (list.empty() ? "" : ";") + name;
  }
  const std::string canonical = gateway::canonical_request(request, parts, !s3, payload);
  const std::string signature = hex_encode(
      hmac_sha256(gateway::signing_key(target.secret_access_key, parts), gateway::string_to_sign(parts, canonical)));
  api::set_header(request.headers, "Authorization",
                  "AWS4-HMAC-SHA256 Credential=" + parts.access_key_id + "/" + parts.scope() +
                      ", SignedHeaders=" + list + ", Signature=" + signature);
}

}  // namespace

api::WireResponse Client::send(api::WireRequest request, std::string_view signing_name, const Transfer& transfer) {
  CURL* curl = static_cast<CURL*>(curl_);
  curl_easy_reset(curl);
  const std::string host = target_.endpoint.substr(target_.endpoint.find("://") + 3);
  api::set_header(request.headers, "Host", host);
  if (!signing_name.empty()) sign(request, target_, signing_name, transfer.upload == nullptr);
  const std::string url = target_.endpoint + request.path + (request.query.empty() ? "" : "?" + request.query);
  curl_slist* headers = nullptr;
  for (const auto& [name, value] : request.headers)
    headers = curl_slist_append(headers, (name + (value.empty() ? ";" : ": " + value)).c_str());
  headers = curl_slist_append(headers, "Expect:");
  Answer answer{{}, transfer.download, curl};
  char problem[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
  if (transfer.upload) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_upload);
    curl_easy_setopt(curl, CURLOPT_READDATA, transfer.upload);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.upload_size_bytes));
  } else if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  const CURLcode result = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (result == CURLE_COULDNT_CONNECT)
    throw Error(ErrorKind::outside, "Unreachable",
                "Nothing answers at " + target_.endpoint +
                    ". Start tarn with `tarn up`, or name its address with --endpoint or AWS_ENDPOINT_URL.");
  if (result != CURLE_OK)
    throw Error(ErrorKind::outside, "Unreachable",
                target_.endpoint + ": " + (*problem ? problem : curl_easy_strerror(result)));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.response.status = static_cast<int>(status);
  return std::move(answer.response);
}

Value Client::call(std::string_view operation, const Value& input) {
  auto colon = operation.find(':');
  const api::Service* service = api::find_service(operation.substr(0, colon));
  TARN_ASSERT(service && service->protocol == api::Protocol::json);
  api::WireRequest request{"POST", "/", "", {}, to_json(input)};
  request.headers.emplace_back("Content-Type", "application/x-amz-json-" + std::string(service->json_version));
  request.headers.emplace_back("X-Amz-Target",
                               std::string(service->target_prefix) + "." + std::string(operation.substr(colon + 1)));
  auto response = send(std::move(request), service->signing_name, {});
  if (response.status >= 300) fail(response);
  return response.body.empty() ? Value::map() : parse_json(response.body);
}

api::WireResponse Client::s3(const std::string& method, const std::string& path, const std::string& query,
                             std::string body, api::Headers headers, std::FILE* upload, uint64_t upload_size_bytes,
                             std::FILE* download) {
  auto response =
      send({method, path, query, std::move(headers), std::move(body)}, "s3", {upload, upload_size_bytes, download});
  if (response.status >= 300) {
    if (method == "HEAD")
      throw Error(ErrorKind::missing, "HTTP" + std::to_string(response.status), path + " is not there.");
    fail(response);
  }
  return response;
}

Value Client::local(const std::string& method, const std::string& path, const std::string& body) {
  auto response = send({method, path, "", {{"Content-Type", "application/json"}}, body}, "", {});
  if (response.status >= 300) fail(response);
  return parse_json(response.body);
}

}  // namespace tarn::cli
