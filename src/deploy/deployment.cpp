#include "deploy/deployment.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/log.hpp"
#include "deploy/stack_events.hpp"
#include "meta/note_end.hpp"

namespace tarn::deploy {

Deployment::Deployment(const DeploymentPlatform& platform, StackRecord stack,
                       std::shared_ptr<const Evaluation> evaluation)
    : platform_(platform),
      stack_(std::move(stack)),
      evaluation_(std::move(evaluation)),
      last_event_(platform_.clock.now()) {}

void Deployment::start() {
  if (const auto& deadline = stack_.operation->deadline)
    platform_.deadlines.at(*deadline, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->poke();
    });
  poke();
}

void Deployment::poke() {
  std::lock_guard lock(mutex_);
  wake_ = true;
  if (driving_) return;
  driving_ = platform_.workers.run([self = shared_from_this()] { self->drive(); });
}

void Deployment::reread() {
  {
    std::lock_guard lock(mutex_);
    reread_ = true;
  }
  poke();
}

// What others may set while this goes on.
void Deployment::merge(const StackRecord& stored) {
  stack_.policy = stored.policy;
  stack_.shown.enable_termination_protection = stored.shown.enable_termination_protection;
  if (!stack_.operation || !stored.operation || stored.operation->id != stack_.operation->id) return;
  // A cancelled update that rolls back is no longer one.
  if (stack_.operation->phase == Phase::forward && stored.operation->cancelled) stack_.operation->cancelled = true;
  if (stored.operation->delete_on_failure) stack_.operation->delete_on_failure = true;
}

void Deployment::deliver(Outcome outcome) {
  {
    std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(outcome));
  }
  poke();
}

void Deployment::abandon() {
  abandoned_ = true;
}

void Deployment::drive() {
  try {
    for (;;) {
      std::vector<Outcome> got;
      std::vector<std::pair<std::string, std::string>> due;
      bool reread = false;
      {
        std::lock_guard lock(mutex_);
        if (abandoned_ || over_ || !wake_) {
          driving_ = false;
          return;
        }
        got.swap(inbox_);
        due.swap(due_);
        reread = std::exchange(reread_, false);
        wake_ = false;
      }
      if (!prepared_) prepare();
      if (reread)
        if (auto stored = platform_.records.find(stack_.scope, stack_.id())) merge(*stored);
      for (Outcome& o : got) apply(std::move(o));
      for (const auto& [id, token] : due) call_again(id, token);
      while (advance()) {
      }
      commit();
      if (abandoned_) continue;
      publish();
      launch();
      if (over_) platform_.ended(stack_.uuid, this);
    }
  } catch (const std::exception& e) {
    // Nothing of this is the template's fault. The operation stays on disk and is gone on with at the next start.
    log(LogLevel::error, "an operation on a stack broke off", Value::map({{"stack", stack_.id()}, {"why", e.what()}}));
    std::lock_guard lock(mutex_);
    driving_ = false;
    over_ = true;
  }
}

// Of the declaration that the stack has now.
std::shared_ptr<const Evaluation> Deployment::evaluate() const {
  const Declaration d = platform_.records.declaration(stack_);
  return std::make_shared<const Evaluation>(
      parse_template(d.text), d.parameters, ParameterValues(),
      PseudoParameters{stack_.scope.account, stack_.scope.region, stack_.id(), stack_.name(),
                       stack_.shown.notification_ar_ns.value_or(std::vector<std::string>())},
      platform_.surroundings(stack_.operation->principal, stack_.scope));
}

// What is on disk comes into memory, and what an earlier tarn had begun is gone on with.
void Deployment::prepare() {
  prepared_ = true;
  resources_ = platform_.records.resources(stack_);
  if (!evaluation_ && stack_.declaration) {
    try {
      evaluation_ = evaluate();
    } catch (const Error& e) {
      // An SSM parameter is gone, say: what is there can still be rolled back or removed.
      if (stack_.operation->phase == Phase::forward) stack_.operation->failure = e.message();
      const Template source = parse_template(platform_.records.declaration(stack_).text);
      for (const ValueMember& m : source.body.at("Resources").as_map()) declared_.insert(m.key);
    }
  }
  if (evaluation_) declared_ = {evaluation_->resources().begin(), evaluation_->resources().end()};
  // What an update has replaced and is not going back to goes with the rest.
  if (const Phase phase = stack_.operation->phase;
      phase == Phase::cleanup || phase == Phase::removal || phase == Phase::undo)
    for (auto& [id, r] : resources_) settle_after_update(r);
  resume();
}

