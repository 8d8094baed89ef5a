// The `tarn` command: its subcommands and their options.
#pragma once

namespace tarn::cli {

// Runs the command that the arguments name; returns the exit code: 0 done, 1 refused or failed (said on standard
// error), 2 and more: wrong usage.
int run(int argc, char** argv);

}  // namespace tarn::cli
