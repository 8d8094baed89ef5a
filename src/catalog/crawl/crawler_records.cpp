#include "catalog/crawl/crawler_records.hpp"

#include <algorithm>

#include "base/cron.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "catalog/crawl/crawl_log.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog::crawl {
namespace {

constexpr std::size_t kept_runs = 1000;  // of each crawler
constexpr std::size_t max_error_size_bytes = 2048;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::unsupported, "NotImplemented", "tarn does not have " + what + ".");
}

template <class T>
bool given(const std::optional<std::vector<T>>& list) {
  return list && !list->empty();
}

// Terraform sends what was left out as an empty text.
bool given(const std::optional<std::string>& text) {
  return text && !text->empty();
}

void check_targets(const glue::CrawlerTargets& t) {
  if (given(t.jdbc_targets)) refuse("JdbcTargets of a crawler");
  if (given(t.mongo_db_targets)) refuse("MongoDBTargets of a crawler");
  if (given(t.dynamo_db_targets)) refuse("DynamoDBTargets of a crawler");
  if (given(t.delta_targets)) refuse("DeltaTargets of a crawler");
  if (given(t.iceberg_targets)) refuse("IcebergTargets of a crawler");
  if (given(t.hudi_targets)) refuse("HudiTargets of a crawler");
  if (!given(t.s3_targets) && !given(t.catalog_targets)) throw_invalid("At least one target must be given.");
  if (given(t.s3_targets) && given(t.catalog_targets))
    throw_invalid("A crawler has either S3Targets or CatalogTargets.");
  if (t.s3_targets) {
    for (const auto& s3 : *t.s3_targets) {
      parse_s3_path(s3.path.value_or(""));
      if (given(s3.connection_name)) refuse("S3Targets.ConnectionName");
      if (given(s3.event_queue_arn) || given(s3.dlq_event_queue_arn)) refuse("S3Targets.EventQueueArn");
      if (s3.sample_size && (*s3.sample_size < 1 || *s3.sample_size > 249))
        throw_invalid("SampleSize must be 1 to 249.");
    }
  }
  if (t.catalog_targets) {
    for (const auto& target : *t.catalog_targets) {
      if (given(target.connection_name)) refuse("CatalogTargets.ConnectionName");
      if (given(target.event_queue_arn) || given(target.dlq_event_queue_arn)) refuse("CatalogTargets.EventQueueArn");
    }
  }
}

std::string padded_ms(Time t) {
  std::string digits = std::to_string(std::max<int64_t>(0, t.time_since_epoch().count()));
  return std::string(digits.size() < 15 ? 15 - digits.size() : 0, '0') + digits;
}

double seconds(Time from, Time to) {
  return static_cast<double>((to - from).count()) / 1000;
}

// One line of a run's Summary, in the form of AWS.
void summarise(Value& summary, const char* what, const char* verb, uint64_t count,
               const std::vector<std::string>& names) {
  if (count == 0) return;
  Value list = Value::list();
  for (const auto& name : names) list.push_back(name);
  Value details = Value::map({{"names", list}});
  summary[what][verb] = Value::map({{"Details", to_json(details)}, {"Count", static_cast<int64_t>(count)}});
}

std::string summary_of(const CrawlCounts& c) {
  Value summary = Value::map();
  summarise(summary, "TABLE", "ADD", c.tables_created.size(), c.tables_created);
  summarise(summary, "TABLE", "UPDATE", c.tables_updated.size(), c.tables_updated);
  summarise(summary, "TABLE", "DELETE", c.tables_deleted.size(), c.tables_deleted);
  summarise(summary, "PARTITION", "ADD", c.partitions_created, {});
  summarise(summary, "PARTITION", "UPDATE", c.partitions_updated, {});
  summarise(summary, "PARTITION", "DELETE", c.partitions_deleted, {});
  return to_json(summary);
}

bool compare(const std::string& a, const std::string& b, const std::string& op) {
  if (op == "GT") return a > b;
  if (op == "GE") return a >= b;
  if (op == "LT") return a < b;
  if (op == "LE") return a <= b;
  if (op == "NE") return a != b;
  return a == b;
}

