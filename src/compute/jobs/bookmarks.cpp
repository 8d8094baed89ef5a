#include "base/error.hpp"
#include "compute/jobs/jobs.hpp"
#include "compute/jobs/run_records.hpp"

namespace tarn::compute {
namespace {

[[noreturn]] void no_bookmark(std::string_view job) {
  throw Error(ErrorKind::missing, "EntityNotFoundException", "Continuation for job " + std::string(job) + " not found");
}

}  // namespace

glue::JobBookmarkEntry Jobs::bookmark(const Scope& scope, std::string_view job,
                                      const std::optional<std::string>& run_id) const {
  auto record = run_id
                    ? platform_.metadata.get(run_bookmark_kind, meta::key({scope.account, scope.region, job, *run_id}))
                    : platform_.metadata.get(bookmark_kind, job_key(scope, job));
  if (!record) no_bookmark(job);
  return api::from<glue::JobBookmarkEntry>(*record);
}

glue::JobBookmarkEntry Jobs::reset_bookmark(const Scope& scope, std::string_view job,
                                            const std::optional<std::string>& run_id) {
  glue::JobBookmarkEntry entry;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto present = t.get(bookmark_kind, job_key(scope, job));
    if (!present) no_bookmark(job);
    entry = api::from<glue::JobBookmarkEntry>(*present);
    int64_t version = entry.version.value_or(0) + 1;
    if (run_id) {
      auto then = t.get(run_bookmark_kind, meta::key({scope.account, scope.region, job, *run_id}));
      if (!then) no_bookmark(job);
      entry = api::from<glue::JobBookmarkEntry>(*then);
    } else {
      entry = {};
      entry.job_name = job;
      entry.run = entry.attempt = 0;
      entry.job_bookmark = "{}";
    }
    entry.version = version;
    t.put(bookmark_kind, job_key(scope, job), to_value(entry));
  });
  return entry;
}

}  // namespace tarn::compute
