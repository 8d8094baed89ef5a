#include "meta/metric_store.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace tarn::meta {
namespace {

struct Length {
  int64_t s, kept_h;
};
constexpr std::array<Length, 4> lengths = {{{1, 3}, {60, 15 * 24}, {300, 63 * 24}, {3600, 455 * 24}}};
constexpr int64_t hour_ms = 3'600'000;

void check(const rocksdb::Status& status) {
  if (!status.ok()) throw Error(ErrorKind::bug, "InternalFailure", "the store of metrics failed: " + status.ToString());
}

int64_t to_ms(Time t) {
  return t.time_since_epoch().count();
}

int64_t floor_to(int64_t v, int64_t step) {
  return v - ((v % step) + step) % step;
}

void append_number(std::string& out, uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift);
}

int64_t number_at(std::string_view bytes, std::size_t at) {
  uint64_t v = 0;
  for (std::size_t i = at; i < at + 8; ++i) v = v << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<int64_t>(v);
}

// 'p', length, series, time: the series' points of one length lie together in their order. Times are after 1970.
std::string point_key(std::size_t length, uint64_t series, int64_t at_ms) {
  std::string out = "p";
  out += static_cast<char>('0' + length);
  append_number(out, series);
  append_number(out, static_cast<uint64_t>(std::max<int64_t>(0, at_ms)));
  return out;
}

std::string series_key(uint64_t series) {
  std::string out = "m";
  append_number(out, series);
  return out;
}

rocksdb::Options options() {
  rocksdb::Options o;
  o.create_if_missing = true;
  o.write_buffer_size = 4 << 20;
  o.max_total_wal_size = 16 << 20;
  o.keep_log_file_num = 2;
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.max_open_files = 64;
  return o;
}

// A metric in one unit.
struct Series {
  uint64_t id = 0;
  int64_t newest_ms = 0;
};
using SeriesKey = std::pair<MetricName, std::string>;

Value series_value(const SeriesKey& key, const Series& series) {
  Value dimensions = Value::map();
  for (const auto& [name, value] : key.first.dimensions) dimensions.set(name, value);
  return Value::map({{"Account", key.first.account},
                     {"Region", key.first.region},
                     {"Namespace", key.first.name_space},
                     {"Name", key.first.name},
                     {"Dimensions", std::move(dimensions)},
                     {"Unit", key.second},
                     {"NewestMs", series.newest_ms}});
}

}  // namespace

struct MetricStore::Database {
  std::unique_ptr<rocksdb::DB> db;
  std::map<SeriesKey, Series> series;
  uint64_t last_id = 0;

  void load() {
    std::unique_ptr<rocksdb::Iterator> cursor(db->NewIterator({}));
    for (cursor->Seek("m"); cursor->Valid() && cursor->key().starts_with("m"); cursor->Next()) {
      Value v = parse_json(cursor->value().ToStringView());
      SeriesKey key;
      key.first = {v.string_or("Account"), v.string_or("Region"), v.string_or("Namespace"), v.string_or("Name"), {}};
      for (const auto& [name, value] : v.at("Dimensions").as_map()) key.first.dimensions[name] = value.as_string();
      key.second = v.string_or("Unit");
      Series& one = series[key];
      one.id = static_cast<uint64_t>(number_at(cursor->key().ToStringView(), 1));
      one.newest_ms = v.int_or("NewestMs");
      last_id = std::max(last_id, one.id);
    }
    check(cursor->status());
  }
  std::optional<StatisticSet> get(const std::string& key) {
    std::string value;
    rocksdb::Status status = db->Get({}, key, &value);
    if (status.IsNotFound()) return std::nullopt;
    check(status);
    return decode_statistic_set(value);
  }
  void scan(const std::string& from, const std::string& to,
            const std::function<void(int64_t at_ms, const StatisticSet&)>& take) {
    rocksdb::Slice end(to);
    rocksdb::ReadOptions o;
    o.iterate_upper_bound = &end;
    std::unique_ptr<rocksdb::Iterator> cursor(db->NewIterator(o));
    for (cursor->Seek(from); cursor->Valid(); cursor->Next())
      if (auto set = decode_statistic_set(cursor->value().ToStringView()))
        take(number_at(cursor->key().ToStringView(), 10), *set);
    check(cursor->status());
  }
};

MetricStore::MetricStore(Clock& clock, std::string path, bool durable)
    : clock_(clock), path_(std::move(path)), durable_(durable) {}

MetricStore::~MetricStore() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  write_gathered();
}

MetricStore::Database* MetricStore::open(bool make) {
  if (database_) return database_.get();
  if (!make && !std::filesystem::exists(path_ + "/CURRENT")) return nullptr;
  std::filesystem::create_directories(path_);
  auto fresh = std::make_unique<Database>();
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::Open(options(), path_, &db));
  fresh->db.reset(db);
  fresh->load();
  database_ = std::move(fresh);
  return database_.get();
}

void MetricStore::put(const MetricName& metric, double value, std::string_view unit) {
  int64_t minute = floor_to(to_ms(clock_.now()), 60'000);
  std::lock_guard lock(gathering_);
  if (gathered_.size() >= limits::max_metrics_kept) return;
  gathered_[{metric, std::string(unit)}][minute].add(value);
  if (!thread_.joinable()) thread_ = std::jthread([this](std::stop_token stop) { gather(stop); });
  dirty_.notify_one();
}

void MetricStore::gather(std::stop_token stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(gathering_);
      if (!dirty_.wait(lock, stop, [this] { return !gathered_.empty(); })) return;
      dirty_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    }
    write_gathered();
  }
}

