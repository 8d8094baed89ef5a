#include "notify/message_moves.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::notify {
namespace {

constexpr std::string_view kind = "sqs.move_task";
constexpr int64_t step_messages = 50;  // at a time, where no rate is asked for
constexpr std::size_t kept_tasks = 10;

[[noreturn]] void invalid(const std::string& why) {
  throw Error(ErrorKind::caller, "InvalidParameterValue", why);
}
[[noreturn]] void not_found(const std::string& why) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", why);
}

Value to_record(const MoveTask& t) {
  Value v = Value::map({{"Status", t.status},
                        {"SourceArn", t.source_arn},
                        {"DestinationArn", t.destination_arn},
                        {"Moved", t.moved},
                        {"ToMove", t.to_move},
                        {"Started", t.started_ms},
                        {"Failure", t.failure}});
  if (t.rate) v.set("Rate", *t.rate);
  return v;
}

std::string handle_of(const std::string& key) {
  return base64_encode(to_json(Value::map({{"taskId", meta::key_parts(key).at(2)},
                                           {"sourceArn", meta::key_parts(key).at(0)},
                                           {"startedAt", meta::key_parts(key).at(1)}})));
}

std::string key_of_handle(const std::string& handle) {
  try {
    const Value v = parse_json(base64_decode(handle).value_or(""));
    return meta::key({v.at("sourceArn").as_string(), v.at("startedAt").as_string(), v.at("taskId").as_string()});
  } catch (const Error&) {
    invalid("Value for parameter TaskHandle is invalid.");
  }
}

MoveTask from_record(const std::string& key, const Value& v) {
  MoveTask t;
  t.handle = handle_of(key);
  t.status = v.string_or("Status");
  t.source_arn = v.string_or("SourceArn");
  t.destination_arn = v.string_or("DestinationArn");
  t.moved = v.int_or("Moved");
  t.to_move = v.int_or("ToMove");
  t.started_ms = v.int_or("Started");
  t.failure = v.string_or("Failure");
  if (v.find("Rate")) t.rate = v.int_or("Rate");
  return t;
}

}  // namespace

MessageMoves::MessageMoves(meta::Metadata& metadata, Queues& queues, Clock& clock, Random& random)
    : metadata_(metadata), queues_(queues), clock_(clock), random_(random) {}

MessageMoves::~MessageMoves() {
  std::lock_guard lock(alive_->mutex);
  alive_->ended = true;
}

void MessageMoves::start() {
  for (const meta::Record& r : metadata_.list(kind, ""))
    if (r.value.string_or("Status") == "RUNNING") schedule(r.key, 0);
}

std::string MessageMoves::begin(const QueueAddress& source, std::string_view actor, const std::string& destination_arn,
                                std::optional<int64_t> rate) {
  if (!queues_.find(source)) not_found("The resource that you specified for the SourceArn parameter doesn't exist.");
  if (queues_.dead_letter_sources(source).empty()) invalid("Source queue must be configured as a Dead Letter Queue.");
  if (!destination_arn.empty()) {
    auto destination = parse_queue_arn(destination_arn);
    auto record = destination ? queues_.find(*destination) : std::nullopt;
    if (!record) not_found("The resource that you specified for the DestinationArn parameter doesn't exist.");
    if (*destination == source) invalid("Source queue arn and destination queue arn cannot be the same.");
    if (queue_settings(record->attributes).fifo != queue_settings(queues_.record(source).attributes).fifo)
      invalid("Source queue and destination queue must be of the same type.");
  }
  if (rate && (*rate < 1 || *rate > 500))
    invalid("Value for parameter MaxNumberOfMessagesPerSecond is invalid: 1 to 500.");
  std::lock_guard lock(alive_->mutex);
  const std::vector<MoveTask> before = list(source, SIZE_MAX);
  if (!before.empty() && before.front().status == "RUNNING")
    invalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.");
  MoveTask task;
  task.status = "RUNNING";
  task.source_arn = source.arn();
  task.destination_arn = destination_arn;
  task.rate = rate;
  task.to_move = static_cast<int64_t>(queues_.queue(source)->counts().visible);
  task.started_ms = clock_.now().time_since_epoch().count();
  std::string digits = std::to_string(task.started_ms);
  const std::string key = meta::key({task.source_arn, std::string(20 - digits.size(), '0') + digits, random_.uuid()});
  metadata_.change(actor, [&](meta::Transaction& t) {
    for (std::size_t i = kept_tasks - 1; i < before.size(); ++i) t.erase(kind, key_of_handle(before[i].handle));
    t.put(kind, key, to_record(task));
  });
  schedule(key, 0);
  return handle_of(key);
}

