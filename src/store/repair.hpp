// Mends a closed store: what follows from the rest is made anew, what is lost is told and, if asked for, taken out.
//
//   the index        tables that are damaged, MANIFEST or CURRENT gone: a new index is made of what can be read
//                    (index_repair.hpp); the old one stays beside it as index.damaged-TIME
//   wrong counts     of the uses of a blob are counted anew
//   blobs without a record, or that nothing uses: put aside into aside/, or removed
//   missing records  of blobs that are there and whole are written again; a bucket that objects stand in and that is
//                    gone is made again, with no settings
//   broken order     a latest version that stands among the old ones takes its place; the record of where the null
//                    version stands is written again
//   leftovers        of uploads and of writes that came to no end are removed
//   lost versions    whose body is missing or damaged, or whose record can't be read: listed, and with drop_corrupt
//                    taken out, after a report of them was written
//
// Nothing is changed unless `apply` is set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "store/remote.hpp"

namespace tarn::store {

struct RepairOptions {
  bool apply = false;
  bool drop_corrupt = false;    // takes lost versions out of the index; needs `apply`
  bool remove_orphans = false;  // blobs that nothing knows are removed, not put aside
};

struct LostObject {
  std::string bucket, key, version_id;
  bool latest = false;
  uint64_t size_bytes = 0;
  std::string etag;
  std::optional<Time> last_modified;  // absent: not even that can be read
  std::string why;
};

struct RepairReport {
  std::vector<std::string> problems;  // found, a sentence each
  std::vector<std::string> done;      // or, without `apply`, what would be done
  std::vector<LostObject> lost;
  uint64_t lost_parts = 0;        // of uploads
  uint64_t records_kept = 0;      // of a damaged index; 0: it is sound
  std::string report_file;        // where the lost ones were written down; empty: nothing was dropped
  std::vector<std::string> left;  // what is wrong still: with `apply`, after the repair
};

// A store that is open throws Error (caller, DataFolderInUse), a folder that holds none Error (caller,
// InvalidDataFolder). `remote` as for open_local().
RepairReport repair_local(const std::string& path, Clock& clock, const RepairOptions& options,
                          const RemoteBodies& remote = {});

}  // namespace tarn::store
