#include "cli/platform.hpp"

#include <sys/stat.h>

#include <filesystem>

#include "base/log.hpp"
#include "catalog/catalog.hpp"
#include "catalog/crawl/crawl_log.hpp"
#include "catalog/crawl/crawlers.hpp"
#include "cli/data_folder.hpp"
#include "compute/functions/service.hpp"
#include "compute/images/image_lifecycle.hpp"
#include "compute/images/registry.hpp"
#include "compute/images/unpacked_images.hpp"
#include "compute/jobs/jobs.hpp"
#include "compute/jobs/run_metrics.hpp"
#include "compute/processing/processing_jobs.hpp"
#include "deploy/answers.hpp"
#include "deploy/stacks.hpp"
#include "gateway/athena/athena.hpp"
#include "gateway/cloudformation/cloudformation.hpp"
#include "gateway/cloudwatch/alarms.hpp"
#include "gateway/cloudwatch/cloudwatch.hpp"
#include "gateway/cloudwatch/own_metrics.hpp"
#include "gateway/ec2/ec2.hpp"
#include "gateway/ecr/ecr.hpp"
#include "gateway/events/events.hpp"
#include "gateway/glue/glue.hpp"
#include "gateway/glue/jobs.hpp"
#include "gateway/glue/triggers.hpp"
#include "gateway/iam/iam.hpp"
#include "gateway/kms/kms.hpp"
#include "gateway/lambda/lambda.hpp"
#include "gateway/logs/logs.hpp"
#include "gateway/s3/s3.hpp"
#include "gateway/sagemaker/sagemaker.hpp"
#include "gateway/scheduler/scheduler.hpp"
#include "gateway/secretsmanager/secretsmanager.hpp"
#include "gateway/sns/sns.hpp"
#include "gateway/sqs/sqs.hpp"
#include "gateway/ssm/ssm.hpp"
#include "gateway/stepfunctions/stepfunctions.hpp"
#include "gateway/sts/sts.hpp"
#include "gateway/tagging/tagging.hpp"
#include "govern/authority.hpp"
#include "govern/keys.hpp"
#include "govern/object_keys.hpp"
#include "govern/parameters.hpp"
#include "govern/secrets.hpp"
#include "meta/logs.hpp"
#include "meta/metadata.hpp"
#include "meta/metric_store.hpp"
#include "notify/bucket_events.hpp"
#include "notify/message_moves.hpp"
#include "notify/message_store.hpp"
#include "notify/publisher.hpp"
#include "notify/queues.hpp"
#include "orchestrate/alarms/alarms.hpp"
#include "orchestrate/events/bus_metrics.hpp"
#include "orchestrate/events/schedules.hpp"
#include "orchestrate/events/service_events.hpp"
#include "orchestrate/rotations/rotations.hpp"
#include "orchestrate/states/execution_metrics.hpp"
#include "orchestrate/states/executions.hpp"
#include "orchestrate/triggers/triggers.hpp"
#include "orchestrate/triggers/workflows.hpp"
#include "query/athena.hpp"
#include "store/lifecycle.hpp"
#include "store/notifications.hpp"
#include "store/replication.hpp"
#include "store/scrubber.hpp"
#include "store/store.hpp"

namespace tarn::cli {
namespace {

// Crawls tell what they do in CloudWatch Logs, as on AWS.
class CrawlLogInLogs : public catalog::CrawlLog {
 public:
  explicit CrawlLogInLogs(meta::LogStore& logs) : logs_(logs) {}
  void write(const catalog::Scope& scope, std::string_view stream, Time, std::string_view line) override {
    try {
      logs_.writer({scope.account, scope.region}, catalog::crawl_log_group, stream).write(line);
    } catch (const Error& e) {
      log(LogLevel::warning, "a crawl's log was not kept", Value::map({{"reason", e.message()}}));
    }
  }

