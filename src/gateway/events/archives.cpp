#include "gateway/events/archives.hpp"

#include "api/events.hpp"
#include "base/error.hpp"
#include "gateway/events/pages.hpp"
#include "gateway/events/rules.hpp"

namespace tarn::gateway {
namespace {

namespace events = api::events;
using api::Context;
using orchestrate::EventBus;
using orchestrate::Replays;

template <class Request>
void refuse_key(const char* operation, const Request& in) {
  if (in.kms_key_identifier)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                std::string(operation) + " with KmsKeyIdentifier: tarn does not encrypt events with keys of yours.");
}

template <class Response>
Response told(const orchestrate::Archives::Description& d) {
  Response out;
  out.archive_arn = d.archive_arn;
  out.state = d.state;
  out.state_reason = d.state_reason;
  out.creation_time = d.creation_time;
  return out;
}

// Lists with filters that names do not tell take pages of all.
template <class T, class List, class Wanted>
std::vector<T> filtered(const List& list_from, const PageOfNames& page, const Wanted& wanted) {
  std::vector<T> out;
  for (auto& one : list_from(page.after))
    if (out.size() <= page.size && wanted(one)) out.push_back(std::move(one));
  return out;
}

events::ListArchivesResponse list_archives(EventBus& bus, Context& c, const events::ListArchivesRequest& in) {
  const int filters = in.name_prefix.has_value() + in.event_source_arn.has_value() + in.state.has_value();
  if (filters > 1)
    throw Error(ErrorKind::caller, "ValidationException",
                "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.");
  const PageOfNames page(in.next_token, in.limit);
  auto found = filtered<orchestrate::Archives::Description>(
      [&](const std::string& after) {
        return bus.archives.list(c.account(), c.region, in.name_prefix.value_or(""), after, SIZE_MAX);
      },
      page,
      [&](const auto& d) {
        return (!in.event_source_arn || d.event_source_arn == in.event_source_arn) &&
               (!in.state || d.state == in.state);
      });
  events::ListArchivesResponse out;
  out.next_token = page.cut(found, [](const auto& d) { return *d.archive_name; });
  out.archives.emplace();
  for (const auto& d : found)
    out.archives->push_back({d.archive_name, d.event_source_arn, d.state, d.state_reason, d.retention_days,
                             d.size_bytes, d.event_count, d.creation_time});
  return out;
}

events::ListReplaysResponse list_replays(Replays& replays, Context& c, const events::ListReplaysRequest& in) {
  const int filters = in.name_prefix.has_value() + in.event_source_arn.has_value() + in.state.has_value();
  if (filters > 1)
    throw Error(ErrorKind::caller, "ValidationException",
                "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.");
  const PageOfNames page(in.next_token, in.limit);
  auto found = filtered<Replays::Description>(
      [&](const std::string& after) {
        return replays.list(c.account(), c.region, in.name_prefix.value_or(""), after, SIZE_MAX);
      },
      page,
      [&](const auto& d) {
        return (!in.event_source_arn || d.event_source_arn == in.event_source_arn) &&
               (!in.state || d.state == in.state);
      });
  events::ListReplaysResponse out;
  out.next_token = page.cut(found, [](const auto& d) { return *d.replay_name; });
  out.replays.emplace();
  for (const auto& d : found)
    out.replays->push_back({d.replay_name, d.event_source_arn, d.state, d.state_reason, d.event_start_time,
                            d.event_end_time, d.event_last_replayed_time, d.replay_start_time, d.replay_end_time});
  return out;
}

}  // namespace

void register_archives(api::Operations& o, EventBus& b, Replays& r) {
  o.on<events::op::CreateArchive>([&](Context& c, const auto& in) {
    refuse_key("CreateArchive", in);
    own_bus(c, in.event_source_arn);
    return told<events::CreateArchiveResponse>(b.archives.create(c.account(), c.region, c.principal.arn, in));
  });
  o.on<events::op::UpdateArchive>([&](Context& c, const auto& in) {
    refuse_key("UpdateArchive", in);
    return told<events::UpdateArchiveResponse>(b.archives.update(c.account(), c.region, c.principal.arn, in));
  });
  o.on<events::op::DescribeArchive>(
      [&](Context& c, const auto& in) { return b.archives.get(c.account(), c.region, in.archive_name); });
  o.on<events::op::DeleteArchive>([&](Context& c, const auto& in) {
    b.archives.remove(c.account(), c.region, c.principal.arn, in.archive_name);
    return events::DeleteArchiveResponse();
  });
  o.on<events::op::ListArchives>([&](Context& c, const auto& in) { return list_archives(b, c, in); });
  o.on<events::op::StartReplay>([&](Context& c, const auto& in) {
    own_bus(c, in.destination.arn);
    const auto d = r.begin(c.account(), c.region, c.principal.arn, in);
    events::StartReplayResponse out;
    out.replay_arn = d.replay_arn;
    out.state = d.state;
    out.replay_start_time = d.replay_start_time;
    return out;
  });
  o.on<events::op::CancelReplay>([&](Context& c, const auto& in) {
    const auto d = r.cancel(c.account(), c.region, c.principal.arn, in.replay_name);
    events::CancelReplayResponse out;
    out.replay_arn = d.replay_arn;
    out.state = d.state;
    return out;
  });
  o.on<events::op::DescribeReplay>(
      [&](Context& c, const auto& in) { return r.get(c.account(), c.region, in.replay_name); });
  o.on<events::op::ListReplays>([&](Context& c, const auto& in) { return list_replays(r, c, in); });
}

}  // namespace tarn::gateway
