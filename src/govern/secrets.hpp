// The secrets of Secrets Manager: what is known of each, its versions, and their values ("AWS Secrets Manager User
// Guide").
//
// A record tells what a secret is; the values stand apart, each sealed by a key of KMS (the secret's own, or
// alias/aws/secretsmanager), and never enter the change log. A record names the value of each version, so a value is
// written before the record that names it, and is never changed. A secret whose recovery window is over is gone at that
// moment.
//
// Thread-safe. Errors carry Secrets Manager's codes: ResourceNotFoundException, InvalidRequestException (marked for
// deletion), InvalidParameterException, ResourceExistsException, LimitExceededException, EncryptionFailure,
// DecryptionFailure.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/secretsmanager.hpp"
#include "govern/keys.hpp"

namespace tarn::govern {

using SecretScope = KeyScope;

struct SecretValue {
  bool binary = false;
  std::string bytes;
  bool operator==(const SecretValue&) const = default;
};

struct SecretVersion {
  std::string id;
  Time created{};
  std::optional<Time> accessed;  // the day
  std::vector<std::string> stages;
  std::string value_id;  // empty: it has no value yet (a rotation has begun)
  std::string key_id;    // as the secret named it then; empty: the service's own
  bool has(std::string_view stage) const;
};

// A rotation under way.
struct SecretRotation {
  std::string token;  // of the version that it makes; empty: none is under way
  int64_t attempts = 0;
  Time due{};          // of the next attempt
  bool tests = false;  // the function is only asked to test, and the version goes
};

struct SecretRecord {
  api::secretsmanager::DescribeSecretResponse description;  // version_ids_to_stages apart: see described()
  std::string policy;                                       // empty: none
  std::vector<SecretVersion> versions;                      // oldest first
  SecretRotation rotation;
  std::optional<Time> next_rotation;  // when it begins; description.next_rotation_date is when it is done at last

  const std::string& arn() const { return *description.arn; }
  const std::string& name() const { return *description.name; }
  SecretScope scope() const;
  SecretVersion* version(std::string_view id);
  SecretVersion* staged(std::string_view stage);
  // The description as DescribeSecret tells it. A version without a stage is deprecated, and is not told.
  api::secretsmanager::DescribeSecretResponse described() const;
};

inline constexpr std::string_view current_stage = "AWSCURRENT", previous_stage = "AWSPREVIOUS",
                                  pending_stage = "AWSPENDING";

// Moves the stage to the version. The one that AWSCURRENT leaves becomes AWSPREVIOUS.
void attach_stage(SecretRecord& record, SecretVersion& to, std::string_view stage);

class Secrets {
 public:
  // Both outlive it.
  explicit Secrets(Keys& keys);

  // `id` is a secret's name, its ARN, or its ARN without the six random characters and their hyphen.
  // The second form takes those that are marked for deletion too.
  SecretRecord find(const SecretScope& scope, std::string_view id);
  SecretRecord find_even_deleted(const SecretScope& scope, std::string_view id);
  // All of the scope by name, those that are marked for deletion too.
  std::vector<SecretRecord> list(const SecretScope& scope);
  // All of all scopes. What is due for deletion goes.
  std::vector<SecretRecord> list_all();

  // The same token with the same value again changes nothing. Without a value the secret has no version.
  SecretRecord create(const SecretScope& scope, std::string_view actor,
                      const api::secretsmanager::CreateSecretRequest& in);
  // Adds a version with these stages (none: AWSCURRENT), or gives one that had no value its value. Returns the secret
  // as it then is; the version is the one named `token`.
  SecretRecord put_value(const SecretScope& scope, std::string_view actor, std::string_view id,
                         const std::string& token, const SecretValue& value, std::vector<std::string> stages);
  // A key other than before seals the values of the versions that have a stage of AWS's anew. An empty `key_id` is the
  // service's own key.
  SecretRecord update(const SecretScope& scope, std::string_view actor, std::string_view id,
                      const std::optional<std::string>& description, const std::optional<std::string>& key_id);
  // Changes the record in one atomic step; `change` may throw. Returns it as it then is. What is marked for deletion is
  // refused.
  SecretRecord change(const SecretScope& scope, std::string_view actor, std::string_view id,
                      const std::function<void(SecretRecord&)>& change);
  // Like change() for rotations that go on by themselves: leaves no entry in the change log, and does nothing where the
  // secret is gone or marked for deletion.
  void note(const SecretRecord& secret, const std::function<void(SecretRecord&)>& change);

  struct Found {
    SecretRecord secret;
    SecretVersion version;
    SecretValue value;
  };
  // The version named by id, by stage, or by both; by AWSCURRENT when by neither.
  Found value(const SecretScope& scope, std::string_view id, const std::optional<std::string>& version_id,
              const std::optional<std::string>& stage);

  // Marks it for deletion.
  SecretRecord mark_deleted(const SecretScope& scope, std::string_view actor, std::string_view id, Time at);
  SecretRecord restore(const SecretScope& scope, std::string_view actor, std::string_view id);
  // At once, and for good.
  SecretRecord erase(const SecretScope& scope, std::string_view actor, std::string_view id);

  Clock& clock() { return keys_.clock(); }
  Random& random() { return keys_.random(); }

 private:
  std::optional<SecretRecord> load(meta::Reader& reader, std::string_view key) const;
  std::optional<SecretRecord> look_up(const SecretScope& scope, std::string_view id);
  bool is_gone(const SecretRecord& record) const;
  void forget(std::string_view actor, const SecretRecord& record);
  SecretRecord change_locked(std::string_view actor, const SecretRecord& found,
                             const std::function<void(SecretRecord&)>& change);
  std::string seal(const SecretRecord& record, const std::string& version_id, const SecretValue& value);
  SecretValue open(const SecretRecord& record, const SecretVersion& version);
  void forget_value(const SecretRecord& record, const std::string& value_id);
  void forget_values(const SecretRecord& before, const SecretRecord& after);
  void note_access(const SecretRecord& record, const std::string& version_id);
  bool is_repetition(const SecretRecord& record, const std::string& token, const SecretValue& value);
  void add_version(SecretRecord& record, const std::string& id, const std::string& value_id,
                   const std::vector<std::string>& stages);

  Keys& keys_;
  meta::Metadata& metadata_;
  std::mutex writing_;  // whoever changes a secret looks and writes alone
};

}  // namespace tarn::govern
