// Processes with limits: whatever tarn runs for somebody (a job's script, a function's handler) runs through here.
//
// Between tarn and the program stands a supervisor, a small static program carried inside tarn and run from memory. It
// is the subreaper of the whole tree below it, so when the program ends, passes a limit or is stopped, and when tarn
// itself dies (kill -9 too), every descendant is killed, those that forked twice or left their session included. This
// needs no privilege: no control group (its memory controller is rarely writable). Where the kernel allows namespaces,
// a program may be given a View: a file system of its own, in which it sees nothing of the machine but what is named.
//
// What it can't do: the memory limit is sampled (every 20 to 250 ms, sooner near the limit), so a tree may pass it by
// what it can fill in that time; memory of files under /dev/shm counts only while mapped. Somebody who kills the
// supervisor itself by SIGKILL ends the program with it, but without a View not the program's own orphans.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::compute {

// A file system put together for a program, in the words of supervisor/view.hpp. Each of these adds one; places are
// paths within the view.
class View {
 public:
  // `at` is an empty folder of the host, where it is put together; `user` and `group` are what the program is in its
  // own eyes. The root is empty, or else what of_folder and of_overlay say.
  explicit View(const std::string& at, int user = 993, int group = 990);
  // The root is this folder, not to be written.
  static View of_folder(const std::string& at, const std::string& folder, int user, int group);
  // The root is `lower`; what is written goes to `upper`. `work` is an empty folder beside `upper`.
  static View of_overlay(const std::string& at, const std::string& lower, const std::string& upper,
                         const std::string& work, int user, int group);

  View& bind(const std::string& host, const std::string& place) { return add({"bind", host, place}); }
  View& bind_writable(const std::string& host, const std::string& place) { return add({"bind-rw", host, place}); }
  // Several folders of the host as one, the uppermost first.
  View& join(const std::vector<std::string>& hosts, const std::string& place);
  View& temporary(const std::string& place, uint64_t size_bytes) {
    return add({"tmpfs", place, std::to_string(size_bytes)});
  }
  View& processes(const std::string& place) { return add({"proc", place}); }
  View& devices(const std::string& place) { return add({"dev", place}); }
  View& folder(const std::string& place) { return add({"folder", place}); }
  View& link(const std::string& target, const std::string& place) { return add({"link", target, place}); }
  View& text(const std::string& place, const std::string& content) { return add({"text", place, content}); }
  // The root is not to be written from here on.
  View& seal() { return add({"seal"}); }

  const std::vector<std::string>& words() const { return words_; }

 private:
  View() = default;
  View& add(std::vector<std::string> words) {
    words_.insert(words_.end(), words.begin(), words.end());
    return *this;
  }
  std::vector<std::string> words_;
};

// Whether this machine lets processes have views; else why not. Tried once, with a process that makes one in a folder
// under `folder`, which must be writable. TARN_SANDBOX=none in tarn's environment says no. Thread-safe.
struct ViewSupport {
  bool works = false;
  std::string why_not;
};
const ViewSupport& view_support(const std::string& folder);

struct Command {
  std::string program;                   // a path; PATH is not searched
  std::vector<std::string> arguments;    // after the program's own name
  std::vector<std::string> environment;  // "NAME=value": exactly these, nothing of tarn's own
  std::string folder;                    // where it starts, within the view; must exist
  std::optional<View> view = {};         // absent: it sees what tarn sees
};

struct ProcessLimits {
  std::optional<std::chrono::milliseconds> timeout;  // of real time, whatever the Clock says
  std::chrono::milliseconds grace{5000};             // between SIGTERM and SIGKILL, at a timeout or stop
  uint64_t memory_bytes = 0;                         // of the whole tree, anonymous and shared; 0: no limit
  int max_processes = 512;                           // in the tree at once
};

enum class Ending {
  exited,     // `exit_status` says how
  signalled,  // by somebody else: `signal`
  timed_out,
  out_of_memory,
  too_many_processes,
  stopped,      // by a stop token
  not_started,  // `start_errno` says why: ENOENT, EACCES ...
};

struct Outcome {
  Ending ending = Ending::not_started;
  int exit_status = 0;
  int signal = 0;
  int start_errno = 0;
  uint64_t peak_memory_bytes = 0;
  std::chrono::milliseconds elapsed{0};
};

enum class Stream { output, error };

// Lines as they come, without their newlines: those of one read together, so that whoever stores them can do so at
// once. Text that is longer than limits::max_log_line_size_bytes comes in pieces of that size; so does a last line
// without a newline. Called on the thread that called run_process; while it works the program waits (its pipe fills),
// so output of any length needs little memory.
using LineSink = std::function<void(Stream, std::span<const std::string_view> lines)>;

// Runs `command` to its end, and until nothing of its tree is left. Standard input is empty. Blocks; any number of
// threads may call it. `stop` ends the tree with SIGTERM and, after the grace, SIGKILL; `kill` ends it at once. What
// `on_lines` throws ends the tree and is thrown on. Throws Error (bug) where the system has no processes or descriptors
// left.
Outcome run_process(const Command& command, const ProcessLimits& limits, const LineSink& on_lines,
                    std::stop_token stop = {}, std::stop_token kill = {});

// A process tree whose owner does other things beside: a function's environment speaks HTTP with it. What run_process
// does, step by step; its timeout is the owner's affair. Used by one thread.
class Process {
 public:
  // `on_lines` is called by step() and drain(). Throws as run_process does.
  Process(const Command& command, const ProcessLimits& limits, LineSink on_lines);
  // Kills the tree and waits until nothing of it is left.
  ~Process();
  Process(const Process&) = delete;

  // What poll() waits at, for reading, until step() has something to do; -1 where nothing more comes.
  std::array<int, 3> descriptors() const;
  // Hands on some of the output that is there. The outcome, once, when nothing of the tree is left.
  std::optional<Outcome> step();
  // Hands on all output that was written before this call, a line without its newline too.
  void drain();
  void kill();
  // The most memory that the program itself had resident so far; 0 where the system does not tell.
  uint64_t peak_memory_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A folder that is removed, with everything in it, when this goes. Created with mode 0700; a missing parent is made
// too. Throws Error (bug) when it can't be made.
class WorkFolder {
 public:
  explicit WorkFolder(std::string path);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tarn::compute
