#include "compute/functions/queue_poller.hpp"

#include <algorithm>
#include <future>

#include "api/wait.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "compute/functions/limits.hpp"
#include "notify/targets.hpp"

namespace tarn::compute {
namespace {

constexpr int64_t long_poll_s = 20;
constexpr int64_t largest_receive = 10;
constexpr std::chrono::milliseconds pause_after_failure{2000}, pause_after_throttle{500};
constexpr std::string_view problem = "PROBLEM: ";

std::string queue_url_of(const notify::Arn& arn) {
  return "/" + arn.account + "/" + arn.resource;
}

api::Context context_as(const api::Principal& principal, const std::string& region, Clock& clock, Random& random) {
  api::Context out;
  out.principal = principal;
  out.region = region;
  out.request_id = random.uuid();
  out.now = clock.now();
  out.user_agent = "lambda.amazonaws.com";
  return out;
}

}  // namespace

int64_t queue_visibility_timeout_s(api::Operations& operations, Clock& clock, Random& random, const std::string& arn) {
  const auto queue = notify::parse_arn(arn);
  if (!queue) invalid_parameter("Unrecognized event source: " + arn);
  api::Context context = context_as(govern::Identities::root_of(queue->account), queue->region, clock, random);
  try {
    const Value out = operations.call(
        context, "sqs:GetQueueAttributes",
        Value::map({{"QueueUrl", queue_url_of(*queue)}, {"AttributeNames", ValueList{"VisibilityTimeout"}}}));
    return std::stoll(out.at("Attributes").at("VisibilityTimeout").as_string());
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug || e.kind() == ErrorKind::unsupported) throw;
    invalid_parameter("Error occurred while ReceiveMessage. SQS Error Code: " + e.code() +
                      ". SQS Error Message: " + e.message());
  }
}

QueuePoller::QueuePoller(QueuePollerParts parts, const lambda::EventSourceMappingConfiguration& mapping,
                         std::function<void(const std::string&)> on_result)
    : parts_(parts), mapping_(mapping), on_result_(std::move(on_result)), filters_(mapping.filter_criteria) {
  const auto arn = notify::parse_arn(*mapping_.function_arn);
  region_ = arn->region;
  function_ = parse_function_name({arn->account, arn->region, "tarn"}, *mapping_.function_arn);
  queue_url_ = queue_url_of(*notify::parse_arn(*mapping_.event_source_arn));
  most_under_way_ = mapping_.scaling_config
                        ? mapping_.scaling_config->maximum_concurrency.value_or(limits::default_queue_concurrency)
                        : limits::default_queue_concurrency;
  settling_ = std::jthread([this](const std::stop_token& stop) { settle_finished(stop); });
  polling_ = std::jthread([this](const std::stop_token& stop) { poll(stop); });
}

QueuePoller::~QueuePoller() {
  polling_.request_stop();
  settling_.request_stop();
}

api::Context QueuePoller::context() const {
  const auto role = parts_.functions.runnable(function_).configuration.role;
  return context_as(parts_.identities.role_session(*role, function_.name), region_, parts_.clock, parts_.random);
}

void QueuePoller::pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(finished_->mutex);
  finished_->changed.wait_for(lock, stop, time, [] { return false; });
}

void QueuePoller::tell(const std::string& result) {
  {
    std::lock_guard lock(result_mutex_);
    if (result_ == result) return;
    result_ = result;
  }
  on_result_(result);
}

// ---- receiving ----

void QueuePoller::poll(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(finished_->mutex);
      finished_->changed.wait(lock, stop, [this] { return finished_->under_way < most_under_way_; });
    }
    if (stop.stop_requested()) return;
    try {
      std::vector<Value> messages = gather(stop);
      if (stop.stop_requested()) return;  // they come back when their time is over
      if (messages.empty()) {
        tell("No records processed");
        continue;
      }
      dispatch(std::move(messages));
    } catch (const Error& e) {
      // Throttled, or the queue, the function or its role is not there.
      const bool throttled = e.code() == "TooManyRequestsException";
      if (!throttled) tell(std::string(problem) + e.message());
      pause(throttled ? pause_after_throttle : pause_after_failure, stop);
    } catch (const std::exception& e) {
      log(LogLevel::error, "an event source mapping failed in itself",
          Value::map({{"mapping", mapping_.uuid.value_or("")}, {"why", e.what()}}));
      pause(pause_after_failure, stop);
    }
  }
}