int64_t MessageMoves::cancel(std::string_view account, const std::string& handle) {
  const std::string key = key_of_handle(handle);
  std::lock_guard lock(alive_->mutex);
  auto record = metadata_.get(kind, key);
  auto source = record ? parse_queue_arn(record->string_or("SourceArn")) : std::nullopt;
  if (!source || source->account != account) not_found("Task does not exist.");
  if (record->string_or("Status") != "RUNNING") invalid("Only active tasks can be cancelled.");
  record->set("Status", "CANCELLED");
  metadata_.change_quietly([&](meta::Transaction& t) { t.put(kind, key, *record); });
  return record->int_or("Moved");
}

std::vector<MoveTask> MessageMoves::list(const QueueAddress& source, std::size_t limit) const {
  if (!queues_.find(source)) not_found("The resource that you specified for the SourceArn parameter doesn't exist.");
  std::vector<MoveTask> out;
  for (const meta::Record& r : metadata_.list(kind, meta::prefix({source.arn()})))
    out.push_back(from_record(r.key, r.value));
  std::reverse(out.begin(), out.end());
  if (out.size() > limit) out.resize(limit);
  return out;
}

void MessageMoves::schedule(const std::string& key, int64_t delay_ms) {
  queues_.timer().at(clock_.now() + std::chrono::milliseconds(delay_ms), [this, key, alive = alive_] {
    std::lock_guard lock(alive->mutex);
    if (!alive->ended) step(key);
  });
}

// A few messages; the rest in a while, so that the timer's other calls are not kept waiting.
void MessageMoves::step(const std::string& key) {
  auto record = metadata_.get(kind, key);
  if (!record || record->string_or("Status") != "RUNNING") return;
  MoveTask task = from_record(key, *record);
  auto source = parse_queue_arn(task.source_arn);
  const int64_t most = std::min(task.rate.value_or(step_messages), step_messages);
  try {
    const auto destination = [&](const Message& m) -> std::shared_ptr<Queue> {
      auto to = parse_queue_arn(task.destination_arn.empty() ? m.dead_letter_source_arn : task.destination_arn);
      return to && queues_.find(*to) ? queues_.queue(*to) : nullptr;
    };
    const std::size_t moved = queues_.queue(*source)->move_messages(static_cast<std::size_t>(most), destination);
    task.moved += static_cast<int64_t>(moved);
    if (moved == 0) {
      task.status = task.moved >= task.to_move ? "COMPLETED" : "FAILED";
      if (task.status == "FAILED") {
        const bool empty = queues_.queue(*source)->counts().visible == 0;
        task.status = empty ? "COMPLETED" : "FAILED";
        if (!empty) task.failure = "CouldNotDetermineMessageSource";
      }
    }
  } catch (const Error& e) {
    task.status = "FAILED";
    task.failure = e.code() == "QueueDoesNotExist" ? "AWS.SimpleQueueService.NonExistentQueue" : e.code();
  }
  metadata_.change_quietly([&](meta::Transaction& t) { t.put(kind, key, to_record(task)); });
  if (task.status == "RUNNING") schedule(key, task.rate ? most * 1000 / *task.rate : 1);
}

}  // namespace tarn::notify
