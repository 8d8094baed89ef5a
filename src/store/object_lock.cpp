// Object lock: which versions can't be removed.
#include "base/error.hpp"
#include "store/local_store.hpp"

namespace tarn::store {

static const Value* lock_setting(const BucketInfo& bucket) {
  auto setting = bucket.settings.find("objectLock");
  return setting == bucket.settings.end() || !setting->second.is_map() ? nullptr : &setting->second;
}

bool has_object_lock(const BucketInfo& bucket) {
  return lock_setting(bucket) != nullptr;
}

std::optional<Retention> default_retention(const BucketInfo& bucket, Time now) {
  using namespace std::chrono;
  const Value* lock = lock_setting(bucket);
  const Value* rule = lock ? lock->find("Rule") : nullptr;
  const Value* retention = rule ? rule->find("DefaultRetention") : nullptr;
  if (!retention || !retention->find("Mode")) return std::nullopt;
  Time until = now;
  if (const Value* n = retention->find("Days"); n && n->is_int()) until += days(n->as_int());
  if (const Value* n = retention->find("Years"); n && n->is_int()) {
    const auto day = floor<days>(now);
    year_month_day date(day);
    date += years(static_cast<int>(n->as_int()));
    if (!date.ok()) date = date.year() / February / last;  // 29 February
    until = sys_days(date) + (now - day);
  }
  return Retention{retention->string_or("Mode"), until};
}

void require_unlocked(const ObjectInfo& version, Time now, bool bypass_governance) {
  const auto& retention = version.headers.retention;
  const bool retained = retention && retention->until > now && !(bypass_governance && retention->mode == "GOVERNANCE");
  if (retained || version.headers.legal_hold.value_or(false))
    throw Error(ErrorKind::denied, "AccessDenied", "Access Denied because object protected by object lock.");
}

void settle_lock(const BucketInfo& bucket, ObjectHeaders& headers, Time now) {
  if (!has_object_lock(bucket)) {
    if (headers.retention || headers.legal_hold)
      throw Error(ErrorKind::caller, "InvalidRequest", "Bucket is missing Object Lock Configuration");
    return;
  }
  if (!headers.retention) headers.retention = default_retention(bucket, now);
}

}  // namespace tarn::store
