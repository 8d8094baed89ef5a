#include "gateway/http/aws_chunked.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::gateway {
namespace {

constexpr std::size_t buffer_size_bytes = 64 * 1024;
constexpr std::size_t max_line_size_bytes = 8 * 1024;
constexpr std::string_view hash_of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

[[noreturn]] void incomplete() {
  throw Error(ErrorKind::caller, "IncompleteBody", "The request body terminated unexpectedly");
}

[[noreturn]] void malformed() {
  throw Error(ErrorKind::caller, "InvalidRequest", "The aws-chunked body of the request is malformed.");
}

[[noreturn]] void bad_trailer() {
  throw Error(
      ErrorKind::caller, "MalformedTrailerError",
      "The request contained trailing data that was not well-formed or did not conform to our published schema.");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

AwsChunkedBody::AwsChunkedBody(api::BodySource& coded, ChunkedForm form) : coded_(coded), form_(std::move(form)) {
  buffer_.resize(buffer_size_bytes);
  if (form_.signing) previous_signature_ = form_.signing->seed_signature;
}

std::string_view AwsChunkedBody::announced_checksum() const {
  for (const auto& name : form_.announced)
    if (name.starts_with("x-amz-checksum-")) return name;
  return {};
}

std::string_view AwsChunkedBody::trailer(std::string_view name) const {
  for (const auto& [key, value] : trailers_)
    if (key == name) return value;
  return {};
}

std::size_t AwsChunkedBody::read(char* into, std::size_t size_bytes) {
  if (ended_ || size_bytes == 0) return 0;
  if (failed_) incomplete();
  failed_ = true;  // until this read is through
  if (!in_chunk_) begin_chunk();
  std::size_t got = 0;
  if (!ended_) {
    got = read_coded(into, std::min<uint64_t>(size_bytes, chunk_remaining_bytes_));
    if (got == 0) incomplete();
    if (chunk_hash_) chunk_hash_->update({into, got});
    chunk_remaining_bytes_ -= got;
    decoded_bytes_ += got;
    if (decoded_bytes_ > form_.decoded_size_bytes) incomplete();
    if (chunk_remaining_bytes_ == 0) end_chunk();
  }
  failed_ = false;
  return got;
}

// Large reads with nothing buffered go straight to the caller's memory.
std::size_t AwsChunkedBody::read_coded(char* into, std::size_t size_bytes) {
  if (begin_ == end_) {
    if (size_bytes >= buffer_size_bytes) return coded_.read(into, size_bytes);
    begin_ = 0;
    end_ = coded_.read(buffer_.data(), buffer_.size());
  }
  std::size_t n = std::min(size_bytes, end_ - begin_);
  std::memcpy(into, buffer_.data() + begin_, n);
  begin_ += n;
  return n;
}

std::string AwsChunkedBody::read_line() {
  std::string line;
  while (true) {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = coded_.read(buffer_.data(), buffer_.size());
      if (end_ == 0) incomplete();
    }
    std::string_view ready(buffer_.data() + begin_, end_ - begin_);
    auto newline = ready.find('\n');
    line += ready.substr(0, newline);
    begin_ += newline == std::string_view::npos ? ready.size() : newline + 1;
    if (line.size() > max_line_size_bytes) malformed();
    if (newline == std::string_view::npos) continue;
    if (line.empty() || line.back() != '\r') malformed();
    line.pop_back();
    return line;
  }
}

// "10000;chunk-signature=<64 hex>" or "10000"
void AwsChunkedBody::begin_chunk() {
  std::string line = read_line();
  std::size_t digits = std::min(line.find(';'), line.size());
  auto [end, error] = std::from_chars(line.data(), line.data() + digits, chunk_remaining_bytes_, 16);
  if (digits == 0 || error != std::errc() || end != line.data() + digits) malformed();
  if (chunk_remaining_bytes_ > form_.decoded_size_bytes - decoded_bytes_) incomplete();
  constexpr std::string_view mark = ";chunk-signature=";
  std::string_view rest = std::string_view(line).substr(digits);
  if (form_.has_signatures) {
    if (!rest.starts_with(mark)) malformed();
    chunk_signature_ = rest.substr(mark.size());
  }
  if (form_.signing) chunk_hash_.emplace(DigestKind::sha256);
  in_chunk_ = true;
  if (chunk_remaining_bytes_ == 0) {
    if (form_.signing)
      check_signature("PAYLOAD", std::string(hash_of_nothing) + "\n" + std::string(hash_of_nothing), chunk_signature_);
    read_trailers();
    if (decoded_bytes_ != form_.decoded_size_bytes) incomplete();
    ended_ = true;
  }
}

void AwsChunkedBody::end_chunk() {
  if (!read_line().empty()) malformed();
  if (form_.signing)
    check_signature("PAYLOAD", std::string(hash_of_nothing) + "\n" + hex_encode(chunk_hash_->finish()),
                    chunk_signature_);
  in_chunk_ = false;
}

// Lines of "name:value" up to an empty line or the end of the body; the last one signs those before it.
void AwsChunkedBody::read_trailers() {
  std::string canonical, signature;
  bool first = true;
  while (true) {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = coded_.read(buffer_.data(), buffer_.size());
      if (end_ == 0) {
        if (first) incomplete();  // not even the empty line after the last chunk
        break;
      }
    }
    std::string line = read_line();
    first = false;
    if (line.empty()) continue;  // some clients leave one before the trailers, all leave one behind
    auto colon = line.find(':');
    if (!form_.has_trailer || colon == std::string::npos || canonical.size() > limits::max_request_head_size_bytes)
      bad_trailer();
    std::string name = lower(trim(std::string_view(line).substr(0, colon)));
    std::string value(trim(std::string_view(line).substr(colon + 1)));
    if (name == "x-amz-trailer-signature") {
      signature = value;
      continue;
    }
    if (!signature.empty() || std::find(form_.announced.begin(), form_.announced.end(), name) == form_.announced.end())
      bad_trailer();
    canonical += name + ":" + value + "\n";
    trailers_.emplace_back(std::move(name), std::move(value));
  }
  if (!form_.has_trailer) return;
  if (trailers_.size() != form_.announced.size()) bad_trailer();
  if (form_.signing) check_signature("TRAILER", hex_encode(digest(DigestKind::sha256, canonical)), signature);
}

void AwsChunkedBody::check_signature(std::string_view kind, std::string_view hashes, std::string_view given) {
  const ChunkSigning& signing = *form_.signing;
  std::string to_sign = "AWS4-HMAC-SHA256-" + std::string(kind) + "\n" + signing.timestamp + "\n" + signing.scope +
                        "\n" + previous_signature_ + "\n" + std::string(hashes);
  std::string expected = hex_encode(hmac_sha256(signing.key, to_sign));
  if (!equal_secrets(expected, given))
    throw Error(
        ErrorKind::denied, "SignatureDoesNotMatch",
        "The signature of a chunk of the body does not match. Check your AWS secret access key and signing method.")
        .with("StringToSign", to_sign)
        .with("SignatureProvided", std::string(given));
  previous_signature_ = std::move(expected);
}

}  // namespace tarn::gateway
