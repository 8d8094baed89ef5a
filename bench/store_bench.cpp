// Rates of the object store alone, without HTTP: flushed PUT, GET, HEAD, LIST and DELETE, by several threads.
//
//   store_bench FOLDER [--size BYTES] [--threads N] [--seconds S] [--objects N] [--durability flushed|none]
//   [--encryption on|none] WORK...
//
// WORK is any of: open put get head list list-folders delete copy. `list` and `list-folders` fill a bucket with
// --objects keys first. Each prints one line: work, threads, size, operations a second, median and 99th percentile in
// microseconds, MB/s, CPU microseconds and resident MB. FOLDER is used as it is: name an empty one for a fresh store.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

#include "base/error.hpp"
#include "govern/authority.hpp"
#include "store/store.hpp"
#include "store/test_keeper.hpp"

namespace {

using namespace tarn;
using namespace tarn::store;
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string folder;
  std::size_t size_bytes = 4096;
  int threads = 1;
  double seconds = 3;
  uint64_t objects = 100'000;
  Durability durability = Durability::flushed;
  bool encrypted = true;
  std::vector<std::string> work;
};

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  long total = 0, resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / 1e6;
}

struct Bench {
  Options options;
  SystemClock clock;
  SystemRandom random;
  TestKeeper keeper;
  govern::Authority authority;
  Grant grant = authority.internal(Access::write);
  std::unique_ptr<Store> store;
  std::string body;
  std::atomic<uint64_t> next = 0;

  static std::string key_of(uint64_t i) {
    char text[40];
    std::snprintf(text, sizeof text, "data/part-%010llu.csv", static_cast<unsigned long long>(i));
    return text;
  }

  void put(const std::string& key) {
    auto writer = store->write(grant, "bench", key, {});
    for (std::size_t at = 0; at < body.size(); at += 256 << 10)
      writer->append(std::string_view(body).substr(at, 256 << 10));
    writer->finish({});
  }

  // Runs `step` on all threads until the time is over (or `count` steps are done), and prints what it gave.
  void run(const std::string& name, const std::function<void(uint64_t)>& step, uint64_t count = UINT64_MAX) {
    std::atomic<uint64_t> issued = 0;
    std::vector<std::vector<float>> latencies_us(static_cast<std::size_t>(options.threads));
    double cpu = cpu_seconds();
    auto start = SteadyClock::now();
    auto end = start + std::chrono::duration<double>(options.seconds);
    std::vector<std::jthread> threads;
    for (auto& mine : latencies_us) {
      threads.emplace_back([&] {
        for (auto at = SteadyClock::now(); count != UINT64_MAX || at < end;) {
          uint64_t i = issued++;
          if (i >= count) break;
          step(i);
          auto now = SteadyClock::now();
          mine.push_back(std::chrono::duration<float, std::micro>(now - at).count());
          at = now;
        }
      });
    }
    threads.clear();
    double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    cpu = cpu_seconds() - cpu;
    std::vector<float> all;
    for (auto& mine : latencies_us) all.insert(all.end(), mine.begin(), mine.end());
    std::sort(all.begin(), all.end());
    double n = static_cast<double>(all.size());
    std::printf(
        "%-13s threads %3d size %9zu  %9.0f/s  p50 %8.1f us  p99 %8.1f us  %7.1f MB/s  cpu %7.1f us  rss %4.0f MB\n",
        name.c_str(), options.threads, options.size_bytes, n / seconds, all[all.size() / 2], all[all.size() * 99 / 100],
        n * static_cast<double>(options.size_bytes) / seconds / 1e6, cpu / n * 1e6, resident_mb());
    std::fflush(stdout);
  }

  void fill(uint64_t objects) {
    if (store->statistics().objects >= objects) return;
    uint64_t done = 0;
    std::vector<std::jthread> threads;
    std::atomic<uint64_t> at = store->statistics().objects;
    for (int i = 0; i < 16; i++) {
      threads.emplace_back([&] {
        for (uint64_t k; (k = at++) < objects;) put(key_of(k));
      });
    }
    threads.clear();
    static_cast<void>(done);
  }

