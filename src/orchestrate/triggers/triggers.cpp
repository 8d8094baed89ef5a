#include "orchestrate/triggers/triggers.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "catalog/records.hpp"
#include "catalog/tags.hpp"
#include "orchestrate/triggers/trigger_rules.hpp"

namespace tarn::orchestrate {
namespace {

namespace type = glue::trigger_type;
namespace state = glue::trigger_state;

[[noreturn]] void invalid(const std::string& message) {
  throw Error(ErrorKind::caller, "InvalidInputException", message);
}
[[noreturn]] void not_found(const std::string& message) {
  throw Error(ErrorKind::missing, "EntityNotFoundException", message);
}

glue::Trigger trigger_from(const glue::CreateTriggerRequest& request) {
  glue::Trigger trigger;
  trigger.name = request.name;
  trigger.workflow_name = request.workflow_name;
  trigger.type = request.type;
  trigger.state = state::created;
  trigger.description = request.description;
  trigger.schedule = request.schedule;
  trigger.actions = request.actions;
  trigger.predicate = request.predicate;
  trigger.event_batching_condition = request.event_batching_condition;
  check_trigger(trigger);
  if (request.start_on_creation.value_or(false)) {
    if (trigger.type == type::on_demand || trigger.type == type::event)
      invalid("StartOnCreation is for triggers of type SCHEDULED and CONDITIONAL.");
    trigger.state = state::activated;
  }
  return trigger;
}

bool same_definition(glue::Trigger a, const glue::Trigger& b) {
  a.state = b.state;
  return a == b;
}

void check_workflow(meta::Reader& reader, const Scope& scope, const glue::Trigger& trigger) {
  if (!trigger.workflow_name) return;
  if (!reader.get(workflow_kind, workflow_key(scope, *trigger.workflow_name)))
    not_found("Workflow " + *trigger.workflow_name + " not found.");
  if (trigger.type == type::conditional) return;
  auto others = triggers_of(reader, scope, *trigger.workflow_name);
  if (const glue::Trigger* first = start_trigger(others))
    invalid("Workflow " + *trigger.workflow_name + " already has a starting trigger: " + *first->name + ".");
}

bool starts_job(const glue::Trigger& trigger, const std::string& job) {
  const auto actions = trigger.actions.value_or(std::vector<glue::Action>{});
  return std::any_of(actions.begin(), actions.end(), [&](const glue::Action& a) { return a.job_name == job; });
}

}  // namespace

void Triggers::check_targets(const Scope& scope, const glue::Trigger& trigger) const {
  auto need_job = [&](const std::optional<std::string>& name) {
    if (name && !jobs_.find(scope, *name)) not_found("Job " + *name + " not found.");
  };
  auto need_crawler = [&](const std::optional<std::string>& name) {
    if (name && !crawlers_.find(scope, *name)) not_found("Crawler " + *name + " not found.");
  };
  for (const glue::Action& a : *trigger.actions) {
    need_job(a.job_name);
    need_crawler(a.crawler_name);
  }
  for (const glue::Condition& c :
       trigger.predicate.value_or(glue::Predicate{}).conditions.value_or(std::vector<glue::Condition>{})) {
    need_job(c.job_name);
    need_crawler(c.crawler_name);
  }
}

glue::Trigger Triggers::need(meta::Reader& reader, const Scope& scope, std::string_view name) const {
  auto record = reader.get(trigger_kind, trigger_key(scope, name));
  if (!record) not_found("Trigger with name " + std::string(name) + " not found.");
  return api::from<glue::Trigger>(*record);
}

void Triggers::create(const Scope& scope, const glue::CreateTriggerRequest& request) {
  glue::Trigger trigger = trigger_from(request);
  check_targets(scope, trigger);
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    std::string key = trigger_key(scope, request.name);
    if (auto present = t.get(trigger_kind, key)) {
      if (same_definition(api::from<glue::Trigger>(*present), trigger)) return;
      throw Error(ErrorKind::conflict, "AlreadyExistsException",
                  "Trigger with name " + request.name + " already submitted with different configuration");
    }
    check_workflow(t, scope, trigger);
    t.put(trigger_kind, key, to_value(trigger));
    catalog::put_tags(t, catalog::resource_arn(scope, "trigger", request.name),
                      request.tags.value_or(catalog::TagMap{}));
    firings_.put_due(t, scope, trigger);
  });
  firings_.wake();
}

glue::Trigger Triggers::update(const Scope& scope, std::string_view name, const glue::TriggerUpdate& update) {
  if (update.name && *update.name != name) invalid("A trigger can't be renamed: TriggerUpdate.Name is reserved.");
  auto changed = [&](glue::Trigger trigger) {
    trigger.description = update.description;
    if (update.schedule) trigger.schedule = update.schedule;
    if (update.actions) trigger.actions = update.actions;
    if (update.predicate) trigger.predicate = update.predicate;
    if (update.event_batching_condition) trigger.event_batching_condition = update.event_batching_condition;
    check_trigger(trigger);
    return trigger;
  };
  check_targets(scope, changed(need(metadata_, scope, name)));
  glue::Trigger trigger;
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    trigger = changed(need(t, scope, name));
    t.put(trigger_kind, trigger_key(scope, name), to_value(trigger));
    firings_.put_due(t, scope, trigger);
  });
  firings_.wake();
  return trigger;
}

