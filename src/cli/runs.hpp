// `tarn runs`: the runs of every kind, newest first, as trees of what started what: runs of workflows, jobs, crawlers
// and state machines, and queries.
#pragma once

#include <optional>
#include <string>

#include "cli/client.hpp"

namespace tarn::cli {

struct RunsOptions {
  std::size_t limit = 20;  // of each kind, of each workflow, job, crawler and state machine
  bool json = false;
};

// Speaks AWS's operations alone. A kind that the endpoint does not have is left out.
int runs(Client& client, const RunsOptions& options);

}  // namespace tarn::cli
