#include "compute/jobs/runtime.hpp"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "compute/python_setup.hpp"

namespace tarn::compute {
namespace {

using namespace std::chrono_literals;

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
  return set_up_python(folder_ + "/tools/setup-jobs", what,
                       "Set TARN_JOB_PYTHON to a Python that has pysail, pyspark and boto3.", std::move(stop),
                       progress);
}

}  // namespace tarn::compute
