// Kills the object store at random moments and looks whether anything acknowledged was lost.
//
//   store_stress [--seed N] [--seconds S] [--threads N] [--folder DIR] [--mode kill|failing|full|slow|torn]
//                [--store s3://bucket/prefix --store-endpoint URL]
//
// With --store, large bodies are kept on that S3 (keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), under a prefix that
// nobody else uses.
//
// kill: a child process opens the store and does random operations on several threads. Before each it tells through a
// pipe what it is about to do, after each that it is done. At a random moment it gets a SIGKILL. Then every record and
// every byte is checked (verify_local), and every key is compared with the model that was kept of the pipe: what was
// acknowledged must be there, what was not may be there or not, but whole. So it goes on, round after round, in the
// same folder.
//
// failing: the same, but now and then, for some milliseconds, all writes behind a place in a file fail (RLIMIT_FSIZE).
// What an operation that failed would have changed must not be seen, not even by the process that goes on.
//
// full: the same folder on a small disk of its own (a tmpfs; needs root, else it says so and passes) that is filled up
// and emptied again while the operations go on; an operation may then fail, and must have changed nothing, and all must
// work once there is space.
//
// slow: as kill, on a disk whose flushes and writes take a while (disk_faults.hpp).
//
// torn: as kill, and after two rounds of three the power is cut: what was written and not flushed may be there, be cut
// off or hold nonsense, in pages.
//
// Each thread has keys of its own, so that at most one operation on a key is open when the kill comes. The operations
// follow from the seed (the moment of the kill does not).
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "govern/authority.hpp"
#include "store/remote.hpp"
#include "store/store.hpp"
#include "store/test_keeper.hpp"
#include "store/verify.hpp"

#include "disk_faults.hpp"

namespace {

using namespace tarn;
using namespace tarn::store;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* bucket_name = "stress";
constexpr int keys_per_thread = 12;
constexpr uint64_t part_size_bytes = limits::min_part_size_bytes;

struct Options {
  uint64_t seed = 1;
  double seconds = 20;
  int threads = 8;
  std::string folder = "/tmp/tarn-store-stress";
  std::string mode = "kill";
  RemoteBodies remote;
};

// A small generator, so that the same seed makes the same operations everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 0x2545F4914F6CDD1Dull) {}
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }
  uint64_t below(uint64_t limit) { return next() % limit; }

 private:
  uint64_t state_;
};

// Bodies are made from a number, and can be made again from any place on.
std::string body_of(uint64_t seed, uint64_t size_bytes) {
  std::string out(size_bytes, '\0');
  for (uint64_t at = 0; at < size_bytes; at += 8) {
    uint64_t word = (seed + at) * 0x9E3779B97F4A7C15ull;
    word ^= word >> 29;
    std::memcpy(out.data() + at, &word, std::min<uint64_t>(8, size_bytes - at));
  }
  return out;
}

// What a key may hold: a body made of pieces, or nothing.
struct Piece {
  uint64_t seed = 0, size_bytes = 0;
  bool operator==(const Piece&) const = default;
};
struct Content {
  uint64_t count = 0;  // of pieces; 0: no object
  std::array<Piece, 4> pieces{};
  uint64_t tag = 0;  // stored as a tag of the object, so that changes of the record alone are seen
  bool operator==(const Content&) const = default;

  std::string body() const {
    std::string out;
    for (uint64_t i = 0; i < count; i++) out += body_of(pieces[i].seed, pieces[i].size_bytes);
    return out;
  }
};

// What goes through the pipe. Smaller than PIPE_BUF, so it arrives whole or not at all.
struct Message {
  enum Kind : uint64_t { begin, done, failed } kind;
  uint64_t thread, key;
  Content content;  // what the key holds when the operation is done
};
static_assert(sizeof(Message) <= 512);

std::string key_name(uint64_t thread, uint64_t key) {
  // Some under common prefixes, some not, so that listings have both.
  return (key % 3 == 0   ? "flat-"
          : key % 3 == 1 ? "deep/a/"
                         : "deep/b/c/") +
         std::to_string(thread) + "-" + std::to_string(key);
}