  void list(const std::string& name, const std::string& prefix, const std::string& delimiter) {
    // 10,000 keys in pages of 1,000, from ever other places.
    uint64_t pages = std::max<uint64_t>(store->statistics().objects / 10'000, 1);
    run(name, [&](uint64_t i) {
      std::string after = key_of(i % pages * 10'000);
      std::size_t got = 0;
      for (int page = 0; page < 10; page++) {
        Listing listing = store->list(grant, "bench", prefix, delimiter, after, 1000);
        got += listing.objects.size() + listing.prefixes.size();
        if (!listing.truncated) break;
        after = listing.next;
      }
      if (got == 0) std::abort();
    });
  }

  void work(const std::string& name) {
    uint64_t present = std::max<uint64_t>(store->statistics().objects, 1);
    if (name == "put") {
      run(name, [&](uint64_t) { put(key_of(next++)); });
    } else if (name == "get") {
      run(name, [&](uint64_t i) {
        thread_local std::string buffer(256 << 10, '\0');
        auto reader = store->open(grant, "bench", key_of(i * 7919 % present));
        while (reader->read(buffer.data(), buffer.size()) > 0) continue;
      });
    } else if (name == "head") {
      run(name, [&](uint64_t i) {
        if (!store->head(grant, "bench", key_of(i * 7919 % present))) std::abort();
      });
    } else if (name == "copy") {
      run(name, [&](uint64_t i) {
        store->copy(grant, "bench", key_of(i % present), grant, "bench", "copy/" + std::to_string(i), {});
      });
    } else if (name == "delete") {
      run(
          name, [&](uint64_t i) { store->erase(grant, "bench", key_of(i)); }, present);
    } else if (name == "list") {
      fill(options.objects);
      list(name, "data/", "");
    } else if (name == "list-folders") {
      fill(options.objects);
      list(name, "", "/");
    } else {
      std::fprintf(stderr, "unknown work: %s\n", name.c_str());
      std::exit(2);
    }
  }
};

Options parse(int argc, char** argv) {
  Options options;
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: store_bench FOLDER [--size BYTES] [--threads N] [--seconds S] [--objects N] [--durability "
                 "flushed|none] [--encryption on|none] WORK...\n");
    std::exit(2);
  }
  options.folder = argv[1];
  for (int i = 2; i < argc; i++) {
    auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0 && i + 1 < argc; };
    if (is("--size")) {
      options.size_bytes = std::strtoull(argv[++i], nullptr, 10);
    } else if (is("--threads")) {
      options.threads = std::atoi(argv[++i]);
    } else if (is("--seconds")) {
      options.seconds = std::atof(argv[++i]);
    } else if (is("--objects")) {
      options.objects = std::strtoull(argv[++i], nullptr, 10);
    } else if (is("--durability")) {
      options.durability = std::strcmp(argv[++i], "none") == 0 ? Durability::none : Durability::flushed;
    } else if (is("--encryption")) {
      options.encrypted = std::strcmp(argv[++i], "none") != 0;
    } else {
      options.work.push_back(argv[i]);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Bench bench;
  bench.options = parse(argc, argv);
  try {
    auto start = SteadyClock::now();
    bench.store = open_local(bench.options.folder, bench.clock, bench.random, bench.options.durability,
                             bench.options.encrypted ? &bench.keeper : nullptr);
    std::printf("%-13s %.1f ms  rss %.0f MB\n", "open",
                std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count(), resident_mb());
    if (!bench.store->find_bucket("bench"))
      bench.store->create_bucket({"bench", "000000000000", "us-east-1", bench.clock.now(), {}});
    bench.next = bench.store->statistics().objects;
    bench.body = bench.random.bytes(bench.options.size_bytes);
    for (const std::string& name : bench.options.work) bench.work(name);
    start = SteadyClock::now();
    bench.store.reset();
    std::printf("%-13s %.1f ms\n", "close",
                std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", error.code().c_str(), error.what());
    return 1;
  }
}
