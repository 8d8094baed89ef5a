#include "disk_faults.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace tarn::stress {
namespace {

std::atomic<bool> slow = false;
std::atomic<int> log_fd = -1;
std::string log_path;

struct Flush {
  uint64_t inode, size_bytes;
};

void wait_a_while(unsigned percent, unsigned most_ms) {
  thread_local std::minstd_rand dice(static_cast<unsigned>(std::hash<std::thread::id>()(std::this_thread::get_id()) ^
                                                           static_cast<unsigned>(::getpid())));
  if (dice() % 100 < percent) std::this_thread::sleep_for(std::chrono::microseconds(dice() % (most_ms * 1000)));
}

void note(const struct stat& file) {
  const Flush flush{file.st_ino, static_cast<uint64_t>(file.st_size)};
  if (::syscall(SYS_write, log_fd.load(), &flush, sizeof flush) != sizeof flush) std::abort();
}

// What was there before the flush began is on disk when it ends.
template <class F>
int flush_file(int fd, F flush) {
  if (slow) wait_a_while(90, 25);
  struct stat file {};
  const bool noted = log_fd >= 0 && ::fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
  const int result = flush(fd);
  if (noted && result == 0) note(file);
  return result;
}

using Function = int (*)(int);
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

void tear(const std::filesystem::path& path, uint64_t from, uint64_t to, std::mt19937_64& dice) {
  constexpr uint64_t page_bytes = 4096;
  if (dice() % 2 == 0) {
    std::filesystem::resize_file(path, from + dice() % (to - from + 1));
    return;
  }
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  std::string page(page_bytes, '\0');
  const bool nonsense = dice() % 2 == 0;
  for (uint64_t at = from; at < to; at = (at / page_bytes + 1) * page_bytes) {
    if (dice() % 2 == 0) continue;
    for (char& c : page) c = nonsense ? static_cast<char>(dice()) : '\0';
    const uint64_t size = std::min((at / page_bytes + 1) * page_bytes, to) - at;
    if (::pwrite(fd, page.data(), size, static_cast<off_t>(at)) < 0) std::abort();
  }
  ::close(fd);
}

}  // namespace

void slow_the_disk() {
  slow = true;
}

void note_flushes(const std::string& log) {
  log_path = log;
  ::unlink(log.c_str());
  log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) std::abort();
}

uint64_t cut_the_power(const std::string& folder, uint64_t seed) {
  std::map<uint64_t, uint64_t> flushed;
  {
    const int fd = ::open(log_path.c_str(), O_RDONLY | O_CLOEXEC);
    std::vector<Flush> page(4096);
    ssize_t n = 0;
    while ((n = ::read(fd, page.data(), page.size() * sizeof(Flush))) > 0)
      for (std::size_t i = 0; i < static_cast<std::size_t>(n) / sizeof(Flush); i++)
        flushed[page[i].inode] = page[i].size_bytes;
    ::close(fd);
  }
  std::mt19937_64 dice(seed);
  uint64_t torn = 0;
  if (!std::filesystem::exists(folder)) return 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    struct stat file {};
    if (!entry.is_regular_file() || ::stat(entry.path().c_str(), &file) != 0) continue;
    const auto size = static_cast<uint64_t>(file.st_size);
    const uint64_t safe = flushed.contains(file.st_ino) ? flushed[file.st_ino] : 0;
    if (size > safe && dice() % 4 != 0) {
      tear(entry.path(), safe, size, dice);
      torn++;
    }
    if (::stat(entry.path().c_str(), &file) == 0) note(file);
  }
  return torn;
}

}  // namespace tarn::stress

extern "C" {

int fsync(int fd) {
  static const auto flush = tarn::stress::real("fsync");
  return tarn::stress::flush_file(fd, flush);
}

int fdatasync(int fd) {
  static const auto flush = tarn::stress::real("fdatasync");
  return tarn::stress::flush_file(fd, flush);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  if (tarn::stress::slow) tarn::stress::wait_a_while(5, 8);
  return ::syscall(SYS_write, fd, bytes, size);
}
}
