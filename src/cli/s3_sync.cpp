#include "cli/s3_sync.hpp"

#include <fnmatch.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "cli/output.hpp"
#include "cli/s3_transfer.hpp"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;

constexpr int max_tries = 3;
constexpr auto progress_interval = std::chrono::milliseconds(200);

struct Item {
  uint64_t size_bytes = 0;
  Time modified;
  Listed object;  // where it is one
};
using Items = std::map<std::string, Item>;  // by the name below the folder

// One of the two ends.
class Side {
 public:
  Side(const std::string& text, const Target& target) : target_(target), folder_(text) {
    if (!is_s3(text)) return;
    place_ = parse_place(text);
    if (!place_->key.empty() && !place_->key.ends_with("/")) place_->key += "/";
  }

  bool remote() const { return place_.has_value(); }
  Place place(const std::string& name) const { return {place_->bucket, place_->key + name}; }
  std::string file(const std::string& name) const { return (fs::path(folder_) / name).string(); }
  std::string told(const std::string& name) const { return remote() ? place(name).url() : file(name); }
  const Place& prefix() const { return *place_; }
  const Target& target() const { return target_; }

  Items items() const { return remote() ? objects() : files(); }

 private:
  Items objects() const {
    Client client(target_);
    Items out;
    for (Listed& object : list_objects(client, *place_, false)) {
      const std::string name = object.key.substr(place_->key.size());
      if (name.empty() || name.ends_with("/")) continue;  // a folder's marker
      const auto modified = parse_iso8601(object.modified);
      if (!modified) throw Error(ErrorKind::outside, "BadAnswer", object.key + " was modified at no real time.");
      out[name] = {object.size_bytes, *modified, object};
    }
    return out;
  }

  Items files() const {
    Items out;
    if (!fs::exists(folder_)) return out;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (!entry.is_regular_file() || is_unfinished_download(entry.path().filename().string())) continue;
      const auto written = std::chrono::file_clock::to_sys(entry.last_write_time());
      out[entry.path().lexically_relative(folder_).generic_string()] = {
          entry.file_size(), std::chrono::time_point_cast<Time::duration>(written), {}};
    }
    return out;
  }

  Target target_;
  std::string folder_;
  std::optional<Place> place_;
};

struct Step {
  enum class Kind { copy, remove } kind;
  std::string name;
  Item item;
};

class Sync {
 public:
  Sync(const Target& source, const Target& target, const SyncOptions& options)
      : options_(options), from_(options.from, source), to_(options.to, target) {
    if (!from_.remote() && !to_.remote())
      throw Error(ErrorKind::caller, "InvalidPlace", "One of the two must be s3://bucket/prefix.");
    if (!from_.remote() && !fs::is_directory(options.from))
      throw Error(ErrorKind::caller, "NoFolder", options.from + " is no folder.");
  }

  int run() {
    plan();
    if (options_.dry_run) {
      for (const Step& step : steps_) std::cout << "(dry run) " << told(step) << '\n';
      return 0;
    }
    work(Step::Kind::copy);
    if (failures_ == 0)
      work(Step::Kind::remove);
    else if (options_.remove)
      std::cerr << "tarn: nothing was removed, because " << failures_ << " could not be copied\n";
    if (!options_.quiet)
      std::cerr << done_ << " copied (" << human_size(done_size_bytes_) << "), " << removed_ << " removed, " << same_
                << " the same, " << failures_ << " failed\n";
    return failures_ == 0 ? 0 : 1;
  }

