#include "notify/queues.hpp"

#include <algorithm>

#include "api/structs.hpp"
#include "base/error.hpp"

namespace tarn::notify {
namespace {

constexpr std::string_view kind = "sqs.queue";
constexpr int64_t minute_ms = 60'000;
constexpr std::size_t max_name_size = 80, max_tags = 50;

Value to_record(const QueueRecord& r) {
  return Value::map({{"Id", r.id},
                     {"Attributes", api::to_value(r.attributes)},
                     {"Tags", api::to_value(r.tags)},
                     {"Created", r.created_s},
                     {"Modified", r.modified_s}});
}

QueueRecord from_record(const Value& v) {
  QueueRecord r;
  r.id = static_cast<uint64_t>(v.at("Id").as_int());
  api::from_value(v.at("Attributes"), r.attributes);
  api::from_value(v.at("Tags"), r.tags);
  r.created_s = v.int_or("Created");
  r.modified_s = v.int_or("Modified");
  return r;
}

[[noreturn]] void no_such_queue() {
  throw Error(ErrorKind::missing, "QueueDoesNotExist", "The specified queue does not exist.");
}
[[noreturn]] void invalid_parameter(const std::string& name, const std::string& value, const std::string& why) {
  throw Error(ErrorKind::caller, "InvalidParameterValue",
              "Value " + value + " for parameter " + name + " is invalid. Reason: " + why);
}

void check_name(const std::string& name, bool fifo) {
  std::string_view stem = name;
  if (fifo && stem.ends_with(".fifo")) stem.remove_suffix(5);
  const bool good = !stem.empty() && std::all_of(stem.begin(), stem.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
  if (!good || name.size() > max_name_size)
    throw Error(ErrorKind::caller, "InvalidParameterValue",
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  if (fifo && !name.ends_with(".fifo"))
    throw Error(ErrorKind::caller, "InvalidParameterValue",
                "The name of a FIFO queue can only include alphanumeric "
                "characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length");
}

void check_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > max_tags)
    throw Error(ErrorKind::limit, "InvalidParameterValue", "Too many tags added for queue: 50 at most.");
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 || key.starts_with("aws:"))
      invalid_parameter("TagKey", key, "the tag key must have 1 to 128 characters and must not begin with aws:.");
    if (value.size() > 256) invalid_parameter("TagValue", value, "the tag value must have 256 characters at most.");
  }
}

}  // namespace

std::optional<QueueAddress> parse_queue_arn(std::string_view arn) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = arn.find(':', begin);
    parts.emplace_back(arn.substr(begin, end == arn.npos ? arn.npos : end - begin));
    if (end == arn.npos) break;
    begin = end + 1;
  }
  if (parts.size() != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[3].empty() || parts[4].empty() ||
      parts[5].empty())
    return std::nullopt;
  return QueueAddress{parts[4], parts[3], parts[5]};
}

Queues::Queues(meta::Metadata& metadata, MessageStore& store, KmsEnvelope& envelope, Clock& clock, Metrics& metrics,
               QueueOptions options)
    : metadata_(metadata),
      store_(store),
      envelope_(envelope),
      clock_(clock),
      options_(options),
      sent_(metrics.counter("tarn_queue_messages_sent_total", "Messages sent to queues.")),
      received_(metrics.counter("tarn_queue_messages_received_total", "Messages received from queues.")),
      deleted_(metrics.counter("tarn_queue_messages_deleted_total", "Messages deleted by receivers.")),
      timer_(clock) {}

Queues::~Queues() {
  end_waits();
}

std::string Queues::key_of(const QueueAddress& a) const {
  return meta::key({a.account, a.region, a.name});
}

// ---- definitions ----

void Queues::check_redrive(const QueueAddress& address, const QueueAttributes& attributes) const {
  const QueueSettings settings = queue_settings(attributes);
  if (!settings.redrive) return;
  const std::string& text = attributes.at("RedrivePolicy");
  auto target = parse_queue_arn(settings.redrive->target_arn);
  auto found =
      target && target->account == address.account && target->region == address.region ? find(*target) : std::nullopt;
  if (!found) invalid_parameter("RedrivePolicy", text, "Dead letter target does not exist.");
  if (queue_settings(found->attributes).fifo != settings.fifo)
    invalid_parameter("RedrivePolicy", text, "Dead-letter queue must be same type of queue as the source.");
  if (!allows_redrive(found->attributes, address.arn()))
    invalid_parameter("RedrivePolicy", text, "The dead-letter queue's RedriveAllowPolicy does not allow this queue.");
}