// A filter's time: milliseconds or seconds since 1970, or ISO 8601.
std::string time_of_filter(const std::string& text) {
  if (auto t = parse_iso8601(text)) return padded_ms(*t);
  if (text.empty() || text.size() > 15 ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    throw_invalid("The filter's value '" + text + "' is no time.");
  int64_t n = std::stoll(text);
  return padded_ms(Time(std::chrono::milliseconds(text.size() > 10 ? n : n * 1000)));
}

bool passes(const glue::CrawlerHistory& run, const glue::CrawlsFilter& filter) {
  std::string field = filter.field_name.value_or(""), op = filter.filter_operator.value_or("EQ"),
              value = filter.field_value.value_or("");
  if (field == "CRAWL_ID") return compare(run.crawl_id.value_or(""), value, op);
  if (field == "STATE") return compare(run.state.value_or(""), value, op);
  if (field == "START_TIME") return compare(padded_ms(run.start_time.value_or(Time{})), time_of_filter(value), op);
  if (field == "END_TIME") return run.end_time && compare(padded_ms(*run.end_time), time_of_filter(value), op);
  if (field == "DPU_HOUR") refuse("the filter DPU_HOUR: a crawl here costs nothing");
  throw_invalid("The filter's FieldName must be CRAWL_ID, STATE, START_TIME or END_TIME.");
}

std::vector<Value> runs_of(meta::Reader& reader, const Scope& scope, std::string_view name) {
  std::vector<Value> out;
  for (auto& record : reader.list(run_kind, meta::prefix({scope.account, scope.region, name})))
    out.push_back(std::move(record.value));
  return out;
}

}  // namespace

std::string crawler_key(const Scope& scope, std::string_view name) {
  return meta::key({scope.account, scope.region, name});
}

glue::Crawler need_crawler(meta::Reader& reader, const Scope& scope, std::string_view name) {
  auto value = reader.get(crawler_kind, crawler_key(scope, name));
  if (!value) throw_not_found("Crawler entry with name " + std::string(name) + " does not exist");
  return api::from<glue::Crawler>(*value);
}

void set_schedule(glue::Crawler& crawler, const std::string& expression) {
  if (expression.empty()) {
    crawler.schedule.reset();
    return;
  }
  std::string why_not;
  ScheduleForms forms;
  forms.rate = forms.at = false;
  forms.five_fields = true;
  if (!Schedule::parse(expression, forms, why_not))
    throw_invalid("The schedule '" + expression + "' is invalid: " + why_not + ".");
  if (!why_not.empty())
    log(LogLevel::warning, "the schedule of a crawler is not AWS's form",
        Value::map({{"crawler", crawler.name.value_or("")}, {"schedule", expression}, {"why", why_not}}));
  auto& schedule = crawler.schedule.emplace();
  schedule.schedule_expression = expression;
  schedule.state = glue::schedule_state::scheduled;
}

glue::Crawler new_crawler(const glue::CreateCrawlerRequest& in, Time now) {
  checked_name(in.name, "Crawler name");
  glue::Crawler c;
  c.name = in.name;
  c.role = in.role;
  c.targets = in.targets;
  c.database_name = in.database_name;
  c.description = in.description;
  c.classifiers = in.classifiers.value_or(std::vector<std::string>{});
  c.recrawl_policy = in.recrawl_policy.value_or(glue::RecrawlPolicy{});
  c.schema_change_policy = in.schema_change_policy.value_or(glue::SchemaChangePolicy{});
  c.lineage_configuration = in.lineage_configuration.value_or(glue::LineageConfiguration{});
  c.lake_formation_configuration = in.lake_formation_configuration;
  c.table_prefix = in.table_prefix;
  c.configuration = in.configuration;
  c.crawler_security_configuration = in.crawler_security_configuration;
  if (in.catalog_id) c.catalog_id = in.catalog_id;
  c.state = glue::crawler_state::ready;
  c.crawl_elapsed_time = 0;
  c.creation_time = c.last_updated = now;
  c.version = 1;
  if (in.schedule) set_schedule(c, *in.schedule);
  auto fill = [](std::optional<std::string>& member, const char* value) {
    if (!member) member = value;
  };
  fill(c.recrawl_policy->recrawl_behavior, "CRAWL_EVERYTHING");
  fill(c.schema_change_policy->update_behavior, "UPDATE_IN_DATABASE");
  fill(c.schema_change_policy->delete_behavior, "DEPRECATE_IN_DATABASE");
  fill(c.lineage_configuration->crawler_lineage_settings, "DISABLE");
  check_crawler(c);
  return c;
}

