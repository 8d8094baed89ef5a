// Object lock in requests and answers ("Locking objects with Object Lock").
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "store/store.hpp"

namespace tarn::gateway::s3 {

// From the headers x-amz-object-lock-mode and -retain-until-date, which come together. Throws Error (caller,
// InvalidArgument).
std::optional<store::Retention> parse_retention(const std::optional<std::string>& mode,
                                                const std::optional<Time>& until, Time now);
// From x-amz-object-lock-legal-hold: "ON", "OFF". Throws Error (caller, InvalidArgument).
std::optional<bool> parse_legal_hold(const std::optional<std::string>& status);

// Whether `now` may replace `before`; what is in force can't be weakened: throws Error (denied, AccessDenied).
void check_retention_change(const std::optional<store::Retention>& before, const std::optional<store::Retention>& after,
                            Time now, bool bypass_governance);

}  // namespace tarn::gateway::s3
