// What AWS::S3::Bucket says of a bucket's configurations, in the words of S3's own operations ("AWS::S3::Bucket" in the
// CloudFormation User Guide; the operations in the S3 API Reference).
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "deploy/resources/input_functions.hpp"

namespace tarn::deploy {
namespace {

void copy(const Value& from, std::string_view name, Value& to, std::string_view as = {}) {
  if (const Value* v = from.find(name); v && !v->is_null()) to.set(as.empty() ? name : as, *v);
}

Value number(const Value& v) {
  return v.is_string() ? parse_json(v.as_string().empty() ? "null" : v.as_string()) : v;
}

// Prefix, tags and sizes: one condition stands alone, several in an And.
Value filter_of(const Value& rule) {
  Value conditions = Value::map();
  copy(rule, "Prefix", conditions);
  copy(rule, "AccessPointArn", conditions);
  for (const char* size : {"ObjectSizeGreaterThan", "ObjectSizeLessThan"})
    if (const Value* v = rule.find(size)) conditions.set(size, number(*v));
  const Value* tags = rule.find("TagFilters");
  const std::size_t tag_count = tags && tags->is_list() ? tags->as_list().size() : 0;
  if (conditions.as_map().size() + tag_count > 1) {
    if (tag_count) conditions.set("Tags", *tags);
    return Value::map({{"And", conditions}});
  }
  if (tag_count) return Value::map({{"Tag", tags->as_list().front()}});
  return conditions;
}

void add_filter(const Value& rule, Value& out) {
  if (Value filter = filter_of(rule); !filter.as_map().empty()) out.set("Filter", std::move(filter));
}

Value destination_of(const Value& destination, std::string_view account) {
  Value bucket = Value::map();
  copy(destination, "BucketArn", bucket, "Bucket");
  copy(destination, "BucketAccountId", bucket, account);
  copy(destination, "Format", bucket);
  copy(destination, "Prefix", bucket);
  return Value::map({{"S3BucketDestination", bucket}});
}

Value analytics(const Value& v, const Scope&) {
  Value out = Value::map(), analysis = Value::map();
  copy(v, "Id", out);
  add_filter(v, out);
  if (const Value* data = at_path(v, "StorageClassAnalysis.DataExport")) {
    Value exported = Value::map();
    copy(*data, "OutputSchemaVersion", exported);
    if (const Value* to = data->find("Destination"))
      exported.set("Destination", destination_of(*to, "BucketAccountId"));
    analysis.set("DataExport", std::move(exported));
  }
  return out.set("StorageClassAnalysis", std::move(analysis));
}

Value inventory(const Value& v, const Scope&) {
  Value out = Value::map();
  copy(v, "Id", out);
  copy(v, "Enabled", out, "IsEnabled");
  copy(v, "IncludedObjectVersions", out);
  copy(v, "OptionalFields", out);
  if (const Value* prefix = v.find("Prefix")) out.set("Filter", Value::map({{"Prefix", *prefix}}));
  if (const Value* often = v.find("ScheduleFrequency")) out.set("Schedule", Value::map({{"Frequency", *often}}));
  if (const Value* to = v.find("Destination")) out.set("Destination", destination_of(*to, "AccountId"));
  return out;
}

Value metrics(const Value& v, const Scope&) {
  Value out = Value::map();
  copy(v, "Id", out);
  add_filter(v, out);
  return out;
}

Value tiering(const Value& v, const Scope&) {
  Value out = Value::map();
  copy(v, "Id", out);
  copy(v, "Status", out);
  copy(v, "Tierings", out);
  add_filter(v, out);
  return out;
}

Value storage_class(const Value& v) {
  return v.is_string() && v.as_string() == "Glacier" ? Value("GLACIER") : v;  // its name in the first templates
}

Value transition(const Value& v, std::string_view days) {
  Value out = Value::map();
  copy(v, "TransitionDate", out, "Date");
  copy(v, "TransitionInDays", out, days);
  copy(v, "NewerNoncurrentVersions", out);
  if (const Value* to = v.find("StorageClass")) out.set("StorageClass", storage_class(*to));
  return out;
}

// The old form of one, and the new one of several.
void add_transitions(const Value& rule, Value& out, const std::string& one, std::string_view days) {
  Value all = Value::list();
  if (const Value* old = rule.find(one)) all.push_back(transition(*old, days));
  if (const Value* list = rule.find(one + "s"); list && list->is_list())
    for (const Value& v : list->as_list()) all.push_back(transition(v, days));
  if (!all.as_list().empty()) out.set(one + "s", std::move(all));
}

Value lifecycle_rule(const Value& rule) {
  Value out = Value::map(), expiration = Value::map();
  copy(rule, "Id", out, "ID");
  copy(rule, "Status", out);
  copy(rule, "AbortIncompleteMultipartUpload", out);
  copy(rule, "ExpirationDate", expiration, "Date");
  copy(rule, "ExpirationInDays", expiration, "Days");
  copy(rule, "ExpiredObjectDeleteMarker", expiration);
  if (!expiration.as_map().empty()) out.set("Expiration", std::move(expiration));
  Value filter = filter_of(rule);
  if (filter.as_map().empty()) filter.set("Prefix", "");
  out.set("Filter", std::move(filter));
  add_transitions(rule, out, "Transition", "Days");
  add_transitions(rule, out, "NoncurrentVersionTransition", "NoncurrentDays");
  copy(rule, "NoncurrentVersionExpiration", out);
  if (const Value* days = rule.find("NoncurrentVersionExpirationInDays"))
    out.set("NoncurrentVersionExpiration", Value::map({{"NoncurrentDays", *days}}));
  return out;
}

Value lifecycle(const Value& v, const Scope&) {
  Value rules = Value::list();
  if (const Value* given = v.find("Rules"); given && given->is_list())
    for (const Value& rule : given->as_list()) rules.push_back(lifecycle_rule(rule));
  return Value::map({{"Rules", rules}});
}

Value logging(const Value& v, const Scope& scope) {
  Value out = Value::map({{"TargetBucket", scope.id}, {"TargetPrefix", ""}});  // without a name: the bucket itself
  copy(v, "DestinationBucketName", out, "TargetBucket");
  copy(v, "LogFilePrefix", out, "TargetPrefix");
  copy(v, "TargetObjectKeyFormat", out);
  return out;
}

void add_destinations(const Value& v, std::string_view list, std::string_view target, std::string_view as_list,
                      std::string_view as_target, Value& out) {
  const Value* given = v.find(list);
  if (!given || !given->is_list()) return;
  Value all = Value::list();
  for (const Value& one : given->as_list()) {
    Value to = Value::map();
    copy(one, target, to, as_target);
    if (const Value* event = one.find("Event")) to.set("Events", Value::list({*event}));
    if (const Value* rules = at_path(one, "Filter.S3Key.Rules"))
      to.set("Filter", Value::map({{"Key", Value::map({{"FilterRules", *rules}})}}));
    all.push_back(std::move(to));
  }
  out.set(as_list, std::move(all));
}

Value notification(const Value& v, const Scope&) {
  Value out = Value::map();
  add_destinations(v, "LambdaConfigurations", "Function", "LambdaFunctionConfigurations", "LambdaFunctionArn", out);
  add_destinations(v, "QueueConfigurations", "Queue", "QueueConfigurations", "QueueArn", out);
  add_destinations(v, "TopicConfigurations", "Topic", "TopicConfigurations", "TopicArn", out);
  if (const Value* bus = v.find("EventBridgeConfiguration"); bus && bus->bool_or("EventBridgeEnabled", true))
    out.set("EventBridgeConfiguration", Value::map());
  return out;
}

Value website(const Value& v, const Scope&) {
  Value out = Value::map();
  if (const Value* document = v.find("ErrorDocument")) out.set("ErrorDocument", Value::map({{"Key", *document}}));
  if (const Value* document = v.find("IndexDocument")) out.set("IndexDocument", Value::map({{"Suffix", *document}}));
  copy(v, "RedirectAllRequestsTo", out);
  if (const Value* given = v.find("RoutingRules"); given && given->is_list()) {
    Value rules = Value::list();
    for (const Value& one : given->as_list()) {
      Value rule = Value::map();
      copy(one, "RoutingRuleCondition", rule, "Condition");
      copy(one, "RedirectRule", rule, "Redirect");
      rules.push_back(std::move(rule));
    }
    out.set("RoutingRules", std::move(rules));
  }
  return out;
}

// "PublicRead" → "public-read".
Value canned_acl(const Value& v, const Scope&) {
  if (!v.is_string()) return v;
  std::string out;
  for (const char c : v.as_string()) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty()) out += '-';
    out += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return Value(out);
}

// A canned ACL wants to know at once who owns what is written.
Value ownership(const Value& v, const Scope&) {
  const Value* rules = v.find("Rules");
  if (!rules || !rules->is_list() || rules->as_list().empty()) return {};
  const Value* rule = rules->as_list().front().find("ObjectOwnership");
  return rule ? *rule : Value();
}

// Websites of the first regions have a dash before the region, of later ones a dot.
Value website_host(const Value& region, const Scope&) {
  constexpr std::array<std::string_view, 8> first{"us-east-1",      "us-west-1",      "us-west-2", "ap-southeast-1",
                                                  "ap-southeast-2", "ap-northeast-1", "eu-west-1", "sa-east-1"};
  const std::string& name = region.as_string();
  const bool dash = std::find(first.begin(), first.end(), name) != first.end();
  return Value("s3-website" + std::string(dash ? "-" : ".") + name + ".amazonaws.com");
}

constexpr std::array<std::pair<std::string_view, InputFunction>, 11> functions{{{"bucket_analytics", analytics},
                                                                                {"bucket_inventory", inventory},
                                                                                {"bucket_metrics", metrics},
                                                                                {"bucket_tiering", tiering},
                                                                                {"bucket_lifecycle", lifecycle},
                                                                                {"bucket_logging", logging},
                                                                                {"bucket_notification", notification},
                                                                                {"bucket_website", website},
                                                                                {"bucket_ownership", ownership},
                                                                                {"canned_acl", canned_acl},
                                                                                {"website_host", website_host}}};

}  // namespace

InputFunction find_bucket_function(std::string_view name) {
  for (const auto& [known, function] : functions)
    if (known == name) return function;
  return nullptr;
}

}  // namespace tarn::deploy
