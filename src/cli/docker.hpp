// `tarn docker`: the few commands of Docker's by which the AWS CDK builds and pushes images, without an engine.
#pragma once

#include <string>
#include <vector>

namespace tarn::cli {

// Becomes python/tarn_docker with these words. Returns only where there is no Python: exit code 1.
int docker(const std::vector<std::string>& words);

// Runs what the JSON file `spec` describes in a root file system of its own and returns its exit code: {"at", "lower",
// "upper", "work", "folder", "environment": ["NAME=value"], "binds": [[HOST, PLACE, WRITABLE]], "command": [...]}.
int run_in_root(const std::string& spec);

}  // namespace tarn::cli
