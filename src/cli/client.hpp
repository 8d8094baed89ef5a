// Speaks to a tarn (or to AWS) as any SDK does: signed requests over HTTP. What the client commands are made of.
#pragma once

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/wire/http_client.hpp"
#include "base/value.hpp"

namespace tarn::cli {

// Where to speak to, and as whom.
struct Target {
  std::string endpoint;  // "http://127.0.0.1:4566"
  std::string region;
  std::string access_key_id, secret_access_key, session_token;
};

// From the options given, else the environment (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID ...), else the profile
// in ~/.aws, else 127.0.0.1:4566 with a key that tarn takes as the account's root. A profile that is named but absent
// throws Error (caller).
Target find_target(const std::string& endpoint_option, const std::string& profile_option);

// One connection, kept open. Not thread-safe. What can't be reached throws Error (outside, Unreachable) that says where
// it looked; an AWS error answer throws Error with its code and message.
class Client {
 public:
  explicit Client(Target target);
  ~Client();
  Client(const Client&) = delete;

  const Target& target() const { return target_; }

  // An operation ("athena:StartQueryExecution") that streams no body.
  Value call(std::string_view operation, const Value& input);

  // A request to S3. `path` is "/bucket/key", percent-encoded; a body may come from `upload` (`upload_size_bytes` of
  // it), and a good answer's body may go to `download` instead of the response.
  api::WireResponse s3(const std::string& method, const std::string& path, const std::string& query = {},
                       std::string body = {}, api::Headers headers = {}, std::FILE* upload = nullptr,
                       uint64_t upload_size_bytes = 0, std::FILE* download = nullptr);

  // An unsigned request to a path of tarn's own ("/_tarn/health"); its JSON.
  Value local(const std::string& method, const std::string& path, const std::string& body = {});

 private:
  api::WireResponse send(api::WireRequest request, std::string_view signing_name, const api::HttpTransfer& transfer);

  Target target_;
  api::HttpClient http_;
};

}  // namespace tarn::cli
