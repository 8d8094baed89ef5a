#include "gateway/logs/events.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/logs/naming.hpp"
#include "meta/log_pattern.hpp"

namespace tarn::gateway {
namespace {

namespace logs = api::logs;
using api::Context;
using meta::LogEvent;
using meta::LogOrder;
using meta::LogPosition;
using meta::LogStore;
using meta::LogStream;

constexpr uint64_t event_overhead_bytes = 26;
constexpr int64_t hour_ms = 3600 * 1000, day_ms = 24 * hour_ms;

uint64_t counted_bytes(const std::string& message) {
  return message.size() + event_overhead_bytes;
}

void check_batch(const std::vector<logs::InputLogEvent>& events) {
  uint64_t batch_bytes = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    uint64_t bytes = counted_bytes(events[i].message);
    batch_bytes += bytes;
    if (events[i].message.size() > limits::max_log_event_size_bytes)
      invalid_parameter("Log event too large: " + std::to_string(bytes) + " bytes exceeds limit of " +
                        std::to_string(limits::max_log_event_size_bytes));
    if (i > 0 && events[i].timestamp < events[i - 1].timestamp)
      invalid_parameter("Log events in a single PutLogEvents request must be in chronological order.");
  }
  if (batch_bytes > limits::max_log_batch_size_bytes)
    invalid_parameter("Upload too large: " + std::to_string(batch_bytes) + " bytes exceeds limit of " +
                      std::to_string(limits::max_log_batch_size_bytes));
}

// A page of events as it fills: at most `limit` events and a megabyte.
class Page {
 public:
  explicit Page(std::optional<int64_t> limit)
      : left_(static_cast<std::size_t>(limit.value_or(limits::max_log_page_events))) {}
  // False when `message` has no place any more.
  bool take(const std::string& message) {
    uint64_t bytes = counted_bytes(message);
    if (left_ == 0 || (used_bytes_ > 0 && used_bytes_ + bytes > limits::max_log_page_size_bytes)) return false;
    --left_;
    used_bytes_ += bytes;
    return true;
  }

 private:
  std::size_t left_;
  uint64_t used_bytes_ = 0;
};

struct Cursor {
  LogOrder order;
  LogPosition position;
};

// "f/" or "b/" and a position.
std::string to_token(LogOrder order, const LogPosition& position) {
  return (order == LogOrder::oldest_first ? "f/" : "b/") + position_digits(position);
}

std::optional<Cursor> cursor_of(const std::optional<std::string>& token) {
  if (!token) return std::nullopt;
  bool forward = token->starts_with("f/");
  auto position =
      forward || token->starts_with("b/") ? parse_position(std::string_view(*token).substr(2)) : std::nullopt;
  if (!position) invalid_parameter("The specified nextToken is invalid.");
  return Cursor{forward ? LogOrder::oldest_first : LogOrder::newest_first, *position};
}

// The streams that FilterLogEvents searches.
std::vector<LogStream> searched_streams(const LogStore& store, const Context& context, const std::string& group,
                                        const logs::FilterLogEventsRequest& in) {
  if (in.log_stream_names && in.log_stream_name_prefix)
    invalid_parameter("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.");
  meta::LogScope scope = log_scope(context);
  if (!in.log_stream_names) return store.streams(scope, group, in.log_stream_name_prefix.value_or(""));
  std::vector<LogStream> out;
  for (const std::string& name : *in.log_stream_names) out.push_back(store.stream(scope, group, name));
  return out;
}

}  // namespace

