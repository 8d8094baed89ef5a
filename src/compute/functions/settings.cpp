// Concurrency, settings of asynchronous invocation, permissions.
#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/limits.hpp"
#include "compute/functions/records.hpp"
#include "compute/functions/rules.hpp"

namespace tarn::compute {
namespace {

int64_t reserved_by_others(meta::Reader& reader, const FunctionName& name) {
  int64_t sum = 0;
  for (const meta::Record& r : reader.list(function_kind, meta::prefix({name.account, name.region})))
    if (r.key != function_key(name)) sum += r.value.int_or("Reserved");
  return sum;
}

// What settings of asynchronous invocation stand under.
std::string event_qualifier(const FunctionName& name) {
  return name.qualifier.empty() ? std::string(latest_version) : name.qualifier;
}

// "s3.amazonaws.com", an account, an ARN or everybody.
Value principal_of(const std::string& text) {
  if (text == "*") return text;
  if (text.size() == 12 && is_version_number(text)) return Value::map({{"AWS", "arn:aws:iam::" + text + ":root"}});
  if (text.starts_with("arn:aws:iam::") || text.starts_with("arn:aws:sts::")) return Value::map({{"AWS", text}});
  if (text.ends_with(".amazonaws.com") || text.ends_with(".amazon.com") || text.ends_with(".internal"))
    return Value::map({{"Service", text}});
  invalid_parameter("The provided principal was invalid. Please check the principal and try again.");
}

Value statement_of(const FunctionName& name, const lambda::AddPermissionRequest& in) {
  Value out = Value::map({{"Sid", in.statement_id},
                          {"Effect", "Allow"},
                          {"Principal", principal_of(in.principal)},
                          {"Action", in.action},
                          {"Resource", name.qualified_arn()}});
  Value equals = Value::map(), condition = Value::map();
  if (in.source_account) equals.set("AWS:SourceAccount", *in.source_account);
  if (in.event_source_token) equals.set("lambda:EventSourceToken", *in.event_source_token);
  if (in.principal_org_id) equals.set("aws:PrincipalOrgID", *in.principal_org_id);
  if (!equals.as_map().empty()) condition.set("StringEquals", equals);
  if (in.source_arn) condition.set("ArnLike", Value::map({{"AWS:SourceArn", *in.source_arn}}));
  if (!condition.as_map().empty()) out.set("Condition", condition);
  return out;
}

// "*" and "?" as IAM has them.
bool is_like(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = pattern.npos, star_at = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_at = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++star_at;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool allows(const Value& statement, std::string_view service, std::string_view source_arn,
            std::string_view source_account) {
  const Value& principal = statement.at("Principal");
  const bool everybody = principal.is_string() && principal.as_string() == "*";
  if (!everybody && principal.string_or("Service") != service) return false;
  const std::string action = statement.string_or("Action");
  if (action != "lambda:InvokeFunction" && action != "lambda:*" && action != "*") return false;
  const Value* condition = statement.find("Condition");
  if (!condition) return true;
  if (const Value* equals = condition->find("StringEquals"))
    for (const auto& [key, wanted] : equals->as_map())
      if (key != "AWS:SourceAccount" || wanted.as_string() != source_account) return false;
  if (const Value* like = condition->find("ArnLike"))
    if (!is_like(source_arn, like->string_or("AWS:SourceArn"))) return false;
  return true;
}

std::string policy_text(const Value& statements) {
  return to_json(Value::map({{"Version", "2012-10-17"}, {"Id", "default"}, {"Statement", statements}}));
}

}  // namespace

// ---- concurrency ----

void Functions::set_reserved_concurrency(const Scope& scope, const FunctionName& name,
                                         std::optional<int64_t> reserved) {
  change(scope, name, [&](meta::Transaction& t, FunctionRecord& record) {
    if (reserved && limits::max_concurrent_executions - reserved_by_others(t, name) - *reserved <
                        limits::min_unreserved_concurrency)
      invalid_parameter(
          "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
          "its minimum value of [" +
          std::to_string(limits::min_unreserved_concurrency) + "].");
    record.reserved_concurrency = reserved;
  });
}

int64_t Functions::unreserved_concurrency(const Scope& scope) const {
  int64_t reserved = 0;
  for (const meta::Record& r : platform_.metadata.list(function_kind, meta::prefix({scope.account, scope.region})))
    reserved += r.value.int_or("Reserved");
  return limits::max_concurrent_executions - reserved;
}

// ---- asynchronous invocation ----

// That what the qualifier names is there.
void Functions::need_qualified(const FunctionName& name) const {
  runnable(name);
}

lambda::FunctionEventInvokeConfig Functions::put_event_config(const Scope& scope, const FunctionName& name,
                                                              const lambda::PutFunctionEventInvokeConfigRequest& in,
                                                              bool keep) {
  need_qualified(name);
  if (in.destination_config) check_event_invoke_destinations(*in.destination_config);
  const std::string key = qualified_key(name, event_qualifier(name));
  lambda::FunctionEventInvokeConfig out;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    auto present = t.get(event_invoke_kind, key);
    if (keep && !present)
      resource_missing("The function " + name.arn() + ":" + event_qualifier(name) +
                       " doesn't have an EventInvokeConfig");
    if (keep) out = api::from<lambda::FunctionEventInvokeConfig>(*present);
    out.function_arn = name.arn() + ":" + event_qualifier(name);
    out.last_modified = platform_.clock.now();
    if (in.maximum_retry_attempts) out.maximum_retry_attempts = in.maximum_retry_attempts;
    if (in.maximum_event_age_in_seconds) out.maximum_event_age_in_seconds = in.maximum_event_age_in_seconds;
    if (in.destination_config) out.destination_config = in.destination_config;
    if (!out.destination_config) out.destination_config.emplace();
    if (!out.destination_config->on_success) out.destination_config->on_success.emplace();
    if (!out.destination_config->on_failure) out.destination_config->on_failure.emplace();
    t.put(event_invoke_kind, key, lambda::to_value(out));
  });
  return out;
}

