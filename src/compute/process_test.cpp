#include "compute/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/limits.hpp"
#include "compute/system_view.hpp"

// GCC's word for it, and clang's.
#ifdef __SANITIZE_ADDRESS__
#define TARN_SANITIZED_ADDRESS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TARN_SANITIZED_ADDRESS
#endif
#endif

namespace tarn::compute {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct Seen {
  std::vector<std::string> out, err;
  LineSink sink() {
    return [this](Stream s, std::span<const std::string_view> lines) {
      auto& into = s == Stream::output ? out : err;
      into.insert(into.end(), lines.begin(), lines.end());
    };
  }
};

Command python(std::string code) {
  return {"/usr/bin/python3", {"-c", std::move(code)}, {"PATH=/usr/bin:/bin"}, "/tmp"};
}

// The command lines of living processes that hold `mark`.
int living(const std::string& mark) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    if (text.find(mark) != std::string::npos && text.find("tarn-supervisor") == std::string::npos) ++count;
  }
  return count;
}

// living() == 0, given the moment that the kernel needs.
bool all_gone(const std::string& mark) {
  for (int i = 0; i < 300; ++i) {
    if (living(mark) == 0) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::string mark() {
  static int n = 0;
  return "mark-" + std::to_string(getpid()) + "-" + std::to_string(++n);
}

TEST(Process, GivesItsLinesAndItsExitStatus) {
  Seen seen;
  Outcome o = run_process(python("import sys; print('one'); print('two', file=sys.stderr); "
                                 "sys.stdout.write('three\\n\\nno newline'); sys.exit(10)"),
                          {}, seen.sink());
  EXPECT_EQ(o.ending, Ending::exited);
  EXPECT_EQ(o.exit_status, 10);
  EXPECT_THAT(seen.out, ElementsAre("one", "three", "", "no newline"));
  EXPECT_THAT(seen.err, ElementsAre("two"));
}

TEST(Process, SeesExactlyTheEnvironmentAndFolderGiven) {
  setenv("TARN_SECRET_OF_TEST", "1", 1);
  WorkFolder folder("/tmp/tarn-process-test-" + std::to_string(getpid()) + "/deeper");
  Seen seen;
  run_process({"/usr/bin/env", {}, {"A=1", "B=two words"}, folder.path()}, {}, seen.sink());
  run_process({"/bin/pwd", {}, {}, folder.path()}, {}, seen.sink());
  EXPECT_THAT(seen.out, ElementsAre("A=1", "B=two words", folder.path()));
}

TEST(Process, HasAnEmptyInputAndNoDescriptorsOfOurs) {
  int ours = open("/tmp", O_RDONLY);  // without close-on-exec
  Seen seen;
  run_process(python("import sys, os; print(repr(sys.stdin.read())); print(len(os.listdir('/proc/self/fd')))"), {},
              seen.sink());
  close(ours);
  EXPECT_THAT(seen.out, ElementsAre("''", "4"));  // 0, 1, 2 and that of the listing itself
}

TEST(Process, SaysWhyAProgramDoesNotStart) {
  Outcome o = run_process({"/no/such/program", {}, {}, "/tmp"}, {}, [](Stream, std::span<const std::string_view>) {});
  EXPECT_EQ(o.ending, Ending::not_started);
  EXPECT_EQ(o.start_errno, ENOENT);
  o = run_process({"/etc/passwd", {}, {}, "/tmp"}, {}, [](Stream, std::span<const std::string_view>) {});
  EXPECT_EQ(o.start_errno, EACCES);
}

TEST(Process, TellsTheSignalThatEndedIt) {
  Outcome o = run_process(python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"), {},
                          [](Stream, std::span<const std::string_view>) {});
  EXPECT_EQ(o.ending, Ending::signalled);
  EXPECT_EQ(o.signal, SIGSEGV);
}

TEST(Process, EndsAtItsTimeout) {
  Outcome o =
      run_process(python("while True: pass"), {.timeout = 300ms}, [](Stream, std::span<const std::string_view>) {});
  EXPECT_EQ(o.ending, Ending::timed_out);
  EXPECT_GE(o.elapsed, 300ms);
  EXPECT_LT(o.elapsed, 3s);
}

TEST(Process, IsKilledWhenItIgnoresSigterm) {
  Seen seen;
  std::string m = mark();
  Outcome o = run_process(python("import signal, time\nsignal.signal(signal.SIGTERM, lambda *a: print('no', "
                                 "flush=True))\nprint('up', flush=True)\n"
                                 "while True: time.sleep(0.05)\n#" +
                                 m),
                          {.timeout = 500ms, .grace = 300ms}, seen.sink());
  EXPECT_EQ(o.ending, Ending::timed_out);
  EXPECT_THAT(seen.out, ElementsAre("up", "no"));
  EXPECT_GE(o.elapsed, 800ms);
  EXPECT_TRUE(all_gone(m));
}

TEST(Process, MayEndItselfInItsGrace) {
  Seen seen;
  Outcome o = run_process(python("import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *a: (print('bye', "
                                 "flush=True), sys.exit(0)))\n"
                                 "while True: time.sleep(0.05)"),
                          {.timeout = 500ms, .grace = 10s}, seen.sink());
  EXPECT_EQ(o.ending, Ending::timed_out);
  EXPECT_THAT(seen.out, ElementsAre("bye"));
  EXPECT_LT(o.elapsed, 5s);
}

TEST(Process, StopsWhenAsked) {
  std::stop_source stop;
  std::jthread asker([&] {
    std::this_thread::sleep_for(200ms);
    stop.request_stop();
  });
  Outcome o = run_process(
      python("import time; time.sleep(60)"), {}, [](Stream, std::span<const std::string_view>) {}, stop.get_token());
  EXPECT_EQ(o.ending, Ending::stopped);
  EXPECT_LT(o.elapsed, 3s);
  o = run_process(
      python("import time; time.sleep(60)"), {}, [](Stream, std::span<const std::string_view>) {}, stop.get_token());
  EXPECT_EQ(o.ending, Ending::stopped);
}

TEST(Process, EndsAtItsMemoryLimit) {
  Outcome o =
      run_process(python("x = []\nwhile True: x.append(bytearray(b'x' * (4 << 20)))"),
                  {.timeout = 30s, .memory_bytes = 200 << 20}, [](Stream, std::span<const std::string_view>) {});
  EXPECT_EQ(o.ending, Ending::out_of_memory);
  EXPECT_GT(o.peak_memory_bytes, 200u << 20);
  EXPECT_LT(o.peak_memory_bytes, 700u << 20);
}

TEST(Process, CountsTheMemoryOfTheWholeTree) {
  std::string m = mark();
  Outcome o =
      run_process(python("import os, time\nfor i in range(6):\n  if os.fork() == 0:\n    x = bytearray(b'x' * "
                         "(50 << 20)); time.sleep(30)\n"
                         "time.sleep(30)\n#" +
                         m),
                  {.timeout = 30s, .memory_bytes = 200 << 20}, [](Stream, std::span<const std::string_view>) {});
  EXPECT_EQ(o.ending, Ending::out_of_memory);
  EXPECT_TRUE(all_gone(m));
}

TEST(Process, CountsPagesSharedByForksOnce) {
  Outcome o =
      run_process(python("import os, time\nx = bytearray(b'x' * (60 << 20))\nfor i in range(4):\n  if "
                         "os.fork() == 0:\n    time.sleep(1); os._exit(0)\n"
                         "time.sleep(1)"),
                  {.timeout = 30s, .memory_bytes = 200 << 20}, [](Stream, std::span<const std::string_view>) {});
  EXPECT_EQ(o.ending, Ending::exited);
  EXPECT_EQ(o.exit_status, 0);
}

TEST(Process, TakesAFloodOfOutputInLittleMemory) {
  uint64_t bytes = 0, lines = 0, longest = 0;
  Outcome o =
      run_process({"/bin/sh", {"-c", "head -c 1000000000 /dev/zero | tr '\\0' x"}, {"PATH=/usr/bin:/bin"}, "/tmp"}, {},
                  [&](Stream, std::span<const std::string_view> some) {
                    for (std::string_view line : some) {
                      ++lines;
                      bytes += line.size();
                      longest = std::max<uint64_t>(longest, line.size());
                    }
                  });
  EXPECT_EQ(o.exit_status, 0);
  EXPECT_EQ(bytes, 1'000'000'000u);
  EXPECT_EQ(longest, limits::max_log_line_size_bytes);
#ifdef TARN_SANITIZED_ADDRESS
  constexpr uint64_t most_kib = 900'000;  // the sanitizer keeps what was freed for a while
#else
  constexpr uint64_t most_kib = 400'000;
#endif
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("VmHWM:")) continue;
    EXPECT_LT(std::stoull(line.substr(6)), most_kib);
  }
}

TEST(Process, KillsWhatForkedAwayWhenTheProgramEnds) {
  std::string m = mark();
  Seen seen;
  Outcome o = run_process(python("import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    "
                                 "time.sleep(60)\n  os._exit(0)\n"
                                 "os.wait(); print('left')\n#" +
                                 m),
                          {}, seen.sink());
  EXPECT_EQ(o.ending, Ending::exited);
  EXPECT_THAT(seen.out, ElementsAre("left"));
  EXPECT_LT(o.elapsed, 5s);
  EXPECT_TRUE(all_gone(m));
}

// A bomb of a known size: enough to pass the limit, not to take the machine along when the limit fails.
TEST(Process, BoundsAForkBomb) {
  std::string m = mark();
  Outcome o = run_process(python("import os, time\nfor i in range(200):\n  if os.fork() == 0:\n    time.sleep(60)\n    "
                                 "os._exit(0)\ntime.sleep(60)\n#" +
                                 m),
                          {.timeout = 30s, .max_processes = 64}, [](Stream, std::span<const std::string_view>) {});
  EXPECT_EQ(o.ending, Ending::too_many_processes);
  EXPECT_TRUE(all_gone(m));
}

TEST(Process, EndsTheTreeWhenTheSinkThrows) {
  std::string m = mark();
  EXPECT_THROW(run_process(python("import time\nprint('x', flush=True)\ntime.sleep(60)\n#" + m), {},
                           [](Stream, std::span<const std::string_view>) { throw std::runtime_error("no room"); }),
               std::runtime_error);
  EXPECT_TRUE(all_gone(m));
}

TEST(Process, DiesWithTarnEvenByKill9) {
  std::string m = mark();
  pid_t tarn = fork();
  if (tarn == 0) {
    run_process(python("import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    time.sleep(60)\n"
                       "  os._exit(0)\nos.wait()\nopen('/tmp/" +
                       m + "', 'w')\ntime.sleep(60)"),
                {}, [](Stream, std::span<const std::string_view>) {});
    _exit(0);
  }
  for (int i = 0; i < 1000 && !std::filesystem::exists("/tmp/" + m); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(std::filesystem::remove("/tmp/" + m));
  EXPECT_EQ(living(m), 2);
  kill(tarn, SIGKILL);
  waitpid(tarn, nullptr, 0);
  EXPECT_TRUE(all_gone(m));
}

TEST(Process, RunsManyAtOnce) {
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5; ++n) {
        Seen seen;
        Outcome o =
            run_process({"/bin/sh", {"-c", "echo " + std::to_string(i) + "; exit " + std::to_string(n)}, {}, "/tmp"},
                        {}, seen.sink());
        if (o.exit_status == n && seen.out == std::vector{std::to_string(i)}) ++good;
      }
    });
  threads.clear();
  EXPECT_EQ(good, 80);
}

