#include "load/signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctime>

namespace load {
namespace {

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, kind, nullptr);
  return {reinterpret_cast<char*>(out), size};
}

std::string hmac(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
       bytes.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) {
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  return hex(digest(EVP_sha256(), bytes));
}

std::string md5_base64(std::string_view bytes) {
  const std::string raw = digest(EVP_md5(), bytes);
  unsigned char out[32];
  const int size =
      EVP_EncodeBlock(out, reinterpret_cast<const unsigned char*>(raw.data()), static_cast<int>(raw.size()));
  return {reinterpret_cast<char*>(out), static_cast<std::size_t>(size)};
}

Signer::Signer(std::string access_key, std::string secret_key, std::string region)
    : access_key_(std::move(access_key)), secret_key_(std::move(secret_key)), region_(std::move(region)) {}

void Signer::take_day(std::string_view day) {
  if (day_ == day) return;
  day_ = day;
  key_ = hmac(hmac(hmac(hmac("AWS4" + secret_key_, day_), region_), "s3"), "aws4_request");
}

std::string Signer::headers(std::string_view method, std::string_view host, std::string_view path,
                            std::string_view query, std::string_view body_sha256) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char stamp[20];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  take_day({stamp, 8});
  static constexpr std::string_view signed_headers = "host;x-amz-content-sha256;x-amz-date";
  std::string canonical;
  canonical.append(method).append("\n").append(path).append("\n").append(query).append("\nhost:").append(host);
  canonical.append("\nx-amz-content-sha256:").append(body_sha256).append("\nx-amz-date:").append(stamp);
  canonical.append("\n\n").append(signed_headers).append("\n").append(body_sha256);
  const std::string scope = day_ + "/" + region_ + "/s3/aws4_request";
  const std::string signature =
      hex(hmac(key_, std::string("AWS4-HMAC-SHA256\n") + stamp + "\n" + scope + "\n" + sha256_hex(canonical)));
  std::string out;
  out.append("Host: ").append(host).append("\r\nx-amz-date: ").append(stamp);
  out.append("\r\nx-amz-content-sha256: ").append(body_sha256);
  out.append("\r\nAuthorization: AWS4-HMAC-SHA256 Credential=").append(access_key_).append("/").append(scope);
  out.append(", SignedHeaders=").append(signed_headers).append(", Signature=").append(signature).append("\r\n");
  return out;
}

}  // namespace load
