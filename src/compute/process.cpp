#include "compute/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "compute/supervisor/supervisor.hpp"

// The supervisor's bytes, as the linker sees them.
asm(".section .rodata\n"
    ".balign 16\n"
    ".global tarn_supervisor_begin\n"
    ".global tarn_supervisor_end\n"
    "tarn_supervisor_begin: .incbin \"" TARN_SUPERVISOR_FILE
    "\"\n"
    "tarn_supervisor_end: .byte 0\n"
    ".previous\n");
extern "C" const char tarn_supervisor_begin[], tarn_supervisor_end[];

namespace tarn::compute {
namespace {

using Instant = std::chrono::steady_clock::time_point;

[[noreturn]] void fail(const char* doing, int error) {
  throw Error(ErrorKind::bug, "InternalFailure", std::string("tarn could not ") + doing + ": " + std::strerror(error));
}

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& o) noexcept {
    if (this != &o) {
      close();
      fd_ = std::exchange(o.fd_, -1);
    }
    return *this;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// A memory file that holds the supervisor; made once, sealed against change.
const std::string& supervisor_path() {
  static const std::string path = [] {
    std::string_view bytes(tarn_supervisor_begin,
                           static_cast<std::size_t>(tarn_supervisor_end - tarn_supervisor_begin));
    int fd = memfd_create("tarn-supervisor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) fail("make its supervisor", errno);
    while (!bytes.empty()) {
      ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0) fail("write its supervisor", errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return "/proc/self/fd/" + std::to_string(fd);
  }();
  return path;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

// Cuts a stream of bytes into lines.
class LineCutter {
 public:
  LineCutter(Stream stream, const LineSink& sink) : stream_(stream), sink_(sink) {}

  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t newline = bytes.find('\n');
      std::size_t room = limits::max_log_line_size_bytes - pending_.size();
      std::size_t take = std::min({newline, bytes.size(), room});
      if (newline == take && pending_.empty()) {
        lines_.push_back(bytes.substr(0, take));
      } else {
        pending_.append(bytes.substr(0, take));
        if (newline == take || pending_.size() == limits::max_log_line_size_bytes) end_line();
      }
      bytes.remove_prefix(take + (newline == take ? 1 : 0));
    }
    hand_on();
  }
  void finish() {
    if (!pending_.empty()) end_line();
    hand_on();
  }

 private:
  void end_line() { lines_.push_back(whole_.emplace_back(std::exchange(pending_, {}))); }
  void hand_on() {
    if (!lines_.empty()) sink_(stream_, lines_);
    lines_.clear();
    whole_.clear();
  }

  Stream stream_;
  const LineSink& sink_;
  std::string pending_;                  // a line that has not ended
  std::deque<std::string> whole_;        // lines that came in several reads
  std::vector<std::string_view> lines_;  // to be handed on
};

// One supervisor and the ends of its pipes. Destroyed, it closes the control socket, which ends the tree, and waits for
// the supervisor.
class Running {
 public:
  Running(const Command& command, const ProcessLimits& limits) {
    Descriptor out_write, err_write, control_theirs;
    pipe(out_, out_write);
    pipe(err_, err_write);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) fail("make a socket", errno);
    control_ = Descriptor(pair[0]);
    control_theirs = Descriptor(pair[1]);
    spawn(command, limits, out_write.get(), err_write.get(), control_theirs.get());
  }
  ~Running() {
    control_.close();
    while (pid_ > 0 && waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Running(const Running&) = delete;

  int out() const { return out_.get(); }
  int err() const { return err_.get(); }
  int control() const { return control_.get(); }
  pid_t supervisor() const { return pid_; }
  void order(char what) { [[maybe_unused]] ssize_t n = send(control_.get(), &what, 1, MSG_NOSIGNAL); }

 private:
  static void pipe(Descriptor& read, Descriptor& write) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("make a pipe", errno);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }

  void spawn(const Command& command, const ProcessLimits& limits, int out, int err, int control) {
    std::vector<std::string> words = {"tarn-supervisor", std::to_string(limits.memory_bytes),
                                      std::to_string(limits.max_processes)};
    if (command.view) {
      words.insert(words.end(), command.view->words().begin(), command.view->words().end());
      words.insert(words.end(), {"start", command.folder});
    }
    words.insert(words.end(), {"--", command.program});
    words.insert(words.end(), command.arguments.begin(), command.arguments.end());
    std::vector<std::string> environment = command.environment;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    // The new descriptors may have the very numbers 0 to 3; those that are high are out of each other's way.
    std::array<Descriptor, 3> high;
    int given[] = {out, err, control};
    for (std::size_t i = 0; i < high.size(); ++i) high[i] = Descriptor(fcntl(given[i], F_DUPFD_CLOEXEC, 16));
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, high[0].get(), 1);
    posix_spawn_file_actions_adddup2(&actions, high[1].get(), 2);
    posix_spawn_file_actions_adddup2(&actions, high[2].get(), supervisor::control_fd);
    posix_spawn_file_actions_addchdir_np(&actions, command.view ? "/" : command.folder.c_str());
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(&pid_, supervisor_path().c_str(), &actions, &attributes, pointers(words).data(),
                            pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error) {
      pid_ = -1;
      fail("start a process", error);
    }
  }

  Descriptor out_, err_, control_;
  pid_t pid_ = -1;
};

// Reads what is there, a bounded amount. False at the end of the stream.
bool drain(int fd, LineCutter& cutter) {
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n > 0) {
      cutter.feed({buffer.data(), static_cast<std::size_t>(n)});
      return true;
    }
    if (n == 0) return false;
    if (errno == EAGAIN) return true;
    if (errno != EINTR) return false;
  }
}

