#include "notify/deliveries.hpp"

#include "base/json.hpp"
#include "base/log.hpp"

namespace tarn::notify {
namespace {

std::string encode(const Delivery& d, int64_t due_ms) {
  return to_json(Value::map(
      {{"Lane", d.lane}, {"Attempts", d.attempts}, {"Added", d.added_ms}, {"Due", due_ms}, {"Content", d.content}}));
}

}  // namespace

Deliveries::Deliveries(MessageStore& store, Clock& clock, Metrics& metrics, char kind, int max_threads)
    : store_(store),
      clock_(clock),
      kind_(kind),
      max_threads_(max_threads),
      added_(metrics.counter("tarn_deliveries_total", "Deliveries promised.")),
      attempts_(metrics.counter("tarn_delivery_attempts_total", "Attempts to deliver.")),
      retries_(metrics.counter("tarn_delivery_retries_total", "Attempts that failed and will be repeated.")),
      timer_(clock) {}

Deliveries::~Deliveries() {
  stop();
}

void Deliveries::stop() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    stop_.request_stop();
    threads.swap(threads_);
    changed_.notify_all();
  }
  for (auto& thread : threads) thread.join();
}

void Deliveries::start(Attempt attempt) {
  std::unique_lock lock(mutex_);
  attempt_ = std::move(attempt);
  started_ = true;
  store_.scan(key_of(0), std::string(1, static_cast<char>(kind_ + 1)),
              [&](std::string_view key, std::string_view value) {
                const uint64_t number = number_at(key, 1);
                const Value v = parse_json(value);
                if (!pending_.contains(number)) {
                  pending_[number] = {v.string_or("Lane"), false, v.int_or("Due")};
                  if (!v.string_or("Lane").empty()) lanes_[v.string_or("Lane")].insert(number);
                }
                return true;
              });
  for (const auto& [number, p] : pending_)
    if (p.lane.empty() || *lanes_[p.lane].begin() == number) make_ready(number);
}

void Deliveries::add(std::vector<Delivery> deliveries, StoreBatch batch) {
  if (deliveries.empty()) {
    if (!batch.empty()) store_.write(batch, StoreFlush::now);
    return;
  }
  const int64_t now = clock_.now().time_since_epoch().count();
  uint64_t first = 0, epoch = 0;
  {
    // In their lanes before they are written, so that a later one can't overtake them.
    std::lock_guard lock(mutex_);
    epoch = epoch_;
    uint64_t number = first = store_.take_numbers(deliveries.size());
    for (Delivery& d : deliveries) {
      d.added_ms = now;
      if (!d.lane.empty()) lanes_[d.lane].insert(number);
      batch.put(key_of(number++), encode(d, d.due_ms));
    }
  }
  try {
    store_.write(batch, StoreFlush::now);
  } catch (...) {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < deliveries.size(); ++i)
      if (!deliveries[i].lane.empty()) {
        lanes_[deliveries[i].lane].erase(first + i);
        lane_freed(deliveries[i].lane);
      }
    throw;
  }
  added_.add(deliveries.size());
  std::lock_guard lock(mutex_);
  if (epoch != epoch_) return;
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    pending_[first + i] = {deliveries[i].lane, false, deliveries[i].due_ms};
    if (deliveries[i].lane.empty() || *lanes_[deliveries[i].lane].begin() == first + i) make_ready(first + i);
  }
}

// At once or when it is due.
void Deliveries::make_ready(uint64_t number) {
  if (!started_ || stopping_) return;
  const Pending& p = pending_.at(number);
  if (p.due_ms > clock_.now().time_since_epoch().count()) {
    timer_.at(Time(std::chrono::milliseconds(p.due_ms)), [this, number] {
      std::lock_guard lock(mutex_);
      if (auto it = pending_.find(number); it != pending_.end() && !it->second.running) make_ready(number);
    });
    return;
  }
  ready_.insert(number);
  if (idle_ > 0)
    changed_.notify_one();
  else if (threads_.size() < static_cast<std::size_t>(max_threads_))
    threads_.emplace_back([this] { work(); });
}

void Deliveries::lane_freed(const std::string& lane) {
  auto it = lanes_.find(lane);
  if (it == lanes_.end()) return;
  if (it->second.empty()) {
    lanes_.erase(it);
  } else if (auto next = pending_.find(*it->second.begin()); next != pending_.end() && !next->second.running) {
    make_ready(next->first);
  }
}

void Deliveries::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (ready_.empty()) {
      ++idle_;
      changed_.wait(lock, [&] { return stopping_ || !ready_.empty(); });
      --idle_;
      continue;
    }
    const uint64_t number = *ready_.begin();
    ready_.erase(ready_.begin());
    auto it = pending_.find(number);
    if (it == pending_.end() || it->second.running) continue;
    it->second.running = true;
    run(number, lock);
  }
}

void Deliveries::run(uint64_t number, std::unique_lock<std::mutex>& lock) {
  const uint64_t epoch = epoch_;
  lock.unlock();
  Delivery d;
  std::optional<Time> again;
  try {
    if (auto stored = store_.get(key_of(number))) {
      const Value v = parse_json(*stored);
      d = {v.string_or("Lane"), v.at("Content"), v.int_or("Attempts") + 1, v.int_or("Added"), v.int_or("Due")};
      attempts_.add();
      again = attempt_(d, stop_.get_token());
      StoreBatch batch;
      if (again)
        batch.put(key_of(number), encode(d, again->time_since_epoch().count()));
      else
        batch.erase(key_of(number));
      std::lock_guard guard(mutex_);
      if (epoch == epoch_) store_.write(batch, StoreFlush::later);
    }
  } catch (const std::exception& e) {
    log(LogLevel::error, "a delivery failed in itself", Value::map({{"why", e.what()}}));
    again = clock_.now() + std::chrono::seconds(10);
  }
  lock.lock();
  if (epoch != epoch_) return;
  auto it = pending_.find(number);
  if (it == pending_.end()) return;
  if (again) {
    retries_.add();
    it->second.running = false;
    it->second.due_ms = again->time_since_epoch().count();
    make_ready(number);
    return;
  }
  const std::string lane = it->second.lane;
  pending_.erase(it);
  if (lane.empty()) return;
  lanes_[lane].erase(number);
  lane_freed(lane);
}

void Deliveries::reset() {
  std::lock_guard lock(mutex_);
  ++epoch_;
  pending_.clear();
  ready_.clear();
  lanes_.clear();
}

std::size_t Deliveries::pending() const {
  std::lock_guard lock(mutex_);
  return pending_.size();
}

}  // namespace tarn::notify
