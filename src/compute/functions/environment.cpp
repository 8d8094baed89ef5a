#include "compute/functions/environment.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "compute/functions/limits.hpp"
#include "compute/functions/rules.hpp"

namespace tarn::compute {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::string_view api_root = "/2018-06-01/runtime/";
constexpr const char* too_large_type = "Function.ResponseSizeTooLarge";
constexpr const char* too_large_message =
    "Response payload size exceeded maximum allowed payload size (6291556 bytes).";

std::string fixed(double number, int decimals) {
  std::array<char, 64> text;
  const int n = std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return {text.data(), static_cast<std::size_t>(std::max(n, 0))};
}

}  // namespace

ExecutionEnvironment::ExecutionEnvironment(EnvironmentParts parts, EnvironmentKeeper& keeper, RunnableFunction function,
                                           std::string endpoint, std::string work_folder)
    : parts_(parts),
      keeper_(keeper),
      function_(std::move(function)),
      endpoint_(std::move(endpoint)),
      folder_(std::move(work_folder)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0) throw Error(ErrorKind::bug, "InternalFailure", "tarn has no descriptors left");
}

ExecutionEnvironment::~ExecutionEnvironment() {
  ::close(wake_);
}

void ExecutionEnvironment::give(std::shared_ptr<Invocation> invocation) {
  std::lock_guard lock(mutex_);
  given_ = std::move(invocation);
  ::eventfd_write(wake_, 1);
}

void ExecutionEnvironment::end(bool after_work) {
  std::lock_guard lock(mutex_);
  (after_work ? end_after_work_ : end_asked_) = true;
  if (!after_work) stop_.request_stop();
  ::eventfd_write(wake_, 1);
}

// ---- start ----

void ExecutionEnvironment::run(std::shared_ptr<Invocation> first) {
  current_ = std::move(first);
  try {
    start();
    serve();
  } catch (const std::exception& e) {
    log(LogLevel::warning, "a function's environment failed",
        Value::map({{"function", function_.name.qualified_arn()}, {"why", e.what()}}));
    const Error error(ErrorKind::bug, "ServiceException", e.what());
    if (current_) std::exchange(current_, nullptr)->fail(error);
  }
  keeper_.may_end(*this);  // from here on it is given nothing
  std::shared_ptr<Invocation> left;
  {
    std::lock_guard lock(mutex_);
    left = std::exchange(given_, nullptr);
  }
  process_.reset();
  if (current_) current_->fail(Error(ErrorKind::bug, "ServiceException", "The function's environment was ended."));
  if (left) keeper_.not_taken(*this, std::move(left));
}

void ExecutionEnvironment::start() {
  const Time now = parts_.clock.now();
  stream_name_ = format_time(now, "%Y/%m/%d") + "/[" + function_.name.qualifier + "]" + parts_.random.hex(32);
  log_ = parts_.logs.writer({function_.name.account, function_.name.region},
                            *function_.configuration.logging_config->log_group, stream_name_);
  api_.emplace(RuntimeApi::Handler{[this](uint64_t c, const RuntimeRequest& r) { on_request(c, r); },
                                   [this](const std::string&) {
                                     if (current_ && handed_over_) finish(failure(too_large_type, too_large_message));
                                   }});
  const Command what = command(api_->address());
  write("INIT_START Runtime Version: tarn:" + function_.configuration.runtime.value_or("image"));
  started_ = steady_clock::now();
  deadline_ = started_ + std::chrono::seconds(limits::function_init_timeout_s + *function_.configuration.timeout);
  const ProcessLimits limits{.memory_bytes = static_cast<uint64_t>(*function_.configuration.memory_size) << 20,
                             .max_processes = limits::max_function_processes};
  process_.emplace(what, limits, [this](Stream, std::span<const std::string_view> lines) { write_lines(lines); });
}

// ---- serving ----

int ExecutionEnvironment::poll_timeout_ms() const {
  const Instant until = current_ ? deadline_ : idle_since_ + std::chrono::seconds(limits::function_idle_timeout_s);
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(ms, 0, 3'600'000));
}

void ExecutionEnvironment::serve() {
  std::vector<pollfd> polls;
  for (;;) {
    polls.clear();
    for (int fd : process_->descriptors()) polls.push_back({fd, POLLIN, 0});
    polls.push_back({wake_, POLLIN, 0});
    const std::size_t first = polls.size();
    api_->add_polls(polls);
    if (::poll(polls.data(), polls.size(), poll_timeout_ms()) < 0 && errno != EINTR)
      throw Error(ErrorKind::bug, "InternalFailure", "tarn could not wait for a function");
    if (polls[3].revents) {
      eventfd_t woken;
      ::eventfd_read(wake_, &woken);
      take_orders();
    }
    api_->serve(polls.data() + first, polls.size() - first);
    if (polls[0].revents || polls[1].revents || polls[2].revents)
      if (auto outcome = process_->step()) return on_exit(*outcome);
    {
      std::lock_guard lock(mutex_);
      if (end_asked_ || (end_after_work_ && !current_ && !given_)) return;
    }
    if (poll_timeout_ms() > 0) continue;
    if (current_) return on_timeout();
    if (idle_for_long()) return;
  }
}