void Queues::create(const QueueAddress& address, std::string_view actor, const QueueAttributes& attributes,
                    const std::map<std::string, std::string>& tags) {
  auto fifo_attribute = attributes.find("FifoQueue");
  const bool fifo = fifo_attribute != attributes.end() && fifo_attribute->second == "true";
  check_name(address.name, fifo);
  check_queue_attributes(attributes, fifo);
  check_tags(tags);
  check_redrive(address, attributes);
  const std::string key = key_of(address);
  std::lock_guard lock(mutex_);
  const int64_t now_ms = clock_.now().time_since_epoch().count();
  if (auto there = metadata_.get(kind, key)) {
    const QueueAttributes has = with_defaults(from_record(*there).attributes);
    for (const auto& [name, value] : attributes) {
      auto it = has.find(name);
      if ((it == has.end() ? std::string() : it->second) != value)
        throw Error(ErrorKind::conflict, "QueueNameExists",
                    "A queue already exists with the same name and a different value for attribute " + name);
    }
    return;
  }
  auto deleted = deleted_ms_.find(key);
  if (options_.waits_after_deletion && deleted != deleted_ms_.end() && deleted->second + minute_ms > now_ms)
    throw Error(ErrorKind::conflict, "QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.");
  QueueRecord record;
  record.id = store_.take_numbers();
  record.attributes = attributes;
  std::erase_if(record.attributes, [](const auto& a) { return a.second.empty(); });
  record.tags = tags;
  record.created_s = record.modified_s = now_ms / 1000;
  metadata_.change(actor, [&](meta::Transaction& t) { t.put(kind, key, to_record(record)); });
}

void Queues::remove(const QueueAddress& address, std::string_view actor) {
  std::shared_ptr<Queue> closed = queue(address);
  const std::string key = key_of(address);
  {
    std::lock_guard lock(mutex_);
    bool was_there = false;
    metadata_.change(actor, [&](meta::Transaction& t) { was_there = t.erase(kind, key); });
    if (!was_there) no_such_queue();
    queues_.erase(key);
    purged_ms_.erase(key);
    deleted_ms_[key] = clock_.now().time_since_epoch().count();
  }
  closed->close(true);
}

std::optional<QueueRecord> Queues::find(const QueueAddress& address) const {
  auto record = metadata_.get(kind, key_of(address));
  return record ? std::optional(from_record(*record)) : std::nullopt;
}

QueueRecord Queues::record(const QueueAddress& address) const {
  auto found = find(address);
  if (!found) no_such_queue();
  return *found;
}

std::vector<std::string> Queues::list(std::string_view account, std::string_view region, std::string_view prefix,
                                      std::string_view after, std::size_t limit) const {
  std::vector<std::string> out;
  const std::string all = meta::prefix({account, region});
  for (const std::string& key :
       metadata_.keys(kind, all + std::string(prefix), after.empty() ? std::string() : all + std::string(after), limit))
    out.push_back(meta::key_parts(key).back());
  return out;
}

void Queues::change(const QueueAddress& address, std::string_view actor,
                    const std::function<void(QueueRecord&)>& change) {
  const std::string key = key_of(address);
  std::lock_guard lock(mutex_);
  QueueRecord record;
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto there = t.get(kind, key);
    if (!there) no_such_queue();
    record = from_record(*there);
    change(record);
    t.put(kind, key, to_record(record));
  });
  if (auto it = queues_.find(key); it != queues_.end()) it->second->set_settings(queue_settings(record.attributes));
}

void Queues::set_attributes(const QueueAddress& address, std::string_view actor, const QueueAttributes& attributes) {
  QueueAttributes all = record(address).attributes;
  const bool fifo = queue_settings(all).fifo;
  check_queue_attributes(attributes, fifo);
  for (const auto& [name, value] : attributes) all[name] = value;
  std::erase_if(all, [](const auto& a) { return a.second.empty(); });
  const auto limit = all.find("FifoThroughputLimit");
  if (limit != all.end() && limit->second == "perMessageGroupId" && !queue_settings(all).deduplicates_by_group)
    throw Error(ErrorKind::caller, "InvalidAttributeValue",
                "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.");
  check_redrive(address, all);
  change(address, actor, [&](QueueRecord& r) {
    r.attributes = all;
    r.modified_s = clock_.now().time_since_epoch().count() / 1000;
  });
}

