// Whole requests: "METHOD target", header lines, an empty line, the body. Routed, parsed, validated; what is refused is
// answered.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/validate.hpp"
#include "api/wire/codec.hpp"

namespace {

std::string_view take_line(std::string_view& text) {
  std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

tarn::api::WireRequest read_request(std::string_view text) {
  tarn::api::WireRequest out;
  std::string_view first = take_line(text);
  std::size_t space = first.find(' ');
  out.method = first.substr(0, space);
  std::string_view target = space == std::string_view::npos ? std::string_view("/") : first.substr(space + 1);
  std::size_t question = target.find('?');
  out.path = target.substr(0, question);
  if (question != std::string_view::npos) out.query = target.substr(question + 1);
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (line.empty()) break;
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    out.headers.emplace_back(line.substr(0, colon), value);
  }
  out.body = text;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  api::WireRequest request = read_request({reinterpret_cast<const char*>(data), size});
  const std::vector<std::string> names = {"localhost"};
  api::RouteHints hints;
  hints.endpoint_names = names;
  hints.bucket_exists = [](std::string_view bucket) { return bucket == "public"; };
  auto route = api::route(request, hints);
  if (!route) {
    if (api::serialize_unknown(request, "id").status != 501) abort();
    return 0;
  }
  if (!route->operation) {
    api::serialize_error(*route, *route->refusal, "id", request.method, request.path);
    return 0;
  }
  try {
    Value input = api::parse_input(*route, request);
    api::validate(*route->service, *route->operation, input);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::bug) abort();
    if (api::serialize_error(*route, error, "id", request.method, request.path).status < 400) abort();
  }
  return 0;
}
