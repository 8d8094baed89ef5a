#include "orchestrate/events/buses.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "govern/policy.hpp"
#include "notify/targets.hpp"

namespace tarn::orchestrate {
namespace {

namespace events = api::events;

constexpr std::string_view kind = "events.bus", default_name = "default";
constexpr std::size_t max_tags = 50, max_policy_size_bytes = 10'240;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "ValidationException", what);
}

[[noreturn]] void no_bus(const BusAddress& a) {
  throw Error(ErrorKind::missing, "ResourceNotFoundException", "Event bus " + a.name + " does not exist.");
}

Value to_record(const Buses::Bus& bus) {
  return Value::map({{"Bus", to_value(bus.description)}, {"Tags", api::to_value(bus.tags)}});
}

Buses::Bus from_record(const Value& v) {
  Buses::Bus out;
  out.description = api::from<events::EventBus>(v.at("Bus"));
  api::from_value(v.at("Tags"), out.tags);
  return out;
}

Buses::Bus untouched_default(const BusAddress& address) {
  Buses::Bus out;
  out.description.name = address.name;
  out.description.arn = address.arn();
  return out;
}

// With its statements in a list, if there is only one too.
Value policy_of(const Buses::Bus& bus) {
  Value out = bus.description.policy ? parse_json(*bus.description.policy)
                                     : Value::map({{"Version", "2012-10-17"}, {"Statement", Value::list()}});
  if (Value& statements = out["Statement"]; !statements.is_list()) statements = Value::list({statements});
  return out;
}

void set_policy(Buses::Bus& bus, const Value& policy) {
  std::string text = to_json(policy);
  if (text.size() > max_policy_size_bytes)
    throw Error(ErrorKind::limit, "PolicyLengthExceededException", "The event bus policy is too long.");
  bus.description.policy = std::move(text);
}

bool names(const Value& one_or_more, const std::function<bool(const std::string&)>& wanted) {
  if (one_or_more.is_string()) return wanted(one_or_more.as_string());
  return one_or_more.is_list() && std::any_of(one_or_more.as_list().begin(), one_or_more.as_list().end(),
                                              [&](const Value& v) { return v.is_string() && wanted(v.as_string()); });
}

bool allows(const Value& statement, std::string_view account) {
  if (statement.string_or("Effect") != "Allow" || statement.find("Condition")) return false;
  const Value *action = statement.find("Action"), *principal = statement.find("Principal");
  if (!action || !principal) return false;
  const bool of_account = names(*principal, [](const std::string& p) { return p == "*"; }) ||
                          (principal->find("AWS") && names(*principal->find("AWS"), [&](const std::string& p) {
                             return p == "*" || p == account || p == "arn:aws:iam::" + std::string(account) + ":root";
                           }));
  return of_account &&
         names(*action, [](const std::string& a) { return a == "events:PutEvents" || a == "events:*" || a == "*"; });
}

}  // namespace

BusAddress bus_address(std::string_view account, std::string_view region,
                       const std::optional<std::string>& name_or_arn) {
  BusAddress out{std::string(account), std::string(region), std::string(default_name)};
  if (!name_or_arn) return out;
  constexpr std::string_view resource = "event-bus/";
  const auto arn = notify::parse_arn(*name_or_arn);
  if (arn && arn->service == "events" && arn->resource.starts_with(resource))
    return {arn->account, arn->region, arn->resource.substr(resource.size())};
  out.name = *name_or_arn;
  return out;
}

void check_tags(const Tags& tags) {
  if (tags.size() > max_tags) invalid("A resource can have at most 50 tags.");
  for (const auto& [key, value] : tags)
    if (key.starts_with("aws:")) invalid("Tag keys that begin with aws: are reserved.");
}

void Buses::change(const BusAddress& address, std::string_view actor, const std::function<void(Bus&)>& work) {
  metadata_.change(actor, [&](meta::Transaction& t) {
    auto stored = t.get(kind, address.key());
    if (!stored && address.name != default_name) no_bus(address);
    Bus bus = stored ? from_record(*stored) : untouched_default(address);
    work(bus);
    bus.description.last_modified_time = clock_.now();
    t.put(kind, address.key(), to_record(bus));
  });
}

void Buses::create(const BusAddress& address, std::string_view actor, const std::optional<std::string>& description,
                   const Tags& tags) {
  check_tags(tags);
  if (address.name.find('/') != std::string::npos) invalid("Event bus name must not contain '/'.");
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (address.name == default_name || t.get(kind, address.key()))
      throw Error(ErrorKind::conflict, "ResourceAlreadyExistsException",
                  "Event bus " + address.name + " already exists.");
    Bus bus = untouched_default(address);
    bus.description.description = description;
    bus.description.creation_time = bus.description.last_modified_time = clock_.now();
    bus.tags = tags;
    t.put(kind, address.key(), to_record(bus));
  });
}

Buses::Bus Buses::update(const BusAddress& address, std::string_view actor,
                         const std::optional<std::string>& description) {
  Bus out;
  change(address, actor, [&](Bus& bus) {
    if (description) bus.description.description = description;
    out = bus;
  });
  return out;
}

