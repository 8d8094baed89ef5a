// `tarn s3 sync` and `tarn s3 cp --recursive`: brings a folder or a prefix to the state of another.
#pragma once

#include <string>
#include <vector>

#include "cli/client.hpp"

namespace tarn::cli {

struct SyncOptions {
  std::string from, to;    // a folder, or s3://bucket/prefix; at least one of the latter
  bool always = false;     // copy also what is there already
  bool size_only = false;  // what has the same size is the same, however old
  bool checksum = false;   // what has the same bytes is the same, by its ETag; ages do not count
  bool remove = false;     // remove at the target what the source lacks
  bool dry_run = false;    // only tell
  bool quiet = false;      // tell only what fails
  // Patterns of names below the two folders: * ? [abc], where * takes in slashes. What one of `exclude` matches is left
  // alone on both sides, unless one of `include` matches it.
  std::vector<std::string> exclude, include;
  int parallel = 8;
};

// Copies what is absent at the target, differs in size, or is newer at the source. Objects move in parallel, large ones
// in parts; a failed one is tried three times. What was cut off goes on where it stood when the command is given again.
// Nothing is removed after a failure. Returns the exit code: 1 when something failed, which was then said. `source` and
// `target` may be different endpoints; between two of them bytes pass through this machine.
int s3_sync(const Target& source, const Target& target, const SyncOptions& options);

}  // namespace tarn::cli