// ---- with a file system of its own ----

class ViewTest : public testing::Test {
 protected:
  ViewTest() : work_(std::filesystem::temp_directory_path() / ("tarn-view-" + std::to_string(getpid()))) {
    for (const char* name : {"/at", "/code"}) std::filesystem::create_directories(work_.path() + name);
    std::ofstream(work_.path() + "/code/file") << "code";
  }
  void SetUp() override {
    if (const auto& support = view_support(work_.path()); !support.works) GTEST_SKIP() << support.why_not;
  }
  Outcome run(const std::string& script, Seen& seen, ProcessLimits limits = {}) {
    View view = system_view(work_.path() + "/at");
    view.bind(work_.path() + "/code", "/var/task").temporary("/tmp", 4 << 20).seal();
    return run_process({"/bin/sh", {"-c", script}, {"PATH=/usr/bin:/bin"}, "/var/task", view}, limits, seen.sink());
  }

  WorkFolder work_;
};

TEST_F(ViewTest, ShowsItsOwnFilesAndNoOthers) {
  Seen seen;
  const Outcome o = run("pwd; cat file; echo; ls / | tr '\\n' ' '; echo; id -u; ls -A /tmp " + work_.path(), seen);
  EXPECT_EQ(o.ending, Ending::exited);
  ASSERT_GE(seen.out.size(), 4u);
  EXPECT_EQ(seen.out[0] + " " + seen.out[1], "/var/task code");
  EXPECT_EQ(seen.out[2].find("home"), std::string::npos) << seen.out[2];
  EXPECT_EQ(seen.out[2].find("root"), std::string::npos) << seen.out[2];
  EXPECT_EQ(seen.out[3], "993");
  EXPECT_THAT(seen.err, ElementsAre(testing::HasSubstr("No such file")));
}