std::optional<Buses::Bus> Buses::find(const BusAddress& address) const {
  if (auto stored = metadata_.get(kind, address.key())) return from_record(*stored);
  return address.name == default_name ? std::optional(untouched_default(address)) : std::nullopt;
}

Buses::Bus Buses::get(const BusAddress& address) const {
  auto found = find(address);
  if (!found) no_bus(address);
  return *found;
}

void Buses::remove(const BusAddress& address, std::string_view actor) {
  if (address.name == default_name) invalid("Cannot delete event bus default.");
  metadata_.change(actor, [&](meta::Transaction& t) {
    if (t.count(rule_kind, meta::prefix({address.account, address.region, address.name})) > 0)
      invalid("Event bus can't be deleted since it has rules.");
    t.erase(kind, address.key());
  });
}

std::vector<Buses::Bus> Buses::list(std::string_view account, std::string_view region, std::string_view prefix,
                                    std::string_view after, std::size_t limit) const {
  std::vector<Bus> out;
  const BusAddress own_default{std::string(account), std::string(region), std::string(default_name)};
  bool told = std::string_view(default_name) <= after || !default_name.starts_with(prefix);
  const std::string from = after.empty() ? "" : meta::key({account, region, after});
  for (const auto& record : metadata_.list(kind, meta::prefix({account, region}) + std::string(prefix), from, limit)) {
    const std::string name = meta::key_parts(record.key).back();
    if (!told && name >= default_name) {
      told = true;
      if (name != default_name) out.push_back(untouched_default(own_default));
    }
    out.push_back(from_record(record.value));
  }
  if (!told && out.size() < limit) out.push_back(untouched_default(own_default));
  if (out.size() > limit) out.resize(limit);
  return out;
}

void Buses::change_tags(const BusAddress& address, std::string_view actor, const std::function<void(Tags&)>& work) {
  change(address, actor, [&](Bus& bus) {
    work(bus.tags);
    check_tags(bus.tags);
  });
}

void Buses::put_permission(const BusAddress& address, std::string_view actor, const events::PutPermissionRequest& in) {
  if (in.policy) {
    if (in.action || in.principal || in.statement_id || in.condition)
      invalid("Parameter Policy must not be specified together with Action, Principal, StatementId or Condition.");
    try {
      govern::check_policy(*in.policy, govern::PolicyKind::resource);
    } catch (const Error& e) {
      invalid("Parameter Policy is not valid. Reason: " + e.message());
    }
    change(address, actor, [&](Bus& bus) { set_policy(bus, parse_json(*in.policy)); });
    return;
  }
  if (!in.action || !in.principal || !in.statement_id)
    invalid("Parameter(s) Action, Principal and StatementId must be specified.");
  if (*in.action != "events:PutEvents") invalid("Provided value in parameter 'action' is not supported.");
  Value statement = Value::map(
      {{"Sid", *in.statement_id},
       {"Effect", "Allow"},
       {"Principal",
        *in.principal == "*" ? Value("*") : Value::map({{"AWS", "arn:aws:iam::" + *in.principal + ":root"}})},
       {"Action", *in.action},
       {"Resource", address.arn()}});
  if (in.condition) {
    if (in.condition->type != "StringEquals" || in.condition->key != "aws:PrincipalOrgID")
      invalid("Parameter Condition is not valid. Reason: only StringEquals of aws:PrincipalOrgID is supported.");
    statement.set("Condition",
                  Value::map({{in.condition->type, Value::map({{in.condition->key, in.condition->value}})}}));
  }
  change(address, actor, [&](Bus& bus) {
    Value policy = policy_of(bus);
    std::erase_if(policy.find("Statement")->as_list(),
                  [&](const Value& s) { return s.string_or("Sid") == *in.statement_id; });
    policy.find("Statement")->push_back(statement);
    set_policy(bus, policy);
  });
}

void Buses::remove_permission(const BusAddress& address, std::string_view actor,
                              const events::RemovePermissionRequest& in) {
  change(address, actor, [&](Bus& bus) {
    if (in.remove_all_permissions.value_or(false)) {
      bus.description.policy.reset();
      return;
    }
    if (!in.statement_id) invalid("Parameter StatementId must be specified.");
    if (!bus.description.policy)
      throw Error(ErrorKind::missing, "ResourceNotFoundException", "EventBus does not have a policy.");
    Value policy = policy_of(bus);
    Value* statements = policy.find("Statement");
    if (std::erase_if(statements->as_list(), [&](const Value& s) { return s.string_or("Sid") == *in.statement_id; }) ==
        0)
      throw Error(ErrorKind::missing, "ResourceNotFoundException", "Statement with the provided id does not exist.");
    if (statements->as_list().empty())
      bus.description.policy.reset();
    else
      set_policy(bus, policy);
  });
}

bool Buses::lets_put(const BusAddress& address, std::string_view account) const {
  if (address.account == account) return true;
  const auto bus = find(address);
  if (!bus || !bus->description.policy) return false;
  const Value policy = policy_of(*bus);
  const ValueList& statements = policy.find("Statement")->as_list();
  return std::any_of(statements.begin(), statements.end(), [&](const Value& s) { return allows(s, account); });
}

}  // namespace tarn::orchestrate
