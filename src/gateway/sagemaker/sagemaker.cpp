#include "gateway/sagemaker/sagemaker.hpp"

#include <algorithm>
#include <charconv>

#include "api/sagemaker.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "catalog/catalog.hpp"

namespace tarn::gateway {
namespace {

namespace sagemaker = api::sagemaker;
namespace op = sagemaker::op;
using api::Context;
using catalog::scope_of;
using compute::ProcessingJob;
using compute::ProcessingJobs;

constexpr std::size_t max_tags = 50;

std::optional<std::string> not_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

sagemaker::DescribeProcessingJobResponse described(const ProcessingJob& job) {
  sagemaker::DescribeProcessingJobResponse out;
  out.processing_inputs = job.request.processing_inputs;
  out.processing_output_config = job.request.processing_output_config;
  out.processing_job_name = job.request.processing_job_name;
  out.processing_resources = job.request.processing_resources;
  out.stopping_condition = job.request.stopping_condition;
  out.app_specification = job.request.app_specification;
  out.environment = job.request.environment;
  out.network_config = job.request.network_config;
  out.role_arn = job.request.role_arn;
  out.processing_job_arn = job.arn();
  out.processing_job_status = job.status;
  out.exit_message = not_empty(job.exit_message);
  out.failure_reason = not_empty(job.failure_reason);
  out.processing_start_time = job.started;
  out.processing_end_time = job.ended;
  out.creation_time = job.created;
  out.last_modified_time = job.modified;
  return out;
}

bool wanted(const ProcessingJob& job, const sagemaker::ListProcessingJobsRequest& in) {
  return (!in.creation_time_after || job.created > *in.creation_time_after) &&
         (!in.creation_time_before || job.created < *in.creation_time_before) &&
         (!in.last_modified_time_after || job.modified > *in.last_modified_time_after) &&
         (!in.last_modified_time_before || job.modified < *in.last_modified_time_before) &&
         (!in.status_equals || job.status == *in.status_equals) &&
         (!in.name_contains || job.request.processing_job_name.find(*in.name_contains) != std::string::npos);
}

sagemaker::ListProcessingJobsResponse list_jobs(ProcessingJobs& jobs, Context& c,
                                                const sagemaker::ListProcessingJobsRequest& in) {
  std::vector<ProcessingJob> found = jobs.list(scope_of(c));
  std::erase_if(found, [&](const ProcessingJob& job) { return !wanted(job, in); });
  const std::string by = in.sort_by.value_or("CreationTime");
  std::stable_sort(found.begin(), found.end(), [&](const ProcessingJob& a, const ProcessingJob& b) {
    if (by == "Status") return a.status < b.status;
    return by == "CreationTime" && a.created < b.created;  // they come in the order of their names
  });
  if (in.sort_order.value_or("Descending") == "Descending") std::reverse(found.begin(), found.end());
  std::size_t at = 0;
  if (in.next_token) {
    const auto text = base64_decode(*in.next_token);
    if (!text || std::from_chars(text->data(), text->data() + text->size(), at).ptr != text->data() + text->size())
      throw Error(ErrorKind::caller, "ValidationException", "Invalid NextToken.");
  }
  const auto most = static_cast<std::size_t>(in.max_results.value_or(10));
  sagemaker::ListProcessingJobsResponse out;
  for (; at < found.size() && out.processing_job_summaries.size() < most; ++at) {
    const ProcessingJob& job = found[at];
    sagemaker::ProcessingJobSummary one;
    one.processing_job_name = job.request.processing_job_name;
    one.processing_job_arn = job.arn();
    one.creation_time = job.created;
    one.processing_end_time = job.ended;
    one.last_modified_time = job.modified;
    one.processing_job_status = job.status;
    one.failure_reason = not_empty(job.failure_reason);
    one.exit_message = not_empty(job.exit_message);
    out.processing_job_summaries.push_back(std::move(one));
  }
  if (at < found.size()) out.next_token = base64_encode(std::to_string(at));
  return out;
}

// The job that an ARN names.
std::string job_named(const Context& c, const std::string& arn) {
  const std::string start = "arn:aws:sagemaker:" + c.region + ":" + c.account() + ":processing-job/";
  if (!arn.starts_with(start))
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "Tags of " + arn + ": tarn has SageMaker's processing jobs of one's own account and region alone.");
  return arn.substr(start.size());
}

sagemaker::AddTagsOutput add_tags(ProcessingJobs& jobs, Context& c, const sagemaker::AddTagsInput& in) {
  sagemaker::AddTagsOutput out;
  jobs.set_tags(scope_of(c), job_named(c, in.resource_arn), [&](std::vector<sagemaker::Tag>& tags) {
    for (const sagemaker::Tag& tag : in.tags) {
      std::erase_if(tags, [&](const sagemaker::Tag& t) { return t.key == tag.key; });
      tags.push_back(tag);
    }
    if (tags.size() > max_tags) throw Error(ErrorKind::limit, "ValidationException", "A job has at most 50 tags.");
    out.tags = tags;
  });
  return out;
}

}  // namespace

void register_sagemaker(api::Operations& o, ProcessingJobs& jobs) {
  o.on<op::CreateProcessingJob>(
      [&](Context& c, const auto& in) { return sagemaker::CreateProcessingJobResponse{jobs.create(scope_of(c), in)}; });
  o.on<op::DescribeProcessingJob>(
      [&](Context& c, const auto& in) { return described(jobs.job(scope_of(c), in.processing_job_name)); });
  o.on<op::ListProcessingJobs>([&](Context& c, const auto& in) { return list_jobs(jobs, c, in); });
  o.on<op::StopProcessingJob>([&](Context& c, const auto& in) {
    jobs.stop(scope_of(c), in.processing_job_name);
    return api::Empty();
  });
  o.on<op::AddTags>([&](Context& c, const auto& in) { return add_tags(jobs, c, in); });
  o.on<op::ListTags>([&](Context& c, const auto& in) {
    sagemaker::ListTagsOutput out;
    out.tags =
        jobs.job(scope_of(c), job_named(c, in.resource_arn)).request.tags.value_or(std::vector<sagemaker::Tag>());
    return out;
  });
  o.on<op::DeleteTags>([&](Context& c, const auto& in) {
    jobs.set_tags(scope_of(c), job_named(c, in.resource_arn), [&](std::vector<sagemaker::Tag>& tags) {
      std::erase_if(tags, [&](const sagemaker::Tag& t) {
        return std::find(in.tag_keys.begin(), in.tag_keys.end(), t.key) != in.tag_keys.end();
      });
    });
    return sagemaker::DeleteTagsOutput();
  });
}

orchestrate::ServiceEvent processing_job_event(const ProcessingJob& job) {
  Value detail = sagemaker::to_value(described(job));
  // Times are milliseconds here.
  for (const char* name : {"CreationTime", "LastModifiedTime", "ProcessingStartTime", "ProcessingEndTime"})
    if (const Value* at = detail.find(name)) detail.set(name, at->as_time().time_since_epoch().count());
  return {job.scope.account, job.scope.region,  "aws.sagemaker", "SageMaker Processing Job State Change",
          {job.arn()},       std::move(detail), job.modified};
}

}  // namespace tarn::gateway
