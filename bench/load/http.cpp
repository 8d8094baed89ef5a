#include "load/http.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace load {
namespace {

constexpr std::size_t buffer_size_bytes = 256 * 1024;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

std::string Response::header(std::string_view name) const {
  std::size_t at = head.find('\n');
  while (at != head.npos) {
    const std::size_t begin = at + 1, end = head.find('\n', begin);
    const std::string_view text = std::string_view(head).substr(begin, end == head.npos ? end : end - begin);
    if (text.size() > name.size() && text[name.size()] == ':' && lower(text.substr(0, name.size())) == name) {
      std::size_t first = name.size() + 1;
      while (first < text.size() && text[first] == ' ') ++first;
      std::string value(text.substr(first));
      while (!value.empty() && (value.back() == '\r' || value.back() == ' ')) value.pop_back();
      return value;
    }
    at = end;
  }
  return {};
}

Connection::Connection(std::string host, int port) : host_(std::move(host)), port_(port), buffer_(buffer_size_bytes) {}
Connection::~Connection() {
  close();
}

void Connection::connect() {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) fail(std::string("socket: ") + std::strerror(errno));
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval patience{60, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port_));
  if (inet_pton(AF_INET, host_.c_str(), &address.sin_addr) != 1) fail(host_ + " is no IPv4 address");
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const std::string why = std::strerror(errno);
    close();
    fail("connect: " + why);
  }
}

void Connection::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  at_ = end_ = 0;
}

void Connection::send(std::string_view head, std::string_view body) {
  iovec parts[2] = {{const_cast<char*>(head.data()), head.size()}, {const_cast<char*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = body.empty() ? 1 : 2;
  while (message.msg_iovlen) {
    ssize_t sent = sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) fail(std::string("send: ") + std::strerror(errno));
    while (message.msg_iovlen && sent >= static_cast<ssize_t>(message.msg_iov->iov_len)) {
      sent -= static_cast<ssize_t>(message.msg_iov->iov_len);
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen) {
      message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + sent;
      message.msg_iov->iov_len -= static_cast<std::size_t>(sent);
    }
  }
}

bool Connection::fill() {
  if (at_ == end_) {
    at_ = end_ = 0;
  } else if (end_ == buffer_.size()) {
    if (at_ == 0) fail("a line of the answer is too long");
    std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
    end_ -= at_;
    at_ = 0;
  }
  ssize_t got;
  do {
    got = recv(socket_, buffer_.data() + end_, buffer_.size() - end_, 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail(std::string("receive: ") + std::strerror(errno));
  end_ += static_cast<std::size_t>(got);
  return got > 0;
}

std::string_view Connection::line() {
  std::size_t searched = 0;
  while (true) {
    const char* begin = buffer_.data() + at_;
    if (const void* found = std::memchr(begin + searched, '\n', end_ - at_ - searched)) {
      const auto size = static_cast<std::size_t>(static_cast<const char*>(found) - begin) + 1;
      at_ += size;
      return {begin, size};
    }
    searched = end_ - at_;
    if (!fill()) fail("the server closed the connection");
  }
}

void Connection::body_of_size(Response& response, uint64_t size, bool keep) {
  response.size_bytes += size;
  while (size) {
    if (at_ == end_ && !fill()) fail("the answer was cut off");
    const std::size_t take = static_cast<std::size_t>(std::min<uint64_t>(size, end_ - at_));
    if (keep) response.body.append(buffer_.data() + at_, take);
    at_ += take;
    size -= take;
  }
}

void Connection::chunked_body(Response& response, bool keep) {
  while (true) {
    const uint64_t size = std::stoull(std::string(line()), nullptr, 16);
    if (size == 0) break;
    body_of_size(response, size, keep);
    line();
  }
  while (line().size() > 2) continue;  // trailers
}

Response Connection::exchange(std::string_view head, std::string_view body, bool keep_body) {
  if (socket_ < 0) connect();
  try {
    send(head, body);
    Response response;
    do {
      response.head.clear();
      while (true) {
        const std::string_view text = line();
        if (text == "\r\n") break;
        response.head += text;
      }
      if (response.head.size() < 12 || !response.head.starts_with("HTTP/1.")) fail("no HTTP/1 answer");
      response.status = std::stoi(response.head.substr(9, 3));
    } while (response.status == 100);
    const bool keep = keep_body || response.status >= 300;
    const bool has_body = !head.starts_with("HEAD ") && response.status != 204 && response.status != 304;
    if (has_body && lower(response.header("transfer-encoding")) == "chunked")
      chunked_body(response, keep);
    else if (const std::string length = response.header("content-length"); has_body && !length.empty())
      body_of_size(response, std::stoull(length), keep);
    if (lower(response.header("connection")) == "close") close();
    return response;
  } catch (...) {
    close();
    throw;
  }
}

}  // namespace load
