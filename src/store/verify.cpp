#include "store/verify.hpp"

#include "base/error.hpp"
#include "store/check.hpp"
#include "store/data_folder.hpp"
#include "store/index_repair.hpp"
#include "store/remote_blobs.hpp"
#include "store/scrub_records.hpp"

namespace tarn::store {

Verification verify_local(const std::string& path, const RemoteBodies& remote) {
  DataFolder folder(path, DataFolder::Missing::refuse);
  Verification out;
  if (auto damage = index_damage(path + "/index")) {
    out.problems.push_back("the object index is damaged: " + *damage);
    return out;
  }
  Index index(path + "/index", false);
  const auto blobs = open_blobs(path, false, index, remote, "");
  out = check_store(index, *blobs, true).verification;
  out.last_full_scrub = read_scrub_progress(index).last_full_pass;
  for (const ScrubbedDamage& damage : read_scrubbed_damage(index)) out.scrubbed_damage.push_back(damage.told());
  return out;
}

}  // namespace tarn::store
