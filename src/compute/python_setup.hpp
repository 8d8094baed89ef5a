// How an environment of Python packages comes about on first use: by a program of tools/, which says what it does and
// tells the folder that it made in the last line of its output.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace tarn::compute {

// Runs `program` with this word, and tarn's own environment variables; returns the folder that it tells. `progress` is
// told each line that it says on its way. Takes minutes at most; a stop throws Error (caller, Stopped), a failure Error
// (outside, EnvironmentSetupFailed) with its last words. `if_missing` says what else one may do where there is no such
// program.
std::string set_up_python(const std::string& program, const std::string& what, const std::string& if_missing,
                          std::stop_token stop, const std::function<void(std::string_view)>& progress);

}  // namespace tarn::compute
