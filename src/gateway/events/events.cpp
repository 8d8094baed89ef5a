#include "gateway/events/events.hpp"

#include "api/events.hpp"
#include "base/error.hpp"
#include "gateway/events/archives.hpp"
#include "gateway/events/pages.hpp"
#include "gateway/events/rules.hpp"

namespace tarn::gateway {
namespace {

namespace events = api::events;
using api::Context;
using orchestrate::BusAddress;
using orchestrate::EventBus;

// What an operation on a bus takes, and tarn does not do.
template <class Request>
void refuse_settings(const char* operation, const Request& in) {
  auto refuse = [&](const char* member, const char* why) {
    throw Error(ErrorKind::unsupported, "NotImplemented", std::string(operation) + " with " + member + ": " + why);
  };
  if (in.kms_key_identifier) refuse("KmsKeyIdentifier", "tarn does not encrypt events with keys of yours.");
  if (in.dead_letter_config) refuse("DeadLetterConfig", "tarn has no events that can't be decrypted.");
  if (in.log_config && in.log_config->level.value_or("OFF") != "OFF")
    refuse("LogConfig", "tarn writes no logs of event buses.");
}

events::CreateEventBusResponse create_bus(EventBus& bus, Context& c, const events::CreateEventBusRequest& in) {
  refuse_settings("CreateEventBus", in);
  if (in.event_source_name)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "CreateEventBus with EventSourceName: tarn has no partner sources.");
  orchestrate::Tags tags;
  if (in.tags)
    for (const events::Tag& t : *in.tags) tags[t.key] = t.value;
  const BusAddress address{c.account(), c.region, in.name};
  bus.buses.create(address, c.principal.arn, in.description, tags);
  events::CreateEventBusResponse out;
  out.event_bus_arn = address.arn();
  out.description = in.description;
  return out;
}

events::DescribeEventBusResponse describe_bus(EventBus& bus, Context& c, const events::DescribeEventBusRequest& in) {
  const auto found = bus.buses.get(own_bus(c, in.name)).description;
  events::DescribeEventBusResponse out;
  out.name = found.name;
  out.arn = found.arn;
  out.description = found.description;
  out.policy = found.policy;
  out.creation_time = found.creation_time;
  out.last_modified_time = found.last_modified_time;
  return out;
}

events::UpdateEventBusResponse update_bus(EventBus& bus, Context& c, const events::UpdateEventBusRequest& in) {
  refuse_settings("UpdateEventBus", in);
  const auto now = bus.buses.update(own_bus(c, in.name), c.principal.arn, in.description).description;
  events::UpdateEventBusResponse out;
  out.name = now.name;
  out.arn = now.arn;
  out.description = now.description;
  return out;
}

events::ListEventBusesResponse list_buses(EventBus& bus, Context& c, const events::ListEventBusesRequest& in) {
  const PageOfNames page(in.next_token, in.limit);
  auto found = bus.buses.list(c.account(), c.region, in.name_prefix.value_or(""), page.after, page.size + 1);
  events::ListEventBusesResponse out;
  out.next_token = page.cut(found, [](const auto& b) { return *b.description.name; });
  out.event_buses.emplace();
  for (auto& b : found) out.event_buses->push_back(std::move(b.description));
  return out;
}

events::PutEventsResponse put_events(EventBus& bus, Context& c, const events::PutEventsRequest& in) {
  if (in.endpoint_id)
    throw Error(ErrorKind::unsupported, "NotImplemented", "PutEvents with EndpointId: tarn has no global endpoints.");
  events::PutEventsResponse out;
  out.entries = bus.put(c, in.entries);
  out.failed_entry_count = 0;
  for (const auto& e : *out.entries)
    if (e.error_code) ++*out.failed_entry_count;
  return out;
}

// Tags are of rules and of buses.
void change_tags(EventBus& bus, Context& c, const std::string& arn,
                 const std::function<void(orchestrate::Tags&)>& change) {
  if (auto rule = rule_of_arn(c, arn))
    bus.rules.change_tags(*rule, c.principal.arn, change);
  else
    bus.buses.change_tags(bus_of_arn(c, arn), c.principal.arn, change);
}

events::ListTagsForResourceResponse list_tags(EventBus& bus, Context& c, const std::string& arn) {
  const auto rule = rule_of_arn(c, arn);
  const auto tags = rule ? bus.rules.get(*rule).tags : bus.buses.get(bus_of_arn(c, arn)).tags;
  events::ListTagsForResourceResponse out;
  out.tags.emplace();
  for (const auto& [key, value] : tags) out.tags->push_back({key, value});
  return out;
}

void register_buses(api::Operations& o, EventBus& b) {
  o.on<events::op::CreateEventBus>([&](Context& c, const auto& in) { return create_bus(b, c, in); });
  o.on<events::op::DescribeEventBus>([&](Context& c, const auto& in) { return describe_bus(b, c, in); });
  o.on<events::op::UpdateEventBus>([&](Context& c, const auto& in) { return update_bus(b, c, in); });
  o.on<events::op::ListEventBuses>([&](Context& c, const auto& in) { return list_buses(b, c, in); });
  o.on<events::op::DeleteEventBus>([&](Context& c, const auto& in) {
    b.buses.remove(own_bus(c, in.name), c.principal.arn);
    return api::Empty();
  });
  o.on<events::op::PutPermission>([&](Context& c, const auto& in) {
    b.buses.put_permission(own_bus(c, in.event_bus_name), c.principal.arn, in);
    return api::Empty();
  });
  o.on<events::op::RemovePermission>([&](Context& c, const auto& in) {
    b.buses.remove_permission(own_bus(c, in.event_bus_name), c.principal.arn, in);
    return api::Empty();
  });
  o.on<events::op::PutEvents>([&](Context& c, const auto& in) { return put_events(b, c, in); });
  o.on<events::op::TestEventPattern>([](Context&, const auto& in) {
    return events::TestEventPatternResponse{EventBus::test_pattern(in.event_pattern, in.event)};
  });
  o.on<events::op::TagResource>([&](Context& c, const auto& in) {
    change_tags(b, c, in.resource_arn, [&](auto& tags) {
      for (const auto& t : in.tags) tags[t.key] = t.value;
    });
    return events::TagResourceResponse();
  });
  o.on<events::op::UntagResource>([&](Context& c, const auto& in) {
    change_tags(b, c, in.resource_arn, [&](auto& tags) {
      for (const auto& key : in.tag_keys) tags.erase(key);
    });
    return events::UntagResourceResponse();
  });
  o.on<events::op::ListTagsForResource>([&](Context& c, const auto& in) { return list_tags(b, c, in.resource_arn); });
}

}  // namespace

void register_events(api::Operations& o, EventBus& bus, orchestrate::Replays& replays) {
  register_buses(o, bus);
  register_rules(o, bus);
  register_archives(o, bus, replays);
}

}  // namespace tarn::gateway
