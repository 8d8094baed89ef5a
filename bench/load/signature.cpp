#include "load/signature.hpp"

#include <openssl/evp.h>

#include <ctime>

namespace load {
namespace {

struct Digests {
  const EVP_MD *sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr), *md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
};
const Digests& digests() {
  static const Digests all;
  return all;
}

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, kind, nullptr);
  return {reinterpret_cast<char*>(out), size};
}

// By digests: OpenSSL 3's HMAC() takes longer than a whole small request may.
std::string hmac(std::string_view key, std::string_view bytes) {
  std::string inner(key), outer;
  inner.resize(64, '\0');
  outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  const EVP_MD* sha256 = digests().sha256;
  return digest(sha256, outer + digest(sha256, inner.append(bytes)));
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
  return hex(digest(digests().sha256, bytes));
}

std::string md5_base64(std::string_view bytes) {
  const std::string raw = digest(digests().md5, bytes);
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
