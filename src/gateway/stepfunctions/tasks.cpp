// Task tokens and activities.
#include <future>

#include "api/wait.hpp"
#include "base/error.hpp"
#include "gateway/stepfunctions/requests.hpp"
#include "orchestrate/states/limits.hpp"

namespace tarn::gateway::stepfunctions {
namespace {

using api::Context;
using states::Executions;

[[noreturn]] void no_activity(const std::string& arn) {
  throw Error(ErrorKind::missing, "ActivityDoesNotExist", "Activity Does Not Exist: '" + arn + "'");
}

// A minute passes before "no task" is told. A caller that can call again waits without a thread.
sfn::GetActivityTaskOutput get_task(Executions& e, Clock& clock, Context& c, const sfn::GetActivityTaskInput& in) {
  const auto arn = unqualified_arn(c, in.activity_arn, "activity");
  if (!e.machines().activity(arn)) no_activity(in.activity_arn);
  const Time until = c.now + std::chrono::seconds(limits::activity_poll_s);
  for (;;) {
    sfn::GetActivityTaskOutput out;
    if (auto task = e.take_activity(arn.text(), in.worker_name.value_or(""))) {
      out.task_token = std::move(task->token);
      out.input = std::move(task->input);
      return out;
    }
    if (clock.now() >= until) return out;
    auto wait = e.wait_for_activity(arn.text(), until);
    if (api::WaitSlot* slot = api::wait_slot(c)) {
      slot->wait = std::move(wait);
      return out;
    }
    std::promise<void> over;
    wait->when_over([&] { over.set_value(); });
    over.get_future().wait();
  }
}

sfn::ListActivitiesOutput list(Executions& e, Context& c, const sfn::ListActivitiesInput& in) {
  const std::size_t size = page_size(in.max_results);
  auto found = e.machines().activities(c.account(), c.region, read_page_token(in.next_token), size + 1);
  sfn::ListActivitiesOutput out;
  if (found.size() > size) {
    found.resize(size);
    out.next_token = write_page_token(found.back().first);
  }
  for (const auto& [name, created] : found)
    out.activities.push_back({states::StatesArn{c.region, c.account(), "activity", name, ""}.text(), name, created});
  return out;
}

}  // namespace

void register_tasks(api::Operations& o, Executions& e, Clock& clock) {
  o.on<sfn::op::SendTaskSuccess>([&](Context&, const auto& in) {
    e.task_succeeded(in.task_token, in.output);
    return sfn::op::SendTaskSuccess::Output();
  });
  o.on<sfn::op::SendTaskFailure>([&](Context&, const auto& in) {
    e.task_failed(in.task_token, in.error.value_or(""), in.cause);
    return sfn::op::SendTaskFailure::Output();
  });
  o.on<sfn::op::SendTaskHeartbeat>([&](Context&, const auto& in) {
    e.task_heartbeat(in.task_token);
    return sfn::op::SendTaskHeartbeat::Output();
  });
  o.on<sfn::op::CreateActivity>([&](Context& c, const sfn::CreateActivityInput& in) {
    check_name(in.name);
    check_encryption(in.encryption_configuration);
    const states::StatesArn arn{c.region, c.account(), "activity", in.name, ""};
    return sfn::CreateActivityOutput{arn.text(),
                                     e.machines().create_activity(c.principal.arn, arn, read_tags(in.tags))};
  });
  o.on<sfn::op::DescribeActivity>([&](Context& c, const sfn::DescribeActivityInput& in) {
    const auto arn = unqualified_arn(c, in.activity_arn, "activity");
    const auto created = e.machines().activity(arn);
    if (!created) no_activity(in.activity_arn);
    sfn::DescribeActivityOutput out;
    out.activity_arn = arn.text();
    out.name = arn.name;
    out.creation_date = *created;
    out.encryption_configuration.emplace().type = "AWS_OWNED_KEY";
    return out;
  });
  o.on<sfn::op::DeleteActivity>([&](Context& c, const auto& in) {
    e.machines().remove_activity(c.principal.arn, unqualified_arn(c, in.activity_arn, "activity"));
    return sfn::op::DeleteActivity::Output();
  });
  o.on<sfn::op::ListActivities>([&](Context& c, const auto& in) { return list(e, c, in); });
  o.on<sfn::op::GetActivityTask>([&](Context& c, const auto& in) { return get_task(e, clock, c, in); });
}

}  // namespace tarn::gateway::stepfunctions
