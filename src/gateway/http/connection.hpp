// One client's connection: a non-blocking socket with the bytes that have arrived but are not used yet. Owned by one
// thread at a time: by the event loop while it waits for a request, by a worker while the request is answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tarn::gateway {

class Connection {
 public:
  // Takes the socket over, and closes it at the end.
  Connection(int fd, std::string peer_ip);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  const std::string& peer_ip() const { return peer_ip_; }

  // ---- what has arrived ----
  std::string_view buffered() const { return std::string_view(buffer_).substr(begin_); }
  void consume(std::size_t size_bytes);

  enum class Arrival { bytes, nothing, closed };
  // Adds to the buffer what has arrived by now, without waiting.
  Arrival fill();
  // The same, waiting for it; `nothing` means that none came in time.
  Arrival wait_and_fill(int timeout_s);
  // Reads into `into`: from the buffer first, else from the socket, waiting. 0: the client closed. Nothing in time
  // throws Error (caller, RequestTimeout).
  std::size_t receive(char* into, std::size_t size_bytes, int timeout_s);

  // Whether the client has closed its side; what it sent before stays to be read.
  bool has_hung_up() const;

  // ---- sending. False when the client has gone or takes nothing for `timeout_s` ----
  bool send(std::string_view first, std::string_view second, int timeout_s);
  bool send_file(int fd, uint64_t offset_bytes, uint64_t size_bytes, int timeout_s);
  // Sends what the socket takes at once; returns how much, or -1 when the client has gone.
  std::ptrdiff_t try_send(std::string_view bytes);
  // Tells the client that no more comes and waits a little for it to finish, so that a response sent before its whole
  // request was read reaches it.
  void linger();
  // Ends all transfers, from any thread; the owner finds the connection closed.
  void shut_down();

 private:
  bool wait(short events, int timeout_s) const;

  int fd_;
  std::string peer_ip_;
  std::string buffer_;
  std::size_t begin_ = 0;
};

}  // namespace tarn::gateway
