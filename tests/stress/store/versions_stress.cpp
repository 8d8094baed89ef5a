// Kills the object store at random moments and looks whether any version of an object was lost, or came back.
//
//   versions_stress [--seed N] [--seconds S] [--threads N] [--folder DIR]
//
// As store_stress does, a child process works on the store and tells through a pipe what it begins and what is done,
// until it gets a SIGKILL. Here each key has many versions, in one bucket with versioning and object lock, and in one
// where versioning is suspended: writes, delete markers, and erasures of single versions, of locked ones too. After
// each kill every record and byte is checked (verify_local), and each key's list of versions, read in small pages, is
// compared with the model: order, bodies, delete markers, which one is the latest.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "govern/authority.hpp"
#include "store/store.hpp"
#include "store/verify.hpp"

namespace {

using namespace tarn;
using namespace tarn::store;
using SteadyClock = std::chrono::steady_clock;

constexpr std::array bucket_names = {"enabled", "suspended"};
constexpr uint64_t keys_per_thread = 5;
constexpr std::size_t most_versions = 12;  // of a key; then some are erased

struct Options {
  uint64_t seed = 1;
  double seconds = 15;
  int threads = 6;
  std::string folder = "/tmp/tarn-versions-stress";
};

[[noreturn]] void lost(const std::string& what) {
  std::printf("FAILED: %s\n", what.c_str());
  std::fflush(stdout);
  std::_Exit(1);  // other threads go on meanwhile
}

struct Version {
  char id[33] = {};
  uint64_t seed = 0, size_bytes = 0;
  bool delete_marker = false, locked = false;
  bool operator==(const Version&) const = default;

  std::string body() const {
    std::string out(size_bytes, '\0');
    std::mt19937_64 words(seed);
    for (std::size_t at = 0; at < out.size(); at += 8) {
      uint64_t word = words();
      std::memcpy(out.data() + at, &word, std::min<std::size_t>(8, out.size() - at));
    }
    return out;
  }
};
using Versions = std::vector<Version>;  // of a key, the latest first

struct Place {
  uint64_t thread, bucket, key;
  auto operator<=>(const Place&) const = default;
  std::string name() const { return "k/" + std::to_string(thread) + "-" + std::to_string(key); }
};

// What goes through the pipe. Smaller than PIPE_BUF, so it arrives whole or not at all.
struct Message {
  enum Kind : uint64_t { begin, done, verified } kind;
  Place place;
  bool erases;      // the version `version.id`; else `version` becomes the latest
  Version version;  // its id is known once it is done
};

void carry_out(Versions& versions, const Message& message) {
  const bool suspended = message.place.bucket == 1;
  std::erase_if(versions, [&](const Version& v) {
    return message.erases ? !std::strcmp(v.id, message.version.id) : suspended && !std::strcmp(v.id, "null");
  });
  if (!message.erases) versions.insert(versions.begin(), message.version);
}

using Model = std::map<Place, Versions>;

// ---- the child

class Worker {
 public:
  Worker(Store& store, int pipe, uint64_t thread, uint64_t seed, Model model)
      : store_(store), pipe_(pipe), thread_(thread), dice_(seed), model_(std::move(model)) {}

  [[noreturn]] void run() {
    for (;;) step({thread_, dice_() % bucket_names.size(), dice_() % keys_per_thread});
  }

 private:
  void send(Message::Kind kind, Message& message) {
    message.kind = kind;
    if (::write(pipe_, &message, sizeof message) != sizeof message) std::_Exit(3);
  }

  void step(const Place& place) {
    const Versions& versions = model_[place];
    const uint64_t kind = dice_() % 10;
    if (versions.size() > most_versions || (kind < 4 && !versions.empty())) {
      erase(place, versions[dice_() % versions.size()]);
    } else if (kind < 6) {
      mark(place);
    } else {
      put(place);
    }
  }

  void put(const Place& place) {
    Message message{Message::begin, place, false, {}};
    message.version.seed = dice_();
    message.version.size_bytes = dice_() % (dice_() % 4 == 0 ? 200'000 : 4'000);
    message.version.locked = place.bucket == 0 && dice_() % 6 == 0;
    send(Message::begin, message);
    ObjectHeaders headers;
    if (message.version.locked) headers.retention = {"GOVERNANCE", SystemClock().now() + std::chrono::hours(1)};
    auto writer = store_.write(grant_, bucket_names[place.bucket], place.name(), headers);
    writer->append(message.version.body());
    done(message, writer->finish({}).version_id);
  }

  void mark(const Place& place) {
    Message message{Message::begin, place, false, {}};
    message.version.delete_marker = true;
    send(Message::begin, message);
    done(message, store_.erase(grant_, bucket_names[place.bucket], place.name()).version_id);
  }

