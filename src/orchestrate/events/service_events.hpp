// What tarn's own services tell the default bus, as AWS words it ("Amazon EventBridge Events Reference"; "Amazon S3
// User Guide", EventBridge event message structure; "AWS Glue Developer Guide", Automating AWS Glue with EventBridge;
// "Amazon Athena User Guide", Monitor Athena queries with EventBridge events; "AWS Systems
// Manager User Guide", Monitoring Parameter Store events).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/athena.hpp"
#include "api/glue.hpp"
#include "govern/parameters.hpp"
#include "orchestrate/events/event_bus.hpp"
#include "store/notifications.hpp"

namespace tarn::orchestrate {

// Events of objects, of buckets whose notification configuration has EventBridge. Thread-safe.
class ObjectEventsToBus : public store::EventDestination {
 public:
  explicit ObjectEventsToBus(EventBus& bus) : bus_(bus) {}
  std::optional<std::string> refusal(const std::string& arn, const store::BucketInfo& bucket) override;
  void deliver(const std::string& arn, const store::BucketInfo& bucket, const std::string& entry) override;

 private:
  EventBus& bus_;
};

// `state` is "Started", "Succeeded", "Failed" or "Stopped".
ServiceEvent crawler_event(std::string_view account, std::string_view region, const api::glue::Crawler& crawler,
                           std::string_view state, Time now);
// Of a run that has ended.
ServiceEvent job_run_event(std::string_view account, std::string_view region, const api::glue::JobRun& run, Time now);
// `before` is the state that the query was in; empty when it is new.
ServiceEvent query_event(std::string_view account, std::string_view region, const api::athena::QueryExecution& query,
                         std::string_view before, Time now);

// Of a change to a parameter of Parameter Store.
ServiceEvent parameter_event(const govern::ParameterChange& change, Time now);

}  // namespace tarn::orchestrate
