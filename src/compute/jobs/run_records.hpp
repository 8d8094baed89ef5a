// Where jobs, runs and bookmarks stand in the metadata store.
//
//   glue.job                account, region, name                  the definition (api::glue::Job)
//   glue.job_run            account, region, job, base, attempt    the run (api::glue::JobRun); newest first
//   glue.active_job_run     the run's key                          the same while it is under way or waits: {Job,
//   Queued, DueMs} glue.job_bookmark       account, region, job                   the present state
//   (api::glue::JobBookmarkEntry) glue.job_run_bookmark   account, region, job, run id           what a run left
//
// A run's id is jr_ and 64 hexadecimal digits, the first 16 of which count down with time, so that keys list the newest
// first; a retry adds _attempt_N to the id of the first attempt.
#pragma once

#include <string>
#include <string_view>

#include "catalog/catalog.hpp"
#include "catalog/tags.hpp"
#include "meta/metadata.hpp"

namespace tarn::compute {

using catalog::Scope;

inline constexpr std::string_view job_kind = "glue.job";
inline constexpr std::string_view run_kind = "glue.job_run";
inline constexpr std::string_view active_kind = "glue.active_job_run";
inline constexpr std::string_view bookmark_kind = "glue.job_bookmark";
inline constexpr std::string_view run_bookmark_kind = "glue.job_run_bookmark";

struct RunId {
  std::string base;  // of the first attempt
  int attempt = 0;
  std::string text() const { return attempt ? base + "_attempt_" + std::to_string(attempt) : base; }
};
RunId parse_run_id(std::string_view id);

inline std::string job_key(const Scope& s, std::string_view name) {
  return meta::key({s.account, s.region, name});
}
inline std::string runs_prefix(const Scope& s, std::string_view job) {
  return meta::prefix({s.account, s.region, job});
}
std::string run_key(const Scope& s, std::string_view job, const RunId& id);
// The scope and the name of the job of a run's key.
Scope scope_of_run(std::string_view key);
std::string job_of_run(std::string_view key);

[[noreturn]] void no_job(std::string_view name);
[[noreturn]] void no_run(std::string_view id);

}  // namespace tarn::compute
