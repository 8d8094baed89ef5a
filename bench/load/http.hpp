// One kept-alive HTTP/1.1 connection with blocking calls: what a load client needs and no more.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace load {

struct Response {
  int status = 0;
  std::string head;         // with the status line
  std::string body;         // only when it was asked for
  uint64_t size_bytes = 0;  // of the body

  // Empty where the header is missing. `name` in lower case.
  std::string header(std::string_view name) const;
};

// Not for several threads. Throws std::runtime_error when the server breaks HTTP or does not answer within a minute.
class Connection {
 public:
  Connection(std::string host, int port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends `head` (with its empty line) and `body` and reads the whole answer; connects first where no connection
  // stands. `keep_body`: an answer of status 300 and above is kept in any case.
  Response exchange(std::string_view head, std::string_view body, bool keep_body);

 private:
  void connect();
  void close();
  void send(std::string_view head, std::string_view body);
  bool fill();  // more bytes into `buffer_`; false at the end of the stream
  std::string_view line();
  void body_of_size(Response& response, uint64_t size, bool keep);
  void chunked_body(Response& response, bool keep);

  const std::string host_;
  const int port_;
  int socket_ = -1;
  std::vector<char> buffer_;
  std::size_t at_ = 0, end_ = 0;  // what is read and not yet taken
};

}  // namespace load
