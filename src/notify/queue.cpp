#include "notify/queue.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "notify/limits.hpp"
#include "notify/queue_wait.hpp"

namespace tarn::notify {
namespace {

constexpr int64_t duplicate_interval_ms = 5 * 60 * 1000;

Time at(int64_t ms) {
  return Time(std::chrono::milliseconds(ms));
}

}  // namespace

Queue::Queue(MessageStore& store, Timer& timer, Clock& clock, KmsEnvelope& envelope, uint64_t id, std::string arn,
             QueueSettings settings)
    : store_(store),
      timer_(timer),
      clock_(clock),
      envelope_(envelope),
      id_(id),
      arn_(std::move(arn)),
      settings_(std::move(settings)) {
  load();
}

void Queue::seal(Message& m, const QueueSettings& settings) const {
  if (settings.kms_key_id.empty()) return;
  SealedBytes sealed = envelope_.seal(arn_, settings.kms_key_id, settings.data_key_reuse_s, encode_content(m));
  m.attributes.clear();
  m.system_attributes.clear();
  m.body = std::move(sealed.bytes);
  m.key_blob = std::move(sealed.key_blob);
}

void Queue::unseal(Message& m, const QueueSettings& settings) const {
  if (m.key_blob.empty()) return;
  const std::string content = envelope_.open(arn_, settings.data_key_reuse_s, {m.key_blob, std::move(m.body)});
  m.key_blob.clear();
  decode_content(content, m);
}

// ---- on disk: 'm' queue number -> the message; 's' queue number -> its state, once it has one; 'd' queue number ->
// what makes a later one its duplicate ----

std::string Queue::encode_state(const Entry& e) {
  std::string out(1, e.state == State::in_flight ? '\1' : '\0');
  for (auto v :
       {static_cast<uint64_t>(e.due_ms), uint64_t{e.receive_count}, static_cast<uint64_t>(e.first_received_ms)})
    append_number_bytes(out, v);
  return out;
}

void Queue::load() {
  const int64_t now = now_ms();
  store_.scan(message_key(0), store_key('m', {id_ + 1}), [&](std::string_view key, std::string_view value) {
    const Message m = decode_message(value);
    const uint64_t number = number_at(key, 9);
    place(number, add(number, m.sent_ms, m.group_id), State::ready);
    return true;
  });
  store_.scan(state_key(0), store_key('s', {id_ + 1}), [&](std::string_view key, std::string_view value) {
    auto it = entries_.find(number_at(key, 9));
    if (it == entries_.end() || value.size() < 25) return true;
    Entry& e = it->second;
    e.receive_count = static_cast<uint32_t>(number_at(value, 9));
    e.first_received_ms = static_cast<int64_t>(number_at(value, 17));
    const auto due = static_cast<int64_t>(number_at(value, 1));
    if (due > now) place(it->first, e, value[0] ? State::in_flight : State::delayed, due);
    return true;
  });
  if (!fifo()) return;
  store_.scan(store_key('d', {id_, 0}), store_key('d', {id_ + 1}), [&](std::string_view key, std::string_view value) {
    const Message m = decode_message(value);
    duplicates_[m.deduplication_id] = {m.sent_ms, number_at(key, 9), m.id};
    duplicate_ages_.emplace_back(m.sent_ms, m.deduplication_id);
    return true;
  });
}

// ---- the index ----

void Queue::check_open() const {
  if (closed_) throw Error(ErrorKind::missing, "QueueDoesNotExist", "The specified queue does not exist.");
}

Queue::Entry& Queue::add(uint64_t number, int64_t sent_ms, const std::string& group) {
  Entry& e = entries_[number];
  e.sent_ms = sent_ms;
  if (fifo()) {
    auto it = groups_.try_emplace(group).first;
    e.group = &it->second;
    e.group_name = &it->first;
  }
  by_age_.emplace(sent_ms, number);
  return e;
}

void Queue::place(uint64_t number, Entry& e, State to, int64_t due_ms) {
  if (e.state != State::none) --counts_[static_cast<std::size_t>(e.state)];
  if (e.state == State::delayed || e.state == State::in_flight) timed_.erase({e.due_ms, number});
  if (e.state == State::ready && !e.group) ready_.erase(number);
  if (e.group && e.state != State::none)
    e.state == State::in_flight ? void(--e.group->in_flight) : void(e.group->here.erase(number));
  e.state = to;
  e.due_ms = due_ms;
  if (to != State::none) ++counts_[static_cast<std::size_t>(to)];
  if (to == State::delayed || to == State::in_flight) timed_.emplace(due_ms, number);
  if (to == State::ready && !e.group) ready_.insert(number);
  if (!e.group) return;
  if (to != State::none) to == State::in_flight ? void(++e.group->in_flight) : void(e.group->here.insert(number));
  offer(*e.group);
}

// A group can be had when none of it is in flight and its first message is ready.
void Queue::offer(Group& group) {
  if (group.offered) offered_groups_.erase(group.offered);
  group.offered = 0;
  if (group.in_flight > 0 || group.here.empty()) return;
  const uint64_t head = *group.here.begin();
  if (entries_.at(head).state != State::ready) return;
  group.offered = head;
  offered_groups_[head] = &group;
}

void Queue::forget(uint64_t number) {
  auto it = entries_.find(number);
  if (it == entries_.end()) return;
  Entry& e = it->second;
  place(number, e, State::none);
  by_age_.erase({e.sent_ms, number});
  if (e.group && e.group->here.empty() && e.group->in_flight == 0) groups_.erase(std::string(*e.group_name));
  entries_.erase(it);
}

void Queue::advance(int64_t now, StoreBatch& erased) {
  while (!timed_.empty() && timed_.begin()->first <= now) {
    const uint64_t number = timed_.begin()->second;
    place(number, entries_.at(number), State::ready);
  }
  const int64_t too_old = now - settings_.retention_s * 1000;
  for (auto it = by_age_.begin(); it != by_age_.end() && it->first <= too_old;) {
    const uint64_t number = it->second;
    ++it;
    const State state = entries_.at(number).state;
    if (state == State::sending || state == State::moving) continue;
    erased.erase(message_key(number));
    erased.erase(state_key(number));
    forget(number);
  }
  expire_duplicates(now, erased);
}

void Queue::settle(Lock& lock) {
  StoreBatch erased;
  if (!waits_.empty()) advance(now_ms(), erased);
  std::vector<std::shared_ptr<QueueWait>> woken;
  for (std::size_t n = available(); n > 0 && !waits_.empty(); --n) {
    woken.push_back(std::move(waits_.front()));
    waits_.pop_front();
  }
  if (!waits_.empty() && !timed_.empty() && (!alarm_ || timed_.begin()->first < alarm_due_ms_)) {
    if (alarm_) timer_.cancel(alarm_);
    alarm_due_ms_ = timed_.begin()->first;
    alarm_ = timer_.at(at(alarm_due_ms_), [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      Lock its_lock(self->mutex_);
      self->alarm_ = 0;
      self->settle(its_lock);
    });
  }
  lock.unlock();
  for (auto& wait : woken) wait->be_over();
  store_.write(erased, StoreFlush::later);
}

QueueSettings Queue::settings() const {
  std::lock_guard lock(mutex_);
  return settings_;
}

void Queue::set_settings(QueueSettings settings) {
  std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
}

QueueCounts Queue::counts() {
  StoreBatch erased;
  QueueCounts out;
  {
    std::lock_guard lock(mutex_);
    advance(now_ms(), erased);
    auto count = [&](State state) { return counts_[static_cast<std::size_t>(state)]; };
    out = {count(State::ready), count(State::in_flight) + count(State::moving), count(State::delayed)};
  }
  store_.write(erased, StoreFlush::later);
  return out;
}

// ---- sending ----

std::string Queue::sequence_text(uint64_t number) const {
  if (!fifo()) return {};
  std::string digits = std::to_string(number);
  return "1" + std::string(19 - std::min<std::size_t>(19, digits.size()), '0') + digits;
}

std::string Queue::duplicate_key(const Message& m) const {
  return settings_.deduplicates_by_group ? m.group_id + '\0' + m.deduplication_id : m.deduplication_id;
}

void Queue::expire_duplicates(int64_t now, StoreBatch& erased) {
  while (!duplicate_ages_.empty() && duplicate_ages_.front().first + duplicate_interval_ms <= now) {
    auto it = duplicates_.find(duplicate_ages_.front().second);
    if (it != duplicates_.end() && it->second.at_ms == duplicate_ages_.front().first) {
      erased.erase(store_key('d', {id_, it->second.number}));
      duplicates_.erase(it);
    }
    duplicate_ages_.pop_front();
  }
}

// Waits for the first one where that is not on disk yet: an answer that it was sent must be true.
std::optional<SentMessage> Queue::find_duplicate(Lock& lock, const std::string& key, const std::set<uint64_t>& own) {
  while (true) {
    auto it = duplicates_.find(key);
    if (it == duplicates_.end()) return std::nullopt;
    const uint64_t number = it->second.number;
    auto entry = entries_.find(number);
    if (entry == entries_.end() || entry->second.state != State::sending || own.contains(number))
      return SentMessage{it->second.message_id, sequence_text(number)};
    published_.wait(lock);
  }
}

std::vector<SentMessage> Queue::send(std::vector<NewMessage> messages) {
  std::vector<SentMessage> out;
  std::vector<uint64_t> numbers;
  std::vector<int64_t> due;
  std::vector<std::string> duplicate_keys;
  StoreBatch batch;
  std::set<uint64_t> own;
  const QueueSettings with = settings();
  for (NewMessage& one : messages) seal(one.message, with);
  Lock lock(mutex_);
  check_open();
  const int64_t now = now_ms();
  expire_duplicates(now, batch);
  for (NewMessage& one : messages) {
    Message& m = one.message;
    m.sent_ms = now;
    const std::string key = fifo() ? duplicate_key(m) : std::string();
    if (fifo())
      if (auto first = find_duplicate(lock, key, own)) {
        out.push_back(*first);
        continue;
      }
    check_open();
    const uint64_t number = store_.take_numbers();
    Entry& e = add(number, now, m.group_id);
    place(number, e, State::sending);
    own.insert(number);
    numbers.push_back(number);
    const int64_t delay_s = fifo() ? settings_.delay_s : one.delay_s.value_or(settings_.delay_s);
    due.push_back(delay_s > 0 ? now + delay_s * 1000 : 0);
    batch.put(message_key(number), encode(m));
    if (delay_s > 0) {
      Entry delayed = e;
      delayed.due_ms = due.back();
      batch.put(state_key(number), encode_state(delayed));
    }
    if (fifo()) {
      duplicates_[key] = {now, number, m.id};
      duplicate_ages_.emplace_back(now, key);
      duplicate_keys.push_back(key);
      Message mark;
      mark.id = m.id;
      mark.deduplication_id = key;
      mark.sent_ms = now;
      batch.put(store_key('d', {id_, number}), encode(mark));
    }
    out.push_back({m.id, sequence_text(number)});
  }
  lock.unlock();
  try {
    store_.write(batch, StoreFlush::now);
  } catch (...) {
    lock.lock();
    for (uint64_t number : numbers) forget(number);
    for (const std::string& key : duplicate_keys) duplicates_.erase(key);
    published_.notify_all();
    throw;
  }
  publish(numbers, due);
  return out;
}

// What was purged or deleted while it was being written is removed again.
void Queue::publish(const std::vector<uint64_t>& numbers, const std::vector<int64_t>& due_ms) {
  StoreBatch gone;
  {
    Lock lock(mutex_);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      auto it = entries_.find(numbers[i]);
      if (it == entries_.end()) {
        gone.erase(message_key(numbers[i]));
        gone.erase(state_key(numbers[i]));
      } else {
        place(numbers[i], it->second, due_ms[i] > 0 ? State::delayed : State::ready, due_ms[i]);
      }
    }
    published_.notify_all();
    settle(lock);
  }
  store_.write(gone, StoreFlush::later);
}

