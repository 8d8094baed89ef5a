// A bucket's replication configuration: what goes where ("Replicating objects within and across Regions"). Pure
// functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/s3.hpp"
#include "base/value.hpp"

namespace tarn::store {

class ReplicationRules {
 public:
  // `setting` is BucketInfo::settings["replication"]: S3's ReplicationConfiguration.
  explicit ReplicationRules(const Value& setting);

  struct Target {
    std::string bucket, rule_id;
    std::string storage_class;    // of the replica; empty: the source's
    bool delete_markers = false;  // are replicated too
  };
  // One for each destination bucket that a rule names: of several rules the one of the highest priority.
  std::vector<Target> targets(std::string_view key, const std::map<std::string, std::string>& tags) const;

 private:
  std::vector<api::s3::ReplicationRule> rules_;  // the enabled ones, the highest priority first
};

}  // namespace tarn::store
