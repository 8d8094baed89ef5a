#include "compute/functions/python_runtime.hpp"

#include <cstdlib>
#include <filesystem>

#include "base/error.hpp"
#include "compute/python_setup.hpp"

namespace tarn::compute {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::string_view pandas_account = "336392948345", pandas_name = "AWSSDKPandas-Python";

}  // namespace

bool is_pandas_layer(const LayerName& layer) {
  return layer.account == pandas_account && layer.name.starts_with(pandas_name);
}

FunctionPython::FunctionPython(std::string folder, std::string python)
    : folder_(std::move(folder)), python_(std::move(python)) {
  if (python_.empty())
    if (const char* given = std::getenv("TARN_FUNCTION_PYTHON")) python_ = given;
}

void FunctionPython::lock_or_stop(std::unique_lock<std::timed_mutex>& lock, const std::stop_token& stop) {
  while (!lock.try_lock_for(50ms))
    if (stop.stop_requested()) throw Error(ErrorKind::caller, "Stopped", "stopped");
}

std::string FunctionPython::python(std::stop_token stop, const std::function<void(std::string_view)>& progress) {
  std::unique_lock lock(mutex_, std::defer_lock);
  lock_or_stop(lock, stop);
  if (python_.empty())
    python_ = set_up_python(folder_ + "/tools/python-env", "function",
                            "Set TARN_FUNCTION_PYTHON to a Python that has awslambdaric and boto3.", std::move(stop),
                            progress) +
              "/bin/python";
  return python_;
}

std::string FunctionPython::pandas_modules(std::stop_token stop,
                                           const std::function<void(std::string_view)>& progress) {
  std::unique_lock lock(mutex_, std::defer_lock);
  lock_or_stop(lock, stop);
  if (pandas_.empty()) {
    const std::string made = set_up_python(folder_ + "/tools/python-env", "job", "", std::move(stop), progress);
    for (const auto& entry : fs::directory_iterator(made + "/lib"))
      if (fs::exists(entry.path() / "site-packages")) pandas_ = entry.path() / "site-packages";
    if (pandas_.empty()) throw Error(ErrorKind::outside, "EnvironmentSetupFailed", made + " holds no modules.");
  }
  return pandas_;
}

}  // namespace tarn::compute
