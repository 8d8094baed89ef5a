// tarn-supervisor MEMORY_BYTES MAX_PROCESSES [VIEW...] -- PROGRAM ARGUMENT...
//
// Runs PROGRAM, with the view of the file system that the words before "--" describe (view.hpp), if any, and answers
// for its whole tree: it is the subreaper of every descendant, so a process that forked twice and left its session is
// still found and killed when the program ends, when tarn says so, and when tarn dies (the control socket closes). No
// privilege or control group is needed, so it works the same in a container and on a laptop. With a view the tree has a
// process namespace of its own, too: its first process is a keeper here, whose end ends all. The program "-" is none:
// only the view is made.
//
// Memory and processes are sampled: anonymous and shared memory of the tree, sooner the nearer it is to its limit.
// Written without the C++ library's machinery: static, one thread, no allocation.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "compute/supervisor/supervisor.hpp"
#include "compute/supervisor/view.hpp"

namespace {

using tarn::compute::supervisor::Cause;
using tarn::compute::supervisor::Report;
namespace control = tarn::compute::supervisor;
using control::drop_privileges;
using control::enter_view;
using control::view_words;

constexpr int most_processes = 65536;
constexpr uint64_t growth_bytes_per_ms = 4ull * 1024 * 1024;  // faster than a process can fill fresh memory
constexpr int least_sample_ms = 20, most_sample_ms = 250;

struct Tree {
  pid_t pids[most_processes];
  int count = 0;
};
Tree tree;
uint64_t memory_limit_bytes = 0;
int process_limit = 0;
pid_t program = 0;  // with a view: its keeper
int program_status = 0;
// What the keeper saw of the program's end; both share it.
struct Seen {
  int status;
  bool ended;
};
Seen* seen = nullptr;
char** view = nullptr;
int view_size = 0;
bool program_ended = false;
int given_priority = 0;
Report report{};

void pause_ms(int ms) {
  timespec t{ms / 1000, (ms % 1000) * 1'000'000L};
  nanosleep(&t, nullptr);
}

// Reads a small file of /proc; returns its size, 0 when it is gone.
ssize_t read_file(const char* path, char* into, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  size_t filled = 0;
  while (filled < size - 1) {
    ssize_t n = read(fd, into + filled, size - 1 - filled);
    if (n <= 0) break;
    filled += static_cast<size_t>(n);
  }
  close(fd);
  into[filled] = 0;
  return static_cast<ssize_t>(filled);
}

void add(pid_t pid) {
  if (tree.count < most_processes) tree.pids[tree.count++] = pid;
}

void add_children(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR* tasks = opendir(path);
  if (!tasks) return;
  while (dirent* task = readdir(tasks)) {
    if (task->d_name[0] == '.') continue;
    static char text[256 * 1024];
    char children[384];
    snprintf(children, sizeof children, "%s/%s/children", path, task->d_name);
    read_file(children, text, sizeof text);
    for (char *at = text, *end; *at; at = end) {
      long child = strtol(at, &end, 10);
      if (end == at) break;
      add(static_cast<pid_t>(child));
      while (*end == ' ') ++end;
    }
  }
  closedir(tasks);
}

// Where the kernel does not list children: every process whose parent is already in the tree, until no more are found.
void scan_all(pid_t self) {
  int before;
  do {
    before = tree.count;
    DIR* proc = opendir("/proc");
    if (!proc) return;
    while (dirent* entry = readdir(proc)) {
      auto pid = static_cast<pid_t>(atoi(entry->d_name));
      if (pid <= 0 || pid == self) continue;
      char path[64], text[1024];
      snprintf(path, sizeof path, "/proc/%d/stat", pid);
      if (read_file(path, text, sizeof text) == 0) continue;
      const char* name_end = strrchr(text, ')');
      if (!name_end) continue;
      auto parent = static_cast<pid_t>(atoi(name_end + 4));
      bool ours = parent == self, known = false;
      for (int i = 0; i < tree.count; ++i) {
        ours |= tree.pids[i] == parent;
        known |= tree.pids[i] == pid;
      }
      if (ours && !known) add(pid);
    }
    closedir(proc);
  } while (tree.count != before);
}

// Fills `tree` with all living descendants.
void find_tree() {
  static const bool kernel_lists_children = access("/proc/thread-self/children", R_OK) == 0;
  tree.count = 0;
  if (!kernel_lists_children) return scan_all(getpid());
  add_children(getpid());
  for (int i = 0; i < tree.count; ++i) add_children(tree.pids[i]);
}

void signal_tree(int number) {
  find_tree();
  for (int i = 0; i < tree.count; ++i) kill(tree.pids[i], number);
}

// Takes the status of every child that ended. False when no child is left.
bool reap() {
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0) return errno != ECHILD;
    if (pid == program) {
      program_status = seen && seen->ended ? seen->status : status;
      program_ended = true;
    }
  }
}

