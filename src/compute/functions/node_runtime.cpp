#include "compute/functions/node_runtime.hpp"

#include <cstdlib>

#include "base/error.hpp"
#include "compute/python_setup.hpp"

namespace tarn::compute {

bool is_node(const std::string& runtime) {
  return runtime.starts_with("nodejs");
}

std::string node_folder(const std::string& runtime) {
  return "node" + runtime.substr(6, runtime.find('.') - 6);
}

FunctionNode::FunctionNode(std::string folder) : folder_(std::move(folder)) {
  if (const char* given = std::getenv("TARN_FUNCTION_NODE")) node_ = given;
}

void FunctionNode::lock_or_stop(std::unique_lock<std::timed_mutex>& lock, const std::stop_token& stop) {
  using namespace std::chrono_literals;
  while (!lock.try_lock_for(50ms))
    if (stop.stop_requested()) throw Error(ErrorKind::caller, "Stopped", "stopped");
}

std::string FunctionNode::modules(std::stop_token stop, const std::function<void(std::string_view)>& progress) {
  std::unique_lock lock(mutex_, std::defer_lock);
  lock_or_stop(lock, stop);
  if (modules_) return *modules_;
  try {
    modules_ = set_up_python(folder_ + "/tools/node-env", "sdk", "", std::move(stop), progress);
  } catch (const Error& e) {
    if (e.code() == "Stopped") throw;
    progress("AWS's SDK can't be had on this machine: functions have the modules that they bring. " + e.message());
    modules_ = "";
  }
  return *modules_;
}

std::string FunctionNode::node(std::stop_token stop, const std::function<void(std::string_view)>& progress) {
  std::unique_lock lock(mutex_, std::defer_lock);
  lock_or_stop(lock, stop);
  if (node_.empty())
    node_ = set_up_python(folder_ + "/tools/node-env", "function",
                          "Set TARN_FUNCTION_NODE to a Node of version 18 or later.", std::move(stop), progress);
  return node_;
}

}  // namespace tarn::compute
