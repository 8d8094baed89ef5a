#include "query/executions.hpp"

#include <atomic>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "meta/note_end.hpp"
#include "query/dialect/parser.hpp"
#include "query/query_errors.hpp"
#include "query/run.hpp"

namespace tarn::query {
namespace {

// Clients give the database also in Hive's quotes: `sales`.
std::string unquoted(const std::string& name) {
  return name.size() > 2 && name.front() == '`' && name.back() == '`' ? name.substr(1, name.size() - 2) : name;
}

constexpr const char* kind = "athena.execution";            // id -> {Execution, Columns, Result, ...}
constexpr const char* of_kind = "athena.execution_of";      // workgroup, newest first -> {Id}
constexpr const char* open_kind = "athena.execution_open";  // id -> {}: not over yet
constexpr const char* token_kind = "athena.execution_token";

// A key that sorts the newer before the older.
std::string newest_first(Time at, const std::string& id) {
  std::string digits = std::to_string(9'999'999'999'999 - at.time_since_epoch().count());
  return std::string(13 - std::min<std::size_t>(13, digits.size()), '0') + digits + id;
}

bool is_over(const std::string& state) {
  return state == "SUCCEEDED" || state == "FAILED" || state == "CANCELLED";
}

int64_t ms(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// Where results go: the workgroup's location where it insists or the request names none.
std::string output_location(const athena::WorkGroup& workgroup, const athena::StartQueryExecutionInput& input) {
  const auto& configuration = *workgroup.configuration;
  const std::optional<std::string> of_workgroup =
      configuration.result_configuration ? configuration.result_configuration->output_location : std::nullopt;
  const std::optional<std::string> given =
      input.result_configuration ? input.result_configuration->output_location : std::nullopt;
  const bool enforced = configuration.enforce_work_group_configuration.value_or(false);
  const auto& chosen = enforced && of_workgroup ? of_workgroup : given ? given : of_workgroup;
  if (!chosen || chosen->empty())
    throw invalid_request(
        "No output location provided. An output location is required either through the Workgroup result configuration "
        "setting or as an API input.",
        "INVALID_INPUT");
  return normal_location(*chosen);
}

dialect::Statement parsed(const std::string& sql) {
  try {
    return dialect::parse(sql);
  } catch (const Error& error) {
    throw invalid_request(error.message(), "MALFORMED_QUERY");
  }
}

void check_supported(const athena::StartQueryExecutionInput& input) {
  if (input.query_string.size() > limits::max_query_string_size_bytes)
    throw invalid_request("Queries cannot exceed " + std::to_string(limits::max_query_string_size_bytes) + " bytes");
  if (input.engine_configuration)
    throw Error(ErrorKind::unsupported, "NotImplemented", "tarn has no EngineConfiguration for queries");
}

}  // namespace

struct Executions::Job {
  Caller caller;
  athena::QueryExecution execution;
  std::string output_location;
  bool enforced_location = false;
  uint64_t max_scanned_size_bytes = UINT64_MAX;
  std::string order_key;
  std::chrono::steady_clock::time_point submitted = std::chrono::steady_clock::now(), started{}, planned{}, ended{};

  Outcome outcome;
  std::string result_location;  // of the results file, where there is one
  std::atomic<bool> stopped{false};
  std::shared_ptr<Session> session;  // while it runs; guarded by Executions::mutex_

  const std::string& id() const { return *execution.query_execution_id; }
};

Executions::Executions(const Parts& parts, const Workgroups& workgroups, const DataCatalogs& data_catalogs,
                       SavedQueries& saved, int threads)
    : parts_(parts), workgroups_(workgroups), data_catalogs_(data_catalogs), saved_(saved) {
  recover();
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this](std::stop_token stop) { work(stop); });
}

Executions::~Executions() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    for (auto& thread : threads_) thread.request_stop();
    for (auto& [id, job] : open_) {
      job->stopped = true;
      if (job->session) job->session->interrupt();
    }
  }
  changed_.notify_all();
  threads_.clear();
}

