#include "orchestrate/rotations/rotations.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "govern/policy_decision.hpp"
#include "orchestrate/rotations/rotation_times.hpp"

namespace tarn::orchestrate {
namespace {

namespace model = api::secretsmanager;
using govern::SecretRecord;
using govern::SecretVersion;

constexpr const char* principal = "secretsmanager.amazonaws.com";
constexpr int64_t most_attempts = 5;
constexpr std::size_t most_at_once = 16;
constexpr auto longest_sleep = std::chrono::hours(1);  // then secrets whose recovery window is over are erased

[[noreturn]] void invalid_request(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidRequestException", what);
}

std::chrono::minutes pause_after(int64_t attempts) {
  return std::chrono::minutes(1LL << std::min<int64_t>(attempts, 10));
}

// A version that a rotation made and did not finish.
const SecretVersion* unfinished(SecretRecord& secret) {
  const SecretVersion* pending = secret.staged(govern::pending_stage);
  return pending && !pending->has(govern::current_stage) ? pending : nullptr;
}

void schedule_next(SecretRecord& secret, Time now) {
  secret.next_rotation.reset();
  secret.description.next_rotation_date.reset();
  if (!secret.description.rotation_enabled.value_or(false) || !secret.description.rotation_rules) return;
  const auto window = next_window(*secret.description.rotation_rules, now);
  if (!window) return;
  secret.next_rotation = window->opens;
  secret.description.next_rotation_date = window->closes - std::chrono::seconds(1);
}

void begin(SecretRecord& secret, const std::string& token, bool tests, Time now) {
  SecretVersion* version = secret.version(token);
  if (!version) {
    secret.versions.push_back({.id = token, .created = now, .stages = {}, .value_id = {}, .key_id = {}});
    version = &secret.versions.back();
  }
  govern::attach_stage(secret, *version, govern::pending_stage);
  secret.rotation = {token, 0, now, tests};
}

// A version that was made for a test, or in vain and never got a value.
void drop(SecretRecord& secret, const govern::SecretRotation& rotation) {
  std::erase_if(secret.versions, [&](const SecretVersion& v) {
    return v.id == rotation.token && !v.has(govern::current_stage) && (rotation.tests || v.value_id.empty());
  });
}

}  // namespace

Rotations::Rotations(govern::Secrets& secrets, api::Operations& operations)
    : secrets_(secrets), operations_(operations) {}

Rotations::~Rotations() {
  stop();
  if (thread_.joinable()) thread_.join();
  std::unique_lock lock(mutex_);
  const auto running = std::move(running_);
  running_.clear();
  lock.unlock();  // those that end take it
}

void Rotations::start() {
  thread_ = std::jthread([this](std::stop_token ending) { run(std::move(ending)); });
}

void Rotations::stop() {
  thread_.request_stop();
  wake();
}

void Rotations::wake() {
  std::lock_guard lock(mutex_);
  sleep_.request_stop();
}

// ---- what is asked for ----

void Rotations::check_function(const api::Context& context, const SecretRecord& secret, const std::string& arn) {
  api::Context c = inside(secret);
  c.principal = context.principal;
  Value policy;
  try {
    operations_.call(c, "lambda:GetFunctionConfiguration", Value::map({{"FunctionName", arn}}));
    policy = operations_.call(c, "lambda:GetPolicy", Value::map({{"FunctionName", arn}}));
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug || e.kind() == ErrorKind::unsupported) throw;
  }
  const bool allowed = govern::policy_allows(
      policy.string_or("Policy"), {principal,
                                   "lambda:InvokeFunction",
                                   arn,
                                   {{"aws:sourcearn", secret.arn()}, {"aws:sourceaccount", secret.scope().account}}});
  if (!allowed)
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
                "access to the principal secretsmanager.amazonaws.com.");
}