// Whoever stayed in the program's group goes at one blow, however fast it forks. The rest is stopped before it is
// killed, so that nothing forks away meanwhile.
void kill_tree() {
  // With a view the kernel ends all of the namespace with its first process.
  if (program > 0) kill(view ? program : -program, SIGKILL);
  for (int pass = 0, before = -1; pass < 100; ++pass) {
    signal_tree(SIGSTOP);
    if (tree.count == before) break;
    before = tree.count;
  }
  for (int waited_ms = 0; waited_ms < 10'000; ++waited_ms) {
    signal_tree(SIGKILL);
    if (!reap()) return;
    pause_ms(1);
  }
}

uint64_t field_bytes(const char* text, const char* name) {
  const char* at = strstr(text, name);
  return at ? strtoull(at + strlen(name), nullptr, 10) * 1024 : 0;
}

// Memory of the tree's own: anonymous and shared, not the files that it maps. `exact` divides shared pages among those
// who share them.
uint64_t tree_memory_bytes(bool exact) {
  uint64_t sum = 0;
  for (int i = 0; i < tree.count; ++i) {
    char path[64], text[4096];
    snprintf(path, sizeof path, exact ? "/proc/%d/smaps_rollup" : "/proc/%d/status", tree.pids[i]);
    if (read_file(path, text, sizeof text) == 0) continue;
    sum += exact ? field_bytes(text, "Pss_Anon:") + field_bytes(text, "Pss_Shmem:")
                 : field_bytes(text, "RssAnon:") + field_bytes(text, "RssShmem:");
  }
  return sum;
}

// Looks at the tree; returns how long until the next look. Sets `cause` when a limit is passed.
int sample(Cause& cause) {
  int before = tree.count;
  find_tree();
  bool multiplying = tree.count > 2 * before + 8;
  if (tree.count > report.processes) report.processes = tree.count;
  if (process_limit && tree.count > process_limit) {
    cause = Cause::too_many_processes;
    return 0;
  }
  uint64_t used = tree_memory_bytes(false);
  bool near = memory_limit_bytes && used > memory_limit_bytes;
  if (near) used = tree_memory_bytes(true);
  if (near && used > memory_limit_bytes) {
    // Shares change while they are read (a process that forks or ends halfway is counted too high): only what is seen
    // twice counts.
    find_tree();
    uint64_t again = tree_memory_bytes(true);
    if (again < used) used = again;
  }
  if (used > report.peak_memory_bytes) report.peak_memory_bytes = used;
  if (multiplying) return 1;
  if (!memory_limit_bytes) return most_sample_ms;
  if (used > memory_limit_bytes) cause = Cause::out_of_memory;
  if (near) return most_sample_ms;  // pages counted twice: the exact count is dear
  uint64_t ms = (memory_limit_bytes - used) / growth_bytes_per_ms;
  return ms < least_sample_ms ? least_sample_ms : ms > most_sample_ms ? most_sample_ms : static_cast<int>(ms);
}

[[noreturn]] void fail_start(int error, int failed_fd) {
  [[maybe_unused]] ssize_t n = write(failed_fd, &error, sizeof error);
  _exit(127);
}

[[noreturn]] void become(char** command, int failed_fd) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpriority(PRIO_PROCESS, 0, given_priority);
  if (!view && getppid() == 1) _exit(127);
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int s = 1; s < 32; ++s) signal(s, SIG_DFL);
  rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  // When the machine itself runs out of memory, this goes before tarn.
  if (int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); fd >= 0) {
    [[maybe_unused]] ssize_t n = write(fd, "800", 3);
    close(fd);
  }
  if (view)
    if (int error = drop_privileges()) fail_start(error, failed_fd);
  view ? execvp(command[0], command) : execv(command[0], command);
  fail_start(errno, failed_fd);
}