[[noreturn]] void lost(const std::string& what) {
  std::printf("FAILED: %s\n", what.c_str());
  std::fflush(stdout);
  std::_Exit(1);  // other threads go on meanwhile
}

// ---- the child

class Worker {
 public:
  Worker(Store& store, int pipe, uint64_t thread, uint64_t seed, bool may_fail, std::map<uint64_t, Content> present)
      : store_(store), pipe_(pipe), thread_(thread), dice_(seed), may_fail_(may_fail), present_(std::move(present)) {}

  // Until killed, or until `stop`.
  void run(const std::atomic<bool>& stop) {
    abort_left_over_uploads();
    while (!stop) step();
    try_to_the_end();
  }

 private:
  void send(Message::Kind kind, uint64_t key, const Content& content) {
    Message message{kind, thread_, key, content};
    if (::write(pipe_, &message, sizeof message) != sizeof message) std::_Exit(3);
  }

  // Tells the parent before and after, and keeps `present_` true.
  void change(uint64_t key, const Content& after, const std::function<void(const std::string& key)>& work) {
    send(Message::begin, key, after);
    try {
      work(key_name(thread_, key));
    } catch (const Error& error) {
      if (error.code() != "InternalError" || !may_fail_) throw;
      send(Message::failed, key, present_[key]);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return;
    }
    present_[key] = after;
    send(Message::done, key, after);
  }

  // When nothing fails any more, all must work again.
  void try_to_the_end() {
    auto writer = store_.write(grant_, bucket_name, "last-" + std::to_string(thread_), {});
    writer->append("x");
    writer->finish({});
    store_.erase(grant_, bucket_name, "last-" + std::to_string(thread_));
  }

  void step() {
    uint64_t key = dice_.below(keys_per_thread);
    uint64_t kind = dice_.below(100);
    if (kind < 45) {
      put(key);
    } else if (kind < 57) {
      erase(key);
    } else if (kind < 69) {
      copy(key);
    } else if (kind < 75) {
      tag(key);
    } else if (kind < 85) {
      upload(key);
    } else if (kind < 87) {
      abandon_upload(key);
    } else if (kind < 95) {
      read(key);
    } else {
      list();
    }
  }

  static ObjectHeaders headers_of(uint64_t tag) {
    ObjectHeaders headers;
    headers.tags["tag"] = std::to_string(tag);
    return headers;
  }

