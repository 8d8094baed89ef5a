// Executions, begun and told of.
#include <algorithm>
#include <future>

#include "api/wait.hpp"
#include "base/error.hpp"
#include "gateway/stepfunctions/requests.hpp"

namespace tarn::gateway::stepfunctions {
namespace {

using api::Context;
using states::ExecutionRecord;
using states::Executions;

states::ExecutionRecord find(Executions& e, Context& c, const std::string& arn) {
  if (arn.find(":express:") != std::string::npos)
    throw Error(ErrorKind::caller, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'");
  checked_arn(c, arn, "execution");
  return e.get(arn);
}

sfn::CloudWatchEventsExecutionDataDetails included() {
  sfn::CloudWatchEventsExecutionDataDetails out;
  out.included = true;
  return out;
}

states::StartRequest start_request(const std::optional<std::string>& name, const std::optional<std::string>& input,
                                   const std::optional<std::string>& trace_header) {
  if (name) check_name(*name);
  return {name, trace_header, input.value_or("{}")};
}

sfn::StartExecutionOutput start(Executions& e, Context& c, const sfn::StartExecutionInput& in) {
  const auto arn = checked_arn(c, in.state_machine_arn, "stateMachine");
  const auto record = e.begin(e.machines().resolve(arn), start_request(in.name, in.input, in.trace_header));
  return {record.arn, record.started};
}

// Answers when the execution has ended. A caller that can call again waits without a thread.
sfn::StartSyncExecutionOutput start_sync(Executions& e, Context& c, const sfn::StartSyncExecutionInput& in) {
  const auto arn = checked_arn(c, in.state_machine_arn, "stateMachine");
  const states::Runnable what = e.machines().resolve(arn);
  if (what.machine.type != "EXPRESS")
    throw Error(ErrorKind::caller, "StateMachineTypeNotSupported",
                "This operation is not supported by this type of state machine");
  const auto sync = e.begin_sync(what, start_request(in.name, in.input, in.trace_header), c.request_id);
  if (!sync->record.ended()) {
    if (api::WaitSlot* slot = api::wait_slot(c)) {
      slot->wait = sync->over;
      return {};
    }
    std::promise<void> over;
    sync->over->when_over([&] { over.set_value(); });
    over.get_future().wait();
  }
  e.forget_sync(c.request_id);
  const ExecutionRecord& r = sync->record;
  if (!r.ended()) throw Error(ErrorKind::bug, "InternalFailure", "The execution was dropped.");
  sfn::StartSyncExecutionOutput out;
  out.execution_arn = r.arn;
  out.state_machine_arn = r.machine_arn;
  out.name = r.name;
  out.start_date = r.started;
  out.stop_date = *r.stopped;
  out.status = r.status == "ABORTED" ? "FAILED" : r.status;
  out.error = r.error;
  out.cause = r.cause;
  out.trace_header = r.trace_header;
  if (in.included_data.value_or("ALL_DATA") == "ALL_DATA") {
    out.input = in.input.value_or("{}");
    out.input_details = included();
    if (r.status == "SUCCEEDED") {
      out.output = sync->output;
      out.output_details = included();
    }
  }
  const int64_t ran_ms = (*r.stopped - r.started).count();
  out.billing_details.emplace();
  out.billing_details->billed_memory_used_in_mb = 64;
  out.billing_details->billed_duration_in_milliseconds = (ran_ms + 99) / 100 * 100;
  return out;
}

void tell_redrive(const ExecutionRecord& r, sfn::DescribeExecutionOutput& out) {
  out.redrive_count = r.redrives;
  if (r.redriven) out.redrive_date = *r.redriven;
  const bool failed = r.ended() && r.status != "SUCCEEDED";
  out.redrive_status = failed ? "REDRIVABLE" : "NOT_REDRIVABLE";
  if (!failed) out.redrive_status_reason = "Execution is " + r.status + " and cannot be redriven";
}

sfn::DescribeExecutionOutput describe(Executions& e, Context& c, const sfn::DescribeExecutionInput& in) {
  const ExecutionRecord r = find(e, c, in.execution_arn);
  sfn::DescribeExecutionOutput out;
  out.execution_arn = r.arn;
  out.state_machine_arn = r.machine_arn;
  out.name = r.name;
  out.status = r.status;
  out.start_date = r.started;
  if (r.stopped) out.stop_date = *r.stopped;
  if (in.included_data.value_or("ALL_DATA") == "ALL_DATA") {
    out.input = e.records().input(r.number);
    out.input_details = included();
    if (auto output = e.records().output(r.number); output && r.status == "SUCCEEDED") {
      out.output = std::move(*output);
      out.output_details = included();
    }
  }
  out.error = r.error;
  out.cause = r.cause;
  out.trace_header = r.trace_header;
  out.state_machine_version_arn = r.version_arn;
  out.state_machine_alias_arn = r.alias_arn;
  if (!r.map_run_arn.empty()) out.map_run_arn = r.map_run_arn;
  tell_redrive(r, out);
  return out;
}

sfn::ExecutionListItem list_item(const ExecutionRecord& r) {
  sfn::ExecutionListItem item;
  item.execution_arn = r.arn;
  item.state_machine_arn = r.machine_arn;
  item.name = r.name;
  item.status = r.status;
  item.start_date = r.started;
  if (r.stopped) item.stop_date = *r.stopped;
  if (!r.map_run_arn.empty()) {
    item.map_run_arn = r.map_run_arn;
    item.item_count = r.items;
  }
  item.state_machine_version_arn = r.version_arn;
  item.state_machine_alias_arn = r.alias_arn;
  item.redrive_count = r.redrives;
  if (r.redriven) item.redrive_date = *r.redriven;
  return item;
}

uint64_t number_of(const std::string& place) {
  if (place.empty() || place.size() > 19 || place.find_first_not_of("0123456789") != std::string::npos)
    throw Error(ErrorKind::caller, "InvalidToken", "Invalid Token: 'Invalid token'");
  return std::stoull(place);
}

sfn::ListExecutionsOutput list(Executions& e, Context& c, const sfn::ListExecutionsInput& in) {
  if (in.state_machine_arn.has_value() == in.map_run_arn.has_value())
    throw Error(ErrorKind::caller, "ValidationException",
                "Must provide exactly one of the parameters stateMachineArn and mapRunArn");
  std::string owner, qualified;
  if (in.map_run_arn) {
    checked_arn(c, *in.map_run_arn, "mapRun");
    owner = *in.map_run_arn;
  } else {
    auto arn = checked_arn(c, *in.state_machine_arn, "stateMachine");
    if (e.machines().get(arn).type == "EXPRESS")
      throw Error(ErrorKind::caller, "StateMachineTypeNotSupported",
                  "This operation is not supported by this type of state machine");
    if (!arn.qualifier.empty()) qualified = arn.text();
    arn.qualifier.clear();
    owner = arn.text();
  }
  const std::size_t size = page_size(in.max_results);
  const std::string place = read_page_token(in.next_token);
  auto fits = [&](const ExecutionRecord& r) {
    if (in.status_filter && r.status != *in.status_filter) return false;
    if (in.redrive_filter && (r.redrives > 0) != (*in.redrive_filter == "REDRIVEN")) return false;
    return qualified.empty() || r.version_arn.value_or("") == qualified || r.alias_arn.value_or("") == qualified;
  };
  auto found = e.list(owner, place.empty() ? std::nullopt : std::optional(number_of(place)), size + 1, fits);
  sfn::ListExecutionsOutput out;
  if (found.size() > size) {
    found.resize(size);
    out.next_token = write_page_token(std::to_string(found.back().number));
  }
  for (const ExecutionRecord& r : found) out.executions.push_back(list_item(r));
  return out;
}

// Without the data, where it is not asked for.
void leave_out_data(Value& event) {
  for (ValueMember& m : event.as_map())
    if (m.value.is_map())
      for (const char* name : {"input", "inputDetails", "output", "outputDetails"}) m.value.erase(name);
}

sfn::GetExecutionHistoryOutput history(Executions& e, Context& c, const sfn::GetExecutionHistoryInput& in) {
  const ExecutionRecord r = find(e, c, in.execution_arn);
  const auto size = static_cast<int64_t>(page_size(in.max_results));
  const int64_t last = e.records().standing(r.number).last_event;
  const bool reverse = in.reverse_order.value_or(false);
  const std::string place = read_page_token(in.next_token);
  int64_t from = reverse ? last : 1;
  if (!place.empty()) from = static_cast<int64_t>(number_of(place));
  const int64_t first = reverse ? std::max<int64_t>(from - size + 1, 1) : from;
  const auto count = static_cast<std::size_t>(reverse ? std::max<int64_t>(from - first + 1, 0) : size);
  std::vector<Value> events = e.records().events(r.number, first, count);
  if (reverse) std::reverse(events.begin(), events.end());
  sfn::GetExecutionHistoryOutput out;
  for (Value& event : events) {
    if (!in.include_execution_data.value_or(true)) leave_out_data(event);
    out.events.push_back(api::from<sfn::HistoryEvent>(event));
  }
  if (reverse && first > 1) out.next_token = write_page_token(std::to_string(first - 1));
  if (!reverse && first + size <= last) out.next_token = write_page_token(std::to_string(first + size));
  return out;
}

sfn::DescribeStateMachineForExecutionOutput describe_machine(Executions& e, Context& c,
                                                             const sfn::DescribeStateMachineForExecutionInput& in) {
  const ExecutionRecord r = find(e, c, in.execution_arn);
  const auto arn = states::parse_states_arn(r.machine_arn, "stateMachine");
  sfn::DescribeStateMachineForExecutionOutput out;
  out.state_machine_arn = r.version_arn.value_or(r.machine_arn);
  out.name = arn.name;
  out.definition = e.records().definition(r.definition);
  out.role_arn = r.role_arn;
  const auto machine = e.machines().find(arn);
  out.update_date = machine ? machine->updated : r.started;
  out.logging_configuration.emplace().level = "OFF";
  out.logging_configuration->include_execution_data = false;
  if (machine && !machine->logging.is_null())
    out.logging_configuration = api::from<sfn::LoggingConfiguration>(machine->logging);
  out.tracing_configuration.emplace().enabled = false;
  if (machine && !machine->tracing.is_null())
    out.tracing_configuration = api::from<sfn::TracingConfiguration>(machine->tracing);
  out.encryption_configuration.emplace().type = "AWS_OWNED_KEY";
  if (!r.map_run_arn.empty()) out.map_run_arn = r.map_run_arn;
  if (!r.revision_id.empty()) out.revision_id = r.revision_id;
  return out;
}

}  // namespace

void register_executions(api::Operations& o, Executions& e) {
  o.on<sfn::op::StartExecution>([&](Context& c, const auto& in) { return start(e, c, in); });
  o.on<sfn::op::StartSyncExecution>([&](Context& c, const auto& in) { return start_sync(e, c, in); });
  o.on<sfn::op::DescribeExecution>([&](Context& c, const auto& in) { return describe(e, c, in); });
  o.on<sfn::op::ListExecutions>([&](Context& c, const auto& in) { return list(e, c, in); });
  o.on<sfn::op::GetExecutionHistory>([&](Context& c, const auto& in) { return history(e, c, in); });
  o.on<sfn::op::DescribeStateMachineForExecution>(
      [&](Context& c, const auto& in) { return describe_machine(e, c, in); });
  o.on<sfn::op::StopExecution>([&](Context& c, const sfn::StopExecutionInput& in) {
    find(e, c, in.execution_arn);
    return sfn::StopExecutionOutput{e.stop(in.execution_arn, in.error, in.cause)};
  });
  o.on<sfn::op::RedriveExecution>([&](Context& c, const sfn::RedriveExecutionInput& in) {
    find(e, c, in.execution_arn);
    return sfn::RedriveExecutionOutput{e.redrive(in.execution_arn)};
  });
}

}  // namespace tarn::gateway::stepfunctions
