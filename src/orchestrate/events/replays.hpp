// Replays: an archive's events, sent again ("StartReplay"). Records of the metadata store; how far one has come is on
// disk with the calls that it made, so one that was interrupted goes on where it was.
//
// Thread-safe. Errors: Error with EventBridge's codes.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "orchestrate/events/event_bus.hpp"

namespace tarn::orchestrate {

class Replays {
 public:
  using Description = api::events::DescribeReplayResponse;

  Replays(meta::Metadata& metadata, notify::MessageStore& store, EventBus& bus, Clock& clock)
      : metadata_(metadata), store_(store), bus_(bus), clock_(clock) {}
  ~Replays();

  // Replays run; those that an earlier tarn left go on.
  void start();
  Description begin(std::string_view account, std::string_view region, std::string_view actor,
                    const api::events::StartReplayRequest& in);
  Description cancel(std::string_view account, std::string_view region, std::string_view actor, std::string_view name);
  Description get(std::string_view account, std::string_view region, std::string_view name) const;
  // In the order of their names, from after the name `after`.
  std::vector<Description> list(std::string_view account, std::string_view region, std::string_view prefix,
                                std::string_view after, std::size_t limit) const;
  // No replay sends anything until the lock goes.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(sending_); }

 private:
  void run(std::stop_token stop);
  // Sends a part; false when the replay is over.
  bool send_some(const std::string& key);
  void set_state(const std::string& key, const std::string& state, const std::optional<Time>& last);

  meta::Metadata& metadata_;
  notify::MessageStore& store_;
  EventBus& bus_;
  Clock& clock_;
  std::mutex sending_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> open_;  // keys of those that have yet to run
  std::jthread thread_;
};

}  // namespace tarn::orchestrate
