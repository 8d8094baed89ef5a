// The head of an HTTP/1.1 request (RFC 9112), parsed strictly: what two readers could understand differently is
// refused, so that nothing can be smuggled past a proxy (bare line feeds, folded lines, both Content-Length and
// Transfer-Encoding, differing lengths).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "api/wire/message.hpp"

namespace tarn::gateway {

struct RequestHead {
  api::WireRequest request;  // its body is empty
  bool version_1_1 = true;   // else 1.0
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;  // Transfer-Encoding: chunked
  std::optional<uint64_t> content_length;

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// The size in bytes of the request head that `bytes` begins with, its empty line included; 0 when its end is not there
// yet. Nothing before `searched` (of an earlier call on fewer of the same bytes) is looked at again.
std::size_t find_head_end(std::string_view bytes, std::size_t searched = 0);

// Parses what find_head_end() found. Throws Error (caller, BadRequest) that says what is wrong, or Error (unsupported,
// NotImplemented) for a transfer coding or HTTP version that tarn does not speak.
RequestHead parse_head(std::string_view text);

}  // namespace tarn::gateway
