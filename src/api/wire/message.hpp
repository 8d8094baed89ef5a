// An HTTP request and response as the protocol walkers see them: plain data, free of any HTTP library. The gateway
// fills and empties them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarn::api {

// In the order received; a name may stand several times.
using Headers = std::vector<std::pair<std::string, std::string>>;

// Whether two header names are the same (ASCII letters of either case are).
bool same_header(std::string_view a, std::string_view b);
// The first header of that name, or nullptr.
const std::string* find_header(const Headers& headers, std::string_view name);
// Replaces every header of that name by one.
void set_header(Headers& headers, std::string_view name, std::string value);

struct WireRequest {
  std::string method;  // upper case: "GET"
  std::string path;    // raw, still percent-encoded: "/bucket/a%20key"; absolute-form targets are cut to their path by
                       // the gateway
  std::string query;   // raw, without the '?'
  Headers headers;
  std::string body;  // empty where the operation streams its payload: that travels in Context::request_body

  const std::string* header(std::string_view name) const { return find_header(headers, name); }
};

struct WireResponse {
  int status = 200;
  Headers headers;  // no Content-Length, Date, Connection or Server: the gateway writes those
  std::string body;
  // The operation's output has a streaming payload: the body is Context::response_body and `body` is empty. The headers
  // then lack Content-Length, which the gateway takes from the stream.
  bool has_streaming_body = false;

  const std::string* header(std::string_view name) const { return find_header(headers, name); }
};

}  // namespace tarn::api