// ---- receiving ----

// Numbers of messages to hand out, and of those that were received too often already.
std::vector<uint64_t> Queue::choose(std::size_t most, int64_t receive_limit, std::vector<uint64_t>& dead) {
  std::vector<uint64_t> out;
  auto take = [&](uint64_t number) {
    const bool is_dead = receive_limit > 0 && entries_.at(number).receive_count >= receive_limit;
    (is_dead ? dead : out).push_back(number);
    return !is_dead;
  };
  if (!fifo()) {
    for (auto it = ready_.begin(); it != ready_.end() && out.size() < most; ++it) take(*it);
    return out;
  }
  for (auto it = offered_groups_.begin(); it != offered_groups_.end() && out.size() < most; ++it)
    for (uint64_t number : it->second->here)
      if (out.size() == most || entries_.at(number).state != State::ready || !take(number)) break;
  return out;
}

std::optional<std::vector<Queue::Picked>> Queue::repeat_attempt(const ReceiveRequest& request, int64_t now,
                                                                StoreBatch& states) {
  std::erase_if(attempts_, [&](const auto& a) { return a.second.at_ms + duplicate_interval_ms <= now; });
  auto it = attempts_.find(request.attempt_id);
  if (it == attempts_.end()) return std::nullopt;
  std::vector<Picked> out;
  for (const auto& [number, receive_count] : it->second.received) {
    auto entry = entries_.find(number);
    // One that was deleted or given up ends what the attempt stands for.
    if (entry == entries_.end() || entry->second.state != State::in_flight ||
        entry->second.receive_count != receive_count) {
      attempts_.erase(it);
      return std::nullopt;
    }
    out.push_back({number, receive_count, entry->second.first_received_ms});
  }
  for (const Picked& p : out) {
    Entry& e = entries_.at(p.number);
    place(p.number, e, State::in_flight,
          now + request.visibility_timeout_s.value_or(settings_.visibility_timeout_s) * 1000);
    states.put(state_key(p.number), encode_state(e));
  }
  return out;
}

