#include "cli/client.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "api/model.hpp"
#include "api/wire/client.hpp"
#include "api/wire/signing.hpp"
#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

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

Client::Client(Target target) : target_(std::move(target)), http_(target_.endpoint) {}
Client::~Client() = default;

api::WireResponse Client::send(api::WireRequest request, std::string_view signing_name,
                               const api::HttpTransfer& transfer) {
  api::set_header(request.headers, "Host", http_.host());
  if (!signing_name.empty())
    api::sign(request, {target_.access_key_id, target_.secret_access_key, target_.session_token}, target_.region,
              signing_name, transfer.upload ? "UNSIGNED-PAYLOAD" : hex_encode(digest(DigestKind::sha256, request.body)),
              SystemClock().now());
  try {
    return http_.send(request, transfer);
  } catch (const Error& error) {
    if (error.code() != "Unreachable") throw Error(error.kind(), "Unreachable", error.message());
    throw Error(
        error.kind(), error.code(),
        error.message() + " Start tarn with `tarn up`, or name its address with --endpoint or AWS_ENDPOINT_URL.");
  }
}

Value Client::call(std::string_view operation, const Value& input) {
  auto colon = operation.find(':');
  const api::Service* service = api::find_service(operation.substr(0, colon));
  TARN_ASSERT(service);
  if (service->protocol != api::Protocol::json) {
    const api::Operation* described = api::find_operation(*service, operation.substr(colon + 1));
    TARN_ASSERT(described);
    auto response = send(api::serialize_input(*service, *described, input), service->signing_name, {});
    if (response.status >= 300) throw api::parse_error(*service, service->protocol, response);
    return api::parse_output(*service, *described, response);
  }
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
  api::HttpTransfer transfer;
  if (upload) {
    transfer.upload = [upload](char* into, std::size_t size) { return std::fread(into, 1, size, upload); };
    transfer.upload_size_bytes = upload_size_bytes;
  }
  if (download)
    transfer.download = [download](std::string_view bytes) {
      return std::fwrite(bytes.data(), 1, bytes.size(), download) == bytes.size();
    };
  auto response = send({method, path, query, std::move(headers), std::move(body)}, "s3", transfer);
  if (response.status >= 300) {
    if (method != "HEAD") fail(response);  // else there is no body to tell why
    const std::string place = "s3:/" + path, status = std::to_string(response.status);
    if (response.status == 404) throw Error(ErrorKind::missing, "HTTP" + status, place + " is not there.");
    throw Error(ErrorKind::caller, "HTTP" + status,
                response.status == 403 ? place + " may not be read with these keys."
                                       : place + " was answered with status " + status + ".");
  }
  return response;
}

Value Client::local(const std::string& method, const std::string& path, const std::string& body) {
  auto response = send({method, path, "", {{"Content-Type", "application/json"}}, body}, "", {});
  if (response.status >= 300) fail(response);
  return parse_json(response.body);
}

}  // namespace tarn::cli