void MetricStore::write_gathered() {
  decltype(gathered_) all;
  {
    std::lock_guard lock(gathering_);
    all.swap(gathered_);
  }
  if (all.empty()) return;
  std::vector<MetricSample> samples;
  for (auto& [key, minutes] : all)
    for (auto& [at_ms, set] : minutes)
      samples.push_back({key.first, key.second, Time(std::chrono::milliseconds(at_ms)), std::move(set), false});
  try {
    std::lock_guard lock(mutex_);
    write(samples, false);
  } catch (const std::exception& e) {
    log(LogLevel::warning, "metrics were not kept", Value::map({{"why", e.what()}}));
  }
}

void MetricStore::put(std::span<const MetricSample> samples) {
  std::lock_guard lock(mutex_);
  write(samples, durable_);
}

void MetricStore::write(std::span<const MetricSample> samples, bool flush) {
  Database& d = *open(true);
  const int64_t now = to_ms(clock_.now());
  rocksdb::WriteBatch batch;
  std::map<std::string, StatisticSet> changed;  // a batch may touch a point twice
  std::map<SeriesKey, Series> touched;
  uint64_t last_id = d.last_id;
  for (const MetricSample& sample : samples) {
    SeriesKey key{sample.metric, sample.unit};
    auto known = touched.find(key);
    if (known == touched.end()) {
      auto present = d.series.find(key);
      if (present == d.series.end() && d.series.size() + touched.size() >= limits::max_metrics_kept)
        throw Error(ErrorKind::limit, "LimitExceeded",
                    "tarn keeps " + std::to_string(limits::max_metrics_kept) + " different metrics at most.");
      known = touched.emplace(key, present == d.series.end() ? Series{++last_id, 0} : present->second).first;
    }
    Series& series = known->second;
    const int64_t at = to_ms(sample.at);
    // Once an hour what is too old goes.
    if (series.newest_ms / hour_ms < at / hour_ms)
      for (std::size_t i = 0; i < lengths.size(); ++i)
        check(
            batch.DeleteRange(point_key(i, series.id, 0), point_key(i, series.id, now - lengths[i].kept_h * hour_ms)));
    series.newest_ms = std::max(series.newest_ms, at);
    for (std::size_t i = sample.by_second ? 0 : 1; i < lengths.size(); ++i) {
      if (at < now - lengths[i].kept_h * hour_ms) continue;
      std::string point = point_key(i, series.id, floor_to(at, lengths[i].s * 1000));
      auto set = changed.find(point);
      if (set == changed.end()) set = changed.emplace(point, d.get(point).value_or(StatisticSet{})).first;
      set->second.add(sample.values);
    }
  }
  for (const auto& [point, set] : changed) check(batch.Put(point, encode(set)));
  for (const auto& [key, series] : touched) check(batch.Put(series_key(series.id), to_json(series_value(key, series))));
  rocksdb::WriteOptions how;
  how.sync = flush;
  check(d.db->Write(how, &batch));
  for (const auto& [key, series] : touched) d.series[key] = series;
  d.last_id = last_id;
}

std::vector<std::pair<MetricName, Time>> MetricStore::list(const std::string& account, const std::string& region,
                                                           const std::function<bool(const MetricName&)>& wanted) {
  write_gathered();
  std::lock_guard lock(mutex_);
  std::vector<std::pair<MetricName, Time>> out;
  Database* d = open(false);
  if (!d) return out;
  for (auto it = d->series.lower_bound({MetricName{account, region, {}, {}, {}}, {}}); it != d->series.end(); ++it) {
    const MetricName& metric = it->first.first;
    if (metric.account != account || metric.region != region) break;
    Time newest(std::chrono::milliseconds(it->second.newest_ms));
    if (!out.empty() && out.back().first == metric)  // in another unit
      out.back().second = std::max(out.back().second, newest);
    else if (wanted(metric))
      out.emplace_back(metric, newest);
  }
  return out;
}

std::map<std::string, MetricStore::Points> MetricStore::points(const MetricName& metric,
                                                               const std::optional<std::string>& unit, Time from,
                                                               Time to, std::chrono::seconds period) {
  write_gathered();
  std::lock_guard lock(mutex_);
  std::map<std::string, Points> out;
  Database* d = open(false);
  if (!d) return out;
  const int64_t start = to_ms(from), step = period.count() * 1000, now = to_ms(clock_.now());
  // The shortest length that still holds what is asked for and divides the periods.
  std::size_t length = step % 60'000 == 0 && start % 60'000 == 0 ? 1 : 0;
  while (length + 1 < lengths.size() && start < now - lengths[length].kept_h * hour_ms) ++length;
  for (auto it = d->series.lower_bound({metric, {}}); it != d->series.end() && it->first.first == metric; ++it) {
    if (unit && it->first.second != *unit) continue;
    Points points;
    d->scan(point_key(length, it->second.id, start), point_key(length, it->second.id, to_ms(to)),
            [&](int64_t at, const StatisticSet& set) {
              points[Time(std::chrono::milliseconds(start + floor_to(at - start, step)))].add(set);
            });
    if (!points.empty()) out[it->first.second] = std::move(points);
  }
  return out;
}

void MetricStore::reset() {
  {
    std::lock_guard lock(gathering_);
    gathered_.clear();
  }
  std::lock_guard lock(mutex_);
  database_.reset();
  std::filesystem::remove_all(path_);
}

}  // namespace tarn::meta
