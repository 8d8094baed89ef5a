#include "gateway/scheduler/scheduler.hpp"

#include "api/scheduler.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "notify/targets.hpp"

namespace tarn::gateway {
namespace {

namespace scheduler = api::scheduler;
using api::Context;
using orchestrate::ScheduleAddress;
using orchestrate::Schedules;

ScheduleAddress address_of(const Context& c, const std::optional<std::string>& group, const std::string& name) {
  return {c.account(), c.region, group.value_or("default"), name};
}

std::string read_token(const std::optional<std::string>& token) {
  if (!token) return {};
  auto place = base64_decode(*token);
  if (!place || place->empty()) throw Error(ErrorKind::caller, "ValidationException", "Invalid NextToken provided.");
  return *place;
}

scheduler::ListSchedulesOutput list_schedules(Schedules& schedules, Context& c,
                                              const scheduler::ListSchedulesInput& in) {
  auto [found, last] = schedules.list(
      c.account(), c.region, {in.group_name.value_or(""), in.name_prefix.value_or(""), in.state.value_or("")},
      read_token(in.next_token), static_cast<std::size_t>(in.max_results.value_or(100)));
  scheduler::ListSchedulesOutput out;
  if (last) out.next_token = base64_encode(*last);
  for (const auto& d : found)
    out.schedules.push_back({d.arn, d.name, d.group_name, d.state, d.creation_date, d.last_modification_date,
                             scheduler::TargetSummary{d.target->arn}});
  return out;
}

scheduler::ListScheduleGroupsOutput list_groups(Schedules& schedules, Context& c,
                                                const scheduler::ListScheduleGroupsInput& in) {
  const auto size = static_cast<std::size_t>(in.max_results.value_or(100));
  auto found =
      schedules.groups(c.account(), c.region, in.name_prefix.value_or(""), read_token(in.next_token), size + 1);
  scheduler::ListScheduleGroupsOutput out;
  if (found.size() > size) {
    found.resize(size);
    out.next_token = base64_encode(*found.back().description.name);
  }
  for (const auto& g : found) {
    const auto& d = g.description;
    out.schedule_groups.push_back({d.arn, d.name, d.state, d.creation_date, d.last_modification_date});
  }
  return out;
}

// The group that an ARN names; the model's pattern has seen that it is one.
std::string group_of(const Context& c, const std::string& text) {
  const auto arn = notify::parse_arn(text);
  if (!arn || arn->account != c.account() || arn->region != c.region)
    throw Error(ErrorKind::missing, "ResourceNotFoundException", "Schedule group " + text + " does not exist.");
  return arn->resource.substr(arn->resource.find('/') + 1);
}

}  // namespace

void register_scheduler(api::Operations& o, Schedules& s) {
  namespace op = scheduler::op;
  o.on<op::CreateSchedule>([&](Context& c, const auto& in) {
    return scheduler::CreateScheduleOutput{s.create(address_of(c, in.group_name, in.name), c.principal.arn, in)};
  });
  o.on<op::UpdateSchedule>([&](Context& c, const auto& in) {
    return scheduler::UpdateScheduleOutput{s.update(address_of(c, in.group_name, in.name), c.principal.arn, in)};
  });
  o.on<op::GetSchedule>([&](Context& c, const auto& in) { return s.get(address_of(c, in.group_name, in.name)); });
  o.on<op::DeleteSchedule>([&](Context& c, const auto& in) {
    s.remove(address_of(c, in.group_name, in.name), c.principal.arn);
    return scheduler::DeleteScheduleOutput();
  });
  o.on<op::ListSchedules>([&](Context& c, const auto& in) { return list_schedules(s, c, in); });
  o.on<op::CreateScheduleGroup>([&](Context& c, const auto& in) {
    return scheduler::CreateScheduleGroupOutput{s.create_group(c.account(), c.region, c.principal.arn, in)};
  });
  o.on<op::GetScheduleGroup>(
      [&](Context& c, const auto& in) { return s.group(c.account(), c.region, in.name).description; });
  o.on<op::DeleteScheduleGroup>([&](Context& c, const auto& in) {
    s.remove_group(c.account(), c.region, c.principal.arn, in.name);
    return scheduler::DeleteScheduleGroupOutput();
  });
  o.on<op::ListScheduleGroups>([&](Context& c, const auto& in) { return list_groups(s, c, in); });
  o.on<op::ListTagsForResource>([&](Context& c, const auto& in) {
    scheduler::ListTagsForResourceOutput out;
    out.tags.emplace();
    for (const auto& [key, value] : s.group(c.account(), c.region, group_of(c, in.resource_arn)).tags)
      out.tags->push_back({key, value});
    return out;
  });
  o.on<op::TagResource>([&](Context& c, const auto& in) {
    s.change_tags(c.account(), c.region, c.principal.arn, group_of(c, in.resource_arn), [&](auto& tags) {
      for (const auto& t : in.tags) tags[t.key] = t.value;
    });
    return scheduler::TagResourceOutput();
  });
  o.on<op::UntagResource>([&](Context& c, const auto& in) {
    s.change_tags(c.account(), c.region, c.principal.arn, group_of(c, in.resource_arn), [&](auto& tags) {
      for (const auto& key : in.tag_keys) tags.erase(key);
    });
    return scheduler::UntagResourceOutput();
  });
}

}  // namespace tarn::gateway