void Queues::change_tags(const QueueAddress& address, std::string_view actor,
                         const std::function<void(std::map<std::string, std::string>&)>& change_them) {
  change(address, actor, [&](QueueRecord& r) {
    change_them(r.tags);
    check_tags(r.tags);
  });
}

QueueAttributes Queues::attributes(const QueueAddress& address) {
  const QueueRecord r = record(address);
  QueueAttributes out = with_defaults(r.attributes);
  const QueueCounts counts = queue(address)->counts();
  out["QueueArn"] = address.arn();
  out["CreatedTimestamp"] = std::to_string(r.created_s);
  out["LastModifiedTimestamp"] = std::to_string(r.modified_s);
  out["ApproximateNumberOfMessages"] = std::to_string(counts.visible);
  out["ApproximateNumberOfMessagesNotVisible"] = std::to_string(counts.in_flight);
  out["ApproximateNumberOfMessagesDelayed"] = std::to_string(counts.delayed);
  return out;
}

std::vector<std::string> Queues::dead_letter_sources(const QueueAddress& address) const {
  record(address);
  std::vector<std::string> out;
  for (const meta::Record& r : metadata_.list(kind, meta::prefix({address.account, address.region}))) {
    const QueueSettings settings = queue_settings(from_record(r.value).attributes);
    if (settings.redrive && settings.redrive->target_arn == address.arn()) out.push_back(meta::key_parts(r.key).back());
  }
  return out;
}

// ---- at work ----

std::shared_ptr<Queue> Queues::queue(const QueueAddress& address) {
  const std::string key = key_of(address);
  std::lock_guard lock(mutex_);
  if (auto it = queues_.find(key); it != queues_.end()) return it->second;
  auto there = metadata_.get(kind, key);
  if (!there) no_such_queue();
  const QueueRecord r = from_record(*there);
  return queues_[key] = std::make_shared<Queue>(store_, timer_, clock_, envelope_, r.id, address.arn(),
                                                queue_settings(r.attributes));
}

std::vector<SentMessage> Queues::send(const QueueAddress& address, std::vector<NewMessage> messages) {
  auto out = queue(address)->send(std::move(messages));
  sent_.add(out.size());
  return out;
}

std::vector<ReceivedMessage> Queues::receive(const QueueAddress& address, const ReceiveRequest& request,
                                             bool refuse_over_limit) {
  std::shared_ptr<Queue> from = queue(address), dead_letters;
  if (auto redrive = from->settings().redrive)
    if (auto target = parse_queue_arn(redrive->target_arn); target && !(*target == address) && find(*target))
      dead_letters = queue(*target);
  auto out = from->receive(request, dead_letters, refuse_over_limit);
  received_.add(out.size());
  return out;
}

void Queues::purge(const QueueAddress& address) {
  std::shared_ptr<Queue> purged = queue(address);
  {
    std::lock_guard lock(mutex_);
    const int64_t now_ms = clock_.now().time_since_epoch().count();
    auto [it, first] = purged_ms_.try_emplace(key_of(address), now_ms);
    if (!first && it->second + minute_ms > now_ms)
      throw Error(ErrorKind::conflict, "PurgeQueueInProgress",
                  "Only one PurgeQueue operation on " + address.name + " is allowed every 60 seconds.");
    it->second = now_ms;
  }
  purged->purge();
}

void Queues::end_waits() {
  std::vector<std::shared_ptr<Queue>> all;
  {
    std::lock_guard lock(mutex_);
    for (auto& [key, queue] : queues_) all.push_back(queue);
  }
  for (auto& queue : all) queue->end_waits();
}

void Queues::reset() {
  std::map<std::string, std::shared_ptr<Queue>> all;
  {
    std::lock_guard lock(mutex_);
    all.swap(queues_);
    purged_ms_.clear();
    deleted_ms_.clear();
  }
  for (auto& [key, queue] : all) queue->close(false);
}

}  // namespace tarn::notify
