#include "gateway/logs/logs.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "gateway/logs/events.hpp"
#include "gateway/logs/naming.hpp"

namespace tarn::gateway {
namespace {

namespace logs = api::logs;
using api::Context;
using meta::LogGroup;
using meta::LogStore;

constexpr std::size_t max_tags = 50;
constexpr int64_t default_page = 50;

void add_tags(LogGroup& group, const std::map<std::string, std::string>& tags) {
  for (const auto& [name, value] : tags) {
    if (name.empty() || name.size() > 128 || name.starts_with("aws:"))
      invalid_parameter("The tag key '" + name + "' is not allowed.");
    if (value.size() > 256) invalid_parameter("The value of tag '" + name + "' is longer than 256 characters.");
    group.tags[name] = value;
  }
  if (group.tags.size() > max_tags)
    throw Error(ErrorKind::limit, "TooManyTagsException", "A log group can have 50 tags at most.");
}

api::Empty create_group(LogStore& store, Context& context, const logs::CreateLogGroupRequest& in) {
  if (in.kms_key_id)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "CreateLogGroup with kmsKeyId: tarn does not encrypt logs by a key. Leave it out.");
  LogGroup group;
  group.name = in.log_group_name;
  group.log_class = in.log_group_class.value_or("STANDARD");
  group.deletion_protection = in.deletion_protection_enabled.value_or(false);
  if (in.tags) add_tags(group, *in.tags);
  store.create_group(log_scope(context), group);
  return {};
}

logs::LogGroup describe(const LogStore& store, const Context& context, const LogGroup& group) {
  logs::LogGroup out;
  out.log_group_name = group.name;
  out.creation_time = group.created_ms;
  out.retention_in_days = group.retention_days;
  out.metric_filter_count = 0;
  out.arn = log_group_arn(context, group.name) + ":*";
  out.log_group_arn = log_group_arn(context, group.name);
  out.stored_bytes = static_cast<int64_t>(store.stored_bytes(group));
  out.log_group_class = group.log_class;
  out.deletion_protection_enabled = group.deletion_protection;
  return out;
}

logs::DescribeLogGroupsResponse describe_groups(const LogStore& store, Context& context,
                                                const logs::DescribeLogGroupsRequest& in) {
  if (in.log_group_name_prefix && in.log_group_name_pattern)
    invalid_parameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  logs::DescribeLogGroupsResponse out;
  out.log_groups.emplace();
  // There are no linked accounts, so another account's groups are none.
  if (in.account_identifiers && !in.account_identifiers->empty() &&
      std::ranges::count(*in.account_identifiers, context.account()) == 0)
    return out;
  std::vector<std::string> wanted;
  for (const std::string& id : in.log_group_identifiers.value_or(std::vector<std::string>()))
    wanted.push_back(log_group_name(context, id));
  auto takes = [&](const LogGroup& g) {
    return (!in.log_group_name_prefix || g.name.starts_with(*in.log_group_name_prefix)) &&
           (!in.log_group_name_pattern || g.name.find(*in.log_group_name_pattern) != std::string::npos) &&
           (!in.log_group_class || g.log_class == *in.log_group_class) &&
           (wanted.empty() || std::ranges::count(wanted, g.name) > 0);
  };
  auto limit = static_cast<std::size_t>(in.limit.value_or(default_page));
  for (const LogGroup& g : store.groups(log_scope(context), page_key(in.next_token))) {
    if (!takes(g)) continue;
    if (out.log_groups->size() == limit) {
      out.next_token = page_token(*out.log_groups->back().log_group_name);
      break;
    }
    out.log_groups->push_back(describe(store, context, g));
  }
  return out;
}

logs::LogStream describe(const Context& context, std::string_view group, const meta::LogStream& stream,
                         const meta::LogStatistics& statistics) {
  logs::LogStream out;
  out.log_stream_name = stream.name;
  out.creation_time = stream.created_ms;
  if (statistics.any) {
    out.first_event_timestamp = statistics.first_event_ms;
    out.last_event_timestamp = statistics.last_event_ms;
    out.last_ingestion_time = statistics.last_ingestion_ms;
  }
  out.arn = log_group_arn(context, group) + ":log-stream:" + stream.name;
  out.stored_bytes = 0;  // AWS tells no other number since 2019
  return out;
}

logs::DescribeLogStreamsResponse describe_streams(const LogStore& store, Context& context,
                                                  const logs::DescribeLogStreamsRequest& in) {
  std::string name = log_group_name(context, in.log_group_name, in.log_group_identifier);
  bool by_time = in.order_by.value_or(logs::order_by::log_stream_name) == logs::order_by::last_event_time;
  if (by_time && in.log_stream_name_prefix)
    invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix.");
  LogGroup group = store.group(log_scope(context), name);
  std::map<uint64_t, meta::LogStatistics> statistics = store.group_statistics(group);
  // Streams under the text that they are ordered by.
  std::vector<std::pair<std::string, meta::LogStream>> ordered;
  for (meta::LogStream& s : store.streams(log_scope(context), name, in.log_stream_name_prefix.value_or(""))) {
    meta::LogPosition last{statistics[s.id].last_event_ms, 0};
    std::string key = by_time ? position_digits(last) + s.name : s.name;
    ordered.emplace_back(std::move(key), std::move(s));
  }
  std::ranges::sort(ordered, {}, [](const auto& pair) { return std::string_view(pair.first); });
  if (in.descending.value_or(false)) std::ranges::reverse(ordered);
  std::string after = page_key(in.next_token);
  auto limit = static_cast<std::size_t>(in.limit.value_or(default_page));
  logs::DescribeLogStreamsResponse out;
  out.log_streams.emplace();
  std::string last;
  for (const auto& [key, stream] : ordered) {
    if (!after.empty() && (in.descending.value_or(false) ? key >= after : key <= after)) continue;
    if (out.log_streams->size() == limit) {
      out.next_token = page_token(last);
      break;
    }
    out.log_streams->push_back(describe(context, name, stream, statistics[stream.id]));
    last = key;
  }
  return out;
}

api::Empty put_retention(LogStore& store, Context& context, const logs::PutRetentionPolicyRequest& in) {
  constexpr std::array<int64_t, 22> allowed = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                               365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
  if (std::ranges::count(allowed, in.retention_in_days) == 0)
    invalid_parameter(
        "Retention policy must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, "
        "2192, 2557, "
        "2922, 3288, 3653 days.");
  store.change_group(log_scope(context), in.log_group_name,
                     [&](LogGroup& g) { g.retention_days = in.retention_in_days; });
  return {};
}

void register_tags(api::Operations& operations, LogStore& store) {
  auto tag = [&store](Context& c, const std::string& name, const std::map<std::string, std::string>& tags) {
    store.change_group(log_scope(c), name, [&](LogGroup& g) { add_tags(g, tags); });
    return api::Empty{};
  };
  auto untag = [&store](Context& c, const std::string& name, const std::vector<std::string>& keys) {
    store.change_group(log_scope(c), name, [&](LogGroup& g) {
      for (const std::string& key : keys) g.tags.erase(key);
    });
    return api::Empty{};
  };
  operations.on<logs::op::TagResource>([tag](Context& c, const logs::TagResourceRequest& in) {
    return tag(c, log_group_name(c, in.resource_arn), in.tags);
  });
  operations.on<logs::op::TagLogGroup>(
      [tag](Context& c, const logs::TagLogGroupRequest& in) { return tag(c, in.log_group_name, in.tags); });
  operations.on<logs::op::UntagResource>([untag](Context& c, const logs::UntagResourceRequest& in) {
    return untag(c, log_group_name(c, in.resource_arn), in.tag_keys);
  });
  operations.on<logs::op::UntagLogGroup>(
      [untag](Context& c, const logs::UntagLogGroupRequest& in) { return untag(c, in.log_group_name, in.tags); });
  operations.on<logs::op::ListTagsForResource>([&store](Context& c, const logs::ListTagsForResourceRequest& in) {
    logs::ListTagsForResourceResponse out;
    out.tags = store.group(log_scope(c), log_group_name(c, in.resource_arn)).tags;
    return out;
  });
  operations.on<logs::op::ListTagsLogGroup>([&store](Context& c, const logs::ListTagsLogGroupRequest& in) {
    logs::ListTagsLogGroupResponse out;
    out.tags = store.group(log_scope(c), in.log_group_name).tags;
    return out;
  });
}

}  // namespace

