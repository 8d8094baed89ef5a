// One walk over a closed store: what is wrong in it, in words (verify.hpp) and as data (repair.hpp).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/blobs.hpp"
#include "store/index.hpp"
#include "store/records.hpp"
#include "store/verify.hpp"

namespace tarn::store {

// A version of an object that can't be read whole any more.
struct LostVersion {
  std::string bucket, key, version_id;
  bool latest = false;
  uint64_t size_bytes = 0;
  std::string etag;
  Time last_modified{};
  std::string why;
  // Where its record stands.
  Family family = Family::objects;
  std::string record_key;
};

struct LostPart {
  std::string upload_id;
  int number = 0;
  std::string why;
};

struct Findings {
  Verification verification;

  // ---- what can't be had back: a body that is missing or damaged, a record that can't be read ----
  std::vector<LostVersion> lost;
  std::vector<LostPart> lost_parts;
  std::vector<std::pair<Family, std::string>> unreadable;  // the keys of other records

  // ---- what follows from the rest ----
  std::map<BlobId, uint64_t> right_counts;                      // of the blobs whose count of uses is wrong
  std::vector<BlobId> unused_bodies, unused_files;              // nothing uses them
  std::vector<BlobId> strays;                                   // blobs without a record
  std::vector<BlobId> unused_layouts;                           //
  std::vector<std::pair<BlobId, FileRecord>> unrecorded_files;  // used and whole, but without a record
  std::map<std::string, std::optional<uint64_t>> right_nulls;   // by the object's key: where its null version stands
  std::set<std::string> headless;    // keys of objects whose latest version stands among the old ones
  std::vector<std::string> orphans;  // keys of parts without an upload
  std::set<std::string> lost_buckets;
  BlobId highest_id = 0;  // of all that was seen

  bool has_structural() const {
    return !(right_counts.empty() && unused_bodies.empty() && unused_files.empty() && strays.empty() &&
             unused_layouts.empty() && unrecorded_files.empty() && right_nulls.empty() && headless.empty() &&
             orphans.empty() && lost_buckets.empty());
  }
};

// `read_bodies` false leaves large bodies unread: only whether they are there is found out; for a store without
// unsettled blobs.
Findings check_store(const Index& index, const Blobs& blobs, bool read_bodies);

}  // namespace tarn::store
