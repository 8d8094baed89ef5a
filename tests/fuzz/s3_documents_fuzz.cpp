// Lifecycle, replication and CORS configurations, as XML of S3's model, and bucket policies: refused by an Error or
// taken for good, and then usable.
#include <cstdint>
#include <string_view>

#include "api/model.hpp"
#include "api/wire/xml_form.hpp"
#include "base/error.hpp"
#include "gateway/s3/cors_rules.hpp"
#include "gateway/s3/lifecycle_checks.hpp"
#include "gateway/s3/policy_document.hpp"
#include "gateway/s3/replication_checks.hpp"
#include "store/lifecycle_rules.hpp"

namespace {

using namespace tarn;

const api::Shape& input_member(const char* operation, const char* name) {
  const api::Operation* found = api::find_operation(*api::find_service("s3"), operation);
  for (const api::Member& member : found->input->members)
    if (member.name == name) return *member.shape;
  std::abort();
}

void lifecycle(std::string_view text) {
  static const api::Shape& shape = input_member("PutBucketLifecycleConfiguration", "LifecycleConfiguration");
  const Value setting = api::parse_xml(shape, text).value;
  gateway::s3::check_lifecycle_rules(api::from<api::s3::BucketLifecycleConfiguration>(setting).rules);
  const store::LifecycleRules rules(setting);
  store::LifecycleSubject subject;
  subject.key = "a/b";
  rules.decide(subject, Time(std::chrono::hours(24 * 365 * 60)));
  rules.expiration(subject);
  rules.abort_of_upload("a/b", Time());
}

void replication(std::string_view text) {
  static const api::Shape& shape = input_member("PutBucketReplication", "ReplicationConfiguration");
  gateway::s3::check_replication(api::from<api::s3::ReplicationConfiguration>(api::parse_xml(shape, text).value));
}

void cors(std::string_view text) {
  static const api::Shape& shape = input_member("PutBucketCors", "CORSConfiguration");
  const auto rules = api::from<api::s3::CORSConfiguration>(api::parse_xml(shape, text).value).cors_rules;
  gateway::s3::check_cors_rules(rules);
  gateway::s3::cors_headers(rules, {"https://a.example.com", "GET", {"x"}, true});
}

void policy(std::string_view text) {
  gateway::s3::check_bucket_policy(text, "lake");
  gateway::s3::is_public_policy(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (auto read : {lifecycle, replication, cors, policy}) {
    try {
      read(text);
    } catch (const Error&) {
    }
  }
  return 0;
}