  void erase(const Place& place, const Version& version) {
    if (version.locked && dice_() % 2 == 0) return try_locked(place, version);
    Message message{Message::begin, place, true, version};
    send(Message::begin, message);
    if (!store_.erase(grant_, bucket_names[place.bucket], place.name(), {version.id, {}, version.locked}).found)
      lost("a version that was written can't be found");
    done(message, version.id);
  }

  void try_locked(const Place& place, const Version& version) {
    try {
      store_.erase(grant_, bucket_names[place.bucket], place.name(), {version.id});
    } catch (const Error& error) {
      if (error.code() == "AccessDenied") return;
      throw;
    }
    lost("a locked version was erased");
  }

  void done(Message& message, const std::string& id) {
    std::snprintf(message.version.id, sizeof message.version.id, "%s", id.c_str());
    carry_out(model_[message.place], message);
    send(Message::done, message);
  }

  Store& store_;
  int pipe_;
  uint64_t thread_;
  std::mt19937_64 dice_;
  Model model_;
  Grant grant_ = govern::Authority().internal(Access::write);
};

void make_buckets(Store& store, Time now) {
  if (!store.find_bucket(bucket_names[0])) {
    BucketInfo bucket{bucket_names[0], "000000000000", "us-east-1", now, {}};
    bucket.settings["versioning"] = Value::map({{"Status", "Enabled"}});
    bucket.settings["objectLock"] = Value::map({{"ObjectLockEnabled", "Enabled"}});
    store.create_bucket(bucket);
  }
  if (!store.find_bucket(bucket_names[1])) {
    BucketInfo bucket{bucket_names[1], "000000000000", "us-east-1", now, {}};
    bucket.settings["versioning"] = Value::map({{"Status", "Suspended"}});
    store.create_bucket(bucket);
  }
}

[[noreturn]] void child(const Options& options, int pipe, uint64_t round, const Model& model) {
  SystemClock clock;
  SystemRandom random;
  try {
    auto store = open_local(options.folder, clock, random, Durability::flushed);
    make_buckets(*store, clock.now());
    std::vector<std::jthread> threads;
    for (int i = 0; i < options.threads; i++) {
      const auto thread = static_cast<uint64_t>(i);
      threads.emplace_back([&, thread] {
        try {
          Worker(*store, pipe, thread, options.seed * 1'000'003 + round * 1009 + thread, model).run();
        } catch (const Error& error) {
          lost("an operation failed: " + error.code() + ": " + error.message());
        }
      });
    }
    threads.clear();
  } catch (const Error& error) {
    lost("the store can't be opened: " + error.code() + ": " + error.message());
  }
  std::_Exit(0);
}

// ---- the parent

class Parent {
 public:
  explicit Parent(Options options) : options_(std::move(options)), dice_(options_.seed) {}

  int run() {
    std::filesystem::remove_all(options_.folder);
    auto end = SteadyClock::now() + std::chrono::duration<double>(options_.seconds);
    for (; SteadyClock::now() < end; rounds_++) {
      play();
      in_child([&](int pipe) { look(pipe); });
      open_.clear();
    }
    std::printf("passed: seed %llu, %llu kills, %llu operations acknowledged, %llu cut off, %.1f MB verified\n",
                static_cast<unsigned long long>(options_.seed), static_cast<unsigned long long>(rounds_),
                static_cast<unsigned long long>(acknowledged_), static_cast<unsigned long long>(cut_off_),
                static_cast<double>(verified_size_bytes_) / 1e6);
    std::filesystem::remove_all(options_.folder);
    return 0;
  }

 private:
  // Runs `work` in a child, and takes in what it tells. Returns its status. Killed a moment after its first message
  // when `delay_us` is given.
  int in_child(const std::function<void(int pipe)>& work, uint64_t delay_us = 0) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) lost("no pipe");
    std::fflush(stdout);
    pid_t pid = ::fork();
    if (pid < 0) lost("no process");
    if (pid == 0) {
      ::close(ends[0]);
      work(ends[1]);
      std::_Exit(0);
    }
    ::close(ends[1]);
    std::jthread killer;
    for (Message message; read_message(ends[0], message); take(message)) {
      if (delay_us == 0 || killer.joinable()) continue;
      killer = std::jthread([pid, delay_us] {
        std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
        ::kill(pid, SIGKILL);
      });
    }
    ::close(ends[0]);
    if (killer.joinable()) killer.join();
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0 && !(delay_us && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
      lost("a child ended with status " + std::to_string(status));
    return status;
  }

  void play() {
    in_child([&](int pipe) { child(options_, pipe, rounds_, model_); }, 1'000 + dice_() % 300'000);
    cut_off_ += open_.size();
  }