std::unique_lock<std::mutex> Executions::hold() {
  std::unique_lock held(starting_);
  std::unique_lock lock(mutex_);
  holding_ = true;
  for (const auto& waiting : queue_) open_.erase(waiting->id());
  queue_.clear();
  for (auto& [id, job] : open_) {
    job->stopped = true;
    if (job->session) job->session->interrupt();
  }
  changed_.wait(lock, [&] { return open_.empty(); });
  holding_ = false;
  return held;
}

// What a process left unfinished that ended without warning.
void Executions::recover() {
  for (const auto& intent : parts_.metadata.list(write_intent_kind, "")) {
    roll_back_write(parts_, intent.value);
    parts_.metadata.change("tarn", [&](meta::Transaction& change) { change.erase(write_intent_kind, intent.key); });
  }
  for (const auto& open : parts_.metadata.list(open_kind, "")) {
    parts_.metadata.change("tarn", [&](meta::Transaction& change) {
      change.erase(open_kind, open.key);
      auto record = change.get(kind, open.key);
      if (!record) return;
      auto execution = api::from<athena::QueryExecution>(record->at("Execution"));
      const Error failure(ErrorKind::bug, "InternalFailure", "The service ended while the query ran");
      execution.status->state = "FAILED";
      execution.status->state_change_reason = failure.message();
      execution.status->completion_date_time = parts_.clock.now();
      execution.status->athena_error = athena_error_of(failure);
      record->set("Execution", to_value(execution));
      change.put(kind, open.key, *record);
    });
  }
}

std::string Executions::start(const Caller& caller, const athena::StartQueryExecutionInput& input) {
  check_supported(input);
  const auto workgroup = workgroups_.enabled(caller, input.work_group);
  const auto& configuration = *workgroup.configuration;
  auto job = std::make_shared<Job>();
  job->caller = caller;
  job->output_location = output_location(workgroup, input);
  job->enforced_location = configuration.enforce_work_group_configuration.value_or(false) &&
                           configuration.result_configuration && configuration.result_configuration->output_location;
  if (configuration.bytes_scanned_cutoff_per_query)
    job->max_scanned_size_bytes = static_cast<uint64_t>(*configuration.bytes_scanned_cutoff_per_query);
  if (const std::string bucket = parse_s3_path(job->output_location).bucket; !parts_.store.find_bucket(bucket))
    throw invalid_request("Unable to verify/create output bucket " + bucket);
  const auto statement = parsed(input.query_string);

  auto& execution = job->execution;
  execution.query_execution_id = parts_.random.uuid();
  execution.query = input.query_string;
  execution.statement_type = std::string(dialect::statement_type(statement));
  execution.substatement_type = std::string(dialect::substatement_type(statement));
  if (job->enforced_location || !input.result_configuration)
    execution.result_configuration = configuration.result_configuration.value_or(athena::ResultConfiguration());
  else
    execution.result_configuration = input.result_configuration;
  execution.result_configuration->output_location = job->output_location + result_name(statement, job->id());
  execution.result_reuse_configuration = input.result_reuse_configuration;
  if (!execution.result_reuse_configuration) {
    auto& reuse = execution.result_reuse_configuration.emplace().result_reuse_by_age_configuration.emplace();
    reuse.enabled = false;
  }
  execution.query_execution_context = input.query_execution_context.value_or(athena::QueryExecutionContext());
  execution.work_group = workgroup.name;
  execution.execution_parameters = input.execution_parameters;
  execution.engine_version = configuration.engine_version;
  auto& status = execution.status.emplace();
  status.state = "QUEUED";
  status.submission_date_time = parts_.clock.now();
  execution.statistics.emplace();
  job->order_key = newest_first(*status.submission_date_time, job->id());

  const bool reused = execution.statement_type == "DML" && reuse(*job, input);
  std::optional<std::string> earlier;
  std::lock_guard starting(starting_);
  parts_.metadata.change(caller.principal.arn, [&](meta::Transaction& change) {
    if (input.client_request_token) {
      if (const auto token = change.get(token_kind, caller.key({*input.client_request_token}))) {
        if (token->string_or("Query") != input.query_string)
          throw invalid_request("Idempotent parameters do not match");
        earlier = token->string_or("Id");
        return;
      }
      change.put(token_kind, caller.key({*input.client_request_token}),
                 Value::map({{"Id", job->id()}, {"Query", input.query_string}}));
    }
    Value record = Value::map({{"Execution", to_value(execution)}});
    if (reused)
      record.set("Columns", api::to_value(job->outcome.columns))
          .set("Result", job->result_location)
          .set("Rows", static_cast<int64_t>(job->outcome.rows));
    change.put(kind, caller.key({job->id()}), record);
    change.put(of_kind, caller.key({workgroup.name, job->order_key}), Value::map({{"Id", job->id()}}));
    if (!reused) change.put(open_kind, caller.key({job->id()}), Value::map());
  });
  if (earlier) return *earlier;
  tell(caller, execution, "");
  if (!reused) {
    std::lock_guard lock(mutex_);
    open_[job->id()] = job;
    queue_.push_back(job);
    changed_.notify_one();
  }
  return job->id();
}

