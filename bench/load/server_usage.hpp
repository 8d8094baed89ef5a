// What other processes use, read from /proc: their CPU time and their resident memory.
#pragma once

#include <vector>

namespace load {

struct ServerUsage {
  std::vector<int> pids;  // all processes of one server

  // Since they started, user and system together; in steps of the kernel's clock tick (10 ms).
  double cpu_seconds() const;
  // Lets peak_mb() begin anew.
  void forget_peak() const;
  // The most that was resident since forget_peak(), summed over the processes.
  double peak_mb() const;
};

}  // namespace load
