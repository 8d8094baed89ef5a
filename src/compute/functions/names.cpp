#include "compute/functions/names.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "base/error.hpp"

namespace tarn::compute {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t end; (end = text.find(':')) != text.npos; text.remove_prefix(end + 1))
    out.emplace_back(text.substr(0, end));
  out.emplace_back(text);
  return out;
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

// Takes the first part where it is as `wanted`.
template <class F>
std::optional<std::string> take_if(std::vector<std::string>& parts, F wanted) {
  if (parts.size() < 2 || !wanted(parts.front())) return std::nullopt;
  std::string out = parts.front();
  parts.erase(parts.begin());
  return out;
}

}  // namespace

std::string FunctionName::arn() const {
  return "arn:aws:lambda:" + region + ":" + account + ":function:" + name;
}
std::string FunctionName::qualified_arn() const {
  return qualifier.empty() ? arn() : arn() + ":" + qualifier;
}

FunctionName parse_function_name(const Scope& scope, std::string_view text,
                                 const std::optional<std::string>& qualifier) {
  std::vector<std::string> parts = split(text);
  FunctionName out{scope.account, scope.region, {}, {}};
  if (parts.size() > 3 && parts[0] == "arn" && parts[2] == "lambda") {
    parts.erase(parts.begin(), parts.begin() + 3);
    out.region = parts.front();
    parts.erase(parts.begin());
  } else if (parts.size() > 2 && is_account(parts[1])) {  // REGION:ACCOUNT:function:NAME
    out.region = parts.front();
    parts.erase(parts.begin());
  }
  if (auto account = take_if(parts, is_account)) out.account = *account;
  take_if(parts, [](const std::string& s) { return s == "function"; });
  out.name = parts[0];
  if (parts.size() > 1) out.qualifier = parts[1];
  if (parts.size() > 2 || out.name.empty()) invalid_parameter("Invalid function name: " + std::string(text));
  if (qualifier && !out.qualifier.empty() && *qualifier != out.qualifier)
    invalid_parameter("The derived qualifier from the function name does not match the specified qualifier.");
  if (qualifier) out.qualifier = *qualifier;
  if (out.region != scope.region)
    resource_missing("Functions from '" + out.region + "' are not reachable in this region ('" + scope.region + "')");
  if (out.account != scope.account)
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "User: " + scope.actor_arn + " is not authorized to act on resource: " + out.qualified_arn());
  return out;
}

bool is_version_number(std::string_view qualifier) {
  return !qualifier.empty() &&
         std::all_of(qualifier.begin(), qualifier.end(), [](unsigned char c) { return std::isdigit(c); });
}

std::string LayerName::arn() const {
  return "arn:aws:lambda:" + region + ":" + account + ":layer:" + name;
}
std::string LayerName::version_arn() const {
  return arn() + ":" + std::to_string(version);
}

LayerName parse_layer_name(const Scope& scope, std::string_view text) {
  const std::vector<std::string> parts = split(text);
  if (parts.size() == 1) return {scope.account, scope.region, parts[0], 0};
  if (parts.size() != 7 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "layer")
    invalid_parameter("Invalid layer name: " + std::string(text));
  return {parts[4], parts[3], parts[6], 0};
}

std::optional<LayerName> parse_layer_version_arn(std::string_view text) {
  const std::vector<std::string> parts = split(text);
  if (parts.size() != 8 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "layer") return std::nullopt;
  LayerName out{parts[4], parts[3], parts[6], 0};
  const std::string& digits = parts[7];
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.version);
  if (error != std::errc() || end != digits.data() + digits.size() || out.version < 1) return std::nullopt;
  return out;
}

void invalid_parameter(const std::string& message) {
  throw Error(ErrorKind::caller, "InvalidParameterValueException", message).with("Type", "User");
}
void resource_missing(const std::string& message) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", message).with("Type", "User");
}
void resource_conflict(const std::string& message) {
  throw Error(ErrorKind::conflict, "ResourceConflictException", message).with("Type", "User");
}
void not_implemented(const std::string& message) {
  throw Error(ErrorKind::unsupported, "NotImplemented", message);
}
void function_missing(const FunctionName& function) {
  resource_missing("Function not found: " + function.qualified_arn());
}

}  // namespace tarn::compute