// Whether a query of the same text, for the same tables' names and place, succeeded lately enough; its results are the
// new one's then.
bool Executions::reuse(Job& job, const athena::StartQueryExecutionInput& input) {
  const auto& wanted = input.result_reuse_configuration
                           ? input.result_reuse_configuration->result_reuse_by_age_configuration
                           : std::nullopt;
  if (!wanted || !wanted->enabled) return false;
  const Time oldest = parts_.clock.now() - std::chrono::minutes(wanted->max_age_in_minutes.value_or(60));
  for (const auto& entry : parts_.metadata.list(of_kind, job.caller.prefix({*job.execution.work_group}))) {
    const auto record = parts_.metadata.get(kind, job.caller.key({entry.value.string_or("Id")}));
    if (!record) continue;
    const auto earlier = api::from<athena::QueryExecution>(record->at("Execution"));
    if (*earlier.status->submission_date_time < oldest) return false;
    const auto& information = earlier.statistics->result_reuse_information;
    if (earlier.status->state != "SUCCEEDED" || earlier.query != job.execution.query ||
        earlier.statement_type != "DML" || earlier.query_execution_context != job.execution.query_execution_context ||
        earlier.execution_parameters != job.execution.execution_parameters ||
        (information && information->reused_previous_result) || !record->find("Result"))
      continue;
    const std::string location = record->string_or("Result");
    const S3Path at = parse_s3_path(location);
    const auto grant = parts_.authority.objects(job.caller.principal, store::Access::read, at.bucket, at.key);
    if (!parts_.store.find_bucket(at.bucket) || !parts_.store.head(grant, at.bucket, at.key)) continue;
    job.result_location = location;
    job.outcome.columns = api::from<std::vector<athena::ColumnInfo>>(record->at("Columns"));
    job.outcome.rows = static_cast<uint64_t>(record->int_or("Rows"));
    job.execution.result_configuration->output_location = location;
    job.execution.status->state = "SUCCEEDED";
    job.execution.status->completion_date_time = parts_.clock.now();
    auto& statistics = *job.execution.statistics;
    statistics.data_scanned_in_bytes = 0;
    statistics.engine_execution_time_in_millis = 0;
    statistics.query_queue_time_in_millis = 0;
    statistics.query_planning_time_in_millis = 0;
    statistics.service_processing_time_in_millis = 0;
    statistics.total_execution_time_in_millis = ms(std::chrono::steady_clock::now() - job.submitted);
    statistics.result_reuse_information.emplace().reused_previous_result = true;
    return true;
  }
  return false;
}

void Executions::work(std::stop_token stop) {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !queue_.empty(); })) return;
      job = queue_.front();
      queue_.pop_front();
    }
    run(*job);
    meta::note_end(
        "query " + job->id(), [&] { note_end(*job); },
        [&] {
          std::lock_guard lock(mutex_);
          return ending_ || holding_;
        });
    std::lock_guard lock(mutex_);
    open_.erase(job->id());
    changed_.notify_all();
  }
}