std::vector<ReceivedMessage> Queue::receive(const ReceiveRequest& request, const std::shared_ptr<Queue>& dead_letters,
                                            bool refuse_over_limit) {
  while (true) {
    std::vector<uint64_t> dead;
    std::vector<Picked> picked;
    StoreBatch batch;
    Lock lock(mutex_);
    check_open();
    const int64_t now = now_ms();
    advance(now, batch);
    const std::size_t in_flight = counts_[static_cast<std::size_t>(State::in_flight)];
    if (auto again = fifo() && !request.attempt_id.empty() ? repeat_attempt(request, now, batch) : std::nullopt) {
      picked = std::move(*again);
    } else if (in_flight >= limits::max_inflight_messages) {
      if (!fifo() && refuse_over_limit)
        throw Error(ErrorKind::limit, "OverLimit", "Too many messages in flight: 120000 at most.");
    } else {
      const bool redrives = dead_letters && settings_.redrive;
      for (uint64_t number : choose(request.most, redrives ? settings_.redrive->max_receive_count : 0, dead)) {
        Entry& e = entries_.at(number);
        ++e.receive_count;
        if (e.first_received_ms == 0) e.first_received_ms = now;
        place(number, e, State::in_flight,
              now + request.visibility_timeout_s.value_or(settings_.visibility_timeout_s) * 1000);
        batch.put(state_key(number), encode_state(e));
        picked.push_back({number, e.receive_count, e.first_received_ms});
      }
      for (uint64_t number : dead) place(number, entries_.at(number), State::moving);
      if (fifo() && !request.attempt_id.empty() && !picked.empty()) {
        Attempt& attempt = attempts_[request.attempt_id];
        attempt.at_ms = now;
        attempt.received.clear();
        for (const Picked& p : picked) attempt.received.emplace_back(p.number, static_cast<uint32_t>(p.receive_count));
      }
    }
    settle(lock);
    store_.write(batch, StoreFlush::later);
    if (!dead.empty()) dead_letters->adopt(*this, dead, true);
    if (picked.empty() && !dead.empty()) continue;
    try {
      return read(picked);
    } catch (...) {
      give_back(picked);
      throw;
    }
  }
}

