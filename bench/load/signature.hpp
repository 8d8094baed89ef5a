// Signature Version 4 of one client, as AWS's "Signature Version 4 signing process" describes it, quick enough not to
// be what is measured.
#pragma once

#include <string>
#include <string_view>

namespace load {

// Lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);
std::string md5_base64(std::string_view bytes);

// Signs for one key, region and service. One per thread: the day's signing key is kept between calls.
class Signer {
 public:
  Signer(std::string access_key, std::string secret_key, std::string region);

  // The headers of a signed request without Content-Length, each with its line end: Host, x-amz-date,
  // x-amz-content-sha256, Authorization. `path` and `query` as they go over the wire: encoded, the query sorted by name
  // and each name with its "=".
  std::string headers(std::string_view method, std::string_view host, std::string_view path, std::string_view query,
                      std::string_view body_sha256);

 private:
  void take_day(std::string_view day);

  std::string access_key_, secret_key_, region_;
  std::string day_, key_;
};

}  // namespace load
