#include "store/outbox.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "store/coding.hpp"

namespace tarn::store {
namespace {

std::size_t slot(EventReader reader) {
  return reader == EventReader::notifications ? 0 : 1;
}

std::string keys_of(EventReader reader) {
  return std::string(outbox_keys) + (reader == EventReader::notifications ? 'n' : 'r');
}

std::string key_of(EventReader reader, uint64_t number) {
  std::string key = keys_of(reader);
  put_ordered(key, number);
  return key;
}

std::string encode(const ObjectEvent& event) {
  std::string out;
  for (const std::string* text :
       {&event.name, &event.bucket, &event.bucket_account, &event.region, &event.key, &event.version_id, &event.etag,
        &event.principal, &event.source_ip, &event.request_id, &event.detail})
    put_bytes(out, *text);
  put_varint(out, static_cast<uint64_t>(event.time.time_since_epoch().count()));
  put_varint(out, event.size_bytes);
  put_varint(out, event.sequencer);
  return out;
}

ObjectEvent decode(std::string_view bytes) {
  Decoder in(bytes);
  ObjectEvent event;
  for (std::string* text :
       {&event.name, &event.bucket, &event.bucket_account, &event.region, &event.key, &event.version_id, &event.etag,
        &event.principal, &event.source_ip, &event.request_id, &event.detail})
    *text = in.bytes();
  event.time = Time(std::chrono::milliseconds(static_cast<int64_t>(in.varint())));
  event.size_bytes = in.varint();
  event.sequencer = in.varint();
  return event;
}

}  // namespace

Outbox::Outbox(Index& index) : index_(index) {
  for (EventReader reader : {EventReader::notifications, EventReader::replication}) {
    const std::string keys = keys_of(reader);
    auto cursor = index_.cursor(Family::records, after_prefix(keys));
    for (bool at = cursor->seek(keys); at; at = cursor->next()) {
      unread_[slot(reader)]++;
      last_number_ = std::max(last_number_, Decoder(cursor->key().substr(keys.size())).ordered());
    }
    news_[slot(reader)] = unread_[slot(reader)] ? 1 : 0;
  }
}

std::vector<ObjectEvent> Outbox::read(EventReader reader, uint64_t after, std::size_t limit) const {
  uint64_t below;
  {
    std::lock_guard lock(mutex_);
    below = in_flight_.empty() ? last_number_ + 1 : *in_flight_.begin();
  }
  std::vector<ObjectEvent> out;
  const std::string keys = keys_of(reader);
  auto cursor = index_.cursor(Family::records, after_prefix(keys));
  for (bool at = cursor->seek(key_of(reader, after + 1)); at && out.size() < limit; at = cursor->next()) {
    const uint64_t number = Decoder(cursor->key().substr(keys.size())).ordered();
    if (number >= below) break;
    ObjectEvent event = decode(cursor->value());
    event.number = number;
    out.push_back(std::move(event));
  }
  return out;
}

void Outbox::acknowledge(EventReader reader, const std::vector<uint64_t>& numbers) {
  Batch batch(index_);
  for (uint64_t number : numbers) batch.erase(Family::records, key_of(reader, number));
  index_.commit(batch, true);  // lost by a power cut, it is delivered once more
  std::lock_guard lock(mutex_);
  uint64_t& unread = unread_[slot(reader)];
  unread -= std::min<uint64_t>(unread, numbers.size());
}

void Outbox::wait(EventReader reader, std::chrono::milliseconds at_most, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const std::size_t i = slot(reader);
  came_.wait_for(lock, stop, at_most, [&] { return news_[i] != seen_[i]; });
  seen_[i] = news_[i];
}

void Outbox::reset() {
  std::lock_guard lock(mutex_);
  unread_ = {};
}

void Outbox::drop_oldest(EventReader reader) {
  constexpr std::size_t at_once = 1000;
  std::vector<uint64_t> numbers;
  for (const ObjectEvent& event : read(reader, 0, at_once)) numbers.push_back(event.number);
  if (numbers.empty()) return;
  acknowledge(reader, numbers);
  log(LogLevel::warning, "events of objects were dropped: too many are unread",
      Value::map({{"events", numbers.size()}}));
}

Outbox::Pending::~Pending() {
  if (numbers_.empty()) return;
  std::lock_guard lock(outbox_.mutex_);
  for (uint64_t number : numbers_) outbox_.in_flight_.erase(outbox_.in_flight_.find(number));
  // What is younger was held back meanwhile.
  outbox_.news_[0]++;
  outbox_.news_[1]++;
  outbox_.came_.notify_all();
}

void Outbox::Pending::add(Batch& batch, ObjectEvent event, bool for_notifications, bool for_replication,
                          const std::function<uint64_t()>& new_number) {
  {
    // Numbered under the lock: what read() tells is then older than all that are still to come.
    std::lock_guard lock(outbox_.mutex_);
    outbox_.last_number_ = event.number = new_number();
    outbox_.in_flight_.insert(event.number);
    numbers_.push_back(event.number);
  }
  const std::string bytes = encode(event);
  if (for_notifications) batch.put(Family::records, key_of(EventReader::notifications, event.number), bytes);
  if (for_replication) batch.put(Family::records, key_of(EventReader::replication, event.number), bytes);
  added_[0] += for_notifications;
  added_[1] += for_replication;
}

void Outbox::Pending::committed() {
  if (numbers_.empty()) return;
  std::array<bool, 2> full{};
  {
    std::lock_guard lock(outbox_.mutex_);
    for (std::size_t i = 0; i < 2; i++) {
      outbox_.unread_[i] += added_[i];
      full[i] = added_[i] && outbox_.unread_[i] > limits::max_unread_object_events;
    }
  }
  for (EventReader reader : {EventReader::notifications, EventReader::replication})
    if (full[slot(reader)]) outbox_.drop_oldest(reader);
}

}  // namespace tarn::store
