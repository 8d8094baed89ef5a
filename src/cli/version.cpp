#include "cli/version.hpp"

#include <filesystem>

namespace tarn::cli {

std::string job_runtime_dir() {
  namespace fs = std::filesystem;
  std::error_code ec;
  const fs::path program = fs::read_symlink("/proc/self/exe", ec);
  const fs::path installed = program.parent_path() / "python";
  return fs::exists(installed / "tarn_job", ec) ? installed.string() : std::string(TARN_SOURCE_DIR) + "/python";
}

}  // namespace tarn::cli
