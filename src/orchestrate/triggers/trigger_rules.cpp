#include "orchestrate/triggers/trigger_rules.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "orchestrate/triggers/firings.hpp"

namespace tarn::orchestrate {
namespace {

constexpr std::array<std::string_view, 4> job_states = {"SUCCEEDED", "STOPPED", "FAILED", "TIMEOUT"};
constexpr std::array<std::string_view, 3> crawl_states = {"SUCCEEDED", "FAILED", "CANCELLED"};
constexpr int64_t default_batch_window_s = 900;

[[noreturn]] void invalid(const std::string& message) {
  throw Error(ErrorKind::caller, "InvalidInputException", message);
}

void check_action(const glue::Action& action) {
  if (action.job_name.has_value() == action.crawler_name.has_value())
    invalid("An action starts either a job or a crawler: set JobName or CrawlerName.");
  if (action.timeout && *action.timeout < 1) invalid("The Timeout of an action must be at least 1 minute.");
  if (action.crawler_name &&
      (action.arguments || action.timeout || action.security_configuration || action.notification_property))
    invalid("Arguments, Timeout, SecurityConfiguration and NotificationProperty are for actions that start a job.");
  if (action.security_configuration)
    throw Error(ErrorKind::missing, "EntityNotFoundException",
                "Security configuration " + *action.security_configuration + " not found.");
}

void check_condition(glue::Condition& c) {
  if (c.job_name.has_value() == c.crawler_name.has_value())
    invalid("A condition watches either a job or a crawler: set JobName or CrawlerName.");
  if (!c.logical_operator) c.logical_operator = glue::logical_operator::equals;
  if (c.job_name) {
    if (c.crawl_state) invalid("CrawlState is for conditions on a crawler: set State.");
    if (std::find(job_states.begin(), job_states.end(), c.state.value_or("")) == job_states.end())
      invalid("The State of a condition on a job can be SUCCEEDED, STOPPED, FAILED or TIMEOUT.");
  } else {
    if (c.state) invalid("State is for conditions on a job: set CrawlState.");
    if (std::find(crawl_states.begin(), crawl_states.end(), c.crawl_state.value_or("")) == crawl_states.end())
      invalid("The CrawlState of a condition on a crawler can be SUCCEEDED, FAILED or CANCELLED.");
  }
}

void check_predicate(glue::Trigger& trigger) {
  if (!trigger.predicate || !trigger.predicate->conditions || trigger.predicate->conditions->empty())
    invalid("A CONDITIONAL trigger must have a Predicate with at least one condition.");
  auto& predicate = *trigger.predicate;
  if (predicate.conditions->size() > 1 && !predicate.logical)
    invalid("Predicate.Logical must be AND or ANY where there are several conditions.");
  for (glue::Condition& c : *predicate.conditions) {
    check_condition(c);
    for (const glue::Action& action : *trigger.actions) {
      if (c.job_name && c.job_name == action.job_name)
        invalid("Job cannot be a Predicate and Action for Conditional Trigger.");
      if (c.crawler_name && c.crawler_name == action.crawler_name)
        invalid("Crawler cannot be a Predicate and Action for Conditional Trigger.");
    }
  }
}

}  // namespace

void check_trigger(glue::Trigger& trigger) {
  const std::string& type = *trigger.type;
  if (!trigger.actions || trigger.actions->empty()) invalid("A trigger must have at least one action.");
  for (const glue::Action& action : *trigger.actions) check_action(action);

  bool scheduled = type == glue::trigger_type::scheduled, conditional = type == glue::trigger_type::conditional;
  bool by_events = type == glue::trigger_type::event;
  if (scheduled && trigger.schedule.value_or("").empty()) invalid("A SCHEDULED trigger must have a Schedule.");
  if (!scheduled && !trigger.schedule.value_or("").empty()) invalid("Schedule is for triggers of type SCHEDULED.");
  if (scheduled) next_time(trigger, {});
  if (conditional) check_predicate(trigger);
  if (!conditional && trigger.predicate && trigger.predicate->conditions && !trigger.predicate->conditions->empty())
    invalid("Predicate is for triggers of type CONDITIONAL.");
  if (by_events && !trigger.workflow_name) invalid("An EVENT trigger must belong to a workflow: set WorkflowName.");
  if (!by_events && trigger.event_batching_condition) invalid("EventBatchingCondition is for triggers of type EVENT.");
  if (trigger.event_batching_condition && !trigger.event_batching_condition->batch_window)
    trigger.event_batching_condition->batch_window = default_batch_window_s;
}

}  // namespace tarn::orchestrate