std::vector<Value> QueuePoller::gather(const std::stop_token& stop) {
  const auto most = static_cast<std::size_t>(*mapping_.batch_size);
  const auto window = std::chrono::seconds(mapping_.maximum_batching_window_in_seconds.value_or(0));
  std::vector<Value> out;
  std::size_t size_bytes = 0;
  std::optional<Time> until;
  while (out.size() < most && size_bytes < limits::max_invoke_payload_size_bytes / 2) {
    int64_t wait_s = long_poll_s;
    if (until)
      wait_s = std::clamp<int64_t>(std::chrono::ceil<std::chrono::seconds>(*until - parts_.clock.now()).count(), 0,
                                   long_poll_s);
    const int64_t room = std::min<int64_t>(largest_receive, static_cast<int64_t>(most - out.size()));
    for (Value& message : receive(room, wait_s, stop)) {
      size_bytes += message.string_or("Body").size();
      out.push_back(std::move(message));
    }
    if (stop.stop_requested() || out.empty()) break;
    if (!until) until = parts_.clock.now() + window;
    if (parts_.clock.now() >= *until) break;
  }
  return out;
}

// A long poll that ends when `stop` asks for it.
ValueList QueuePoller::receive(int64_t most, int64_t wait_s, const std::stop_token& stop) {
  api::Context c = context();
  const Value input = Value::map({{"QueueUrl", queue_url_},
                                  {"MaxNumberOfMessages", most},
                                  {"WaitTimeSeconds", wait_s},
                                  {"MessageSystemAttributeNames", ValueList{"All"}},
                                  {"MessageAttributeNames", ValueList{"All"}}});
  while (!stop.stop_requested()) {
    c.response_body = std::make_unique<api::WaitSlot>();
    Value out = parts_.operations.call(c, "sqs:ReceiveMessage", input);
    std::shared_ptr<api::Wait> wait = api::wait_slot(c)->wait;
    if (!wait) {
      Value* messages = out.find("Messages");
      return messages && messages->is_list() ? std::move(messages->as_list()) : ValueList();
    }
    std::promise<void> over;
    wait->when_over([&over] { over.set_value(); });
    std::stop_callback on_stop(stop, [&wait] { wait->end(); });
    over.get_future().wait();
    if (stop.stop_requested()) wait->abandon();
  }
  return {};
}

// ---- invoking ----

void QueuePoller::dispatch(std::vector<Value> messages) {
  Value records = Value::list();
  auto batch = std::make_shared<Batch>();
  std::vector<std::string> filtered;
  for (Value& message : messages) {
    Value record = queue_record(message, *mapping_.event_source_arn, region_);
    if (!filters_.let_through(record)) {
      filtered.push_back(message.string_or("ReceiptHandle"));
      continue;
    }
    records.push_back(std::move(record));
    batch->messages.push_back(std::move(message));
  }
  remove(filtered);
  if (batch->messages.empty()) return;
  batch->invocation = parts_.invoker.begin(function_, {to_json(Value::map({{"Records", records}})), {}, {}});
  {
    std::lock_guard lock(finished_->mutex);
    ++finished_->under_way;
  }
  batch->invocation->when_over([finished = finished_, batch] {
    std::lock_guard lock(finished->mutex);
    finished->batches.push_back(batch);
    finished->changed.notify_all();
  });
}

void QueuePoller::settle_finished(const std::stop_token& stop) {
  for (;;) {
    std::shared_ptr<Batch> batch;
    {
      std::unique_lock lock(finished_->mutex);
      if (!finished_->changed.wait(lock, stop, [this] { return !finished_->batches.empty(); })) return;
      batch = std::move(finished_->batches.front());
      finished_->batches.pop_front();
    }
    try {
      settle(*batch);
    } catch (const std::exception& e) {
      tell(std::string(problem) + e.what());
    }
    std::lock_guard lock(finished_->mutex);
    --finished_->under_way;
    finished_->changed.notify_all();
  }
}

void QueuePoller::settle(const Batch& batch) {
  const InvocationResult& result = batch.invocation->result();
  if (result.function_failed) return tell(std::string(problem) + "Function call failed");
  std::set<std::string> ids, failed;
  for (const Value& m : batch.messages) ids.insert(m.string_or("MessageId"));
  const auto& types = mapping_.function_response_types;
  if (types && std::find(types->begin(), types->end(), "ReportBatchItemFailures") != types->end()) {
    auto named = failed_items(result.payload, ids);
    if (!named) return tell(std::string(problem) + "The function's response names no items of the batch");
    failed = std::move(*named);
  }
  std::vector<std::string> taken;
  for (const Value& m : batch.messages)
    if (!failed.contains(m.string_or("MessageId"))) taken.push_back(m.string_or("ReceiptHandle"));
  remove(taken);
  tell("OK");
}

void QueuePoller::remove(const std::vector<std::string>& receipt_handles) {
  for (std::size_t first = 0; first < receipt_handles.size(); first += largest_receive) {
    Value entries = Value::list();
    const std::size_t last = std::min(first + largest_receive, receipt_handles.size());
    for (std::size_t i = first; i < last; ++i)
      entries.push_back(Value::map({{"Id", std::to_string(i)}, {"ReceiptHandle", receipt_handles[i]}}));
    api::Context c = context();
    parts_.operations.call(c, "sqs:DeleteMessageBatch", Value::map({{"QueueUrl", queue_url_}, {"Entries", entries}}));
  }
}

}  // namespace tarn::compute
