#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "gateway/kms/requests.hpp"
#include "govern/policy.hpp"

namespace tarn::gateway::kms {
namespace {

using api::Context;
using govern::KeyRecord;
using govern::Keys;

constexpr std::size_t max_tags = 50;

void check_key_policy(const std::string& policy) {
  if (policy.size() > 32 * 1024)
    throw Error(ErrorKind::limit, "LimitExceededException", "The key policy is larger than 32 KB.");
  try {
    govern::check_policy(policy, govern::PolicyKind::resource);
  } catch (const Error& error) {
    throw Error(ErrorKind::caller, "MalformedPolicyDocumentException", error.message());
  }
}

void check_tags(const std::vector<model::Tag>& tags) {
  std::set<std::string> seen;
  for (const model::Tag& tag : tags) {
    if (tag.tag_key.starts_with("aws:"))
      throw Error(ErrorKind::caller, "TagException", "Tags beginning with aws: are reserved");
    if (!seen.insert(tag.tag_key).second) throw Error(ErrorKind::caller, "TagException", "Duplicate tag keys");
  }
  if (tags.size() > max_tags) throw Error(ErrorKind::limit, "LimitExceededException", "Too many tags");
}

model::CreateKeyResponse create(Keys& keys, Context& c, const model::CreateKeyRequest& in) {
  if (in.policy) check_key_policy(*in.policy);
  if (in.tags) check_tags(*in.tags);
  return {keys.create(scope_of(c), c.principal.arn, in).metadata};
}

model::ListKeysResponse list(Keys& keys, Context& c, const model::ListKeysRequest& in) {
  if (in.resource_owners && *in.resource_owners != std::vector<std::string>{"SELF"})
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "ListKeys with ResourceOwners OTHER_ACCOUNTS_VIA_RAM: tarn shares no keys between accounts.");
  const auto limit = static_cast<std::size_t>(in.limit.value_or(100));
  model::ListKeysResponse out;
  auto& entries = out.keys.emplace();
  for (const KeyRecord& key : keys.list(scope_of(c), after_of(in.marker), limit + 1))
    entries.push_back({key.metadata.key_id, key.arn()});
  cut(out, entries, limit, [](const auto& e) { return *e.key_id; });
  return out;
}

void set_enabled(Keys& keys, Context& c, const std::string& id, bool enabled) {
  keys.change(scope_of(c), c.principal.arn, id, [&](KeyRecord& key) {
    govern::require_not_pending_deletion(key);
    if (key.metadata.key_state == "PendingImport") govern::require_enabled(key);
    key.metadata.enabled = enabled;
    key.metadata.key_state = enabled ? "Enabled" : "Disabled";
  });
}

model::ScheduleKeyDeletionResponse schedule_deletion(Keys& keys, Context& c,
                                                     const model::ScheduleKeyDeletionRequest& in) {
  const int64_t days = in.pending_window_in_days.value_or(30);
  if (days < 7 || days > 30) invalid("PendingWindowInDays must be between 7 and 30 (inclusive).");
  const KeyRecord key = keys.change(scope_of(c), c.principal.arn, in.key_id, [&](KeyRecord& k) {
    govern::require_not_pending_deletion(k);
    k.metadata.key_state = "PendingDeletion";
    k.metadata.enabled = false;
    k.metadata.deletion_date = c.now + std::chrono::days(days);
  });
  model::ScheduleKeyDeletionResponse out;
  out.key_id = key.arn();
  out.deletion_date = key.metadata.deletion_date;
  out.key_state = key.metadata.key_state;
  out.pending_window_in_days = days;
  return out;
}

model::CancelKeyDeletionResponse cancel_deletion(Keys& keys, Context& c, const model::CancelKeyDeletionRequest& in) {
  const KeyRecord key = keys.change(scope_of(c), c.principal.arn, in.key_id, [](KeyRecord& k) {
    if (k.metadata.key_state != "PendingDeletion")
      throw Error(ErrorKind::conflict, "KMSInvalidStateException", k.arn() + " is not pending deletion.");
    const bool waits = k.metadata.origin == "EXTERNAL" && !k.metadata.expiration_model;
    k.metadata.key_state = waits ? "PendingImport" : "Disabled";
    k.metadata.deletion_date.reset();
  });
  return {key.arn()};
}

void tag(Keys& keys, Context& c, const model::TagResourceRequest& in) {
  check_tags(in.tags);
  keys.change(scope_of(c), c.principal.arn, in.key_id, [&](KeyRecord& key) {
    govern::require_not_pending_deletion(key);
    for (const model::Tag& added : in.tags) {
      auto same = std::ranges::find(key.tags, added.tag_key, &model::Tag::tag_key);
      if (same == key.tags.end())
        key.tags.push_back(added);
      else
        *same = added;
    }
    check_tags(key.tags);
  });
}

void untag(Keys& keys, Context& c, const model::UntagResourceRequest& in) {
  keys.change(scope_of(c), c.principal.arn, in.key_id, [&](KeyRecord& key) {
    govern::require_not_pending_deletion(key);
    std::erase_if(key.tags,
                  [&](const model::Tag& t) { return std::ranges::find(in.tag_keys, t.tag_key) != in.tag_keys.end(); });
  });
}

model::ListResourceTagsResponse list_tags(Keys& keys, Context& c, const model::ListResourceTagsRequest& in) {
  const std::string after = after_of(in.marker);
  auto tags = keys.find(scope_of(c), in.key_id).tags;
  std::ranges::sort(tags, {}, &model::Tag::tag_key);
  std::erase_if(tags, [&](const model::Tag& t) { return !after.empty() && t.tag_key <= after; });
  model::ListResourceTagsResponse out;
  cut(out, tags, static_cast<std::size_t>(in.limit.value_or(50)), [](const auto& t) { return t.tag_key; });
  out.tags = std::move(tags);
  return out;
}

void require_default_policy(const std::optional<std::string>& name) {
  if (name.value_or("default") != "default")
    throw Error(ErrorKind::missing, "NotFoundException", "No such policy exists");
}

void register_policies(api::Operations& operations, Keys& keys) {
  namespace op = model::op;
  operations.on<op::GetKeyPolicy>([&](Context& c, const model::GetKeyPolicyRequest& in) {
    require_default_policy(in.policy_name);
    model::GetKeyPolicyResponse out;
    out.policy = keys.find(scope_of(c), in.key_id).policy;
    out.policy_name = "default";
    return out;
  });
  operations.on<op::PutKeyPolicy>([&](Context& c, const model::PutKeyPolicyRequest& in) {
    require_default_policy(in.policy_name);
    check_key_policy(in.policy);
    keys.change(scope_of(c), c.principal.arn, in.key_id, [&](KeyRecord& key) {
      govern::require_not_pending_deletion(key);
      key.policy = in.policy;
    });
    return api::Empty{};
  });
  operations.on<op::ListKeyPolicies>([&](Context& c, const model::ListKeyPoliciesRequest& in) {
    keys.find(scope_of(c), in.key_id);
    model::ListKeyPoliciesResponse out;
    auto& names = out.policy_names.emplace();
    if (after_of(in.marker) < "default") names.emplace_back("default");
    out.truncated = false;
    return out;
  });
}

}  // namespace

