#include "deploy/resource_type.hpp"

#include "base/digest.hpp"
#include "base/error.hpp"
#include "deploy/resources/known_types.hpp"

namespace tarn::deploy {

Value Action::call(std::string_view operation, const Value& input) const {
  api::Context context;
  context.principal = principal;
  context.region = region;
  context.request_id = random.uuid();
  context.now = clock.now();
  context.endpoint = endpoint;
  context.user_agent = "cloudformation.amazonaws.com";
  context.source_ip = "cloudformation.amazonaws.com";
  return operations.call(context, operation, input);
}

std::string generated_name(const Action& action, std::size_t max_length, bool lower_case) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  constexpr std::size_t random_length = 12;
  const std::string hash = digest(DigestKind::sha256, action.stack_id + '\n' + action.logical_id + '\n' + action.token);
  std::string ending;
  for (std::size_t i = 0; i < random_length; ++i)
    ending += letters[static_cast<unsigned char>(hash[i]) % letters.size()];
  // What is too long loses of the longer part first.
  std::string stack = action.stack_name, logical = action.logical_id;
  while (stack.size() + logical.size() + random_length + 2 > max_length && (stack.size() > 1 || logical.size() > 1))
    (stack.size() > logical.size() ? stack : logical).pop_back();
  std::string out = stack + '-' + logical + '-' + ending;
  if (out.size() > max_length) out = ending.substr(0, max_length);
  if (lower_case)
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

void ResourceTypes::add(std::unique_ptr<ResourceType> type) {
  std::string name(type->name());
  const bool added = types_.emplace(std::move(name), std::move(type)).second;
  TARN_ASSERT(added);
}

const ResourceType* ResourceTypes::find(std::string_view name) const {
  const auto it = types_.find(name.starts_with("Custom::") ? "AWS::CloudFormation::CustomResource" : name);
  return it == types_.end() ? nullptr : it->second.get();
}

std::string ResourceTypes::refusal(std::string_view name) const {
  return why_not_here(name);
}

}  // namespace tarn::deploy
