#include "gateway/iam/aws_policies.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"

namespace tarn::gateway::iam {
namespace {

constexpr AwsPolicy policies[] = {
#include "gateway/iam/aws_policies.inc"
};

// Steady, though not AWS's own.
std::string id_of(const AwsPolicy& policy) {
  std::string id = hex_encode(digest(DigestKind::sha256, policy.arn())).substr(0, 17);
  for (char& c : id)
    if (c >= 'a') c = static_cast<char>(c - 32);
  return "ANPA" + id;
}

}  // namespace

Value AwsPolicy::record() const {
  const Time made = parse_iso8601(created).value_or(Time{}), changed = parse_iso8601(updated).value_or(Time{});
  Value policy = Value::map({{"PolicyName", name},
                             {"PolicyId", id_of(*this)},
                             {"Arn", arn()},
                             {"Path", path},
                             {"DefaultVersionId", version},
                             {"IsAttachable", true},
                             {"CreateDate", made},
                             {"UpdateDate", changed}});
  Value shown_version = Value::map({{"VersionId", version}, {"CreateDate", changed}, {"Document", document}});
  return Value::map({{"Policy", std::move(policy)}, {"Versions", Value::list({std::move(shown_version)})}});
}

std::span<const AwsPolicy> aws_policies() {
  return policies;
}

const AwsPolicy* find_aws_policy(std::string_view arn) {
  const std::string_view name = arn.substr(arn.rfind('/') + 1);
  auto it = std::lower_bound(std::begin(policies), std::end(policies), name,
                             [](const AwsPolicy& p, std::string_view n) { return p.name < n; });
  return it != std::end(policies) && it->name == name && it->arn() == arn ? &*it : nullptr;
}

bool is_aws_policy(std::string_view arn) {
  return arn.starts_with("arn:aws:iam::aws:policy/");
}

}  // namespace tarn::gateway::iam
