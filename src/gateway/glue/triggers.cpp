#include "gateway/glue/triggers.hpp"

#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {
namespace {

using orchestrate::Triggers;

catalog::Scope scope_of(const api::Context& context) {
  return catalog::scope_of(context);
}

model::BatchGetTriggersResponse batch_get(const Triggers& triggers, const api::Context& context,
                                          const model::BatchGetTriggersRequest& in) {
  model::BatchGetTriggersResponse out;
  out.triggers.emplace();
  out.triggers_not_found.emplace();
  for (const std::string& name : in.trigger_names) {
    if (auto trigger = triggers.find(scope_of(context), name))
      out.triggers->push_back(*std::move(trigger));
    else
      out.triggers_not_found->push_back(name);
  }
  return out;
}

void register_reads(api::Operations& operations, const Triggers& triggers) {
  namespace op = model::op;
  operations.on<op::GetTrigger>([&](api::Context& c, const model::GetTriggerRequest& in) {
    return model::GetTriggerResponse{triggers.get(scope_of(c), in.name)};
  });
  operations.on<op::GetTriggers>([&](api::Context& c, const model::GetTriggersRequest& in) {
    auto page = triggers.list(scope_of(c), in.dependent_job_name, {}, page_of(in.next_token, in.max_results, 200));
    return model::GetTriggersResponse{std::move(page.items), page.next};
  });
  operations.on<op::ListTriggers>([&](api::Context& c, const model::ListTriggersRequest& in) {
    auto page =
        triggers.list(scope_of(c), in.dependent_job_name, in.tags.value_or(std::map<std::string, std::string>{}),
                      page_of(in.next_token, in.max_results, 200));
    model::ListTriggersResponse out;
    out.trigger_names.emplace();
    for (const model::Trigger& trigger : page.items) out.trigger_names->push_back(*trigger.name);
    out.next_token = page.next;
    return out;
  });
  operations.on<op::BatchGetTriggers>(
      [&](api::Context& c, const model::BatchGetTriggersRequest& in) { return batch_get(triggers, c, in); });
}

}  // namespace

void register_glue_triggers(api::Operations& operations, Triggers& triggers) {
  namespace op = model::op;
  operations.on<op::CreateTrigger>([&](api::Context& c, const model::CreateTriggerRequest& in) {
    triggers.create(scope_of(c), in);
    return model::CreateTriggerResponse{in.name};
  });
  operations.on<op::UpdateTrigger>([&](api::Context& c, const model::UpdateTriggerRequest& in) {
    return model::UpdateTriggerResponse{triggers.update(scope_of(c), in.name, in.trigger_update)};
  });
  operations.on<op::DeleteTrigger>([&](api::Context& c, const model::DeleteTriggerRequest& in) {
    triggers.remove(scope_of(c), in.name);
    return model::DeleteTriggerResponse{in.name};
  });
  operations.on<op::StartTrigger>([&](api::Context& c, const model::StartTriggerRequest& in) {
    triggers.start(scope_of(c), in.name);
    return model::StartTriggerResponse{in.name};
  });
  operations.on<op::StopTrigger>([&](api::Context& c, const model::StopTriggerRequest& in) {
    triggers.stop(scope_of(c), in.name);
    return model::StopTriggerResponse{in.name};
  });
  // What the event bus calls for a target arn:aws:glue:…:workflow/NAME.
  operations.on<op::NotifyEvent>([&](api::Context& c, const model::NotifyEventRequest& in) {
    triggers.notify_event(scope_of(c), in.name, in.event_id);
    return model::NotifyEventResponse{};
  });
  register_reads(operations, triggers);
}

}  // namespace tarn::gateway::glue
