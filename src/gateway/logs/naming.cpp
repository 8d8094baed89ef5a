#include "gateway/logs/naming.hpp"

#include <charconv>

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::gateway {
namespace {

constexpr std::size_t time_digits = 20, number_digits = 36;

std::string padded(uint64_t v, std::size_t digits) {
  std::string text = std::to_string(v);
  return std::string(digits - text.size(), '0') + text;
}

std::optional<uint64_t> parse_digits(std::string_view text) {
  uint64_t v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(v) : std::nullopt;
}

}  // namespace

void invalid_parameter(const std::string& message) {
  throw Error(ErrorKind::caller, "InvalidParameterException", message);
}

meta::LogScope log_scope(const api::Context& context) {
  return {context.account(), context.region, context.principal.arn};
}

std::string log_group_arn(const api::Context& context, std::string_view name) {
  return context.arn("logs", "log-group:" + std::string(name));
}

std::string log_group_name(const api::Context& context, std::string_view name_or_arn) {
  if (!name_or_arn.starts_with("arn:")) return std::string(name_or_arn);
  std::string ours = log_group_arn(context, "");
  if (!name_or_arn.starts_with(ours))
    throw Error(ErrorKind::missing, "ResourceNotFoundException", "The specified log group does not exist.");
  name_or_arn.remove_prefix(ours.size());
  if (name_or_arn.ends_with(":*")) name_or_arn.remove_suffix(2);
  if (name_or_arn.empty() || name_or_arn.find(':') != std::string_view::npos)
    invalid_parameter("The ARN does not name a log group.");
  return std::string(name_or_arn);
}

std::string log_group_name(const api::Context& context, const std::optional<std::string>& name,
                           const std::optional<std::string>& identifier) {
  if (name && identifier) invalid_parameter("LogGroup name and LogGroup identifier are mutually exclusive parameters.");
  if (!name && !identifier) invalid_parameter("Either LogGroup name or LogGroup identifier must be given.");
  return log_group_name(context, name ? *name : *identifier);
}

std::string page_token(std::string_view key) {
  return base64_encode(key);
}

std::string page_key(const std::optional<std::string>& token) {
  if (!token) return {};
  auto key = base64_decode(*token);
  if (!key || key->empty()) invalid_parameter("The specified nextToken is invalid.");
  return *key;
}

std::string position_digits(const meta::LogPosition& position) {
  return padded(static_cast<uint64_t>(std::max<int64_t>(position.at_ms, 0)), time_digits) +
         padded(position.number, number_digits);
}

std::optional<meta::LogPosition> parse_position(std::string_view digits) {
  if (digits.size() != time_digits + number_digits) return std::nullopt;
  auto at = parse_digits(digits.substr(0, time_digits)), number = parse_digits(digits.substr(time_digits));
  if (!at || !number || *at > INT64_MAX) return std::nullopt;
  return meta::LogPosition{static_cast<int64_t>(*at), *number};
}

}  // namespace tarn::gateway