bool ExecutionEnvironment::idle_for_long() {
  if (keeper_.may_end(*this)) return true;
  idle_since_ = steady_clock::now();
  return false;
}

void ExecutionEnvironment::take_orders() {
  std::lock_guard lock(mutex_);
  if (!current_ && given_) {
    current_ = std::move(given_);
    given_ = nullptr;
    handed_over_ = false;
    deadline_ = steady_clock::now() + std::chrono::seconds(limits::function_init_timeout_s);
    if (waiting_connection_) hand_over();
  }
}

void ExecutionEnvironment::on_request(uint64_t connection, const RuntimeRequest& request) {
  std::string_view path = request.path;
  const RuntimeApi::Headers json{{"Content-Type", "application/json"}};
  auto refuse = [&](int status, const char* type, const char* message) {
    api_->answer(connection, status, json, to_json(Value::map({{"errorMessage", message}, {"errorType", type}})));
  };
  if (!path.starts_with(api_root)) return refuse(404, "NotFound", "There is no such path.");
  path.remove_prefix(api_root.size());
  if (request.method == "GET" && path == "invocation/next") return on_next(connection);
  if (request.method == "POST" && path == "init/error") {
    if (initialised_) return refuse(403, "InvalidStateTransition", "The initialisation is over.");
    init_error_ = request.body.empty() ? "{}" : request.body;
    return api_->answer(connection, 202, json, "{\"status\":\"OK\"}");
  }
  const std::string mine = current_ ? "invocation/" + current_->request().request_id : "";
  const bool response = path == mine + "/response", error = path == mine + "/error";
  if (request.method != "POST" || !path.starts_with("invocation/"))
    return refuse(404, "NotFound", "There is no such path.");
  if (!current_ || !handed_over_ || (!response && !error)) return refuse(400, "InvalidRequestID", "Invalid request ID");
  api_->answer(connection, 202, json, "{\"status\":\"OK\"}");
  on_response(request.body, error);
}

void ExecutionEnvironment::on_next(uint64_t connection) {
  waiting_connection_ = connection;
  if (!initialised_) {
    initialised_ = true;
    init_duration_ = steady_clock::now() - started_;
    idle_since_ = steady_clock::now();
  }
  if (current_ && !handed_over_) hand_over();
}

void ExecutionEnvironment::hand_over() {
  const InvocationRequest& r = current_->request();
  const auto timeout = std::chrono::seconds(*function_.configuration.timeout);
  process_->drain();
  log_tail_.clear();
  write("START RequestId: " + r.request_id + " Version: " + function_.name.qualifier);
  // The deadline is told by the system's time, which the handler compares it with, whatever the Clock says.
  const auto deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
      (std::chrono::system_clock::now() + timeout).time_since_epoch());
  RuntimeApi::Headers headers{{"Content-Type", "application/json"},
                              {"Lambda-Runtime-Aws-Request-Id", r.request_id},
                              {"Lambda-Runtime-Deadline-Ms", std::to_string(deadline_ms.count())},
                              {"Lambda-Runtime-Invoked-Function-Arn", r.invoked_arn},
                              {"Lambda-Runtime-Trace-Id", r.trace_id}};
  if (!r.client_context.empty()) headers.emplace_back("Lambda-Runtime-Client-Context", r.client_context);
  handed_over_ = true;
  invoked_ = steady_clock::now();
  deadline_ = invoked_ + timeout;
  api_->answer(*std::exchange(waiting_connection_, std::nullopt), 200, headers, r.payload);
}

void ExecutionEnvironment::on_response(const std::string& body, bool failed) {
  if (body.size() > limits::max_invoke_response_size_bytes) return finish(failure(too_large_type, too_large_message));
  InvocationResult result;
  result.payload = body;
  result.function_failed = failed;
  finish(std::move(result));
}

// The environment may be given the next invocation from here on, though the runtime has yet to ask for it.
void ExecutionEnvironment::finish(InvocationResult result) {
  const std::chrono::duration<double, std::milli> duration = steady_clock::now() - invoked_;
  process_->drain();
  report(duration, "");
  result.log = log_tail_;
  result.duration = duration;
  result.executed_version = function_.name.qualifier;
  auto done = std::exchange(current_, nullptr);
  handed_over_ = false;
  idle_since_ = steady_clock::now();
  keeper_.became_idle(*this);
  done->finish(std::move(result));
}

InvocationResult ExecutionEnvironment::failure(const std::string& type, const std::string& message) const {
  InvocationResult out;
  out.payload = to_json(Value::map({{"errorType", type}, {"errorMessage", message}}));
  out.function_failed = true;
  out.executed_version = function_.name.qualifier;
  return out;
}