// What could not be read (its key is disabled, say) was not received.
void Queue::give_back(const std::vector<Picked>& picked) {
  StoreBatch batch;
  {
    Lock lock(mutex_);
    for (const Picked& p : picked) {
      auto it = entries_.find(p.number);
      if (it == entries_.end() || it->second.state != State::in_flight || it->second.receive_count != p.receive_count)
        continue;
      --it->second.receive_count;
      place(p.number, it->second, State::ready);
      batch.put(state_key(p.number), encode_state(it->second));
    }
  }
  store_.write(batch, StoreFlush::later);
}

std::vector<ReceivedMessage> Queue::read(const std::vector<Picked>& picked) {
  std::vector<ReceivedMessage> out;
  const QueueSettings with = settings();
  for (const Picked& p : picked) {
    auto stored = store_.get(message_key(p.number));
    if (!stored) continue;  // deleted meanwhile
    Message m = decode_message(*stored);
    unseal(m, with);
    out.push_back({std::move(m), handle_of(p.number, p.receive_count), sequence_text(p.number), p.receive_count,
                   p.first_received_ms});
  }
  return out;
}

std::shared_ptr<api::Wait> Queue::wait(Time until) {
  auto out = std::make_shared<QueueWait>(shared_from_this());
  out->end_at(timer_, until);
  Lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    out->be_over();
    return out;
  }
  waits_.push_back(out);
  settle(lock);
  return out;
}

