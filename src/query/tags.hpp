// Tags of workgroups and data catalogs.
#pragma once

#include "query/parts.hpp"

namespace tarn::query {

std::string workgroup_arn(const Caller& caller, const std::string& name);
std::string data_catalog_arn(const Caller& caller, const std::string& name);

// Adds to what is there. More than 50, or a key twice, throws invalid_request.
void set_tags(meta::Transaction& change, const Caller& caller, const std::string& arn,
              const std::vector<athena::Tag>& tags);
void remove_tags(meta::Transaction& change, const Caller& caller, const std::string& arn);

// Tags as operations see them. An ARN of nothing that is there throws Error (missing, ResourceNotFoundException).
class Tags {
 public:
  explicit Tags(const Parts& parts) : parts_(parts) {}
  void add(const Caller& caller, const std::string& arn, const std::vector<athena::Tag>& tags);
  void remove(const Caller& caller, const std::string& arn, const std::vector<std::string>& keys);
  std::vector<athena::Tag> list(const Caller& caller, const std::string& arn) const;

 private:
  void check_exists(meta::Reader& reader, const Caller& caller, const std::string& arn) const;
  const Parts& parts_;
};

}  // namespace tarn::query
