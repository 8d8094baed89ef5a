// What tarn and its supervisor tell each other over the control socket (file descriptor 3 of the supervisor).
//
// tarn sends single bytes. The supervisor answers with one Report when the program ended and nothing of its tree is
// left; a closed socket (tarn is gone, kill -9 included) ends the whole tree.
#pragma once

#include <cstdint>

namespace tarn::compute::supervisor {

inline constexpr char terminate = 'T';  // SIGTERM to every process of the tree
inline constexpr char kill = 'K';       // SIGKILL to every process of the tree
inline constexpr int control_fd = 3;

enum class Cause : int32_t { ended, start_failed, out_of_memory, too_many_processes };

struct Report {
  Cause cause;
  int32_t wait_status;  // of the program, as waitpid tells it
  int32_t start_errno;  // start_failed only
  int32_t processes;    // most seen at once
  uint64_t peak_memory_bytes;
};

}  // namespace tarn::compute::supervisor
