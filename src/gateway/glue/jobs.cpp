#include "gateway/glue/jobs.hpp"

#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {
namespace {

using compute::Jobs;

catalog::Scope scope_of(const api::Context& context) {
  return catalog::scope_of(context);
}

model::BatchGetJobsResponse batch_get(const Jobs& jobs, const api::Context& context,
                                      const model::BatchGetJobsRequest& in) {
  model::BatchGetJobsResponse out;
  out.jobs.emplace();
  out.jobs_not_found.emplace();
  for (const std::string& name : in.job_names) {
    if (auto job = jobs.find(scope_of(context), name))
      out.jobs->push_back(*job);
    else
      out.jobs_not_found->push_back(name);
  }
  return out;
}

model::BatchStopJobRunResponse batch_stop(Jobs& jobs, const api::Context& context,
                                          const model::BatchStopJobRunRequest& in) {
  model::BatchStopJobRunResponse out;
  out.successful_submissions.emplace();
  out.errors.emplace();
  for (const std::string& id : in.job_run_ids) {
    try {
      jobs.stop_run(scope_of(context), in.job_name, id);
      out.successful_submissions->push_back({in.job_name, id});
    } catch (const Error& e) {
      model::ErrorDetail detail;
      detail.error_code = e.code();
      detail.error_message = e.message();
      out.errors->push_back({in.job_name, id, detail});
    }
  }
  return out;
}

void register_definitions(api::Operations& operations, Jobs& jobs) {
  namespace op = model::op;
  operations.on<op::CreateJob>([&](api::Context& c, const model::CreateJobRequest& in) {
    jobs.create(scope_of(c), in);
    return model::CreateJobResponse{in.name};
  });
  operations.on<op::UpdateJob>([&](api::Context& c, const model::UpdateJobRequest& in) {
    jobs.update(scope_of(c), in.job_name, in.job_update);
    return model::UpdateJobResponse{in.job_name};
  });
  operations.on<op::GetJob>([&](api::Context& c, const model::GetJobRequest& in) {
    return model::GetJobResponse{jobs.job(scope_of(c), in.job_name)};
  });
  operations.on<op::GetJobs>([&](api::Context& c, const model::GetJobsRequest& in) {
    auto page = jobs.list(scope_of(c), page_of(in.next_token, in.max_results, 100));
    return model::GetJobsResponse{std::move(page.items), page.next};
  });
  operations.on<op::ListJobs>([&](api::Context& c, const model::ListJobsRequest& in) {
    auto page = jobs.list(scope_of(c), page_of(in.next_token, in.max_results, 100),
                          in.tags.value_or(std::map<std::string, std::string>{}));
    model::ListJobsResponse out;
    out.job_names.emplace();
    for (const model::Job& job : page.items) out.job_names->push_back(*job.name);
    out.next_token = page.next;
    return out;
  });
  operations.on<op::BatchGetJobs>(
      [&](api::Context& c, const model::BatchGetJobsRequest& in) { return batch_get(jobs, c, in); });
  operations.on<op::DeleteJob>([&](api::Context& c, const model::DeleteJobRequest& in) {
    jobs.remove(scope_of(c), in.job_name);
    return model::DeleteJobResponse{in.job_name};
  });
}

void register_runs(api::Operations& operations, Jobs& jobs) {
  namespace op = model::op;
  operations.on<op::StartJobRun>([&](api::Context& c, const model::StartJobRunRequest& in) {
    return model::StartJobRunResponse{jobs.start_run(scope_of(c), in)};
  });
  operations.on<op::GetJobRun>([&](api::Context& c, const model::GetJobRunRequest& in) {
    model::GetJobRunResponse out{jobs.run(scope_of(c), in.job_name, in.run_id)};
    if (!in.predecessors_included.value_or(false)) out.job_run->predecessor_runs.reset();
    return out;
  });
  operations.on<op::GetJobRuns>([&](api::Context& c, const model::GetJobRunsRequest& in) {
    auto page = jobs.runs(scope_of(c), in.job_name, page_of(in.next_token, in.max_results, 200));
    return model::GetJobRunsResponse{std::move(page.items), page.next};
  });
  operations.on<op::BatchStopJobRun>(
      [&](api::Context& c, const model::BatchStopJobRunRequest& in) { return batch_stop(jobs, c, in); });
  operations.on<op::GetJobBookmark>([&](api::Context& c, const model::GetJobBookmarkRequest& in) {
    return model::GetJobBookmarkResponse{jobs.bookmark(scope_of(c), in.job_name, in.run_id)};
  });
  operations.on<op::ResetJobBookmark>([&](api::Context& c, const model::ResetJobBookmarkRequest& in) {
    return model::ResetJobBookmarkResponse{jobs.reset_bookmark(scope_of(c), in.job_name, in.run_id)};
  });
}

}  // namespace

void register_glue_jobs(api::Operations& operations, Jobs& jobs) {
  register_definitions(operations, jobs);
  register_runs(operations, jobs);
}

}  // namespace tarn::gateway::glue