void Executions::run(Job& job) {
  job.started = std::chrono::steady_clock::now();
  try {
    std::shared_ptr<Session> session = parts_.engine.session(job.caller.principal);
    session->limit_scanned(job.max_scanned_size_bytes);
    athena::QueryExecution running;
    {
      std::lock_guard lock(mutex_);
      job.session = session;
      if (job.stopped) session->interrupt();
      // Kept in memory alone: a query that the process leaves behind is FAILED, whether it waited or ran.
      job.execution.status->state = "RUNNING";
      running = job.execution;
    }
    tell(job.caller, running, "QUEUED");
    const auto& context = *job.execution.query_execution_context;
    Run run{parts_,
            data_catalogs_,
            saved_,
            job.caller,
            *session,
            job.id(),
            *job.execution.work_group,
            job.enforced_location,
            context.catalog.value_or(default_catalog),
            catalog::fold_name(unquoted(context.database.value_or("default"))),
            job.output_location,
            job.execution.execution_parameters.value_or(std::vector<std::string>()),
            *job.execution.status->submission_date_time,
            [&] { job.planned = std::chrono::steady_clock::now(); },
            [&] {
              if (job.stopped) throw Error(ErrorKind::caller, "Interrupted", "Query was cancelled");
            }};
    job.outcome = run_statement(run, dialect::parse(*job.execution.query));
    if (job.outcome.kind != ResultKind::none)
      job.result_location = *job.execution.result_configuration->output_location;
    end(job, nullptr);
  } catch (const Error& error) {
    end(job, &error);
  } catch (const std::exception& error) {
    const Error failure(ErrorKind::bug, "InternalFailure", error.what());
    log(LogLevel::error, "a query failed without a word for it",
        Value::map({{"id", job.id()}, {"error", error.what()}}));
    end(job, &failure);
  }
}

void Executions::end(Job& job, const Error* failure) {
  job.ended = std::chrono::steady_clock::now();
  {
    std::lock_guard lock(mutex_);
    auto& status = *job.execution.status;
    auto& statistics = *job.execution.statistics;
    if (job.planned < job.started) job.planned = job.ended;
    statistics.data_scanned_in_bytes = job.session ? static_cast<int64_t>(job.session->scanned_size_bytes()) : 0;
    statistics.query_queue_time_in_millis = ms(job.started - job.submitted);
    statistics.query_planning_time_in_millis = ms(job.planned - job.started);
    statistics.engine_execution_time_in_millis = ms(job.ended - job.started);
    statistics.service_pre_processing_time_in_millis = 0;
    statistics.service_processing_time_in_millis = 0;
    statistics.total_execution_time_in_millis = ms(job.ended - job.submitted);
    statistics.result_reuse_information.emplace().reused_previous_result = false;
    if (!job.outcome.manifest_location.empty()) statistics.data_manifest_location = job.outcome.manifest_location;
    status.completion_date_time = parts_.clock.now();
    if (!failure) {
      status.state = "SUCCEEDED";
    } else if (failure->code() == "Interrupted" && ending_) {
      status.state = "FAILED";
      status.state_change_reason = "The service ended while the query ran";
      status.athena_error = athena_error_of(Error(ErrorKind::bug, "InternalFailure", *status.state_change_reason));
    } else if (failure->code() == "Interrupted" || failure->code() == "BytesScannedLimit") {
      status.state = "CANCELLED";
      status.state_change_reason = failure->code() == "Interrupted"
                                       ? "Query was cancelled by the user"
                                       : "Query cancelled! : Bytes scanned limit was exceeded";
      status.athena_error = athena_error_of(*failure);
    } else {
      status.state = "FAILED";
      status.state_change_reason = state_change_reason(*failure);
      status.athena_error = athena_error_of(*failure);
    }
  }
}

