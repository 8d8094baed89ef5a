// The Python that runs handlers: an environment with awslambdaric and boto3, made on first use by tools/python-env.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "compute/functions/names.hpp"

namespace tarn::compute {

// Layers that AWS publishes for everybody: pandas with pyarrow and awswrangler
// (arn:aws:lambda:REGION:336392948345:layer: AWSSDKPandas-…; functions that name it get those that tarn's jobs have),
// and Powertools for Lambda (…:017000801446: layer:AWSLambdaPowertoolsPython…). Whatever version is named, they are
// those of tools/versions.txt.
enum class PublicLayer { pandas, powertools };
// Absent: the layer is none of these.
std::optional<PublicLayer> public_layer(const LayerName& layer);

// Thread-safe.
class FunctionPython {
 public:
  // `folder` holds tools/; `python` empty: $TARN_FUNCTION_PYTHON, or else the environment that tools/python-env makes.
  FunctionPython(std::string folder, std::string python);

  // The interpreter's path. The first call may take a minute, while others wait; a failure is tried again by the next
  // call: Error (outside, EnvironmentSetupFailed). A stop throws Error (caller, Stopped).
  std::string python(std::stop_token stop, const std::function<void(std::string_view)>& progress);
  // A public layer's folder of modules, likewise.
  std::string layer_modules(PublicLayer layer, std::stop_token stop,
                            const std::function<void(std::string_view)>& progress);

 private:
  void lock_or_stop(std::unique_lock<std::timed_mutex>& lock, const std::stop_token& stop);

  std::string folder_, python_;
  std::map<PublicLayer, std::string> layers_;
  std::timed_mutex mutex_;  // guards python_ and layers_
};

}  // namespace tarn::compute