void register_keys(api::Operations& operations, Keys& keys) {
  namespace op = model::op;
  operations.on<op::CreateKey>([&](Context& c, const model::CreateKeyRequest& in) { return create(keys, c, in); });
  operations.on<op::DescribeKey>([&](Context& c, const model::DescribeKeyRequest& in) {
    check_grant_tokens(keys, c, in.grant_tokens);
    return model::DescribeKeyResponse{keys.find(scope_of(c), in.key_id).metadata};
  });
  operations.on<op::ListKeys>([&](Context& c, const model::ListKeysRequest& in) { return list(keys, c, in); });
  operations.on<op::EnableKey>([&](Context& c, const model::EnableKeyRequest& in) {
    set_enabled(keys, c, in.key_id, true);
    return api::Empty{};
  });
  operations.on<op::DisableKey>([&](Context& c, const model::DisableKeyRequest& in) {
    set_enabled(keys, c, in.key_id, false);
    return api::Empty{};
  });
  operations.on<op::UpdateKeyDescription>([&](Context& c, const model::UpdateKeyDescriptionRequest& in) {
    keys.change(scope_of(c), c.principal.arn, in.key_id, [&](KeyRecord& key) {
      govern::require_not_pending_deletion(key);
      key.metadata.description = in.description;
    });
    return api::Empty{};
  });
  operations.on<op::ScheduleKeyDeletion>(
      [&](Context& c, const model::ScheduleKeyDeletionRequest& in) { return schedule_deletion(keys, c, in); });
  operations.on<op::CancelKeyDeletion>(
      [&](Context& c, const model::CancelKeyDeletionRequest& in) { return cancel_deletion(keys, c, in); });
  operations.on<op::TagResource>([&](Context& c, const model::TagResourceRequest& in) {
    tag(keys, c, in);
    return api::Empty{};
  });
  operations.on<op::UntagResource>([&](Context& c, const model::UntagResourceRequest& in) {
    untag(keys, c, in);
    return api::Empty{};
  });
  operations.on<op::ListResourceTags>(
      [&](Context& c, const model::ListResourceTagsRequest& in) { return list_tags(keys, c, in); });
  register_policies(operations, keys);
}

}  // namespace tarn::gateway::kms
