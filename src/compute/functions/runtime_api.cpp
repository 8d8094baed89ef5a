#include "compute/functions/runtime_api.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/error.hpp"
#include "compute/functions/limits.hpp"

namespace tarn::compute {
namespace {

constexpr std::size_t max_head_size_bytes = 2 * 1024 * 1024;  // runtimes send the fault of an error in a header
constexpr std::size_t max_body_slack_bytes = 64 * 1024;

[[noreturn]] void broken(const char* why) {
  throw Error(ErrorKind::caller, "InvalidRequest", std::string("The request is broken: ") + why + ".");
}
[[noreturn]] void too_large() {
  throw Error(ErrorKind::limit, "RequestEntityTooLarge", "The body is too large.");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

uint64_t parse_number(std::string_view text, int base) {
  uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (error != std::errc() || end != text.data() + text.size()) broken("a length is no number");
  return out;
}

void read_head(std::string_view head, RuntimeRequest& out) {
  const std::size_t first = std::min(head.find("\r\n"), head.size());
  std::string_view line = head.substr(0, first);
  const std::size_t space = line.find(' '), second = line.rfind(' ');
  if (space == line.npos || second == space || !line.substr(second + 1).starts_with("HTTP/1."))
    broken("its first line");
  out.method = line.substr(0, space);
  out.path = line.substr(space + 1, second - space - 1);
  head.remove_prefix(std::min(first + 2, head.size()));
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon == line.npos) broken("a header has no colon");
    out.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
    head.remove_prefix(std::min(end + 2, head.size()));
  }
}

// Chunks of a body whose length was not told; absent: more to come. Adds to `size` what they took.
std::optional<std::string> read_chunks(std::string_view bytes, uint64_t max_size_bytes, std::size_t& size) {
  std::string out;
  const std::size_t all = bytes.size();
  for (;;) {
    const std::size_t end = bytes.find("\r\n");
    if (end == bytes.npos) {
      if (bytes.size() > 1024) broken("a chunk's length");
      return std::nullopt;
    }
    std::string_view digits = trimmed(bytes.substr(0, end));
    digits = trimmed(digits.substr(0, digits.find(';')));
    if (digits.empty()) broken("a chunk's length");
    const uint64_t chunk = parse_number(digits, 16);
    if (chunk > max_size_bytes - std::min<uint64_t>(out.size(), max_size_bytes)) too_large();
    bytes.remove_prefix(end + 2);
    if (chunk == 0) {
      // Trailers, up to an empty line.
      for (;;) {
        const std::size_t line = bytes.find("\r\n");
        if (line == bytes.npos) return std::nullopt;
        bytes.remove_prefix(line + 2);
        if (line == 0) break;
      }
      size += all - bytes.size();
      return out;
    }
    if (bytes.size() < chunk + 2) return std::nullopt;
    out.append(bytes.substr(0, chunk));
    if (bytes.substr(chunk, 2) != "\r\n") broken("a chunk does not end");
    bytes.remove_prefix(chunk + 2);
  }
}

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 413:
      return "Payload Too Large";
    default:
      return "Error";
  }
}

}  // namespace

std::string RuntimeRequest::header(const std::string& lower_name) const {
  auto it = headers.find(lower_name);
  return it == headers.end() ? std::string() : it->second;
}

std::optional<RuntimeRequest> read_runtime_request(std::string_view bytes, uint64_t max_body_size_bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) {
    if (bytes.size() > max_head_size_bytes) broken("its head is too long");
    return std::nullopt;
  }
  RuntimeRequest out;
  read_head(bytes.substr(0, end), out);
  out.size_bytes = end + 4;
  std::string_view rest = bytes.substr(end + 4);
  if (lower(out.header("transfer-encoding")) == "chunked") {
    auto body = read_chunks(rest, max_body_size_bytes, out.size_bytes);
    if (!body) return std::nullopt;
    out.body = std::move(*body);
    return out;
  }
  const std::string length = out.header("content-length");
  const uint64_t size = length.empty() ? 0 : parse_number(length, 10);
  if (size > max_body_size_bytes) too_large();
  if (rest.size() < size) return std::nullopt;
  out.body = rest.substr(0, size);
  out.size_bytes += size;
  return out;
}

