#include "compute/python_setup.hpp"

#include <cstring>
#include <deque>
#include <filesystem>

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

std::string set_up_python(const std::string& program, const std::string& what, const std::string& if_missing,
                          std::stop_token stop, const std::function<void(std::string_view)>& progress) {
  if (!std::filesystem::exists(program))
    fail("The Python environment can't be made: " + program + " is missing. " + if_missing);
  Command command{program, {what}, {}, "/"};
  for (char** entry = environ; *entry; ++entry) command.environment.emplace_back(*entry);
  std::string answer;
  std::deque<std::string> words;
  Outcome outcome = run_process(
      command, {.timeout = setup_timeout},
      [&](Stream stream, std::span<const std::string_view> lines) {
        for (std::string_view line : lines) {
          if (stream == Stream::output)
            answer = line;
          else
            progress(line);
          words.emplace_back(line);
          if (words.size() > last_words) words.pop_front();
        }
      },
      std::move(stop));
  if (outcome.ending == Ending::stopped) throw Error(ErrorKind::caller, "Stopped", "stopped");
  if (outcome.ending == Ending::exited && outcome.exit_status == 0) return answer;
  std::string said;
  for (const std::string& line : words) said += "\n" + line;
  fail("The Python environment could not be made (" + program + " " + what + " " +
       (outcome.ending == Ending::not_started ? std::string("did not start: ") + std::strerror(outcome.start_errno)
                                              : "ended with exit code " + std::to_string(outcome.exit_status)) +
       "):" + said);
}

}  // namespace tarn::compute
