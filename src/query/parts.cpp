#include "query/parts.hpp"

#include <charconv>

#include "base/base64.hpp"

namespace tarn::query {
namespace {

std::string joined(const Caller& caller, std::initializer_list<std::string_view> parts) {
  std::string out = meta::key({caller.account(), caller.region});
  for (auto part : parts) out = out + '\0' + std::string(part);
  return out;
}

}  // namespace

std::string Caller::key(std::initializer_list<std::string_view> parts) const {
  return joined(*this, parts);
}
std::string Caller::prefix(std::initializer_list<std::string_view> parts) const {
  return joined(*this, parts) + '\0';
}

Error invalid_request(std::string message, std::string_view athena_code) {
  Error error(ErrorKind::caller, "InvalidRequestException", std::move(message));
  error.with("AthenaErrorCode", std::string(athena_code));
  return error;
}

std::string page_token(std::string_view position) {
  return base64_encode("tarn1" + std::string(position));
}

std::string page_position(const std::optional<std::string>& token) {
  if (!token || token->empty()) return "";
  const auto bytes = base64_decode(*token);
  if (!bytes || !bytes->starts_with("tarn1"))
    throw invalid_request("The NextToken is none that this service gave", "INVALID_NEXT_TOKEN");
  return bytes->substr(5);
}

uint64_t page_offset(const std::optional<std::string>& token) {
  const std::string position = page_position(token);
  uint64_t out = 0;
  const auto [end, error] = std::from_chars(position.data(), position.data() + position.size(), out);
  if (!position.empty() && (error != std::errc() || end != position.data() + position.size()))
    throw invalid_request("The NextToken is of another listing", "INVALID_NEXT_TOKEN");
  return out;
}

RecordPage record_page(meta::Reader& metadata, std::string_view kind, const std::string& prefix,
                       const std::optional<std::string>& token, std::size_t limit) {
  const std::string after = page_position(token);
  if (!after.empty() && !after.starts_with(prefix))
    throw invalid_request("The NextToken is of another listing", "INVALID_NEXT_TOKEN");
  RecordPage out{metadata.list(kind, prefix, after, limit + 1), std::nullopt};
  if (out.records.size() > limit) {
    out.records.pop_back();
    out.next = page_token(out.records.back().key);
  }
  return out;
}

}  // namespace tarn::query
