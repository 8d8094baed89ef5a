#include "orchestrate/events/recurrences.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/log.hpp"

namespace tarn::orchestrate {
namespace {

std::string encode(Time t) {
  std::string out;
  notify::append_number_bytes(out, static_cast<uint64_t>(t.time_since_epoch().count()));
  return out;
}

}  // namespace

Recurrences::Recurrences(Owner& owner, std::string kind, char mark, meta::Metadata& metadata,
                         notify::MessageStore& store, Invocations& invocations, Clock& clock)
    : owner_(owner),
      kind_(std::move(kind)),
      mark_(1, mark),
      metadata_(metadata),
      store_(store),
      invocations_(invocations),
      clock_(clock),
      due_(clock) {}

Recurrences::~Recurrences() {
  stop();
}

void Recurrences::start() {
  started_ = clock_.now();
  loader_ = std::thread([this] {
    std::lock_guard lock(mutex_);
    try {
      take_up();
    } catch (const Error& e) {
      log(LogLevel::error, "what is due by schedules can't be read",
          Value::map({{"kind", kind_}, {"why", e.message()}}));
    }
    due_.start([this](const std::vector<Due>& due) { fire(due); });
  });
}

void Recurrences::stop() {
  if (loader_.joinable()) loader_.join();
  due_.stop();
}

void Recurrences::take_up() {
  // Marks and records are both in the order of their keys.
  auto keys = metadata_.keys(kind_, "");
  auto key = keys.begin();
  auto without_mark = [&] { due_.set(*key, owner_.next(*key, started_)); };
  store_.scan(mark_, std::string(1, static_cast<char>(mark_[0] + 1)),
              [&](std::string_view mark, std::string_view value) {
                const std::string_view marked = mark.substr(1);
                for (; key != keys.end() && *key < marked; ++key) without_mark();
                if (key == keys.end() || *key != marked) return true;  // the record is gone
                due_.set(*key, Time(std::chrono::milliseconds(notify::number_at(value, 0))));
                ++key;
                return true;
              });
  for (; key != keys.end(); ++key) without_mark();
}

void Recurrences::changed(const std::string& key, Time after) {
  std::lock_guard lock(mutex_);
  const auto next = owner_.next(key, after), due = due_.find(key);
  if (next && due && *due <= clock_.now()) return;  // falls due as the record now says, and then is set anew
  notify::StoreBatch batch;
  if (next)
    batch.put(mark_of(key), encode(*next));
  else if (due)
    batch.erase(mark_of(key));
  if (!batch.empty()) store_.write(batch, notify::StoreFlush::later);
  due_.set(key, next);
}

void Recurrences::fire(const std::vector<Due>& due) {
  std::lock_guard lock(mutex_);
  std::vector<Invocation> calls;
  std::vector<std::pair<std::string, std::optional<Time>>> next;
  notify::StoreBatch batch;
  for (const Due& d : due) {
    if (due_.find(d.key) != d.at) continue;
    auto again = owner_.fall_due(d, std::max(d.at, started_), calls);
    if (again)
      batch.put(mark_of(d.key), encode(*again));
    else
      batch.erase(mark_of(d.key));
    next.emplace_back(d.key, again);
  }
  invocations_.add(calls, std::move(batch));
  for (const auto& [key, at] : next) due_.set(key, at);
}

}  // namespace tarn::orchestrate
