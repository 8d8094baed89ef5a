#include "gateway/http/request_statistics.hpp"

#include <mutex>

namespace tarn::gateway {

RequestStatistics::RequestStatistics(Metrics& metrics)
    : metrics_(metrics),
      received_bytes_(metrics.counter("tarn_received_bytes_total", "Bytes of request bodies, as they came.")),
      sent_bytes_(metrics.counter("tarn_sent_bytes_total", "Bytes of responses.")) {}

void RequestStatistics::count(const api::Service* service, const api::Operation* operation, int status,
                              uint64_t duration_us, uint64_t received_bytes, uint64_t sent_bytes) {
  durations(service, operation, status).observe(duration_us);
  received_bytes_.add(received_bytes);
  sent_bytes_.add(sent_bytes);
}

Histogram& RequestStatistics::durations(const api::Service* service, const api::Operation* operation, int status) {
  const std::pair key(operation, status);
  {
    std::shared_lock lock(mutex_);
    if (auto found = durations_.find(key); found != durations_.end()) return *found->second;
  }
  std::unique_lock lock(mutex_);
  Histogram& made = metrics_.histogram("tarn_request_duration_seconds",
                                       "Requests, from their head's arrival to their response's end.",
                                       {{"service", std::string(operation && service ? service->name : "")},
                                        {"operation", std::string(operation ? operation->name : "")},
                                        {"status", std::to_string(status)}});
  durations_.emplace(key, &made);
  return made;
}

}  // namespace tarn::gateway
