#include <algorithm>
#include <set>
#include <string_view>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "gateway/ssm/requests.hpp"

namespace tarn::gateway::ssm {
namespace {

using Filter = model::ParameterStringFilter;

std::string listed(const std::vector<std::string>& words) {
  std::string out = "[";
  for (const auto& w : words) out += (out.size() > 1 ? ", " : "") + w;
  return out + "]";
}

std::vector<std::string> options_of(const std::string& key) {
  if (key == "Path") return {"Recursive", "OneLevel"};
  if (key == "Name") return {"BeginsWith", "Equals", "Contains"};
  if (key == "Type" || key == "KeyId") return {"BeginsWith", "Equals"};
  return {"Equals"};
}

void check_filter(const Filter& filter, const std::vector<std::string>& allowed) {
  const bool tag = filter.key.starts_with("tag:");
  if (std::ranges::find(allowed, tag ? "tag:" : filter.key) == allowed.end())
    throw Error(ErrorKind::caller, "InvalidFilterKey",
                "The following filter key is not valid: " + filter.key +
                    ". Valid filter keys include: " + listed(allowed) + ".");
  const auto options = options_of(filter.key);
  if (filter.option && std::ranges::find(options, *filter.option) == options.end())
    throw Error(ErrorKind::caller, "InvalidFilterOption",
                "The following filter option is not valid: " + *filter.option +
                    ". Valid options include: " + listed(options) + ".");
  if (!tag && (!filter.values || filter.values->empty()))
    throw Error(ErrorKind::caller, "InvalidFilterValue",
                "The following filter values are missing : null for filter key " + filter.key + ".");
  if (filter.key == "Path")
    for (const auto& path : *filter.values)
      if (!path.starts_with('/'))
        throw Error(ErrorKind::caller, "ValidationException",
                    "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a "
                    "forward slash \"/\".");
}

bool compare(std::string_view text, std::string_view value, std::string_view option) {
  if (option == "BeginsWith") return text.starts_with(value);
  if (option == "Contains") return text.find(value) != text.npos;
  return text == value;
}

// Names are compared with a slash before them, whether they have one or not.
std::string rooted(std::string_view name) {
  return name.starts_with('/') ? std::string(name) : "/" + std::string(name);
}

bool passes(const Filter& filter, const ParameterRecord& parameter) {
  const ParameterVersion& p = parameter.newest;
  auto any = [&](const auto& fits) { return std::ranges::any_of(*filter.values, fits); };
  if (filter.key == "Label") return true;
  if (filter.key.starts_with("tag:")) {
    const auto tag = parameter.tags.find(filter.key.substr(4));
    if (tag == parameter.tags.end()) return false;
    return !filter.values || filter.values->empty() || any([&](const auto& value) { return tag->second == value; });
  }
  if (filter.key == "Path")
    return any([&](const auto& path) { return govern::is_under_path(*p.name, path, filter.option == "Recursive"); });
  const std::string option = filter.option.value_or("Equals");
  if (filter.key == "Name" && option != "Contains")
    return any([&](const auto& value) { return compare(rooted(*p.name), rooted(value), option); });
  const std::optional<std::string>& text = filter.key == "Name"    ? p.name
                                           : filter.key == "Type"  ? p.type
                                           : filter.key == "KeyId" ? p.key_id
                                           : filter.key == "Tier"  ? p.tier
                                                                   : p.data_type;
  return text && any([&](const auto& value) { return compare(*text, value, option); });
}

}  // namespace

void check_filters(const std::vector<Filter>& filters, const std::vector<std::string>& allowed) {
  std::set<std::string> seen;
  for (const Filter& filter : filters) {
    check_filter(filter, allowed);
    if (!seen.insert(filter.key).second)
      throw Error(ErrorKind::caller, "InvalidFilterKey",
                  "The following filter is duplicated in the request: " + filter.key +
                      ". A request can contain only one occurrence of a specific filter.");
  }
}

bool passes(const std::vector<Filter>& filters, const ParameterRecord& parameter) {
  return std::ranges::all_of(filters, [&](const Filter& filter) { return passes(filter, parameter); });
}

std::string after_of(const std::optional<std::string>& token) {
  if (!token) return {};
  auto place = base64_decode(*token);
  if (!place || place->empty()) throw Error(ErrorKind::caller, "InvalidNextToken", "The specified token is not valid.");
  return *place;
}

std::string token_after(const std::string& last) {
  return base64_encode(last);
}

}  // namespace tarn::gateway::ssm