logs::PutLogEventsResponse put_log_events(LogStore& store, Context& context, const logs::PutLogEventsRequest& in) {
  meta::LogScope scope = log_scope(context);
  meta::LogGroup group = store.group(scope, in.log_group_name);
  LogStream stream = store.stream(scope, in.log_group_name, in.log_stream_name);
  check_batch(in.log_events);

  int64_t now = context.now.time_since_epoch().count();
  logs::RejectedLogEventsInfo rejected;
  bool any_rejected = false;
  std::vector<meta::NewLogEvent> events;
  for (std::size_t i = 0; i < in.log_events.size(); ++i) {
    const logs::InputLogEvent& e = in.log_events[i];
    auto index = static_cast<int64_t>(i);
    bool expired = group.retention_days && e.timestamp < now - *group.retention_days * day_ms;
    if (e.timestamp > now + 2 * hour_ms) {
      if (!rejected.too_new_log_event_start_index) rejected.too_new_log_event_start_index = index;
    } else if (e.timestamp < now - 14 * day_ms) {
      rejected.too_old_log_event_end_index = index + 1;
    } else if (expired) {
      rejected.expired_log_event_end_index = index + 1;
    } else {
      events.push_back({e.timestamp, e.message});
      continue;
    }
    any_rejected = true;
  }
  if (!events.empty() && events.back().at_ms - events.front().at_ms > day_ms)
    invalid_parameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  store.append(stream, events, meta::LogFlush::now);

  logs::PutLogEventsResponse out;
  out.next_sequence_token = position_digits({now, 0});
  if (any_rejected) out.rejected_log_events_info = rejected;
  // The events are taken; what they belong to is nothing that tarn keeps.
  if (in.entity)
    out.rejected_entity_info = logs::RejectedEntityInfo{logs::entity_rejection_error_type::unsupported_log_group_type};
  return out;
}

logs::GetLogEventsResponse get_log_events(const LogStore& store, Context& context,
                                          const logs::GetLogEventsRequest& in) {
  std::string name = log_group_name(context, in.log_group_name, in.log_group_identifier);
  LogStream stream = store.stream(log_scope(context), name, in.log_stream_name);
  std::optional<Cursor> cursor = cursor_of(in.next_token);
  LogOrder order = cursor                               ? cursor->order
                   : in.start_from_head.value_or(false) ? LogOrder::oldest_first
                                                        : LogOrder::newest_first;
  meta::LogRange range{in.start_time.value_or(0), in.end_time.value_or(INT64_MAX), {}};
  if (cursor) range.beyond = cursor->position;

  std::vector<LogEvent> events;
  Page page(in.limit);
  store.scan(store.group(log_scope(context), name), std::span(&stream, 1), range, order,
             [&](const LogStream&, const LogEvent& e) {
               if (!page.take(e.message)) return false;
               events.push_back(e);
               return true;
             });
  if (order == LogOrder::newest_first) std::ranges::reverse(events);

  // Where there is nothing, both tokens stay where the reader stands, so that it goes on once there is.
  LogPosition stand = cursor ? cursor->position : LogPosition{};
  logs::GetLogEventsResponse out;
  out.next_forward_token = to_token(LogOrder::oldest_first, events.empty() ? stand : events.back().position);
  out.next_backward_token = to_token(LogOrder::newest_first, events.empty() ? stand : events.front().position);
  out.events.emplace();
  for (LogEvent& e : events) out.events->push_back({e.position.at_ms, std::move(e.message), e.ingested_ms});
  return out;
}

logs::FilterLogEventsResponse filter_log_events(const LogStore& store, Context& context,
                                                const logs::FilterLogEventsRequest& in) {
  std::string name = log_group_name(context, in.log_group_name, in.log_group_identifier);
  meta::LogGroup group = store.group(log_scope(context), name);
  std::vector<LogStream> streams = searched_streams(store, context, name, in);
  meta::LogPattern pattern(in.filter_pattern.value_or(""));
  std::optional<Cursor> cursor = cursor_of(in.next_token);
  LogOrder order = cursor                              ? cursor->order
                   : in.start_from_head.value_or(true) ? LogOrder::oldest_first
                                                       : LogOrder::newest_first;
  int64_t end = in.end_time.value_or(INT64_MAX);
  meta::LogRange range{in.start_time.value_or(0), end == INT64_MAX ? end : end + 1, {}};
  if (cursor) range.beyond = cursor->position;

  logs::FilterLogEventsResponse out;
  out.events.emplace();
  out.searched_log_streams.emplace();  // empty since 2020
  Page page(in.limit);
  LogPosition seen;
  std::size_t visited = 0;
  store.scan(group, streams, range, order, [&](const LogStream& stream, const LogEvent& e) {
    bool wanted = pattern.matches(e.message);
    if (visited == limits::max_log_events_scanned || (wanted && !page.take(e.message))) {
      out.next_token = to_token(order, seen);
      return false;
    }
    ++visited;
    seen = e.position;
    if (wanted)
      out.events->push_back({stream.name, e.position.at_ms, e.message, e.ingested_ms, position_digits(e.position)});
    return true;
  });
  return out;
}

}  // namespace tarn::gateway
