// Tags of Glue's resources. A resource of type T ("crawler", "job", "connection", "database", "trigger" …) is the
// record in kind "glue.T" under key(account, region, name), so whoever keeps its records so has tags for it.
//
// Thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace tarn::catalog {

using TagMap = std::map<std::string, std::string>;

// arn:aws:glue:REGION:ACCOUNT:TYPE/NAME
std::string resource_arn(const Scope& scope, std::string_view type, std::string_view name);

// Within the transaction that makes or removes the resource. More than 50 tags, or keys that AWS refuses:
// InvalidInputException.
void put_tags(meta::Transaction& t, const std::string& arn, const TagMap& tags);
void erase_tags(meta::Transaction& t, const std::string& arn);

class Tags {
 public:
  explicit Tags(meta::Metadata& metadata) : metadata_(metadata) {}

  // Each throws EntityNotFoundException when the ARN names nothing in the scope's account and region.
  void add(const Scope& scope, const std::string& arn, const TagMap& tags);
  void remove(const Scope& scope, const std::string& arn, const std::vector<std::string>& keys);
  TagMap get(const Scope& scope, const std::string& arn) const;

  // The tags of a resource known to exist; empty when it has none.
  TagMap of(const std::string& arn) const;

 private:
  meta::Metadata& metadata_;
};

}  // namespace tarn::catalog
