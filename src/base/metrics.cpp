#include "base/metrics.hpp"

#include <fmt/format.h>

namespace tarn {
namespace {

std::string label_text(const Metrics::Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += out.empty() ? "" : ",";
    out += name + "=\"";
    for (char c : value) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n')
        out += "\\n";
      else
        out += c;
    }
    out += '"';
  }
  return out;
}

std::string braced(const std::string& labels, const std::string& more = {}) {
  if (labels.empty() && more.empty()) return {};
  return "{" + labels + (labels.empty() || more.empty() ? "" : ",") + more + "}";
}

void write_histogram(std::string& out, const std::string& name, const std::string& labels, const Histogram& h) {
  uint64_t total = 0;
  for (std::size_t i = 0; i <= Histogram::bounds_s.size(); i++) {
    total += h.count(i);
    std::string bound = i < Histogram::bounds_s.size() ? fmt::format("{:g}", Histogram::bounds_s[i]) : "+Inf";
    out += fmt::format("{}_bucket{} {}\n", name, braced(labels, "le=\"" + bound + "\""), total);
  }
  out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, braced(labels), h.sum_s(), name, braced(labels), total);
}

}  // namespace

void Histogram::observe(uint64_t duration_us) {
  std::size_t bucket = 0;
  while (bucket < bounds_s.size() && static_cast<double>(duration_us) > bounds_s[bucket] * 1e6) bucket++;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(duration_us, std::memory_order_relaxed);
}

Metrics::Family& Metrics::family(std::string_view name, std::string_view help) {
  auto found = families_.find(name);
  if (found == families_.end()) found = families_.emplace(name, Family{std::string(help), {}, {}, {}}).first;
  return found->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& slot = family(name, help).counters[label_text(labels)];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard lock(mutex_);
  auto& slot = family(name, help).histograms[label_text(labels)];
  if (!slot) slot = std::make_unique<Histogram>();
  return *slot;
}

void Metrics::gauge(std::string_view name, std::string_view help, std::function<double()> read) {
  std::lock_guard lock(mutex_);
  family(name, help).gauge = std::move(read);
}

std::string Metrics::text() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    const char* type = family.gauge ? "gauge" : family.histograms.empty() ? "counter" : "histogram";
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, type);
    if (family.gauge) out += fmt::format("{} {}\n", name, family.gauge());
    for (const auto& [labels, counter] : family.counters)
      out += fmt::format("{}{} {}\n", name, braced(labels), counter->value());
    for (const auto& [labels, histogram] : family.histograms) write_histogram(out, name, labels, *histogram);
  }
  return out;
}

}  // namespace tarn
