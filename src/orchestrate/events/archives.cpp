#include "orchestrate/events/archives.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "notify/targets.hpp"
#include "orchestrate/events/rules.hpp"

namespace tarn::orchestrate {
namespace {

namespace events = api::events;

constexpr std::string_view kind = "events.archive";
constexpr char mark = 'a';

std::string key_of(std::string_view account, std::string_view region, std::string_view name) {
  return meta::key({account, region, name});
}

uint64_t number_of(Time t) {
  return static_cast<uint64_t>(std::max<int64_t>(t.time_since_epoch().count(), 0));
}

[[noreturn]] void no_archive(std::string_view name) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", "Archive " + std::string(name) + " does not exist.");
}

Value to_record(uint64_t number, const Archives::Description& d) {
  return Value::map({{"Number", number}, {"Archive", to_value(d)}});
}

BusAddress bus_of(const std::string& arn) {
  const auto parsed = notify::parse_arn(arn);
  if (!parsed || !parsed->resource.starts_with("event-bus/"))
    throw Error(ErrorKind::caller, "ValidationException",
                "Parameter EventSourceArn is not valid. Reason: it must be the ARN of an event bus.");
  return bus_address(parsed->account, parsed->region, arn);
}

// What the archive tells of when its events were: they are whole seconds.
Time retention_limit(Time now, int64_t days) {
  return now - std::chrono::hours(24) * days;
}

}  // namespace

void Archives::changed() {
  std::lock_guard lock(mutex_);
  ++changes_;
  active_.clear();
}

Archives::Description Archives::create(std::string_view account, std::string_view region, std::string_view actor,
                                       const events::CreateArchiveRequest& in) {
  if (in.event_pattern) event_pattern(*in.event_pattern);
  const BusAddress bus = bus_of(in.event_source_arn);
  buses_.get(bus);
  Description d;
  d.archive_name = in.archive_name;
  d.archive_arn = "arn:aws:events:" + std::string(region) + ":" + std::string(account) + ":archive/" + in.archive_name;
  d.event_source_arn = in.event_source_arn;
  d.description = in.description;
  d.event_pattern = in.event_pattern;
  d.retention_days = in.retention_days.value_or(0);
  d.state = "ENABLED";
  d.creation_time = clock_.now();
  const uint64_t number = store_.take_numbers();
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (t.get(kind, key_of(account, region, in.archive_name)))
      throw Error(ErrorKind::conflict, "ResourceAlreadyExistsException",
                  "Archive " + in.archive_name + " already exists.");
    t.put(kind, key_of(account, region, in.archive_name), to_record(number, d));
  });
  changed();
  return d;
}

Archives::Description Archives::update(std::string_view account, std::string_view region, std::string_view actor,
                                       const events::UpdateArchiveRequest& in) {
  if (in.event_pattern) event_pattern(*in.event_pattern);
  Description d;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(kind, key_of(account, region, in.archive_name));
    if (!stored) no_archive(in.archive_name);
    d = api::from<Description>(stored->at("Archive"));
    if (in.description) d.description = in.description;
    if (in.event_pattern) d.event_pattern = in.event_pattern;
    if (in.retention_days) d.retention_days = in.retention_days;
    t.put(kind, key_of(account, region, in.archive_name),
          to_record(static_cast<uint64_t>(stored->int_or("Number")), d));
  });
  changed();
  return d;
}

Archives::Description Archives::counted(uint64_t number, Description d) const {
  const int64_t days = d.retention_days.value_or(0);
  const uint64_t from = days > 0 ? number_of(retention_limit(clock_.now(), days)) : 0;
  int64_t count = 0, size = 0;
  store_.scan(notify::store_key(mark, {number, from}), notify::store_key(mark, {number + 1}),
              [&](std::string_view, std::string_view value) {
                ++count;
                size += static_cast<int64_t>(value.size());
                return true;
              });
  d.event_count = count;
  d.size_bytes = size;
  return d;
}

Archives::Description Archives::get(std::string_view account, std::string_view region, std::string_view name) const {
  auto stored = metadata_.get(kind, key_of(account, region, name));
  if (!stored) no_archive(name);
  return counted(static_cast<uint64_t>(stored->int_or("Number")), api::from<Description>(stored->at("Archive")));
}