TEST_F(ViewTest, OnlyTmpCanBeWrittenUpToItsSize) {
  Seen seen;
  run("for f in /x /usr/x /var/task/x /etc/x /dev/null/x; do (echo 1 >$f) 2>/dev/null && echo wrote $f; done; "
      "echo ok >/tmp/a && cat /tmp/a; head -c 8000000 /dev/zero >/tmp/big; echo $?; stat -c %s /tmp/big; "
      "mount -o remount,rw /usr 2>/dev/null && echo remounted; unshare -Ur mount -o remount,rw /usr 2>/dev/null && "
      "echo remounted within",
      seen);
  EXPECT_THAT(seen.out, ElementsAre("ok", "1", testing::AnyOf("4190208", "4194304", "4186112")));
  EXPECT_THAT(seen.err, testing::Contains(testing::HasSubstr("No space left")));
}

TEST_F(ViewTest, SeesNoProcessButItsOwn) {
  Seen seen;
  run("ls /proc | grep -c '^[0-9]'; cat /proc/1/environ | tr '\\0' '\\n' | grep -c HOME; kill -0 " +
          std::to_string(getpid()) + " 2>/dev/null || echo unreachable",
      seen);
  ASSERT_EQ(seen.out.size(), 3u);
  EXPECT_LT(std::stoi(seen.out[0]), 8);
  EXPECT_EQ(seen.out[1] + seen.out[2], "0unreachable");
}