void Executions::note_end(Job& job) {
  bool failed;
  const char* before;
  athena::QueryExecution over;
  {
    std::lock_guard lock(mutex_);
    failed = job.execution.status->state != "SUCCEEDED";
    before = job.session ? "RUNNING" : "QUEUED";
    over = job.execution;
  }
  if (failed)
    if (const auto intent = parts_.metadata.get(write_intent_kind, job.caller.key({job.id()})))
      roll_back_write(parts_, *intent);
  save(job);
  tell(job.caller, over, before);
  std::lock_guard lock(mutex_);
  job.session.reset();
}

void Executions::tell(const Caller& caller, const athena::QueryExecution& execution, std::string_view before) const {
  for (const auto& listener : listeners_) listener(caller, execution, before);
}

void Executions::save(const Job& job) {
  Value record;
  {
    std::lock_guard lock(mutex_);
    record = Value::map({{"Execution", to_value(job.execution)}});
  }
  const std::string key = job.caller.key({job.id()});
  record.set("Columns", api::to_value(job.outcome.columns));
  record.set("Rows", static_cast<int64_t>(job.outcome.rows))
      .set("SizeBytes", static_cast<int64_t>(job.outcome.size_bytes));
  if (job.outcome.update_count) record.set("UpdateCount", *job.outcome.update_count);
  if (!job.result_location.empty()) record.set("Result", job.result_location);
  parts_.metadata.change(job.caller.principal.arn, [&](meta::Transaction& change) {
    change.put(kind, key, record);
    change.erase(open_kind, key);
    change.erase(write_intent_kind, key);
  });
}

Value Executions::record(const Caller& caller, const std::string& id) const {
  auto found = parts_.metadata.get(kind, caller.key({id}));
  if (!found) throw invalid_request("QueryExecution " + id + " was not found");
  return std::move(*found);
}

std::optional<athena::QueryExecution> Executions::find(const Caller& caller, const std::string& id) const {
  auto read = [&]() -> std::optional<athena::QueryExecution> {
    const auto record = parts_.metadata.get(kind, caller.key({id}));
    return record ? std::optional(api::from<athena::QueryExecution>(record->at("Execution"))) : std::nullopt;
  };
  auto out = read();
  if (!out || is_over(*out->status->state)) return out;
  {
    std::lock_guard lock(mutex_);
    if (const auto open = open_.find(id); open != open_.end()) {
      const Job& job = *open->second;
      const std::string& state = *job.execution.status->state;
      out->status->state = is_over(state) ? "RUNNING" : state;  // its end is not on disk yet
      if (job.session) {
        out->statistics->data_scanned_in_bytes = static_cast<int64_t>(job.session->scanned_size_bytes());
        out->statistics->total_execution_time_in_millis = ms(std::chrono::steady_clock::now() - job.submitted);
      }
      return out;
    }
  }
  return read();  // it ended in the meantime
}

athena::QueryExecution Executions::get(const Caller& caller, const std::string& id) const {
  auto found = find(caller, id);
  if (!found) throw invalid_request("QueryExecution " + id + " was not found");
  return std::move(*found);
}

athena::ListQueryExecutionsOutput Executions::list(const Caller& caller,
                                                   const athena::ListQueryExecutionsInput& input) const {
  const auto workgroup = workgroups_.get(caller, input.work_group.value_or("primary"));
  auto page = record_page(parts_.metadata, of_kind, caller.prefix({workgroup.name}), input.next_token,
                          static_cast<std::size_t>(input.max_results.value_or(50)));
  athena::ListQueryExecutionsOutput out;
  out.next_token = page.next;
  out.query_execution_ids.emplace();
  for (const auto& entry : page.records) out.query_execution_ids->push_back(entry.value.string_or("Id"));
  return out;
}