 private:
  meta::LogStore& logs_;
};

compute::JobOptions job_options(const PlatformOptions& options, const DataFolder& folder) {
  compute::JobOptions out;
  out.work_folder = folder.file("jobs");
  out.job_runtime_folder = options.job_runtime_dir;
  return out;
}

compute::FunctionServiceOptions function_options(const PlatformOptions& options, const DataFolder& folder) {
  compute::FunctionServiceOptions out;
  out.folder = folder.file("functions");
  out.work_folder = folder.file("environments");
  out.runtime_folder = options.job_runtime_dir;
  out.durable = options.durable;
  return out;
}

// The end of a crawl is the triggers' matter as soon as it is recorded, though they come into being later.
catalog::CrawlOptions crawl_options(const PlatformOptions& options, const Clock& clock) {
  return {.strict_compatibility = options.strict,
          .record_end = [&clock](meta::Transaction& t, const catalog::Scope& scope, const std::string& crawler,
                                 const std::string& crawl_id, const std::string& state) {
            orchestrate::record_crawl(t, scope, crawler, crawl_id, state, clock.now());
          }};
}

govern::KeyEncryptionKeys key_encryption_keys(const PlatformOptions& options, const DataFolder& folder,
                                              Random& random) {
  ::mkdir(folder.file("keys").c_str(), 0700);
  // The store is made after the ring is on disk, and before anything is sealed.
  const bool used = std::filesystem::exists(folder.file("objects/STORE"));
  using OwnFile = govern::KeyEncryptionKeys::OwnFile;
  return govern::KeyEncryptionKeys::load(options.key_source, key_file_in(options.data_dir),
                                         used ? OwnFile::must_be_there : OwnFile::may_be_new, random);
}

query::EngineOptions engine_options(const DataFolder& folder) {
  query::EngineOptions out;
  out.temporary_directory = folder.file("spill");
  return out;
}

}  // namespace

// In the order in which they depend on each other; they go in the reverse.
struct Platform::Parts {
  PlatformOptions options;
  DataFolder folder;
  Metrics metrics;
  std::unique_ptr<meta::Metadata> metadata;
  meta::LogStore logs;
  meta::MetricStore metric_store;  // CloudWatch's
  govern::Keys keys;
  govern::ObjectKeys object_keys;
  govern::Secrets secrets;
  govern::Parameters parameters;
  std::unique_ptr<store::Store> store;
  store::Notifications notifications;
  gateway::s3::AccountSettings s3_accounts;
  govern::Authority authority;
  store::Lifecycle lifecycle;
  store::Replication replication;
  store::Scrubber scrubber;
  gateway::Website websites;
  gateway::s3::AccessLogs access_logs;
  govern::Identities identities;
  // What others tell their events, before them: they end first.
  api::Operations operations;
  notify::Targets targets;
  notify::MessageStore event_store;
  notify::Deliveries event_deliveries;
  orchestrate::Invocations invocations;
  orchestrate::EventBus event_bus;
  orchestrate::Replays replays;
  orchestrate::Schedules schedules;
  orchestrate::ObjectEventsToBus object_events;
  notify::Deliveries alarm_deliveries;
  orchestrate::Alarms alarms;
  catalog::Catalog catalog;
  CrawlLogInLogs crawl_log;
  orchestrate::Firings firings;  // outlives the crawlers and jobs that tell it of their ends
  catalog::Crawlers crawlers;
  std::unique_ptr<query::Engine> engine;
  query::Athena athena;
  compute::Jobs jobs;
  orchestrate::Triggers triggers;
  orchestrate::Workflows workflows;
  notify::MessageStore messages;
  notify::KmsEnvelope envelope;
  notify::Queues queues;
  notify::MessageMoves moves;
  notify::Topics topics;
  notify::QueueOfBucketEvents bucket_events_to_queues;
  notify::TopicOfBucketEvents bucket_events_to_topics;
  notify::MessageSigner signer;
  notify::Outbox outbox;
  notify::Deliveries deliveries;
  notify::Publisher publisher;
  states::Executions executions;
  compute::Registry registry;
  compute::UnpackedImages images;
  compute::ImageLifecycle image_lifecycle;
  compute::ProcessingJobs processing;
  compute::FunctionService functions;
  orchestrate::Rotations rotations;
  deploy::Stacks stacks;