  uint64_t random_size() {
    switch (dice_.below(8)) {
      case 0:
        return 0;
      case 1:
        return limits::max_inline_object_size_bytes + dice_.below(3) - 1;
      case 2:
        return dice_.below(2'000'000);
      case 3:
        return dice_.below(200'000);
      default:
        return dice_.below(8'000);
    }
  }

  void put(uint64_t key) {
    Content after{1, {Piece{dice_.next(), random_size()}}, dice_.next()};
    std::string body = after.body();
    change(key, after, [&](const std::string& name) {
      auto writer = store_.write(grant_, bucket_name, name, headers_of(after.tag));
      for (std::size_t at = 0; at < body.size(); at += 60'000)
        writer->append(std::string_view(body).substr(at, 60'000));
      writer->finish({});
    });
  }

  void erase(uint64_t key) {
    if (dice_.below(4) == 0) {
      change(key, {}, [&](const std::string& name) {
        std::vector<Erasure> erasures{{name, {}, {}, {}}, {"never-there", {}, {}, {}}};
        store_.erase_all(grant_, bucket_name, erasures);
      });
    } else {
      change(key, {}, [&](const std::string& name) { store_.erase(grant_, bucket_name, name); });
    }
  }

  void copy(uint64_t key) {
    uint64_t from = dice_.below(keys_per_thread);
    Content after = present_[from];
    if (after.count == 0) return;
    after.tag = dice_.next();
    change(key, after, [&](const std::string& name) {
      store_.copy(grant_, bucket_name, key_name(thread_, from), grant_, bucket_name, name, headers_of(after.tag));
    });
  }

  void tag(uint64_t key) {
    Content after = present_[key];
    if (after.count == 0) return;
    after.tag = dice_.next();
    change(key, after, [&](const std::string& name) {
      store_.change_object(grant_, bucket_name, name, "",
                           [&](ObjectInfo& info) { info.headers.tags = headers_of(after.tag).tags; });
    });
  }

  CompletedPart put_part(const std::string& name, const std::string& id, int number, const Piece& piece) {
    auto writer = store_.write_part(grant_, bucket_name, name, id, number);
    writer->append(body_of(piece.seed, piece.size_bytes));
    return {number, writer->finish({}).etag, {}};
  }

  // One small part, or a copied object (where it is large enough) and a small part behind it.
  void upload(uint64_t key) {
    uint64_t from = dice_.below(keys_per_thread);
    const Content& source = present_[from];
    uint64_t source_size = 0;
    for (uint64_t i = 0; i < source.count; i++) source_size += source.pieces[i].size_bytes;
    bool with_copy = source.count > 0 && source.count < 4 && source_size >= part_size_bytes;
    Content after = with_copy ? source : Content{};
    uint64_t size = !with_copy && dice_.below(6) == 0 ? part_size_bytes : random_size();
    after.pieces[after.count++] = {dice_.next(), size};
    after.tag = dice_.next();
    change(key, after, [&](const std::string& name) {
      std::string id = store_.create_upload(grant_, bucket_name, name, headers_of(after.tag), "", "").upload_id;
      std::vector<CompletedPart> parts;
      if (with_copy) {
        PartInfo part = store_.copy_part(grant_, bucket_name, key_name(thread_, from), 0, source_size, grant_,
                                         bucket_name, name, id, 1);
        parts.push_back({1, part.etag, {}});
      }
      put_part(name, id, 3, {1, 40'000});  // will be replaced
      put_part(name, id, 4, {1, 40'000});  // will be left out
      parts.push_back(put_part(name, id, 3, after.pieces[after.count - 1]));
      store_.complete_upload(grant_, bucket_name, name, id, parts, {});
    });
  }

  void abandon_upload(uint64_t key) {
    change(key, present_[key], [&](const std::string& name) {
      std::string id = store_.create_upload(grant_, bucket_name, name, {}, "", "").upload_id;
      put_part(name, id, 1, {dice_.next(), random_size()});
      if (dice_.below(2) == 0) store_.abort_upload(grant_, bucket_name, name, id);
    });
  }

  void abort_left_over_uploads() {
    for (uint64_t key = 0; key < keys_per_thread; key++) {
      for (const UploadInfo& upload :
           store_.list_uploads(grant_, bucket_name, key_name(thread_, key), "", "", 10'000)) {
        if (upload.key != key_name(thread_, key)) continue;
        try {
          store_.abort_upload(grant_, bucket_name, upload.key, upload.upload_id);
        } catch (const Error& error) {
          if (error.code() != "InternalError" || !may_fail_) throw;
        }
      }
    }
  }

  void read(uint64_t key) {
    auto reader = store_.open(grant_, bucket_name, key_name(thread_, key));
    const Content& expected = present_[key];
    if ((reader != nullptr) != (expected.count > 0)) lost(key_name(thread_, key) + " is not as it was written");
    if (!reader) return;
    std::string body = expected.body(), got(body.size() + 1, '\0');
    got.resize(reader->read_at(0, got.data(), got.size()));
    if (got != body) lost(key_name(thread_, key) + " reads other bytes than were written");
  }

  void list() {
    std::set<std::string> wanted, got;
    for (const auto& [key, content] : present_) {
      if (content.count > 0) wanted.insert(key_name(thread_, key));
    }
    const std::string mine = std::to_string(thread_) + "-";
    std::string after;
    for (bool more = true; more;) {
      Listing page = store_.list(grant_, bucket_name, "", "", after, 50);
      for (const ObjectInfo& object : page.objects) {
        for (const char* prefix : {"flat-", "deep/a/", "deep/b/c/"}) {
          if (object.key.starts_with(prefix + mine)) got.insert(object.key);
        }
      }
      more = page.truncated;
      after = page.next;
    }
    if (got != wanted) lost("a listing lacks a key, or has one that was deleted");
  }

  Store& store_;
  int pipe_;
  uint64_t thread_;
  Dice dice_;
  bool may_fail_;
  std::map<uint64_t, Content> present_;
  Grant grant_ = govern::Authority().internal(Access::write);
};

// Lets writes fail, now and then, until stopped.
void make_writes_fail(std::stop_token stop, uint64_t seed) {
  Dice dice(seed);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t all = limit.rlim_cur;
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(dice.below(60)));
    limit.rlim_cur = dice.below(2) == 0 ? dice.below(4096) : dice.below(2'000'000);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::this_thread::sleep_for(std::chrono::milliseconds(dice.below(30)));
    limit.rlim_cur = all;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
}

using Model = std::map<std::pair<uint64_t, uint64_t>, Content>;  // by thread and key

[[noreturn]] void child(const Options& options, int pipe, uint64_t round, const Model& model) {
  SystemClock clock;
  SystemRandom random;
  TestKeeper keeper;
  try {
    auto store =
        open_store(options.folder, clock, random, Durability::flushed, &keeper, AtRest::encrypted, options.remote);
    if (!store->find_bucket(bucket_name))
      store->create_bucket({bucket_name, "000000000000", "us-east-1", clock.now(), {}});
    std::atomic<bool> stop = false;
    const bool failing = options.mode == "failing";
    ::signal(SIGXFSZ, SIG_IGN);
    std::jthread failures;
    if (failing) {
      failures = std::jthread([&](std::stop_token no_more) { make_writes_fail(no_more, options.seed + round); });
    }
    std::vector<std::jthread> threads;
    for (int i = 0; i < options.threads; i++) {
      std::map<uint64_t, Content> present;
      for (const auto& [at, content] : model) {
        if (at.first == static_cast<uint64_t>(i)) present[at.second] = content;
      }
      threads.emplace_back([&, i, present] {
        try {
          Worker(*store, pipe, static_cast<uint64_t>(i),
                 options.seed * 1'000'003 + round * 1009 + static_cast<uint64_t>(i), failing, present)
              .run(stop);
        } catch (const Error& error) {
          lost("an operation failed: " + error.code() + ": " + error.message());
        }
      });
    }
    // Every fourth round ends by itself, so that clean closing is tried too.
    if (round % 4 == 3) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      if (failing) {
        failures.request_stop();
        failures.join();
      }
      stop = true;
    }
    threads.clear();
    store.reset();
  } catch (const Error& error) {
    lost("the store can't be opened: " + error.code() + ": " + error.message());
  }
  std::_Exit(0);
}

// ---- the parent

class Parent {
 public:
  explicit Parent(Options options) : options_(std::move(options)) {}

  int run() {
    std::filesystem::remove_all(options_.folder);
    if (options_.mode == "slow") stress::slow_the_disk();
    if (options_.mode == "torn") stress::note_flushes(options_.folder + ".flushed");
    auto end = SteadyClock::now() + std::chrono::duration<double>(options_.seconds);
    Dice dice(options_.seed);
    uint64_t round = 0;
    for (; SteadyClock::now() < end; round++) {
      play(round, dice);
      if (options_.mode == "torn" && round % 3 != 1) torn_ += stress::cut_the_power(options_.folder, dice.next());
      compare();
    }
    std::printf(
        "passed: seed %llu, %llu rounds, %llu kills, %llu operations acknowledged, %llu cut off, %llu refused, %llu "
        "files "
        "torn, %.1f MB verified\n",
        static_cast<unsigned long long>(options_.seed), static_cast<unsigned long long>(round),
        static_cast<unsigned long long>(kills_), static_cast<unsigned long long>(acknowledged_),
        static_cast<unsigned long long>(cut_off_), static_cast<unsigned long long>(refused_),
        static_cast<unsigned long long>(torn_), static_cast<double>(verified_size_bytes_) / 1e6);
    std::filesystem::remove_all(options_.folder);
    return 0;
  }

 private:
  // One child, from its start to its end.
  void play(uint64_t round, Dice& dice) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) lost("no pipe");
    std::fflush(stdout);
    pid_t pid = ::fork();
    if (pid < 0) lost("no process");
    if (pid == 0) {
      ::close(ends[0]);
      child(options_, ends[1], round, model_);
    }
    ::close(ends[1]);
    // The time runs from the first operation on: a slow machine would only ever have its openings killed. One in eight
    // is, though.
    std::jthread killer;
    const bool kill = round % 4 != 3;
    auto kill_after = [&killer, pid](uint64_t delay_us) {
      killer = std::jthread([pid, delay_us] {
        std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
        ::kill(pid, SIGKILL);
      });
    };
    const uint64_t delay_us = 1'000 + dice.below(400'000);
    const bool at_once = round % 8 == 6;
    if (kill && at_once) kill_after(delay_us / 4);
    Message message;
    while (read_message(ends[0], message)) {
      if (kill && !killer.joinable()) kill_after(delay_us);
      take(message);
    }
    ::close(ends[0]);
    if (killer.joinable()) killer.join();
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && kill) {
      kills_++;
    } else if (status != 0) {
      lost("the child ended with status " + std::to_string(status));
    }
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
    std::pair<uint64_t, uint64_t> at{message.thread, message.key};
    switch (message.kind) {
      case Message::begin:
        open_[at].push_back(message.content);
        break;
      case Message::done:
        model_[at] = message.content;
        open_.erase(at);
        acknowledged_++;
        break;
      case Message::failed:  // stays open: a kill before the index has recovered may bring it back
        refused_++;
        break;
    }
  }

  static bool holds(ObjectReader* reader, const Content& content) {
    if (!reader || content.count == 0) return !reader && content.count == 0;
    auto tag = reader->info().headers.tags.find("tag");
    if (tag == reader->info().headers.tags.end() || tag->second != std::to_string(content.tag)) return false;
    std::string body = content.body(), got(body.size() + 1, '\0');
    got.resize(reader->read_at(0, got.data(), got.size()));
    return got == body && reader->info().size_bytes == body.size();
  }

  // In a process of its own too: threads that the index keeps would not survive the next fork.
  void compare() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) lost("no pipe");
    std::fflush(stdout);
    pid_t pid = ::fork();
    if (pid < 0) lost("no process");
    if (pid == 0) {
      ::close(ends[0]);
      try {
        look(ends[1]);
      } catch (const Error& error) {
        lost("the store can't be checked: " + error.code() + ": " + error.message());
      }
      std::_Exit(0);
    }
    ::close(ends[1]);
    Message message;
    while (read_message(ends[0], message)) {
      if (message.kind == Message::done) {
        model_[{message.thread, message.key}] = message.content;
      } else {
        verified_size_bytes_ += message.key;
      }
    }
    ::close(ends[0]);
    open_.clear();
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) std::exit(1);
  }

  // Checks all; tells through the pipe which operations that were cut off took place.
  void look(int pipe) {
    Verification verification;
    try {
      verification = verify_local(options_.folder, options_.remote);
    } catch (const Error& error) {
      if (error.code() != "InvalidDataFolder" || !model_.empty()) throw;  // killed before the store was made
    }
    for (const std::string& problem : verification.problems) std::printf("%s\n", problem.c_str());
    if (!verification.problems.empty()) lost(std::to_string(verification.problems.size()) + " problems in the store");
    Message verified{Message::begin, 0, verification.checked_size_bytes, {}};
    if (::write(pipe, &verified, sizeof verified) != sizeof verified) lost("no pipe");

    SystemClock clock;
    SystemRandom random;
    TestKeeper keeper;
    auto store =
        open_store(options_.folder, clock, random, Durability::flushed, &keeper, AtRest::encrypted, options_.remote);
    if (!store->find_bucket(bucket_name)) return;
    Grant grant = govern::Authority().internal(Access::read);
    uint64_t objects = 0;
    for (uint64_t thread = 0; thread < static_cast<uint64_t>(options_.threads); thread++) {
      for (uint64_t key = 0; key < keys_per_thread; key++) {
        std::pair at{thread, key};
        auto reader = store->open(grant, bucket_name, key_name(thread, key));
        objects += reader != nullptr;
        for (const Content& possible : open_[at]) {
          if (!holds(reader.get(), possible)) continue;
          model_[at] = possible;
          Message message{Message::done, thread, key, possible};
          if (::write(pipe, &message, sizeof message) != sizeof message) lost("no pipe");
        }
        if (!holds(reader.get(), model_[at])) lost(key_name(thread, key) + " is not what was acknowledged");
      }
    }
    StoreStatistics statistics = store->statistics();
    if (statistics.objects != objects) {
      lost("the statistics tell " + std::to_string(statistics.objects) + " objects, there are " +
           std::to_string(objects));
    }
  }

  Options options_;
  Model model_;                                                         // what was acknowledged
  std::map<std::pair<uint64_t, uint64_t>, std::vector<Content>> open_;  // what was begun and not acknowledged
  uint64_t kills_ = 0, acknowledged_ = 0, cut_off_ = 0, refused_ = 0, torn_ = 0, verified_size_bytes_ = 0;
};

// ---- a full disk

// Fills the disk of `folder` but for `left_size_bytes`, until destroyed.
class Ballast {
 public:
  Ballast(std::string path, uint64_t left_size_bytes) : path_(std::move(path)) {
    auto space = std::filesystem::space(std::filesystem::path(path_).parent_path());
    int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || (space.available > left_size_bytes &&
                   ::posix_fallocate(fd, 0, static_cast<off_t>(space.available - left_size_bytes)) != 0)) {
      lost("the disk can't be filled");
    }
    ::close(fd);
  }
  ~Ballast() { std::filesystem::remove(path_); }

