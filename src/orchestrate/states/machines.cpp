#include "orchestrate/states/machines.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "notify/targets.hpp"

namespace tarn::states {
namespace {

constexpr std::string_view machine_kind = "states.machine", version_kind = "states.version",
                           alias_kind = "states.alias", activity_kind = "states.activity", tags_kind = "states.tags";
constexpr std::size_t max_tags = 50;

std::string key_of(const StatesArn& a) {
  return meta::key({a.account, a.region, a.name});
}
// Descending, so that the newest comes first.
std::string version_key(const StatesArn& a, int64_t number) {
  std::string digits = std::to_string(1'000'000'000'000 - number);
  return meta::key({a.account, a.region, a.name, digits});
}
std::string alias_key(const StatesArn& a, const std::string& name) {
  return meta::key({a.account, a.region, a.name, name});
}

[[noreturn]] void no_machine(const StatesArn& arn) {
  throw Error(ErrorKind::missing, "StateMachineDoesNotExist", "State Machine Does Not Exist: '" + arn.text() + "'");
}

Value record_of(const Machine& m) {
  return Value::map({{"definition", m.definition},
                     {"roleArn", m.role_arn},
                     {"type", m.type},
                     {"revisionId", m.revision_id},
                     {"logging", m.logging},
                     {"tracing", m.tracing},
                     {"encryption", m.encryption},
                     {"createdMs", m.created.time_since_epoch().count()},
                     {"updatedMs", m.updated.time_since_epoch().count()},
                     {"lastVersion", m.last_version}});
}

Time time_of(const Value& v, const char* name) {
  return Time(std::chrono::milliseconds(v.int_or(name)));
}

Value member(const Value& v, const char* name) {
  const Value* found = v.find(name);
  return found ? *found : Value();
}

Machine machine_of(StatesArn arn, const Value& v) {
  Machine m;
  arn.qualifier.clear();
  m.arn = std::move(arn);
  m.definition = v.string_or("definition");
  m.role_arn = v.string_or("roleArn");
  m.type = v.string_or("type");
  m.revision_id = v.string_or("revisionId");
  m.logging = member(v, "logging");
  m.tracing = member(v, "tracing");
  m.encryption = member(v, "encryption");
  m.created = time_of(v, "createdMs");
  m.updated = time_of(v, "updatedMs");
  m.last_version = v.int_or("lastVersion");
  return m;
}

MachineVersion version_of(const Value& v) {
  return {v.int_or("number"),        v.string_or("definition"),  v.string_or("roleArn"),
          v.string_or("revisionId"), v.string_or("description"), time_of(v, "createdMs")};
}

MachineAlias alias_of(const std::string& name, const Value& v) {
  MachineAlias a{name, v.string_or("description"), {}, time_of(v, "createdMs"), time_of(v, "updatedMs")};
  for (const ValueMember& r : v.at("routes").as_map()) a.routes.emplace_back(r.key, r.value.as_int());
  return a;
}

void put_tags(meta::Transaction& t, const std::string& arn, const Tags& tags) {
  if (tags.size() > max_tags)
    throw Error(ErrorKind::limit, "TooManyTags", "A resource has at most 50 tags.").with("resourceName", arn);
  Value v = Value::map();
  for (const auto& [key, value] : tags) v.set(key, value);
  if (tags.empty())
    t.erase(tags_kind, arn);
  else
    t.put(tags_kind, arn, v);
}

Tags read_tags(const std::optional<Value>& v) {
  Tags out;
  if (v)
    for (const ValueMember& m : v->as_map()) out[m.key] = m.value.as_string();
  return out;
}

}  // namespace

std::string StatesArn::text() const {
  return "arn:aws:states:" + region + ":" + account + ":" + type + ":" + name +
         (qualifier.empty() ? "" : ":" + qualifier);
}

StatesArn parse_states_arn(const std::string& text, std::string_view type) {
  const auto arn = notify::parse_arn(text);
  const std::string begin = std::string(type) + ":";
  if (!arn || arn->service != "states" || !arn->resource.starts_with(begin))
    throw Error(ErrorKind::caller, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " + text + "'");
  StatesArn out{arn->region, arn->account, std::string(type), arn->resource.substr(begin.size()), ""};
  if (const std::size_t colon = out.name.find(':'); colon != std::string::npos) {
    out.qualifier = out.name.substr(colon + 1);
    out.name.resize(colon);
  }
  return out;
}

// ---- machines ----

Machine Machines::create(const std::string& actor, Machine machine, const Tags& tags) {
  machine.created = machine.updated = clock_.now();
  machine.revision_id = "";  // the first revision has none, as on AWS
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (const auto found = t.get(machine_kind, key_of(machine.arn))) {
      Machine there = machine_of(machine.arn, *found);
      if (there.definition != machine.definition || there.type != machine.type || there.logging != machine.logging ||
          there.tracing != machine.tracing)
        throw Error(ErrorKind::conflict, "StateMachineAlreadyExists",
                    "State Machine Already Exists: '" + machine.arn.text() + "'");
      machine = std::move(there);
      return;
    }
    t.put(machine_kind, key_of(machine.arn), record_of(machine));
    put_tags(t, machine.arn.text(), tags);
  });
  return machine;
}

