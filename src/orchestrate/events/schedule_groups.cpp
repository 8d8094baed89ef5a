// The groups of schedules.
#include <algorithm>

#include "base/error.hpp"
#include "orchestrate/events/schedules.hpp"

namespace tarn::orchestrate {
namespace {

namespace scheduler = api::scheduler;

constexpr std::string_view kind = "scheduler.group", schedule_kind = "scheduler.schedule", default_name = "default";
constexpr std::size_t max_tags = 50;

std::string key_of(std::string_view account, std::string_view region, std::string_view name) {
  return meta::key({account, region, name});
}

[[noreturn]] void no_group(std::string_view name) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException",
              "Schedule group " + std::string(name) + " does not exist.");
}

void check_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > max_tags)
    throw Error(ErrorKind::caller, "ValidationException", "A schedule group can have at most 50 tags.");
  for (const auto& [key, value] : tags)
    if (key.starts_with("aws:"))
      throw Error(ErrorKind::caller, "ValidationException", "Tag keys that begin with aws: are reserved.");
}

Value to_record(const ScheduleGroup& g, const std::string& token) {
  return Value::map({{"Group", to_value(g.description)}, {"Tags", api::to_value(g.tags)}, {"Token", token}});
}

ScheduleGroup from_record(const Value& v) {
  ScheduleGroup out;
  out.description = api::from<scheduler::GetScheduleGroupOutput>(v.at("Group"));
  api::from_value(v.at("Tags"), out.tags);
  return out;
}

ScheduleGroup new_group(std::string_view account, std::string_view region, std::string_view name) {
  ScheduleGroup out;
  out.description.name = std::string(name);
  out.description.arn =
      "arn:aws:scheduler:" + std::string(region) + ":" + std::string(account) + ":schedule-group/" + std::string(name);
  out.description.state = "ACTIVE";
  return out;
}

}  // namespace

std::string Schedules::create_group(std::string_view account, std::string_view region, std::string_view actor,
                                    const scheduler::CreateScheduleGroupInput& in) {
  ScheduleGroup made = new_group(account, region, in.name);
  if (in.tags)
    for (const scheduler::Tag& t : *in.tags) made.tags[t.key] = t.value;
  check_tags(made.tags);
  made.description.creation_date = made.description.last_modification_date = clock_.now();
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(kind, key_of(account, region, in.name));
    if (stored && in.client_token && stored->string_or("Token") == *in.client_token) return;
    if (stored || in.name == default_name)
      throw Error(ErrorKind::conflict, "ConflictException", "Schedule group " + in.name + " already exists.");
    t.put(kind, key_of(account, region, in.name), to_record(made, in.client_token.value_or("")));
  });
  return *made.description.arn;
}

std::optional<ScheduleGroup> Schedules::find_group(std::string_view account, std::string_view region,
                                                   std::string_view name) const {
  if (auto stored = metadata_.get(kind, key_of(account, region, name))) return from_record(*stored);
  return name == default_name ? std::optional(new_group(account, region, name)) : std::nullopt;
}

ScheduleGroup Schedules::group(std::string_view account, std::string_view region, std::string_view name) const {
  auto found = find_group(account, region, name);
  if (!found) no_group(name);
  return *found;
}

void Schedules::remove_group(std::string_view account, std::string_view region, std::string_view actor,
                             std::string_view name) {
  if (name == default_name)
    throw Error(ErrorKind::caller, "ValidationException", "The default schedule group can't be deleted.");
  std::vector<std::string> gone;
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (!t.erase(kind, key_of(account, region, name))) no_group(name);
    gone = t.keys(schedule_kind, meta::prefix({account, region, name}));
    t.erase_all(schedule_kind, meta::prefix({account, region, name}));
  });
  for (const std::string& key : gone) recurrences_.changed(key, clock_.now());
}

std::vector<ScheduleGroup> Schedules::groups(std::string_view account, std::string_view region, std::string_view prefix,
                                             std::string_view after, std::size_t limit) const {
  std::vector<ScheduleGroup> out;
  bool told = default_name <= after || !default_name.starts_with(prefix);
  const std::string from = after.empty() ? "" : key_of(account, region, after);
  for (const auto& record : metadata_.list(kind, meta::prefix({account, region}) + std::string(prefix), from, limit)) {
    const std::string name = meta::key_parts(record.key).back();
    if (!told && name >= default_name) {
      told = true;
      if (name != default_name) out.push_back(new_group(account, region, default_name));
    }
    out.push_back(from_record(record.value));
  }
  if (!told && out.size() < limit) out.push_back(new_group(account, region, default_name));
  if (out.size() > limit) out.resize(limit);
  return out;
}

void Schedules::change_tags(std::string_view account, std::string_view region, std::string_view actor,
                            std::string_view name,
                            const std::function<void(std::map<std::string, std::string>&)>& change) {
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(kind, key_of(account, region, name));
    if (!stored && name != default_name) no_group(name);
    ScheduleGroup g = stored ? from_record(*stored) : new_group(account, region, name);
    change(g.tags);
    check_tags(g.tags);
    g.description.last_modification_date = clock_.now();
    t.put(kind, key_of(account, region, name), to_record(g, stored ? stored->string_or("Token") : ""));
  });
}

}  // namespace tarn::orchestrate