std::optional<glue::Trigger> Triggers::find(const Scope& scope, std::string_view name) const {
  auto record = metadata_.get(trigger_kind, trigger_key(scope, name));
  return record ? std::optional(api::from<glue::Trigger>(*record)) : std::nullopt;
}

glue::Trigger Triggers::get(const Scope& scope, std::string_view name) const {
  return need(metadata_, scope, name);
}

catalog::Page<glue::Trigger> Triggers::list(const Scope& scope, const std::optional<std::string>& dependent_job,
                                            const std::map<std::string, std::string>& tags,
                                            const catalog::PageRequest& page) const {
  std::vector<glue::Trigger> all;
  for (const meta::Record& r : metadata_.list(trigger_kind, meta::prefix({scope.account, scope.region})))
    all.push_back(api::from<glue::Trigger>(r.value));
  auto starts = [&](const glue::Trigger& trigger) { return starts_job(trigger, *dependent_job); };
  if (dependent_job && std::any_of(all.begin(), all.end(), starts))
    std::erase_if(all, [&](const glue::Trigger& trigger) { return !starts(trigger); });
  catalog::Tags known(metadata_);
  std::string after = catalog::key_of_token(page.token);
  catalog::Page<glue::Trigger> out;
  for (glue::Trigger& trigger : all) {
    std::string key = trigger_key(scope, *trigger.name);
    if (key <= after) continue;
    catalog::TagMap own =
        tags.empty() ? catalog::TagMap{} : known.of(catalog::resource_arn(scope, "trigger", *trigger.name));
    if (!std::includes(own.begin(), own.end(), tags.begin(), tags.end())) continue;
    if (out.items.size() == page.limit) {
      out.next = catalog::token_after(trigger_key(scope, *out.items.back().name));
      break;
    }
    out.items.push_back(std::move(trigger));
  }
  return out;
}

void erase_trigger(meta::Transaction& t, const Scope& scope, std::string_view name) {
  std::string key = trigger_key(scope, name);
  if (!t.erase(trigger_kind, key)) return;
  t.erase(due_kind, key);
  t.erase(events_kind, key);
  catalog::erase_tags(t, catalog::resource_arn(scope, "trigger", name));
}

void Triggers::remove(const Scope& scope, std::string_view name) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) { erase_trigger(t, scope, name); });
  firings_.wake();
}

void Triggers::start(const Scope& scope, std::string_view name) {
  std::string id = firings_.new_chain_id();
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Trigger trigger = need(t, scope, name);
    if (trigger.type == type::on_demand) return firings_.begin(t, scope, trigger, id, {});
    trigger.state = trigger.type == type::event ? state::created : state::activated;
    t.put(trigger_kind, trigger_key(scope, name), to_value(trigger));
    firings_.put_due(t, scope, trigger);
  });
  firings_.wake();
}

void Triggers::stop(const Scope& scope, std::string_view name) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Trigger trigger = need(t, scope, name);
    if (trigger.type == type::on_demand) invalid("A trigger of type ON_DEMAND can't be stopped: it is always CREATED.");
    trigger.state = state::deactivated;
    t.put(trigger_kind, trigger_key(scope, name), to_value(trigger));
    t.erase(due_kind, trigger_key(scope, name));
    t.erase(events_kind, trigger_key(scope, name));
  });
  firings_.wake();
}

void Triggers::notify_event(const Scope& scope, const std::string& workflow, const std::string& event_id) {
  std::string id = firings_.new_chain_id();
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    if (!t.get(workflow_kind, workflow_key(scope, workflow))) not_found("Workflow " + workflow + " not found.");
    auto triggers = triggers_of(t, scope, workflow);
    const glue::Trigger* trigger = start_trigger(triggers);
    if (!trigger || trigger->type != type::event)
      invalid("Workflow " + workflow + " is not started by events: it has no trigger of type EVENT.");
    if (trigger->state == state::deactivated) return;
    std::string key = trigger_key(scope, *trigger->name);
    Time now = clock_.now();
    Value events = t.get(events_kind, key)
                       .value_or(Value::map({{"Ids", Value::list()}, {"FirstMs", now.time_since_epoch().count()}}));
    const ValueList& ids = events.at("Ids").as_list();
    if (std::find(ids.begin(), ids.end(), Value(event_id)) != ids.end()) return;  // delivered again
    events["Ids"].push_back(event_id);
    t.put(events_kind, key, events);
    auto batch = trigger->event_batching_condition.value_or(glue::EventBatchingCondition{1, {}});
    if (static_cast<int64_t>(events.at("Ids").as_list().size()) < batch.batch_size) {
      int64_t due_ms = events.int_or("FirstMs") + batch.batch_window.value_or(900) * 1000;
      t.put(due_kind, key, Value::map({{"DueMs", due_ms}}));
      return;
    }
    t.erase(due_kind, key);
    firings_.begin_by_itself(t, scope, *trigger, id, take_events(t, key, now));
  });
  firings_.wake();
}

}  // namespace tarn::orchestrate
