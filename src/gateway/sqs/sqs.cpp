#include "gateway/sqs/sqs.hpp"

#include <algorithm>
#include <set>

#include "api/sqs.hpp"
#include "base/error.hpp"
#include "gateway/sqs/messages.hpp"
#include "gateway/sqs/queue_urls.hpp"
#include "notify/permissions.hpp"

namespace tarn::gateway {
namespace {

namespace sqs = api::sqs;
using api::Context;
using notify::Queues;

constexpr std::size_t max_page = 1000;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterValue", what);
}

std::size_t page_size(const std::optional<int64_t>& max_results) {
  if (max_results && (*max_results < 1 || *max_results > static_cast<int64_t>(max_page)))
    invalid("MaxResults must be an integer between 1 and 1000.");
  return max_results ? static_cast<std::size_t>(*max_results) : max_page;
}

sqs::CreateQueueResult create_queue(Queues& queues, Context& c, const sqs::CreateQueueRequest& in) {
  queues.create({c.account(), c.region, in.queue_name}, c.principal.arn,
                in.attributes.value_or(notify::QueueAttributes()),
                in.tags.value_or(std::map<std::string, std::string>()));
  return {queue_url(c, c.account(), in.queue_name)};
}

sqs::GetQueueUrlResult get_queue_url(Queues& queues, Context& c, const sqs::GetQueueUrlRequest& in) {
  const std::string account = in.queue_owner_aws_account_id.value_or(c.account());
  if (account != c.account())
    throw Error(ErrorKind::denied, "AccessDenied",
                "Access to the queue " + in.queue_name + " of " + account + " is denied.");
  queues.record({account, c.region, in.queue_name});
  return {queue_url(c, account, in.queue_name)};
}

sqs::ListQueuesResult list_queues(Queues& queues, Context& c, const sqs::ListQueuesRequest& in) {
  const std::size_t size = page_size(in.max_results);
  std::vector<std::string> names =
      queues.list(c.account(), c.region, in.queue_name_prefix.value_or(""), in.next_token.value_or(""), size + 1);
  sqs::ListQueuesResult out;
  // Without MaxResults there are no pages: AWS tells the first thousand.
  if (names.size() > size) {
    names.resize(size);
    if (in.max_results) out.next_token = names.back();
  }
  for (const std::string& name : names) {
    if (!out.queue_urls) out.queue_urls.emplace();
    out.queue_urls->push_back(queue_url(c, c.account(), name));
  }
  return out;
}

sqs::GetQueueAttributesResult get_queue_attributes(Queues& queues, Context& c,
                                                   const sqs::GetQueueAttributesRequest& in) {
  const notify::QueueAddress address = queue_of(c, in.queue_url);
  const auto names = in.attribute_names.value_or(std::vector<std::string>());
  notify::check_queue_attribute_names(names);
  const notify::QueueAttributes all = queues.attributes(address);
  if (std::count(names.begin(), names.end(), "All")) return {all};
  sqs::GetQueueAttributesResult out;
  for (const std::string& name : names)
    if (auto it = all.find(name); it != all.end()) {
      if (!out.attributes) out.attributes.emplace();
      out.attributes->insert(*it);
    }
  return out;
}

sqs::ListDeadLetterSourceQueuesResult list_sources(Queues& queues, Context& c,
                                                   const sqs::ListDeadLetterSourceQueuesRequest& in) {
  const notify::QueueAddress address = queue_of(c, in.queue_url);
  const std::size_t size = page_size(in.max_results);
  sqs::ListDeadLetterSourceQueuesResult out;
  std::string last;
  for (const std::string& name : queues.dead_letter_sources(address)) {
    if (in.next_token && name <= *in.next_token) continue;
    if (out.queue_urls.size() == size) {
      out.next_token = last;
      break;
    }
    out.queue_urls.push_back(queue_url(c, c.account(), name));
    last = name;
  }
  return out;
}

api::Empty add_permission(Queues& queues, Context& c, const sqs::AddPermissionRequest& in) {
  static const std::set<std::string> actions{"*",
                                             "SendMessage",
                                             "ReceiveMessage",
                                             "DeleteMessage",
                                             "ChangeMessageVisibility",
                                             "GetQueueUrl",
                                             "GetQueueAttributes",
                                             "PurgeQueue",
                                             "ListDeadLetterSourceQueues"};
  const notify::QueueAddress address = queue_of(c, in.queue_url);
  if (in.aws_account_ids.empty()) invalid("The request must contain the parameter AWSAccountId.");
  if (in.actions.empty() || in.actions.size() > 7)
    throw Error(ErrorKind::limit, "OverLimit",
                std::to_string(in.actions.size()) + " Actions were found, maximum allowed is 7.");
  for (const std::string& action : in.actions)
    if (!actions.contains(action))
      invalid("Value SQS:" + action +
              " for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action.");
  notify::QueueAttributes attributes = queues.record(address).attributes;
  queues.set_attributes(address, c.principal.arn,
                        {{"Policy", notify::add_permission(attributes["Policy"], "SQS", address.arn(),
                                                           {in.label, in.aws_account_ids, in.actions})}});
  return {};
}

api::Empty remove_permission(Queues& queues, Context& c, const sqs::RemovePermissionRequest& in) {
  const notify::QueueAddress address = queue_of(c, in.queue_url);
  notify::QueueAttributes attributes = queues.record(address).attributes;
  queues.set_attributes(address, c.principal.arn,
                        {{"Policy", notify::remove_permission(attributes["Policy"], in.label)}});
  return {};
}

notify::QueueAddress queue_of_arn(const Context& c, const std::string& arn) {
  auto address = notify::parse_queue_arn(arn);
  if (!address)
    invalid(
        "You must use this format to specify the queue ARN: "
        "arn:<partition>:<service>:<region>:<account-id>:<resource-id>.");
  if (address->account != c.account() || address->region != c.region)
    throw Error(ErrorKind::missing, "ResourceNotFoundException",
                "The resource that you specified for the SourceArn parameter doesn't exist.");
  return *address;
}

sqs::ListMessageMoveTasksResult list_moves(notify::MessageMoves& moves, Context& c,
                                           const sqs::ListMessageMoveTasksRequest& in) {
  const int64_t most = in.max_results.value_or(1);
  if (most < 1 || most > 10) invalid("Value for parameter MaxResults is invalid: 1 to 10.");
  sqs::ListMessageMoveTasksResult out;
  out.results.emplace();
  for (const notify::MoveTask& t : moves.list(queue_of_arn(c, in.source_arn), static_cast<std::size_t>(most))) {
    sqs::ListMessageMoveTasksResultEntry e;
    if (t.status == "RUNNING") e.task_handle = t.handle;
    e.status = t.status;
    e.source_arn = t.source_arn;
    if (!t.destination_arn.empty()) e.destination_arn = t.destination_arn;
    e.max_number_of_messages_per_second = t.rate;
    e.approximate_number_of_messages_moved = t.moved;
    e.approximate_number_of_messages_to_move = t.to_move;
    if (!t.failure.empty()) e.failure_reason = t.failure;
    e.started_timestamp = t.started_ms;
    out.results->push_back(e);
  }
  return out;
}

void register_queue_operations(api::Operations& o, Queues& q) {
  o.on<sqs::op::CreateQueue>([&](Context& c, const auto& in) { return create_queue(q, c, in); });
  o.on<sqs::op::GetQueueUrl>([&](Context& c, const auto& in) { return get_queue_url(q, c, in); });
  o.on<sqs::op::ListQueues>([&](Context& c, const auto& in) { return list_queues(q, c, in); });
  o.on<sqs::op::GetQueueAttributes>([&](Context& c, const auto& in) { return get_queue_attributes(q, c, in); });
  o.on<sqs::op::ListDeadLetterSourceQueues>([&](Context& c, const auto& in) { return list_sources(q, c, in); });
  o.on<sqs::op::AddPermission>([&](Context& c, const auto& in) { return add_permission(q, c, in); });
  o.on<sqs::op::RemovePermission>([&](Context& c, const auto& in) { return remove_permission(q, c, in); });
  o.on<sqs::op::DeleteQueue>([&](Context& c, const auto& in) {
    q.remove(queue_of(c, in.queue_url), c.principal.arn);
    return api::Empty();
  });
  o.on<sqs::op::PurgeQueue>([&](Context& c, const auto& in) {
    q.purge(queue_of(c, in.queue_url));
    return api::Empty();
  });
  o.on<sqs::op::SetQueueAttributes>([&](Context& c, const auto& in) {
    q.set_attributes(queue_of(c, in.queue_url), c.principal.arn, in.attributes);
    return api::Empty();
  });
  o.on<sqs::op::ListQueueTags>([&](Context& c, const auto& in) {
    sqs::ListQueueTagsResult out;
    if (auto tags = q.record(queue_of(c, in.queue_url)).tags; !tags.empty()) out.tags = std::move(tags);
    return out;
  });
  o.on<sqs::op::TagQueue>([&](Context& c, const auto& in) {
    q.change_tags(queue_of(c, in.queue_url), c.principal.arn, [&](auto& tags) {
      for (const auto& [key, value] : in.tags) tags[key] = value;
    });
    return api::Empty();
  });
  o.on<sqs::op::UntagQueue>([&](Context& c, const auto& in) {
    q.change_tags(queue_of(c, in.queue_url), c.principal.arn, [&](auto& tags) {
      for (const auto& key : in.tag_keys) tags.erase(key);
    });
    return api::Empty();
  });
}

}  // namespace

void register_sqs(api::Operations& o, Queues& queues, notify::MessageMoves& moves, Clock& clock, Random& random) {
  register_queue_operations(o, queues);
  register_messages(o, queues, clock, random);
  o.on<sqs::op::StartMessageMoveTask>([&](Context& c, const auto& in) {
    return sqs::StartMessageMoveTaskResult{moves.begin(queue_of_arn(c, in.source_arn), c.principal.arn,
                                                       in.destination_arn.value_or(""),
                                                       in.max_number_of_messages_per_second)};
  });
  o.on<sqs::op::CancelMessageMoveTask>([&](Context& c, const auto& in) {
    return sqs::CancelMessageMoveTaskResult{moves.cancel(c.account(), in.task_handle)};
  });
  o.on<sqs::op::ListMessageMoveTasks>([&](Context& c, const auto& in) { return list_moves(moves, c, in); });
}

}  // namespace tarn::gateway