Machine Machines::update(const std::string& actor, const StatesArn& arn, const MachineUpdate& update) {
  std::optional<Machine> out;
  metadata_.change(actor, [&](meta::Transaction& t) {
    const auto found = t.get(machine_kind, key_of(arn));
    if (!found) no_machine(arn);
    Machine m = machine_of(arn, *found);
    if (update.definition) m.definition = *update.definition;
    if (update.role_arn) m.role_arn = *update.role_arn;
    if (update.logging) m.logging = *update.logging;
    if (update.tracing) m.tracing = *update.tracing;
    if (update.encryption) m.encryption = *update.encryption;
    m.revision_id = random_.uuid();
    m.updated = clock_.now();
    t.put(machine_kind, key_of(arn), record_of(m));
    out = std::move(m);
  });
  return *out;
}

std::optional<Machine> Machines::find(const StatesArn& arn) const {
  const auto found = metadata_.get(machine_kind, key_of(arn));
  return found ? std::optional(machine_of(arn, *found)) : std::nullopt;
}

Machine Machines::get(const StatesArn& arn) const {
  auto found = find(arn);
  if (!found) no_machine(arn);
  return *std::move(found);
}

bool Machines::remove(const std::string& actor, const StatesArn& arn) {
  bool removed = false;
  metadata_.change(actor, [&](meta::Transaction& t) {
    removed = t.erase(machine_kind, key_of(arn));
    const std::string prefix = meta::prefix({arn.account, arn.region, arn.name});
    t.erase_all(version_kind, prefix);
    t.erase_all(alias_kind, prefix);
    t.erase(tags_kind, arn.text());
  });
  return removed;
}

std::vector<Machine> Machines::list(const std::string& account, const std::string& region, const std::string& after,
                                    std::size_t limit) const {
  std::vector<Machine> out;
  const std::string after_key = after.empty() ? "" : meta::key({account, region, after});
  for (const meta::Record& r : metadata_.list(machine_kind, meta::prefix({account, region}), after_key, limit))
    out.push_back(machine_of({region, account, "stateMachine", meta::key_parts(r.key).back(), ""}, r.value));
  return out;
}

// ---- versions and aliases ----

MachineVersion Machines::publish(const std::string& actor, const StatesArn& arn,
                                 const std::optional<std::string>& revision_id, const std::string& description) {
  MachineVersion out;
  metadata_.change(actor, [&](meta::Transaction& t) {
    const auto found = t.get(machine_kind, key_of(arn));
    if (!found) no_machine(arn);
    Machine m = machine_of(arn, *found);
    if (revision_id && *revision_id != (m.revision_id.empty() ? "INITIAL" : m.revision_id))
      throw Error(ErrorKind::conflict, "ConflictException",
                  "Failed to publish the State Machine version for revision " + *revision_id +
                      ". The current State Machine revision is " + (m.revision_id.empty() ? "INITIAL" : m.revision_id) +
                      ".");
    // The same revision is published once.
    if (m.last_version)
      if (const auto last = t.get(version_kind, version_key(arn, m.last_version));
          last && last->string_or("revisionId") == m.revision_id) {
        out = version_of(*last);
        return;
      }
    out = {++m.last_version, m.definition, m.role_arn, m.revision_id, description, clock_.now()};
    t.put(version_kind, version_key(arn, out.number),
          Value::map({{"number", out.number},
                      {"definition", out.definition},
                      {"roleArn", out.role_arn},
                      {"revisionId", out.revision_id},
                      {"description", out.description},
                      {"createdMs", out.created.time_since_epoch().count()}}));
    t.put(machine_kind, key_of(arn), record_of(m));
  });
  return out;
}

std::vector<MachineVersion> Machines::versions(const StatesArn& arn) const {
  std::vector<MachineVersion> out;
  for (const meta::Record& r : metadata_.list(version_kind, meta::prefix({arn.account, arn.region, arn.name})))
    out.push_back(version_of(r.value));
  return out;
}

std::optional<MachineVersion> Machines::version(const StatesArn& arn) const {
  for (MachineVersion& v : versions(arn))
    if (std::to_string(v.number) == arn.qualifier) return v;
  return std::nullopt;
}