void Deployment::resume() {
  const Operation& o = *stack_.operation;
  for (const auto* list : {&o.failed_create, &o.failed_update, &o.failed_delete})
    failed_.insert(list->begin(), list->end());
  for (auto& [id, r] : resources_) {
    if (r.stage == stage() && r.settled) settled_.insert(id);
    if (!r.task) continue;
    running_.insert(id);
    calls_.push_back({id, r.task->begun});
  }
}

bool Deployment::advance() {
  if (over_) return false;
  switch (stack_.operation->phase) {
    case Phase::forward:
      return forward();
    case Phase::rollback:
      return rollback();
    default:
      return removal();
  }
}

// ---- what calls bring ----

void Deployment::apply(Outcome o) {
  auto it = resources_.find(o.logical_id);
  if (it == resources_.end() || !it->second.task || it->second.task->token != o.token) return;
  ResourceRecord& r = it->second;
  if (o.failure) {
    running_.erase(o.logical_id);
    failed(r, *o.failure);
    return;
  }
  const bool making = r.task->kind == Task::Kind::create;
  if (making && !o.progress.physical_id.empty() && r.now.physical_id != o.progress.physical_id) {
    const bool first = r.now.physical_id.empty();
    r.now.physical_id = o.progress.physical_id;
    dirty_.insert(r.logical_id);
    if (first) set_status(r, r.status, "Resource creation Initiated");
  }
  if (!o.progress.done) {
    if (r.task->memory != o.progress.memory) dirty_.insert(r.logical_id);
    r.task->memory = std::move(o.progress.memory);
    waiting_.insert(o.logical_id);
    pauses_.emplace_back(o.progress.again_in, Call{o.logical_id, false});
    return;
  }
  running_.erase(o.logical_id);
  succeeded(r, o.progress);
}

void Deployment::call_again(const std::string& logical_id, const std::string& token) {
  auto it = resources_.find(logical_id);
  if (it == resources_.end() || !it->second.task || it->second.task->token != token || !waiting_.erase(logical_id))
    return;
  calls_.push_back({logical_id, false});
}

namespace {

// What is told at the creation alone (a key's secret) stays known.
void take_attributes(Value& known, const Value& told) {
  for (const ValueMember& m : told.as_map()) known.set(m.key, m.value);
}

}  // namespace

void Deployment::succeeded(ResourceRecord& r, const Progress& progress) {
  dirty_.insert(r.logical_id);
  const Task task = *std::exchange(r.task, std::nullopt);
  const bool other = !progress.physical_id.empty() && progress.physical_id != r.now.physical_id;
  if (task.kind != Task::Kind::remove_leftover) {
    settled_.insert(r.logical_id);
    r.settled = true;
  }
  switch (task.kind) {
    case Task::Kind::create:
      r.now.attributes = progress.attributes;
      return set_status(r, r.replaced ? "UPDATE_COMPLETE" : "CREATE_COMPLETE");
    case Task::Kind::update:
      if (other) {
        r.now.physical_id = progress.physical_id;
        r.replaced = true;
      }
      take_attributes(r.now.attributes, progress.attributes);
      return set_status(r, "UPDATE_COMPLETE");
    case Task::Kind::revert: {
      Instance made = std::exchange(r.now, *std::exchange(r.before, std::nullopt));
      if (other) {
        r.now.physical_id = progress.physical_id;
        r.leftovers.push_back(std::move(made));
      }
      take_attributes(r.now.attributes, progress.attributes);
      return set_status(r, "UPDATE_COMPLETE");
    }
    case Task::Kind::remove:
      return set_status(r, "DELETE_COMPLETE");
    case Task::Kind::remove_leftover:
      add_event(r, "DELETE_COMPLETE", {}, r.leftovers.front().physical_id);
      r.leftovers.erase(r.leftovers.begin());
      return;
  }
}

