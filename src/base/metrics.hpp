// Counters that the running program keeps of itself, told as Prometheus text ("Exposition formats", text format 0.0.4).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarn {

// A number that only grows. Thread-safe, lock-free.
class Counter {
 public:
  void add(uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Durations, counted in buckets from 100 us to 60 s. Thread-safe, lock-free.
class Histogram {
 public:
  static constexpr std::array<double, 12> bounds_s = {0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.025,
                                                      0.1,    0.25,    1,     5,      15,   60};
  void observe(uint64_t duration_us);
  uint64_t count(std::size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  double sum_s() const { return static_cast<double>(sum_us_.load(std::memory_order_relaxed)) / 1e6; }

 private:
  std::array<std::atomic<uint64_t>, bounds_s.size() + 1> counts_{};
  std::atomic<uint64_t> sum_us_{0};
};

// Thread-safe. Counters and histograms live as long as the registry: look them up once and keep the reference.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // The one of that name and these labels, made when it is asked for first. A name is of one type only; its first
  // `help` counts.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});
  // A number that is asked for when the text is written. `read` must be thread-safe and live as long as the registry.
  void gauge(std::string_view name, std::string_view help, std::function<double()> read);

  std::string text() const;

 private:
  struct Family {
    std::string help;
    std::map<std::string, std::unique_ptr<Counter>> counters;  // by their labels as text
    std::map<std::string, std::unique_ptr<Histogram>> histograms;
    std::function<double()> gauge;
  };
  Family& family(std::string_view name, std::string_view help);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace tarn
