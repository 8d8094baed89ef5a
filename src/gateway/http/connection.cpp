#include "gateway/http/connection.hpp"

#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/error.hpp"

namespace tarn::gateway {
namespace {

constexpr std::size_t first_read_size_bytes = 4096;  // most request heads fit
constexpr std::size_t later_read_size_bytes = 65536;
constexpr std::size_t kept_buffer_size_bytes = 16384;  // an idle connection keeps no more

}  // namespace

Connection::Connection(int fd, std::string peer_ip) : fd_(fd), peer_ip_(std::move(peer_ip)) {}
Connection::~Connection() {
  ::close(fd_);
}

void Connection::consume(std::size_t size_bytes) {
  begin_ += size_bytes;
  TARN_ASSERT(begin_ <= buffer_.size());
  if (begin_ < buffer_.size()) return;
  begin_ = 0;
  buffer_.clear();
  if (buffer_.capacity() > kept_buffer_size_bytes) buffer_.shrink_to_fit();
}

Connection::Arrival Connection::fill() {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  const std::size_t had = buffer_.size(), room = had == 0 ? first_read_size_bytes : later_read_size_bytes;
  buffer_.resize(had + room);
  ssize_t got;
  do {
    got = ::recv(fd_, buffer_.data() + had, room, 0);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got > 0) return Arrival::bytes;
  return got < 0 && (error == EAGAIN || error == EWOULDBLOCK) ? Arrival::nothing : Arrival::closed;
}

Connection::Arrival Connection::wait_and_fill(int timeout_s) {
  while (true) {
    Arrival arrival = fill();
    if (arrival != Arrival::nothing) return arrival;
    if (!wait(POLLIN, timeout_s)) return Arrival::nothing;
  }
}

std::size_t Connection::receive(char* into, std::size_t size_bytes, int timeout_s) {
  if (std::string_view ready = buffered(); !ready.empty()) {
    std::size_t n = std::min(size_bytes, ready.size());
    std::memcpy(into, ready.data(), n);
    consume(n);
    return n;
  }
  while (true) {
    ssize_t got = ::recv(fd_, into, size_bytes, 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return 0;
    if (!wait(POLLIN, timeout_s))
      throw Error(ErrorKind::caller, "RequestTimeout",
                  "Your socket connection to the server was not read from or written to within the timeout period.");
  }
}

bool Connection::send(std::string_view first, std::string_view second, int timeout_s) {
  while (!first.empty() || !second.empty()) {
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                      {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = first.empty() ? parts + 1 : parts;
    message.msg_iovlen = (first.empty() ? 0u : 1u) + (second.empty() ? 0u : 1u);
    ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait(POLLOUT, timeout_s)) return false;
      continue;
    }
    std::size_t n = static_cast<std::size_t>(sent), of_first = std::min(n, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(n - of_first);
  }
  return true;
}

bool Connection::send_file(int fd, uint64_t offset_bytes, uint64_t size_bytes, int timeout_s) {
  off_t offset = static_cast<off_t>(offset_bytes);
  while (size_bytes > 0) {
    ssize_t sent = ::sendfile(fd_, fd, &offset, std::min<uint64_t>(size_bytes, 1u << 30));
    if (sent > 0) {
      size_bytes -= static_cast<uint64_t>(sent);
    } else if (sent == 0) {
      return false;  // the file is shorter than its record says: the client must see a short body, never a padded one
    } else if (errno != EINTR && ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait(POLLOUT, timeout_s))) {
      return false;
    }
  }
  return true;
}

std::ptrdiff_t Connection::try_send(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    ssize_t sent = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent >= 0) {
      done += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return static_cast<std::ptrdiff_t>(done);
}

void Connection::linger() {
  using namespace std::chrono;
  ::shutdown(fd_, SHUT_WR);
  char unused[65536];
  const auto until = steady_clock::now() + seconds(5);
  while (steady_clock::now() < until && wait(POLLIN, 1)) {
    ssize_t got = ::recv(fd_, unused, sizeof unused, 0);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return;
  }
}

void Connection::shut_down() {
  ::shutdown(fd_, SHUT_RDWR);
}

bool Connection::has_hung_up() const {
  char byte;
  ssize_t got = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool Connection::wait(short events, int timeout_s) const {
  pollfd waiting{fd_, events, 0};
  while (true) {
    int ready = ::poll(&waiting, 1, timeout_s * 1000);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace tarn::gateway
