#include "gateway/glue/request.hpp"
#include "gateway/glue/triggers.hpp"

namespace tarn::gateway::glue {
namespace {

using orchestrate::Workflows;

catalog::Scope scope_of(const api::Context& context) {
  return catalog::scope_of(context);
}

model::BatchGetWorkflowsResponse batch_get(const Workflows& workflows, const api::Context& context,
                                           const model::BatchGetWorkflowsRequest& in) {
  model::BatchGetWorkflowsResponse out;
  out.workflows.emplace();
  out.missing_workflows.emplace();
  for (const std::string& name : in.names) {
    if (auto workflow = workflows.find(scope_of(context), name, in.include_graph.value_or(false)))
      out.workflows->push_back(*std::move(workflow));
    else
      out.missing_workflows->push_back(name);
  }
  return out;
}

void register_definitions(api::Operations& operations, Workflows& workflows) {
  namespace op = model::op;
  operations.on<op::CreateWorkflow>([&](api::Context& c, const model::CreateWorkflowRequest& in) {
    workflows.create(scope_of(c), in);
    return model::CreateWorkflowResponse{in.name};
  });
  operations.on<op::UpdateWorkflow>([&](api::Context& c, const model::UpdateWorkflowRequest& in) {
    workflows.update(scope_of(c), in);
    return model::UpdateWorkflowResponse{in.name};
  });
  operations.on<op::DeleteWorkflow>([&](api::Context& c, const model::DeleteWorkflowRequest& in) {
    workflows.remove(scope_of(c), in.name);
    return model::DeleteWorkflowResponse{in.name};
  });
  operations.on<op::GetWorkflow>([&](api::Context& c, const model::GetWorkflowRequest& in) {
    return model::GetWorkflowResponse{workflows.get(scope_of(c), in.name, in.include_graph.value_or(false))};
  });
  operations.on<op::BatchGetWorkflows>(
      [&](api::Context& c, const model::BatchGetWorkflowsRequest& in) { return batch_get(workflows, c, in); });
  operations.on<op::ListWorkflows>([&](api::Context& c, const model::ListWorkflowsRequest& in) {
    auto page = workflows.names(scope_of(c), page_of(in.next_token, in.max_results, 25));
    return model::ListWorkflowsResponse{std::move(page.items), page.next};
  });
}

}  // namespace

void register_glue_workflows(api::Operations& operations, Workflows& workflows) {
  namespace op = model::op;
  register_definitions(operations, workflows);
  operations.on<op::StartWorkflowRun>([&](api::Context& c, const model::StartWorkflowRunRequest& in) {
    return model::StartWorkflowRunResponse{workflows.start_run(scope_of(c), in)};
  });
  operations.on<op::GetWorkflowRun>([&](api::Context& c, const model::GetWorkflowRunRequest& in) {
    return model::GetWorkflowRunResponse{
        workflows.run(scope_of(c), in.name, in.run_id, in.include_graph.value_or(false))};
  });
  operations.on<op::GetWorkflowRuns>([&](api::Context& c, const model::GetWorkflowRunsRequest& in) {
    auto page = workflows.runs(scope_of(c), in.name, in.include_graph.value_or(false),
                               page_of(in.next_token, in.max_results, 100));
    return model::GetWorkflowRunsResponse{std::move(page.items), page.next};
  });
  operations.on<op::GetWorkflowRunProperties>([&](api::Context& c, const model::GetWorkflowRunPropertiesRequest& in) {
    return model::GetWorkflowRunPropertiesResponse{workflows.properties(scope_of(c), in.name, in.run_id)};
  });
  operations.on<op::PutWorkflowRunProperties>([&](api::Context& c, const model::PutWorkflowRunPropertiesRequest& in) {
    workflows.put_properties(scope_of(c), in);
    return model::PutWorkflowRunPropertiesResponse{};
  });
  operations.on<op::StopWorkflowRun>([&](api::Context& c, const model::StopWorkflowRunRequest& in) {
    workflows.stop_run(scope_of(c), in.name, in.run_id);
    return model::StopWorkflowRunResponse{};
  });
  operations.on<op::ResumeWorkflowRun>([&](api::Context& c, const model::ResumeWorkflowRunRequest& in) {
    return model::ResumeWorkflowRunResponse{workflows.resume_run(scope_of(c), in.name, in.run_id, in.node_ids),
                                            in.node_ids};
  });
}

}  // namespace tarn::gateway::glue
