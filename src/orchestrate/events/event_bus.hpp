// Events: who gets them, and how ("PutEvents"; "Amazon EventBridge User Guide"). An event that is acknowledged is on
// disk, as calls of its targets and in its archives.
//
// Thread-safe. Errors: Error with EventBridge's codes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "base/random.hpp"
#include "orchestrate/events/archives.hpp"
#include "orchestrate/events/buses.hpp"
#include "orchestrate/events/invocations.hpp"
#include "orchestrate/events/recurrences.hpp"
#include "orchestrate/events/rules.hpp"

namespace tarn::orchestrate {

// An event of one of tarn's own services.
struct ServiceEvent {
  std::string account, region;
  std::string source;  // "aws.s3"
  std::string detail_type;
  std::vector<std::string> resources;
  Value detail;
  Time time{};
};

class EventBus : private Recurrences::Owner {
 public:
  // All that is passed outlives the bus; start() comes before the invocations'.
  EventBus(meta::Metadata& metadata, notify::MessageStore& store, Invocations& invocations, Clock& clock,
           Random& random);

  Buses buses;
  Rules rules;
  Archives archives;

  // Told of each rule that matched an event or whose time came, from several threads. Before start().
  void set_follower(std::function<void(const RuleAddress&)> follower) { follower_ = std::move(follower); }
  // Scheduled rules begin to fall due.
  void start() { recurrences_.start(); }
  void stop() { recurrences_.stop(); }
  // No rule falls due until the lock goes.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return recurrences_.hold(); }
  // Forgets what it keeps ready; the records and the store go with their own reset().
  void reset();

  // In the order of the entries. What one of them lacks stands in its result.
  std::vector<api::events::PutEventsResultEntry> put(const api::Context& context,
                                                     const std::vector<api::events::PutEventsRequestEntry>& entries);
  // To the account's default bus. Throws where it can't be kept.
  void put(const ServiceEvent& event);
  // Events of an archive to the rules of their bus, or to those named alone; on disk together with `progress`.
  void replay(const BusAddress& bus, const std::string& replay_name, const std::vector<std::string>& rule_arns,
              const std::vector<Archives::Kept>& events, notify::StoreBatch progress);
  // Whether `event` has what every event has, and matches. ValidationException, InvalidEventPatternException.
  static bool test_pattern(const std::string& pattern, const std::string& event);

 private:
  struct Event {
    Value body;
    Time at;
    std::string trace;
    bool forwarded = false;  // came from another bus: it goes to no third one
  };
  struct Replaying {
    const std::vector<std::string>& rule_arns;  // empty: all
  };
  void publish(const BusAddress& bus, const std::vector<Event>& events, notify::StoreBatch together_with,
               const Replaying* replaying = nullptr);
  void call_targets(const ActiveRule& rule, const Event& event, std::vector<Invocation>& calls);
  void take(const Invocation& from);
  bool wants(const Invocation& call) const;
  std::optional<Time> next(const std::string& key, Time after) override;
  std::optional<Time> fall_due(const Due& due, Time after, std::vector<Invocation>& calls) override;

  std::function<void(const RuleAddress&)> follower_;
  Invocations& invocations_;
  Clock& clock_;
  Random& random_;
  Recurrences recurrences_;
};

}  // namespace tarn::orchestrate
