// Map in DISTRIBUTED mode: each item, or batch of items, is an execution of its own.
#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/execution.hpp"
#include "orchestrate/states/limits.hpp"
#include "orchestrate/states/service_call.hpp"

namespace tarn::states {
namespace {

using Phase = Strand::Phase;

// As the Map says, or made of its name.
std::string label_of(const State& state) {
  if (const Value* label = state.json.find("Label")) return label->as_string();
  std::string out;
  for (char c : state.name)
    if (std::isalnum(static_cast<unsigned char>(c)) && out.size() < 40) out += c;
  return out.empty() ? "Map" : out;
}

int64_t items_in(const State& state, const Value& input) {
  const Value* items = state.json.find("ItemBatcher") ? input.find("Items") : nullptr;
  return items && items->is_list() ? static_cast<int64_t>(items->as_list().size()) : 1;
}

// One execution, or its items, goes from one count to another.
void move(MapRun& run, int64_t MapRunCounts::*from, int64_t MapRunCounts::*to, int64_t items) {
  --(run.executions.*from);
  ++(run.executions.*to);
  run.items.*from -= items;
  run.items.*to += items;
}

int64_t MapRunCounts::*count_of(const std::string& status) {
  return status == "SUCCEEDED"   ? &MapRunCounts::succeeded
         : status == "TIMED_OUT" ? &MapRunCounts::timed_out
         : status == "ABORTED"   ? &MapRunCounts::aborted
                                 : &MapRunCounts::failed;
}

MapItemReport report_of(const std::string& machine_arn, const Value& input, const Value& result) {
  auto date = [&](const char* name) { return format_iso8601(Time(std::chrono::milliseconds(result.int_or(name)))); };
  Value report = Value::map({{"ExecutionArn", result.string_or("arn")},
                             {"Input", to_json(input)},
                             {"InputDetails", Value::map({{"Included", true}})},
                             {"Name", result.string_or("name")}});
  if (const Value* output = result.find("output"))
    report.set("Output", to_json(*output)).set("OutputDetails", Value::map({{"Included", true}}));
  for (auto [member, name] : {std::pair{"error", "Error"}, std::pair{"cause", "Cause"}})
    if (const Value* text = result.find(member)) report.set(name, *text);
  report.set("StartDate", date("startMs")).set("StateMachineArn", machine_arn);
  report.set("Status", result.string_or("status")).set("StopDate", date("stopMs"));
  return {std::move(report), result.string_or("status")};
}

}  // namespace

// What a child's end tells its parent.
Value child_result(const ExecutionRecord& r, const std::string& output) {
  Value out = Value::map({{"status", r.status},
                          {"arn", r.arn},
                          {"name", r.name},
                          {"startMs", r.started.time_since_epoch().count()},
                          {"stopMs", r.stopped.value_or(r.started).time_since_epoch().count()}});
  if (r.status == "SUCCEEDED") out.set("output", parse_json(output));
  if (r.error) out.set("error", *r.error);
  if (r.cause) out.set("cause", *r.cause);
  return out;
}

CallOperation Execution::operation_caller() {
  return [self = shared_from_this()](const std::string& operation, const Value& input, std::size_t max_bytes) {
    ServiceCall call(self->platform_.operations,
                     self->platform_.principal_of(self->record_.role_arn, self->record_.name), self->record_.region,
                     self->platform_.clock.now(), self->platform_.random.uuid());
    return call.run_plain(operation, input, max_bytes);
  };
}

// ---- items ----

void Execution::run_distributed(Live& live) {
  live.s.phase = Phase::distributed;
  live.s.started = Value();
  live.children = std::make_unique<Children>();
  touch(live);
  if (state_of(live).json.find("ItemReader")) return begin_reading(live);
  Value items = with_situation(live, [](const Situation& s) { return json_path_language().items(s); });
  if (!items.is_list())
    throw Error(ErrorKind::caller, "States.Runtime",
                "Reference path \"" + state_of(live).json.string_or("ItemsPath", "$") + "\" must point to array.");
  const auto length = static_cast<int64_t>(items.as_list().size());
  begin_map_run(live, std::move(items.as_list()), length);
}

void Execution::begin_reading(Live& live) {
  ItemReader reader;
  with_situation(live, [&](const Situation& s) {
    const Value& given = s.state.at("ItemReader");
    reader.resource = given.at("Resource").as_string();
    const Value* parameters = given.find("Parameters");
    if (parameters) reader.parameters = json_path_language().filled(s, *parameters);
    if (const Value* config = given.find("ReaderConfig")) {
      reader.config = *config;
      if (const auto most = json_path_language().field({*config, s.input, s.context, s.random}, "MaxItems"))
        reader.max_items = most->as_int();
    }
  });
  const uint64_t id = live.s.id, attempt = live.s.attempt;
  after_commit([this, id, attempt, reader = std::move(reader)] {
    platform_.calls->run([self = shared_from_this(), id, attempt, reader] {
      std::vector<Value> items;
      std::optional<Error> error;
      try {
        items = read_items(reader, self->operation_caller());
        if (items.size() > limits::max_map_items)
          throw Error(ErrorKind::limit, "States.ItemReaderFailed", "There are more than 10000000 items.");
      } catch (const Error& e) {
        error = e;
      }
      auto shared = std::make_shared<std::vector<Value>>(std::move(items));
      self->post([raw = self.get(), id, attempt, shared, error] { raw->items_read(id, attempt, *shared, error); });
    });
  });
}

void Execution::items_read(uint64_t strand, uint64_t attempt, std::vector<Value>& items,
                           const std::optional<Error>& error) {
  Live* live = over_ ? nullptr : find(strand);
  if (!live || live->s.attempt != attempt || live->s.phase != Phase::distributed) return;
  if (error) {
    clear_children(*live);
    add_event(live->s.last_event, "MapStateFailed");
    return fail_state(*live, {error->code(), error->message()});
  }
  try {
    begin_map_run(*live, std::move(items), 0);
  } catch (const Error& e) {
    fail_in_state(*live, e);
  }
}

// The inputs of the executions: what the items become by ItemSelector and ItemBatcher.
std::vector<Value> Execution::child_inputs(Live& live, std::vector<Value> items) {
  const State& state = state_of(live);
  live.children->items = std::move(items);
  const auto count = static_cast<int64_t>(live.children->items.as_list().size());
  std::vector<Value> out;
  if (state.json.find("ItemSelector") || state.json.find("Parameters"))
    for (int64_t i = 0; i < count; i++) out.push_back(item_input(live, i));
  else
    out = std::move(live.children->items.as_list());
  const Value* given = state.json.find("ItemBatcher");
  if (!given) return out;
  ItemBatcher batcher;
  with_situation(live, [&](const Situation& s) {
    const Situation of_batcher{*given, s.input, s.context, s.random};
    if (const Value* input = given->find("BatchInput")) batcher.batch_input = json_path_language().filled(s, *input);
    if (const auto most = json_path_language().field(of_batcher, "MaxItemsPerBatch"))
      batcher.max_items = most->as_int();
    if (const auto most = json_path_language().field(of_batcher, "MaxInputBytesPerBatch"))
      batcher.max_bytes = most->as_int();
  });
  return make_batches(batcher, std::move(out));
}

// ---- the run ----

void Execution::begin_map_run(Live& live, std::vector<Value> items, int64_t length) {
  Children& c = *live.children;
  read_map_settings(live, c, 0);
  const auto item_count = static_cast<int64_t>(items.size());
  c.items = child_inputs(live, std::move(items));
  c.total = static_cast<int64_t>(c.items.as_list().size());
  c.results.resize(static_cast<std::size_t>(c.total));
  const std::string label = label_of(state_of(live));
  const std::string machine_name = record_.machine_arn.substr(record_.machine_arn.rfind(':') + 1);
  MapRun& run = c.run.emplace();
  run.arn = "arn:aws:states:" + record_.region + ":" + record_.account + ":mapRun:" + machine_name + "/" + label + ":" +
            platform_.random.uuid();
  run.execution_arn = record_.arn;
  run.machine_arn = record_.machine_arn + "/" + label;
  run.execution = record_.number;
  run.strand = live.s.id;
  run.started = platform_.clock.now();
  run.max_concurrency = c.max_concurrency;
  run.tolerated_count = c.tolerated_count;
  run.tolerated_percentage = c.tolerated_percentage;
  run.executions.total = run.executions.pending = c.total;
  run.items.total = run.items.pending = item_count;
  live.s.started = Value::map({{"run", run.arn}});
  touch(live);
  add_event(live.s.last_event, "MapStateStarted", "mapStateStartedEventDetails", Value::map({{"length", length}}));
  add_event(live.s.last_event, "MapRunStarted", "mapRunStartedEventDetails", Value::map({{"mapRunArn", run.arn}}));
  ExecutionRecords::put_new_map_run(batch_, run, platform_.records.store().take_numbers());
  for (int64_t i = 0; i < c.total; i++)
    ExecutionRecords::put_batch(batch_, record_.number, live.s.id, i, c.items.as_list()[static_cast<std::size_t>(i)]);
  if (c.total == 0) return distributed_over(live);
  start_children(live);
}

void Execution::start_children(Live& live) {
  Children& c = *live.children;
  const int64_t most = std::min(c.max_concurrency ? c.max_concurrency : limits::distributed_map_executions_at_once,
                                limits::max_distributed_map_concurrency);
  while (c.next < c.total && c.active < most) start_child(live, c.next++);
  touch_run(live);
}

void Execution::start_child(Live& live, int64_t index) {
  Children& c = *live.children;
  const State& state = state_of(live);
  const Value& input = c.items.as_list()[static_cast<std::size_t>(index)];
  ExecutionRecord r;
  r.number = platform_.records.store().take_numbers();
  r.name = platform_.random.uuid();
  r.account = record_.account;
  r.region = record_.region;
  r.machine_arn = c.run->machine_arn;
  r.type = map_processor(state.json)->at("ProcessorConfig").string_or("ExecutionType", "STANDARD");
  r.arn = "arn:aws:states:" + r.region + ":" + r.account + (r.type == "EXPRESS" ? ":express:" : ":execution:") +
          r.machine_arn.substr(r.machine_arn.rfind(':') + 1) + ":" + r.name;
  r.role_arn = record_.role_arn;
  r.revision_id = record_.revision_id;
  r.started = platform_.clock.now();
  r.version_arn = record_.version_arn;
  r.definition = record_.definition;
  r.map_run_arn = c.run->arn;
  r.log = record_.log;
  r.parent = record_.number;
  r.parent_strand = live.s.id;
  r.parent_index = index;
  r.items = items_in(state, input);
  r.block = state.blocks.front();
  ++c.active;
  move(*c.run, &MapRunCounts::pending, &MapRunCounts::running, r.items);
  ExecutionRecords::put_child(batch_, record_.number, live.s.id, index, Value::map({{"child", r.number}}));
  if (r.type == "STANDARD") ExecutionRecords::put_new(batch_, r, to_json(input));
  after_commit([this, r, input] { platform_.launch_child(r, definition_, input); });
}

void Execution::child_ended(const std::string& map_run_arn, uint64_t strand, int64_t index, Value result) {
  post([this, map_run_arn, strand, index, result = std::move(result)]() mutable {
    Live* live = over_ ? nullptr : find(strand);
    if (!live || live->s.phase != Phase::distributed || !live->children || !live->children->run ||
        live->children->run->arn != map_run_arn)
      return;
    take_child_result(*live, index, std::move(result), true);
  });
}

// `fresh` where it is not on disk yet.
void Execution::take_child_result(Live& live, int64_t index, Value result, bool fresh) {
  Children& c = *live.children;
  auto& place = c.results[static_cast<std::size_t>(index)];
  if (place) return;
  const std::string status = result.string_or("status");
  --c.active;
  ++c.done;
  if (status != "SUCCEEDED") {
    ++c.failed;
    if (!c.first_failure)
      c.first_failure = Failure{result.string_or("error", "States.TaskFailed"), result.string_or("cause")};
  }
  if (fresh) {
    move(*c.run, &MapRunCounts::running, count_of(status),
         items_in(state_of(live), c.items.as_list()[static_cast<std::size_t>(index)]));
    ExecutionRecords::put_child(batch_, record_.number, live.s.id, index, result);
  }
  place = std::move(result);
  touch_run(live);
  if (exceeds_tolerance(c)) return fail_map_run(live);
  if (c.done == c.total) return distributed_over(live);
  start_children(live);
}

void Execution::fail_map_run(Live& live) {
  const Failure failure{"States.ExceedToleratedFailureThreshold",
                        "The specified tolerated failure threshold was exceeded"};
  end_map_run(live, "FAILED");
  add_event(live.s.last_event, "MapRunFailed", "mapRunFailedEventDetails",
            Value::map({{"error", failure.error}, {"cause", *failure.cause}}));
  after_commit([this, arn = live.children->run->arn] { platform_.stop_children(arn); });
  clear_children(live);
  add_event(live.s.last_event, "MapStateFailed");
  fail_state(live, failure);
}

void Execution::end_map_run(Live& live, const char* status) {
  MapRun& run = *live.children->run;
  run.status = status;
  run.stopped = platform_.clock.now();
  ExecutionRecords::put_map_run(batch_, run);
  changed_runs_.erase(live.s.id);
}

// All items are done. Results are written where a ResultWriter says so, or become the state's.
void Execution::distributed_over(Live& live) {
  Children& c = *live.children;
  const Value* writer = state_of(live).json.find("ResultWriter");
  const Value* parameters = writer ? writer->find("Parameters") : nullptr;
  if (!parameters) {
    ValueList outputs;
    for (std::optional<Value>& r : c.results)
      if (const Value* output = r ? r->find("output") : nullptr) outputs.push_back(*output);
    return finish_map_run(live, std::move(outputs));
  }
  const Value place =
      with_situation(live, [&](const Situation& s) { return json_path_language().filled(s, *parameters); });
  auto reports = std::make_shared<std::vector<MapItemReport>>();
  for (std::size_t i = 0; i < c.results.size(); i++)
    if (c.results[i]) reports->push_back(report_of(c.run->machine_arn, c.items.as_list()[i], *c.results[i]));
  const uint64_t id = live.s.id, attempt = live.s.attempt;
  after_commit([this, id, attempt, place, reports, run = *c.run] {
    platform_.calls->run([self = shared_from_this(), id, attempt, place, reports, run] {
      Value details;
      std::optional<Error> error;
      try {
        details = write_results(place.at("Bucket").as_string(), place.string_or("Prefix"), run, *reports,
                                self->operation_caller());
      } catch (const Error& e) {
        error = e;
      }
      self->post(
          [raw = self.get(), id, attempt, details, error] { raw->results_written(id, attempt, details, error); });
    });
  });
}

void Execution::results_written(uint64_t strand, uint64_t attempt, const Value& details,
                                const std::optional<Error>& error) {
  Live* live = over_ ? nullptr : find(strand);
  if (!live || live->s.attempt != attempt || live->s.phase != Phase::distributed || !live->children) return;
  MapRun& run = *live->children->run;
  if (error) {
    end_map_run(*live, "FAILED");
    add_event(live->s.last_event, "MapRunFailed", "mapRunFailedEventDetails",
              Value::map({{"error", "States.ResultWriterFailed"}, {"cause", error->message()}}));
    clear_children(*live);
    add_event(live->s.last_event, "MapStateFailed");
    return fail_state(*live, {"States.ResultWriterFailed", error->message()});
  }
  run.executions.results_written = run.executions.total;
  run.items.results_written = run.items.total;
  finish_map_run(*live, Value::map({{"MapRunArn", run.arn}, {"ResultWriterDetails", details}}));
}

void Execution::finish_map_run(Live& live, Value result) {
  end_map_run(live, "SUCCEEDED");
  add_event(live.s.last_event, "MapRunSucceeded");
  clear_children(live);
  add_event(live.s.last_event, "MapStateSucceeded");
  live.s.started = Value();
  finish(live, std::move(result));
}

void Execution::abort_map_run(Live& live) {
  if (!live.children || !live.children->run) return;
  end_map_run(live, "ABORTED");
  after_commit([this, arn = live.children->run->arn] { platform_.stop_children(arn); });
}

void Execution::update_map_run(uint64_t strand, std::optional<int64_t> max_concurrency,
                               std::optional<int64_t> tolerated_count, std::optional<double> tolerated_percentage,
                               Answered done) {
  post([this, strand, max_concurrency, tolerated_count, tolerated_percentage, done = std::move(done)]() mutable {
    Live* live = over_ ? nullptr : find(strand);
    const bool there = live && live->s.phase == Phase::distributed && live->children && live->children->run;
    if (there) {
      Children& c = *live->children;
      c.run->max_concurrency = c.max_concurrency = max_concurrency.value_or(c.max_concurrency);
      c.run->tolerated_count = c.tolerated_count = tolerated_count.value_or(c.tolerated_count);
      c.run->tolerated_percentage = c.tolerated_percentage = tolerated_percentage.value_or(c.tolerated_percentage);
      touch_run(*live);
      if (exceeds_tolerance(c))
        fail_map_run(*live);
      else if (c.done < c.total)
        start_children(*live);
    }
    after_commit([done = std::move(done), there] { done(there); });
  });
}

// ---- after a start ----

void Execution::recover_distributed(Live& live) {
  if (live.s.started.is_null()) return run_distributed(live);  // its items had not been read
  live.children = std::make_unique<Children>();
  Children& c = *live.children;
  read_map_settings(live, c, 0);
  c.run = platform_.records.map_run(live.s.started.string_or("run"));
  TARN_ASSERT(c.run);
  c.max_concurrency = c.run->max_concurrency;
  c.tolerated_count = c.run->tolerated_count;
  c.tolerated_percentage = c.run->tolerated_percentage;
  c.items = platform_.records.batches(record_.number, live.s.id);
  c.total = static_cast<int64_t>(c.items.as_list().size());
  c.results.resize(static_cast<std::size_t>(c.total));
  std::vector<int64_t> again;
  std::vector<std::pair<int64_t, Value>> told;
  for (auto& [index, v] : platform_.records.children(record_.number, live.s.id)) {
    c.next = std::max(c.next, index + 1);
    ++c.active;
    const Value* number = v.find("child");
    if (!number) {
      told.emplace_back(index, v);
      continue;
    }
    const auto child = platform_.records.get(static_cast<uint64_t>(number->as_int()));
    if (!child)
      again.push_back(index);  // an express one: it was in memory alone
    else if (child->ended())
      told.emplace_back(index, child_result(*child, platform_.records.output(child->number).value_or("null")));
  }
  const uint64_t id = live.s.id;
  for (int64_t index : again) {
    --c.active;
    move(*c.run, &MapRunCounts::running, &MapRunCounts::pending,
         items_in(state_of(live), c.items.as_list()[static_cast<std::size_t>(index)]));
    start_child(live, index);
  }
  const auto stored = platform_.records.children(record_.number, id);
  for (auto& [index, result] : told) {
    Live* at = find(id);
    if (!at || !at->children || over_) return;
    take_child_result(*at, index, std::move(result), stored.at(index).find("child") != nullptr);
  }
  Live* at = find(id);
  if (!at || !at->children || over_) return;
  if (at->children->total == 0) return distributed_over(*at);
  if (at->children->done < at->children->total) start_children(*at);
}

}  // namespace tarn::states