RuntimeApi::RuntimeApi(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, static_cast<int>(limits::max_runtime_connections)) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    const int error = errno;
    if (listener_ >= 0) ::close(listener_);
    throw Error(ErrorKind::bug, "InternalFailure",
                std::string("tarn could not listen for a runtime: ") + std::strerror(error));
  }
  port_ = ntohs(address.sin_port);
}

RuntimeApi::~RuntimeApi() {
  for (Connection& c : connections_)
    if (c.fd >= 0) ::close(c.fd);
  ::close(listener_);
}

std::string RuntimeApi::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void RuntimeApi::add_polls(std::vector<pollfd>& polls) const {
  // One that comes while there are too many waits in the listener's queue.
  polls.push_back({connections_.size() < limits::max_runtime_connections ? listener_ : -1, POLLIN, 0});
  for (const Connection& c : connections_)
    polls.push_back({c.fd, static_cast<short>(c.out.empty() ? POLLIN : POLLIN | POLLOUT), 0});
}

void RuntimeApi::serve(const pollfd* polls, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    Connection& c = connections_[i - 1];
    if (polls[i].revents & POLLOUT) write_to(c);
    if (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) read_from(c);
  }
  if (polls[0].revents) accept_one();
  std::erase_if(connections_, [](const Connection& c) { return c.fd < 0; });
}

void RuntimeApi::accept_one() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  connections_.push_back({++last_id_, fd, {}, {}});
}

void RuntimeApi::close(Connection& c) {
  if (c.fd >= 0) ::close(c.fd);
  c.fd = -1;
}

void RuntimeApi::read_from(Connection& c) {
  std::array<char, 64 * 1024> buffer;
  while (c.fd >= 0) {
    const ssize_t n = ::recv(c.fd, buffer.data(), buffer.size(), 0);
    if (n > 0) {
      c.in.append(buffer.data(), static_cast<std::size_t>(n));
      if (static_cast<std::size_t>(n) < buffer.size()) break;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      return close(c);
    } else if (errno == EAGAIN) {
      break;
    }
  }
  handle_input(c);
}

void RuntimeApi::handle_input(Connection& c) {
  while (c.fd >= 0 && !c.closing && !c.in.empty()) {
    try {
      auto request = read_runtime_request(c.in, limits::max_invoke_response_size_bytes + max_body_slack_bytes);
      if (!request) {
        if (!c.continued && c.in.find("\r\n\r\n") != c.in.npos &&
            lower(c.in.substr(0, c.in.find("\r\n\r\n"))).find("expect: 100-continue") != std::string::npos) {
          c.continued = true;
          c.out += "HTTP/1.1 100 Continue\r\n\r\n";
          write_to(c);
        }
        return;
      }
      c.in.erase(0, request->size_bytes);
      c.continued = false;
      if (lower(request->header("connection")) == "close") c.closing = true;
      handler_.request(c.id, *request);
    } catch (const Error& e) {
      const bool large = e.kind() == ErrorKind::limit;
      const std::size_t space = c.in.find(' ');
      const std::string path = c.in.substr(space + 1, c.in.find(' ', space + 1) - space - 1);
      c.closing = true;
      c.in.clear();
      answer(c.id, large ? 413 : 400, {{"Content-Type", "application/json"}},
             "{\"errorMessage\":\"" + std::string(large ? "Exceeded maximum allowed payload size" : "Invalid request") +
                 "\",\"errorType\":\"" + std::string(large ? "RequestEntityTooLarge" : "InvalidRequest") + "\"}");
      if (large) handler_.too_large(path);
    }
  }
}

void RuntimeApi::answer(uint64_t connection, int status, const Headers& headers, std::string_view body) {
  auto c =
      std::find_if(connections_.begin(), connections_.end(), [&](const Connection& o) { return o.id == connection; });
  if (c == connections_.end() || c->fd < 0) return;
  std::string& out = c->out;
  out += "HTTP/1.1 " + std::to_string(status) + " " + reason(status) + "\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  out += body;
  write_to(*c);
}

void RuntimeApi::write_to(Connection& c) {
  std::size_t written = 0;
  while (c.fd >= 0 && written < c.out.size()) {
    const ssize_t n = ::send(c.fd, c.out.data() + written, c.out.size() - written, MSG_NOSIGNAL);
    if (n > 0)
      written += static_cast<std::size_t>(n);
    else if (errno == EAGAIN)
      break;
    else if (errno != EINTR)
      return close(c);
  }
  c.out.erase(0, written);
  if (c.out.empty() && c.closing) close(c);
}

}  // namespace tarn::compute
