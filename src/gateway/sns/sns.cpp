#include "gateway/sns/sns.hpp"

#include "api/sns.hpp"
#include "base/error.hpp"
#include "gateway/sns/publish.hpp"
#include "notify/permissions.hpp"

namespace tarn::gateway {
namespace {

namespace sns = api::sns;
using api::Context;
using notify::Topics;

constexpr std::size_t page_size = 100;

notify::Tags read_tags(const std::vector<sns::Tag>& tags) {
  notify::Tags out;
  for (const auto& tag : tags) out[tag.key] = tag.value;
  return out;
}

sns::CreateTopicResponse create_topic(Topics& topics, Context& c, const sns::CreateTopicInput& in) {
  if (in.data_protection_policy)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "CreateTopic with DataProtectionPolicy: tarn does not look for sensitive data in messages.");
  const notify::TopicAddress address{c.account(), c.region, in.name};
  topics.create(address, c.principal.arn, in.attributes.value_or(notify::TopicAttributes()),
                read_tags(in.tags.value_or(std::vector<sns::Tag>())));
  return {address.arn()};
}

sns::ListTopicsResponse list_topics(Topics& topics, Context& c, const sns::ListTopicsInput& in) {
  sns::ListTopicsResponse out;
  out.topics.emplace();
  auto names = topics.list(c.account(), c.region, in.next_token.value_or(""), page_size + 1);
  if (names.size() > page_size) {
    names.resize(page_size);
    out.next_token = names.back();
  }
  for (const std::string& name : names)
    out.topics->push_back({notify::TopicAddress{c.account(), c.region, name}.arn()});
  return out;
}

template <class Response>
Response list_subscriptions(Topics& topics, const notify::TopicAddress& of, const std::optional<std::string>& token) {
  Response out;
  out.subscriptions.emplace();
  auto found = topics.subscriptions(of, token.value_or(""), page_size + 1);
  if (found.size() > page_size) {
    found.resize(page_size);
    out.next_token = found.back().arn();
  }
  for (const notify::Subscription& s : found)
    out.subscriptions->push_back(
        {s.pending ? "PendingConfirmation" : s.arn(), s.owner, s.protocol, s.endpoint, s.topic.arn()});
  return out;
}

sns::SubscribeResponse subscribe(Topics& topics, notify::Publisher& publisher, notify::Targets& targets, Context& c,
                                 const sns::SubscribeInput& in) {
  notify::SubscribeRequest request{topic_of(c, in.topic_arn, "Subscribe"), in.protocol, in.endpoint.value_or(""),
                                   c.account(), in.attributes.value_or(notify::TopicAttributes())};
  if (in.protocol == "lambda") targets.check(request.endpoint);
  bool made = false;
  const notify::Subscription s = topics.subscribe(request, c.principal.arn, made);
  if (s.pending) publisher.ask_for_confirmation(s);
  return {s.pending && !in.return_subscription_arn.value_or(false) ? "pending confirmation" : s.arn()};
}

api::Empty unsubscribe(Topics& topics, Context& c, const sns::UnsubscribeInput& in) {
  auto found = topics.find_subscription(in.subscription_arn);
  if (!found) return {};
  const bool is_signed = !c.principal.access_key_id.empty();
  if ((is_signed || found->authenticates_unsubscribe) &&
      (!is_signed || (found->owner != c.account() && found->topic.account != c.account())))
    throw Error(ErrorKind::denied, "AuthorizationError",
                "Only the owner of the subscription or of its topic may unsubscribe it.");
  topics.unsubscribe(in.subscription_arn, c.principal.arn.empty() ? "tarn" : c.principal.arn);
  return {};
}

void register_topics(api::Operations& o, Topics& t) {
  o.on<sns::op::CreateTopic>([&](Context& c, const auto& in) { return create_topic(t, c, in); });
  o.on<sns::op::ListTopics>([&](Context& c, const auto& in) { return list_topics(t, c, in); });
  o.on<sns::op::DeleteTopic>([&](Context& c, const auto& in) {
    t.remove(topic_of(c, in.topic_arn, "DeleteTopic"), c.principal.arn);
    return api::Empty();
  });
  o.on<sns::op::GetTopicAttributes>([&](Context& c, const auto& in) {
    return sns::GetTopicAttributesResponse{t.attributes(topic_of(c, in.topic_arn, "GetTopicAttributes"))};
  });
  o.on<sns::op::SetTopicAttributes>([&](Context& c, const auto& in) {
    t.set_attribute(topic_of(c, in.topic_arn, "SetTopicAttributes"), c.principal.arn, in.attribute_name,
                    in.attribute_value.value_or(""));
    return api::Empty();
  });
  o.on<sns::op::AddPermission>([&](Context& c, const auto& in) {
    const auto address = topic_of(c, in.topic_arn, "AddPermission");
    const std::string policy = t.attributes(address).at("Policy");
    try {
      t.set_attribute(
          address, c.principal.arn, "Policy",
          notify::add_permission(policy, "SNS", address.arn(), {in.label, in.aws_account_id, in.action_name}));
    } catch (const Error& e) {
      if (e.code() != "InvalidParameterValue") throw;
      throw Error(ErrorKind::caller, "InvalidParameter", "Invalid parameter: Statement already exists");
    }
    return api::Empty();
  });
  o.on<sns::op::RemovePermission>([&](Context& c, const auto& in) {
    const auto address = topic_of(c, in.topic_arn, "RemovePermission");
    try {
      t.set_attribute(address, c.principal.arn, "Policy",
                      notify::remove_permission(t.attributes(address).at("Policy"), in.label));
    } catch (const Error& e) {
      if (e.code() != "InvalidParameterValue") throw;
      throw Error(ErrorKind::missing, "NotFound", "There is no statement with the label " + in.label);
    }
    return api::Empty();
  });
  o.on<sns::op::ListTagsForResource>([&](Context& c, const auto& in) {
    auto found = t.find(topic_of(c, in.resource_arn, "ListTagsForResource"));
    if (!found) throw Error(ErrorKind::missing, "ResourceNotFound", "Resource does not exist");
    sns::ListTagsForResourceResponse out;
    out.tags.emplace();
    for (const auto& [key, value] : found->tags) out.tags->push_back({key, value});
    return out;
  });
  o.on<sns::op::TagResource>([&](Context& c, const auto& in) {
    t.change_tags(topic_of(c, in.resource_arn, "TagResource"), c.principal.arn, [&](auto& tags) {
      for (const auto& tag : in.tags) tags[tag.key] = tag.value;
    });
    return typename sns::op::TagResource::Output();
  });
  o.on<sns::op::UntagResource>([&](Context& c, const auto& in) {
    t.change_tags(topic_of(c, in.resource_arn, "UntagResource"), c.principal.arn, [&](auto& tags) {
      for (const auto& key : in.tag_keys) tags.erase(key);
    });
    return typename sns::op::UntagResource::Output();
  });
}

// The subscription, where it or its topic is the caller's.
notify::Subscription own_subscription(const Topics& topics, const Context& c, const std::string& arn) {
  notify::Subscription s = topics.subscription(arn);
  if (s.owner != c.account() && s.topic.account != c.account())
    throw Error(ErrorKind::denied, "AuthorizationError", "The subscription " + arn + " is another account's.");
  return s;
}

}  // namespace