void Deployment::failed(ResourceRecord& r, const Error& error) {
  dirty_.insert(r.logical_id);
  const Task task = *std::exchange(r.task, std::nullopt);
  Operation& operation = *stack_.operation;
  if (task.kind == Task::Kind::update && error.code() == "NotUpdatable") {
    r.now.physical_id.clear();
    r.now.attributes = Value::map();
    r.replaced = true;
    return begin_task(r, Task::Kind::create, "UPDATE_IN_PROGRESS",
                      "Requested update requires the creation of a new physical resource; hence creating one.");
  }
  const std::string reason = failure_reason(error, task.token);
  if (task.kind != Task::Kind::remove_leftover) failed_.insert(r.logical_id);
  switch (task.kind) {
    case Task::Kind::create:
      (r.replaced ? operation.failed_update : operation.failed_create).push_back(r.logical_id);
      return set_status(r, r.replaced ? "UPDATE_FAILED" : "CREATE_FAILED", reason);
    case Task::Kind::update:
    case Task::Kind::revert:
      operation.failed_update.push_back(r.logical_id);
      return set_status(r, "UPDATE_FAILED", reason);
    case Task::Kind::remove:
      operation.failed_delete.push_back(r.logical_id);
      return set_status(r, "DELETE_FAILED", reason);
    case Task::Kind::remove_leftover:
      // It stays where it is: the stack has no more to do with it. The event tells.
      add_event(r, "DELETE_FAILED", reason, r.leftovers.front().physical_id);
      r.leftovers.erase(r.leftovers.begin());
      return;
  }
}

// ---- what goes to disk, and what follows ----

void Deployment::commit() {
  for (const Call& call : calls_)
    if (auto& task = resources_.at(call.logical_id).task; task && !task->begun) {
      dirty_.insert(call.logical_id);
      task->begun = true;
    }
  if (dirty_.empty() && erased_.empty() && events_.empty() && !over_) return;
  const StackRecord unwritten = stack_;
  meta::note_end(
      "a stack's progress",
      [&] {
        stack_ = unwritten;
        platform_.records.metadata().change_quietly([&](meta::Transaction& t) { write(t); });
      },
      [&] { return abandoned_.load(); });
}

void Deployment::write(meta::Transaction& t) {
  if (auto stored = StackRecords::find(t, stack_.scope, stack_.id())) merge(*stored);
  for (const std::string& id : erased_) StackRecords::erase(t, stack_, id);
  for (const std::string& id : dirty_)
    if (!erased_.contains(id)) StackRecords::put(t, stack_, resources_.at(id));
  for (const EventRecord& e : events_) StackRecords::add(t, stack_, e);
  if (exports_) {
    for (const auto& e : StackRecords::exports_of(t, stack_))
      if (!exports_->contains(e.name)) StackRecords::erase_export(t, stack_, e.name);
    for (const auto& [name, value] : *exports_) StackRecords::put_export(t, stack_, name, value);
  }
  if (imports_) StackRecords::set_imports(t, stack_, *imports_);
  if (over_ && !stack_.stable) StackRecords::erase_declarations(t, stack_, {stack_.declaration});
  StackRecords::put(t, stack_);
}

// To the topics and the bus that are told of it.
void Deployment::publish() {
  for (const EventRecord& e : events_) {
    if (platform_.tell) platform_.tell(status_change(stack_, e.event));
    for (const std::string& topic : stack_.shown.notification_ar_ns.value_or(std::vector<std::string>()))
      notify_topic(platform_.operations, platform_.clock, platform_.random, topic, stack_, e.event);
  }
  events_.clear();
  dirty_.clear();
  erased_.clear();
  exports_.reset();
  imports_.reset();
}