Archives::Found Archives::by_arn(const std::string& text) const {
  const auto arn = notify::parse_arn(text);
  if (!arn || arn->service != "events" || !arn->resource.starts_with("archive/"))
    throw Error(ErrorKind::caller, "ValidationException",
                "Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.");
  const std::string name = arn->resource.substr(8);
  auto stored = metadata_.get(kind, key_of(arn->account, arn->region, name));
  if (!stored) no_archive(name);
  return {static_cast<uint64_t>(stored->int_or("Number")), api::from<Description>(stored->at("Archive"))};
}

void Archives::remove(std::string_view account, std::string_view region, std::string_view actor,
                      std::string_view name) {
  uint64_t number = 0;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(kind, key_of(account, region, name));
    if (!stored) no_archive(name);
    number = static_cast<uint64_t>(stored->int_or("Number"));
    t.erase(kind, key_of(account, region, name));
  });
  changed();
  notify::StoreBatch batch;
  batch.erase_range(notify::store_key(mark, {number}), notify::store_key(mark, {number + 1}));
  store_.write(batch, notify::StoreFlush::later);
}

std::vector<Archives::Description> Archives::list(std::string_view account, std::string_view region,
                                                  std::string_view prefix, std::string_view after,
                                                  std::size_t limit) const {
  std::vector<Description> out;
  const std::string from = after.empty() ? "" : key_of(account, region, after);
  for (const auto& record : metadata_.list(kind, meta::prefix({account, region}) + std::string(prefix), from, limit))
    out.push_back(counted(static_cast<uint64_t>(record.value.int_or("Number")),
                          api::from<Description>(record.value.at("Archive"))));
  return out;
}

std::shared_ptr<const Archives::ActiveList> Archives::active(const BusAddress& bus) {
  uint64_t seen = 0;
  {
    std::lock_guard lock(mutex_);
    if (auto it = active_.find(bus.key()); it != active_.end()) return it->second;
    seen = changes_;
  }
  auto out = std::make_shared<ActiveList>();
  for (const auto& record : metadata_.list(kind, meta::prefix({bus.account, bus.region}))) {
    const auto d = api::from<Description>(record.value.at("Archive"));
    if (d.event_source_arn != bus.arn()) continue;
    Active& one = out->emplace_back();
    one.number = static_cast<uint64_t>(record.value.int_or("Number"));
    if (d.event_pattern) one.pattern.emplace(*d.event_pattern);
    one.retention_days = d.retention_days;
  }
  std::lock_guard lock(mutex_);
  if (seen == changes_) active_[bus.key()] = out;
  return out;
}

void Archives::drop_old(uint64_t number, int64_t retention_days) {
  notify::StoreBatch batch;
  batch.erase_range(notify::store_key(mark, {number}),
                    notify::store_key(mark, {number, number_of(retention_limit(clock_.now(), retention_days))}));
  store_.write(batch, notify::StoreFlush::later);
}

void Archives::keep(const BusAddress& bus, const Value& event, Time at, notify::StoreBatch& batch) {
  const auto archives = active(bus);
  if (archives->empty()) return;
  bool clean = false;
  {
    std::lock_guard lock(mutex_);
    clean = clock_.now() - cleaned_ > std::chrono::hours(1);
    if (clean) cleaned_ = clock_.now();
  }
  for (const Active& archive : *archives) {
    if (clean && archive.retention_days.value_or(0) > 0) drop_old(archive.number, *archive.retention_days);
    if (archive.pattern && !archive.pattern->matches(event)) continue;
    batch.put(notify::store_key(mark, {archive.number, number_of(at), store_.take_numbers()}), to_json(event));
  }
}

std::vector<Archives::Kept> Archives::read(uint64_t archive, Time from, Time to, const std::string& after,
                                           std::size_t limit) const {
  std::vector<Kept> out;
  const std::string begin = after.empty() ? notify::store_key(mark, {archive, number_of(from)}) : after + '\0';
  store_.scan(begin, notify::store_key(mark, {archive, number_of(to)}),
              [&](std::string_view key, std::string_view value) {
                out.push_back(
                    {std::string(key), Time(std::chrono::milliseconds(notify::number_at(key, 9))), parse_json(value)});
                return out.size() < limit;
              });
  return out;
}

void Archives::reset() {
  changed();
}

}  // namespace tarn::orchestrate
