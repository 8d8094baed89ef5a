// When a secret is rotated by itself ("AWS Secrets Manager User Guide", Rotation schedules). All times are UTC.
//
// Days count from midnight, hours from the full hour. A rotation begins when its window opens.
#pragma once

#include <optional>

#include "api/secretsmanager.hpp"
#include "base/clock.hpp"

namespace tarn::orchestrate {

struct RotationWindow {
  Time opens{}, closes{};
};

// Rules that Secrets Manager refuses throw Error (caller, InvalidParameterException).
void check_rotation_rules(const api::secretsmanager::RotationRulesType& rules);
// The first window that opens after `t`, for rules that have been checked; absent when they have no schedule, or no
// instant is left in it.
std::optional<RotationWindow> next_window(const api::secretsmanager::RotationRulesType& rules, Time t);

}  // namespace tarn::orchestrate