// Reads all that is left once nobody writes any more.
void drain_rest(int fd, LineCutter& cutter) {
  pollfd waits{fd, POLLIN, 0};
  while (poll(&waits, 1, 0) > 0 && (waits.revents & (POLLIN | POLLHUP)) && drain(fd, cutter)) {
  }
}

Outcome read_report(const supervisor::Report& report, bool timed_out, bool stopped) {
  Outcome outcome;
  outcome.peak_memory_bytes = report.peak_memory_bytes;
  if (WIFEXITED(report.wait_status)) outcome.exit_status = WEXITSTATUS(report.wait_status);
  if (WIFSIGNALED(report.wait_status)) outcome.signal = WTERMSIG(report.wait_status);
  outcome.start_errno = report.start_errno;
  switch (report.cause) {
    case supervisor::Cause::start_failed:
      outcome.ending = Ending::not_started;
      break;
    case supervisor::Cause::out_of_memory:
      outcome.ending = Ending::out_of_memory;
      break;
    case supervisor::Cause::too_many_processes:
      outcome.ending = Ending::too_many_processes;
      break;
    case supervisor::Cause::ended:
      outcome.ending = timed_out        ? Ending::timed_out
                       : stopped        ? Ending::stopped
                       : outcome.signal ? Ending::signalled
                                        : Ending::exited;
  }
  return outcome;
}

// When to end the tree: at its timeout, or when asked to; politely first.
class Deadlines {
 public:
  Deadlines(const ProcessLimits& limits, Instant start) : grace_(limits.grace) {
    if (limits.timeout) timeout_ = start + *limits.timeout;
  }

  // Sends what is due; returns how long to wait at most, in ms (-1: no deadline).
  int act(Running& running, bool stop_asked, bool kill_asked) {
    Instant now = std::chrono::steady_clock::now();
    if (!kill_at_ && (stop_asked || kill_asked || (timeout_ && now >= *timeout_))) {
      (stop_asked || kill_asked ? stopped : timed_out) = true;
      if (!kill_asked) running.order(supervisor::terminate);
      kill_at_ = now + grace_;
    }
    if (kill_asked) kill_at_ = now;
    if (kill_at_ && !killed_ && now >= *kill_at_) {
      running.order(supervisor::kill);
      killed_ = true;
    }
    std::optional<Instant> next = killed_ ? std::nullopt : kill_at_ ? kill_at_ : timeout_;
    if (!next) return -1;
    auto ms = std::chrono::ceil<std::chrono::milliseconds>(*next - now).count();
    return static_cast<int>(std::clamp<int64_t>(ms, 0, 3'600'000));
  }