  Parts(PlatformOptions o, Clock& clock, Random& random)
      : options(std::move(o)),
        folder(options.data_dir),
        metadata(meta::open_sqlite(folder.file("metadata.db"), clock, options.durable)),
        logs(*metadata, clock, folder.file("logs")),
        metric_store(clock, folder.file("metrics"), options.durable),
        keys(*metadata, key_encryption_keys(options, folder, random), clock, random),
        object_keys(keys),
        secrets(keys),
        parameters(keys),
        store(store::open_store(folder.file("objects"), clock, random,
                                options.durable ? store::Durability::flushed : store::Durability::none, &object_keys,
                                options.encrypted ? store::AtRest::encrypted : store::AtRest::clear, options.bodies)),
        notifications(*store, store::events_of(*store), clock),
        s3_accounts(*metadata),
        lifecycle(*store, authority.internal(store::Access::write), clock),
        replication(*store, authority.internal(store::Access::write)),
        scrubber(*store, clock, metrics, options.scrub_rate_bytes_per_s),
        websites(gateway::s3_websites(*store, authority, random, &s3_accounts)),
        access_logs(*store, authority.internal(store::Access::write), clock, random),
        identities(*metadata, clock, random),
        targets(operations, clock, random),
        event_store(folder.file("events"), options.durable, sealing(random)),
        event_deliveries(event_store, clock, metrics),
        invocations(event_deliveries, targets, operations, identities, clock, random, metrics),
        event_bus(*metadata, event_store, invocations, clock, random),
        replays(*metadata, event_store, event_bus, clock),
        schedules(*metadata, event_store, invocations, operations, clock, random),
        object_events(event_bus),
        alarm_deliveries(event_store, clock, metrics, 'w'),
        alarms({*metadata, operations, alarm_deliveries, targets, clock, random}),
        catalog(*metadata, clock),
        crawl_log(logs),
        firings(*metadata, clock, jobs, crawlers),
        crawlers(*metadata, clock, random, catalog, *store, authority, &crawl_log, crawl_options(options, clock)),
        engine(query::make_engine(engine_options(folder), *store, authority)),
        athena({*metadata, *store, authority, catalog, *engine, clock, random}),
        jobs({*metadata, logs, *store, authority, identities, clock, random}, job_options(options, folder)),
        triggers(*metadata, clock, jobs, crawlers, firings),
        workflows(*metadata, clock, jobs, crawlers, firings),
        messages(folder.file("messages"), options.durable, sealing(random)),
        envelope(keys, clock, random),
        queues(*metadata, messages, envelope, clock, metrics, {.waits_after_deletion = options.strict}),
        moves(*metadata, queues, clock, random),
        topics(*metadata, random),
        bucket_events_to_queues(queues, targets),
        bucket_events_to_topics(topics, targets),
        signer(*metadata),
        outbox(*metadata),
        deliveries(messages, clock, metrics),
        publisher({topics, deliveries, targets, signer, outbox, envelope, messages, clock, random},
                  {options.smtp_server, options.sms_webhook}, metrics),
        executions({*metadata, operations,
                    [this](const std::string& role, const std::string& session) {
                      return identities.role_session(role, session);
                    },
                    clock, random},
                   {folder.file("executions"), options.durable, options.strict, sealing(random)}),
        registry({*metadata, *store, authority, clock, random}),
        images(registry, folder.file("images")),
        image_lifecycle(registry, clock),
        processing({*metadata, logs, *store, authority, identities, images, clock}, folder.file("processing")),
        functions({*metadata, logs, *store, authority, identities, messages, operations, targets, images, clock, random,
                   metrics, metric_store},
                  function_options(options, folder)),
        rotations(secrets, operations),
        stacks({*metadata, operations, identities, clock, random,
                [this](const orchestrate::ServiceEvent& event) { tell(event); }},
               {.inert_types = options.inert_types}) {
    follow_runs(clock);
    tell_events(clock);
    gateway::register_athena(operations, athena);
    gateway::register_cloudformation(operations, stacks);
    gateway::register_cloudwatch(operations, metric_store);
    gateway::register_ec2(operations, *metadata, random);
    gateway::register_ecr(operations, registry, identities);
    gateway::register_alarms(operations, alarms);
    gateway::register_dashboards(operations, *metadata, alarms);
    gateway::register_events(operations, event_bus, replays);
    gateway::glue::register_glue(operations, *metadata, clock, catalog, crawlers);
    gateway::glue::register_glue_jobs(operations, jobs);
    gateway::glue::register_glue_triggers(operations, triggers);
    gateway::glue::register_glue_workflows(operations, workflows);
    gateway::register_iam(operations, *metadata, random);
    gateway::register_kms(operations, keys);
    gateway::register_lambda(operations, functions.functions(), functions.invoker(), functions.event_sources());
    notifications.add("lambda", functions.object_events());
    gateway::register_logs(operations, logs);
    gateway::register_s3(operations, *store, authority, random, &s3_accounts, &notifications);
    gateway::register_s3_control(operations, *store, s3_accounts);
    gateway::register_sagemaker(operations, processing);
    gateway::register_scheduler(operations, schedules);
    gateway::register_secretsmanager(operations, secrets, rotations);
    gateway::register_sns(operations, topics, publisher, targets);
    gateway::register_sqs(operations, queues, moves, clock, random);
    gateway::register_ssm(operations, parameters, secrets);
    gateway::register_stepfunctions(operations, executions, clock);
    gateway::register_sts(operations, identities);
    gateway::register_tagging(operations);
    gateway::count_calls(operations, metric_store);
  }
  notify::StoreSealing sealing(Random& random) const { return {keys.sealing(), random, options.encrypted}; }
  // The end of a run is the triggers' matter, the bus's and CloudWatch's.
  void follow_runs(Clock& clock) {
    jobs.add_listener({orchestrate::record_job_run, [&](const catalog::Scope& scope, const api::glue::JobRun& run) {
                         if (!run.completed_on) return;
                         firings.wake();
                         tell(orchestrate::job_run_event(scope.account, scope.region, run, clock.now()));
                         if (auto job = jobs.find(scope, *run.job_name))
                           compute::put_run_metrics(metric_store, scope, *job, run);
                       }});
    crawlers.add_listener([this](const auto&, const auto&, auto) { firings.wake(); });
  }
  // Who tells the bus what, and who counts it.
  void tell_events(Clock& clock) {
    event_bus.set_follower([this](const auto& rule) { orchestrate::put_rule_metrics(metric_store, rule); });
    invocations.set_follower(
        [this](const auto& call, auto step) { orchestrate::put_call_metrics(metric_store, call, step); });
    alarms.set_follower([&](const orchestrate::Alarm& alarm, const Value& detail) {
      tell({alarm.scope.account,
            alarm.scope.region,
            "aws.cloudwatch",
            "CloudWatch Alarm State Change",
            {alarm.arn()},
            detail,
            clock.now()});
    });
    notifications.add("events", object_events);
    notifications.add("sqs", bucket_events_to_queues);
    notifications.add("sns", bucket_events_to_topics);
    crawlers.add_listener([&](const catalog::Scope& scope, const api::glue::Crawler& crawler, std::string_view state) {
      tell(orchestrate::crawler_event(scope.account, scope.region, crawler, state, clock.now()));
    });
    athena.executions.add_listener(
        [&](const query::Caller& caller, const api::athena::QueryExecution& query, std::string_view before) {
          tell(orchestrate::query_event(caller.account(), caller.region, query, before, clock.now()));
        });
    parameters.set_listener(
        [&](const govern::ParameterChange& change) { tell(orchestrate::parameter_event(change, clock.now())); });
    processing.when_changed([&](const compute::ProcessingJob& job) { tell(gateway::processing_job_event(job)); });
    // Express workflows tell theirs in their logs alone.
    executions.set_listener([&](const states::ExecutionRecord& record) {
      states::put_execution_metrics(metric_store, record);
      if (record.type == "STANDARD")
        tell({record.account,
              record.region,
              "aws.states",
              "Step Functions Execution Status Change",
              {record.arn},
              executions.status_change(record),
              clock.now()});
    });
  }
  // What happened has happened, whether or not the bus can take it.
  void tell(const orchestrate::ServiceEvent& event) {
    try {
      event_bus.put(event);
    } catch (const Error& e) {
      log(LogLevel::error, "an event was lost", Value::map({{"event", event.detail_type}, {"why", e.message()}}));
    }
  }
  // What runs by itself uses what is destroyed before it.
  ~Parts() {
    stacks.stop();
    notifications.stop();
    rotations.stop();  // those under way end with their functions
    firings.stop();
    {
      auto no_executions = executions.hold();  // they wait for functions, which end now
      functions.stop();
    }
    schedules.stop();
    alarms.stop();
    alarm_deliveries.stop();
    event_bus.stop();
    event_deliveries.stop();
    deliveries.stop();
  }
};

std::string key_file_in(const std::string& data_dir) {
  return data_dir + "/keys/key-encryption-keys";
}

Platform::Platform(PlatformOptions options, Clock& clock, Random& random)
    : parts_(std::make_unique<Parts>(std::move(options), clock, random)) {}
Platform::~Platform() = default;

api::Operations& Platform::operations() {
  return parts_->operations;
}
govern::Identities& Platform::identities() {
  return parts_->identities;
}
Metrics& Platform::metrics() {
  return parts_->metrics;
}
bool Platform::has_bucket(std::string_view name) const {
  return parts_->store->find_bucket(name) != nullptr;
}
Value Platform::outbox() const {
  Value out = Value::list();
  for (const notify::OutboxEntry& e : parts_->outbox.list())
    out.push_back(Value::map(
        {{"at", format_iso8601(e.at)}, {"kind", e.kind}, {"to", e.to}, {"subject", e.subject}, {"body", e.body}}));
  return out;
}
Value Platform::scrub_state() const {
  const store::ScrubState state = parts_->scrubber.state();
  return Value::map(
      {{"under_way", state.under_way},
       {"bodies", state.blobs},
       {"bytes", state.size_bytes},
       {"last_full_pass", state.last_full_pass ? Value(format_iso8601(*state.last_full_pass, false)) : Value()},
       {"damaged_bodies", state.damage.size()}});
}
std::string Platform::notification_certificate() {
  return parts_->signer.certificate();
}
std::optional<std::string> Platform::function_package(std::string_view sha256_hex) const {
  return parts_->functions.package(sha256_hex);
}
gateway::CrossOriginAnswer Platform::cross_origin(std::string_view bucket,
                                                  const gateway::CrossOriginRequest& request) const {
  return gateway::s3_cross_origin(*parts_->store, bucket, request);
}
gateway::Website Platform::websites() const {
  return parts_->websites;
}
gateway::RegistryProtocol Platform::registry_protocol() {
  return gateway::registry_protocol(parts_->operations, parts_->registry, parts_->identities);
}
gateway::AccessLog Platform::access_log() {
  return [logs = &parts_->access_logs](const gateway::AccessRecord& record) { logs->note(record); };
}
bool Platform::take_deployment_answer(std::string_view query, const std::string& body) {
  return deploy::Answers(*parts_->metadata).take(query, body);
}
void Platform::start(const std::string& endpoint) {
  parts_->access_logs.start();
  parts_->notifications.start();
  parts_->replication.start();
  parts_->lifecycle.start();
  parts_->scrubber.start();
  parts_->jobs.start(endpoint);
  parts_->firings.start();
  parts_->moves.start();
  parts_->publisher.start(endpoint);
  parts_->registry.start(endpoint.substr(endpoint.find("://") + 3));
  parts_->images.keep_only(parts_->functions.functions().images_in_use());
  parts_->image_lifecycle.start();
  parts_->processing.start(endpoint);
  parts_->functions.start(endpoint);
  parts_->executions.start();
  parts_->event_bus.start();
  parts_->schedules.start();
  parts_->replays.start();
  parts_->invocations.start();
  parts_->rotations.start();
  parts_->stacks.start(endpoint);
  parts_->alarms.start();
}

void Platform::reset() {
  // What runs would write into what is emptied, and what starts meanwhile would be forgotten half.
  // Executions and triggers first: they start the others. Then queries: they take the processors that the others need
  // to end.
  auto no_deployments = parts_->stacks.hold();
  auto no_executions = parts_->executions.hold();
  auto no_firings = parts_->firings.hold();
  auto no_queries = parts_->athena.executions.hold();
  auto no_crawls = parts_->crawlers.hold();
  auto no_runs = parts_->jobs.hold();
  auto no_functions = parts_->functions.hold();
  auto no_processing = parts_->processing.hold();
  parts_->functions.reset();
  parts_->executions.reset();
  auto no_schedules = parts_->schedules.hold();
  auto no_rules = parts_->event_bus.hold();
  auto no_alarms = parts_->alarms.hold();
  auto no_replays = parts_->replays.hold();
  parts_->event_deliveries.reset();
  parts_->alarm_deliveries.reset();
  parts_->alarms.reset();
  parts_->deliveries.reset();
  parts_->queues.reset();
  parts_->metadata->reset();
  parts_->publisher.reset();
  parts_->topics.reset();
  parts_->signer.reset();
  parts_->logs.reset();
  parts_->metric_store.reset();
  parts_->messages.reset();
  parts_->envelope.reset();
  parts_->schedules.reset();
  parts_->event_bus.reset();
  parts_->event_store.reset();
  parts_->access_logs.reset();
  parts_->images.keep_only({});
  parts_->store->reset();
}

}  // namespace tarn::cli
