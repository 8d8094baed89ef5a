// {{resolve:ssm:name:version}}, {{resolve:ssm-secure:…}}, {{resolve:secretsmanager:id:SecretString:key:stage:version}}
// ("Using dynamic references to specify template values", AWS CloudFormation User Guide).
#include <algorithm>
#include <charconv>

#include "deploy/functions.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

constexpr std::string_view opening = "{{resolve:";

struct Reference {
  enum class Kind { parameter, secure_parameter, secret } kind = Kind::parameter;
  std::string name;  // of the parameter, or the secret's name or ARN
  std::optional<int64_t> version;
  std::string json_key, version_stage, version_id;
};

std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t colon = text.find(':');
    out.emplace_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return out;
    text.remove_prefix(colon + 1);
  }
}

Error wrong_form(std::string_view service, std::string_view whole) {
  return validation_error("Incorrect format is used in the following " + std::string(service) + " reference: [" +
                          std::string(whole) + "]");
}

// "name", "name:5", "arn:aws:ssm:…:parameter/name:5"
void parse_parameter(std::string_view key, std::string_view whole, Reference& into) {
  std::vector<std::string> parts = parts_of(key);
  const std::size_t name_parts = parts[0] == "arn" ? 6 : 1;
  if (parts.size() < name_parts || parts.size() > name_parts + 1 || parts[0].empty()) throw wrong_form("SSM", whole);
  if (parts.size() > name_parts) {
    const std::string& digits = parts.back();
    int64_t version = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
    if (error != std::errc() || end != digits.data() + digits.size() || version < 1) throw wrong_form("SSM", whole);
    into.version = version;
  }
  for (std::size_t i = 0; i < name_parts; i++) into.name += (i ? ":" : "") + parts[i];
}

// "id", "id:SecretString:key:stage:version"; an id is a name, or an ARN of seven parts.
void parse_secret(std::string_view key, std::string_view whole, Reference& into) {
  std::vector<std::string> parts = parts_of(key);
  const std::size_t id_parts = parts[0] == "arn" ? 7 : 1;
  if (parts.size() < id_parts || parts.size() > id_parts + 4 || parts[0].empty())
    throw wrong_form("Secrets Manager", whole);
  for (std::size_t i = 0; i < id_parts; i++) into.name += (i ? ":" : "") + parts[i];
  parts.resize(id_parts + 4);
  const std::string& form = parts[id_parts];
  if (!form.empty() && form != "SecretString") throw wrong_form("Secrets Manager", whole);
  into.json_key = parts[id_parts + 1];
  into.version_stage = parts[id_parts + 2];
  into.version_id = parts[id_parts + 3];
  if (!into.version_stage.empty() && !into.version_id.empty()) throw wrong_form("Secrets Manager", whole);
}

Reference parse(std::string_view whole) {
  std::string_view inner = whole.substr(opening.size());
  inner.remove_suffix(2);
  const std::size_t colon = inner.find(':');
  const std::string_view service = inner.substr(0, colon);
  const std::string_view key = colon == std::string_view::npos ? std::string_view() : inner.substr(colon + 1);
  Reference out;
  if (service == "ssm" || service == "ssm-secure") {
    out.kind = service == "ssm" ? Reference::Kind::parameter : Reference::Kind::secure_parameter;
    parse_parameter(key, whole, out);
  } else if (service == "secretsmanager") {
    out.kind = Reference::Kind::secret;
    parse_secret(key, whole, out);
  } else {
    throw wrong_form("dynamic", whole);
  }
  return out;
}

std::string parameter_value(const Reference& reference, const Surroundings& surroundings) {
  std::string shown = reference.name;
  if (reference.version) shown += ":" + std::to_string(*reference.version);
  auto found = surroundings.parameter(reference.name, reference.version);
  if (!found)
    throw validation_error("Unable to fetch parameters [" + shown + "] from parameter store for this account.");
  if (found->type == "SecureString" && reference.kind == Reference::Kind::parameter)
    throw validation_error("Non-secure ssm prefix was used for secure parameter " + reference.name);
  return found->value;
}

std::string secret_value(const Reference& reference, const Surroundings& surroundings) {
  auto found = surroundings.secret(reference.name, reference.json_key, reference.version_stage, reference.version_id);
  if (!found)
    throw validation_error(reference.json_key.empty()
                               ? "Secrets Manager can't find the specified secret."
                               : "Could not find a value associated with JSONKey in SecretString");
  return *found;
}

// `replace` is asked for each reference's value; absent: it stays.
template <class Replace>
std::string replaced(const std::string& text, const Replace& replace) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
    const std::size_t end = text.find("}}", at);
    if (end == std::string::npos) break;
    const std::string_view whole = std::string_view(text).substr(at, end + 2 - at);
    out += text.substr(done, at - done);
    const std::optional<std::string> value = replace(parse(whole));
    out += value ? *value : std::string(whole);
    done = at = end + 2;
  }
  return out + text.substr(done);
}

template <class Replace>
void each_text(Value& node, const Replace& replace) {
  if (node.is_string()) {
    if (node.as_string().find(opening) != std::string::npos) node = replaced(node.as_string(), replace);
  } else if (node.is_list()) {
    for (Value& item : node.as_list()) each_text(item, replace);
  } else if (node.is_map()) {
    for (ValueMember& member : node.as_map()) each_text(member.value, replace);
  }
}

}  // namespace

Value fill_dynamic_references(Value node, const Surroundings& surroundings) {
  each_text(node, [&](const Reference& reference) -> std::optional<std::string> {
    if (reference.kind == Reference::Kind::secret) {
      if (!surroundings.secret) return std::nullopt;
      return secret_value(reference, surroundings);
    }
    if (!surroundings.parameter) return std::nullopt;
    return parameter_value(reference, surroundings);
  });
  return node;
}

void check_dynamic_references(const Value& node) {
  if (node.is_string()) {
    if (node.as_string().find(opening) != std::string::npos)
      (void)replaced(node.as_string(), [](const Reference&) { return std::optional<std::string>(); });
  } else if (node.is_list()) {
    for (const Value& item : node.as_list()) check_dynamic_references(item);
  } else if (node.is_map() && function_name(node).empty()) {
    for (const ValueMember& member : node.as_map()) check_dynamic_references(member.value);
  }
}

}  // namespace tarn::deploy
