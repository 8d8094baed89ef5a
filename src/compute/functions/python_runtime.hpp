// The Python that runs handlers: an environment with awslambdaric and boto3, made on first use by tools/python-env.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "compute/functions/names.hpp"

namespace tarn::compute {

// AWS's public layer with pandas, pyarrow and awswrangler (arn:aws:lambda:REGION:336392948345:layer:AWSSDKPandas-…).
// Functions that name it get those that tarn's jobs have.
bool is_pandas_layer(const LayerName& layer);

// Thread-safe.
class FunctionPython {
 public:
  // `folder` holds tools/; `python` empty: $TARN_FUNCTION_PYTHON, or else the environment that tools/python-env makes.
  FunctionPython(std::string folder, std::string python);

  // The interpreter's path. The first call may take a minute, while others wait; a failure is tried again by the next
  // call: Error (outside, EnvironmentSetupFailed). A stop throws Error (caller, Stopped).
  std::string python(std::stop_token stop, const std::function<void(std::string_view)>& progress);
  // A folder of modules with pandas, likewise.
  std::string pandas_modules(std::stop_token stop, const std::function<void(std::string_view)>& progress);

 private:
  void lock_or_stop(std::unique_lock<std::timed_mutex>& lock, const std::stop_token& stop);

  std::string folder_, python_, pandas_;
  std::timed_mutex mutex_;  // guards python_ and pandas_
};

}  // namespace tarn::compute