  static bool read_message(int fd, Message& message) {
    auto* into = reinterpret_cast<char*>(&message);
    for (std::size_t have = 0; have < sizeof message;) {
      ssize_t n = ::read(fd, into + have, sizeof message - have);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      have += static_cast<std::size_t>(n);
    }
    return true;
  }

  void take(const Message& message) {
    if (message.kind == Message::begin) {
      open_[message.place] = message;
    } else if (message.kind == Message::done) {
      carry_out(model_[message.place], message);
      open_.erase(message.place);
      acknowledged_++;
    } else {
      verified_size_bytes_ += message.version.size_bytes;
    }
  }

  // Checks all; tells through the pipe which operations that were cut off took place.
  void look(int pipe) {
    Verification verification = verify_local(options_.folder);
    for (const std::string& problem : verification.problems) std::printf("%s\n", problem.c_str());
    if (!verification.problems.empty()) lost(std::to_string(verification.problems.size()) + " problems in the store");
    Message verified{Message::verified, {}, false, {}};
    verified.version.size_bytes = verification.checked_size_bytes;
    if (::write(pipe, &verified, sizeof verified) != sizeof verified) lost("no pipe");

    SystemClock clock;
    SystemRandom random;
    auto store = open_local(options_.folder, clock, random, Durability::flushed);
    for (uint64_t thread = 0; thread < static_cast<uint64_t>(options_.threads); thread++)
      for (uint64_t bucket = 0; bucket < bucket_names.size(); bucket++)
        for (uint64_t key = 0; key < keys_per_thread; key++) compare(*store, {thread, bucket, key}, pipe);
  }

  void compare(Store& store, const Place& place, int pipe) {
    const std::vector<ObjectInfo> found = versions_of(store, place);
    if (auto open = open_.find(place); open != open_.end()) {
      Message message = open->second;
      Versions after = model_[place];
      if (!message.erases && !found.empty())
        std::snprintf(message.version.id, sizeof message.version.id, "%s", found[0].version_id.c_str());
      carry_out(after, message);
      if (matches(store, place, found, after)) {
        message.kind = Message::done;
        if (::write(pipe, &message, sizeof message) != sizeof message) lost("no pipe");
        return;
      }
    }
    if (!matches(store, place, found, model_[place]))
      lost(std::string(bucket_names[place.bucket]) + "/" + place.name() + " has other versions than were acknowledged");
  }

  std::vector<ObjectInfo> versions_of(Store& store, const Place& place) {
    std::vector<ObjectInfo> all;
    std::string key, id;
    for (bool more = true; more;) {
      VersionListing page =
          store.list_versions(grant_, bucket_names[place.bucket], place.name(), "", key, id, 1 + dice_() % 5);
      for (ObjectInfo& info : page.versions)
        if (info.key == place.name()) all.push_back(std::move(info));
      more = page.truncated;
      key = page.next_key;
      id = page.next_version_id;
    }
    return all;
  }

  bool matches(Store& store, const Place& place, const std::vector<ObjectInfo>& found, const Versions& wanted) {
    if (found.size() != wanted.size()) return false;
    for (std::size_t i = 0; i < found.size(); i++) {
      const Version& version = wanted[i];
      if (found[i].version_id != version.id || found[i].delete_marker != version.delete_marker ||
          found[i].latest != (i == 0) || !body_is(store, place, version, version.id))
        return false;
    }
    return wanted.empty() ? !store.head(grant_, bucket_names[place.bucket], place.name())
                          : body_is(store, place, wanted.front(), "");
  }

  bool body_is(Store& store, const Place& place, const Version& version, std::string_view id) {
    auto reader = store.open(grant_, bucket_names[place.bucket], place.name(), id);
    if (version.delete_marker || !reader) return version.delete_marker == !reader;
    if (version.locked != reader->info().headers.retention.has_value()) return false;
    std::string got(version.size_bytes + 1, '\0');
    got.resize(reader->read_at(0, got.data(), got.size()));
    return got == version.body();
  }

  Options options_;
  std::mt19937_64 dice_;
  Model model_;                    // what was acknowledged
  std::map<Place, Message> open_;  // what was begun and not acknowledged
  Grant grant_ = govern::Authority().internal(Access::read);
  uint64_t rounds_ = 0, acknowledged_ = 0, cut_off_ = 0, verified_size_bytes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--seed") {
      options.seed = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--seconds") {
      options.seconds = std::atof(argv[i + 1]);
    } else if (name == "--threads") {
      options.threads = std::atoi(argv[i + 1]);
    } else if (name == "--folder") {
      options.folder = argv[i + 1];
    } else {
      std::fprintf(stderr, "unknown option: %s\n", argv[i]);
      return 2;
    }
  }
  return Parent(options).run();
}
