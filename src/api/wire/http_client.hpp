// Sends requests over HTTP: the transport of the tarn command, and of what tarn keeps on other systems. libcurl.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "api/wire/message.hpp"

namespace tarn::api {

struct HttpLimits {
  int connect_timeout_s = 10;
  int stall_timeout_s = 0;  // a transfer that moves no byte so long fails; 0: waits for ever
};

// A body that does not pass through memory as a whole.
struct HttpTransfer {
  // Fills `into`; fewer bytes only at the end. Sent instead of the request's body.
  std::function<std::size_t(char* into, std::size_t size_bytes)> upload;
  uint64_t upload_size_bytes = 0;
  // Takes the body of an answer whose status is below 300, which the response then lacks; false ends the transfer.
  std::function<bool(std::string_view bytes)> download;
};

// One connection, kept open. One thread at a time.
class HttpClient {
 public:
  // "http://127.0.0.1:4566", without a path.
  explicit HttpClient(std::string endpoint, HttpLimits limits = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  std::string host() const;  // as the Host header has it

  // Sends as it is; a Host header is added where there is none. The answer, whatever its status. Where there is none:
  // Error (outside, Unreachable) when nothing accepts the connection, Error (outside, TransferFailed) otherwise.
  WireResponse send(const WireRequest& request, const HttpTransfer& transfer = {});

 private:
  std::string endpoint_;
  HttpLimits limits_;
  void* curl_;
};

}  // namespace tarn::api
