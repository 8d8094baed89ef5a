// Requests that a browser sends for a page of another origin (the Fetch standard's CORS protocol), as S3 answers them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/message.hpp"

namespace tarn::gateway {

struct CrossOriginRequest {
  std::string_view origin;
  std::string_view method;           // of the request, or the one that a preflight asks about
  std::vector<std::string> headers;  // those that a preflight asks about
  bool preflight = false;
};

struct CrossOriginAnswer {
  bool enabled = false;                 // the bucket has rules
  std::optional<api::Headers> headers;  // of the answer, where a rule lets the request through
};

// What the rules of `bucket` say. Thread-safe.
using CrossOrigin = std::function<CrossOriginAnswer(std::string_view bucket, const CrossOriginRequest& request)>;

}  // namespace tarn::gateway
