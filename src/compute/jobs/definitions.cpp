#include "base/error.hpp"
#include "catalog/records.hpp"
#include "catalog/tags.hpp"
#include "compute/jobs/jobs.hpp"
#include "compute/jobs/rules.hpp"
#include "compute/jobs/run_records.hpp"

namespace tarn::compute {
namespace {

// Requests and records have the same members; a record has its times beside, and its tags elsewhere.
glue::Job job_from(Value members, std::string_view name) {
  members.erase("Tags");
  members.set("Name", name);
  glue::Job job = api::from<glue::Job>(members);
  check_definition(job);
  return job;
}

bool same_definition(glue::Job a, const glue::Job& b) {
  a.created_on = b.created_on;
  a.last_modified_on = b.last_modified_on;
  return a == b;
}

}  // namespace

void Jobs::create(const Scope& scope, const glue::CreateJobRequest& request) {
  glue::Job job = job_from(to_value(request), request.name);
  job.created_on = job.last_modified_on = platform_.clock.now();
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    std::string at = job_key(scope, request.name);
    if (auto present = t.get(job_kind, at)) {
      if (same_definition(api::from<glue::Job>(*present), job)) return;
      throw Error(ErrorKind::conflict, "IdempotentParameterMismatchException",
                  "Job with name " + request.name + " already submitted with different configuration");
    }
    t.put(job_kind, at, to_value(job));
    catalog::put_tags(t, catalog::resource_arn(scope, "job", request.name), request.tags.value_or(catalog::TagMap{}));
  });
}

void Jobs::update(const Scope& scope, std::string_view name, const glue::JobUpdate& update) {
  glue::Job job = job_from(to_value(update), name);
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    std::string at = job_key(scope, name);
    auto present = t.get(job_kind, at);
    if (!present) no_job(name);
    job.created_on = api::from<glue::Job>(*present).created_on;
    job.last_modified_on = platform_.clock.now();
    t.put(job_kind, at, to_value(job));
  });
}

std::optional<glue::Job> Jobs::find(const Scope& scope, std::string_view name) const {
  auto record = platform_.metadata.get(job_kind, job_key(scope, name));
  return record ? std::optional(api::from<glue::Job>(*record)) : std::nullopt;
}

glue::Job Jobs::job(const Scope& scope, std::string_view name) const {
  auto found = find(scope, name);
  if (!found) no_job(name);
  return *found;
}

catalog::Page<glue::Job> Jobs::list(const Scope& scope, const catalog::PageRequest& page,
                                    const std::map<std::string, std::string>& tags) const {
  std::string all = meta::prefix({scope.account, scope.region});
  if (tags.empty()) return catalog::page_of_records<glue::Job>(platform_.metadata, job_kind, all, page);
  catalog::Tags known(platform_.metadata);
  catalog::Page<glue::Job> out;
  std::string last;
  for (const meta::Record& r : platform_.metadata.list(job_kind, all, catalog::key_of_token(page.token))) {
    auto job = api::from<glue::Job>(r.value);
    catalog::TagMap own = known.of(catalog::resource_arn(scope, "job", *job.name));
    bool carries_all = true;
    for (const auto& tag : tags) {
      auto found = own.find(tag.first);
      carries_all = carries_all && found != own.end() && found->second == tag.second;
    }
    if (!carries_all) continue;
    if (out.items.size() == page.limit) {
      out.next = catalog::token_after(last);
      break;
    }
    out.items.push_back(std::move(job));
    last = r.key;
  }
  return out;
}

void Jobs::remove(const Scope& scope, std::string_view name) {
  std::string mine = runs_prefix(scope, name);
  std::vector<glue::JobRun> ended;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    ended.clear();
    if (!t.erase(job_kind, job_key(scope, name))) return;
    for (const meta::Record& active : t.list(active_kind, mine)) {
      auto present = t.get(run_kind, active.key);
      if (!present) continue;
      auto& run = ended.emplace_back(api::from<glue::JobRun>(*present));
      run.job_run_state = glue::job_run_state::stopped;
      run.completed_on = run.last_modified_on = platform_.clock.now();
      record(t, active.key, run);
    }
    catalog::erase_tags(t, catalog::resource_arn(scope, "job", name));
    t.erase_all(run_kind, mine);
    t.erase_all(active_kind, mine);
    t.erase(bookmark_kind, job_key(scope, name));
    t.erase_all(run_bookmark_kind, mine);
  });
  for (const glue::JobRun& run : ended) tell(run_key(scope, name, parse_run_id(*run.id)), run);
  std::lock_guard lock(mutex_);
  for (auto& [key, live] : live_)
    if (key.starts_with(mine)) live->stop.request_stop();
}

}  // namespace tarn::compute