 private:
  static bool matches(const std::vector<std::string>& patterns, const std::string& name) {
    for (const std::string& pattern : patterns)
      if (::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return true;
    return false;
  }
  bool left_alone(const std::string& name) const {
    return matches(options_.exclude, name) && !matches(options_.include, name);
  }

  void plan() {
    const Items source = from_.items();
    const Items target = options_.always && !options_.remove ? Items() : to_.items();
    Client client(from_.remote() ? from_.target() : to_.target());
    for (const auto& [name, item] : source) {
      if (left_alone(name)) continue;
      // A key may hold "..": nothing is written outside of the folder that was named.
      if (!to_.remote() && (name.starts_with("/") || fs::path(name).lexically_normal().string().starts_with("..")))
        throw Error(ErrorKind::caller, "UnsafeKey", name + " would be written outside of " + options_.to + ".");
      auto there = target.find(name);
      if (there != target.end() && !options_.always && same(client, name, item, there->second)) {
        same_++;
        continue;
      }
      steps_.push_back({Step::Kind::copy, name, item});
      planned_size_bytes_ += item.size_bytes;
    }
    if (!options_.remove) return;
    for (const auto& [name, item] : target)
      if (!source.contains(name) && !left_alone(name)) steps_.push_back({Step::Kind::remove, name, item});
  }

  bool same(Client& client, const std::string& name, const Item& source, const Item& target) const {
    if (source.size_bytes != target.size_bytes) return false;
    if (options_.size_only) return true;
    if (options_.checksum) {
      if (from_.remote() && to_.remote()) return source.object.etag == target.object.etag;
      return from_.remote() ? same_bytes(client, to_.file(name), from_.prefix(), source.object)
                            : same_bytes(client, from_.file(name), to_.prefix(), target.object);
    }
    // A listing tells whole seconds on some servers.
    return std::chrono::floor<std::chrono::seconds>(source.modified) <= target.modified;
  }

  std::string told(const Step& step) const {
    if (step.kind == Step::Kind::remove) return "delete: " + to_.told(step.name);
    const char* verb = !from_.remote() ? "upload: " : to_.remote() ? "copy: " : "download: ";
    return verb + from_.told(step.name) + " to " + to_.told(step.name);
  }

  // Then S3 copies by itself. The keys of one may not read the other.
  bool same_account() const {
    return from_.target().endpoint == to_.target().endpoint &&
           from_.target().access_key_id == to_.target().access_key_id;
  }

  void act(const Step& step, Client& source, Client& target) {
    if (step.kind == Step::Kind::remove) {
      to_.remote() ? static_cast<void>(target.s3("DELETE", to_.place(step.name).path()))
                   : static_cast<void>(fs::remove(to_.file(step.name)));
    } else if (!from_.remote()) {
      upload_file(target, from_.file(step.name), to_.place(step.name));
    } else if (!to_.remote()) {
      download_object(source, from_.prefix(), step.item.object, to_.file(step.name));
    } else if (same_account()) {
      copy_object(target, from_.place(step.name), step.item.size_bytes, to_.place(step.name));
    } else {
      relay_object(source, from_.place(step.name), target, to_.place(step.name));
    }
  }

  static bool may_pass(const Error& error) {
    return error.kind() == ErrorKind::outside || error.code() == "SlowDown" || error.code() == "InternalError" ||
           error.code() == "ServiceUnavailable" || error.code() == "RequestTimeout";
  }

  // False when it failed, which was then said.
  bool try_to(const Step& step, Client& source, Client& target) {
    std::string problem;
    for (int tried = 1; tried <= max_tries; tried++) {
      try {
        act(step, source, target);
        return true;
      } catch (const Error& error) {
        problem = error.message();
        if (!may_pass(error)) break;
      } catch (const fs::filesystem_error& error) {
        problem = error.what();
        break;
      }
      if (tried < max_tries) std::this_thread::sleep_for(std::chrono::milliseconds(200 << tried));
    }
    tell("failed: " + told(step) + ": " + problem, true);
    return false;
  }

  void work(Step::Kind kind) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::min<int>(options_.parallel, static_cast<int>(steps_.size())); i++)
      threads.emplace_back([&] {
        Client source(from_.target()), target(to_.target());
        for (std::size_t at; (at = next++) < steps_.size();) {
          const Step& step = steps_[at];
          if (step.kind != kind) continue;
          if (!try_to(step, source, target)) {
            failures_++;
            continue;
          }
          kind == Step::Kind::copy ? done_++ : removed_++;
          if (kind == Step::Kind::copy) done_size_bytes_ += step.item.size_bytes;
          tell(told(step), false);
        }
      });
  }

  // A line for each object; on a terminal a last line tells how far all has come.
  void tell(const std::string& line, bool always) {
    if (options_.quiet && !always) return;
    std::lock_guard lock(telling_);
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    if (terminal) std::cerr << "\r\033[K";
    std::cerr << line << '\n';
    const auto now = std::chrono::steady_clock::now();
    if (!terminal || options_.quiet || now - told_at_ < progress_interval) return;
    told_at_ = now;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    std::cerr << done_ + removed_ << " of " << steps_.size() << ", " << human_size(done_size_bytes_) << " of "
              << human_size(planned_size_bytes_) << ", "
              << human_size(static_cast<uint64_t>(static_cast<double>(done_size_bytes_) / std::max(seconds, 0.001)))
              << "/s" << std::flush;
  }

  const SyncOptions& options_;
  Side from_, to_;
  std::vector<Step> steps_;
  uint64_t planned_size_bytes_ = 0, same_ = 0;
  std::atomic<uint64_t> done_ = 0, done_size_bytes_ = 0, removed_ = 0, failures_ = 0;
  std::mutex telling_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point told_at_ = started_;
};

}  // namespace

int s3_sync(const Target& source, const Target& target, const SyncOptions& options) {
  return Sync(source, target, options).run();
}

}  // namespace tarn::cli
