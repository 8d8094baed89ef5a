// The HTTP that a runtime speaks to its environment ("Using the Lambda runtime API"): a server on a loopback port of
// its own, served by the thread that owns it.
#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarn::compute {

struct RuntimeRequest {
  std::string method, path, body;
  std::map<std::string, std::string> headers;  // names in lower case
  std::size_t size_bytes = 0;                  // head and body, as they came
  // Empty where there is no such header.
  std::string header(const std::string& lower_name) const;
};

// The request that `bytes` begin with; absent when more must come. Throws Error (caller) for what is no request, and
// Error (limit) where its body is larger than `max_body_size_bytes`.
std::optional<RuntimeRequest> read_runtime_request(std::string_view bytes, uint64_t max_body_size_bytes);

// Used by one thread.
class RuntimeApi {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  // Told each request; `connection` is what answer() wants. `broken` is told instead where a body was too large.
  struct Handler {
    std::function<void(uint64_t connection, const RuntimeRequest&)> request;
    std::function<void(const std::string& path)> too_large;
  };

  // Listens. Throws Error (bug) where the system has no socket left.
  explicit RuntimeApi(Handler handler);
  ~RuntimeApi();
  RuntimeApi(const RuntimeApi&) = delete;

  // "127.0.0.1:PORT"
  std::string address() const;
  // What poll() waits at; serve() wants the same entries back, with what came.
  void add_polls(std::vector<pollfd>& polls) const;
  void serve(const pollfd* polls, std::size_t count);
  void answer(uint64_t connection, int status, const Headers& headers, std::string_view body);

 private:
  struct Connection {
    uint64_t id;
    int fd;
    std::string in, out;
    bool closing = false;    // once `out` is written
    bool continued = false;  // "100 Continue" was said to the request that is coming
  };
  void accept_one();
  void read_from(Connection& c);
  void handle_input(Connection& c);
  void write_to(Connection& c);
  void close(Connection& c);

  Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  uint64_t last_id_ = 0;
  std::vector<Connection> connections_;
};

}  // namespace tarn::compute
