#include "compute/jobs/runtime.hpp"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "compute/process.hpp"

extern char** environ;

namespace tarn::compute {
namespace {

using namespace std::chrono_literals;

constexpr auto setup_timeout = 30min;
constexpr std::size_t last_words = 15;

[[noreturn]] void fail(const std::string& why) {
  throw Error(ErrorKind::outside, "EnvironmentSetupFailed", why);
}

}  // namespace

PythonRuntime::PythonRuntime(std::string folder, std::string python)
    : folder_(std::move(folder)), python_(std::move(python)) {
  if (python_.empty())
    if (const char* given = std::getenv("TARN_JOB_PYTHON")) python_ = given;
  given_ = !python_.empty();
}

std::string PythonRuntime::python(std::string_view engine, std::stop_token stop,
                                  const std::function<void(std::string_view)>& progress) {
  std::unique_lock lock(mutex_, std::defer_lock);
  while (!lock.try_lock_for(50ms))
    if (stop.stop_requested()) throw Error(ErrorKind::caller, "Stopped", "stopped");
  if (python_.empty()) {
    python_ = set_up("job", stop, progress) + "/bin/python";
    if (!std::filesystem::exists(python_))
      fail(std::exchange(python_, "") + " is missing: remove its folder and try again.");
  }
  if (engine == "spark" && !given_ && !spark_ready_) {
    set_up("spark", stop, progress);
    set_up("jars", stop, progress);
    spark_ready_ = true;
  }
  return python_;
}

std::string PythonRuntime::set_up(const char* what, std::stop_token stop,
                                  const std::function<void(std::string_view)>& progress) const {
  std::string program = folder_ + "/tools/setup-jobs";
  if (!std::filesystem::exists(program))
    fail("The Python environment of jobs can't be made: " + program +
         " is missing. Set TARN_JOB_PYTHON to a Python that has pysail, pyspark and boto3.");
  Command command{program, {what}, {}, "/"};
  for (char** entry = environ; *entry; ++entry) command.environment.emplace_back(*entry);
  std::string answer;
  std::deque<std::string> words;
  Outcome outcome = run_process(
      command, {.timeout = setup_timeout},
      [&](Stream stream, std::span<const std::string_view> lines) {
        for (std::string_view line : lines) {
          if (stream == Stream::output) answer = line;
          progress(line);
          words.emplace_back(line);
          if (words.size() > last_words) words.pop_front();
        }
      },
      stop);
  if (outcome.ending == Ending::stopped) throw Error(ErrorKind::caller, "Stopped", "stopped");
  if (outcome.ending == Ending::exited && outcome.exit_status == 0) return answer;
  std::string said;
  for (const std::string& line : words) said += "\n" + line;
  fail("The Python environment of jobs could not be made (" + program + " " + what + " " +
       (outcome.ending == Ending::not_started ? std::string("did not start: ") + std::strerror(outcome.start_errno)
                                              : "ended with exit code " + std::to_string(outcome.exit_status)) +
       "):" + said);
}

}  // namespace tarn::compute
