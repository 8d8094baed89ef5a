#include "load/server_usage.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace load {
namespace {

std::string proc(int pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

}  // namespace

double ServerUsage::cpu_seconds() const {
  double ticks = 0;
  for (int pid : pids) {
    std::ifstream file(proc(pid, "stat"));
    std::string text((std::istreambuf_iterator<char>(file)), {});
    // The program's name, the second field, may hold spaces: counting begins behind its parenthesis.
    std::istringstream fields(text.substr(text.rfind(')') == text.npos ? 0 : text.rfind(')') + 1));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    ticks += user + system;
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void ServerUsage::forget_peak() const {
  for (int pid : pids) std::ofstream(proc(pid, "clear_refs")) << "5\n";
}

double ServerUsage::peak_mb() const {
  double kib = 0;
  for (int pid : pids) {
    std::ifstream file(proc(pid, "status"));
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("VmHWM:")) kib += std::stod(line.substr(6));
  }
  return kib * 1024 / 1e6;
}

}  // namespace load