// ---- what receivers do with a message ----

std::string Queue::handle_of(uint64_t number, int64_t receive_count) const {
  std::string bytes;
  for (uint64_t v : {id_, number, static_cast<uint64_t>(receive_count)}) append_number_bytes(bytes, v);
  return base64_encode(bytes);
}

std::pair<uint64_t, uint32_t> Queue::parse_handle(std::string_view handle) const {
  auto bytes = base64_decode(handle);
  if (!bytes || bytes->size() != 24 || number_at(*bytes, 0) != id_)
    throw Error(ErrorKind::caller, "ReceiptHandleIsInvalid",
                "The input receipt handle \"" + std::string(handle) + "\" is not a valid receipt handle.");
  return {number_at(*bytes, 8), static_cast<uint32_t>(number_at(*bytes, 16))};
}

void Queue::remove(std::string_view receipt_handle) {
  const auto [number, receive_count] = parse_handle(receipt_handle);
  StoreBatch batch;
  bool flush = false;
  {
    Lock lock(mutex_);
    check_open();
    advance(now_ms(), batch);
    auto it = entries_.find(number);
    if (it != entries_.end() && it->second.state != State::moving) {
      if (fifo() && (it->second.state != State::in_flight || it->second.receive_count != receive_count))
        throw Error(ErrorKind::caller, "InvalidParameterValue",
                    "Value " + std::string(receipt_handle) +
                        " for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.");
      batch.erase(message_key(number));
      batch.erase(state_key(number));
      forget(number);
      flush = fifo();
    }
    settle(lock);
  }
  store_.write(batch, flush ? StoreFlush::now : StoreFlush::later);
}

void Queue::change_visibility(std::string_view receipt_handle, int64_t timeout_s) {
  const auto [number, receive_count] = parse_handle(receipt_handle);
  StoreBatch batch;
  {
    Lock lock(mutex_);
    check_open();
    const int64_t now = now_ms();
    advance(now, batch);
    auto it = entries_.find(number);
    if (it == entries_.end() || it->second.receive_count != receive_count)
      throw Error(ErrorKind::caller, "InvalidParameterValue",
                  "Value " + std::string(receipt_handle) +
                      " for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for "
                      "visibility timeout change.");
    if (it->second.state != State::in_flight)
      throw Error(ErrorKind::caller, "MessageNotInflight", "The message referred to isn't in flight.");
    place(number, it->second, timeout_s > 0 ? State::in_flight : State::ready,
          timeout_s > 0 ? now + timeout_s * 1000 : 0);
    batch.put(state_key(number), encode_state(it->second));
    settle(lock);
  }
  store_.write(batch, StoreFlush::later);
}

// ---- moving to another queue ----

