// Processes with limits: whatever tarn runs for somebody (a job's script, a function's handler) runs through here.
//
// Between tarn and the program stands a supervisor, a small static program carried inside tarn and run from memory. It
// is the subreaper of the whole tree below it, so when the program ends, passes a limit or is stopped, and when tarn
// itself dies (kill -9 too), every descendant is killed, those that forked twice or left their session included. This
// needs no privilege: no control group (its memory controller is rarely writable), no namespace (often forbidden in
// containers).
//
// What it can't do: the memory limit is sampled (every 20 to 250 ms, sooner near the limit), so a tree may pass it by
// what it can fill in that time; memory of files under /dev/shm counts only while mapped. Somebody who kills the
// supervisor itself by SIGKILL ends the program with it, but not the program's own orphans.
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

struct Command {
  std::string program;                   // a path; PATH is not searched
  std::vector<std::string> arguments;    // after the program's own name
  std::vector<std::string> environment;  // "NAME=value": exactly these, nothing of tarn's own
  std::string folder;                    // where it starts; must exist
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