// The first process of the namespaces: makes the view, starts the program, buries orphans, and ends with the program.
[[noreturn]] void keep(char** command, int failed_fd, unsigned outer_user, unsigned outer_group) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (int error = enter_view(view, view_size, outer_user, outer_group)) fail_start(error, failed_fd);
  if (strcmp(command[0], "-") == 0) {
    seen->ended = true;
    _exit(0);
  }
  pid_t child = fork();
  if (child < 0) fail_start(errno, failed_fd);
  if (child == 0) become(command, failed_fd);
  close(failed_fd);
  for (int fd : {0, 1, 2}) dup2(nothing, fd);
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && errno != EINTR) _exit(1);
    if (pid != child) continue;
    seen->status = status;
    seen->ended = true;
    _exit(0);
  }
}

// A copy of this process in new namespaces.
pid_t fork_apart() {
  return static_cast<pid_t>(syscall(
      SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
}

// Starts the program. 0, or the errno of what failed.
int start(char** command) {
  int failed[2];
  if (pipe2(failed, O_CLOEXEC) != 0) return errno;
  const unsigned user = geteuid(), group = getegid();
  program = view ? fork_apart() : fork();
  if (program < 0) return errno;
  if (program == 0) view ? keep(command, failed[1], user, group) : become(command, failed[1]);
  close(failed[1]);
  int error = 0;
  ssize_t n;
  while ((n = read(failed[0], &error, sizeof error)) < 0 && errno == EINTR) {
  }
  close(failed[0]);
  return n == sizeof error ? error : 0;
}

[[noreturn]] void finish(Cause cause, int start_errno = 0) {
  kill_tree();
  report.cause = cause;
  report.wait_status = program_status;
  report.start_errno = start_errno;
  [[maybe_unused]] ssize_t n = send(control::control_fd, &report, sizeof report, MSG_NOSIGNAL);
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  memory_limit_bytes = strtoull(argv[1], nullptr, 10);
  process_limit = atoi(argv[2]);
  syscall(SYS_close_range, control::control_fd + 1, ~0U, 0);
  fcntl(control::control_fd, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  given_priority = getpriority(PRIO_PROCESS, 0);
  setpriority(PRIO_PROCESS, 0,
              -15);  // where allowed: a tree that takes all processors must not keep its keeper from looking
  for (int s : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTTOU, SIGTTIN}) signal(s, SIG_IGN);
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, nullptr);
  int ended_fd = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);

  view_size = view_words(argv + 3, argc - 3);
  if (argc < 5 + view_size || strcmp(argv[3 + view_size], "--") != 0) finish(Cause::start_failed, EINVAL);
  if (view_size > 0) {
    view = argv + 3;
    if (process_limit) ++process_limit;  // for the keeper
    void* page = mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) finish(Cause::start_failed, errno);
    seen = static_cast<Seen*>(page);
  }
  if (int error = start(argv + 4 + view_size)) finish(Cause::start_failed, error);
  // The pipes of the program are not held open by its supervisor.
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd : {0, 1, 2}) dup2(nothing, fd);

  pollfd waits[2] = {{control::control_fd, POLLIN, 0}, {ended_fd, POLLIN, 0}};
  for (int wait_ms = least_sample_ms;;) {
    int ready = poll(waits, 2, wait_ms);
    if (ready > 0 && waits[0].revents) {
      char order;
      ssize_t n = recv(control::control_fd, &order, 1, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        kill_tree();
        _exit(1);
      }
      if (n == 1 && order == control::terminate) signal_tree(SIGTERM);
      if (n == 1 && order == control::kill) finish(Cause::ended);
    }
    if (ready > 0 && waits[1].revents) {
      signalfd_siginfo info;
      while (read(ended_fd, &info, sizeof info) > 0) {
      }
    }
    reap();
    if (program_ended) finish(Cause::ended);
    Cause cause = Cause::ended;
    wait_ms = sample(cause);
    if (cause != Cause::ended) finish(cause);
  }
}