void register_logs(api::Operations& operations, LogStore& store) {
  operations.on<logs::op::CreateLogGroup>(
      [&](Context& c, const logs::CreateLogGroupRequest& in) { return create_group(store, c, in); });
  operations.on<logs::op::DeleteLogGroup>([&](Context& c, const logs::DeleteLogGroupRequest& in) {
    store.delete_group(log_scope(c), in.log_group_name);
    return api::Empty{};
  });
  operations.on<logs::op::DescribeLogGroups>(
      [&](Context& c, const logs::DescribeLogGroupsRequest& in) { return describe_groups(store, c, in); });
  operations.on<logs::op::PutLogGroupDeletionProtection>(
      [&](Context& c, const logs::PutLogGroupDeletionProtectionRequest& in) {
        store.change_group(log_scope(c), log_group_name(c, in.log_group_identifier),
                           [&](LogGroup& g) { g.deletion_protection = in.deletion_protection_enabled; });
        return api::Empty{};
      });
  operations.on<logs::op::CreateLogStream>([&](Context& c, const logs::CreateLogStreamRequest& in) {
    store.create_stream(log_scope(c), in.log_group_name, in.log_stream_name);
    return api::Empty{};
  });
  operations.on<logs::op::DeleteLogStream>([&](Context& c, const logs::DeleteLogStreamRequest& in) {
    store.delete_stream(log_scope(c), in.log_group_name, in.log_stream_name);
    return api::Empty{};
  });
  operations.on<logs::op::DescribeLogStreams>(
      [&](Context& c, const logs::DescribeLogStreamsRequest& in) { return describe_streams(store, c, in); });
  operations.on<logs::op::PutRetentionPolicy>(
      [&](Context& c, const logs::PutRetentionPolicyRequest& in) { return put_retention(store, c, in); });
  operations.on<logs::op::DeleteRetentionPolicy>([&](Context& c, const logs::DeleteRetentionPolicyRequest& in) {
    store.change_group(log_scope(c), in.log_group_name, [](LogGroup& g) { g.retention_days.reset(); });
    return api::Empty{};
  });
  operations.on<logs::op::PutLogEvents>(
      [&](Context& c, const logs::PutLogEventsRequest& in) { return put_log_events(store, c, in); });
  operations.on<logs::op::GetLogEvents>(
      [&](Context& c, const logs::GetLogEventsRequest& in) { return get_log_events(store, c, in); });
  operations.on<logs::op::FilterLogEvents>(
      [&](Context& c, const logs::FilterLogEventsRequest& in) { return filter_log_events(store, c, in); });
  register_tags(operations, store);
}

}  // namespace tarn::gateway