SecretRecord Rotations::rotate(const api::Context& context, const model::RotateSecretRequest& in) {
  if (in.external_secret_rotation_metadata || in.external_secret_rotation_role_arn)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "RotateSecret of a managed external secret: tarn rotates by functions alone.");
  SecretRecord found = secrets_.find({context.account(), context.region}, in.secret_id);
  const std::string function = in.rotation_lambda_arn.value_or(found.description.rotation_lambda_arn.value_or(""));
  if (function.empty()) invalid_request("No Lambda rotation function ARN is associated with this secret.");
  if (in.rotation_rules) check_rotation_rules(*in.rotation_rules);
  const bool tests = !in.rotate_immediately.value_or(true);
  const std::string token = in.client_request_token.value_or(secrets_.random().uuid());
  const SecretVersion* pending = unfinished(found);
  const bool reattempt = pending && pending->id != token;
  if (!reattempt && found.rotation.token == token) return found;  // the same request again
  if (const SecretVersion* made = found.version(token); made && made->has(govern::current_stage)) return found;
  if (!found.staged(govern::current_stage)) invalid_request("The secret has no value that could be rotated.");
  check_function(context, found, function);
  SecretRecord out = secrets_.change(found.scope(), context.principal.arn, in.secret_id, [&](SecretRecord& secret) {
    const Time now = secrets_.clock().now();
    auto& d = secret.description;
    d.rotation_lambda_arn = function;
    d.rotation_enabled = true;
    if (in.rotation_rules) d.rotation_rules = in.rotation_rules;
    if (!d.rotation_rules) d.rotation_rules.emplace();
    schedule_next(secret, now);
    if (const SecretVersion* left = unfinished(secret))
      secret.rotation = {left->id, 0, now, false};
    else
      begin(secret, token, tests, now);
  });
  wake();
  if (reattempt) invalid_request("A previous rotation isn't complete. That rotation will be reattempted.");
  return out;
}

SecretRecord Rotations::cancel(const api::Context& context, const std::string& id) {
  return secrets_.change({context.account(), context.region}, context.principal.arn, id, [](SecretRecord& secret) {
    if (!secret.description.rotation_enabled)
      invalid_request("You tried to enable rotation on a secret that doesn't already have a Lambda function ARN.");
    secret.description.rotation_enabled = false;
    secret.next_rotation.reset();
    secret.description.next_rotation_date.reset();
    drop(secret, secret.rotation);
    secret.rotation = {};
  });
}

// ---- what goes on by itself ----

void Rotations::run(std::stop_token ending) {
  Clock& clock = secrets_.clock();
  while (!ending.stop_requested()) {
    std::stop_token woken;
    {
      std::lock_guard lock(mutex_);
      sleep_ = std::stop_source();
      woken = sleep_.get_token();
    }
    if (ending.stop_requested()) return;
    Time next = clock.now() + longest_sleep;
    try {
      if (const auto due = begin_what_is_due()) next = std::min(next, *due);
    } catch (const Error& e) {
      log(LogLevel::warning, "secrets were not looked through", Value::map({{"reason", e.message()}}));
      next = clock.now() + std::chrono::minutes(1);
    }
    clock.wait_until(next, woken);
  }
}

// Returns when the next one is due.
std::optional<Time> Rotations::begin_what_is_due() {
  std::optional<Time> next;
  const Time now = secrets_.clock().now();
  auto later = [&](Time t) { next = std::min(next.value_or(t), t); };
  for (SecretRecord& secret : secrets_.list_all()) {
    if (secret.description.deleted_date) {
      later(*secret.description.deleted_date);
      continue;
    }
    if (secret.rotation.token.empty() && secret.next_rotation) {
      if (*secret.next_rotation > now) {
        later(*secret.next_rotation);
        continue;
      }
      if (!begin_scheduled(secret)) continue;
      secret = secrets_.find_even_deleted(secret.scope(), secret.arn());
    }
    if (secret.rotation.token.empty()) continue;
    if (secret.rotation.due > now)
      later(secret.rotation.due);
    else
      launch(secret);
  }
  return next;
}

bool Rotations::begin_scheduled(const SecretRecord& secret) {
  bool begun = false;
  secrets_.note(secret, [&](SecretRecord& s) {
    const Time now = secrets_.clock().now();
    if (!s.rotation.token.empty() || !s.next_rotation || *s.next_rotation > now) return;
    schedule_next(s, now);
    const SecretVersion* left = unfinished(s);
    begin(s, left ? left->id : secrets_.random().uuid(), false, now);
    begun = true;
  });
  return begun;
}

