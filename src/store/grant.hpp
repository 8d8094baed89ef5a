// The one key to the bytes of the lake. Only govern/ makes Grants, so no path to the data can forget to ask.
#pragma once

#include <string>

namespace tarn::govern {
class Authority;
}

namespace tarn::store {

enum class Access { read, write };

// Says that `principal` was allowed `access` to the objects of `bucket` whose keys begin with `key_prefix`. Plain,
// copyable.
class Grant {
 public:
  const std::string& principal_arn() const { return principal_arn_; }
  const std::string& account() const { return account_; }
  Access access() const { return access_; }
  // Whether it opens this object; an empty bucket stands for all buckets (the account's root, tarn itself).
  bool covers(Access access, std::string_view bucket, std::string_view key) const {
    return (access == access_ || access_ == Access::write) && (bucket_.empty() || bucket == bucket_) &&
           key.starts_with(key_prefix_);
  }

 private:
  friend class govern::Authority;
  Grant(std::string principal_arn, std::string account, Access access, std::string bucket, std::string key_prefix)
      : principal_arn_(std::move(principal_arn)),
        account_(std::move(account)),
        access_(access),
        bucket_(std::move(bucket)),
        key_prefix_(std::move(key_prefix)) {}

  std::string principal_arn_, account_;
  Access access_;
  std::string bucket_, key_prefix_;
};

}  // namespace tarn::store
