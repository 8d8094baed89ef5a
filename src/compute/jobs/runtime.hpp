// The Python that runs job scripts: an environment with pysail, PySpark and boto3, made on first use by
// tools/setup-jobs.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

namespace tarn::compute {

// Thread-safe.
class PythonRuntime {
 public:
  // `python` empty: $TARN_JOB_PYTHON, or else the environment that `folder`/tools/setup-jobs makes.
  PythonRuntime(std::string folder, std::string python);

  // The interpreter's path; for the engine "spark" Apache Spark and its jars are made ready too. The first call may
  // take minutes, while others wait; `progress` is told what the set-up says. A failure is tried again by the next
  // call; it throws Error (outside, EnvironmentSetupFailed) with the set-up's last words. A stop throws Error (caller,
  // Stopped).
  std::string python(std::string_view engine, std::stop_token stop,
                     const std::function<void(std::string_view)>& progress);
  // What PYTHONPATH must hold.
  std::string modules_folder() const { return folder_ + "/python"; }

 private:
  // Runs tools/setup-jobs with this word; returns the folder that it tells.
  std::string set_up(const char* what, std::stop_token stop,
                     const std::function<void(std::string_view)>& progress) const;

  std::string folder_, python_;
  bool given_ = false;  // whether the interpreter was named, and nothing is set up
  bool spark_ready_ = false;
  std::timed_mutex mutex_;  // guards python_ and spark_ready_
};

}  // namespace tarn::compute
