// The outbox in the index: records under "en" (for notifications) and "er" (for replication), by the event's number.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>

#include "store/index.hpp"
#include "store/object_events.hpp"
#include "store/store.hpp"

namespace tarn::store {

inline constexpr std::string_view outbox_keys = "e";

class Outbox : public ObjectEvents {
 public:
  // Counts what is unread from an earlier run.
  explicit Outbox(Index& index);

  std::vector<ObjectEvent> read(EventReader reader, uint64_t after, std::size_t limit) const override;
  void acknowledge(EventReader reader, const std::vector<uint64_t>& numbers) override;
  void wait(EventReader reader, std::chrono::milliseconds at_most, std::stop_token stop) override;

  // Events of one change, from before it is committed until it is committed or given up. While there are some, read()
  // tells none that is younger, so that no reader passes by one that becomes visible late.
  class Pending {
   public:
    explicit Pending(Outbox& outbox) : outbox_(outbox) {}
    ~Pending();
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    // Puts the event into the batch, with a number of its own, for those readers.
    void add(Batch& batch, ObjectEvent event, bool for_notifications, bool for_replication,
             const std::function<uint64_t()>& new_number);
    bool empty() const { return numbers_.empty(); }
    // To be called once the batch has been committed.
    void committed();

   private:
    Outbox& outbox_;
    std::vector<uint64_t> numbers_;
    std::array<uint64_t, 2> added_{};
  };

  void reset();  // all records are gone

 private:
  void drop_oldest(EventReader reader);

  Index& index_;
  mutable std::mutex mutex_;
  std::condition_variable_any came_;
  std::set<uint64_t> in_flight_;
  uint64_t last_number_ = 0;
  std::array<uint64_t, 2> unread_{}, news_{}, seen_{};
};

}  // namespace tarn::store
