#include "meta/note_end.hpp"

#include <chrono>
#include <exception>
#include <string>
#include <thread>

#include "base/log.hpp"

namespace tarn::meta {

bool note_end(std::string_view what, const std::function<void()>& note, const std::function<bool()>& given_up) {
  for (int failures = 0;; ++failures) {
    try {
      note();
      return true;
    } catch (const std::exception& error) {
      if (failures == 0)
        log(LogLevel::error, "an end could not be noted; it is tried again",
            Value::map({{"of", std::string(what)}, {"error", error.what()}}));
    }
    for (int wait = 0; wait < 10; ++wait) {
      if (given_up()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

}  // namespace tarn::meta