void change_crawler(glue::Crawler& c, const glue::UpdateCrawlerRequest& in) {
  auto take = [](auto& member, const auto& sent) {
    if (sent) member = *sent;
  };
  take(c.role, in.role);
  take(c.targets, in.targets);
  take(c.database_name, in.database_name);
  take(c.description, in.description);
  take(c.classifiers, in.classifiers);
  take(c.table_prefix, in.table_prefix);
  take(c.configuration, in.configuration);
  take(c.crawler_security_configuration, in.crawler_security_configuration);
  take(c.lake_formation_configuration, in.lake_formation_configuration);
  auto take_member = [](auto& to, const auto& from) {
    if (from) to = from;
  };
  if (in.recrawl_policy) take_member(c.recrawl_policy->recrawl_behavior, in.recrawl_policy->recrawl_behavior);
  if (in.schema_change_policy) {
    take_member(c.schema_change_policy->update_behavior, in.schema_change_policy->update_behavior);
    take_member(c.schema_change_policy->delete_behavior, in.schema_change_policy->delete_behavior);
  }
  if (in.lineage_configuration)
    take_member(c.lineage_configuration->crawler_lineage_settings, in.lineage_configuration->crawler_lineage_settings);
  if (in.schedule && (!c.schedule || c.schedule->schedule_expression != *in.schedule)) set_schedule(c, *in.schedule);
  check_crawler(c);
}

void check_crawler(const glue::Crawler& c) {
  check_targets(*c.targets);
  bool s3 = given(c.targets->s3_targets);
  if (s3 && c.database_name.value_or("").empty()) throw_invalid("DatabaseName must be given for S3 targets.");
  bool log_only = c.schema_change_policy->update_behavior == "LOG" && c.schema_change_policy->delete_behavior == "LOG";
  std::string recrawl = c.recrawl_policy->recrawl_behavior.value_or("");
  if (recrawl == "CRAWL_NEW_FOLDERS_ONLY" && !log_only)
    throw_invalid(
        "The SchemaChangePolicy for a crawler that crawls new folders only must have LOG as UpdateBehavior and "
        "DeleteBehavior.");
  if (recrawl == "CRAWL_NEW_FOLDERS_ONLY" && !s3) throw_invalid("CRAWL_NEW_FOLDERS_ONLY is for S3 targets.");
  if (recrawl == "CRAWL_EVENT_MODE") refuse("CRAWL_EVENT_MODE of a crawler's RecrawlPolicy");
  if (given(c.targets->catalog_targets) && c.schema_change_policy->delete_behavior != "LOG")
    throw_invalid("The SchemaChangePolicy for a crawler with catalog targets must have LOG as DeleteBehavior.");
  if (c.lineage_configuration->crawler_lineage_settings == "ENABLE") refuse("CrawlerLineageSettings ENABLE");
  if (c.lake_formation_configuration && c.lake_formation_configuration->use_lake_formation_credentials.value_or(false))
    refuse("UseLakeFormationCredentials of a crawler");
  if (!c.crawler_security_configuration.value_or("").empty()) refuse("CrawlerSecurityConfiguration");
  CrawlConfiguration::parse(c.configuration.value_or(""));
}

bool has_run(meta::Reader& reader, const Scope& scope, std::string_view name, std::string_view crawl_id) {
  auto keys = reader.keys(run_kind, meta::prefix({scope.account, scope.region, name}));
  return std::any_of(keys.rbegin(), keys.rend(),
                     [&](const std::string& key) { return meta::key_parts(key).back() == crawl_id; });
}

std::string record_start(meta::Transaction& t, const Scope& scope, glue::Crawler& crawler, const std::string& crawl_id,
                         Time now) {
  crawler.state = glue::crawler_state::running;
  t.put(crawler_kind, crawler_key(scope, *crawler.name), to_value(crawler));
  glue::CrawlerHistory run;
  run.crawl_id = crawl_id;
  run.state = "RUNNING";
  run.start_time = now;
  run.log_group = std::string(crawl_log_group);
  run.log_stream = crawler.name;
  run.message_prefix = crawl_id;
  std::string key = meta::key({scope.account, scope.region, *crawler.name, padded_ms(now), crawl_id});
  t.put(run_kind, key, to_value(run));
  return key;
}

