// SageMaker's processing jobs ("Amazon SageMaker API Reference", CreateProcessingJob; "Build Your Own Processing
// Container"): an image of the registry runs once, with inputs from S3 under /opt/ml/processing, and what it leaves
// there goes to S3 when it has ended well.
//
// A job is InProgress, and then Completed, Failed or Stopped; Stopping while its program has been asked to end. It runs
// in a root file system of its own, of which nothing stays. Thread-safe. Errors: Error with SageMaker's codes
// (ResourceInUse, ValidationException); what tarn does not have is (unsupported, NotImplemented).
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sagemaker.hpp"
#include "base/clock.hpp"
#include "catalog/catalog.hpp"
#include "compute/images/unpacked_images.hpp"
#include "govern/authority.hpp"
#include "govern/identities.hpp"
#include "meta/logs.hpp"
#include "meta/metadata.hpp"
#include "store/store.hpp"

namespace tarn::compute {

namespace sagemaker = api::sagemaker;
using catalog::Scope;

struct ProcessingJob {
  Scope scope;  // whose it is
  sagemaker::CreateProcessingJobRequest request;
  std::string status;  // InProgress, Completed ...
  Time created, modified;
  std::optional<Time> started, ended;
  std::string failure_reason, exit_message;
  std::string arn() const;
};

class ProcessingJobs {
 public:
  // All outlive it.
  struct Parts {
    meta::Metadata& metadata;
    meta::LogStore& logs;
    store::Store& store;
    const govern::Authority& authority;
    govern::Identities& identities;
    UnpackedImages& images;
    Clock& clock;
  };
  // `work_folder`: all that is in it belongs to tarn.
  ProcessingJobs(Parts parts, std::string work_folder);
  // Kills what runs.
  ~ProcessingJobs();

  // Told of each change of a job's status, once it is on disk. It must not throw. Set before start().
  using Changed = std::function<void(const ProcessingJob&)>;
  void when_changed(Changed call) { changed_ = std::move(call); }

  // Jobs that an earlier tarn left in the middle become Failed. Programs reach tarn at `endpoint`.
  void start(std::string endpoint);
  // Kills what runs; until the lock goes, whoever creates a job waits.
  [[nodiscard]] std::unique_lock<std::mutex> hold();

  // Returns the job's ARN at once.
  std::string create(const Scope& scope, const sagemaker::CreateProcessingJobRequest& request);
  ProcessingJob job(const Scope& scope, const std::string& name) const;
  // All of the account and region.
  std::vector<ProcessingJob> list(const Scope& scope) const;
  // Asks the program to end; two minutes later it is killed.
  void stop(const Scope& scope, const std::string& name);
  void set_tags(const Scope& scope, const std::string& name,
                const std::function<void(std::vector<sagemaker::Tag>&)>& change);

 private:
  friend class ProcessingRun;
  struct Live {
    std::stop_source stop, kill;
  };
  ProcessingJob read(meta::Reader& reader, const Scope& scope, const std::string& name) const;
  void launch(const ProcessingJob& job);
  // Changes a job's record, and tells of it where its status is another afterwards.
  void change(const Scope& scope, std::string_view actor, const std::string& name,
              const std::function<void(ProcessingJob&)>& work);

  Parts p_;
  std::string work_folder_, endpoint_;
  Changed changed_;

  std::mutex starting_;       // held while a job is recorded and launched, and by hold()
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<Live>> live_;  // by the job's ARN
};

}  // namespace tarn::compute