  bool timed_out = false, stopped = false;

 private:
  std::chrono::milliseconds grace_;
  std::optional<Instant> timeout_, kill_at_;
  bool killed_ = false;
};

}  // namespace

View::View(const std::string& at, int user, int group) {
  add({"at", at, "ids", std::to_string(user), std::to_string(group), "root-tmpfs"});
}

View View::of_folder(const std::string& at, const std::string& folder, int user, int group) {
  View out;
  out.add({"at", at, "ids", std::to_string(user), std::to_string(group), "root-bind", folder});
  return out;
}

View View::of_overlay(const std::string& at, const std::string& lower, const std::string& upper,
                      const std::string& work, int user, int group) {
  View out;
  out.add({"at", at, "ids", std::to_string(user), std::to_string(group), "root-overlay", lower, upper, work});
  return out;
}

View& View::join(const std::vector<std::string>& hosts, const std::string& place) {
  std::string lowers;
  for (const std::string& host : hosts) lowers += (lowers.empty() ? "" : ":") + host;
  return add({"overlay", place, lowers});
}

const ViewSupport& view_support(const std::string& folder) {
  static const ViewSupport support = [&folder]() -> ViewSupport {
    if (const char* wanted = std::getenv("TARN_SANDBOX"); wanted && std::string_view(wanted) == "none")
      return {false, "TARN_SANDBOX=none"};
    const WorkFolder at(folder + "/view-" + std::to_string(::getpid()));
    Command command{"-", {}, {}, "/", View(at.path())};
    command.view->bind("/usr", "/usr").temporary("/tmp", 65536).processes("/proc").devices("/dev").seal();
    std::string said;
    const Outcome outcome = run_process(command, {}, [&said](Stream, std::span<const std::string_view> lines) {
      for (std::string_view line : lines) said = line;
    });
    if (outcome.ending == Ending::exited && outcome.exit_status == 0) return {true, ""};
    return {false, said.empty() ? std::strerror(outcome.start_errno) : said};
  }();
  return support;
}

Outcome run_process(const Command& command, const ProcessLimits& limits, const LineSink& on_lines, std::stop_token stop,
                    std::stop_token kill) {
  Instant start = std::chrono::steady_clock::now();
  Running running(command, limits);
  Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (wake.get() < 0) fail("make an event", errno);
  auto wake_up = [&] { eventfd_write(wake.get(), 1); };
  std::stop_callback on_stop(stop, wake_up), on_kill(kill, wake_up);
  LineCutter out(Stream::output, on_lines), err(Stream::error, on_lines);
  Deadlines deadlines(limits, start);

  pollfd waits[] = {
      {running.control(), POLLIN, 0}, {wake.get(), POLLIN, 0}, {running.out(), POLLIN, 0}, {running.err(), POLLIN, 0}};
  for (;;) {
    int wait_ms = deadlines.act(running, stop.stop_requested(), kill.stop_requested());
    int ready = poll(waits, 4, wait_ms);
    if (ready < 0 && errno != EINTR) fail("wait for a process", errno);
    if (ready <= 0) continue;
    eventfd_t woken;
    if (waits[1].revents) eventfd_read(wake.get(), &woken);
    if (waits[2].revents && !drain(running.out(), out)) waits[2].fd = -1;
    if (waits[3].revents && !drain(running.err(), err)) waits[3].fd = -1;
    if (!waits[0].revents) continue;
    supervisor::Report report{};
    ssize_t n = recv(running.control(), &report, sizeof report, 0);
    if (n < 0 && errno == EINTR) continue;
    // Without a report the supervisor itself was killed, and the program with it.
    if (n != sizeof report) report = {supervisor::Cause::ended, SIGKILL, 0, 0, 0};
    drain_rest(running.out(), out);
    drain_rest(running.err(), err);
    out.finish();
    err.finish();
    Outcome outcome = read_report(report, deadlines.timed_out, deadlines.stopped);
    outcome.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    return outcome;
  }
}

