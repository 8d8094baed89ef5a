#include "orchestrate/events/service_events.hpp"

#include "base/json.hpp"
#include "notify/targets.hpp"

namespace tarn::orchestrate {

std::optional<std::string> ObjectEventsToBus::refusal(const std::string&, const store::BucketInfo&) {
  return std::nullopt;
}

void ObjectEventsToBus::deliver(const std::string& arn, const store::BucketInfo&, const std::string& entry) {
  const auto bus = notify::parse_arn(arn);
  const Value v = parse_json(entry);
  ServiceEvent event{bus->account,
                     bus->region,
                     v.string_or("Source"),
                     v.string_or("DetailType"),
                     {},
                     parse_json(v.string_or("Detail")),
                     parse_iso8601(v.string_or("Time")).value_or(Time())};
  api::from_value(v.at("Resources"), event.resources);
  bus_.put(event);
}

ServiceEvent crawler_event(std::string_view account, std::string_view region, const api::glue::Crawler& crawler,
                           std::string_view state, Time now) {
  Value detail = Value::map({{"accountId", account},
                             {"crawlerName", crawler.name.value_or("")},
                             {"state", state},
                             {"message", "Crawler " + std::string(state)}});
  if (state == "Started") {
    detail.set("startTime", format_iso8601(now, false));
  } else if (const auto& last = crawler.last_crawl) {
    if (state == "Failed") detail.set("errorMessage", last->error_message.value_or(""));
    if (state == "Succeeded") {
      detail.set("completionDate", format_iso8601(now, false));
      if (last->start_time)
        detail.set("runningTime (sec)",
                   std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now - *last->start_time).count()));
      detail.set("warningMessage", "N/A");
    }
  }
  return {std::string(account), std::string(region), "aws.glue", "Glue Crawler State Change", {}, detail, now};
}

ServiceEvent job_run_event(std::string_view account, std::string_view region, const api::glue::JobRun& run, Time now) {
  const std::string state = run.job_run_state.value_or(""), name = run.job_name.value_or(""), id = run.id.value_or("");
  Value detail = Value::map({{"jobName", name},
                             {"severity", state == "FAILED" || state == "ERROR" ? "ERROR"
                                          : state == "TIMEOUT"                  ? "WARN"
                                                                                : "INFO"},
                             {"state", state},
                             {"jobRunId", id}});
  detail.set("message", state == "SUCCEEDED" ? std::string("Job run succeeded")
                        : state == "STOPPED" ? std::string("Job run stopped")
                        : state == "TIMEOUT"
                            ? std::string("Job run timed out")
                            : "JobName:" + name + " and JobRunId:" + id + " failed to execute with exception " +
                                  run.error_message.value_or(""));
  return {std::string(account), std::string(region), "aws.glue", "Glue Job State Change", {}, detail, now};
}

ServiceEvent query_event(std::string_view account, std::string_view region, const api::athena::QueryExecution& query,
                         std::string_view before, Time now) {
  Value detail =
      Value::map({{"versionId", "0"}, {"currentState", query.status ? query.status->state.value_or("") : ""}});
  if (!before.empty()) detail.set("previousState", before);
  detail.set("statementType", query.statement_type.value_or(""))
      .set("queryExecutionId", query.query_execution_id.value_or(""))
      .set("workgroupName", query.work_group.value_or("primary"))
      .set("sequenceNumber", before.empty()       ? "1"
                             : before == "QUEUED" ? "2"
                                                  : "3");
  if (query.status && query.status->athena_error) {
    const auto& e = *query.status->athena_error;
    detail.set("athenaError", Value::map({{"errorCategory", e.error_category.value_or(0)},
                                          {"errorMessage", e.error_message.value_or("")},
                                          {"errorType", e.error_type.value_or(0)},
                                          {"retryable", e.retryable.value_or(false) ? "true" : "false"}}));
  }
  return {std::string(account), std::string(region), "aws.athena", "Athena Query State Change", {}, detail, now};
}

ServiceEvent parameter_event(const govern::ParameterChange& change, Time now) {
  const std::string& name = *change.version.name;
  Value detail =
      Value::map({{"operation", change.operation}, {"name", name}, {"type", change.version.type.value_or("String")}});
  if (change.version.description) detail.set("description", *change.version.description);
  if (!change.label.empty()) detail.set("label", change.label);
  return {change.scope.account,
          change.scope.region,
          "aws.ssm",
          "Parameter Store Change",
          {govern::parameter_arn(change.scope.account, change.scope.region, name)},
          detail,
          now};
}

}  // namespace tarn::orchestrate