void Deployment::launch() {
  for (const Call& call : std::exchange(calls_, {})) run_call(call);
  for (auto& [pause, call] : std::exchange(pauses_, {})) {
    if (!resources_.at(call.logical_id).task) continue;
    const Time when = SystemClock().now() + pause;
    platform_.pauses.at(
        when, [weak = weak_from_this(), id = call.logical_id, token = resources_.at(call.logical_id).task->token] {
          const auto self = weak.lock();
          if (!self) return;
          {
            std::lock_guard lock(self->mutex_);
            self->due_.emplace_back(id, token);
          }
          self->poke();
        });
  }
}

void Deployment::run_call(const Call& call) {
  const ResourceRecord& r = resources_.at(call.logical_id);
  if (!r.task) return;
  auto work = call_of(r, call.begun_before);
  platform_.workers.run(
      [self = shared_from_this(), id = call.logical_id, token = r.task->token, work = std::move(work)] {
        if (self->abandoned_) return;
        Outcome out{id, token, {}, std::nullopt};
        try {
          out.progress = work();
        } catch (const Error& e) {
          out.failure = e;
        } catch (const std::exception& e) {
          out.failure = Error(ErrorKind::bug, "InternalFailure", std::string("tarn failed: ") + e.what());
        }
        self->deliver(std::move(out));
      });
}

// ---- what all phases use ----

std::string Deployment::stage() const {
  return stack_.operation->id + "/" + std::to_string(static_cast<int>(stack_.operation->phase));
}

ResourceRecord& Deployment::dirty(const std::string& logical_id) {
  dirty_.insert(logical_id);
  ResourceRecord& r = resources_[logical_id];
  r.logical_id = logical_id;
  return r;
}

void Deployment::begin_task(ResourceRecord& r, Task::Kind kind, const std::string& status, const std::string& reason) {
  dirty_.insert(r.logical_id);
  r.stage = stage();
  r.settled = false;
  r.task = Task{kind, platform_.random.hex(32), Value(), false};
  running_.insert(r.logical_id);
  waiting_.erase(r.logical_id);
  calls_.push_back({r.logical_id, false});
  if (kind == Task::Kind::remove_leftover)
    add_event(r, status, reason, r.leftovers.front().physical_id);
  else
    set_status(r, status, reason);
}

void Deployment::set_status(ResourceRecord& r, const std::string& status, const std::string& reason) {
  dirty_.insert(r.logical_id);
  r.status = status;
  r.reason = reason;
  r.changed_at = platform_.clock.now();
  add_event(r, status, reason, r.now.physical_id);
}

Time Deployment::event_time() {
  return last_event_ = std::max(platform_.clock.now(), last_event_ + std::chrono::milliseconds(1));
}

void Deployment::add_event(const ResourceRecord& r, const std::string& status, const std::string& reason,
                           const std::string& physical_id) {
  EventRecord out;
  out.operation_type = stack_.operation->type;
  api::cloudformation::StackEvent& e = out.event;
  e.stack_id = stack_.id();
  e.stack_name = stack_.name();
  e.timestamp = event_time();
  e.event_id = event_id(r.logical_id, status, e.timestamp);
  e.operation_id = stack_.operation->id;
  e.logical_resource_id = r.logical_id;
  e.physical_resource_id = physical_id;
  e.resource_type = r.now.type;
  e.resource_status = status;
  if (!reason.empty()) e.resource_status_reason = reason;
  if (!r.now.properties.as_map().empty()) e.resource_properties = shown_properties(r.now.properties);
  if (!stack_.operation->client_token.empty()) e.client_request_token = stack_.operation->client_token;
  events_.push_back(std::move(out));
}

std::string Deployment::shown_properties(const Value& properties) const {
  const std::string text = to_json(properties);
  return evaluation_ ? without_secrets(text, evaluation_->parameters()) : text;
}

void Deployment::set_stack_status(const std::string& status, const std::string& reason) {
  events_.push_back(change_stack_status(stack_, status, reason, event_time(), platform_.random));
}

void Deployment::end(const std::string& status, const std::string& reason) {
  set_stack_status(status, reason);
  stack_.operation.reset();
  over_ = true;
}

}  // namespace tarn::deploy
