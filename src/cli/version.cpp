#include "cli/version.hpp"

#include <filesystem>

namespace tarn::cli {

std::string job_runtime_dir() {
  namespace fs = std::filesystem;
  std::error_code ec;
  const fs::path installed = fs::read_symlink("/proc/self/exe", ec).parent_path();
  return fs::exists(installed / "python" / "tarn_job", ec) ? installed.string() : TARN_SOURCE_DIR;
}

}  // namespace tarn::cli
