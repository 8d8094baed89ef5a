// Rules and their targets ("Amazon EventBridge API Reference"): records of the metadata store, kept ready for events.
//
// Thread-safe. Errors: Error with EventBridge's codes (ResourceNotFoundException, ValidationException,
// InvalidEventPatternException, LimitExceededException); what tarn does not do is (unsupported, NotImplemented).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/events.hpp"
#include "base/clock.hpp"
#include "base/cron.hpp"
#include "meta/metadata.hpp"
#include "notify/event_pattern.hpp"
#include "orchestrate/events/buses.hpp"
#include "orchestrate/events/target_input.hpp"

namespace tarn::orchestrate {

struct RuleAddress {
  BusAddress bus;
  std::string name;
  std::string arn() const;
  std::string key() const { return meta::key({bus.account, bus.region, bus.name, name}); }
};
RuleAddress rule_address(std::string_view key);

struct RuleRecord {
  api::events::Rule rule;
  std::vector<api::events::Target> targets;
  Tags tags;
  Time schedule_start{};  // what a rate counts from

  bool enabled() const { return rule.state.value_or("") == "ENABLED"; }
  // What its expression says; absent without one.
  std::optional<Schedule> schedule() const;
};

// A rule as events meet it.
struct ActiveRule {
  struct Target {
    api::events::Target target;
    std::optional<EventPath> path;
    std::optional<InputTransformer> transformer;
    // What it gets of `event`.
    std::string payload(const Value& event, const InputTransformer::Rule& rule) const;
  };
  RuleAddress address;
  std::string role_arn;
  std::optional<notify::EventPattern> pattern;
  std::vector<Target> targets;
};
std::shared_ptr<const ActiveRule> make_active(const RuleAddress& address, const RuleRecord& record);

class Rules {
 public:
  Rules(meta::Metadata& metadata, const Buses& buses, Clock& clock)
      : metadata_(metadata), buses_(buses), clock_(clock) {}

  // Called when a rule's schedule may have changed, with its record; absent: the rule is gone.
  using Scheduled = std::function<void(const RuleAddress&, const std::optional<RuleRecord>&)>;
  void on_schedule(Scheduled scheduled) { scheduled_ = std::move(scheduled); }
  // Throws where tarn can't call what the ARN names.
  using CheckTarget = std::function<void(const std::string& arn)>;
  void set_check_target(CheckTarget check) { check_target_ = std::move(check); }

  // Makes it or puts it in the place of the one that is there, whose targets and tags stay. Returns its ARN.
  std::string put(const RuleAddress& address, std::string_view actor, const api::events::PutRuleRequest& in);
  std::optional<RuleRecord> find(const RuleAddress& address) const;
  RuleRecord get(const RuleAddress& address) const;
  void set_state(const RuleAddress& address, std::string_view actor, std::string_view state);
  // One that is not there is no error; one with targets is a ValidationException.
  void remove(const RuleAddress& address, std::string_view actor);
  // Of a bus, in the order of their names, from after the name `after`.
  std::vector<RuleRecord> list(const BusAddress& bus, std::string_view prefix, std::string_view after,
                               std::size_t limit) const;
  void change_tags(const RuleAddress& address, std::string_view actor, const std::function<void(Tags&)>& change);

  void put_targets(const RuleAddress& address, std::string_view actor, const std::vector<api::events::Target>& targets);
  // Returns the ids that no target had.
  std::vector<std::string> remove_targets(const RuleAddress& address, std::string_view actor,
                                          const std::vector<std::string>& ids);

  // The enabled rules of a bus that have a pattern.
  using Active = std::vector<std::shared_ptr<const ActiveRule>>;
  std::shared_ptr<const Active> active(const BusAddress& bus) const;
  void reset();

 private:
  void change(const RuleAddress& address, std::string_view actor, const std::function<void(RuleRecord&)>& work);
  void changed(const RuleAddress& address, const std::optional<RuleRecord>& now);
  void check_target(const api::events::Target& target) const;

  meta::Metadata& metadata_;
  const Buses& buses_;
  Clock& clock_;
  Scheduled scheduled_;
  CheckTarget check_target_;
  mutable std::mutex mutex_;
  mutable uint64_t changes_ = 0;
  mutable std::map<std::string, std::shared_ptr<const Active>> active_;  // by the bus's key
};

// Error (caller, InvalidEventPatternException) in EventBridge's words where the text is no pattern.
notify::EventPattern event_pattern(const std::string& text);

}  // namespace tarn::orchestrate
