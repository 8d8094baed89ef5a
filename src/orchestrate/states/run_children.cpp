// Parallel and Map: what they have under way, and what becomes of it.
#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/execution.hpp"
#include "orchestrate/states/limits.hpp"

namespace tarn::states {
namespace {

using Phase = Strand::Phase;

Value iteration_details(const std::string& map, int64_t index) {
  return Value::map({{"name", map}, {"index", index}});
}

std::string kind_of(const State& state) {
  return state.type == StateType::map ? "Map" : "Parallel";
}

}  // namespace

void Execution::run_parallel(Live& live) {
  const State& state = state_of(live);
  const Value input = with_situation(live, [](const Situation& s) { return json_path_language().arguments(s); });
  live.children = std::make_unique<Children>();
  Children& c = *live.children;
  c.total = c.next = c.active = static_cast<int64_t>(state.blocks.size());
  c.results.resize(state.blocks.size());
  live.s.phase = Phase::children;
  live.s.children_event = add_event(live.s.last_event, "ParallelStateStarted");
  touch(live);
  const uint64_t id = live.s.id;
  const int64_t event = live.s.children_event;
  for (std::size_t i = 0; i < state.blocks.size(); i++)
    add_strand(id, static_cast<int64_t>(i), state.blocks[i], input, event);
}

void Execution::read_map_settings(Live& live, Children& c, int64_t default_concurrency) {
  with_situation(live, [&](const Situation& s) {
    auto number = [&](const char* name) -> double {
      const auto v = json_path_language().field(s, name);
      if (!v) return 0;
      if (!v->is_number() || v->as_double() < 0)
        throw Error(ErrorKind::caller, "States.Runtime",
                    std::string(name) + " must be a number that is not negative, not " + to_json(*v));
      return v->as_double();
    };
    c.max_concurrency = static_cast<int64_t>(number("MaxConcurrency"));
    if (c.max_concurrency == 0) c.max_concurrency = default_concurrency;
    c.tolerated_count = static_cast<int64_t>(number("ToleratedFailureCount"));
    c.tolerated_percentage = number("ToleratedFailurePercentage");
  });
}

void Execution::run_map(Live& live) {
  if (state_of(live).distributed) return run_distributed(live);
  Value items = with_situation(live, [](const Situation& s) { return json_path_language().items(s); });
  if (!items.is_list())
    throw Error(ErrorKind::caller, "States.Runtime",
                "Reference path \"" + state_of(live).json.string_or("ItemsPath", "$") + "\" must point to array.");
  begin_map(live, std::move(items));
}

void Execution::begin_map(Live& live, Value items) {
  live.children = std::make_unique<Children>();
  Children& c = *live.children;
  c.total = static_cast<int64_t>(items.as_list().size());
  c.items = std::move(items);
  c.results.resize(static_cast<std::size_t>(c.total));
  read_map_settings(live, c, limits::max_inline_map_concurrency);
  live.s.phase = Phase::children;
  live.s.children_event =
      add_event(live.s.last_event, "MapStateStarted", "mapStateStartedEventDetails", Value::map({{"length", c.total}}));
  touch(live);
  if (c.total == 0) return children_over(live);
  start_iterations(live);
}

void Execution::start_iterations(Live& live) {
  const uint64_t id = live.s.id;
  for (Live* at = &live; at && at->children && at->children->next < at->children->total &&
                         at->children->active < at->children->max_concurrency && !over_;
       at = find(id))
    start_iteration(*at, at->children->next++);
}

// What one item's work begins with. The context names the item.
Value Execution::item_input(Live& live, int64_t index) {
  const Value& item = live.children->items.as_list()[static_cast<std::size_t>(index)];
  auto evaluate = [&](const Situation& s) { return json_path_language().item_input(s, item); };
  if (!state_of(live).uses_context) return with_situation(live, evaluate);
  Live within;  // as if of a strand within the Map
  within.s = live.s;
  within.s.parent = live.s.id;
  within.s.index = index;
  return with_situation(within, evaluate);
}

void Execution::start_iteration(Live& live, int64_t index) {
  const uint64_t id = live.s.id;
  const std::string name = live.s.state;
  const int block = state_of(live).blocks.front();
  ++live.children->active;
  int64_t previous = live.s.children_event;
  add_event(previous, "MapIterationStarted", "mapIterationStartedEventDetails", iteration_details(name, index));
  Value input;
  try {
    input = item_input(live, index);
  } catch (const Error& e) {
    const std::string code = e.code().starts_with("States.") ? e.code() : "States.Runtime";
    return child_failed(id, index,
                        {code, "An error occurred while executing the state '" + name + "' (entered at the event id #" +
                                   std::to_string(live.s.entered_event) + "). " + e.message()},
                        previous);
  }
  add_strand(id, index, block, std::move(input), previous);
}

void Execution::child_done(uint64_t parent, int64_t index, const Value& output, int64_t last_event) {
  Live* live = find(parent);
  if (!live || !live->children) return;
  Children& c = *live->children;
  if (state_of(*live).type == StateType::map)
    add_event(last_event, "MapIterationSucceeded", "mapIterationSucceededEventDetails",
              iteration_details(live->s.state, index));
  c.results[static_cast<std::size_t>(index)] = output;
  --c.active;
  ++c.done;
  live->s.last_event = last_event;
  if (on_disk_) ExecutionRecords::put_child(batch_, record_.number, parent, index, Value::map({{"output", output}}));
  if (c.done == c.total) return children_over(*live);
  if (c.next < c.total) start_iterations(*live);
}

bool Execution::exceeds_tolerance(const Children& c) const {
  const bool by_count = c.failed > c.tolerated_count;
  const bool by_percentage =
      static_cast<double>(c.failed) * 100 > c.tolerated_percentage * static_cast<double>(c.total);
  if (c.tolerated_count > 0 && c.tolerated_percentage > 0) return by_count || by_percentage;
  return c.tolerated_percentage > 0 ? by_percentage : by_count;
}

void Execution::child_failed(uint64_t parent, int64_t index, const Failure& failure, int64_t last_event) {
  Live* live = find(parent);
  if (!live || !live->children) return;
  Children& c = *live->children;
  const bool is_map = state_of(*live).type == StateType::map;
  if (is_map)
    add_event(last_event, "MapIterationFailed", "mapIterationFailedEventDetails",
              iteration_details(live->s.state, index));
  live->s.last_event = last_event;
  --c.active;
  ++c.failed;
  if (!c.first_failure) c.first_failure = failure;
  if (!is_map || exceeds_tolerance(c)) {
    const bool tolerant = c.tolerated_count > 0 || c.tolerated_percentage > 0;
    Failure whole = !tolerant ? failure
                              : Failure{"States.ExceedToleratedFailureThreshold",
                                        "The specified tolerated failure threshold was exceeded"};
    abort_children(parent);
    const std::string kind = kind_of(state_of(*live));
    clear_children(*live);
    add_event(live->s.last_event, kind + "StateFailed");
    return fail_state(*live, std::move(whole));
  }
  ++c.done;
  if (on_disk_)
    ExecutionRecords::put_child(batch_, record_.number, parent, index,
                                Value::map({{"error", failure.error}, {"cause", failure.cause.value_or("")}}));
  if (c.done == c.total) return children_over(*live);
  start_iterations(*live);
}

void Execution::children_over(Live& live) {
  ValueList results;
  for (std::optional<Value>& r : live.children->results)
    if (r) results.push_back(std::move(*r));
  const std::string kind = kind_of(state_of(live));
  clear_children(live);
  add_event(live.s.last_event, kind + "StateSucceeded");
  finish(live, std::move(results));
}

void Execution::clear_children(Live& live) {
  if (on_disk_ && live.children) {
    ExecutionRecords::erase_children(batch_, record_.number, live.s.id, live.children->next);
    if (live.children->run) ExecutionRecords::erase_batches(batch_, record_.number, live.s.id, live.children->total);
  }
  live.children.reset();
}

// After a start: its children are among the strands, or have left what became of them.
void Execution::recover_children(Live& live) {
  const State& state = state_of(live);
  live.children = std::make_unique<Children>();
  Children& c = *live.children;
  c.total = static_cast<int64_t>(state.blocks.size());
  if (state.type == StateType::map) {
    c.items = with_situation(live, [](const Situation& s) { return json_path_language().items(s); });
    c.total = static_cast<int64_t>(c.items.as_list().size());
    read_map_settings(live, c, limits::max_inline_map_concurrency);
  }
  c.results.resize(static_cast<std::size_t>(c.total));
  for (auto& [index, result] : platform_.records.children(record_.number, live.s.id)) {
    ++c.done;
    c.next = std::max(c.next, index + 1);
    if (const Value* output = result.find("output")) {
      c.results[static_cast<std::size_t>(index)] = *output;
      continue;
    }
    ++c.failed;
    if (!c.first_failure) c.first_failure = Failure{result.string_or("error"), result.string_or("cause")};
  }
  for (auto& [id, child] : strands_) {
    if (child.s.parent != live.s.id) continue;
    ++c.active;
    c.next = std::max(c.next, child.s.index + 1);
  }
  if (state.type == StateType::map) start_iterations(live);
}

}  // namespace tarn::states
