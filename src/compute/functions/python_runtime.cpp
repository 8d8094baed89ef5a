#include "compute/functions/python_runtime.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.hpp"
#include "compute/python_setup.hpp"

namespace tarn::compute {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Who publishes the layer, how its names begin, and the environment of tools/python-env that has its modules.
struct Published {
  PublicLayer layer;
  std::string_view account, name, environment;
};
constexpr Published published[] = {
    {PublicLayer::pandas, "336392948345", "AWSSDKPandas-Python", "job"},
    {PublicLayer::powertools, "017000801446", "AWSLambdaPowertoolsPython", "powertools"},
};

}  // namespace

std::optional<PublicLayer> public_layer(const LayerName& layer) {
  for (const Published& each : published)
    if (layer.account == each.account && layer.name.starts_with(each.name)) return each.layer;
  return std::nullopt;
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

std::string FunctionPython::layer_modules(PublicLayer layer, std::stop_token stop,
                                          const std::function<void(std::string_view)>& progress) {
  std::unique_lock lock(mutex_, std::defer_lock);
  lock_or_stop(lock, stop);
  std::string& modules = layers_[layer];
  if (modules.empty()) {
    const Published* which = std::ranges::find(published, layer, &Published::layer);
    const std::string made =
        set_up_python(folder_ + "/tools/python-env", std::string(which->environment), "", std::move(stop), progress);
    for (const auto& entry : fs::directory_iterator(made + "/lib"))
      if (fs::exists(entry.path() / "site-packages")) modules = entry.path() / "site-packages";
    if (modules.empty()) throw Error(ErrorKind::outside, "EnvironmentSetupFailed", made + " holds no modules.");
  }
  return modules;
}

}  // namespace tarn::compute
