// One run from its start to its end, on a thread of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "compute/jobs/arguments.hpp"
#include "compute/jobs/jobs.hpp"
#include "compute/process.hpp"

namespace tarn::compute {

inline constexpr const char* bookmark_file_name = "bookmark.json";
inline constexpr const char* interrupted_message = "The run was interrupted: tarn ended while it was under way.";

inline int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class RunExecution {
 public:
  RunExecution(Jobs& jobs, std::string key, Jobs::Live& live);

  // Waits for its turn, runs the script, writes how it ended. Returns the key of the next attempt where there is one.
  std::optional<std::string> execute();

 private:
  struct Ended {
    std::string state, message;
    std::chrono::milliseconds ran{0};
  };
  bool wait_for_turn();
  bool claim_slot();
  void set_state(const char* state);
  Ended run();
  Ended run_in(const std::string& folder, const RunPlan& plan, meta::LogWriter& out, meta::LogWriter& err);
  Command command(const std::string& folder, const RunPlan& plan, const std::string& python);
  std::vector<std::string> environment(const std::string& folder, const std::string& python) const;
  void fetch(const std::string& address, const std::string& into);
  std::string job_id() const;
  std::string role_arn() const;
  uint64_t memory_limit_bytes() const;
  Ended ended(const Outcome& outcome, const std::string& folder) const;
  Ended stopped() const;

  Jobs& jobs_;
  std::string key_;
  Jobs::Live& live_;
  Scope scope_;
  glue::Job job_;  // as it was when the run was started
  glue::JobRun run_;
};

}  // namespace tarn::compute
