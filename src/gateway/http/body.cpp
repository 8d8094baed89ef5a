#include "gateway/http/body.hpp"

#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::gateway {
namespace {

constexpr std::size_t max_chunk_line_size_bytes = 4096;

[[noreturn]] void incomplete() {
  throw Error(ErrorKind::caller, "IncompleteBody",
              "You did not provide the number of bytes specified by the Content-Length HTTP header.");
}

}  // namespace

HttpBody::HttpBody(Connection& connection, const RequestHead& head)
    : connection_(connection),
      remaining_bytes_(head.content_length.value_or(0)),
      continue_pending_(head.expects_continue && head.has_body()) {
  if (!head.chunked) size_bytes_ = remaining_bytes_;
  ended_ = !head.has_body();
}

std::size_t HttpBody::read(char* into, std::size_t size_bytes) {
  if (ended_ || size_bytes == 0) return 0;
  if (failed_) incomplete();
  failed_ = true;  // until this read is through: a connection that failed once is in an unknown state
  if (continue_pending_) {
    continue_pending_ = false;
    if (connection_.buffered().empty() &&
        !connection_.send("HTTP/1.1 100 Continue\r\n\r\n", "", limits::body_read_timeout_s))
      incomplete();
  }
  std::size_t got;
  if (size_bytes_) {
    got = connection_.receive(into, std::min<uint64_t>(size_bytes, remaining_bytes_), limits::body_read_timeout_s);
    if (got == 0) incomplete();
    remaining_bytes_ -= got;
    ended_ = remaining_bytes_ == 0;
  } else {
    got = read_chunked(into, size_bytes);
  }
  received_bytes_ += got;
  failed_ = false;
  return got;
}

std::size_t HttpBody::read_chunked(char* into, std::size_t size_bytes) {
  if (remaining_bytes_ == 0) next_chunk();
  if (ended_) return 0;
  std::size_t got =
      connection_.receive(into, std::min<uint64_t>(size_bytes, remaining_bytes_), limits::body_read_timeout_s);
  if (got == 0) incomplete();
  remaining_bytes_ -= got;
  return got;
}

// Reads the line that begins the next chunk, and after the last one the trailer section, which nobody reads here.
void HttpBody::next_chunk() {
  if (!first_chunk_ && !read_line().empty())
    throw Error(ErrorKind::caller, "BadRequest", "A chunk of the body is longer than it says.");
  first_chunk_ = false;
  std::string line = read_line();
  std::size_t digits = std::min(line.find_first_of("; \t"), line.size());
  auto [end, error] = std::from_chars(line.data(), line.data() + digits, remaining_bytes_, 16);
  if (digits == 0 || error != std::errc() || end != line.data() + digits)
    throw Error(ErrorKind::caller, "BadRequest", "The size of a chunk of the body is malformed.");
  if (remaining_bytes_ > 0) return;
  std::size_t trailers_size_bytes = 0;
  while (!(line = read_line()).empty())
    if ((trailers_size_bytes += line.size()) > limits::max_request_head_size_bytes)
      throw Error(ErrorKind::caller, "BadRequest", "The trailers of the body are too long.");
  ended_ = true;
}

std::string HttpBody::read_line() {
  while (true) {
    std::string_view ready = connection_.buffered();
    if (auto end = ready.find('\n'); end != std::string_view::npos) {
      if (end == 0 || ready[end - 1] != '\r')
        throw Error(ErrorKind::caller, "BadRequest", "Lines between the chunks of a body must end in CR LF.");
      std::string line(ready.substr(0, end - 1));
      connection_.consume(end + 1);
      return line;
    }
    if (ready.size() > max_chunk_line_size_bytes)
      throw Error(ErrorKind::caller, "BadRequest", "A line between the chunks of the body is too long.");
    auto arrival = connection_.wait_and_fill(limits::body_read_timeout_s);
    if (arrival == Connection::Arrival::closed) incomplete();
    if (arrival == Connection::Arrival::nothing)
      throw Error(ErrorKind::caller, "RequestTimeout",
                  "Your socket connection to the server was not read from or written to within the timeout period.");
  }
}

bool HttpBody::drain(uint64_t at_most_bytes) {
  if (ended_) return true;
  // A client that still waits for "100 Continue" may or may not send its body now: only a new connection is sure.
  if (failed_ || continue_pending_ || (size_bytes_ && remaining_bytes_ > at_most_bytes)) return false;
  try {
    char unused[16384];
    uint64_t drained = 0;
    while (std::size_t got = read(unused, sizeof unused))
      if ((drained += got) > at_most_bytes) return false;
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::string read_all(api::BodySource& source, uint64_t at_most_bytes) {
  auto too_large = [&] {
    throw Error(ErrorKind::limit, "RequestEntityTooLarge",
                "The request's body may have at most " + std::to_string(at_most_bytes) + " bytes.");
  };
  std::string out;
  if (auto size = source.size_bytes()) {
    if (*size > at_most_bytes) too_large();
    out.reserve(std::min<uint64_t>(*size, 1 << 20));
  }
  while (true) {
    std::size_t had = out.size(), room = std::max<std::size_t>(out.capacity() - had, 4096);
    out.resize(had + room);
    std::size_t got = source.read(out.data() + had, room);
    out.resize(had + got);
    if (got == 0) return out;
    if (out.size() > at_most_bytes) too_large();
  }
}

}  // namespace tarn::gateway
