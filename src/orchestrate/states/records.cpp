#include "orchestrate/states/records.hpp"

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::states {
namespace {

using notify::store_key;
using notify::StoreBatch;

void set_text(Value& v, const char* name, const std::string& text) {
  if (!text.empty()) v.set(name, text);
}
void set_text(Value& v, const char* name, const std::optional<std::string>& text) {
  if (text) v.set(name, *text);
}
void set_time(Value& v, const char* name, const std::optional<Time>& time) {
  if (time) v.set(name, time->time_since_epoch().count());
}
std::optional<Time> time_of(const Value& v, const char* name) {
  const Value* ms = v.find(name);
  return ms ? std::optional(Time(std::chrono::milliseconds(ms->as_int()))) : std::nullopt;
}
std::optional<std::string> text_of(const Value& v, const char* name) {
  const Value* text = v.find(name);
  return text ? std::optional(text->as_string()) : std::nullopt;
}
uint64_t number_of(const Value& v, const char* name) {
  return static_cast<uint64_t>(v.int_or(name));
}

std::string owner_key(std::string_view owner, uint64_t number) {
  std::string key = "m";
  key.append(owner).push_back('\0');
  notify::append_number_bytes(key, ~number);
  return key;
}
std::string execution_key(std::string_view arn) {
  return "a" + std::string(arn);
}

}  // namespace

Value to_value(const ExecutionRecord& r) {
  Value v = Value::map({{"number", r.number},
                        {"arn", r.arn},
                        {"name", r.name},
                        {"account", r.account},
                        {"region", r.region},
                        {"machine", r.machine_arn},
                        {"role", r.role_arn},
                        {"type", r.type},
                        {"status", r.status},
                        {"definition", r.definition}});
  set_time(v, "started", r.started);
  set_time(v, "stopped", r.stopped);
  set_time(v, "redriven", r.redriven);
  set_text(v, "revision", r.revision_id);
  set_text(v, "version", r.version_arn);
  set_text(v, "alias", r.alias_arn);
  set_text(v, "trace", r.trace_header);
  set_text(v, "error", r.error);
  set_text(v, "cause", r.cause);
  set_text(v, "mapRun", r.map_run_arn);
  if (!r.log.level.empty()) v.set("logLevel", r.log.level).set("logGroup", r.log.group).set("logData", r.log.with_data);
  if (r.redrives) v.set("redrives", r.redrives);
  if (r.parent) {
    v.set("parent", r.parent).set("parentStrand", r.parent_strand).set("parentIndex", r.parent_index);
    v.set("items", r.items).set("block", r.block);
  }
  return v;
}

ExecutionRecord execution_record_of(const Value& v) {
  ExecutionRecord r;
  r.number = number_of(v, "number");
  r.arn = v.string_or("arn");
  r.name = v.string_or("name");
  r.account = v.string_or("account");
  r.region = v.string_or("region");
  r.machine_arn = v.string_or("machine");
  r.role_arn = v.string_or("role");
  r.revision_id = v.string_or("revision");
  r.type = v.string_or("type");
  r.status = v.string_or("status");
  r.started = *time_of(v, "started");
  r.stopped = time_of(v, "stopped");
  r.redriven = time_of(v, "redriven");
  r.version_arn = text_of(v, "version");
  r.alias_arn = text_of(v, "alias");
  r.trace_header = text_of(v, "trace");
  r.error = text_of(v, "error");
  r.cause = text_of(v, "cause");
  r.definition = v.string_or("definition");
  r.redrives = static_cast<int>(v.int_or("redrives"));
  r.map_run_arn = v.string_or("mapRun");
  r.log = {v.string_or("logLevel"), v.string_or("logGroup"), v.bool_or("logData")};
  r.parent = number_of(v, "parent");
  r.parent_strand = number_of(v, "parentStrand");
  r.parent_index = v.int_or("parentIndex");
  r.items = v.int_or("items");
  r.block = static_cast<int>(v.int_or("block"));
  return r;
}

Value to_value(const Strand& s) {
  Value v = Value::map({{"id", s.id},
                        {"parent", s.parent},
                        {"index", s.index},
                        {"block", s.block},
                        {"state", s.state},
                        {"input", s.input},
                        {"phase", static_cast<int>(s.phase)},
                        {"enteredEvent", s.entered_event},
                        {"lastEvent", s.last_event},
                        {"childrenEvent", s.children_event},
                        {"retries", s.retries},
                        {"attempt", s.attempt}});
  set_time(v, "entered", s.entered);
  set_time(v, "due", s.due);
  set_time(v, "timeoutDue", s.timeout_due);
  set_time(v, "heartbeatDue", s.heartbeat_due);
  if (s.heartbeat_s) v.set("heartbeatS", s.heartbeat_s);
  if (!s.attempts.empty()) v.set("attempts", ValueList(s.attempts.begin(), s.attempts.end()));
  set_text(v, "nonce", s.nonce);
  set_text(v, "worker", s.worker);
  if (!s.arguments.is_null()) v.set("arguments", s.arguments);
  if (!s.started.is_null()) v.set("started", s.started);
  return v;
}

Strand strand_of(const Value& v) {
  Strand s;
  s.id = number_of(v, "id");
  s.parent = number_of(v, "parent");
  s.index = v.int_or("index");
  s.block = static_cast<int>(v.int_or("block"));
  s.state = v.string_or("state");
  s.input = v.at("input");
  s.phase = static_cast<Strand::Phase>(v.int_or("phase"));
  s.entered_event = v.int_or("enteredEvent");
  s.last_event = v.int_or("lastEvent");
  s.children_event = v.int_or("childrenEvent");
  s.retries = v.int_or("retries");
  s.attempt = number_of(v, "attempt");
  s.entered = time_of(v, "entered").value_or(Time());
  s.due = time_of(v, "due");
  s.timeout_due = time_of(v, "timeoutDue");
  s.heartbeat_due = time_of(v, "heartbeatDue");
  s.heartbeat_s = v.int_or("heartbeatS");
  if (const Value* attempts = v.find("attempts"))
    for (const Value& a : attempts->as_list()) s.attempts.push_back(a.as_int());
  s.nonce = v.string_or("nonce");
  s.worker = v.string_or("worker");
  if (const Value* arguments = v.find("arguments")) s.arguments = *arguments;
  if (const Value* started = v.find("started")) s.started = *started;
  return s;
}

// ---- writing ----

void ExecutionRecords::put(StoreBatch& batch, const ExecutionRecord& r) {
  batch.put(store_key('x', {r.number}), to_json(to_value(r)));
}
void ExecutionRecords::put_new(StoreBatch& batch, const ExecutionRecord& r, const std::string& input) {
  put(batch, r);
  batch.put(store_key('i', {r.number}), input);
  std::string number;
  notify::append_number_bytes(number, r.number);
  batch.put(execution_key(r.arn), number);
  batch.put(owner_key(r.map_run_arn.empty() ? r.machine_arn : r.map_run_arn, r.number), "");
  mark_running(batch, r.number, true);
}
void ExecutionRecords::put_output(StoreBatch& batch, uint64_t number, const std::string& output) {
  batch.put(store_key('o', {number}), output);
}
void ExecutionRecords::put_event(StoreBatch& batch, uint64_t number, int64_t id, const Value& event) {
  batch.put(store_key('e', {number, static_cast<uint64_t>(id)}), to_json(event));
}
void ExecutionRecords::put_strand(StoreBatch& batch, uint64_t number, const Strand& s) {
  batch.put(store_key('s', {number, s.id}), to_json(to_value(s)));
}
void ExecutionRecords::erase_strand(StoreBatch& batch, uint64_t number, uint64_t strand) {
  batch.erase(store_key('s', {number, strand}));
}
void ExecutionRecords::put_child(StoreBatch& batch, uint64_t number, uint64_t strand, int64_t index, const Value& v) {
  batch.put(store_key('r', {number, strand, static_cast<uint64_t>(index)}), to_json(v));
}
void ExecutionRecords::erase_children(StoreBatch& batch, uint64_t number, uint64_t strand, int64_t end) {
  for (int64_t i = 0; i < end; i++) batch.erase(store_key('r', {number, strand, static_cast<uint64_t>(i)}));
}
void ExecutionRecords::put_batch(StoreBatch& batch, uint64_t number, uint64_t strand, int64_t index, const Value& v) {
  batch.put(store_key('b', {number, strand, static_cast<uint64_t>(index)}), to_json(v));
}
void ExecutionRecords::erase_batches(StoreBatch& batch, uint64_t number, uint64_t strand, int64_t end) {
  for (int64_t i = 0; i < end; i++) batch.erase(store_key('b', {number, strand, static_cast<uint64_t>(i)}));
}
void ExecutionRecords::put_map_run(StoreBatch& batch, const MapRun& run) {
  batch.put("g" + run.arn, to_json(to_value(run)));
}
void ExecutionRecords::put_new_map_run(StoreBatch& batch, const MapRun& run, uint64_t order) {
  put_map_run(batch, run);
  batch.put(store_key('h', {run.execution, order}), run.arn);
}
void ExecutionRecords::put_standing(StoreBatch& batch, uint64_t number, const Standing& s) {
  std::string bytes;
  notify::append_number_bytes(bytes, static_cast<uint64_t>(s.last_event));
  notify::append_number_bytes(bytes, s.last_strand);
  batch.put(store_key('n', {number}), std::move(bytes));
}
void ExecutionRecords::put_redrive(StoreBatch& batch, ExecutionRecords& records, uint64_t number, Time now,
                                   int redrives) {
  Standing standing = records.standing(number);
  const int64_t id = standing.last_event + 1;
  put_event(batch, number, id,
            Value::map({{"timestamp", now},
                        {"type", "ExecutionRedriven"},
                        {"id", id},
                        {"previousEventId", standing.last_event},
                        {"executionRedrivenEventDetails", Value::map({{"redriveCount", redrives}})}}));
  standing.last_event = id;
  put_standing(batch, number, standing);
  for (Strand& s : records.strands(number)) {
    for (const auto& [index, result] : records.children(number, s.id))
      batch.erase(store_key('r', {number, s.id, static_cast<uint64_t>(index)}));
    if (s.parent) {
      erase_strand(batch, number, s.id);
      continue;
    }
    s.phase = Strand::Phase::enter;
    s.last_event = id;
    put_strand(batch, number, s);
  }
}
void ExecutionRecords::mark_running(StoreBatch& batch, uint64_t number, bool running) {
  if (running)
    batch.put(store_key('l', {number}), "");
  else
    batch.erase(store_key('l', {number}));
}
void ExecutionRecords::erase(StoreBatch& batch, const ExecutionRecord& r, int64_t last_event) {
  mark_running(batch, r.number, false);
  for (int64_t id = 1; id <= last_event; id++) batch.erase(store_key('e', {r.number, static_cast<uint64_t>(id)}));
  for (char kind : {'x', 'i', 'o', 'n'}) batch.erase(store_key(kind, {r.number}));
  batch.erase(execution_key(r.arn));
  batch.erase(owner_key(r.map_run_arn.empty() ? r.machine_arn : r.map_run_arn, r.number));
}

// ---- reading ----

std::optional<ExecutionRecord> ExecutionRecords::get(uint64_t number) {
  const auto text = store_.get(store_key('x', {number}));
  return text ? std::optional(execution_record_of(parse_json(*text))) : std::nullopt;
}
std::optional<ExecutionRecord> ExecutionRecords::find(std::string_view arn) {
  const auto number = store_.get(execution_key(arn));
  return number ? get(notify::number_at(*number, 0)) : std::nullopt;
}
std::string ExecutionRecords::input(uint64_t number) {
  return store_.get(store_key('i', {number})).value_or("{}");
}
std::optional<std::string> ExecutionRecords::output(uint64_t number) {
  return store_.get(store_key('o', {number}));
}
std::vector<Strand> ExecutionRecords::strands(uint64_t number) {
  std::vector<Strand> out;
  store_.scan(store_key('s', {number}), store_key('s', {number + 1}), [&](std::string_view, std::string_view text) {
    out.push_back(strand_of(parse_json(text)));
    return true;
  });
  return out;
}
std::map<int64_t, Value> ExecutionRecords::children(uint64_t number, uint64_t strand) {
  std::map<int64_t, Value> out;
  store_.scan(store_key('r', {number, strand}), store_key('r', {number, strand + 1}),
              [&](std::string_view key, std::string_view text) {
                out.emplace(static_cast<int64_t>(notify::number_at(key, 17)), parse_json(text));
                return true;
              });
  return out;
}
Standing ExecutionRecords::standing(uint64_t number) {
  const auto bytes = store_.get(store_key('n', {number}));
  if (!bytes) return {};
  return {static_cast<int64_t>(notify::number_at(*bytes, 0)), notify::number_at(*bytes, 8)};
}
Value ExecutionRecords::batches(uint64_t number, uint64_t strand) {
  ValueList out;
  store_.scan(store_key('b', {number, strand}), store_key('b', {number, strand + 1}),
              [&](std::string_view, std::string_view text) {
                out.push_back(parse_json(text));
                return true;
              });
  return out;
}
std::optional<MapRun> ExecutionRecords::map_run(const std::string& arn) {
  const auto text = store_.get("g" + arn);
  return text ? std::optional(map_run_of(parse_json(*text))) : std::nullopt;
}
std::vector<MapRun> ExecutionRecords::map_runs(uint64_t number) {
  std::vector<MapRun> out;
  store_.scan(store_key('h', {number}), store_key('h', {number + 1}), [&](std::string_view, std::string_view arn) {
    if (auto run = map_run(std::string(arn))) out.push_back(*std::move(run));
    return true;
  });
  return out;
}
std::vector<uint64_t> ExecutionRecords::running() {
  std::vector<uint64_t> out;
  store_.scan("l", "m", [&](std::string_view key, std::string_view) {
    out.push_back(notify::number_at(key, 1));
    return true;
  });
  return out;
}
std::vector<Value> ExecutionRecords::events(uint64_t number, int64_t first, std::size_t limit) {
  std::vector<Value> out;
  store_.scan(store_key('e', {number, static_cast<uint64_t>(first)}), store_key('e', {number + 1}),
              [&](std::string_view, std::string_view text) {
                if (out.size() >= limit) return false;
                out.push_back(parse_json(text));
                return true;
              });
  return out;
}
void ExecutionRecords::list(std::string_view owner, std::optional<uint64_t> before,
                            const std::function<bool(uint64_t)>& take) {
  std::string from = "m" + std::string(owner), to = from;
  from.push_back('\0');
  to.push_back('\1');
  if (before) notify::append_number_bytes(from, ~*before + 1);
  store_.scan(from, to,
              [&](std::string_view key, std::string_view) { return take(~notify::number_at(key, key.size() - 8)); });
}

std::string ExecutionRecords::put_definition(StoreBatch& batch, const std::string& text) {
  std::string name = hex_encode(digest(DigestKind::sha256, text));
  if (!store_.get("d" + name)) batch.put("d" + name, text);
  return name;
}
std::string ExecutionRecords::definition(std::string_view digest) {
  return store_.get("d" + std::string(digest)).value_or("");
}

}  // namespace tarn::states
