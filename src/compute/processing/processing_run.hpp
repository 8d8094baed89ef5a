// One processing job from its start to its end, on a thread of its own.
#pragma once

#include <stop_token>
#include <string>

#include "compute/process.hpp"
#include "compute/processing/processing_jobs.hpp"

namespace tarn::compute {

class ProcessingRun {
 public:
  ProcessingRun(ProcessingJobs& jobs, ProcessingJob job, std::stop_token stop, std::stop_token kill)
      : jobs_(jobs), job_(std::move(job)), stop_(std::move(stop)), kill_(std::move(kill)) {}

  // Runs it and records how it ended. Does not throw.
  void execute();
  // Removes what runs of an earlier tarn left.
  static void clean(const std::string& work_folder);

 private:
  struct Ended {
    std::string status, failure_reason, exit_message;
  };
  Ended run();
  Ended run_in(const std::string& folder, const RunnableImage& image);
  void fetch_inputs(const std::string& processing) const;
  void fetch(const sagemaker::ProcessingS3Input& input, const std::string& into) const;
  void take_outputs(const std::string& processing) const;
  void take(const std::string& file, const std::string& bucket, const std::string& key) const;
  void write_config(const std::string& folder) const;
  Command command(const std::string& folder, const RunnableImage& image) const;
  store::Grant grant(store::Access access, const std::string& bucket, const std::string& prefix) const;
  bool interrupted() const { return kill_.stop_requested(); }

  ProcessingJobs& jobs_;
  ProcessingJob job_;
  std::stop_token stop_, kill_;
};

}  // namespace tarn::compute
