// `tarn doctor`: what this machine has of what tarn needs, and what to do about the rest.
#pragma once

#include <string>

namespace tarn::cli {

// Prints a line a check; returns 1 when something that tarn can't do without is missing.
int doctor(const std::string& data_dir, int port, bool json);

}  // namespace tarn::cli
