// Counts requests by operation and status.
#pragma once

#include <map>
#include <shared_mutex>
#include <string>
#include <utility>

#include "api/model.hpp"
#include "base/metrics.hpp"

namespace tarn::gateway {

// Thread-safe. tarn_request_duration_seconds{service, operation, status} (its _count is the number of requests),
// tarn_received_bytes_total, tarn_sent_bytes_total.
class RequestStatistics {
 public:
  explicit RequestStatistics(Metrics& metrics);

  // `service` and `operation` are nullptr where the request named none.
  void count(const api::Service* service, const api::Operation* operation, int status, uint64_t duration_us,
             uint64_t received_bytes, uint64_t sent_bytes);

 private:
  Histogram& durations(const api::Service* service, const api::Operation* operation, int status);

  Metrics& metrics_;
  Counter &received_bytes_, &sent_bytes_;
  std::shared_mutex mutex_;
  std::map<std::pair<const api::Operation*, int>, Histogram*> durations_;
};

}  // namespace tarn::gateway
