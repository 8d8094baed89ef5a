// Glue's triggers: definitions, states, firing by hand and by events ("AWS Glue Web API Reference", Triggers). What
// follows from a firing stands in chain.hpp.
//
// ON_DEMAND and EVENT triggers are always CREATED; EVENT ones can be DEACTIVATED. SCHEDULED and CONDITIONAL ones fire
// while they are ACTIVATED. A time that passed while tarn was not there fires once when it comes back.
//
// Thread-safe; a change that returned is on disk. Errors: Error with Glue's codes (EntityNotFoundException,
// AlreadyExistsException, InvalidInputException, ConcurrentRunsExceededException).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrate/triggers/firings.hpp"

namespace tarn::orchestrate {

class Triggers {
 public:
  // All outlive it.
  Triggers(meta::Metadata& metadata, Clock& clock, compute::Jobs& jobs, catalog::Crawlers& crawlers, Firings& firings)
      : metadata_(metadata), clock_(clock), jobs_(jobs), crawlers_(crawlers), firings_(firings) {}

  // The same request again succeeds.
  void create(const Scope& scope, const glue::CreateTriggerRequest& request);
  // Replaces the definition; what its type can't be without stays where `update` leaves it out.
  glue::Trigger update(const Scope& scope, std::string_view name, const glue::TriggerUpdate& update);
  std::optional<glue::Trigger> find(const Scope& scope, std::string_view name) const;
  glue::Trigger get(const Scope& scope, std::string_view name) const;
  // In the order of their names. `dependent_job`: those that start this job, or all where none does. Those that carry
  // all of `tags`.
  catalog::Page<glue::Trigger> list(const Scope& scope, const std::optional<std::string>& dependent_job,
                                    const std::map<std::string, std::string>& tags,
                                    const catalog::PageRequest& page) const;
  // One that is not there is no error.
  void remove(const Scope& scope, std::string_view name);

  // Activates; an ON_DEMAND trigger fires.
  void start(const Scope& scope, std::string_view name);
  void stop(const Scope& scope, std::string_view name);

  // An event has come for the workflow's EVENT trigger, which fires once it has a batch of them.
  void notify_event(const Scope& scope, const std::string& workflow, const std::string& event_id);

 private:
  void check_targets(const Scope& scope, const glue::Trigger& trigger) const;
  glue::Trigger need(meta::Reader& reader, const Scope& scope, std::string_view name) const;

  meta::Metadata& metadata_;
  Clock& clock_;
  compute::Jobs& jobs_;
  catalog::Crawlers& crawlers_;
  Firings& firings_;
};

// Within the transaction that removes a workflow too.
void erase_trigger(meta::Transaction& t, const Scope& scope, std::string_view name);

}  // namespace tarn::orchestrate
