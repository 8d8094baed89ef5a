// The parameters of Parameter Store and their versions ("AWS Systems Manager User Guide", Parameter Store).
//
// A record for each parameter (its newest version, its tags) and one for each version. The value of a SecureString
// stands apart, sealed by a key of KMS, and never enters the change log.
//
// Thread-safe. Errors carry Parameter Store's codes: ParameterNotFound, ParameterVersionNotFound,
// ParameterAlreadyExists, ParameterMaxVersionLimitExceeded, HierarchyTypeMismatchException, InvalidKeyId ...
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ssm.hpp"
#include "govern/keys.hpp"
#include "govern/parameter_rules.hpp"

namespace tarn::govern {

using ParameterScope = KeyScope;
// As GetParameterHistory tells it. The value of a SecureString is not told here: see value().
using ParameterVersion = api::ssm::ParameterHistory;
using ParameterTags = std::map<std::string, std::string>;

struct ParameterRecord {
  ParameterVersion newest;  // without its labels, which stand in the version's own record
  ParameterTags tags;
};

// What happened to a parameter, as EventBridge tells it.
struct ParameterChange {
  ParameterScope scope;
  std::string operation;  // "Create", "Update", "Delete", "LabelParameterVersion"
  ParameterVersion version;
  std::string label;
};

class Parameters {
 public:
  // It outlives this.
  explicit Parameters(Keys& keys);
  // Called after each change, by the thread that made it. Set before the first.
  void set_listener(std::function<void(const ParameterChange&)> listener) { listener_ = std::move(listener); }

  // The version that it made.
  ParameterVersion put(const ParameterScope& scope, std::string_view actor, const api::ssm::PutParameterRequest& in);
  // False when there was none.
  bool remove(const ParameterScope& scope, std::string_view actor, const std::string& name);

  // Throws ParameterNotFound.
  ParameterRecord find(const ParameterScope& scope, const ParameterReference& reference);
  // The version that is referred to, with its labels. Throws ParameterNotFound, ParameterVersionNotFound.
  ParameterVersion version(const ParameterScope& scope, const ParameterReference& reference);
  // Oldest first.
  std::vector<ParameterVersion> versions(const ParameterScope& scope, const std::string& name);
  // By name, those after `after`, as long as `take` says true.
  void scan(const ParameterScope& scope, const std::string& after,
            const std::function<bool(const ParameterRecord&)>& take);

  // The value itself, or what KMS made of it: base64 of a ciphertext that kms:Decrypt opens with the encryption context
  // {"PARAMETER_ARN": ARN}.
  std::string value(const ParameterScope& scope, const ParameterVersion& version, bool decrypted);

  // Moves the labels to the version (absent: the newest), which is returned. What can't be a label is left out.
  ParameterVersion label(const ParameterScope& scope, std::string_view actor, const std::string& name,
                         std::optional<int64_t> version, const std::vector<std::string>& labels);
  // Returns the labels that the version had, and has no more.
  std::vector<std::string> unlabel(const ParameterScope& scope, std::string_view actor, const std::string& name,
                                   int64_t version, const std::vector<std::string>& labels);

  void change_tags(const ParameterScope& scope, std::string_view actor, const std::string& name,
                   const std::function<void(ParameterTags&)>& change);

 private:
  std::optional<ParameterRecord> load(meta::Reader& reader, const ParameterScope& scope, std::string_view name) const;
  ParameterVersion next_version(const ParameterScope& scope, std::string_view actor,
                                const api::ssm::PutParameterRequest& in, const std::optional<ParameterRecord>& present);
  std::string seal(const ParameterScope& scope, const ParameterVersion& version, const std::string& value);
  std::optional<ParameterVersion> make_room(const ParameterScope& scope, const std::string& name);
  void forget_value(const ParameterScope& scope, const ParameterVersion& version);
  void tell(const ParameterScope& scope, const char* operation, const ParameterVersion& version,
            const std::string& label = {}) const;

  Keys& keys_;
  meta::Metadata& metadata_;
  std::function<void(const ParameterChange&)> listener_;
  std::mutex writing_;  // whoever changes a parameter looks and writes alone
};

}  // namespace tarn::govern