void register_sns(api::Operations& o, Topics& t, notify::Publisher& publisher, notify::Targets& targets) {
  register_topics(o, t);
  register_publish(o, publisher);
  o.on<sns::op::Subscribe>([&](Context& c, const auto& in) { return subscribe(t, publisher, targets, c, in); });
  o.on<sns::op::Unsubscribe>([&](Context& c, const auto& in) { return unsubscribe(t, c, in); });
  o.on<sns::op::ConfirmSubscription>([&](Context&, const auto& in) {
    return sns::ConfirmSubscriptionResponse{t.confirm(notify::parse_topic_arn(in.topic_arn), in.token,
                                                      in.authenticate_on_unsubscribe.value_or("false") == "true")
                                                .arn()};
  });
  o.on<sns::op::ListSubscriptions>([&](Context& c, const auto& in) {
    return list_subscriptions<sns::ListSubscriptionsResponse>(t, {c.account(), c.region, ""}, in.next_token);
  });
  o.on<sns::op::ListSubscriptionsByTopic>([&](Context& c, const auto& in) {
    const auto address = topic_of(c, in.topic_arn, "ListSubscriptionsByTopic");
    t.topic(address);
    return list_subscriptions<sns::ListSubscriptionsByTopicResponse>(t, address, in.next_token);
  });
  o.on<sns::op::GetSubscriptionAttributes>([&](Context& c, const auto& in) {
    return sns::GetSubscriptionAttributesResponse{t.attributes(own_subscription(t, c, in.subscription_arn))};
  });
  o.on<sns::op::SetSubscriptionAttributes>([&](Context& c, const auto& in) {
    own_subscription(t, c, in.subscription_arn);
    t.set_subscription_attribute(in.subscription_arn, c.principal.arn, in.attribute_name,
                                 in.attribute_value.value_or(""));
    return api::Empty();
  });
}

}  // namespace tarn::gateway
