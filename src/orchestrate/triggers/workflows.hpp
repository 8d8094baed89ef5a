// Glue's workflows and their runs ("AWS Glue Web API Reference", Workflows). A run is a chain (chain.hpp) that the
// workflow's start trigger begins; it is COMPLETED when nothing is under way any more, whatever its jobs came to.
//
// Thread-safe; a change that returned is on disk. Errors: Error with Glue's codes (EntityNotFoundException,
// AlreadyExistsException, InvalidInputException, ConcurrentRunsExceededException, IllegalWorkflowStateException).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrate/triggers/firings.hpp"

namespace tarn::orchestrate {

class Workflows {
 public:
  // All outlive it.
  Workflows(meta::Metadata& metadata, Clock& clock, compute::Jobs& jobs, catalog::Crawlers& crawlers, Firings& firings)
      : metadata_(metadata), clock_(clock), jobs_(jobs), crawlers_(crawlers), firings_(firings) {}

  void create(const Scope& scope, const glue::CreateWorkflowRequest& request);
  // What the request leaves out stays as it is.
  void update(const Scope& scope, const glue::UpdateWorkflowRequest& request);
  // With its triggers and runs; what runs is stopped. One that is not there is no error.
  void remove(const Scope& scope, const std::string& name);
  std::optional<glue::Workflow> find(const Scope& scope, const std::string& name, bool with_graph) const;
  glue::Workflow get(const Scope& scope, const std::string& name, bool with_graph) const;
  catalog::Page<std::string> names(const Scope& scope, const catalog::PageRequest& page) const;

  // Returns the run's id.
  std::string start_run(const Scope& scope, const glue::StartWorkflowRunRequest& request);
  glue::WorkflowRun run(const Scope& scope, const std::string& name, const std::string& run_id, bool with_graph) const;
  // Newest first.
  catalog::Page<glue::WorkflowRun> runs(const Scope& scope, const std::string& name, bool with_graph,
                                        const catalog::PageRequest& page) const;
  std::map<std::string, std::string> properties(const Scope& scope, const std::string& name,
                                                const std::string& run_id) const;
  void put_properties(const Scope& scope, const glue::PutWorkflowRunPropertiesRequest& request);
  // STOPPING, and STOPPED when nothing runs any more.
  void stop_run(const Scope& scope, const std::string& name, const std::string& run_id);
  // A new run that takes over what ended well in this one, and runs these nodes and all that follow from them. Returns
  // its id.
  std::string resume_run(const Scope& scope, const std::string& name, const std::string& run_id,
                         const std::vector<std::string>& node_ids);

 private:
  glue::WorkflowRun describe(const Scope& scope, const Chain& chain, bool with_graph) const;
  Chain need_run(meta::Reader& reader, const Scope& scope, const std::string& name, const std::string& run_id) const;

  meta::Metadata& metadata_;
  Clock& clock_;
  compute::Jobs& jobs_;
  catalog::Crawlers& crawlers_;
  Firings& firings_;
};

}  // namespace tarn::orchestrate
