// What an exchange tells the access log.
#include <charconv>

#include "gateway/http/exchange.hpp"

namespace tarn::gateway {
namespace {

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

}  // namespace

void Exchange::note_for_access_log(const api::WireResponse& response, std::optional<uint64_t> length_bytes) {
  if (!surroundings_.options.access_log) return;
  answered_at_ = std::chrono::steady_clock::now();
  if (const std::string* version = response.header("x-amz-version-id")) version_id_ = *version;
  if (const std::string* code = response.header("x-amz-error-code")) error_code_ = *code;
  const bool read = website_ || quick_, written = route_ && route_->input && route_->input->streams;
  if (read && status_ < 300) {
    const std::string *range = response.header("content-range"), *length = response.header("content-length");
    object_size_bytes_ = range    ? number_in(std::string_view(*range).substr(range->rfind('/') + 1))
                         : length ? number_in(*length)
                                  : length_bytes;
  } else if (written) {
    const std::string* decoded = head_.request.header("x-amz-decoded-content-length");
    object_size_bytes_ = decoded ? number_in(*decoded) : head_.content_length;
  }
}

void Exchange::record_access(uint64_t took_ms) const {
  const std::string name = website_ ? *website_ : bucket();
  if (name.empty()) return;
  std::string_view key = head_.request.path;
  if (key.starts_with('/')) key.remove_prefix(1);
  if (!website_ && virtual_bucket().empty()) key.remove_prefix(std::min(key.find('/'), key.size() - 1) + 1);
  AccessRecord record{name, route_ && route_->operation ? route_->operation->name : std::string_view(), key,
                      head_.request};
  if (!caller_.arn.empty()) record.caller = &caller_;
  const std::string ip = connection_.peer_ip();
  record.source_ip = ip;
  record.request_id = request_id_;
  record.error_code = error_code_;
  record.version_id = version_id_;
  record.time = surroundings_.clock.now();
  record.status = status_;
  record.sent_body_bytes = sent_bytes_ - std::min<uint64_t>(sent_bytes_, head_size_bytes_);
  record.object_size_bytes = object_size_bytes_;
  record.total_ms = static_cast<int64_t>(took_ms);
  record.turn_around_ms = std::chrono::duration_cast<std::chrono::milliseconds>(answered_at_ - started_).count();
  surroundings_.options.access_log(record);
}

}  // namespace tarn::gateway
