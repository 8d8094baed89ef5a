#include <algorithm>

#include "base/error.hpp"
#include "gateway/kms/requests.hpp"

namespace tarn::gateway::kms {
namespace {

using api::Context;
using govern::KeyRecord;
using govern::Keys;

constexpr std::ptrdiff_t max_on_demand_rotations = 25;

// Keys whose material tarn makes, and which are symmetric, rotate.
void require_rotatable(const KeyRecord& key) {
  if (key.metadata.key_spec != "SYMMETRIC_DEFAULT" || key.metadata.origin != "AWS_KMS")
    throw Error(ErrorKind::caller, "UnsupportedOperationException", key.arn() + " does not support rotation.");
}

// `KeyId` of these operations is an id or an ARN, no alias.
KeyRecord find(Keys& keys, Context& c, const std::string& id) {
  if (id.starts_with("alias/") || id.find(":alias/") != id.npos)
    throw Error(ErrorKind::caller, "InvalidArnException", "An alias does not name a key here: " + id);
  return keys.find(scope_of(c), id);
}

void enable(Keys& keys, Context& c, const model::EnableKeyRotationRequest& in) {
  keys.change(scope_of(c), c.principal.arn, in.key_id, [&](KeyRecord& key) {
    require_rotatable(key);
    govern::require_enabled(key);
    const int64_t days = in.rotation_period_in_days.value_or(key.rotates ? key.rotation_period_days : 365);
    if (!key.rotates || days != key.rotation_period_days) key.next_rotation = c.now + std::chrono::days(days);
    key.rotates = true;
    key.rotation_period_days = days;
  });
}

void disable(Keys& keys, Context& c, const model::DisableKeyRotationRequest& in) {
  keys.change(scope_of(c), c.principal.arn, in.key_id, [&](KeyRecord& key) {
    require_rotatable(key);
    govern::require_enabled(key);
    key.rotates = false;
    key.next_rotation.reset();
  });
}

model::GetKeyRotationStatusResponse status(Keys& keys, Context& c, const model::GetKeyRotationStatusRequest& in) {
  const KeyRecord key = find(keys, c, in.key_id);
  model::GetKeyRotationStatusResponse out;
  out.key_id = key.arn();
  if (key.metadata.key_spec != "SYMMETRIC_DEFAULT")
    throw Error(ErrorKind::caller, "UnsupportedOperationException", key.arn() + " does not support rotation.");
  if (key.metadata.key_state == "PendingImport") govern::require_enabled(key);
  out.key_rotation_enabled = key.rotates && key.metadata.key_state != "PendingDeletion";
  if (*out.key_rotation_enabled) {
    out.rotation_period_in_days = key.rotation_period_days;
    out.next_rotation_date = key.next_rotation;
  }
  return out;
}

model::RotateKeyOnDemandResponse rotate(Keys& keys, Context& c, const model::RotateKeyOnDemandRequest& in) {
  const KeyRecord key = keys.find_own(scope_of(c), in.key_id);
  require_rotatable(key);
  govern::require_enabled(key);
  if (std::ranges::count(key.materials, "ON_DEMAND", &govern::KeyMaterial::rotation) >= max_on_demand_rotations)
    throw Error(ErrorKind::limit, "LimitExceededException",
                "The key was rotated on demand 25 times already, which is the most that there may be.");
  keys.rotate(scope_of(c), c.principal.arn, key.metadata.key_id, "ON_DEMAND");
  return {key.arn()};
}

model::ListKeyRotationsResponse list(Keys& keys, Context& c, const model::ListKeyRotationsRequest& in) {
  const KeyRecord key = find(keys, c, in.key_id);
  if (key.metadata.key_spec != "SYMMETRIC_DEFAULT")
    throw Error(ErrorKind::caller, "UnsupportedOperationException", key.arn() + " does not support rotation.");
  const bool all = in.include_key_material == "ALL_KEY_MATERIAL";
  const std::string after = after_of(in.marker);
  std::vector<model::RotationsListEntry> entries;
  bool begun = after.empty();
  for (const auto& material : key.materials) {
    if (!begun) {
      begun = material.id == after;
      continue;
    }
    if (material.rotation.empty() && !all) continue;
    model::RotationsListEntry entry;
    entry.key_id = key.arn();
    entry.key_material_id = material.id;
    entry.key_material_state = &material == &key.materials.back() ? "CURRENT" : "NON_CURRENT";
    if (key.metadata.origin == "EXTERNAL") {
      entry.import_state = key.metadata.key_state == "PendingImport" ? "PENDING_IMPORT" : "IMPORTED";
      entry.expiration_model = key.metadata.expiration_model;
      entry.valid_to = key.metadata.valid_to;
    }
    if (!material.rotation.empty()) {
      entry.rotation_date = material.created;
      entry.rotation_type = material.rotation;
    }
    entries.push_back(std::move(entry));
  }
  model::ListKeyRotationsResponse out;
  cut(out, entries, static_cast<std::size_t>(in.limit.value_or(100)), [](const auto& e) { return *e.key_material_id; });
  out.rotations = std::move(entries);
  return out;
}

}  // namespace

void register_rotation(api::Operations& operations, Keys& keys) {
  namespace op = model::op;
  operations.on<op::EnableKeyRotation>([&](Context& c, const model::EnableKeyRotationRequest& in) {
    enable(keys, c, in);
    return api::Empty{};
  });
  operations.on<op::DisableKeyRotation>([&](Context& c, const model::DisableKeyRotationRequest& in) {
    disable(keys, c, in);
    return api::Empty{};
  });
  operations.on<op::GetKeyRotationStatus>(
      [&](Context& c, const model::GetKeyRotationStatusRequest& in) { return status(keys, c, in); });
  operations.on<op::RotateKeyOnDemand>(
      [&](Context& c, const model::RotateKeyOnDemandRequest& in) { return rotate(keys, c, in); });
  operations.on<op::ListKeyRotations>(
      [&](Context& c, const model::ListKeyRotationsRequest& in) { return list(keys, c, in); });
}

}  // namespace tarn::gateway::kms
