// CloudWatch's alarms: records, their states, and what they do when these change ("Amazon CloudWatch User Guide", Using
// Amazon CloudWatch alarms).
//
// Metric alarms are looked at each minute (those with shorter periods every ten seconds), over whole periods that have
// ended; composite ones when an alarm that they name has changed. What a change leads to is on disk before the change
// itself, so an action may be repeated after kill -9, never lost.
//
// Thread-safe. Errors: Error with CloudWatch's codes.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/operations.hpp"
#include "base/random.hpp"
#include "notify/deliveries.hpp"
#include "notify/targets.hpp"
#include "orchestrate/alarms/alarm_record.hpp"

namespace tarn::orchestrate {

// All outlive the alarms. The deliveries are theirs alone.
struct AlarmParts {
  meta::Metadata& metadata;
  api::Operations& operations;
  notify::Deliveries& deliveries;
  notify::Targets& targets;
  Clock& clock;
  Random& random;
};

class Alarms {
 public:
  explicit Alarms(AlarmParts parts);
  ~Alarms();

  // Told of each change of a state, with what the event bus is to hear. Before start().
  using Follower = std::function<void(const Alarm&, const Value& detail)>;
  void set_follower(Follower follower) { follower_ = std::move(follower); }

  void put(const AlarmScope& scope, std::string_view actor, const api::cloudwatch::PutMetricAlarmInput& in);
  void put(const AlarmScope& scope, std::string_view actor, const api::cloudwatch::PutCompositeAlarmInput& in);
  // By name. None may be missing: Error (missing, ResourceNotFound), and nothing is removed.
  void remove(const AlarmScope& scope, std::string_view actor, const std::vector<std::string>& names);
  std::vector<Alarm> list(const AlarmScope& scope) const;
  std::optional<Alarm> find(const AlarmScope& scope, const std::string& name) const;
  // Until it is looked at next.
  void set_state(const AlarmScope& scope, const api::cloudwatch::SetAlarmStateInput& in);
  // Names that no alarm has are passed over.
  void enable_actions(const AlarmScope& scope, std::string_view actor, const std::vector<std::string>& names, bool on);
  // Error (missing, ResourceNotFoundException).
  void change_tags(const AlarmScope& scope, std::string_view actor, const std::string& arn,
                   const std::function<void(std::map<std::string, std::string>&)>& work);
  // Oldest first; kept for two weeks. Empty name: of all alarms.
  std::vector<api::cloudwatch::AlarmHistoryItem> history(const AlarmScope& scope, const std::string& name) const;

  void start();
  void stop();
  // No alarm is looked at until the lock goes.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(watching_); }
  void reset();

 private:
  Alarm settled(const AlarmScope& scope, const std::string& name, bool composite, Value body,
                const std::vector<api::cloudwatch::Tag>& tags, const std::optional<Alarm>& before) const;
  void store(const Alarm& alarm, std::string_view actor, const std::string& kind, const std::string& summary,
             const std::string& data);
  void note(meta::Transaction& change, const Alarm& alarm, const std::string& kind, const std::string& summary,
            const std::string& data);
  void watch(std::stop_token stop);
  void look_at(const std::string& key, Time now);
  void look_at_metric(const Alarm& alarm, Time now);
  void look_at_composites(const AlarmScope& scope, const std::string& changed);
  void look_at_composite(const Alarm& alarm);
  void change_state(Alarm alarm, const std::string& state, const std::string& reason, const std::string& reason_data);
  std::optional<Time> act(notify::Delivery& d);

  AlarmParts parts_;
  Follower follower_;
  std::mutex watching_;              // held while alarms are looked at or changed
  mutable std::mutex mutex_;         // guards what follows
  std::map<std::string, Time> due_;  // of metric alarms, by key
  std::condition_variable_any changed_;
  std::stop_source sleep_;  // ends the present sleep
  uint64_t last_history_ = 0;
  std::jthread thread_;
};

}  // namespace tarn::orchestrate