std::optional<lambda::FunctionEventInvokeConfig> Functions::find_event_config(const FunctionName& name) const {
  auto found = platform_.metadata.get(event_invoke_kind, qualified_key(name, event_qualifier(name)));
  if (!found) return std::nullopt;
  return api::from<lambda::FunctionEventInvokeConfig>(*found);
}

lambda::FunctionEventInvokeConfig Functions::event_config(const FunctionName& name) const {
  need_qualified(name);
  auto found = find_event_config(name);
  if (!found)
    resource_missing("The function " + name.arn() + ":" + event_qualifier(name) + " doesn't have an EventInvokeConfig");
  return *found;
}

void Functions::remove_event_config(const Scope& scope, const FunctionName& name) {
  event_config(name);
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    t.erase(event_invoke_kind, qualified_key(name, event_qualifier(name)));
  });
}

MarkedPage<lambda::FunctionEventInvokeConfig> Functions::event_configs(const FunctionName& name,
                                                                       const MarkedPageRequest& page) const {
  record(name);
  return marked_page<lambda::FunctionEventInvokeConfig>(
      platform_.metadata, event_invoke_kind, function_prefix(name), page,
      [](const meta::Record& r) { return std::optional(api::from<lambda::FunctionEventInvokeConfig>(r.value)); });
}

// ---- permissions ----

std::string Functions::add_permission(const Scope& scope, const FunctionName& name,
                                      const lambda::AddPermissionRequest& in) {
  if (in.function_url_auth_type || in.invoked_via_function_url.value_or(false))
    not_implemented("AddPermission for function URLs: tarn has none.");
  if (name.qualifier == latest_version) invalid_parameter("We currently do not support adding policies for $LATEST.");
  need_qualified(name);
  const Value statement = statement_of(name, in);
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    const std::string key = qualified_key(name, name.qualifier);
    Value policy = t.get(policy_kind, key).value_or(Value::map({{"Statements", Value::list()}}));
    if (policy.find("RevisionId")) check_revision(in.revision_id, policy.string_or("RevisionId"));
    for (const Value& s : policy.at("Statements").as_list())
      if (s.string_or("Sid") == in.statement_id)
        resource_conflict("The statement id (" + in.statement_id +
                          ") provided already exists. Please provide a new statement id, or remove the existing "
                          "statement.");
    policy["Statements"].push_back(statement);
    if (policy_text(policy.at("Statements")).size() > limits::max_function_policy_size_bytes)
      throw Error(ErrorKind::limit, "PolicyLengthExceededException",
                  "The final policy size is bigger than the limit (20480).")
          .with("Type", "User");
    policy.set("RevisionId", platform_.random.uuid());
    t.put(policy_kind, key, policy);
  });
  return to_json(statement);
}

void Functions::remove_permission(const Scope& scope, const FunctionName& name, const std::string& statement_id,
                                  const std::optional<std::string>& revision_id) {
  need_qualified(name);
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    const std::string key = qualified_key(name, name.qualifier);
    auto policy = t.get(policy_kind, key);
    if (!policy) resource_missing("No policy is associated with the given resource.");
    check_revision(revision_id, policy->string_or("RevisionId"));
    ValueList& statements = policy->find("Statements")->as_list();
    const auto removed = std::erase_if(statements, [&](const Value& s) { return s.string_or("Sid") == statement_id; });
    if (removed == 0) resource_missing("Statement " + statement_id + " is not found in resource policy.");
    policy->set("RevisionId", platform_.random.uuid());
    if (policy->at("Statements").as_list().empty())
      t.erase(policy_kind, key);
    else
      t.put(policy_kind, key, *policy);
  });
}

lambda::GetPolicyResponse Functions::policy(const FunctionName& name) const {
  need_qualified(name);
  auto policy = platform_.metadata.get(policy_kind, qualified_key(name, name.qualifier));
  if (!policy) resource_missing("The resource you requested does not exist.");
  return {policy_text(policy->at("Statements")), policy->string_or("RevisionId")};
}

bool Functions::lets_invoke(const FunctionName& name, std::string_view service, std::string_view source_arn,
                            std::string_view source_account) const {
  auto policy = platform_.metadata.get(policy_kind, qualified_key(name, name.qualifier));
  if (!policy) return false;
  const ValueList& statements = policy->at("Statements").as_list();
  return std::any_of(statements.begin(), statements.end(),
                     [&](const Value& s) { return allows(s, service, source_arn, source_account); });
}

}  // namespace tarn::compute
