#include "api/wire/bindings.hpp"

#include <memory>
#include <mutex>
#include <unordered_map>

#include "api/wire/message.hpp"

namespace tarn::api {

uint32_t MemberTable::hash(std::string_view name) const {
  uint32_t h = 2166136261u;
  for (char c : name) {
    auto byte = static_cast<unsigned char>(c);
    if (ignore_case_ && byte >= 'A' && byte <= 'Z') byte += 32;
    h = (h ^ byte) * 16777619u;
  }
  return h ^ h >> 15;
}

bool MemberTable::same(std::string_view a, std::string_view b) const {
  return ignore_case_ ? same_header(a, b) : a == b;
}

void MemberTable::grow() {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? 16 : old.size() * 2, {});
  count_ = 0;
  for (Slot& slot : old)
    if (slot.member) add(slot.name, slot.member);
}

void MemberTable::add(std::string_view name, const Member* member) {
  if (find(name)) return;
  if (count_ * 2 >= slots_.size()) grow();
  std::size_t at = hash(name) & (slots_.size() - 1);
  while (slots_[at].member) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {std::string(name), member};
  count_++;
}

const Member* MemberTable::find(std::string_view name) const {
  if (slots_.empty()) return nullptr;
  for (std::size_t at = hash(name) & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (!slot.member) return nullptr;
    if (same(slot.name, name)) return slot.member;
  }
}

Bindings::Bindings(const Shape& s) : shape(&s) {
  for (const Member& member : s.members) {
    members.add(member.name, &member);
    if (member.idempotency_token) tokens.push_back(&member);
    if (member.name == s.payload) payload = &member;
    if (member.streaming || member.shape->event_stream) streams = true;
    switch (member.location) {
      case Location::header:
        headers.add(member.wire_name, &member);
        break;
      case Location::headers:
        prefixed.push_back(&member);
        break;
      case Location::query_string:
        if (member.shape->type == Type::map)
          query_map = &member;
        else
          query.add(member.wire_name, &member);
        break;
      case Location::status_code:
        status_code = &member;
        break;
      case Location::uri:
        break;
      case Location::body:
        has_body_members |= &member != payload;
        break;
    }
  }
  if (payload) has_body_members = false;
}

const Bindings* bindings_of(const Shape* shape) {
  if (!shape) return nullptr;
  static std::mutex mutex;
  static std::unordered_map<const Shape*, std::unique_ptr<const Bindings>> known;
  std::lock_guard lock(mutex);
  auto& entry = known[shape];
  if (!entry) entry = std::make_unique<const Bindings>(*shape);
  return entry.get();
}

}  // namespace tarn::api
