#include "gateway/s3/replication_checks.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "base/error.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "gateway/s3/tags.hpp"

namespace tarn::gateway::s3 {
namespace {

using Rule = model::ReplicationRule;
constexpr std::size_t max_rules = 1000;

bool is_role(std::string_view arn) {
  if (!arn.starts_with("arn:aws:iam::")) return false;
  arn.remove_prefix(13);
  return arn.size() > 18 && std::all_of(arn.begin(), arn.begin() + 12, [](char c) { return c >= '0' && c <= '9'; }) &&
         arn.substr(12).starts_with(":role/");
}

void check_filter(const Rule& rule) {
  const auto& f = *rule.filter;
  if ((f.prefix ? 1 : 0) + (f.tag ? 1 : 0) + (f.and_ ? 1 : 0) > 1) throw malformed_xml();
  bool by_tag = f.tag.has_value();
  if (f.tag) checked_tags({*f.tag}, max_object_tags);
  if (f.and_) {
    if ((f.and_->prefix ? 1 : 0) + (f.and_->tags ? f.and_->tags->size() : 0) < 2) throw malformed_xml();
    by_tag = f.and_->tags && !f.and_->tags->empty();
    if (f.and_->tags) checked_tags(*f.and_->tags, max_object_tags);
  }
  if (!rule.priority)
    throw invalid_request(
        "Priority must be specified for this version of Cross Region Replication configuration schema. Please refer to "
        "S3 Developer Guide for more information.");
  if (!rule.delete_marker_replication)
    throw invalid_request(
        "DeleteMarkerReplication must be specified for this version of Cross Region Replication configuration schema. "
        "Please refer to S3 Developer Guide for more information.");
  if (by_tag && rule.delete_marker_replication->status == "Enabled")
    throw invalid_request(
        "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide "
        "for more information.");
}

void check_destination(const Rule& rule) {
  const auto& to = rule.destination;
  if (!bucket_of_arn(to.bucket)) throw invalid_argument("Invalid bucket ARN");
  if (to.access_control_translation && !to.account)
    throw invalid_request("Account must be specified with AccessControlTranslation in replication configuration.");
  const bool kms = rule.source_selection_criteria && rule.source_selection_criteria->sse_kms_encrypted_objects &&
                   rule.source_selection_criteria->sse_kms_encrypted_objects->status == "Enabled";
  if (kms != (to.encryption_configuration && to.encryption_configuration->replica_kms_key_id))
    throw invalid_request(kms ? "EncryptionConfiguration must be specified if SseKmsEncryptedObjects tag is present."
                              : "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.");
  if (to.replication_time) {
    if (!to.replication_time->time.minutes || *to.replication_time->time.minutes != 15)
      throw invalid_request("Invalid ReplicationTime: only 15 minutes are supported.");
    if (to.replication_time->status == "Enabled" && !to.metrics)
      throw invalid_request("Metrics must be enabled with ReplicationTime.");
  }
  if (to.storage_class &&
      (*to.storage_class == "OUTPOSTS" || *to.storage_class == "SNOW" || *to.storage_class == "EXPRESS_ONEZONE"))
    throw malformed_xml();
}

bool overlap(const std::string& a, const std::string& b) {
  return a.starts_with(b) || b.starts_with(a);
}

}  // namespace

void check_replication(const model::ReplicationConfiguration& c) {
  if (!is_role(c.role)) throw invalid_argument("Invalid Role specified in replication configuration");
  if (c.rules.empty() || c.rules.size() > max_rules) throw malformed_xml();
  std::set<std::string_view> ids;
  std::set<int64_t> priorities;
  const bool new_form = c.rules[0].filter.has_value();
  for (const Rule& rule : c.rules) {
    if (rule.id && rule.id->size() > 255) throw invalid_argument("ID length should not exceed allowed limit of 255");
    if (rule.id && !rule.id->empty() && !ids.insert(*rule.id).second)
      throw invalid_argument("Rule Id must be unique. Found same Id for more than one rule");
    if (rule.filter.has_value() != new_form)
      throw invalid_request("Cannot mix different versions of Cross Region Replication configuration schema.");
    if (rule.filter && rule.prefix) throw malformed_xml();
    if (!rule.filter && !rule.prefix) throw malformed_xml();
    if (rule.priority && (*rule.priority < 0 || *rule.priority > INT32_MAX)) throw malformed_xml();
    if (rule.filter) {
      check_filter(rule);
      if (!priorities.insert(*rule.priority).second)
        throw invalid_request("Found duplicate priority " + std::to_string(*rule.priority) +
                              ". Priority must be unique for all rules.");
    } else if (rule.delete_marker_replication || rule.priority) {
      throw malformed_xml();
    }
    check_destination(rule);
  }
  if (new_form) return;
  for (std::size_t i = 0; i < c.rules.size(); i++) {
    if (c.rules[i].destination.bucket != c.rules[0].destination.bucket)
      throw invalid_request("The destination bucket must be same for all rules");
    for (std::size_t j = 0; j < i; j++)
      if (overlap(*c.rules[i].prefix, *c.rules[j].prefix))
        throw invalid_request("Found overlapping prefixes '" + *c.rules[j].prefix + "' and '" + *c.rules[i].prefix +
                              "'");
  }
}

}  // namespace tarn::gateway::s3