std::optional<glue::Crawler> record_end(meta::Transaction& t, const std::string& key, const std::string& run_key,
                                        const RunEnd& end, Time now) {
  auto value = t.get(crawler_kind, key);
  auto run_value = t.get(run_kind, run_key);
  if (!value || !run_value) return std::nullopt;
  auto run = api::from<glue::CrawlerHistory>(*run_value);
  run.state = end.state;
  run.end_time = now;
  run.summary = summary_of(end.counts);
  if (!end.error.empty()) run.error_message = end.error.substr(0, max_error_size_bytes);
  Value stored = to_value(run);  // with what GetCrawlerMetrics tells
  stored.set("TablesCreated", end.counts.tables_created.size())
      .set("TablesUpdated", end.counts.tables_updated.size())
      .set("TablesDeleted", end.counts.tables_deleted.size());
  t.put(run_kind, run_key, stored);

  auto crawler = api::from<glue::Crawler>(*value);
  crawler.state = glue::crawler_state::ready;
  crawler.crawl_elapsed_time = 0;
  auto& last = crawler.last_crawl.emplace();
  last.status = end.state == "COMPLETED" ? "SUCCEEDED" : end.state == "STOPPED" ? "CANCELLED" : "FAILED";
  if (!end.error.empty()) last.error_message = run.error_message;
  last.log_group = run.log_group;
  last.log_stream = run.log_stream;
  last.message_prefix = run.message_prefix;
  last.start_time = run.start_time;
  t.put(crawler_kind, key, to_value(crawler));

  std::string under = key + '\0';
  auto runs = t.keys(run_kind, under);
  for (std::size_t i = 0; i + kept_runs < runs.size(); ++i) t.erase(run_kind, runs[i]);
  return crawler;
}

std::vector<std::string> record_interrupted(meta::Metadata& metadata, Time now, const EndRecorder& also) {
  std::vector<std::string> out;
  for (const auto& record : metadata.list(crawler_kind, "")) {
    if (record.value.string_or("State") == "READY") continue;
    auto runs = metadata.keys(run_kind, record.key + '\0');
    metadata.change_quietly([&](meta::Transaction& t) {
      RunEnd end{"FAILED", "Internal Service Exception: tarn was stopped while the crawl ran", {}};
      if (!runs.empty() && record_end(t, record.key, runs.back(), end, now)) {
        auto parts = meta::key_parts(runs.back());
        if (also) also(t, {parts.at(0), parts.at(1), "tarn"}, parts.at(2), parts.back(), end.state);
        return;
      }
      Value ready = record.value;
      t.put(crawler_kind, record.key, ready.set("State", "READY"));
    });
    out.push_back(record.key);
  }
  return out;
}

Page<glue::CrawlerHistory> list_runs(meta::Reader& reader, const Scope& scope, std::string_view name,
                                     const std::vector<glue::CrawlsFilter>& filters, const PageRequest& request) {
  Page<glue::CrawlerHistory> page;
  std::string after = key_of_token(request.token), last;
  auto records = reader.list(run_kind, meta::prefix({scope.account, scope.region, name}));
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    if (!after.empty() && record->key >= after) continue;
    auto run = api::from<glue::CrawlerHistory>(record->value);
    if (!std::all_of(filters.begin(), filters.end(), [&](const auto& f) { return passes(run, f); })) continue;
    if (page.items.size() == request.limit) {
      page.next = token_after(last);
      break;
    }
    page.items.push_back(std::move(run));
    last = record->key;
  }
  return page;
}

glue::CrawlerMetrics metrics_of(meta::Reader& reader, const Scope& scope, const glue::Crawler& crawler, Time now) {
  glue::CrawlerMetrics m;
  m.crawler_name = crawler.name;
  m.time_left_seconds = 0;
  m.still_estimating = false;
  m.last_runtime_seconds = m.median_runtime_seconds = 0;
  m.tables_created = m.tables_updated = m.tables_deleted = 0;
  std::vector<double> runtimes;
  std::optional<Time> running_since;
  for (const Value& v : runs_of(reader, scope, *crawler.name)) {
    auto run = api::from<glue::CrawlerHistory>(v);
    if (!run.end_time) {
      running_since = run.start_time;
      continue;
    }
    runtimes.push_back(seconds(*run.start_time, *run.end_time));
    m.tables_created = v.int_or("TablesCreated");
    m.tables_updated = v.int_or("TablesUpdated");
    m.tables_deleted = v.int_or("TablesDeleted");
  }
  if (!runtimes.empty()) {
    m.last_runtime_seconds = runtimes.back();
    std::nth_element(runtimes.begin(), runtimes.begin() + static_cast<std::ptrdiff_t>(runtimes.size() / 2),
                     runtimes.end());
    m.median_runtime_seconds = runtimes[runtimes.size() / 2];
  }
  if (running_since) {
    m.still_estimating = runtimes.empty();
    m.time_left_seconds = std::max(0.0, *m.median_runtime_seconds - seconds(*running_since, now));
  }
  return m;
}

}  // namespace tarn::catalog::crawl
