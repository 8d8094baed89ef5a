// The body of a request as it comes off the connection, by its framing (RFC 9112, section 6): Content-Length or
// chunked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/operations.hpp"
#include "gateway/http/connection.hpp"
#include "gateway/http/head.hpp"

namespace tarn::gateway {

// The first read answers "Expect: 100-continue". A client that closes early throws Error (caller, IncompleteBody); one
// that stalls Error (caller, RequestTimeout); malformed chunks Error (caller, BadRequest). One thread; the connection
// outlives it.
class HttpBody : public api::BodySource {
 public:
  HttpBody(Connection& connection, const RequestHead& head);

  std::size_t read(char* into, std::size_t size_bytes) override;
  std::optional<uint64_t> size_bytes() const override { return size_bytes_; }

  // Reads on to the end if no more than `at_most_bytes` remain and nothing failed. False: the connection can't be used
  // again.
  bool drain(uint64_t at_most_bytes);
  uint64_t received_bytes() const { return received_bytes_; }

 private:
  std::size_t read_chunked(char* into, std::size_t size_bytes);
  std::string read_line();
  void next_chunk();

  Connection& connection_;
  std::optional<uint64_t> size_bytes_;  // absent: chunked
  uint64_t remaining_bytes_;            // of the body, or of the present chunk
  uint64_t received_bytes_ = 0;
  bool first_chunk_ = true;
  bool ended_ = false;
  bool failed_ = false;
  bool continue_pending_;
};

// All bytes of `source`. More than `at_most_bytes` throws Error (limit, RequestEntityTooLarge).
std::string read_all(api::BodySource& source, uint64_t at_most_bytes);

}  // namespace tarn::gateway
