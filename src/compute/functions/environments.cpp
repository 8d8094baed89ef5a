#include "compute/functions/environments.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"
#include "compute/functions/limits.hpp"

namespace tarn::compute {
namespace {

std::string key_of(const RunnableFunction& f) {
  return f.name.qualified_arn() + "\n" + f.generation;
}
std::string region_of(const FunctionName& f) {
  return f.account + "/" + f.region;
}

std::size_t room_of_machine() {
  const auto machine = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  return std::clamp<std::size_t>(machine / limits::function_share_of_memory_bytes, 8,
                                 limits::max_concurrent_executions);
}

[[noreturn]] void too_many(const char* reason) {
  throw Error(ErrorKind::limit, "TooManyRequestsException", "Rate Exceeded.")
      .with("Type", "User")
      .with("Reason", reason);
}

const Error ended_error(ErrorKind::bug, "ServiceException", "tarn ended the function's environment.");

}  // namespace

Environments::Environments(EnvironmentParts parts, EnvironmentOptions options)
    : parts_(parts), options_(std::move(options)) {
  if (options_.most_at_once == 0) options_.most_at_once = room_of_machine();
}

Environments::~Environments() {
  stop();
}

void Environments::start(std::string endpoint) {
  endpoint_ = std::move(endpoint);
  std::error_code ignored;
  std::filesystem::remove_all(options_.work_folder, ignored);
}

void Environments::stop() {
  Lock lock(mutex_);
  end_all(lock);
}

std::unique_lock<std::mutex> Environments::hold() {
  std::unique_lock held(starting_);
  Lock lock(mutex_);
  end_all(lock);
  closing_ = false;
  return held;
}

void Environments::end_all(Lock& lock) {
  closing_ = true;
  for (auto& [pointer, environment] : live_)
    if (environment) environment->end(false);
  auto waiting = std::exchange(waiting_, {});
  lock.unlock();
  for (Waiting& w : waiting) w.invocation->fail(ended_error);
  lock.lock();
  changed_.wait(lock, [this] { return live_.empty(); });
}

std::size_t Environments::count() const {
  std::lock_guard lock(mutex_);
  return live_.size();
}

int64_t Environments::run(const RunnableFunction& function, std::shared_ptr<Invocation> invocation) {
  std::lock_guard starting(starting_);
  std::lock_guard lock(mutex_);
  if (closing_) throw Error(ended_error);
  const std::string name = function.name.arn(), region = region_of(function.name);
  const bool reserved = function.reserved_concurrency.has_value();
  if (reserved && running_[name] >= *function.reserved_concurrency)
    too_many("ReservedFunctionConcurrentInvocationLimitExceeded");
  if (!reserved && running_in_region_[region] >= limits::max_concurrent_executions)
    too_many("ConcurrentInvocationLimitExceeded");
  const int64_t running = ++running_[name];
  if (!reserved) ++running_in_region_[region];
  invocation->when_ending([this, name, region = reserved ? std::string() : region](auto) { count_down(name, region); });
  place({function, std::move(invocation)});
  return running;
}

void Environments::count_down(const std::string& function, const std::string& region) {
  std::lock_guard lock(mutex_);
  if (--running_[function] == 0) running_.erase(function);
  if (!region.empty() && --running_in_region_[region] == 0) running_in_region_.erase(region);
}

void Environments::place(Waiting waiting) {
  if (give_to_idle(waiting)) return;
  if (live_.size() < options_.most_at_once) return launch(std::move(waiting));
  end_longest_idle();
  waiting_.push_back(std::move(waiting));
}

bool Environments::give_to_idle(const Waiting& waiting) {
  auto idle = idle_.find(key_of(waiting.function));
  while (idle != idle_.end()) {
    ExecutionEnvironment* environment = idle->second.back();
    forget_idle(*environment);
    if (environment->retires_at() > parts_.clock.now()) {
      environment->give(waiting.invocation);
      return true;
    }
    environment->end(true);
    idle = idle_.find(key_of(waiting.function));
  }
  return false;
}

void Environments::launch(Waiting waiting) {
  std::shared_ptr<ExecutionEnvironment> environment;
  auto invocation = waiting.invocation;
  try {
    environment = std::make_shared<ExecutionEnvironment>(parts_, static_cast<EnvironmentKeeper&>(*this),
                                                         std::move(waiting.function), endpoint_,
                                                         options_.work_folder + "/" + std::to_string(++last_id_));
    live_[environment.get()] = environment;
    std::thread([this, environment, invocation]() mutable {
      environment->run(std::move(invocation));
      const ExecutionEnvironment* which = environment.get();
      environment.reset();
      ended(which);
    }).detach();
  } catch (const std::exception& e) {
    if (environment) live_.erase(environment.get());
    const Error error(ErrorKind::bug, "ServiceException",
                      std::string("The function's environment could not be started: ") + e.what());
    std::thread([invocation, error] { invocation->fail(error); }).detach();
  }
}

// Its folder is gone before whoever waits for it hears so; removing that takes too long to hold others up.
void Environments::ended(const ExecutionEnvironment* environment) {
  std::shared_ptr<ExecutionEnvironment> last;
  {
    std::lock_guard lock(mutex_);
    retired_.erase(environment);
    last = std::exchange(live_.at(environment), nullptr);
  }
  last.reset();
  std::lock_guard lock(mutex_);
  live_.erase(environment);
  while (!closing_ && !waiting_.empty() && live_.size() < options_.most_at_once) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    if (!give_to_idle(next)) launch(std::move(next));
  }
  changed_.notify_all();
}

void Environments::end_longest_idle() {
  if (idle_order_.empty()) return;
  ExecutionEnvironment* environment = idle_order_.front();
  forget_idle(*environment);
  environment->end(true);
}

bool Environments::forget_idle(const ExecutionEnvironment& environment) {
  auto place = std::find(idle_order_.begin(), idle_order_.end(), &environment);
  if (place == idle_order_.end()) return false;
  idle_order_.erase(place);
  auto idle = idle_.find(key_of(environment.function()));
  std::erase(idle->second, &environment);
  if (idle->second.empty()) idle_.erase(idle);
  return true;
}

void Environments::became_idle(ExecutionEnvironment& environment) {
  std::lock_guard lock(mutex_);
  if (closing_ || retired_.contains(&environment)) return environment.end(true);
  const std::string key = key_of(environment.function());
  auto next =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return key_of(w.function) == key; });
  if (next != waiting_.end()) {
    environment.give(next->invocation);
    waiting_.erase(next);
    return;
  }
  if (!waiting_.empty()) return environment.end(true);
  idle_[key].push_back(&environment);
  idle_order_.push_back(&environment);
}

bool Environments::may_end(ExecutionEnvironment& environment) {
  std::lock_guard lock(mutex_);
  return forget_idle(environment);
}

void Environments::not_taken(ExecutionEnvironment& environment, std::shared_ptr<Invocation> invocation) {
  {
    std::lock_guard lock(mutex_);
    forget_idle(environment);
    if (!closing_) return place({environment.function(), std::move(invocation)});
  }
  invocation->fail(ended_error);
}

void Environments::retire(const FunctionName& name, bool all) {
  std::lock_guard lock(mutex_);
  for (auto& [pointer, environment] : live_) {
    if (!environment) continue;
    const FunctionName& f = environment->function().name;
    if (f.arn() != name.arn() || (!all && f.qualifier != latest_version)) continue;
    retired_.insert(pointer);
    if (forget_idle(*environment)) environment->end(true);
  }
}

}  // namespace tarn::compute
