// What S3 takes and refuses as settings of a bucket, and what it tells of them.
#include "gateway/s3/bucket_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.hpp"
#include "base/json.hpp"
#include "gateway/s3/cors_rules.hpp"
#include "gateway/s3/lifecycle_checks.hpp"
#include "gateway/s3/notification_checks.hpp"
#include "gateway/s3/policy_document.hpp"
#include "gateway/s3/replication_checks.hpp"
#include "gateway/s3/s3.hpp"

namespace tarn::gateway::s3 {
namespace {

template <class F>
std::string code_of(F f) {
  try {
    f();
    return "";
  } catch (const Error& error) {
    return error.code();
  }
}

// ---- lifecycle ----

std::string lifecycle_code(const char* rules) {
  return code_of([&] { check_lifecycle_rules(api::from<std::vector<model::LifecycleRule>>(parse_json(rules))); });
}

TEST(LifecycleChecks, GoodRules) {
  for (
      const char* rules :
      {R"([{"Status":"Enabled","Filter":{},"Expiration":{"Days":1}}])",
       R"([{"Status":"Enabled","Prefix":"","Expiration":{"Days":1}}])",
       R"([{"Status":"Enabled","Filter":{"Prefix":"a"},"Transitions":[{"Days":0,"StorageClass":"GLACIER"},{"Days":90,"StorageClass":"DEEP_ARCHIVE"}],"Expiration":{"Days":91}}])",
       R"([{"Status":"Enabled","Filter":{"And":{"Prefix":"a","Tags":[{"Key":"k","Value":"v"}]}},"NoncurrentVersionExpiration":{"NoncurrentDays":1,"NewerNoncurrentVersions":2}}])",
       R"([{"Status":"Disabled","Filter":{"ObjectSizeGreaterThan":500},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}])",
       R"([{"Status":"Enabled","Filter":{},"Expiration":{"ExpiredObjectDeleteMarker":true}}])"})
    EXPECT_EQ(lifecycle_code(rules), "") << rules;
}

TEST(LifecycleChecks, BadRulesWithTheirCodes) {
  const std::pair<const char*, const char*> cases[] = {
      {R"([])", "MalformedXML"},
      {R"([{"Status":"Enabled","Expiration":{"Days":1}}])", "MalformedXML"},
      {R"([{"Status":"Enabled","Filter":{},"Prefix":"a","Expiration":{"Days":1}}])", "MalformedXML"},
      {R"([{"Status":"Enabled","Filter":{"Prefix":"a","ObjectSizeLessThan":5},"Expiration":{"Days":1}}])",
       "MalformedXML"},
      {R"([{"Status":"Enabled","Filter":{"And":{"Prefix":"a"}},"Expiration":{"Days":1}}])", "MalformedXML"},
      {R"([{"Status":"Enabled","Filter":{}}])", "InvalidRequest"},
      {R"([{"Status":"Enabled","Filter":{},"Expiration":{"Days":0}}])", "InvalidArgument"},
      {R"([{"Status":"Enabled","Filter":{},"Expiration":{"Days":1,"ExpiredObjectDeleteMarker":true}}])",
       "MalformedXML"},
      {R"([{"Status":"Enabled","Filter":{},"Expiration":{"Date":1767225601}}])", "InvalidArgument"},
      {R"([{"Status":"Enabled","Filter":{},"Transitions":[{"Days":10,"StorageClass":"STANDARD_IA"}]}])",
       "InvalidArgument"},
      {R"([{"Status":"Enabled","Filter":{},"Transitions":[{"Days":30,"StorageClass":"GLACIER"}],"Expiration":{"Days":30}}])",
       "InvalidArgument"},
      {R"([{"Status":"Enabled","Filter":{},"Transitions":[{"Days":30,"StorageClass":"GLACIER"},{"Days":31,"StorageClass":"GLACIER"}]}])",
       "InvalidRequest"},
      {R"([{"Status":"Enabled","Filter":{},"Transitions":[{"Date":1767225600,"StorageClass":"GLACIER"}],"Expiration":{"Days":30}}])",
       "InvalidRequest"},
      {R"([{"Status":"Enabled","Filter":{"Tag":{"Key":"a","Value":"b"}},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}])",
       "InvalidRequest"},
      {R"([{"Status":"Enabled","Filter":{},"NoncurrentVersionExpiration":{"NoncurrentDays":1,"NewerNoncurrentVersions":101}}])",
       "InvalidArgument"},
      {R"([{"ID":"x","Status":"Enabled","Filter":{},"Expiration":{"Days":1}},{"ID":"x","Status":"Enabled","Filter":{},"Expiration":{"Days":1}}])",
       "InvalidArgument"},
      {R"([{"Status":"Enabled","Filter":{},"Expiration":{"Days":1}},{"Status":"Enabled","Prefix":"a","Expiration":{"Days":1}}])",
       "InvalidRequest"}};
  for (const auto& [rules, code] : cases) EXPECT_EQ(lifecycle_code(rules), code) << rules;
  std::vector<model::LifecycleRule> many(
      1001, api::from<model::LifecycleRule>(parse_json(R"({"Status":"Enabled","Filter":{},"Expiration":{"Days":1}})")));
  EXPECT_EQ(code_of([&] { check_lifecycle_rules(many); }), "MalformedXML");
  many.pop_back();
  EXPECT_EQ(code_of([&] { check_lifecycle_rules(many); }), "");
}

// ---- policies ----

std::string policy_with(const std::string& statement) {
  return R"({"Version":"2012-10-17","Statement":[)" + statement + "]}";
}

TEST(BucketPolicies, WhatIsTakenAndWhatNot) {
  const std::string good =
      R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"})";
  EXPECT_EQ(code_of([&] { check_bucket_policy(policy_with(good), "lake"); }), "");
  for (const char* bad :
       {R"({"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"})",
        R"({"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::lake"})",
        R"({"Effect":"Allow","Principal":{"AWS":"bob"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"})",
        R"({"Effect":"Allow","Principal":{"Service":"x"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"})",
        R"({"Effect":"Allow","Principal":"*","Action":"ec2:RunInstances","Resource":"arn:aws:s3:::lake/*"})",
        R"({"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"})"})
    EXPECT_EQ(code_of([&] { check_bucket_policy(policy_with(bad), "lake"); }), "MalformedPolicy") << bad;
  for (const char* bad : {"", "[]", "{", "{}", " {}"})
    EXPECT_EQ(code_of([&] { check_bucket_policy(bad, "lake"); }), "MalformedPolicy") << bad;
}

TEST(BucketPolicies, Public) {
  const std::string anybody =
      R"("Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*")";
  EXPECT_TRUE(is_public_policy(policy_with("{" + anybody + "}")));
  EXPECT_FALSE(
      is_public_policy(policy_with("{" + anybody + R"(,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/24"}}})")));
  EXPECT_TRUE(
      is_public_policy(policy_with("{" + anybody + R"(,"Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}})")));
  EXPECT_TRUE(
      is_public_policy(policy_with("{" + anybody + R"(,"Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}})")));
  EXPECT_FALSE(
      is_public_policy(policy_with("{" + anybody + R"(,"Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}})")));
  EXPECT_FALSE(is_public_policy(
      policy_with(R"({"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::lake/*"})")));
}

// ---- CORS ----

std::vector<model::CORSRule> cors(const char* json) {
  return api::from<std::vector<model::CORSRule>>(parse_json(json));
}

TEST(Cors, RulesAndAnswers) {
  const auto rules = cors(
      R"([{"AllowedMethods":["GET","PUT"],"AllowedOrigins":["https://*.example.com"],"AllowedHeaders":["x-amz-*"],"ExposeHeaders":["ETag"],"MaxAgeSeconds":60},
                              {"AllowedMethods":["GET"],"AllowedOrigins":["*"]}])");
  EXPECT_NO_THROW(check_cors_rules(rules));
  auto value = [](const std::optional<api::Headers>& headers, const std::string& name) {
    for (const auto& [n, v] : headers.value_or(api::Headers()))
      if (n == name) return v;
    return std::string();
  };
  auto answer = cors_headers(rules, {"https://a.example.com", "PUT", {"X-Amz-Date"}, true});
  EXPECT_EQ(value(answer, "Access-Control-Allow-Origin"), "https://a.example.com");
  EXPECT_EQ(value(answer, "Access-Control-Allow-Headers"), "x-amz-date");
  EXPECT_EQ(value(answer, "Access-Control-Max-Age"), "60");
  EXPECT_FALSE(cors_headers(rules, {"https://a.example.com", "PUT", {"content-type"}, true}));
  EXPECT_EQ(value(cors_headers(rules, {"http://other", "GET", {}, false}), "Access-Control-Allow-Origin"), "*");
  EXPECT_FALSE(cors_headers(rules, {"http://other", "PUT", {}, false}));
  for (const char* bad : {R"([{"AllowedMethods":["PATCH"],"AllowedOrigins":["*"]}])",
                          R"([{"AllowedMethods":["GET"],"AllowedOrigins":["*.*"]}])",
                          R"([{"AllowedMethods":["GET"],"AllowedOrigins":["*"],"ExposeHeaders":["x-*"]}])"})
    EXPECT_EQ(code_of([&] { check_cors_rules(cors(bad)); }), "InvalidRequest") << bad;
}

// ---- notifications, replication ----

TEST(NotificationChecks, OverlapsAndUnknownEvents) {
  auto code = [](const char* json) {
    return code_of([&] { check_notifications(api::from<model::NotificationConfiguration>(parse_json(json))); });
  };
  EXPECT_EQ(
      code(
          R"({"QueueConfigurations":[{"QueueArn":"a","Events":["s3:ObjectCreated:*"],"Filter":{"Key":{"FilterRules":[{"Name":"prefix","Value":"a/"}]}}},
                    {"QueueArn":"b","Events":["s3:ObjectCreated:Put"],"Filter":{"Key":{"FilterRules":[{"Name":"Prefix","Value":"b/"}]}}}]})"),
      "");
  for (
      const char* bad :
      {R"({"QueueConfigurations":[{"QueueArn":"a","Events":["s3:Nothing"]}]})",
       R"({"QueueConfigurations":[{"QueueArn":"a","Events":["s3:ObjectCreated:*"]}],"TopicConfigurations":[{"TopicArn":"b","Events":["s3:ObjectCreated:Put"]}]})",
       R"({"QueueConfigurations":[{"QueueArn":"a","Events":["s3:ObjectCreated:*"],"Filter":{"Key":{"FilterRules":[{"Name":"middle","Value":"a/"}]}}}]})",
       R"({"QueueConfigurations":[{"Id":"x","QueueArn":"a","Events":["s3:ObjectCreated:Put"]},{"Id":"x","QueueArn":"a","Events":["s3:ObjectRemoved:*"]}]})"})
    EXPECT_EQ(code(bad), "InvalidArgument") << bad;
}

TEST(ReplicationChecks, BothForms) {
  auto code = [](const std::string& rules) {
    return code_of([&] {
      check_replication(api::from<model::ReplicationConfiguration>(
          parse_json(R"({"Role":"arn:aws:iam::123456789012:role/r","Rules":[)" + rules + "]}")));
    });
  };
  const std::string to = R"("Destination":{"Bucket":"arn:aws:s3:::copy"})";
  EXPECT_EQ(code(R"({"Status":"Enabled","Prefix":"a",)" + to + "}"), "");
  EXPECT_EQ(code(R"({"Status":"Enabled","Filter":{},"Priority":1,"DeleteMarkerReplication":{"Status":"Enabled"},)" +
                 to + "}"),
            "");
  EXPECT_EQ(code(R"({"Status":"Enabled","Filter":{},"DeleteMarkerReplication":{"Status":"Enabled"},)" + to + "}"),
            "InvalidRequest");
  EXPECT_EQ(code(R"({"Status":"Enabled","Prefix":"a",)" + to + R"(},{"Status":"Enabled","Prefix":"ab",)" + to + "}"),
            "InvalidRequest");
  EXPECT_EQ(code(R"({"Status":"Enabled","Prefix":"a","Destination":{"Bucket":"copy"}})"), "InvalidArgument");
}

// ---- over a store ----

class BucketSettings : public testing::Test {
 protected:
  BucketSettings() {
    path = std::filesystem::temp_directory_path() / ("tarn-bucket-settings-test-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
    store = store::open_local(path / "store", clock, random, store::Durability::none);
    register_s3(operations, *store, authority, random);
    call("CreateBucket", "{}");
  }
  ~BucketSettings() override {
    store.reset();
    std::filesystem::remove_all(path);
  }

  Value call(const std::string& operation, const std::string& json) {
    api::Context context;
    context.principal.account = "000000000000";
    context.principal.arn = "arn:aws:iam::000000000000:root";
    context.region = "us-east-1";
    context.now = clock.now();
    return operations.call(context, "s3:" + operation, parse_json(json).set("Bucket", bucket));
  }
  std::string error(const std::string& operation, const std::string& json = "{}") {
    return code_of([&] { call(operation, json); });
  }

  std::filesystem::path path;
  ManualClock clock{*parse_iso8601("2026-01-01T00:00:00Z")};
  SeededRandom random{1};
  std::unique_ptr<store::Store> store;
  govern::Authority authority;
  api::Operations operations;
  std::string bucket = "lake";
};

TEST_F(BucketSettings, UnsetPutReadRemoved) {
  const std::tuple<const char*, const char*, const char*, const char*, const char*> all[] = {
      {"GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", "PutBucketLifecycleConfiguration",
       R"({"LifecycleConfiguration":{"Rules":[{"ID":"a","Status":"Enabled","Filter":{"Prefix":""},"Expiration":{"Days":3}}]}})",
       "DeleteBucketLifecycle"},
      {"GetBucketCors", "NoSuchCORSConfiguration", "PutBucketCors",
       R"({"CORSConfiguration":{"CORSRules":[{"AllowedMethods":["GET"],"AllowedOrigins":["*"]}]}})",
       "DeleteBucketCors"},
      {"GetBucketWebsite", "NoSuchWebsiteConfiguration", "PutBucketWebsite",
       R"({"WebsiteConfiguration":{"IndexDocument":{"Suffix":"index.html"}}})", "DeleteBucketWebsite"},
      {"GetBucketPolicy", "NoSuchBucketPolicy", "PutBucketPolicy",
       R"({"Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::lake/*\"}]}"})",
       "DeleteBucketPolicy"}};
  for (const auto& [get, unset, put, input, remove] : all) {
    EXPECT_EQ(error(get), unset);
    EXPECT_EQ(error(put, input), "") << put;
    EXPECT_EQ(error(get), "") << get;
    EXPECT_EQ(error(remove), "");
    EXPECT_EQ(error(get), unset);
    EXPECT_EQ(error(remove), "");
  }
  call("PutBucketLifecycleConfiguration",
       R"({"LifecycleConfiguration":{"Rules":[{"Status":"Enabled","Filter":{},"Expiration":{"Days":3}}]}})");
  const Value read = call("GetBucketLifecycleConfiguration", "{}");
  EXPECT_FALSE(read.at("Rules").as_list()[0].string_or("ID").empty());
  EXPECT_EQ(read.string_or("TransitionDefaultMinimumObjectSize"), "all_storage_classes_128K");
}

TEST_F(BucketSettings, PublicPoliciesAreBlockedUntilTheBlockIsTakenAway) {
  const std::string anybody =
      R"({"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::lake/*\"}]}"})";
  EXPECT_EQ(error("PutBucketPolicy", anybody), "AccessDenied");
  call("DeletePublicAccessBlock", "{}");
  EXPECT_EQ(error("PutBucketPolicy", anybody), "");
  EXPECT_EQ(call("GetBucketPolicyStatus", "{}").at("PolicyStatus").at("IsPublic"), Value(true));
}

TEST_F(BucketSettings, AclsNeedTheirOwnership) {
  EXPECT_EQ(error("PutBucketAcl", R"({"ACL":"private"})"), "AccessControlListNotSupported");
  call("PutBucketOwnershipControls", R"({"OwnershipControls":{"Rules":[{"ObjectOwnership":"BucketOwnerPreferred"}]}})");
  EXPECT_EQ(error("PutBucketAcl", R"({"ACL":"public-read"})"), "AccessDenied");
  EXPECT_EQ(error("PutBucketAcl", R"({"ACL":"log-delivery-write"})"), "");
  EXPECT_EQ(call("GetBucketAcl", "{}").at("Grants").as_list().size(), 3u);
  EXPECT_EQ(error("PutBucketAcl", R"({"ACL":"private","GrantRead":"id=\"x\""})"), "InvalidArgument");
  EXPECT_EQ(error("PutBucketAcl", R"({"GrantRead":"emailAddress=\"a@b\""})"), "UnresolvableGrantByEmailAddress");
  EXPECT_EQ(error("PutBucketAcl"), "MissingSecurityHeader");
  EXPECT_EQ(error("PutBucketOwnershipControls",
                  R"({"OwnershipControls":{"Rules":[{"ObjectOwnership":"BucketOwnerEnforced"}]}})"),
            "InvalidBucketAclWithObjectOwnership");
  call("PutBucketAcl", R"({"ACL":"private"})");
  EXPECT_EQ(error("PutBucketOwnershipControls",
                  R"({"OwnershipControls":{"Rules":[{"ObjectOwnership":"BucketOwnerEnforced"}]}})"),
            "");
  call("DeleteBucketOwnershipControls", "{}");
  EXPECT_EQ(error("GetBucketOwnershipControls"), "OwnershipControlsNotFoundError");
}

TEST_F(BucketSettings, ConfigurationsWithIdsArePaged) {
  for (int i = 0; i < 101; i++) {
    const std::string id = "m" + std::to_string(1000 + i);
    call("PutBucketMetricsConfiguration", R"({"Id":")" + id + R"(","MetricsConfiguration":{"Id":")" + id + R"("}})");
  }
  const Value first = call("ListBucketMetricsConfigurations", "{}");
  EXPECT_EQ(first.at("MetricsConfigurationList").as_list().size(), 100u);
  const Value next = call("ListBucketMetricsConfigurations",
                          R"({"ContinuationToken":")" + first.string_or("NextContinuationToken") + "\"}");
  EXPECT_EQ(next.at("MetricsConfigurationList").as_list().size(), 1u);
  EXPECT_EQ(error("GetBucketMetricsConfiguration", R"({"Id":"none"})"), "NoSuchConfiguration");
  EXPECT_EQ(error("PutBucketMetricsConfiguration", R"({"Id":"a","MetricsConfiguration":{"Id":"b"}})"),
            "InvalidArgument");
  EXPECT_EQ(error("DeleteBucketMetricsConfiguration", R"({"Id":"m1000"})"), "");
  EXPECT_EQ(error("DeleteBucketMetricsConfiguration", R"({"Id":"m1000"})"), "NoSuchConfiguration");
}

TEST_F(BucketSettings, NotificationsNeedTheirDestination) {
  EXPECT_EQ(
      error(
          "PutBucketNotificationConfiguration",
          R"({"NotificationConfiguration":{"QueueConfigurations":[{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:q","Events":["s3:ObjectCreated:*"]}]}})"),
      "InvalidArgument");
  EXPECT_EQ(
      error("PutBucketNotificationConfiguration", R"({"NotificationConfiguration":{"EventBridgeConfiguration":{}}})"),
      "");
  EXPECT_NE(call("GetBucketNotificationConfiguration", "{}").find("EventBridgeConfiguration"), nullptr);
  EXPECT_EQ(error("PutBucketNotificationConfiguration", R"({"NotificationConfiguration":{}})"), "");
  EXPECT_EQ(call("GetBucketNotificationConfiguration", "{}").find("EventBridgeConfiguration"), nullptr);
}

TEST_F(BucketSettings, LoggingNeedsATarget) {
  EXPECT_EQ(error("PutBucketLogging",
                  R"({"BucketLoggingStatus":{"LoggingEnabled":{"TargetBucket":"absent","TargetPrefix":""}}})"),
            "InvalidTargetBucketForLogging");
  EXPECT_EQ(error("PutBucketLogging",
                  R"({"BucketLoggingStatus":{"LoggingEnabled":{"TargetBucket":"lake","TargetPrefix":"log/"}}})"),
            "");
  EXPECT_EQ(call("GetBucketLogging", "{}").at("LoggingEnabled").string_or("TargetPrefix"), "log/");
  EXPECT_EQ(
      error(
          "PutBucketReplication",
          R"({"ReplicationConfiguration":{"Role":"arn:aws:iam::123456789012:role/r","Rules":[{"Status":"Enabled","Prefix":"","Destination":{"Bucket":"arn:aws:s3:::lake"}}]}})"),
      "InvalidRequest");
}

}  // namespace
}  // namespace tarn::gateway::s3
