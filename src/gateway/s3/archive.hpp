// Storage classes, which are records only, and archived objects, whose bytes can be read once they were restored
// ("Working with archived objects").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "store/store.hpp"

namespace tarn::gateway::s3 {

// Throws Error (caller, InvalidStorageClass) for one that objects of general purpose buckets can't have.
void check_storage_class(std::string_view storage_class);

bool is_archived(std::string_view storage_class);
// Throws Error (denied, InvalidObjectState) for an archived object of which no restored copy is there.
void require_readable(const store::ObjectInfo& object, Time now, bool as_copy_source = false);

// x-amz-restore: absent where nothing was asked for, or the copy has expired.
std::optional<std::string> restore_header(const store::ObjectHeaders& headers, Time now);

// When a restoration that is asked for at `now` is ready. Throws Error (caller, InvalidArgument) for a tier that the
// storage class does not have.
Time restored_at(std::string_view storage_class, std::string_view tier, Time now);
// The midnight that follows `days` after it.
Time restore_expiry(Time ready, int64_t days);

}  // namespace tarn::gateway::s3
