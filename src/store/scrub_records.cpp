#include "store/scrub_records.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "store/coding.hpp"

namespace tarn::store {
namespace {

constexpr std::string_view progress_key = "mscrub";

int64_t to_ms(const std::optional<Time>& time) {
  return time ? time->time_since_epoch().count() : -1;
}

std::optional<Time> from_ms(const Value& record, const char* name) {
  const int64_t ms = record.int_or(name, -1);
  if (ms < 0) return std::nullopt;
  return Time(std::chrono::milliseconds(ms));
}

uint64_t number_in(const Value& record, const char* name) {
  return static_cast<uint64_t>(record.int_or(name));
}

std::string encode(const Value& record) {
  std::string out;
  put_value(out, record);
  return out;
}

// Whether the body is still what a record speaks of: removed ones are none of anybody's concern.
bool is_there(const Index& index, BlobId id) {
  std::string stored;
  return index.get(Family::records, file_key(id), stored) || index.get(Family::bodies, body_key(id), stored);
}

}  // namespace

std::string ScrubbedDamage::told() const {
  std::string out = where + " of ";
  for (const std::string& user : users) out += (&user == &users.front() ? "" : ", ") + user;
  if (users.empty()) out += "an upload";
  return out + ": " + why + " (found " + format_iso8601(found, false) + ")";
}

ScrubProgress read_scrub_progress(const Index& index) {
  ScrubProgress out;
  std::string stored;
  if (!index.get(Family::records, progress_key, stored)) return out;
  const Value record = Decoder(stored).value();
  out.started = from_ms(record, "Started");
  out.ended = record.bool_or("Ended");
  out.small_ones = record.bool_or("SmallOnes");
  out.at = number_in(record, "At");
  out.below = number_in(record, "Below");
  out.blobs = number_in(record, "Blobs");
  out.size_bytes = number_in(record, "Size");
  out.damaged = number_in(record, "Damaged");
  out.last_full_pass = from_ms(record, "LastFullPass");
  return out;
}

void put(Batch& batch, const ScrubProgress& p) {
  batch.put(Family::records, progress_key,
            encode(Value::map({{"Started", to_ms(p.started)},
                               {"Ended", p.ended},
                               {"SmallOnes", p.small_ones},
                               {"At", p.at},
                               {"Below", p.below},
                               {"Blobs", p.blobs},
                               {"Size", p.size_bytes},
                               {"Damaged", p.damaged},
                               {"LastFullPass", to_ms(p.last_full_pass)}})));
}

std::vector<ScrubbedDamage> read_scrubbed_damage(const Index& index) {
  std::vector<ScrubbedDamage> out;
  auto cursor = index.cursor(Family::records, after_prefix(scrub_damage_keys));
  for (bool at = cursor->seek(scrub_damage_keys); at; at = cursor->next()) {
    ScrubbedDamage damage;
    damage.blob = Decoder(cursor->key().substr(scrub_damage_keys.size())).ordered();
    if (!is_there(index, damage.blob)) continue;
    const Value record = Decoder(cursor->value()).value();
    damage.found = from_ms(record, "Found").value_or(Time{});
    damage.where = record.string_or("Where");
    damage.why = record.string_or("Why");
    if (const Value* users = record.find("Users"))
      for (const Value& user : users->as_list()) damage.users.push_back(user.as_string());
    out.push_back(std::move(damage));
  }
  return out;
}

void put(Batch& batch, const ScrubbedDamage& damage) {
  Value users = Value::list();
  for (const std::string& user : damage.users) users.push_back(user);
  batch.put(Family::records, scrub_damage_key(damage.blob),
            encode(Value::map(
                {{"Found", to_ms(damage.found)}, {"Where", damage.where}, {"Why", damage.why}, {"Users", users}})));
}

std::string scrub_damage_key(BlobId id) {
  std::string key(scrub_damage_keys);
  put_ordered(key, id);
  return key;
}

}  // namespace tarn::store
