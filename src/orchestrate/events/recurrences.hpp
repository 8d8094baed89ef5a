// What falls due by a schedule that a record holds: scheduled rules, schedules. When each is due next is on disk, in
// the same write as the calls that it made before: it makes them neither twice nor never, whatever ends the process.
//
// While tarn runs, every instant that passes counts, also when the clock jumps over many. Instants that passed while it
// did not run count once.
//
// Thread-safe.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "meta/metadata.hpp"
#include "notify/message_store.hpp"
#include "orchestrate/events/due_times.hpp"
#include "orchestrate/events/invocations.hpp"

namespace tarn::orchestrate {

class Recurrences {
 public:
  // Who holds the records. Called by one thread at a time.
  class Owner {
   public:
    virtual ~Owner() = default;
    // When the record is due after `after`; absent: never, or there is no such record.
    virtual std::optional<Time> next(const std::string& key, Time after) = 0;
    // Adds what is to be called now, if the record still falls due at that time; then as next().
    virtual std::optional<Time> fall_due(const Due& due, Time after, std::vector<Invocation>& calls) = 0;
  };

  // `kind`: of the records in the metadata store. `mark`: what the keys of due times begin with in `store`.
  Recurrences(Owner& owner, std::string kind, char mark, meta::Metadata& metadata, notify::MessageStore& store,
              Invocations& invocations, Clock& clock);
  ~Recurrences();
  Recurrences(const Recurrences&) = delete;

  // Takes up what is on disk, on a thread of its own: a hundred thousand records do not hold up the start.
  void start();
  void stop();
  // The record has changed, or is gone; it is due next after `after`.
  void changed(const std::string& key, Time after);
  // Nothing falls due until the lock goes.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }
  void reset() { due_.clear(); }
  std::size_t size() const { return due_.size(); }

 private:
  std::string mark_of(const std::string& key) const { return mark_ + key; }
  void take_up();
  void fire(const std::vector<Due>& due);

  Owner& owner_;
  const std::string kind_, mark_;
  meta::Metadata& metadata_;
  notify::MessageStore& store_;
  Invocations& invocations_;
  Clock& clock_;
  Time started_{};
  std::mutex mutex_;  // held while a record is read and its due time set
  DueTimes due_;
  std::thread loader_;
};

}  // namespace tarn::orchestrate
