// The Node that runs handlers: this machine's own, or one that tools/node-env fetches on first use.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace tarn::compute {

bool is_node(const std::string& runtime);
// "node22": where layers keep modules for that version alone.
std::string node_folder(const std::string& runtime);

// Thread-safe.
class FunctionNode {
 public:
  // `folder` holds tools/ and node/. $TARN_FUNCTION_NODE may name the interpreter.
  explicit FunctionNode(std::string folder);

  // The interpreter's path. The first call may take a minute, while others wait; a failure is tried again by the next
  // call: Error (outside, EnvironmentSetupFailed). A stop throws Error (caller, Stopped).
  std::string node(std::stop_token stop, const std::function<void(std::string_view)>& progress);
  // The folder of modules that every function has beside its own: clients of AWS's SDK. Empty where they can't be had
  // on this machine; that is told by `progress`, and stays so. A stop throws as above.
  std::string modules(std::stop_token stop, const std::function<void(std::string_view)>& progress);
  // Holds index.mjs, which speaks with the runtime API.
  std::string runtime_folder() const { return folder_ + "/node"; }

 private:
  void lock_or_stop(std::unique_lock<std::timed_mutex>& lock, const std::stop_token& stop);

  std::string folder_, node_;
  std::optional<std::string> modules_;
  std::timed_mutex mutex_;  // guards node_ and modules_
};

}  // namespace tarn::compute
