#include "notify/topics.hpp"

#include <algorithm>
#include <cctype>

#include "api/structs.hpp"
#include "base/error.hpp"
#include "notify/targets.hpp"
#include "notify/topic_attributes.hpp"

namespace tarn::notify {
namespace {

constexpr std::string_view topic_kind = "sns.topic", subscription_kind = "sns.subscription";
constexpr std::size_t max_tags = 50, token_digits = 128;

std::string key_of(const TopicAddress& a) {
  return meta::key({a.account, a.region, a.name});
}
std::string key_of(const Subscription& s) {
  return meta::key({s.topic.account, s.topic.region, s.topic.name, s.id});
}

Value to_record(const TopicRecord& r) {
  return Value::map({{"Attributes", api::to_value(r.attributes)}, {"Tags", api::to_value(r.tags)}});
}
TopicRecord topic_from(const Value& v) {
  TopicRecord r;
  api::from_value(v.at("Attributes"), r.attributes);
  api::from_value(v.at("Tags"), r.tags);
  return r;
}

Value to_record(const Subscription& s) {
  return Value::map({{"Protocol", s.protocol},
                     {"Endpoint", s.endpoint},
                     {"Owner", s.owner},
                     {"Attributes", api::to_value(s.attributes)},
                     {"Pending", s.pending},
                     {"Token", s.token},
                     {"ConfirmedByOwner", s.confirmed_by_owner},
                     {"AuthenticatesUnsubscribe", s.authenticates_unsubscribe}});
}

Subscription subscription_from(const std::string& key, const Value& v) {
  Subscription s;
  const auto parts = meta::key_parts(key);
  s.topic = {parts.at(0), parts.at(1), parts.at(2)};
  s.id = parts.at(3);
  s.protocol = v.string_or("Protocol");
  s.endpoint = v.string_or("Endpoint");
  s.owner = v.string_or("Owner");
  api::from_value(v.at("Attributes"), s.attributes);
  s.pending = v.bool_or("Pending");
  s.token = v.string_or("Token");
  s.confirmed_by_owner = v.bool_or("ConfirmedByOwner", true);
  s.authenticates_unsubscribe = v.bool_or("AuthenticatesUnsubscribe");
  if (const std::string filter = s.attribute("FilterPolicy"); !filter.empty() && filter != "{}")
    s.filter = std::make_shared<const EventPattern>(filter);
  return s;
}

[[noreturn]] void not_found(const std::string& what) {
  throw Error(ErrorKind::missing, "NotFound", what + " does not exist");
}

void check_tags(const Tags& tags) {
  if (tags.size() > max_tags)
    throw Error(ErrorKind::limit, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded");
  for (const auto& [key, value] : tags)
    if (key.empty() || key.size() > 128 || value.size() > 256 || key.starts_with("aws:"))
      invalid_parameter("Tags", "the tag " + key + " is not allowed");
}

void check_name(const TopicAddress& a) {
  std::string_view stem = a.name;
  if (a.fifo()) stem.remove_suffix(5);
  const bool good = !stem.empty() && a.name.size() <= 256 && std::all_of(stem.begin(), stem.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
  if (!good) throw Error(ErrorKind::caller, "InvalidParameter", "Invalid parameter: Topic Name");
}

// The topic and the id that a subscription's ARN names.
std::pair<TopicAddress, std::string> parse_subscription_arn(const std::string& text) {
  const auto arn = parse_arn(text);
  const std::size_t colon = arn ? arn->resource.find(':') : std::string::npos;
  if (!arn || arn->service != "sns" || colon == std::string::npos)
    invalid_parameter("SubscriptionArn", "An ARN must have at least 6 elements, not " +
                                             std::to_string(std::count(text.begin(), text.end(), ':') + 1));
  return {{arn->account, arn->region, arn->resource.substr(0, colon)}, arn->resource.substr(colon + 1)};
}

}  // namespace

std::string Subscription::attribute(const std::string& name, const std::string& otherwise) const {
  auto it = attributes.find(name);
  return it == attributes.end() ? otherwise : it->second;
}

TopicAddress parse_topic_arn(const std::string& text) {
  const auto arn = parse_arn(text);
  if (!arn || arn->service != "sns" || arn->resource.find(':') != std::string::npos)
    throw Error(ErrorKind::caller, "InvalidParameter", "Invalid parameter: TopicArn");
  return {arn->account, arn->region, arn->resource};
}

// ---- topics ----

void Topics::create(const TopicAddress& address, std::string_view actor, const TopicAttributes& attributes,
                    const Tags& tags) {
  check_name(address);
  check_tags(tags);
  for (const auto& [name, value] : attributes) check_topic_attribute(name, value, address.fifo());
  auto fifo = attributes.find("FifoTopic");
  if (address.fifo() && (fifo == attributes.end() || fifo->second != "true"))
    throw Error(ErrorKind::caller, "InvalidParameter", "Invalid parameter: Topic Name");
  TopicRecord record{attributes, tags};
  std::erase_if(record.attributes, [](const auto& a) { return a.second.empty() || a.second == "false"; });
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (auto there = t.get(topic_kind, key_of(address))) {
      const TopicRecord has = topic_from(*there);
      for (const auto& [name, value] : record.attributes)
        if (auto it = has.attributes.find(name); it == has.attributes.end() || it->second != value)
          invalid_parameter("Attributes", "Topic already exists with different attributes");
      for (const auto& [name, value] : tags)
        if (auto it = has.tags.find(name); it == has.tags.end() || it->second != value)
          invalid_parameter("Tags", "Topic already exists with different tags");
      return;
    }
    t.put(topic_kind, key_of(address), to_record(record));
  });
  changed(address);
}

void Topics::remove(const TopicAddress& address, std::string_view actor) {
  metadata_.change(actor, [&](meta::Transaction& t) {
    t.erase(topic_kind, key_of(address));
    t.erase_all(subscription_kind, meta::prefix({address.account, address.region, address.name}));
  });
  changed(address);
}

std::optional<TopicRecord> Topics::find(const TopicAddress& address) const {
  auto v = metadata_.get(topic_kind, key_of(address));
  return v ? std::optional(topic_from(*v)) : std::nullopt;
}

TopicRecord Topics::topic(const TopicAddress& address) const {
  auto found = find(address);
  if (!found) not_found("Topic");
  return *found;
}

std::vector<std::string> Topics::list(std::string_view account, std::string_view region, std::string_view after,
                                      std::size_t limit) const {
  std::vector<std::string> out;
  const std::string all = meta::prefix({account, region});
  for (const std::string& key : metadata_.keys(topic_kind, all, after.empty() ? "" : all + std::string(after), limit))
    out.push_back(meta::key_parts(key).back());
  return out;
}

TopicAttributes Topics::attributes(const TopicAddress& address) const {
  TopicAttributes out = topic(address).attributes;
  std::size_t confirmed = 0, pending = 0;
  for (const Subscription& s : subscriptions(address)) ++(s.pending ? pending : confirmed);
  out["EffectiveDeliveryPolicy"] = effective_delivery_policy(out, {});
  out["TopicArn"] = address.arn();
  out["Owner"] = address.account;
  out.emplace("Policy", default_topic_policy(address));
  out.emplace("DisplayName", "");
  out["SubscriptionsConfirmed"] = std::to_string(confirmed);
  out["SubscriptionsPending"] = std::to_string(pending);
  out["SubscriptionsDeleted"] = "0";
  if (address.fifo()) {
    out.emplace("ContentBasedDeduplication", "false");
    out.emplace("FifoThroughputScope", "Topic");
  }
  return out;
}

void Topics::set_attribute(const TopicAddress& address, std::string_view actor, const std::string& name,
                           const std::string& value) {
  topic(address);
  if (name == "FifoTopic") invalid_parameter("AttributeName", "FifoTopic can't be changed");
  check_topic_attribute(name, value, address.fifo());
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto there = t.get(topic_kind, key_of(address));
    if (!there) not_found("Topic");
    TopicRecord r = topic_from(*there);
    r.attributes[name] = value;
    if (value.empty()) r.attributes.erase(name);
    t.put(topic_kind, key_of(address), to_record(r));
  });
  changed(address);
}

