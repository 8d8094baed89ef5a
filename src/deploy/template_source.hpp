// Where a template's text comes from: the request itself, or an object that a URL names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"

namespace tarn::deploy {

struct ObjectPlace {
  std::string bucket, key, version_id;
};
// What a URL of S3's names: "s3://bucket/key", paths and virtual hosts of amazonaws.com and of `endpoint`
// ("http://127.0.0.1:4566"). Absent when it names no object.
std::optional<ObjectPlace> parse_object_url(std::string_view url, std::string_view endpoint);

// Whoever asks, and where tarn answers.
struct Asking {
  api::Operations& operations;
  Clock& clock;
  Random& random;
  api::Principal principal;
  std::string region, endpoint;
};

// The object's text, read as `asking`. Throws Error (caller, ValidationError) in CloudFormation's words.
std::string fetch_text(const Asking& asking, const std::string& url, std::size_t max_size_bytes);

// The template of a request. One too large, none, or two throw Error (caller, ValidationError).
std::string template_text(const Asking& asking, const std::optional<std::string>& body,
                          const std::optional<std::string>& url);

// A stack policy's text; absent where the request has none.
std::optional<std::string> policy_text(const Asking& asking, const std::optional<std::string>& body,
                                       const std::optional<std::string>& url);

}  // namespace tarn::deploy
