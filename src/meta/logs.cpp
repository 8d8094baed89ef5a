#include "meta/logs.hpp"

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "meta/log_events.hpp"

namespace tarn::meta {
namespace {

constexpr std::string_view group_kind = "logs.group", stream_kind = "logs.stream", counter_kind = "logs.counter";
constexpr int64_t day_ms = 24 * 3600 * 1000;

int64_t to_ms(Time t) {
  return t.time_since_epoch().count();
}

[[noreturn]] void no_group() {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", "The specified log group does not exist.");
}
[[noreturn]] void no_stream() {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", "The specified log stream does not exist.");
}

Value to_record(const LogGroup& g) {
  Value v = Value::map({{"Id", g.id}, {"Created", g.created_ms}, {"Class", g.log_class}});
  if (g.retention_days) v.set("RetentionDays", *g.retention_days);
  if (g.deletion_protection) v.set("DeletionProtection", true);
  Value tags = Value::map();
  for (const auto& [name, value] : g.tags) tags.set(name, value);
  v.set("Tags", std::move(tags));
  return v;
}

LogGroup group_of(const Record& record) {
  LogGroup g;
  g.name = key_parts(record.key).back();
  g.id = static_cast<uint64_t>(record.value.int_or("Id"));
  g.created_ms = record.value.int_or("Created");
  if (const Value* days = record.value.find("RetentionDays")) g.retention_days = days->as_int();
  g.log_class = record.value.string_or("Class", "STANDARD");
  g.deletion_protection = record.value.bool_or("DeletionProtection");
  if (const Value* tags = record.value.find("Tags"))
    for (const auto& [name, value] : tags->as_map()) g.tags[name] = value.as_string();
  return g;
}

LogStream stream_of(const Record& record) {
  LogStream s;
  s.name = key_parts(record.key).back();
  s.id = static_cast<uint64_t>(record.value.int_or("Id"));
  s.group_id = static_cast<uint64_t>(record.value.int_or("Group"));
  s.created_ms = record.value.int_or("Created");
  return s;
}

std::string group_key(const LogScope& scope, std::string_view name) {
  return key({scope.account, scope.region, name});
}
std::string stream_key(const LogScope& scope, std::string_view group, std::string_view name) {
  return key({scope.account, scope.region, group, name});
}

// Ids of groups and streams, never used twice: 1, 2, 3 ...
int64_t take_id(Transaction& t) {
  auto counter = t.get(counter_kind, "next");
  int64_t id = counter ? counter->as_int() : 1;
  t.put(counter_kind, "next", id + 1);
  return id;
}

// The length of the well-formed UTF-8 character at the start of `text` (RFC 3629); 0 where there is none.
std::size_t character_size(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t size = lead >= 0xc2 && lead < 0xe0   ? 2
                     : lead >= 0xe0 && lead < 0xf0 ? 3
                     : lead >= 0xf0 && lead < 0xf5 ? 4
                                                   : 0;
  if (size == 0 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  bool beyond = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
  return overlong || beyond ? 0 : size;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t size = character_size(text);
    out.append(size ? text.substr(0, size) : "\xef\xbf\xbd");
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace

LogStore::LogStore(Metadata& metadata, Clock& clock, std::string path)
    : metadata_(metadata), clock_(clock), events_(std::make_unique<LogEvents>(std::move(path))) {}
LogStore::~LogStore() = default;

// ---- groups ----

void LogStore::create_group(const LogScope& scope, const LogGroup& group) {
  metadata_.change(scope.actor_arn, [&](Transaction& t) {
    std::string at = group_key(scope, group.name);
    if (t.get(group_kind, at))
      throw Error(ErrorKind::conflict, "ResourceAlreadyExistsException", "The specified log group already exists");
    LogGroup made = group;
    made.id = take_id(t);
    made.created_ms = to_ms(clock_.now());
    t.put(group_kind, at, to_record(made));
  });
}

void LogStore::delete_group(const LogScope& scope, std::string_view name) {
  LogGroup gone;
  metadata_.change(scope.actor_arn, [&](Transaction& t) {
    std::string at = group_key(scope, name);
    auto record = t.get(group_kind, at);
    if (!record) no_group();
    gone = group_of({at, *record});
    if (gone.deletion_protection)
      throw Error(ErrorKind::caller, "ValidationException",
                  "The log group is protected against deletion: turn its deletion protection off first.");
    t.erase(group_kind, at);
    t.erase_all(stream_kind, prefix({scope.account, scope.region, name}));
  });
  events_->erase_group(gone.id);
}

std::optional<LogGroup> LogStore::find_group(const LogScope& scope, std::string_view name) const {
  std::string at = group_key(scope, name);
  auto record = metadata_.get(group_kind, at);
  return record ? std::optional(group_of({at, *record})) : std::nullopt;
}

LogGroup LogStore::group(const LogScope& scope, std::string_view name) const {
  auto found = find_group(scope, name);
  if (!found) no_group();
  return *found;
}

std::vector<LogGroup> LogStore::groups(const LogScope& scope, std::string_view after, std::size_t limit) const {
  std::vector<LogGroup> out;
  std::string all = prefix({scope.account, scope.region});
  for (const Record& r :
       metadata_.list(group_kind, all, after.empty() ? std::string() : group_key(scope, after), limit))
    out.push_back(group_of(r));
  return out;
}

void LogStore::change_group(const LogScope& scope, std::string_view name,
                            const std::function<void(LogGroup&)>& change) {
  metadata_.change(scope.actor_arn, [&](Transaction& t) {
    std::string at = group_key(scope, name);
    auto record = t.get(group_kind, at);
    if (!record) no_group();
    LogGroup g = group_of({at, *record});
    change(g);
    t.put(group_kind, at, to_record(g));
  });
}

uint64_t LogStore::stored_bytes(const LogGroup& group) const {
  uint64_t sum = 0;
  for (const auto& [id, statistics] : events_->group_statistics(group.id)) sum += statistics.stored_bytes;
  return sum;
}

// ---- streams ----

void LogStore::create_stream(const LogScope& scope, std::string_view group, std::string_view name) {
  metadata_.change(scope.actor_arn, [&](Transaction& t) {
    auto owner = t.get(group_kind, group_key(scope, group));
    if (!owner) no_group();
    std::string at = stream_key(scope, group, name);
    if (t.get(stream_kind, at))
      throw Error(ErrorKind::conflict, "ResourceAlreadyExistsException", "The specified log stream already exists");
    t.put(stream_kind, at,
          Value::map({{"Id", take_id(t)}, {"Group", owner->int_or("Id")}, {"Created", to_ms(clock_.now())}}));
  });
}

void LogStore::delete_stream(const LogScope& scope, std::string_view group, std::string_view name) {
  LogStream gone;
  metadata_.change(scope.actor_arn, [&](Transaction& t) {
    auto owner = t.get(group_kind, group_key(scope, group));
    if (!owner) no_group();
    if (owner->bool_or("DeletionProtection"))
      throw Error(ErrorKind::caller, "ValidationException",
                  "The log group is protected against deletion: turn its deletion protection off first.");
    std::string at = stream_key(scope, group, name);
    auto record = t.get(stream_kind, at);
    if (!record) no_stream();
    gone = stream_of({at, *record});
    t.erase(stream_kind, at);
  });
  events_->erase_stream(gone);
}

std::optional<LogStream> LogStore::find_stream(const LogScope& scope, std::string_view group,
                                               std::string_view name) const {
  std::string at = stream_key(scope, group, name);
  auto record = metadata_.get(stream_kind, at);
  return record ? std::optional(stream_of({at, *record})) : std::nullopt;
}

LogStream LogStore::stream(const LogScope& scope, std::string_view group, std::string_view name) const {
  auto found = find_stream(scope, group, name);
  if (!found) {
    this->group(scope, group);
    no_stream();
  }
  return *found;
}

std::vector<LogStream> LogStore::streams(const LogScope& scope, std::string_view group, std::string_view name_prefix,
                                         std::string_view after, std::size_t limit) const {
  std::vector<LogStream> out;
  std::string all = stream_key(scope, group, name_prefix);
  for (const Record& r :
       metadata_.list(stream_kind, all, after.empty() ? std::string() : stream_key(scope, group, after), limit))
    out.push_back(stream_of(r));
  return out;
}

LogStatistics LogStore::statistics(const LogStream& stream) const {
  return events_->statistics(stream);
}

std::map<uint64_t, LogStatistics> LogStore::group_statistics(const LogGroup& group) const {
  return events_->group_statistics(group.id);
}

// ---- events ----

void LogStore::append(const LogStream& stream, std::span<const NewLogEvent> events, LogFlush flush) {
  sweep_hourly();
  events_->append(stream, events, to_ms(clock_.now()), flush);
}

LogWriter LogStore::writer(const LogScope& scope, std::string_view group, std::string_view stream) {
  auto made = find_stream(scope, group, stream);
  if (made) return LogWriter(*this, *made);
  auto unless_there = [](const auto& make) {
    try {
      make();
    } catch (const Error& e) {
      if (e.code() != "ResourceAlreadyExistsException") throw;
    }
  };
  LogGroup wanted;
  wanted.name = group;
  if (!find_group(scope, group)) unless_there([&] { create_group(scope, wanted); });
  unless_there([&] { create_stream(scope, group, stream); });
  return LogWriter(*this, this->stream(scope, group, stream));
}

void LogStore::scan(const LogGroup& group, std::span<const LogStream> streams, const LogRange& range, LogOrder order,
                    const std::function<bool(const LogStream&, const LogEvent&)>& take) const {
  LogRange living = range;
  if (group.retention_days)
    living.from_ms = std::max(range.from_ms, to_ms(clock_.now()) - *group.retention_days * day_ms);
  events_->scan(streams, living, order, take);
}

void LogStore::sweep_hourly() {
  int64_t now = to_ms(clock_.now()), due = next_sweep_ms_;
  if (now >= due && next_sweep_ms_.compare_exchange_strong(due, now + 3'600'000)) sweep();
}

uint64_t LogStore::sweep() {
  uint64_t gone = 0;
  std::vector<uint64_t> known;
  for (const Record& record : metadata_.list(group_kind, {})) {
    LogGroup g = group_of(record);
    known.push_back(g.id);
    if (!g.retention_days) continue;
    int64_t cutoff_ms = to_ms(clock_.now()) - *g.retention_days * day_ms;
    for (const auto& [stream_id, statistics] : events_->group_statistics(g.id))
      if (statistics.first_event_ms < cutoff_ms) gone += events_->erase_before(g.id, stream_id, cutoff_ms);
  }
  // What a crash left between a group's record and its events.
  std::sort(known.begin(), known.end());
  uint64_t newest = known.empty() ? 0 : known.back();
  for (uint64_t id : events_->group_ids())
    if (id < newest && !std::binary_search(known.begin(), known.end(), id)) events_->erase_group(id);
  return gone;
}

void LogStore::reset() {
  events_->reset();
}

// ---- writer ----

void LogWriter::write(std::span<const std::string_view> lines) {
  std::vector<NewLogEvent> events;
  events.reserve(lines.size());
  int64_t now = to_ms(store_->clock_.now());
  for (std::string_view line : lines) events.push_back({now, valid_utf8(line)});
  store_->append(stream_, events, LogFlush::later);
}

}  // namespace tarn::meta
