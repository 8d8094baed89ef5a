// Archives: events kept for a replay ("Amazon EventBridge User Guide", Archiving and replaying events). The archives
// are records of the metadata store, their events stand in the store of deliveries.
//
// On disk: 'a', the archive's number, the event's time and a number -> the event.
//
// Thread-safe. Errors: Error with EventBridge's codes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/events.hpp"
#include "base/clock.hpp"
#include "meta/metadata.hpp"
#include "notify/event_pattern.hpp"
#include "notify/message_store.hpp"
#include "orchestrate/events/buses.hpp"

namespace tarn::orchestrate {

class Archives {
 public:
  using Description = api::events::DescribeArchiveResponse;

  Archives(meta::Metadata& metadata, notify::MessageStore& store, const Buses& buses, Clock& clock)
      : metadata_(metadata), store_(store), buses_(buses), clock_(clock) {}

  Description create(std::string_view account, std::string_view region, std::string_view actor,
                     const api::events::CreateArchiveRequest& in);
  // What is absent stays.
  Description update(std::string_view account, std::string_view region, std::string_view actor,
                     const api::events::UpdateArchiveRequest& in);
  // Counted as it is now.
  Description get(std::string_view account, std::string_view region, std::string_view name) const;
  void remove(std::string_view account, std::string_view region, std::string_view actor, std::string_view name);
  // In the order of their names, from after the name `after`.
  std::vector<Description> list(std::string_view account, std::string_view region, std::string_view prefix,
                                std::string_view after, std::size_t limit) const;

  // Puts the event into `batch` for each archive of the bus that wants it.
  void keep(const BusAddress& bus, const Value& event, Time at, notify::StoreBatch& batch);

  struct Kept {
    std::string key;
    Time at;
    Value event;
  };
  // Events of an archive from `from` up to `to` (exclusive), in the order of their times, from after the key `after`.
  std::vector<Kept> read(uint64_t archive, Time from, Time to, const std::string& after, std::size_t limit) const;
  // By the archive's ARN. ResourceNotFoundException.
  struct Found {
    uint64_t number;
    Description description;
  };
  Found by_arn(const std::string& arn) const;
  void reset();

 private:
  struct Active {
    uint64_t number;
    std::optional<notify::EventPattern> pattern;
    std::optional<int64_t> retention_days;
  };
  using ActiveList = std::vector<Active>;
  std::shared_ptr<const ActiveList> active(const BusAddress& bus);
  Description counted(uint64_t number, Description description) const;
  void drop_old(uint64_t number, int64_t retention_days);
  void changed();

  meta::Metadata& metadata_;
  notify::MessageStore& store_;
  const Buses& buses_;
  Clock& clock_;
  std::mutex mutex_;
  uint64_t changes_ = 0;
  Time cleaned_{};                                                   // when old events were dropped last
  std::map<std::string, std::shared_ptr<const ActiveList>> active_;  // by the bus's key
};

}  // namespace tarn::orchestrate
