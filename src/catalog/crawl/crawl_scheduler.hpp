// Starts crawlers when their schedules say so.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "meta/metadata.hpp"

namespace tarn::catalog::crawl {

// Owns a thread that waits on the clock. Thread-safe.
class CrawlScheduler {
 public:
  // `fire` gets the key of a crawler's record whose time has come; it must not throw.
  CrawlScheduler(meta::Metadata& metadata, Clock& clock, std::function<void(const std::string& crawler_key)> fire);
  ~CrawlScheduler();

  // Schedules may have changed.
  void look_again();

 private:
  struct Due {
    std::string expression;
    std::optional<Time> next;
  };

  void run(std::stop_token stop);
  // Calls `fire` for what is due; returns when to look next.
  std::optional<Time> look();

  meta::Metadata& metadata_;
  Clock& clock_;
  std::function<void(const std::string&)> fire_;
  std::map<std::string, Due> due_;  // the thread's alone
  std::mutex mutex_;
  std::stop_source waiting_;  // of the present wait
  bool again_ = false;
  std::jthread thread_;
};

}  // namespace tarn::catalog::crawl