void ExecutionEnvironment::on_timeout() {
  if (initialised_ && !handed_over_) return keeper_.not_taken(*this, std::exchange(current_, nullptr));
  const InvocationRequest& r = current_->request();
  const std::string seconds = fixed(static_cast<double>(*function_.configuration.timeout), 2) + " seconds";
  process_->drain();
  if (!handed_over_) {
    log_tail_.clear();
    write("START RequestId: " + r.request_id + " Version: " + function_.name.qualifier);
    invoked_ = started_;
  }
  const std::chrono::duration<double, std::milli> duration = steady_clock::now() - invoked_;
  write(format_iso8601(parts_.clock.now()) + " " + r.request_id + " Task timed out after " + seconds);
  report(duration, "timeout");
  InvocationResult result =
      failure("Sandbox.Timedout", "RequestId: " + r.request_id + " Error: Task timed out after " + seconds);
  result.log = log_tail_;
  result.duration = duration;
  process_.reset();  // nothing of it runs when the caller hears of it
  std::exchange(current_, nullptr)->finish(std::move(result));
}

void ExecutionEnvironment::on_exit(const Outcome& outcome) {
  if (!current_) return;  // what was given meanwhile goes to another environment
  if (initialised_ && !handed_over_) {
    auto invocation = std::exchange(current_, nullptr);
    return keeper_.not_taken(*this, std::move(invocation));
  }
  const InvocationRequest& r = current_->request();
  if (!handed_over_) {
    write("START RequestId: " + r.request_id + " Version: " + function_.name.qualifier);
    invoked_ = started_;
  }
  const std::chrono::duration<double, std::milli> duration = steady_clock::now() - invoked_;
  peak_memory_bytes_ = outcome.peak_memory_bytes;
  std::string how =
      outcome.ending == Ending::signalled
          ? "signal: " + std::string(::sigdescr_np(outcome.signal) ? ::sigdescr_np(outcome.signal) : "unknown")
          : "exit status " + std::to_string(outcome.exit_status);
  std::string type = "Runtime.ExitError",
              message = "RequestId: " + r.request_id + " Error: Runtime exited with error: ";
  if (outcome.ending == Ending::out_of_memory) {
    type = "Runtime.OutOfMemory";
    message += "signal: killed";
  } else if (outcome.ending == Ending::not_started) {
    type = "Runtime.InvalidEntrypoint";
    const bool image = function_.configuration.package_type == "Image";
    message = "RequestId: " + r.request_id + " Error: " +
              (image ? std::string("The image's entry point can't be started: ") + std::strerror(outcome.start_errno)
                     : "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
  } else if (outcome.ending == Ending::exited && outcome.exit_status == 0) {
    message = "RequestId: " + r.request_id + " Error: Runtime exited without providing a reason";
  } else {
    for (char& c : how) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    message += how;
  }
  write(message);
  report(duration, "error\tError Type: " + type);
  InvocationResult result = failure(type, message);
  if (!init_error_.empty()) result.payload = init_error_;
  result.log = log_tail_;
  result.duration = duration;
  process_.reset();
  std::exchange(current_, nullptr)->finish(std::move(result));
}

// ---- log ----

void ExecutionEnvironment::write(std::string_view line) {
  write_lines(std::span(&line, 1));
}

void ExecutionEnvironment::write_lines(std::span<const std::string_view> lines) {
  // awslambdaric writes a trace as one line, with carriage returns within.
  std::vector<std::string> split;
  std::vector<std::string_view> events(lines.begin(), lines.end());
  split.reserve(lines.size());
  for (std::string_view& line : events) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\r') == line.npos) continue;
    std::string& text = split.emplace_back(line);
    std::replace(text.begin(), text.end(), '\r', '\n');
    line = text;
  }
  std::erase_if(events, [](std::string_view line) { return line.empty(); });
  if (events.empty()) return;
  for (std::string_view line : events) log_tail_.append(line).append("\n");
  if (log_tail_.size() > 4 * limits::log_tail_size_bytes)
    log_tail_.erase(0, log_tail_.size() - limits::log_tail_size_bytes);
  try {
    log_->write(events);
  } catch (const Error& e) {
    log(LogLevel::warning, "a function's log was not kept", Value::map({{"reason", e.message()}}));
  }
}

void ExecutionEnvironment::report(std::chrono::duration<double, std::milli> duration, const std::string& status) {
  const std::string id = current_->request().request_id;
  const int64_t memory_mb = *function_.configuration.memory_size;
  const auto used_mb = static_cast<int64_t>(std::max(peak_memory_bytes_, process_->peak_memory_bytes()) >> 20);
  const bool first = !std::exchange(init_reported_, true) && initialised_;
  const double billed = std::ceil(duration.count() + (first ? init_duration_.count() : 0));
  std::string line = "REPORT RequestId: " + id + "\tDuration: " + fixed(duration.count(), 2) +
                     " ms\tBilled Duration: " + fixed(billed, 0) + " ms\tMemory Size: " + std::to_string(memory_mb) +
                     " MB\tMax Memory Used: " + std::to_string(std::min(used_mb, memory_mb)) + " MB\t";
  if (first) line += "Init Duration: " + fixed(init_duration_.count(), 2) + " ms\t";
  if (!status.empty()) line += "Status: " + status;
  const std::string end = "END RequestId: " + id;
  const std::array<std::string_view, 2> lines{end, line};
  write_lines(lines);
}

}  // namespace tarn::compute