void Machines::remove_version(const std::string& actor, const StatesArn& arn) {
  for (const MachineAlias& a : aliases(arn))
    for (const auto& [version_arn, weight] : a.routes)
      if (version_arn == arn.text())
        throw Error(ErrorKind::conflict, "ConflictException",
                    "Version to be deleted must not be referenced by an alias. Current list of aliases referencing "
                    "this version: [" +
                        a.name + "]");
  const auto found = version(arn);
  if (!found) return;
  metadata_.change(actor, [&](meta::Transaction& t) { t.erase(version_kind, version_key(arn, found->number)); });
}

void Machines::put_alias(const std::string& actor, const StatesArn& machine, const MachineAlias& alias) {
  Value routes = Value::map();
  for (const auto& [version_arn, weight] : alias.routes) routes.set(version_arn, weight);
  metadata_.change(actor, [&](meta::Transaction& t) {
    t.put(alias_kind, alias_key(machine, alias.name),
          Value::map({{"description", alias.description},
                      {"routes", routes},
                      {"createdMs", alias.created.time_since_epoch().count()},
                      {"updatedMs", alias.updated.time_since_epoch().count()}}));
  });
}

std::optional<MachineAlias> Machines::alias(const StatesArn& arn) const {
  if (arn.qualifier.empty()) return std::nullopt;
  const auto found = metadata_.get(alias_kind, alias_key(arn, arn.qualifier));
  return found ? std::optional(alias_of(arn.qualifier, *found)) : std::nullopt;
}

std::vector<MachineAlias> Machines::aliases(const StatesArn& machine) const {
  std::vector<MachineAlias> out;
  for (const meta::Record& r :
       metadata_.list(alias_kind, meta::prefix({machine.account, machine.region, machine.name})))
    out.push_back(alias_of(meta::key_parts(r.key).back(), r.value));
  return out;
}

void Machines::remove_alias(const std::string& actor, const StatesArn& arn) {
  bool removed = false;
  metadata_.change(actor, [&](meta::Transaction& t) { removed = t.erase(alias_kind, alias_key(arn, arn.qualifier)); });
  if (!removed)
    throw Error(ErrorKind::missing, "ResourceNotFound", "Request references a resource that does not exist.");
}

Runnable Machines::resolve(const StatesArn& arn) const {
  Runnable out{get(arn), {}, {}};
  if (arn.qualifier.empty()) return out;
  StatesArn version_arn = arn;
  if (const auto found = alias(arn)) {
    out.alias_arn = arn.text();
    auto draw = static_cast<int64_t>(random_.next() % 100);
    for (const auto& [text, weight] : found->routes) {
      version_arn = parse_states_arn(text, "stateMachine");
      if ((draw -= weight) < 0) break;
    }
  }
  const auto found = version(version_arn);
  if (!found) no_machine(arn);
  out.version_arn = version_arn.text();
  out.machine.definition = found->definition;
  out.machine.role_arn = found->role_arn;
  out.machine.revision_id = found->revision_id;
  return out;
}

// ---- activities ----

Time Machines::create_activity(const std::string& actor, const StatesArn& arn, const Tags& tags) {
  Time created = clock_.now();
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (const auto found = t.get(activity_kind, key_of(arn))) {
      created = time_of(*found, "createdMs");
      return;
    }
    t.put(activity_kind, key_of(arn), Value::map({{"createdMs", created.time_since_epoch().count()}}));
    put_tags(t, arn.text(), tags);
  });
  return created;
}

std::optional<Time> Machines::activity(const StatesArn& arn) const {
  const auto found = metadata_.get(activity_kind, key_of(arn));
  return found ? std::optional(time_of(*found, "createdMs")) : std::nullopt;
}

void Machines::remove_activity(const std::string& actor, const StatesArn& arn) {
  metadata_.change(actor, [&](meta::Transaction& t) {
    t.erase(activity_kind, key_of(arn));
    t.erase(tags_kind, arn.text());
  });
}

std::vector<std::pair<std::string, Time>> Machines::activities(const std::string& account, const std::string& region,
                                                               const std::string& after, std::size_t limit) const {
  std::vector<std::pair<std::string, Time>> out;
  const std::string after_key = after.empty() ? "" : meta::key({account, region, after});
  for (const meta::Record& r : metadata_.list(activity_kind, meta::prefix({account, region}), after_key, limit))
    out.emplace_back(meta::key_parts(r.key).back(), time_of(r.value, "createdMs"));
  return out;
}

// ---- tags ----

Tags Machines::tags(const std::string& arn) const {
  return read_tags(metadata_.get(tags_kind, arn));
}

void Machines::change_tags(const std::string& actor, const std::string& arn, const Tags& add,
                           const std::vector<std::string>& remove) {
  metadata_.change(actor, [&](meta::Transaction& t) {
    Tags tags = read_tags(t.get(tags_kind, arn));
    for (const auto& [key, value] : add) tags[key] = value;
    for (const std::string& key : remove) tags.erase(key);
    put_tags(t, arn, tags);
  });
}

}  // namespace tarn::states