struct Process::State {
  State(const Command& command, const ProcessLimits& limits, LineSink sink)
      : on_lines(std::move(sink)),
        running(command, limits),
        out(Stream::output, on_lines),
        err(Stream::error, on_lines),
        waits{pollfd{running.control(), POLLIN, 0}, pollfd{running.out(), POLLIN, 0},
              pollfd{running.err(), POLLIN, 0}} {}

  LineSink on_lines;
  Instant start = std::chrono::steady_clock::now();
  Running running;
  LineCutter out, err;
  std::array<pollfd, 3> waits;
  bool has_view = false;
  bool killed = false;
  mutable pid_t program = 0;
};

Process::Process(const Command& command, const ProcessLimits& limits, LineSink on_lines)
    : state_(std::make_unique<State>(command, limits, std::move(on_lines))) {
  state_->has_view = command.view.has_value();
}
Process::~Process() = default;

std::array<int, 3> Process::descriptors() const {
  return {state_->waits[0].fd, state_->waits[1].fd, state_->waits[2].fd};
}

std::optional<Outcome> Process::step() {
  State& s = *state_;
  if (poll(s.waits.data(), s.waits.size(), 0) <= 0) return std::nullopt;
  if (s.waits[1].revents && !tarn::compute::drain(s.waits[1].fd, s.out)) s.waits[1].fd = -1;
  if (s.waits[2].revents && !tarn::compute::drain(s.waits[2].fd, s.err)) s.waits[2].fd = -1;
  if (!s.waits[0].revents) return std::nullopt;
  supervisor::Report report{};
  ssize_t n = recv(s.running.control(), &report, sizeof report, 0);
  if (n < 0 && errno == EINTR) return std::nullopt;
  if (n != sizeof report) report = {supervisor::Cause::ended, SIGKILL, 0, 0, 0};
  s.waits[0].fd = -1;
  drain_rest(s.running.out(), s.out);
  drain_rest(s.running.err(), s.err);
  s.out.finish();
  s.err.finish();
  Outcome outcome = read_report(report, false, s.killed);
  outcome.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - s.start);
  return outcome;
}

// A pipe holds 64 KiB, and one read takes as much: what is written while this reads may wait for the next step.
void Process::drain() {
  State& s = *state_;
  for (auto [wait, cutter] : {std::pair(&s.waits[1], &s.out), std::pair(&s.waits[2], &s.err)}) {
    for (int reads = 0; reads < 2 && wait->fd >= 0 && poll(wait, 1, 0) > 0; ++reads)
      if (!tarn::compute::drain(wait->fd, *cutter)) wait->fd = -1;
    cutter->finish();
  }
}

void Process::kill() {
  state_->killed = true;
  state_->running.order(supervisor::kill);
}

uint64_t Process::peak_memory_bytes() const {
  auto read_file = [](const std::string& path) {
    std::array<char, 4096> text;
    Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ssize_t n = file.get() < 0 ? 0 : read(file.get(), text.data(), text.size());
    return std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  };
  auto child_of = [&](pid_t parent) {
    const std::string pid = std::to_string(parent);
    return static_cast<pid_t>(std::atoi(read_file("/proc/" + pid + "/task/" + pid + "/children").c_str()));
  };
  if (state_->program == 0) {
    state_->program = child_of(state_->running.supervisor());
    if (state_->has_view && state_->program != 0) state_->program = child_of(state_->program);  // behind its keeper
  }
  if (state_->program == 0) return 0;
  const std::string status = read_file("/proc/" + std::to_string(state_->program) + "/status");
  const std::size_t at = status.find("VmHWM:");
  return at == status.npos ? 0 : std::strtoull(status.c_str() + at + 6, nullptr, 10) * 1024;
}

WorkFolder::WorkFolder(std::string path) : path_(std::move(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (!error) std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
  if (error)
    throw Error(ErrorKind::bug, "InternalFailure", "the folder " + path_ + " can't be made: " + error.message());
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tarn::compute
