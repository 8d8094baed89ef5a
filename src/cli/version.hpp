// What this build is.
#pragma once

#include <string>

namespace tarn::cli {

inline constexpr const char* version = TARN_VERSION;

// The folder that holds the Python runtime of jobs: beside the program where it is installed, else in the source tree
// that built it.
std::string job_runtime_dir();

}  // namespace tarn::cli