void Rotations::launch(const SecretRecord& secret) {
  std::lock_guard lock(mutex_);
  for (const auto& arn : ended_) running_.erase(arn);
  ended_.clear();
  if (running_.contains(secret.arn()) || running_.size() >= most_at_once) return;
  running_.emplace(secret.arn(), std::jthread([this, secret](const std::stop_token&) {
                     attempt(secret);
                     std::lock_guard end(mutex_);
                     ended_.insert(secret.arn());
                     sleep_.request_stop();  // others may have waited for their turn, or this one for its next
                   }));
}

api::Context Rotations::inside(const SecretRecord& secret) const {
  const govern::SecretScope scope = secret.scope();
  api::Context c;
  c.principal = {scope.account, "arn:aws:iam::" + scope.account + ":root", scope.account, ""};
  c.region = scope.region;
  c.request_id = secrets_.random().uuid();
  c.now = secrets_.clock().now();
  c.user_agent = principal;
  return c;
}

void Rotations::ask(const SecretRecord& secret, const char* step) {
  api::Context c = inside(secret);
  const Value event =
      Value::map({{"Step", step}, {"SecretId", secret.arn()}, {"ClientRequestToken", secret.rotation.token}});
  const Value answer = operations_.call(c, "lambda:Invoke",
                                        Value::map({{"FunctionName", *secret.description.rotation_lambda_arn},
                                                    {"InvocationType", "RequestResponse"},
                                                    {"Payload", Blob{to_json(event)}}}));
  if (answer.string_or("FunctionError").empty()) return;
  const Value* payload = answer.find("Payload");
  throw Error(ErrorKind::outside, "RotationFailed",
              std::string(step) + ": " + (payload && payload->is_blob() ? payload->as_blob().bytes : ""));
}

void Rotations::attempt(const SecretRecord& secret) {
  try {
    secrets_.note(secret, [&](SecretRecord& s) {
      if (s.rotation.token != secret.rotation.token) return;
      s.rotation.attempts++;
      s.rotation.due = secrets_.clock().now() + pause_after(s.rotation.attempts);
    });
    if (secret.rotation.tests) {
      const auto value = secrets_.value(secret.scope(), secret.arn(), std::nullopt, std::nullopt).value;
      secrets_.put_value(secret.scope(), "tarn", secret.arn(), secret.rotation.token, value,
                         {std::string(govern::pending_stage)});
      ask(secret, "testSecret");
    } else {
      for (const char* step : {"createSecret", "setSecret", "testSecret", "finishSecret"}) ask(secret, step);
    }
    finish(secret);
  } catch (const Error& e) {
    fail(secret, e.message());
  }
}

void Rotations::finish(const SecretRecord& secret) {
  std::string why;
  secrets_.note(secret, [&](SecretRecord& s) {
    if (s.rotation.token != secret.rotation.token) return;
    const std::string token = s.rotation.token;
    const SecretVersion* made = s.version(token);
    if (!s.rotation.tests && !(made && made->has(govern::current_stage))) {
      why = "finishSecret left AWSCURRENT on another version";
      return;
    }
    if (s.rotation.tests) {
      drop(s, s.rotation);
    } else {
      s.description.last_rotated_date = s.description.last_changed_date = secrets_.clock().now();
      schedule_next(s, secrets_.clock().now());
    }
    s.rotation = {};
  });
  if (!why.empty()) fail(secret, why);
}

void Rotations::fail(const SecretRecord& secret, const std::string& why) {
  log(LogLevel::warning, "a secret was not rotated", Value::map({{"secret", secret.arn()}, {"reason", why}}));
  try {
    secrets_.note(secret, [&](SecretRecord& s) {
      if (s.rotation.token != secret.rotation.token) return;
      if (s.rotation.tests) drop(s, s.rotation);
      if (s.rotation.tests || s.rotation.attempts >= most_attempts) s.rotation = {};
    });
  } catch (const Error& e) {
    log(LogLevel::error, "a rotation's end was not kept", Value::map({{"reason", e.message()}}));
  }
}

}  // namespace tarn::orchestrate
