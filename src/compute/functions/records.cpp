#include "compute/functions/records.hpp"

#include <charconv>

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::compute {

std::string version_digits(int64_t version) {
  const std::string digits = std::to_string(version);
  return std::string(10 - std::min<std::size_t>(10, digits.size()), '0') + digits;
}

std::optional<int64_t> version_number(std::string_view qualifier) {
  int64_t out = 0;
  const auto [end, error] = std::from_chars(qualifier.data(), qualifier.data() + qualifier.size(), out);
  if (error != std::errc() || end != qualifier.data() + qualifier.size()) return std::nullopt;
  return out;
}

FunctionRecord function_record_from(const Value& v) {
  FunctionRecord out;
  out.configuration = api::from<lambda::FunctionConfiguration>(v.at("Configuration"));
  out.generation = v.string_or("Generation");
  if (const Value* tags = v.find("Tags")) api::from_value(*tags, out.tags);
  if (const Value* reserved = v.find("Reserved")) out.reserved_concurrency = reserved->as_int();
  out.next_version = v.int_or("NextVersion", 1);
  out.published_version = v.int_or("PublishedVersion");
  out.published_generation = v.string_or("PublishedGeneration");
  return out;
}

Value to_value(const FunctionRecord& r) {
  Value out = Value::map({{"Configuration", lambda::to_value(r.configuration)},
                          {"Generation", r.generation},
                          {"NextVersion", r.next_version},
                          {"PublishedVersion", r.published_version},
                          {"PublishedGeneration", r.published_generation}});
  if (!r.tags.empty()) out.set("Tags", api::to_value(r.tags));
  if (r.reserved_concurrency) out.set("Reserved", *r.reserved_concurrency);
  return out;
}

void check_revision(const std::optional<std::string>& wanted, const std::optional<std::string>& present) {
  if (wanted && wanted != present)
    throw Error(ErrorKind::conflict, "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
                "retrieve the latest Revision Id")
        .with("Type", "User");
}

std::string marker_after(std::string_view key) {
  return base64_encode(key);
}

std::string key_of_marker(const std::optional<std::string>& marker) {
  if (!marker || marker->empty()) return {};
  auto key = base64_decode(*marker);
  if (!key) invalid_parameter("Invalid Marker: " + *marker);
  return *key;
}

std::string lambda_time(Time t) {
  std::string out = format_iso8601(t);
  out.pop_back();
  return out + "+0000";
}

}  // namespace tarn::compute
