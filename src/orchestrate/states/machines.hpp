// State machines, their versions and aliases, and activities: the records of the metadata store.
//
// Thread-safe. Errors carry Step Functions' codes (StateMachineDoesNotExist, InvalidDefinition, InvalidArn ...).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "meta/metadata.hpp"

namespace tarn::states {

// arn:aws:states:REGION:ACCOUNT:TYPE:NAME[:QUALIFIER]
struct StatesArn {
  std::string region, account, type, name, qualifier;
  std::string text() const;
};
// Throws Error (caller, InvalidArn) where the text is none, or of another type.
StatesArn parse_states_arn(const std::string& text, std::string_view type);

using Tags = std::map<std::string, std::string>;

struct Machine {
  StatesArn arn;
  std::string definition, role_arn, type = "STANDARD", revision_id, description;
  Value logging, tracing, encryption;  // as they were put; null: not put
  Time created, updated;
  int64_t last_version = 0;
};

struct MachineVersion {
  int64_t number = 0;
  std::string definition, role_arn, revision_id, description;
  Time created;
};

struct MachineAlias {
  std::string name, description;
  std::vector<std::pair<std::string, int64_t>> routes;  // version's ARN, weight
  Time created, updated;
};

// What an execution is started from.
struct Runnable {
  Machine machine;  // with the version's definition and role, where it is one
  std::optional<std::string> version_arn, alias_arn;
};

struct MachineUpdate {
  std::optional<std::string> definition, role_arn;
  std::optional<Value> logging, tracing, encryption;
};

class Machines {
 public:
  Machines(meta::Metadata& metadata, Clock& clock, Random& random)
      : metadata_(metadata), clock_(clock), random_(random) {}

  // The same request again gives what is there; another one under the name is StateMachineAlreadyExists.
  Machine create(const std::string& actor, Machine machine, const Tags& tags);
  Machine update(const std::string& actor, const StatesArn& arn, const MachineUpdate& update);
  std::optional<Machine> find(const StatesArn& arn) const;
  Machine get(const StatesArn& arn) const;
  bool remove(const std::string& actor, const StatesArn& arn);  // with its versions, aliases and tags
  // In the order of their names, from after `after`.
  std::vector<Machine> list(const std::string& account, const std::string& region, const std::string& after,
                            std::size_t limit) const;

  // ---- versions and aliases ----
  MachineVersion publish(const std::string& actor, const StatesArn& arn, const std::optional<std::string>& revision_id,
                         const std::string& description);
  std::vector<MachineVersion> versions(const StatesArn& arn) const;   // newest first
  std::optional<MachineVersion> version(const StatesArn& arn) const;  // of its qualifier
  void remove_version(const std::string& actor, const StatesArn& arn);
  void put_alias(const std::string& actor, const StatesArn& machine, const MachineAlias& alias);
  std::optional<MachineAlias> alias(const StatesArn& arn) const;
  std::vector<MachineAlias> aliases(const StatesArn& machine) const;
  void remove_alias(const std::string& actor, const StatesArn& arn);
  // Of a machine, a version or an alias, which chooses by weight.
  Runnable resolve(const StatesArn& arn) const;

  // ---- activities ----
  Time create_activity(const std::string& actor, const StatesArn& arn, const Tags& tags);
  std::optional<Time> activity(const StatesArn& arn) const;  // when it was made
  void remove_activity(const std::string& actor, const StatesArn& arn);
  std::vector<std::pair<std::string, Time>> activities(const std::string& account, const std::string& region,
                                                       const std::string& after, std::size_t limit) const;

  // ---- tags, of machines and activities ----
  Tags tags(const std::string& arn) const;
  void change_tags(const std::string& actor, const std::string& arn, const Tags& add,
                   const std::vector<std::string>& remove);

 private:
  meta::Metadata& metadata_;
  Clock& clock_;
  Random& random_;
};

}  // namespace tarn::states