void Executions::stop(const Caller& caller, const std::string& id) {
  record(caller, id);
  std::shared_ptr<Job> waiting;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    found->second->stopped = true;
    if (found->second->session) found->second->session->interrupt();
    for (auto at = queue_.begin(); at != queue_.end(); ++at) {
      if ((*at)->id() != id) continue;
      waiting = *at;
      queue_.erase(at);
      break;
    }
  }
  if (!waiting) return;
  const Error cancelled(ErrorKind::caller, "Interrupted", "Query was cancelled");
  waiting->started = std::chrono::steady_clock::now();
  end(*waiting, &cancelled);
  try {
    note_end(*waiting);
  } catch (...) {  // it stays in the queue, where a thread will note its end
    std::lock_guard lock(mutex_);
    queue_.push_front(waiting);
    throw;
  }
  std::lock_guard lock(mutex_);
  open_.erase(id);
  changed_.notify_all();
}

athena::GetQueryResultsOutput Executions::results(const Caller& caller,
                                                  const athena::GetQueryResultsInput& input) const {
  if (input.query_result_type.value_or("DATA_ROWS") != "DATA_ROWS")
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn gives results as DATA_ROWS only; the manifest's place is in DataManifestLocation");
  const Value held = record(caller, input.query_execution_id);
  const auto execution = api::from<athena::QueryExecution>(held.at("Execution"));
  if (const std::string state = *execution.status->state; state != "SUCCEEDED")
    throw invalid_request(is_over(state) ? "Query did not finish successfully. Final query state: " + state
                                         : "Query has not yet finished. Current state: " +
                                               *get(caller, input.query_execution_id).status->state);
  athena::GetQueryResultsOutput out;
  out.update_count = held.int_or("UpdateCount", 0);
  auto& set = out.result_set.emplace();
  set.rows.emplace();
  set.result_set_metadata.emplace().column_info = api::from<std::vector<athena::ColumnInfo>>(held.at("Columns"));
  const std::string location = held.string_or("Result");
  if (location.empty()) return out;

  const S3Path at = parse_s3_path(location);
  const auto grant = parts_.authority.objects(caller.principal, store::Access::read, at.bucket, at.key);
  auto object = parts_.store.find_bucket(at.bucket) ? parts_.store.open(grant, at.bucket, at.key) : nullptr;
  if (!object) throw invalid_request("Could not find results: " + location + " is gone");
  ResultReader reader(std::move(object), page_offset(input.next_token));
  const auto limit = static_cast<std::size_t>(input.max_results.value_or(limits::max_query_results_rows));
  const bool csv = location.ends_with(".csv");
  auto read = [&]() -> std::optional<ResultRow> {
    if (csv) return reader.csv_row();
    auto line = reader.text_line();
    return line ? std::optional(ResultRow{std::move(*line)}) : std::nullopt;
  };
  bool more = true;
  while (set.rows->size() < limit) {
    auto row = read();
    if (!(more = row.has_value())) break;
    auto& data = set.rows->emplace_back().data.emplace();
    for (auto& value : *row) data.emplace_back().var_char_value = std::move(value);
  }
  const uint64_t next = reader.offset_bytes();
  if (more && read()) out.next_token = page_token(std::to_string(next));
  return out;
}

athena::QueryRuntimeStatistics Executions::statistics(const Caller& caller, const std::string& id) const {
  const Value held = record(caller, id);
  const auto execution = get(caller, id);
  const auto& from = *execution.statistics;
  athena::QueryRuntimeStatistics out;
  auto& timeline = out.timeline.emplace();
  timeline.query_queue_time_in_millis = from.query_queue_time_in_millis;
  timeline.service_pre_processing_time_in_millis = from.service_pre_processing_time_in_millis;
  timeline.query_planning_time_in_millis = from.query_planning_time_in_millis;
  timeline.engine_execution_time_in_millis = from.engine_execution_time_in_millis;
  timeline.service_processing_time_in_millis = from.service_processing_time_in_millis;
  timeline.total_execution_time_in_millis = from.total_execution_time_in_millis;
  auto& rows = out.rows.emplace();
  rows.input_bytes = from.data_scanned_in_bytes;
  if (is_over(*execution.status->state)) {
    rows.output_rows = held.int_or("Rows");
    rows.output_bytes = held.int_or("SizeBytes");
  }
  return out;
}

}  // namespace tarn::query