TEST_F(ViewTest, TellsHowItEnded) {
  Seen seen;
  EXPECT_EQ(run("exit 7", seen).exit_status, 7);
  Outcome o = run("kill -SEGV $$", seen);
  EXPECT_EQ(o.ending, Ending::signalled);
  EXPECT_EQ(o.signal, SIGSEGV);
  View view = system_view(work_.path() + "/at");
  o = run_process({"/no/such/program", {}, {}, "/", view}, {}, seen.sink());
  EXPECT_EQ(o.ending, Ending::not_started);
  EXPECT_EQ(o.start_errno, ENOENT);
  o = run("trap '' TERM; while :; do sleep 1; done", seen, {.timeout = 300ms, .grace = 200ms});
  EXPECT_EQ(o.ending, Ending::timed_out);
}

TEST_F(ViewTest, NothingOfItOutlivesIt) {
  const std::string mark = "tarn-view-orphan-" + std::to_string(getpid());
  Seen seen;
  run("(setsid sh -c 'exec -a " + mark + " sleep 1000 " +
          "' & ) ; (setsid python3 -c 'import time; time.sleep(1000)' " + mark + " &)  ; sleep 0.2; echo over",
      seen);
  EXPECT_THAT(seen.out, testing::Contains("over"));
  EXPECT_TRUE(all_gone(mark));
  // Forks are counted as without a view.
  const Outcome o = run("for i in $(seq 400); do sleep 100 & done; wait", seen, {.max_processes = 50});
  EXPECT_EQ(o.ending, Ending::too_many_processes);
}

TEST_F(ViewTest, ARootOfItsOwnMayBeWrittenAside) {
  for (const char* name : {"/tree/bin", "/tree/proc", "/upper", "/work"})
    std::filesystem::create_directories(work_.path() + name);
  std::ofstream(work_.path() + "/tree/old") << "old";
  std::filesystem::create_symlink("/usr/bin", work_.path() + "/tree/link");
  View view = View::of_overlay(work_.path() + "/at", work_.path() + "/tree", work_.path() + "/upper",
                               work_.path() + "/work", 0, 0);
  for (const char* folder : {"/usr", "/lib", "/lib64"})
    if (std::filesystem::exists(folder)) view.bind(folder, folder);
  view.bind("/bin", "/bin").processes("/proc");
  Seen seen;
  const Outcome o = run_process(
      {"/bin/sh", {"-c", "id -u; rm /old; echo new >/new"}, {"PATH=/usr/bin:/bin"}, "/", view}, {}, seen.sink());
  EXPECT_EQ(o.ending, Ending::exited) << testing::PrintToString(seen.err);
  EXPECT_THAT(seen.out, ElementsAre("0"));
  EXPECT_TRUE(std::filesystem::exists(work_.path() + "/tree/old"));
  EXPECT_FALSE(std::filesystem::exists(work_.path() + "/tree/new"));
  EXPECT_TRUE(std::filesystem::exists(work_.path() + "/upper/new"));
}

TEST(WorkFolder, IsRemovedWithWhatIsInIt) {
  std::string path = "/tmp/tarn-work-test-" + std::to_string(getpid());
  {
    WorkFolder folder(path);
    std::filesystem::create_directories(path + "/a/b");
    std::ofstream(path + "/a/b/c") << "x";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace tarn::compute