void Topics::change_tags(const TopicAddress& address, std::string_view actor,
                         const std::function<void(Tags&)>& change) {
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto there = t.get(topic_kind, key_of(address));
    if (!there) throw Error(ErrorKind::missing, "ResourceNotFound", "Resource does not exist");
    TopicRecord r = topic_from(*there);
    change(r.tags);
    check_tags(r.tags);
    t.put(topic_kind, key_of(address), to_record(r));
  });
}

// ---- subscriptions ----

Subscription Topics::subscribe(const SubscribeRequest& request, std::string_view actor, bool& made) {
  topic(request.topic);
  check_endpoint(request);
  for (const auto& [name, value] : request.attributes) check_subscription_attribute(name, value, request.protocol);
  check_content_type(request.attributes);
  const TopicAddress& a = request.topic;
  Subscription out;
  made = false;
  metadata_.change(actor, [&](meta::Transaction& t) {
    for (const meta::Record& r : t.list(subscription_kind, meta::prefix({a.account, a.region, a.name}))) {
      out = subscription_from(r.key, r.value);
      if (out.protocol != request.protocol || out.endpoint != request.endpoint) continue;
      for (const auto& [name, value] : request.attributes)
        if (out.attribute(name) != value)
          invalid_parameter("Attributes", "Subscription already exists with different attributes");
      return;
    }
    made = true;
    out = Subscription();
    out.topic = a;
    out.id = random_.uuid();
    out.protocol = request.protocol;
    out.endpoint = request.endpoint;
    out.owner = request.owner;
    out.attributes = request.attributes;
    std::erase_if(out.attributes, [](const auto& attribute) { return attribute.second.empty(); });
    out.token = random_.hex(token_digits);
    const auto arn = parse_arn(request.endpoint);
    out.pending = request.protocol.starts_with("http") || request.protocol.starts_with("email") ||
                  (arn && arn->account != a.account);
    t.put(subscription_kind, key_of(out), to_record(out));
  });
  changed(a);
  return made ? subscription_from(key_of(out), to_record(out)) : out;
}

