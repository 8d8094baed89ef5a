// What a bucket's lifecycle configuration says of an object ("Managing the lifecycle of objects", "Lifecycle
// configuration elements"). Pure functions; lifecycle.hpp carries it out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3.hpp"
#include "base/value.hpp"

namespace tarn::store {

// One version of an object, as rules look at it.
struct LifecycleSubject {
  std::string_view key;
  uint64_t size_bytes = 0;
  const std::map<std::string, std::string>* tags = nullptr;  // nullptr: none
  std::string_view storage_class = "STANDARD";
  Time last_modified{};
  bool delete_marker = false;
  bool alone = false;  // no other version of the key is there
  // Not the current version: since when, and how many noncurrent ones are newer.
  std::optional<Time> noncurrent_since;
  int newer_noncurrent_versions = 0;
};

struct LifecycleDecision {
  enum class Action {
    none,
    expire,      // remove this version; where versions are kept, a current one gets a delete marker instead
    transition,  // to storage_class
  };
  Action action = Action::none;
  std::string storage_class, rule_id;
};

// Time from which something expires: the days are added, and the sum is rounded up to the next midnight UTC.
Time lifecycle_due(Time since, int64_t days);

class LifecycleRules {
 public:
  // `setting` is BucketInfo::settings["lifecycle"]: {"Rules": […], "TransitionDefaultMinimumObjectSize": …}.
  explicit LifecycleRules(const Value& setting);

  LifecycleDecision decide(const LifecycleSubject& subject, Time now) const;
  // When a multipart upload is to be aborted, and by which rule.
  struct Due {
    Time at;
    std::string rule_id;
  };
  std::optional<Due> abort_of_upload(std::string_view key, Time initiated) const;
  // When the current version expires: what x-amz-expiration tells. Rules by Date count too.
  std::optional<Due> expiration(const LifecycleSubject& subject) const;
  bool looks_at_tags() const;

 private:
  bool matches(const api::s3::LifecycleRule& rule, const LifecycleSubject& subject) const;
  bool may_transition(const api::s3::LifecycleRule& rule, const LifecycleSubject& subject,
                      const std::string& storage_class) const;
  std::optional<Due> expiration_by(const api::s3::LifecycleRule& rule, const LifecycleSubject& subject) const;
  bool expires(const api::s3::LifecycleRule& rule, const LifecycleSubject& subject, Time now) const;

  std::vector<api::s3::LifecycleRule> rules_;  // the enabled ones
  bool small_objects_may_be_archived_ = false;
};

}  // namespace tarn::store