 private:
  std::string path_;
};

// One round on a disk that is now full, now not, without kills: whatever fails must have changed nothing.
class FullDisk {
 public:
  explicit FullDisk(const Options& options) : options_(options), disk_(options.folder + "-disk") {}

  int run() {
    std::filesystem::create_directories(disk_);
    if (::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=256m") != 0) {
      std::printf("skipped: a small disk can't be mounted here (%s); run it as root\n", std::strerror(errno));
      return 0;
    }
    Options options = options_;
    options.folder = disk_ + "/store";
    std::filesystem::create_directories(options.folder);
    int status = 1;
    if (pid_t pid = ::fork(); pid == 0) {
      std::_Exit(play(options));
    } else {
      ::waitpid(pid, &status, 0);
    }
    ::umount2(disk_.c_str(), MNT_DETACH);
    std::filesystem::remove(disk_);
    return status == 0 ? 0 : 1;
  }

 private:
  int play(const Options& options) {
    SystemClock clock;
    SystemRandom random;
    TestKeeper keeper;
    Grant grant = govern::Authority().internal(Access::write);
    auto end = SteadyClock::now() + std::chrono::duration<double>(options.seconds);
    Dice dice(options.seed);
    uint64_t rounds = 0, done = 0, refused = 0, erased_while_full = 0;
    std::map<std::string, Content> model;
    auto store = open_local(options.folder, clock, random, Durability::flushed, &keeper);
    store->create_bucket({bucket_name, "000000000000", "us-east-1", clock.now(), {}});
    auto put = [&](const std::string& key, uint64_t size) {
      Content content{1, {Piece{dice.next(), size}}, 0};
      try {
        auto writer = store->write(grant, bucket_name, key, {});
        writer->append(content.body());
        writer->finish({});
        model[key] = content;
        done++;
        return true;
      } catch (const Error& error) {
        if (error.code() != "ServiceUnavailable")
          lost("a write to a full disk failed with " + error.code() + ": " + error.message());
        refused++;
        return false;
      }
    };
    auto erase = [&](const std::string& key) {
      try {
        store->erase(grant, bucket_name, key);
        model.erase(key);
        return true;
      } catch (const Error& error) {
        if (error.code() != "ServiceUnavailable")
          lost("deleting on a full disk failed with " + error.code() + ": " + error.message());
        return false;
      }
    };
    for (; SteadyClock::now() < end; rounds++) {
      for (int i = 0; i < 40; i++)
        put("k" + std::to_string(dice.below(30)), dice.below(2) ? dice.below(8000) : dice.below(3'000'000));
      {
        // With some space left writes are refused, and deleting still works; with none at all nothing does, or all.
        uint64_t left = dice.below(2) == 0 ? limits::reserved_disk_space_bytes / 2 : dice.below(100'000);
        Ballast ballast(disk_ + "/ballast", left);
        for (int i = 0; i < 10; i++) {
          if (put("k" + std::to_string(dice.below(30)), dice.below(100'000)))
            lost("a write went into the space that is kept free");
        }
        for (int i = 0; i < 10 && !model.empty(); i++) {
          std::string key = model.begin()->first;
          bool erased = erase(key);
          if (!erased && left >= limits::reserved_disk_space_bytes / 2)
            lost("deleting needs more space than is kept free");
          erased_while_full += erased;
        }
      }
      if (!put("again", 1000)) lost("writes are still refused though there is space");
      if (rounds % 3 == 2) {
        store.reset();
        Verification verification = verify_local(options.folder);
        for (const std::string& problem : verification.problems) std::printf("%s\n", problem.c_str());
        if (!verification.problems.empty()) lost("the store has problems after a full disk");
        store = open_local(options.folder, clock, random, Durability::flushed, &keeper);
      }
      for (const auto& [key, content] : model) {
        auto reader = store->open(grant, bucket_name, key);
        std::string body = content.body(), got(body.size() + 1, '\0');
        if (reader) got.resize(reader->read_at(0, got.data(), got.size()));
        if (!reader || got != body) lost(key + " is not what was acknowledged");
      }
      if (store->statistics().objects != model.size()) lost("there are other objects than were acknowledged");
      while (model.size() > 20) erase(model.begin()->first);
    }
    store.reset();
    std::printf(
        "passed: full disk, seed %llu, %llu times full, %llu writes acknowledged, %llu refused, %llu deletions while "
        "full\n",
        static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(rounds),
        static_cast<unsigned long long>(done), static_cast<unsigned long long>(refused),
        static_cast<unsigned long long>(erased_while_full));
    std::fflush(stdout);
    return 0;
  }

  Options options_;
  std::string disk_;
};

Options parse(int argc, char** argv) {
  Options options;
  options.seed = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) % 1'000'000;
  options.folder += "-" + std::to_string(::getpid());
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string name = argv[i], value = argv[i + 1];
    if (name == "--seed") {
      options.seed = std::stoull(value);
    } else if (name == "--seconds") {
      options.seconds = std::stod(value);
    } else if (name == "--threads") {
      options.threads = std::stoi(value);
    } else if (name == "--folder") {
      options.folder = value;
    } else if (name == "--mode") {
      options.mode = value;
    } else if (name == "--store") {
      options.remote.url = value;
    } else if (name == "--store-endpoint") {
      options.remote.endpoint = value;
    } else {
      std::fprintf(stderr, "unknown option %s\n", name.c_str());
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Options options = parse(argc, argv);
  auto variable = [](const char* name) { return std::string(std::getenv(name) ? std::getenv(name) : ""); };
  options.remote.credentials = {variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), ""};
  std::printf("store_stress --seed %llu --mode %s in %s\n", static_cast<unsigned long long>(options.seed),
              options.mode.c_str(), options.folder.c_str());
  std::fflush(stdout);
  return options.mode == "full" ? FullDisk(options).run() : Parent(options).run();
}
