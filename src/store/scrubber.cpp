#include "store/scrubber.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "store/coding.hpp"
#include "store/limits.hpp"
#include "store/local_store.hpp"
#include "store/scrub_records.hpp"

namespace tarn::store {
namespace {

constexpr auto pause_before_first = std::chrono::minutes(1);  // a start has other things to do
constexpr auto pause_after_failure = std::chrono::minutes(5);
constexpr auto pause_between_namings = std::chrono::minutes(10);
constexpr uint64_t save_step_bytes = 64 << 20;
constexpr std::size_t files_at_once = 256, small_bodies_at_once = 64;
constexpr std::size_t max_named_users = 10;
// Behind everybody else: for the disk (idle, of ioprio_set(2)) and for the processor.
constexpr int io_priority_of_thread = 1, idle_io_priority = 3 << 13, scrub_nice = 15;

void step_behind_others() {
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  ::syscall(SYS_ioprio_set, io_priority_of_thread, thread, idle_io_priority);
  ::setpriority(PRIO_PROCESS, thread, scrub_nice);
}

}  // namespace

Scrubber::Scrubber(Store& store, Clock& clock, Metrics& metrics, std::optional<uint64_t> rate_bytes_per_s)
    : store_(dynamic_cast<LocalStore*>(&store)),
      clock_(clock),
      rate_bytes_per_s_(rate_bytes_per_s.value_or(
          store_ && store_->blobs_->open_ones_stay() ? limits::default_scrub_rate_bytes_per_s : 0)),
      blobs_(metrics.counter("tarn_store_scrub_bodies_total", "Bodies of objects that the scrubber has read.")),
      bytes_(metrics.counter("tarn_store_scrub_bytes_total", "Bytes of them.")),
      damaged_(metrics.counter("tarn_store_scrub_damaged_total", "Damaged bodies that it has found.")) {
  if (store_) {
    const ScrubProgress progress = read_scrub_progress(store_->index_);
    if (progress.last_full_pass)
      last_full_pass_s_ = std::chrono::floor<std::chrono::seconds>(*progress.last_full_pass).time_since_epoch().count();
  }
  metrics.gauge("tarn_store_scrub_last_full_pass_seconds",
                "When the last pass over all bodies ended, in seconds since 1970; 0: never.",
                [this] { return static_cast<double>(last_full_pass_s_); });
}

Scrubber::~Scrubber() {
  worker_.request_stop();
}

void Scrubber::start() {
  if (store_ && rate_bytes_per_s_ > 0) worker_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Scrubber::run(std::stop_token stop) {
  step_behind_others();
  clock_.wait_until(clock_.now() + pause_before_first, stop);
  while (!stop.stop_requested()) {
    try {
      const ScrubProgress progress = read_scrub_progress(store_->index_);
      const bool due = !progress.ended || !progress.started;
      if (due || clock_.wait_until(*progress.started + std::chrono::hours(limits::scrub_interval_h), stop))
        run_once(stop);
    } catch (const Error& e) {
      log(LogLevel::error, "the scrubber can't go on, will try again", Value::map({{"why", e.message()}}));
      clock_.wait_until(clock_.now() + pause_after_failure, stop);
    }
  }
}

bool Scrubber::run_once(std::stop_token stop) {
  if (!store_) return true;
  ScrubProgress progress = read_scrub_progress(store_->index_);
  if (progress.ended) {
    const auto last = progress.last_full_pass;
    progress = {};
    progress.last_full_pass = last;
    progress.started = clock_.now();
    progress.ended = false;
    progress.below = store_->new_id();
    save(progress);
  }
  under_way_ = true;
  bool whole = false;
  try {
    if (!progress.small_ones && visit_files(progress, stop)) {
      progress.small_ones = true;
      progress.at = 0;
    }
    whole = progress.small_ones && visit_small_bodies(progress, stop);
  } catch (const Error&) {
    under_way_ = false;
    throw;
  }
  under_way_ = false;
  if (!unnamed_.empty()) name_users();
  if (whole) {
    progress.ended = true;
    progress.last_full_pass = clock_.now();
    last_full_pass_s_ = std::chrono::floor<std::chrono::seconds>(*progress.last_full_pass).time_since_epoch().count();
    log(progress.damaged ? LogLevel::error : LogLevel::info, "all bodies were read and compared with their checksums",
        Value::map({{"bodies", progress.blobs}, {"bytes", progress.size_bytes}, {"damaged", progress.damaged}}));
  }
  save(progress);
  return whole;
}

bool Scrubber::visit_files(ScrubProgress& progress, std::stop_token stop) {
  while (!stop.stop_requested()) {
    // Read ahead by some, so that no cursor holds on to the index while the disk is waited for.
    std::vector<std::pair<BlobId, FileRecord>> page;
    {
      auto cursor = store_->index_.cursor(Family::records, file_key(progress.below));
      for (bool at = cursor->seek(file_key(progress.at + 1)); at && page.size() < files_at_once; at = cursor->next())
        page.emplace_back(Decoder(cursor->key().substr(1)).ordered(), decode_file(cursor->value()));
    }
    if (page.empty()) return true;
    for (const auto& [id, file] : page) {
      bool stopped = false;
      const auto damage = store_->blobs_->damage(id, file, [&](uint64_t size_bytes) {
        stopped = !pace(size_bytes, stop);
        return !stopped;
      });
      if (stopped) return false;
      read(progress, id, file.size_bytes);
      if (damage) damaged(progress, id, store_->blobs_->place_of(id), *damage);
    }
  }
  return false;
}

bool Scrubber::visit_small_bodies(ScrubProgress& progress, std::stop_token stop) {
  while (!stop.stop_requested()) {
    uint64_t size_bytes = 0;
    std::size_t count = 0;
    auto cursor = store_->index_.cursor(Family::bodies, body_key(progress.below));
    for (bool at = cursor->seek(body_key(progress.at + 1)); at && count < small_bodies_at_once; at = cursor->next()) {
      const BlobId id = Decoder(cursor->key()).ordered();
      std::string body(cursor->value());
      const uint64_t size = body.size();
      bool sound = true;
      try {
        decode_body(body);
      } catch (const Error&) {
        sound = false;
      }
      count++;
      size_bytes += size;
      read(progress, id, size);
      if (!sound) damaged(progress, id, "a small body", "it is damaged");
    }
    cursor.reset();
    if (count == 0) return true;
    if (!pace(size_bytes, stop)) return false;
  }
  return false;
}

bool Scrubber::pace(uint64_t size_bytes, std::stop_token stop) {
  if (rate_bytes_per_s_ == 0) return !stop.stop_requested();
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> takes(static_cast<double>(size_bytes) / static_cast<double>(rate_bytes_per_s_));
  due_ = std::max(due_, now) + std::chrono::duration_cast<std::chrono::steady_clock::duration>(takes);
  std::unique_lock lock(mutex_);
  stopped_.wait_until(lock, stop, due_, [] { return false; });
  return !stop.stop_requested();
}

void Scrubber::read(ScrubProgress& progress, BlobId id, uint64_t size_bytes) {
  progress.at = id;
  progress.blobs++;
  progress.size_bytes += size_bytes;
  blobs_.add();
  bytes_.add(size_bytes);
  unsaved_bytes_ += size_bytes;
  if (unsaved_bytes_ >= save_step_bytes) save(progress);
}

void Scrubber::damaged(ScrubProgress& progress, BlobId id, std::string where, std::string why) {
  std::string stored;
  const bool file = store_->index_.get(Family::records, file_key(id), stored);
  if (!file && !store_->index_.get(Family::bodies, body_key(id), stored)) return;  // removed while it was read
  progress.damaged++;
  damaged_.add();
  log(LogLevel::error, "a stored body is damaged", Value::map({{"where", where}, {"why", why}}));
  ScrubbedDamage damage{id, clock_.now(), std::move(where), std::move(why), {}};
  Batch batch(store_->index_);
  put(batch, damage);
  store_->index_.commit(batch);
  unnamed_.emplace(id, damage.where);
  if (std::chrono::steady_clock::now() - named_ >= pause_between_namings) name_users();
}

// No record tells whose a blob is, so all objects are asked; on a disk that rots at many places, not for each place
// anew.
void Scrubber::name_users() {
  std::map<BlobId, std::vector<std::string>> users;
  for (Family family : {Family::objects, Family::versions}) {
    auto cursor = store_->index_.cursor(family);
    for (bool at = cursor->seek(""); at; at = cursor->next()) {
      ObjectRecord object;
      try {
        object = decode_object(cursor->value());
        if (!store_->complete(object)) continue;  // changed meanwhile
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::bug) throw;
        continue;  // a damaged record is another matter: tarn store verify
      }
      const std::string_view bucket = cursor->key().substr(0, cursor->key().find('\0'));
      std::string name(bucket);
      name += '/';
      if (family == Family::objects)
        name += cursor->key().substr(bucket.size() + 1);
      else
        name.append(split_version_key(bucket, cursor->key()).key).append(" (version ").append(object.info.version_id) +=
            ')';
      for (const Extent& e : object.extents) {
        if (!unnamed_.contains(e.blob)) continue;
        auto& named = users[e.blob];
        if (named.size() < max_named_users && (named.empty() || named.back() != name)) named.push_back(name);
      }
    }
  }
  Batch batch(store_->index_);
  for (ScrubbedDamage& damage : read_scrubbed_damage(store_->index_)) {
    auto found = users.find(damage.blob);
    if (found == users.end()) continue;
    damage.users = found->second;
    for (const std::string& user : damage.users)
      log(LogLevel::error, "an object is damaged: restore it from a copy",
          Value::map({{"object", user}, {"where", damage.where}, {"why", damage.why}}));
    put(batch, damage);
  }
  store_->index_.commit(batch);
  unnamed_.clear();
  named_ = std::chrono::steady_clock::now();
}

// What was found of bodies that are gone now goes with it.
void Scrubber::save(const ScrubProgress& progress) {
  unsaved_bytes_ = 0;
  Batch batch(store_->index_);
  put(batch, progress);
  std::string stored;
  auto cursor = store_->index_.cursor(Family::records, after_prefix(scrub_damage_keys));
  for (bool at = cursor->seek(scrub_damage_keys); at; at = cursor->next()) {
    const BlobId id = Decoder(cursor->key().substr(scrub_damage_keys.size())).ordered();
    if (!store_->index_.get(Family::records, file_key(id), stored) &&
        !store_->index_.get(Family::bodies, body_key(id), stored))
      batch.erase(Family::records, cursor->key());
  }
  store_->index_.commit(batch, true);
}

ScrubState Scrubber::state() const {
  ScrubState out;
  if (!store_) return out;
  const ScrubProgress progress = read_scrub_progress(store_->index_);
  out.under_way = under_way_;
  out.blobs = progress.blobs;
  out.size_bytes = progress.size_bytes;
  out.last_full_pass = progress.last_full_pass;
  for (const ScrubbedDamage& damage : read_scrubbed_damage(store_->index_)) out.damage.push_back(damage.told());
  return out;
}

}  // namespace tarn::store