Subscription Topics::confirm(const TopicAddress& a, const std::string& token, bool authenticates_unsubscribe) {
  topic(a);
  Subscription out;
  bool found = false;
  metadata_.change("tarn", [&](meta::Transaction& t) {
    for (const meta::Record& r : t.list(subscription_kind, meta::prefix({a.account, a.region, a.name}))) {
      out = subscription_from(r.key, r.value);
      if (out.token != token) continue;
      found = true;
      if (!out.pending) return;
      out.pending = false;
      out.confirmed_by_owner = false;
      out.authenticates_unsubscribe = authenticates_unsubscribe;
      t.put(subscription_kind, r.key, to_record(out));
      return;
    }
  });
  if (!found) throw Error(ErrorKind::caller, "InvalidParameter", "Invalid token");
  changed(a);
  return out;
}

std::optional<Subscription> Topics::unsubscribe(const std::string& arn, std::string_view actor) {
  auto found = find_subscription(arn);
  if (!found) return std::nullopt;
  metadata_.change(actor, [&](meta::Transaction& t) { t.erase(subscription_kind, key_of(*found)); });
  changed(found->topic);
  return found;
}

std::optional<Subscription> Topics::find_subscription(const std::string& arn) const {
  auto [topic, id] = parse_subscription_arn(arn);
  const std::string key = meta::key({topic.account, topic.region, topic.name, id});
  auto v = metadata_.get(subscription_kind, key);
  return v ? std::optional(subscription_from(key, *v)) : std::nullopt;
}

Subscription Topics::subscription(const std::string& arn) const {
  auto found = find_subscription(arn);
  if (!found) not_found("Subscription");
  return *found;
}

std::vector<Subscription> Topics::subscriptions(const TopicAddress& a, const std::string& after,
                                                std::size_t limit) const {
  const std::string below =
      a.name.empty() ? meta::prefix({a.account, a.region}) : meta::prefix({a.account, a.region, a.name});
  std::string from;
  if (!after.empty()) {
    auto [topic, id] = parse_subscription_arn(after);
    from = meta::key({topic.account, topic.region, topic.name, id});
  }
  std::vector<Subscription> out;
  for (const meta::Record& r : metadata_.list(subscription_kind, below, from, limit))
    out.push_back(subscription_from(r.key, r.value));
  return out;
}

TopicAttributes Topics::attributes(const Subscription& s) const {
  TopicAttributes out = s.attributes;
  out["SubscriptionArn"] = s.arn();
  out["TopicArn"] = s.topic.arn();
  out["Protocol"] = s.protocol;
  out["Endpoint"] = s.endpoint;
  out["Owner"] = s.owner;
  out["PendingConfirmation"] = s.pending ? "true" : "false";
  out["ConfirmationWasAuthenticated"] = s.confirmed_by_owner && !s.pending ? "true" : "false";
  out.emplace("RawMessageDelivery", "false");
  if (out.contains("FilterPolicy")) out.emplace("FilterPolicyScope", "MessageAttributes");
  out["SubscriptionPrincipal"] = "arn:aws:iam::" + s.owner + ":root";
  if (s.protocol.starts_with("http"))
    out["EffectiveDeliveryPolicy"] = effective_delivery_policy(topic(s.topic).attributes, s.attributes);
  return out;
}

void Topics::set_subscription_attribute(const std::string& arn, std::string_view actor, const std::string& name,
                                        const std::string& value) {
  Subscription s = subscription(arn);
  check_subscription_attribute(name, value, s.protocol);
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto there = t.get(subscription_kind, key_of(s));
    if (!there) not_found("Subscription");
    s = subscription_from(key_of(s), *there);
    s.attributes[name] = value;
    if (value.empty() || (name == "FilterPolicy" && value == "{}")) s.attributes.erase(name);
    check_content_type(s.attributes);
    t.put(subscription_kind, key_of(s), to_record(s));
  });
  changed(s.topic);
}

// ---- publications ----

void Topics::changed(const TopicAddress& address) {
  std::lock_guard lock(mutex_);
  ++changes_;
  audiences_.erase(key_of(address));
}

std::shared_ptr<const Topics::Audience> Topics::audience(const TopicAddress& address) const {
  const std::string key = key_of(address);
  uint64_t changes = 0;
  {
    std::lock_guard lock(mutex_);
    if (auto it = audiences_.find(key); it != audiences_.end()) return it->second;
    changes = changes_;
  }
  auto out = std::make_shared<Audience>();
  out->topic = topic(address);
  out->subscriptions = subscriptions(address);
  std::erase_if(out->subscriptions, [](const Subscription& s) { return s.pending; });
  std::lock_guard lock(mutex_);
  if (changes == changes_) audiences_[key] = out;  // else it may be out of date already
  return out;
}

void Topics::reset() {
  std::lock_guard lock(mutex_);
  ++changes_;
  audiences_.clear();
}

}  // namespace tarn::notify
