#include "gateway/http/post_policy.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::gateway {
namespace {

using Fields = std::map<std::string, std::string>;

[[noreturn]] void invalid(const std::string& why) {
  throw Error(ErrorKind::caller, "InvalidPolicyDocument", "Invalid Policy: " + why);
}

[[noreturn]] void denied(const std::string& why) {
  throw Error(ErrorKind::denied, "AccessDenied", "Invalid according to Policy: " + why);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

uint64_t number(const Value& value) {
  if (value.is_int() && value.as_int() >= 0) return static_cast<uint64_t>(value.as_int());
  uint64_t out = 0;
  if (value.is_string()) {
    const std::string& text = value.as_string();
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (!text.empty() && error == std::errc() && end == text.data() + text.size()) return out;
  }
  invalid("Invalid content-length-range");
}

// One condition over one field.
struct Condition {
  std::string field, value;
  bool prefix = false;
};

// Every value of a list in Content-Type must have the prefix.
bool starts_with(const Condition& condition, std::string_view given) {
  if (condition.field != "content-type") return given.starts_with(condition.value);
  while (true) {
    std::string_view one = given.substr(0, given.find(','));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (!one.starts_with(condition.value)) return false;
    auto comma = given.find(',');
    if (comma == given.npos) return true;
    given.remove_prefix(comma + 1);
  }
}

std::string text_of(const Condition& c) {
  Value list = Value::list({c.prefix ? "starts-with" : "eq", "$" + c.field, c.value});
  return to_json(list);
}

// A scalar as the form's text has it.
std::string scalar(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_int()) return std::to_string(value.as_int());
  invalid("Invalid Simple-Condition: value must be a string.");
}

void read_condition(const Value& condition, std::vector<Condition>& out, UploadSizes& sizes) {
  if (condition.is_map()) {
    if (condition.as_map().size() != 1)
      invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
    const auto& member = condition.as_map()[0];
    out.push_back({lower(member.key), scalar(member.value), false});
    return;
  }
  if (!condition.is_list() || condition.as_list().size() != 3 || !condition.as_list()[0].is_string())
    invalid("Invalid Condition: conditions are objects of one property or lists of three values.");
  const auto& list = condition.as_list();
  const std::string op = lower(list[0].as_string());
  if (op == "content-length-range") {
    sizes.least_bytes = std::max(sizes.least_bytes, number(list[1]));
    sizes.most_bytes = std::min(sizes.most_bytes, number(list[2]));
    return;
  }
  if (op != "eq" && op != "starts-with") invalid("Invalid Condition: unknown operation '" + op + "'.");
  if (!list[1].is_string() || !list[1].as_string().starts_with('$'))
    invalid("Invalid Condition: the second value names a field, as in \"$key\".");
  out.push_back({lower(list[1].as_string().substr(1)), scalar(list[2]), op == "starts-with"});
}

bool needs_no_condition(const std::string& field) {
  static const std::set<std::string> free = {"x-amz-signature", "signature", "awsaccesskeyid", "policy", "file"};
  return free.contains(field) || field.starts_with("x-ignore-");
}

}  // namespace

UploadSizes check_post_policy(std::string_view policy, std::string_view bucket, const Fields& fields, Time now) {
  Value document;
  try {
    document = parse_json(policy);
  } catch (const Error&) {
    invalid("Invalid JSON.");
  }
  if (!document.is_map()) invalid("Invalid JSON.");
  const Value *expiration = document.find("expiration"), *conditions = document.find("conditions");
  if (!expiration) invalid("Policy missing expiration.");
  const auto until = expiration->is_string() ? parse_iso8601(expiration->as_string()) : std::nullopt;
  if (!until) invalid("Invalid 'expiration' value: '" + (expiration->is_string() ? expiration->as_string() : "") + "'");
  if (!conditions || !conditions->is_list()) invalid("Policy missing conditions.");
  if (*until <= now) denied("Policy expired.");

  UploadSizes sizes;
  std::vector<Condition> all;
  for (const Value& condition : conditions->as_list()) read_condition(condition, all, sizes);
  std::set<std::string> covered;
  for (const Condition& condition : all) {
    covered.insert(condition.field);
    const auto given = fields.find(condition.field);
    const std::string value = condition.field == "bucket" ? std::string(bucket)
                              : given == fields.end()     ? std::string()
                                                          : given->second;
    if (condition.prefix ? !starts_with(condition, value) : value != condition.value)
      denied("Policy Condition failed: " + text_of(condition));
  }
  std::string extra;
  for (const auto& [name, value] : fields)
    if (!covered.contains(name) && !needs_no_condition(name) && name != "bucket")
      extra += (extra.empty() ? "" : ", ") + name;
  if (!extra.empty()) denied("Extra input fields: " + extra);
  return sizes;
}

}  // namespace tarn::gateway
