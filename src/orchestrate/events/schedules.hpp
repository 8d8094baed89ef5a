// Schedules and their groups ("Amazon EventBridge Scheduler API Reference"): records of the metadata store, whose
// targets are called when they fall due. The group "default" is in every account and region.
//
// Thread-safe. Errors: Error with the Scheduler's codes (ResourceNotFoundException, ConflictException,
// ValidationException); what tarn does not do is (unsupported, NotImplemented).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/operations.hpp"
#include "api/scheduler.hpp"
#include "base/random.hpp"
#include "orchestrate/events/invocations.hpp"
#include "orchestrate/events/recurrences.hpp"

namespace tarn::orchestrate {

struct ScheduleAddress {
  std::string account, region, group, name;
  std::string arn() const { return "arn:aws:scheduler:" + region + ":" + account + ":schedule/" + group + "/" + name; }
  std::string key() const { return meta::key({account, region, group, name}); }
};

struct ScheduleGroup {
  api::scheduler::GetScheduleGroupOutput description;
  std::map<std::string, std::string> tags;
};

class Schedules : private Recurrences::Owner {
 public:
  using Description = api::scheduler::GetScheduleOutput;

  // All that is passed outlives it; start() comes before the invocations'.
  Schedules(meta::Metadata& metadata, notify::MessageStore& store, Invocations& invocations,
            const api::Operations& operations, Clock& clock, Random& random);

  void start() { recurrences_.start(); }
  void stop() { recurrences_.stop(); }
  // No schedule falls due until the lock goes.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return recurrences_.hold(); }
  // Forgets what it keeps ready; the records and the store go with their own reset().
  void reset() { recurrences_.reset(); }

  // Each returns the schedule's ARN. The same token again changes nothing.
  std::string create(const ScheduleAddress& address, std::string_view actor,
                     const api::scheduler::CreateScheduleInput& in);
  // All of it is replaced.
  std::string update(const ScheduleAddress& address, std::string_view actor,
                     const api::scheduler::UpdateScheduleInput& in);
  Description get(const ScheduleAddress& address) const;
  void remove(const ScheduleAddress& address, std::string_view actor);
  // In the order of groups and names, from after the place `after`, which is told with the last one where there are
  // more. Empty filters let all through.
  struct Filter {
    std::string group, prefix, state;
  };
  std::pair<std::vector<Description>, std::optional<std::string>> list(std::string_view account,
                                                                       std::string_view region, const Filter& filter,
                                                                       const std::string& after,
                                                                       std::size_t limit) const;

  // Returns the group's ARN.
  std::string create_group(std::string_view account, std::string_view region, std::string_view actor,
                           const api::scheduler::CreateScheduleGroupInput& in);
  ScheduleGroup group(std::string_view account, std::string_view region, std::string_view name) const;
  std::optional<ScheduleGroup> find_group(std::string_view account, std::string_view region,
                                          std::string_view name) const;
  // With its schedules.
  void remove_group(std::string_view account, std::string_view region, std::string_view actor, std::string_view name);
  std::vector<ScheduleGroup> groups(std::string_view account, std::string_view region, std::string_view prefix,
                                    std::string_view after, std::size_t limit) const;
  void change_tags(std::string_view account, std::string_view region, std::string_view actor, std::string_view group,
                   const std::function<void(std::map<std::string, std::string>&)>& change);

 private:
  template <class Request>
  Description described(const ScheduleAddress& address, const Request& in) const;
  void check_target(const api::scheduler::Target& target) const;
  std::string operation_of(const std::string& universal_arn) const;
  Invocation call_of(const ScheduleAddress& address, const Description& d, Time at);
  bool wants(const Invocation& call) const;
  void ended(const Invocation& call);
  std::optional<Description> find(const std::string& key) const;
  std::optional<Time> next(const std::string& key, Time after) override;
  std::optional<Time> fall_due(const Due& due, Time after, std::vector<Invocation>& calls) override;

  meta::Metadata& metadata_;
  Invocations& invocations_;
  const api::Operations& operations_;
  Clock& clock_;
  Random& random_;
  Recurrences recurrences_;
};

}  // namespace tarn::orchestrate
