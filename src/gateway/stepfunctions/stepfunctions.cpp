#include "gateway/stepfunctions/stepfunctions.hpp"

#include "base/base64.hpp"
#include "base/error.hpp"
#include "gateway/stepfunctions/requests.hpp"

namespace tarn::gateway::stepfunctions {

states::StatesArn checked_arn(const api::Context& context, const std::string& text, const char* type) {
  states::StatesArn out = states::parse_states_arn(text, type);
  if (out.account != context.account() || out.region != context.region)
    throw Error(ErrorKind::denied, "AccessDeniedException",
                context.principal.arn + " is not authorized to act on " + text + ".");
  return out;
}

states::StatesArn unqualified_arn(const api::Context& context, const std::string& text, const char* type) {
  states::StatesArn out = checked_arn(context, text, type);
  if (!out.qualifier.empty())
    throw Error(ErrorKind::caller, "InvalidArn",
                "Invalid Arn: 'Resource type not valid in this context: " + text + "'");
  return out;
}

void check_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= 80;
  for (unsigned char c : name)
    good &= c > 0x20 && c != 0x7f &&
            std::string_view("<>{}[]?*\"#%\\^|~`$&,;:/").find(static_cast<char>(c)) == std::string_view::npos;
  if (!good) throw Error(ErrorKind::caller, "InvalidName", "Invalid Name: '" + name + "'");
}

states::Tags read_tags(const std::optional<std::vector<sfn::Tag>>& tags) {
  states::Tags out;
  if (!tags) return out;
  for (const sfn::Tag& tag : *tags) {
    if (!tag.key || tag.key->starts_with("aws:"))
      throw Error(ErrorKind::caller, "ValidationException", "A tag's key must be there and must not begin with aws:.");
    out[*tag.key] = tag.value.value_or("");
  }
  return out;
}

void check_encryption(const std::optional<sfn::EncryptionConfiguration>& encryption) {
  if (encryption && encryption->type != "AWS_OWNED_KEY")
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "EncryptionConfiguration with a customer's key: tarn keeps executions under its own.");
}

std::size_t page_size(const std::optional<int64_t>& max_results, std::size_t otherwise) {
  return max_results && *max_results > 0 ? static_cast<std::size_t>(*max_results) : otherwise;
}

std::string write_page_token(const std::string& place) {
  return base64_encode("p" + place);
}

std::string read_page_token(const std::optional<std::string>& token) {
  if (!token) return "";
  const auto place = base64_decode(*token);
  if (!place || !place->starts_with('p'))
    throw Error(ErrorKind::caller, "InvalidToken", "Invalid Token: 'Invalid token'");
  return place->substr(1);
}

}  // namespace tarn::gateway::stepfunctions

namespace tarn::gateway {

void register_stepfunctions(api::Operations& operations, states::Executions& executions, Clock& clock) {
  stepfunctions::register_machines(operations, executions);
  stepfunctions::register_versions(operations, executions, clock);
  stepfunctions::register_executions(operations, executions);
  stepfunctions::register_map_runs(operations, executions);
  stepfunctions::register_tasks(operations, executions, clock);
}

}  // namespace tarn::gateway
