#include "govern/parameter_rules.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/error.hpp"

namespace tarn::govern {
namespace {

constexpr std::ptrdiff_t max_levels = 15;
constexpr std::size_t max_name_and_arn = 1011;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

bool is_name_character(unsigned char c) {
  return std::isalnum(c) || c == '_' || c == '.' || c == '-';
}

bool begins_with(std::string_view text, std::string_view lower_prefix) {
  return text.size() >= lower_prefix.size() &&
         std::equal(lower_prefix.begin(), lower_prefix.end(), text.begin(),
                    [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
}

constexpr const char* how_a_path_is_formed =
    "If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of "
    "letters, numbers and the following 3 symbols .-_";

bool fits(const RE2& pattern, const std::string& value) {
  return RE2::FullMatch(value, pattern);
}

}  // namespace

void check_parameter_name(const std::string& name) {
  const auto slashes = std::ranges::count(name, '/');
  const std::string_view bare = std::string_view(name).substr(std::min(name.find_first_not_of('/'), name.size()));
  if (slashes > 1 && begins_with(bare, "aws"))
    throw Error(ErrorKind::denied, "AccessDeniedException", "No access to reserved parameter name: " + name + ".");
  if (begins_with(bare, "aws") || begins_with(bare, "ssm"))
    invalid(slashes > 1 ? std::string("Parameter name: can't be prefixed with \"ssm\" (case-insensitive). ") +
                              how_a_path_is_formed
                        : "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).");
  if (slashes > 0 && name[0] != '/') invalid("Parameter name must be a fully qualified name.");
  if (slashes > max_levels)
    throw Error(ErrorKind::limit, "HierarchyLevelLimitExceededException",
                "Hierarchy can have a maximum of fifteen levels.");
  if (name.size() > max_name_and_arn) invalid("A parameter's name is at most 1011 characters long.");
  if (name.ends_with('/') || name.find("//") != name.npos ||
      !std::ranges::all_of(name, [](char c) { return c == '/' || is_name_character(static_cast<unsigned char>(c)); }))
    invalid(std::string("Invalid parameter name. Please use correct syntax for referencing a version/label "
                        "<name>:<version/label>. ") +
            how_a_path_is_formed);
}

ParameterReference parse_parameter_reference(const std::string& text) {
  ParameterReference out;
  std::string_view rest = text;
  if (rest.starts_with("arn:")) {
    const std::size_t at = rest.find(":parameter/");
    if (at == rest.npos || rest.find(":ssm:") == rest.npos) invalid("Invalid parameter ARN " + text + ".");
    rest.remove_prefix(at + std::string_view(":parameter").size());
    out.maybe_bare = rest.find('/', 1) == rest.npos;
  }
  const std::size_t colon = rest.find(':');
  out.name = std::string(rest.substr(0, colon));
  if (colon != rest.npos) {
    out.selector = std::string(rest.substr(colon + 1));
    if (out.selector.empty() || out.selector.find(':') != out.selector.npos)
      invalid(
          "Invalid parameter name. Please use correct syntax for referencing a version/label "
          "<name>:<version/label>");
  }
  return out;
}

std::string parameter_arn(std::string_view account, std::string_view region, std::string_view name) {
  std::string out = "arn:aws:ssm:";
  out.append(region).append(":").append(account).append(":parameter");
  if (!name.starts_with('/')) out += '/';
  return out.append(name);
}

std::string tier_of(const std::optional<std::string>& asked, const std::optional<std::string>& present,
                    const std::string& value) {
  const bool large = value.size() > max_standard_value_bytes;
  const std::string wanted = asked.value_or(present.value_or("Standard"));
  if (value.size() > max_advanced_value_bytes)
    invalid("Advanced tier parameters support a maximum parameter value of 8192 characters.");
  if (wanted == "Standard" && large)
    invalid(
        "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger "
        "parameter value, upgrade the parameter to use the advanced-parameter tier.");
  if (present == "Advanced") {
    if (asked == "Standard")
      invalid(
          "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
          "advanced-parameter tier to the standard-parameter tier.");
    return "Advanced";
  }
  if (wanted == "Intelligent-Tiering") return large ? "Advanced" : "Standard";
  return wanted;
}

void check_parameter_value(const std::string& type, const std::string& value,
                           const std::optional<std::string>& allowed_pattern, const std::string& data_type) {
  if (value.empty())
    invalid(
        "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length "
        "greater than or equal to 1");
  if (value.find("{{") != value.npos && value.find("}}", value.find("{{")) != value.npos)
    invalid("Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.");
  if (data_type == "aws:ec2:image" || data_type == "aws:ssm:integration")
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "PutParameter with DataType " + data_type + ": tarn can't validate such values.");
  if (data_type != "text")
    invalid("The following data type is not supported: " + data_type + " (Data type names are all lowercase.)");
  if (!allowed_pattern || allowed_pattern->empty()) return;
  const RE2 pattern(*allowed_pattern, RE2::Quiet);
  if (!pattern.ok())
    throw Error(ErrorKind::caller, "InvalidAllowedPatternException",
                "The request doesn't meet the regular expression requirement: " + pattern.error());
  std::vector<std::string> items{value};
  if (type == "StringList") {
    items.clear();
    for (std::size_t at = 0; at <= value.size();) {
      const std::size_t end = std::min(value.find(',', at), value.size());
      items.push_back(value.substr(at, end - at));
      at = end + 1;
    }
  }
  for (const auto& item : items)
    if (!fits(pattern, item))
      throw Error(ErrorKind::caller, "ParameterPatternMismatchException",
                  "Parameter value, cannot be validated against allowedPattern: " + *allowed_pattern);
}

bool is_parameter_label(std::string_view label) {
  return !label.empty() && label.size() <= 100 && !std::isdigit(static_cast<unsigned char>(label[0])) &&
         !begins_with(label, "aws") && !begins_with(label, "ssm") &&
         std::ranges::all_of(label, [](char c) { return is_name_character(static_cast<unsigned char>(c)); });
}

bool is_under_path(std::string_view name, std::string_view path, bool recursive) {
  const std::string rooted = name.starts_with('/') ? std::string(name) : "/" + std::string(name);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (rooted.size() <= path.size() + 1 || !rooted.starts_with(path) || rooted[path.size()] != '/') return false;
  return recursive || rooted.find('/', path.size() + 1) == std::string::npos;
}

}  // namespace tarn::govern