// Takes the messages over from `source`, which has them as moving, in one write.
void Queue::adopt(Queue& source, const std::vector<uint64_t>& numbers, bool as_dead_letters) {
  StoreBatch batch;
  std::vector<uint64_t> moved;
  std::vector<int64_t> due;
  std::vector<Message> taken;
  // From the one's key of KMS to the other's, before anything is changed.
  auto stay = [&] {
    std::lock_guard its_lock(source.mutex_);
    for (uint64_t number : numbers)
      if (auto it = source.entries_.find(number); it != source.entries_.end())
        source.place(number, it->second, State::ready);
  };
  try {
    const QueueSettings its = source.settings(), mine = settings();
    for (uint64_t number : numbers) {
      batch.erase(source.message_key(number));
      batch.erase(source.state_key(number));
      auto stored = store_.get(source.message_key(number));
      if (!stored) continue;
      Message m = decode_message(*stored);
      source.unseal(m, its);
      seal(m, mine);
      taken.push_back(std::move(m));
    }
  } catch (...) {
    stay();
    throw;
  }
  for (Message& m : taken) {
    Lock lock(mutex_);
    // A dead letter keeps its age, and so its end, in a standard queue.
    if (fifo()) m.sent_ms = now_ms();
    m.dead_letter_source_arn = as_dead_letters ? source.arn_ : std::string();
    const uint64_t mine = store_.take_numbers();
    place(mine, add(mine, m.sent_ms, m.group_id), State::sending);
    batch.put(message_key(mine), encode(m));
    moved.push_back(mine);
    due.push_back(0);
  }
  try {
    store_.write(batch, StoreFlush::now);
  } catch (...) {
    {
      Lock lock(mutex_);
      for (uint64_t number : moved) forget(number);
    }
    stay();
    throw;
  }
  source.forget_moved(numbers);
  publish(moved, due);
}

void Queue::forget_moved(const std::vector<uint64_t>& numbers) {
  Lock lock(mutex_);
  for (uint64_t number : numbers) forget(number);
  settle(lock);
}

std::size_t Queue::move_messages(std::size_t most,
                                 const std::function<std::shared_ptr<Queue>(const Message&)>& destination) {
  std::vector<uint64_t> chosen;
  StoreBatch erased;
  {
    std::lock_guard lock(mutex_);
    check_open();
    advance(now_ms(), erased);
    std::vector<uint64_t> dead;
    chosen = choose(most, 0, dead);
    for (uint64_t number : chosen) place(number, entries_.at(number), State::moving);
  }
  store_.write(erased, StoreFlush::later);
  std::size_t moved = 0;
  // One by one, in order: neighbours may go to different queues.
  for (uint64_t number : chosen) {
    auto stored = store_.get(message_key(number));
    std::shared_ptr<Queue> to = stored ? destination(decode_message(*stored)) : nullptr;
    if (to && to.get() != this) {
      to->adopt(*this, {number}, false);
      ++moved;
      continue;
    }
    std::lock_guard lock(mutex_);
    if (auto it = entries_.find(number); it != entries_.end()) place(number, it->second, State::ready);
  }
  return moved;
}

// ---- the end ----

void Queue::purge() {
  StoreBatch batch;
  {
    std::lock_guard lock(mutex_);
    check_open();
    std::vector<uint64_t> numbers;
    for (const auto& [number, entry] : entries_)
      if (entry.state != State::moving) numbers.push_back(number);
    for (uint64_t number : numbers) {
      batch.erase(message_key(number));
      batch.erase(state_key(number));
      forget(number);
    }
    published_.notify_all();
  }
  store_.write(batch, StoreFlush::now);
}

void Queue::end_waits() {
  std::list<std::shared_ptr<QueueWait>> woken;
  {
    std::lock_guard lock(mutex_);
    woken.swap(waits_);
  }
  for (auto& wait : woken) wait->be_over();
}

void Queue::close(bool erase_messages) {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    while (!entries_.empty()) forget(entries_.begin()->first);
    duplicates_.clear();
    published_.notify_all();
  }
  if (erase_messages) {
    StoreBatch batch;
    for (char kind : {'m', 's', 'd'}) batch.erase_range(store_key(kind, {id_}), store_key(kind, {id_ + 1}));
    store_.write(batch, StoreFlush::now);
  }
  end_waits();
}

}  // namespace tarn::notify
