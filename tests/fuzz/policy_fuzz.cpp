// Any text as a policy document: kept as one, it has statements with an effect; else it is refused by that name.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "govern/policy.hpp"
#include "govern/policy_decision.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const govern::PolicyRequest anybody{"", "s3:GetObject", "arn:aws:s3:::lake/key", {{"aws:sourceip", "127.0.0.1"}}};
  govern::policy_allows(text, anybody);
  for (auto kind : {govern::PolicyKind::identity, govern::PolicyKind::trust, govern::PolicyKind::resource}) {
    try {
      govern::check_policy(text, kind);
    } catch (const Error& error) {
      if (error.code() != "MalformedPolicyDocument") std::abort();
      continue;
    }
    const Value policy = parse_json(text);
    const Value& statements = policy.at("Statement");
    const ValueList one{statements};
    for (const Value& statement : statements.is_list() ? statements.as_list() : one)
      if (statement.string_or("Effect") != "Allow" && statement.string_or("Effect") != "Deny") std::abort();
  }
  return 0;
}
