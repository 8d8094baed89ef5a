#include "orchestrate/events/replays.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "notify/targets.hpp"

namespace tarn::orchestrate {
namespace {

namespace events = api::events;
namespace state = events::replay_state;

constexpr std::string_view kind = "events.replay";
constexpr std::size_t events_at_once = 100;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

[[noreturn]] void no_replay(std::string_view name) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", "Replay " + std::string(name) + " does not exist.");
}

std::string mark_of(const std::string& key) {
  return "r" + key;
}

bool is_open(const Replays::Description& d) {
  return d.state == state::starting || d.state == state::running || d.state == state::cancelling;
}

}  // namespace

Replays::~Replays() {
  thread_.request_stop();
}

void Replays::start() {
  for (const auto& record : metadata_.list(kind, ""))
    if (is_open(api::from<Description>(record.value))) open_.push_back(record.key);
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

Replays::Description Replays::begin(std::string_view account, std::string_view region, std::string_view actor,
                                    const events::StartReplayRequest& in) {
  const std::string key = meta::key({account, region, in.replay_name});
  if (metadata_.get(kind, key))
    throw Error(ErrorKind::conflict, "ResourceAlreadyExistsException", "Replay " + in.replay_name + " already exists.");
  if (in.event_end_time <= in.event_start_time)
    invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.");
  const auto destination = notify::parse_arn(in.destination.arn);
  if (!destination || destination->service != "events" || !destination->resource.starts_with("event-bus/"))
    invalid("Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.");
  bus_.buses.get(bus_address(account, region, in.destination.arn));
  const auto archive = bus_.archives.by_arn(in.event_source_arn);
  if (archive.description.event_source_arn != in.destination.arn)
    invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.");
  Description d;
  d.replay_name = in.replay_name;
  d.replay_arn = "arn:aws:events:" + std::string(region) + ":" + std::string(account) + ":replay/" + in.replay_name;
  d.description = in.description;
  d.event_source_arn = in.event_source_arn;
  d.destination = in.destination;
  d.event_start_time = in.event_start_time;
  d.event_end_time = in.event_end_time;
  d.replay_start_time = clock_.now();
  d.state = state::starting;
  metadata_.change(actor, [&](meta::Transaction& t) { t.put(kind, key, to_value(d)); });
  std::lock_guard lock(mutex_);
  open_.push_back(key);
  changed_.notify_one();
  return d;
}

Replays::Description Replays::cancel(std::string_view account, std::string_view region, std::string_view actor,
                                     std::string_view name) {
  const std::string key = meta::key({account, region, name});
  Description d;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(kind, key);
    if (!stored) no_replay(name);
    d = api::from<Description>(*stored);
    if (d.state != state::starting && d.state != state::running)
      throw Error(ErrorKind::conflict, "IllegalStatusException",
                  "Replay " + std::string(name) + " is not in a valid state for this operation.");
    d.state = state::cancelling;
    t.put(kind, key, to_value(d));
  });
  return d;
}

Replays::Description Replays::get(std::string_view account, std::string_view region, std::string_view name) const {
  auto stored = metadata_.get(kind, meta::key({account, region, name}));
  if (!stored) no_replay(name);
  return api::from<Description>(*stored);
}

std::vector<Replays::Description> Replays::list(std::string_view account, std::string_view region,
                                                std::string_view prefix, std::string_view after,
                                                std::size_t limit) const {
  std::vector<Description> out;
  const std::string from = after.empty() ? "" : meta::key({account, region, after});
  for (const auto& record : metadata_.list(kind, meta::prefix({account, region}) + std::string(prefix), from, limit))
    out.push_back(api::from<Description>(record.value));
  return out;
}

void Replays::set_state(const std::string& key, const std::string& to, const std::optional<Time>& last) {
  metadata_.change_quietly([&](meta::Transaction& t) {
    auto stored = t.get(kind, key);
    if (!stored) return;
    auto d = api::from<Description>(*stored);
    const bool over = to == state::completed || to == state::cancelled || to == state::failed;
    if (over || d.state == state::starting) d.state = to;
    if (last) d.event_last_replayed_time = last;
    if (over) d.replay_end_time = clock_.now();
    t.put(kind, key, to_value(d));
  });
}

bool Replays::send_some(const std::string& key) {
  std::lock_guard lock(sending_);
  auto stored = metadata_.get(kind, key);
  if (!stored) return false;
  const auto d = api::from<Description>(*stored);
  if (!is_open(d)) return false;
  if (d.state == state::cancelling) {
    set_state(key, std::string(state::cancelled), {});
    return false;
  }
  std::vector<Archives::Kept> kept;
  try {
    const auto archive = bus_.archives.by_arn(*d.event_source_arn);
    kept = bus_.archives.read(archive.number, *d.event_start_time, *d.event_end_time,
                              store_.get(mark_of(key)).value_or(""), events_at_once);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::missing) throw;
    set_state(key, std::string(state::failed), {});
    return false;
  }
  if (kept.empty()) {
    set_state(key, std::string(state::completed), {});
    return false;
  }
  notify::StoreBatch progress;
  progress.put(mark_of(key), kept.back().key);
  const auto address = meta::key_parts(key);
  bus_.replay(bus_address(address.at(0), address.at(1), d.destination->arn), *d.replay_name,
              d.destination->filter_arns.value_or(std::vector<std::string>()), kept, std::move(progress));
  set_state(key, std::string(state::running), kept.back().at);
  return true;
}

void Replays::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::string key;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !open_.empty(); })) return;
      key = open_.front();
    }
    try {
      while (!stop.stop_requested() && send_some(key)) {
      }
      if (stop.stop_requested()) return;
      std::lock_guard lock(mutex_);
      std::erase(open_, key);
    } catch (const Error& e) {
      log(LogLevel::error, "a replay can't go on now", Value::map({{"replay", key}, {"why", e.message()}}));
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    }
  }
}

}  // namespace tarn::orchestrate
