#include "deploy/stacks.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "deploy/own_types/own_types.hpp"
#include "deploy/plan.hpp"
#include "deploy/surroundings.hpp"
#include "deploy/template_summary.hpp"

namespace tarn::deploy {
namespace {

constexpr int max_threads = 24;
constexpr std::chrono::milliseconds max_linger{1000};

}  // namespace

Stacks::Stacks(StacksPlatform platform, StacksOptions options)
    : platform_(std::move(platform)),
      records_(platform_.metadata),
      workers_(max_threads),
      pauses_(machine_time_),
      deadlines_(platform_.clock),
      deployment_platform_{
          records_,
          types_,
          platform_.operations,
          platform_.clock,
          platform_.random,
          workers_,
          pauses_,
          deadlines_,
          endpoint_,
          [this](const api::Principal& principal, const StackScope& scope) {
            return make_surroundings(
                {platform_.operations, platform_.clock, platform_.random, principal, scope.region, endpoint_}, records_,
                scope);
          },
          platform_.tell,
          [this](const std::string& uuid, const Deployment* which) {
            std::lock_guard lock(mutex_);
            // The next may have begun as soon as the end was on disk.
            if (auto it = live_.find(uuid); it != live_.end() && it->second.get() == which) live_.erase(it);
            ended_.notify_all();
          },
          [this](const StackRecord& nested, const api::Principal& principal) { clean_up_nested(nested, principal); }} {
  add_own_types(types_, *this, platform_.metadata, platform_.clock);
  if (!options.without_types) add_resource_types(types_);
  for (const std::string& name : options.inert_types)
    if (!types_.find(name)) types_.add(make_inert_type(name));
}

Stacks::~Stacks() {
  stop();
}

void Stacks::start(const std::string& endpoint) {
  endpoint_ = endpoint;
  for (const StackRecord& s : records_.under_way()) {
    log(LogLevel::info, "an operation on a stack goes on", Value::map({{"stack", s.id()}, {"status", s.status()}}));
    launch(s, nullptr);
  }
}

std::unique_lock<std::shared_mutex> Stacks::hold() {
  std::unique_lock held(gate_);
  std::map<std::string, std::shared_ptr<Deployment>> dropped;
  {
    std::lock_guard lock(mutex_);
    dropped.swap(live_);
  }
  for (auto& [uuid, d] : dropped) d->abandon();
  workers_.drain(std::chrono::seconds(5));
  return held;
}

void Stacks::stop() {
  {
    std::lock_guard lock(mutex_);
    for (auto& [uuid, d] : live_) d->abandon();
  }
  workers_.stop();
}

void Stacks::launch(const StackRecord& s, std::shared_ptr<const Evaluation> evaluation) {
  auto deployment = std::make_shared<Deployment>(deployment_platform_, s, std::move(evaluation));
  {
    std::lock_guard lock(mutex_);
    live_[s.uuid] = deployment;
  }
  deployment->start();
}

void Stacks::poke(const std::string& uuid) {
  std::shared_ptr<Deployment> found;
  {
    std::lock_guard lock(mutex_);
    if (auto it = live_.find(uuid); it != live_.end()) found = it->second;
  }
  if (found) found->reread();
}

void Stacks::linger(const std::string& uuid) const {
  std::unique_lock lock(mutex_);
  ended_.wait_for(lock, max_linger, [&] { return !live_.contains(uuid); });
}

// ---- what requests share ----

Asking Stacks::asking(const Context& c) const {
  return {platform_.operations, platform_.clock, platform_.random,
          c.principal,          c.region,        c.endpoint.empty() ? endpoint_ : c.endpoint};
}

StackRecord Stacks::stack(const Context& c, const std::string& name_or_id) const {
  auto found = records_.find({c.account(), c.region}, name_or_id);
  if (!found) throw Error(ErrorKind::caller, "ValidationError", "Stack with id " + name_or_id + " does not exist");
  return *std::move(found);
}

Evaluation Stacks::evaluate(const Context& c, const std::string& text, const ParameterValues& parameters) const {
  const StackScope scope{c.account(), c.region};
  return Evaluation(parse_template(text), parameters, {}, {scope.account, scope.region, "", "", {}},
                    make_surroundings(asking(c), const_cast<StackRecords&>(records_), scope));
}

api::Principal Stacks::acting(const Context& c, const std::optional<std::string>& role_arn) const {
  if (!role_arn || role_arn->empty()) return c.principal;
  return platform_.identities.role_session(*role_arn, "AWSCloudFormation");
}

bool Stacks::is_repeated(const StackRecord& s, const std::optional<std::string>& token, const char* operation) const {
  return token && !s.token.empty() && s.token == *token && s.token_of == operation;
}

StackRecord Stacks::new_stack(const Context& c, const std::string& name) const {
  StackRecord s;
  s.scope = {c.account(), c.region};
  s.uuid = platform_.random.uuid();
  s.shown.stack_id = c.arn("cloudformation", "stack/" + name + "/" + s.uuid);
  s.shown.stack_name = name;
  s.shown.creation_time = platform_.clock.now();
  s.shown.enable_termination_protection = false;
  s.shown.rollback_configuration.emplace();
  s.shown.notification_ar_ns.emplace();
  s.shown.tags.emplace();
  s.shown.drift_information.emplace().stack_drift_status = "NOT_CHECKED";
  s.principal_arn = c.principal.arn;
  return s;
}

Operation Stacks::new_operation(const StackRecord& s, const Context& c, const char* type,
                                const std::optional<std::string>& token) const {
  Operation o;
  o.id = platform_.random.uuid();
  o.type = type;
  o.principal = acting(c, s.shown.role_arn);
  o.client_token = token.value_or("");
  return o;
}

Plan Stacks::plan(const Context& c, const StackRecord& s, const StackRequest& request,
                  const ParameterValues& previous) const {
  Plan out;
  out.shown = s.shown;
  if (request.tags) {
    out.tags_changed = s.declaration && *request.tags != s.shown.tags.value_or(std::vector<api::cloudformation::Tag>());
    out.shown.tags = *request.tags;
  }
  if (request.notification_arns) out.shown.notification_ar_ns = *request.notification_arns;
  if (request.role_arn) out.shown.role_arn = *request.role_arn;
  out.shown.capabilities = request.capabilities.value_or(std::vector<std::string>());

  ParameterValues given;
  for (const auto& p : request.parameters) {
    ParameterValue& v = given[p.parameter_key.value_or("")];
    v.value = p.parameter_value.value_or("");
    v.use_previous = p.use_previous_value.value_or(false);
    if (v.use_previous && p.parameter_value)
      throw Error(ErrorKind::caller, "ValidationError",
                  "Invalid input for parameter key " + p.parameter_key.value_or("") +
                      ". Cannot specify usePreviousValue as true and non empty value for a parameter");
  }
  Template source = parse_template(request.text);
  check_capabilities(summarize(source).capabilities, *out.shown.capabilities, !request.macros_reviewed);
  Asking who = asking(c);
  who.principal = acting(c, out.shown.role_arn);
  out.evaluation = std::make_shared<const Evaluation>(
      std::move(source), given, previous,
      PseudoParameters{s.scope.account, s.scope.region, s.id(), s.name(),
                       out.shown.notification_ar_ns.value_or(std::vector<std::string>())},
      make_surroundings(who, const_cast<StackRecords&>(records_), s.scope));
  // And what its transforms have made of it.
  Template expanded = out.evaluation->source();
  expanded.body = out.evaluation->processed();
  check_capabilities(summarize(expanded).capabilities, *out.shown.capabilities, false);
  if (request.resource_types) check_resource_types(*out.evaluation, *request.resource_types);
  check_resources(*out.evaluation, types_);

  out.declaration = {request.text, out.evaluation->parameters()};
  out.shown.parameters.emplace();
  for (const auto& [name, p] : out.evaluation->parameters()) {
    auto& one = out.shown.parameters->emplace_back();
    one.parameter_key = name;
    one.parameter_value = p.no_echo ? "****" : p.value;
    if (p.resolved && !p.no_echo) one.resolved_value = *p.resolved;
  }
  out.shown.description.reset();
  if (const Value* d = out.evaluation->processed().find("Description"); d && d->is_string())
    out.shown.description = d->as_string();
  return out;
}

}  // namespace tarn::deploy
