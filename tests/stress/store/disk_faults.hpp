// Disks that are slower than others, and power cuts: the program's own write(2), fsync(2) and fdatasync(2) go through
// here, RocksDB's too.
#pragma once

#include <cstdint>
#include <string>

namespace tarn::stress {

// From now on, in this process and those that it forks: writes take a while now and then, flushes nearly always.
void slow_the_disk();

// From now on, in this process and those that it forks, each flush of a file is noted in the file `log`.
void note_flushes(const std::string& log);

// What a power cut would leave of the files in `folder`, which no process writes to any more: whatever was written
// behind the last flush of its file may be there, be cut off, or hold pages of zeros or of nonsense. Needs
// note_flushes(); what is left counts as flushed. (Names of files are kept as they are.) How many files it changed.
uint64_t cut_the_power(const std::string& folder, uint64_t seed);

}  // namespace tarn::stress
