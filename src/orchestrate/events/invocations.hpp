// What rules and schedules call: on disk until their targets took it, tried again as their retry policies say, then put
// into their dead-letter queues ("Amazon EventBridge User Guide", Event retry policy and using dead-letter queues;
// "Amazon EventBridge Scheduler User Guide", Configuring a dead-letter queue).
//
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "govern/identities.hpp"
#include "notify/deliveries.hpp"
#include "notify/targets.hpp"

namespace tarn::orchestrate {

struct Invocation {
  std::string origin;  // "rule" or "schedule": whose it is
  std::string key;     // of the origin's record
  std::string part;    // the rule's target; what a schedule was when it fell due
  std::string arn;     // of the target
  std::string role_arn;
  std::string payload;
  std::string operation;  // "sqs:SendMessage": in place of the target's own; `payload` is its input
  std::string group_id;   // FIFO queues
  std::string trace;
  std::string id;          // its own
  std::string invoked_by;  // "events.amazonaws.com"
  Time time{};             // of the event, or when the schedule fell due
  Time not_before{};
  int64_t most_retries = 185;
  int64_t longest_age_s = 86'400;
  std::string dead_letters;  // a queue's ARN; empty: none
  std::string letter;        // its message there
  std::map<std::string, std::string> letter_attributes;
};

// What became of one call: it was tried, the target took it or failed, tarn gave it up, its dead letter was written.
enum class CallStep { attempted, taken, failed, given_up, buried };

class Invocations {
 public:
  Invocations(notify::Deliveries& deliveries, notify::Targets& targets, api::Operations& operations,
              govern::Identities& identities, Clock& clock, Random& random, Metrics& metrics);

  // What an origin says of its own. Both are called from several threads.
  struct Origin {
    // Whether it is still wanted: a rule that was deleted calls nothing any more.
    std::function<bool(const Invocation&)> wants;
    // Its target took it, or it was given up.
    std::function<void(const Invocation&)> ended;
  };
  // Before start().
  void add_origin(std::string name, Origin origin) { origins_[std::move(name)] = std::move(origin); }
  // Takes events for buses, which are no operation's: an event that is handed on keeps its account and time.
  using BusTarget = std::function<void(const Invocation&)>;
  void set_bus_target(BusTarget take) { take_event_ = std::move(take); }
  // Told of each step, from several threads. Before start().
  using Follower = std::function<void(const Invocation&, CallStep)>;
  void set_follower(Follower follower) { follower_ = std::move(follower); }
  void start();

  // On disk when it returns, together with what else is to be written.
  void add(const std::vector<Invocation>& invocations, notify::StoreBatch together_with = {});

  // Error (unsupported, NotImplemented) where tarn can't call such a target; buses are not asked about.
  void check_target(std::string_view arn) const { targets_.check(arn); }

 private:
  std::optional<Time> attempt(notify::Delivery& d, std::stop_token stop);
  void call(const Invocation& i, int64_t attempts);
  std::optional<Time> give_up(notify::Delivery& d, Invocation& i, const Error& why, const char* condition);
  std::optional<Time> bury(notify::Delivery& d, const Invocation& i);
  void ended(const Invocation& i);
  void tell(const Invocation& i, CallStep step) const {
    if (follower_) follower_(i, step);
  }

  notify::Deliveries& deliveries_;
  notify::Targets& targets_;
  api::Operations& operations_;
  govern::Identities& identities_;
  Clock& clock_;
  Random& random_;
  Counter &invoked_, &failed_, &dead_;
  std::map<std::string, Origin, std::less<>> origins_;
  BusTarget take_event_;
  Follower follower_;
};

}  // namespace tarn::orchestrate
