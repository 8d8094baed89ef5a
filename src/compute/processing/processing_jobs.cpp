#include "compute/processing/processing_jobs.hpp"

#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"
#include "compute/processing/processing_rules.hpp"
#include "compute/processing/processing_run.hpp"

namespace tarn::compute {
namespace {

//   sagemaker.processing_job   account, region, name   {Request, Status, Created, Modified, Started, Ended,
//   FailureReason,
//                                                       ExitMessage}
constexpr std::string_view processing_kind = "sagemaker.processing_job";
constexpr std::size_t most_at_once = 20;

std::string key_of_job(const Scope& scope, const std::string& name) {
  return meta::key({scope.account, scope.region, name});
}

ProcessingJob job_from(const Scope& scope, const Value& v) {
  ProcessingJob out;
  out.scope = scope;
  out.request = api::from<sagemaker::CreateProcessingJobRequest>(v.at("Request"));
  out.status = v.string_or("Status");
  out.created = v.at("Created").as_time();
  out.modified = v.at("Modified").as_time();
  if (const Value* at = v.find("Started")) out.started = at->as_time();
  if (const Value* at = v.find("Ended")) out.ended = at->as_time();
  out.failure_reason = v.string_or("FailureReason");
  out.exit_message = v.string_or("ExitMessage");
  return out;
}

Value value_of_job(const ProcessingJob& job) {
  Value out = Value::map({{"Request", sagemaker::to_value(job.request)},
                          {"Status", job.status},
                          {"Created", job.created},
                          {"Modified", job.modified},
                          {"FailureReason", job.failure_reason},
                          {"ExitMessage", job.exit_message}});
  if (job.started) out.set("Started", *job.started);
  if (job.ended) out.set("Ended", *job.ended);
  return out;
}

bool is_over(const std::string& status) {
  return status == "Completed" || status == "Failed" || status == "Stopped";
}

}  // namespace

std::string ProcessingJob::arn() const {
  return "arn:aws:sagemaker:" + scope.region + ":" + scope.account + ":processing-job/" + request.processing_job_name;
}

ProcessingJobs::ProcessingJobs(Parts parts, std::string work_folder)
    : p_(parts), work_folder_(std::move(work_folder)) {}

ProcessingJobs::~ProcessingJobs() {
  auto held = hold();
}

void ProcessingJobs::start(std::string endpoint) {
  endpoint_ = std::move(endpoint);
  ProcessingRun::clean(work_folder_);
  for (const meta::Record& r : p_.metadata.list(processing_kind, {})) {
    if (is_over(r.value.string_or("Status"))) continue;
    const auto parts = meta::key_parts(r.key);
    const Scope scope{parts.at(0), parts.at(1), "tarn"};
    change(scope, "tarn", parts.at(2), [&](ProcessingJob& job) {
      job.status = job.status == "Stopping" ? "Stopped" : "Failed";
      if (job.status == "Failed")
        job.failure_reason = "InternalServerError: The job was interrupted: tarn ended while it was under way.";
      job.ended = p_.clock.now();
    });
  }
}

std::unique_lock<std::mutex> ProcessingJobs::hold() {
  std::unique_lock held(starting_);
  std::unique_lock lock(mutex_);
  for (auto& [arn, live] : live_) live->kill.request_stop();
  ended_.wait(lock, [this] { return live_.empty(); });
  return held;
}

std::string ProcessingJobs::create(const Scope& scope, const sagemaker::CreateProcessingJobRequest& request) {
  check_processing_job(request);
  ProcessingJob job;
  job.scope = scope;
  job.request = request;
  job.status = "InProgress";
  job.created = job.modified = p_.clock.now();
  const std::string key = key_of_job(scope, request.processing_job_name);
  std::lock_guard starting(starting_);
  {
    std::lock_guard lock(mutex_);
    if (live_.size() >= most_at_once)
      throw Error(
          ErrorKind::limit, "ResourceLimitExceeded",
          "The account-level service limit for processing jobs under way is " + std::to_string(most_at_once) + ".");
  }
  p_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    if (t.get(processing_kind, key))
      throw Error(
          ErrorKind::conflict, "ResourceInUse",
          "Job name must be unique within an AWS account and region, and a job with this name already exists (" +
              job.arn() + ")");
    t.put(processing_kind, key, value_of_job(job));
  });
  if (changed_) changed_(job);
  launch(job);
  return job.arn();
}

void ProcessingJobs::launch(const ProcessingJob& job) {
  auto live = std::make_shared<Live>();
  {
    std::lock_guard lock(mutex_);
    live_[job.arn()] = live;
  }
  std::thread([this, job, live] {
    ProcessingRun(*this, job, live->stop.get_token(), live->kill.get_token()).execute();
    std::lock_guard lock(mutex_);
    live_.erase(job.arn());
    ended_.notify_all();
  }).detach();
}

ProcessingJob ProcessingJobs::read(meta::Reader& reader, const Scope& scope, const std::string& name) const {
  auto found = reader.get(processing_kind, key_of_job(scope, name));
  if (!found) throw Error(ErrorKind::missing, "ValidationException", "Could not find requested job with name: " + name);
  return job_from(scope, *found);
}

ProcessingJob ProcessingJobs::job(const Scope& scope, const std::string& name) const {
  return read(p_.metadata, scope, name);
}

std::vector<ProcessingJob> ProcessingJobs::list(const Scope& scope) const {
  std::vector<ProcessingJob> out;
  for (const meta::Record& r : p_.metadata.list(processing_kind, meta::prefix({scope.account, scope.region})))
    out.push_back(job_from(scope, r.value));
  return out;
}

void ProcessingJobs::change(const Scope& scope, std::string_view actor, const std::string& name,
                            const std::function<void(ProcessingJob&)>& work) {
  ProcessingJob job;
  std::string before;
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    job = read(t, scope, name);
    before = job.status;
    work(job);
    job.modified = p_.clock.now();
    t.put(processing_kind, key_of_job(scope, name), value_of_job(job));
  });
  if (changed_ && job.status != before) changed_(job);
}

void ProcessingJobs::stop(const Scope& scope, const std::string& name) {
  change(scope, scope.actor_arn, name, [&](ProcessingJob& job) {
    if (is_over(job.status))
      throw Error(ErrorKind::conflict, "ValidationException",
                  "The request was rejected because the processing job is in status " + job.status + ".");
    job.status = "Stopping";
  });
  std::lock_guard lock(mutex_);
  if (auto live = live_.find(job(scope, name).arn()); live != live_.end()) live->second->stop.request_stop();
}

void ProcessingJobs::set_tags(const Scope& scope, const std::string& name,
                              const std::function<void(std::vector<sagemaker::Tag>&)>& work) {
  change(scope, scope.actor_arn, name, [&](ProcessingJob& job) {
    if (!job.request.tags) job.request.tags.emplace();
    work(*job.request.tags);
  });
}

}  // namespace tarn::compute
