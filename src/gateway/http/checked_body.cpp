#include "gateway/http/checked_body.hpp"

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::gateway {
namespace {

struct Algorithm {
  std::string_view name, header;
  DigestKind kind;
  std::size_t size_bytes;
};

constexpr Algorithm algorithms[] = {
    {"CRC32", "x-amz-checksum-crc32", DigestKind::crc32, 4},
    {"CRC32C", "x-amz-checksum-crc32c", DigestKind::crc32c, 4},
    {"CRC64NVME", "x-amz-checksum-crc64nvme", DigestKind::crc64nvme, 8},
    {"SHA1", "x-amz-checksum-sha1", DigestKind::sha1, 20},
    {"SHA256", "x-amz-checksum-sha256", DigestKind::sha256, 32},
    {"SHA512", "x-amz-checksum-sha512", DigestKind::sha512, 64},
    {"MD5", "x-amz-checksum-md5", DigestKind::md5, 16},
    {"XXHASH64", "x-amz-checksum-xxhash64", DigestKind::xxhash64, 8},
    {"XXHASH3", "x-amz-checksum-xxhash3", DigestKind::xxhash3, 8},
    {"XXHASH128", "x-amz-checksum-xxhash128", DigestKind::xxhash128, 16},
};

const Algorithm* algorithm_of_header(std::string_view header) {
  for (const auto& a : algorithms)
    if (api::same_header(a.header, header)) return &a;
  return nullptr;
}

const Algorithm* algorithm_of_name(std::string_view name) {
  for (const auto& a : algorithms)
    if (a.name == name) return &a;
  return nullptr;
}

bool is_checksum_header(std::string_view name) {
  constexpr std::string_view prefix = "x-amz-checksum-";
  return name.size() > prefix.size() && api::same_header(name.substr(0, prefix.size()), prefix) &&
         !api::same_header(name, "x-amz-checksum-mode") && !api::same_header(name, "x-amz-checksum-type") &&
         !api::same_header(name, "x-amz-checksum-algorithm");
}

[[noreturn]] void invalid(std::string message) {
  throw Error(ErrorKind::caller, "InvalidRequest", std::move(message));
}

const Algorithm& known_algorithm(std::string_view header) {
  const Algorithm* a = algorithm_of_header(header);
  if (!a) throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not check " + std::string(header) + ".");
  return *a;
}

void check_form(const Algorithm& a, std::string_view value) {
  auto raw = base64_decode(value);
  if (!raw || raw->size() != a.size_bytes) invalid("Value for " + std::string(a.header) + " header is invalid.");
}

}  // namespace

ExpectedHashes read_expected_hashes(const api::WireRequest& request, const std::string& payload_sha256,
                                    std::string_view announced_trailer, bool required) {
  ExpectedHashes expected;
  expected.sha256 = payload_sha256;
  if (const std::string* md5 = request.header("content-md5")) {
    expected.md5 = base64_decode(*md5);
    if (!expected.md5 || expected.md5->size() != 16)
      throw Error(ErrorKind::caller, "InvalidDigest", "The Content-MD5 you specified was invalid.")
          .with("Content-MD5", *md5);
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_checksum_header(name)) continue;
    if (!expected.algorithm.empty() || !announced_trailer.empty())
      invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
    const Algorithm& a = known_algorithm(name);
    check_form(a, value);
    expected.algorithm = a.name;
    expected.checksum = value;
  }
  if (!announced_trailer.empty()) expected.algorithm = known_algorithm(announced_trailer).name;
  const std::string* named = request.header("x-amz-sdk-checksum-algorithm");
  if (named && expected.algorithm.empty())
    invalid(
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were "
        "found.");
  if (named && !api::same_header(*named, expected.algorithm))
    invalid("Value for x-amz-sdk-checksum-algorithm header is invalid.");
  if (required && expected.algorithm.empty() && !expected.md5)
    invalid("Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  return expected;
}

CheckedBody::CheckedBody(api::BodySource& inner, const AwsChunkedBody* chunked, ExpectedHashes expected)
    : inner_(inner), chunked_(chunked), expected_(std::move(expected)) {
  if (!expected_.sha256.empty()) sha256_.emplace(DigestKind::sha256);
  if (expected_.md5) md5_.emplace(DigestKind::md5);
  const Algorithm* a = algorithm_of_name(expected_.algorithm);
  if (a && !(a->kind == DigestKind::sha256 && sha256_)) checksum_.emplace(a->kind);
}

std::size_t CheckedBody::read(char* into, std::size_t size_bytes) {
  if (ended_ || size_bytes == 0) return 0;
  TARN_ASSERT(!failed_);  // a body that was refused is not read on
  failed_ = true;
  std::size_t got = inner_.read(into, size_bytes);
  if (got == 0) {
    check();
    ended_ = true;
    return 0;
  }
  failed_ = false;
  if (sha256_) sha256_->update({into, got});
  if (md5_) md5_->update({into, got});
  if (checksum_) checksum_->update({into, got});
  return got;
}

void CheckedBody::check() {
  std::string sha256;
  if (sha256_) {
    sha256 = sha256_->finish();
    if (std::string hex = hex_encode(sha256); hex != expected_.sha256)
      throw Error(ErrorKind::caller, "XAmzContentSHA256Mismatch",
                  "The provided 'x-amz-content-sha256' header does not match what was computed.")
          .with("ClientComputedContentSHA256", expected_.sha256)
          .with("S3ComputedContentSHA256", hex);
  }
  if (md5_) {
    if (std::string md5 = md5_->finish(); md5 != *expected_.md5)
      throw Error(ErrorKind::caller, "BadDigest", "The Content-MD5 you specified did not match what we received.")
          .with("ExpectedDigest", base64_encode(*expected_.md5))
          .with("CalculatedDigest", base64_encode(md5));
  }
  if (expected_.algorithm.empty()) return;
  const Algorithm& a = *algorithm_of_name(expected_.algorithm);
  std::string given = expected_.checksum;
  if (given.empty() && chunked_) {
    given = chunked_->trailer(a.header);
    check_form(a, given);
  }
  std::string computed = base64_encode(checksum_ ? checksum_->finish() : sha256);
  if (computed != given)
    throw Error(ErrorKind::caller, "BadDigest",
                "The " + expected_.algorithm + " you specified did not match the calculated checksum.");
  found_ = {expected_.algorithm, std::move(computed)};
}

}  // namespace tarn::gateway
