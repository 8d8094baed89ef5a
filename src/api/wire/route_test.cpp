#include "api/wire/route.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tarn::api {
namespace {

std::string credential(std::string_view service) {
  return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/" + std::string(service) +
         "/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
}

WireRequest request(std::string method, std::string target, std::string_view signed_for = {}) {
  WireRequest out;
  std::size_t question = target.find('?');
  out.method = std::move(method);
  out.path = target.substr(0, question);
  if (question != std::string::npos) out.query = target.substr(question + 1);
  out.headers.emplace_back("Host", "127.0.0.1:4566");
  if (!signed_for.empty()) out.headers.emplace_back("Authorization", credential(signed_for));
  return out;
}

// "service:Operation", "service:refused Code" or "nothing".
std::string named(const std::optional<Route>& route) {
  if (!route) return "nothing";
  std::string out = std::string(route->service->name) + ":";
  return route->operation ? out + std::string(route->operation->name) : out + "refused " + route->refusal->code();
}
std::string named(const WireRequest& request, const RouteHints& hints = {}) {
  return named(route(request, hints));
}
std::string s3(std::string method, std::string target, Headers headers = {}) {
  WireRequest r = request(std::move(method), std::move(target), "s3");
  r.headers.insert(r.headers.end(), headers.begin(), headers.end());
  return named(r);
}

TEST(Route, S3ObjectsAndSubresources) {
  EXPECT_EQ(s3("GET", "/"), "s3:ListBuckets");
  EXPECT_EQ(s3("GET", "/b"), "s3:ListObjects");
  EXPECT_EQ(s3("GET", "/b/"), "s3:ListObjects");
  EXPECT_EQ(s3("GET", "/b?list-type=2&prefix=a"), "s3:ListObjectsV2");
  EXPECT_EQ(s3("GET", "/b?prefix=a&list-type=2"), "s3:ListObjectsV2");
  EXPECT_EQ(s3("GET", "/b?versions"), "s3:ListObjectVersions");
  EXPECT_EQ(s3("GET", "/b?uploads="), "s3:ListMultipartUploads");
  EXPECT_EQ(s3("GET", "/b?location"), "s3:GetBucketLocation");
  EXPECT_EQ(s3("HEAD", "/b"), "s3:HeadBucket");
  EXPECT_EQ(s3("PUT", "/b"), "s3:CreateBucket");
  EXPECT_EQ(s3("DELETE", "/b"), "s3:DeleteBucket");
  EXPECT_EQ(s3("POST", "/b?delete"), "s3:DeleteObjects");
  EXPECT_EQ(s3("GET", "/b/k"), "s3:GetObject");
  EXPECT_EQ(s3("GET", "/b/k?x-id=GetObject"), "s3:GetObject");
  EXPECT_EQ(s3("GET", "/b/k?versionId=1&partNumber=2"), "s3:GetObject");
  EXPECT_EQ(s3("HEAD", "/b/a/b/c"), "s3:HeadObject");
  EXPECT_EQ(s3("PUT", "/b/k"), "s3:PutObject");
  EXPECT_EQ(s3("PUT", "/b/k", {{"x-amz-copy-source", "/b/other"}}), "s3:CopyObject");
  EXPECT_EQ(s3("PUT", "/b/k?partNumber=1&uploadId=u"), "s3:UploadPart");
  EXPECT_EQ(s3("PUT", "/b/k?partNumber=1&uploadId=u", {{"X-Amz-Copy-Source", "/b/other"}}), "s3:UploadPartCopy");
  EXPECT_EQ(s3("POST", "/b/k?uploads"), "s3:CreateMultipartUpload");
  EXPECT_EQ(s3("POST", "/b/k?uploadId=u"), "s3:CompleteMultipartUpload");
  EXPECT_EQ(s3("DELETE", "/b/k?uploadId=u"), "s3:AbortMultipartUpload");
  EXPECT_EQ(s3("GET", "/b/k?uploadId=u"), "s3:ListParts");
  EXPECT_EQ(s3("DELETE", "/b/k"), "s3:DeleteObject");
  EXPECT_EQ(s3("GET", "/b/k?tagging"), "s3:GetObjectTagging");
  EXPECT_EQ(s3("GET", "/b/k?attributes", {{"x-amz-object-attributes", "ETag"}}), "s3:GetObjectAttributes");
  EXPECT_EQ(s3("POST", "/b/k?select&select-type=2"), "s3:SelectObjectContent");
}

TEST(Route, S3TellsOperationsOfOneSubresourceApart) {
  EXPECT_EQ(s3("GET", "/b?lifecycle"), "s3:GetBucketLifecycleConfiguration");
  EXPECT_EQ(s3("PUT", "/b?lifecycle"), "s3:PutBucketLifecycleConfiguration");
  EXPECT_EQ(s3("GET", "/b?notification"), "s3:GetBucketNotificationConfiguration");
  EXPECT_EQ(s3("GET", "/b?analytics"), "s3:ListBucketAnalyticsConfigurations");
  EXPECT_EQ(s3("GET", "/b?analytics&id=1"), "s3:GetBucketAnalyticsConfiguration");
}

// A subresource that the method does not have must never fall through to the object or bucket itself.
TEST(Route, S3RefusesSubresourcesThatAMethodLacks) {
  for (const char* target : {"/b?acl", "/b?logging", "/b?versions", "/b?uploads"})
    EXPECT_EQ(s3("DELETE", target), "s3:refused MethodNotAllowed") << target;
  EXPECT_EQ(s3("DELETE", "/b/k?acl"), "s3:refused MethodNotAllowed");
  EXPECT_EQ(s3("PUT", "/b/k?uploadId=u"), "s3:UploadPart");  // validation tells that partNumber is missing
  EXPECT_EQ(s3("PUT", "/b/k?uploads"), "s3:refused MethodNotAllowed");
  EXPECT_EQ(s3("POST", "/b/k"), "s3:refused MethodNotAllowed");
  EXPECT_EQ(s3("POST", "/b"), "s3:refused MethodNotAllowed");
  EXPECT_EQ(s3("PATCH", "/b/k"), "s3:refused MethodNotAllowed");
}

TEST(Route, S3LabelsAreDecoded) {
  auto found = route(request("GET", "/my-bucket/a%20b/c+d/%C3%A9//x/", "s3"));
  ASSERT_TRUE(found && found->operation);
  EXPECT_EQ(*found->label("Bucket"), "my-bucket");
  EXPECT_EQ(*found->label("Key"), "a b/c+d/é//x/");
  EXPECT_EQ(found->label("Nothing"), nullptr);
  EXPECT_EQ(*route(request("GET", "/b//", "s3"))->label("Key"), "/");
}

TEST(Route, VirtualHostedBuckets) {
  WireRequest r = request("GET", "/folder/key", "s3");
  set_header(r.headers, "host", "logs.s3.eu-west-1.amazonaws.com");
  auto found = route(r);
  EXPECT_EQ(named(found), "s3:GetObject");
  EXPECT_EQ(*found->label("Bucket"), "logs");
  EXPECT_EQ(*found->label("Key"), "folder/key");
  r.path = "/";
  EXPECT_EQ(named(r), "s3:ListObjects");
  set_header(r.headers, "host", "a.b.localhost:4566");
  std::vector<std::string> names = {"localhost"};
  found = route(r, {.endpoint_names = names});
  EXPECT_EQ(named(found), "s3:ListObjects");
  EXPECT_EQ(*found->label("Bucket"), "a.b");
  set_header(r.headers, "host", "s3.localhost:4566");
  EXPECT_EQ(named(r, {.endpoint_names = names}), "s3:ListBuckets");
  EXPECT_EQ(virtual_bucket("s3.eu-west-1.amazonaws.com", {}), "");
  EXPECT_EQ(virtual_bucket("my.s3-bucket.s3.amazonaws.com", {}), "my");
  EXPECT_EQ(virtual_bucket("123456789012.s3-control.eu-west-1.amazonaws.com", {}), "");
  EXPECT_EQ(virtual_bucket("127.0.0.1", {}), "");
}

TEST(Route, PresignedUrls) {
  EXPECT_EQ(
      named(request(
          "GET",
          "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Feu-west-1%2Fs3%2Faws4_request")),
      "s3:GetObject");
  EXPECT_EQ(
      named(request("PUT", "/b/k?X-Amz-Credential=AKID/20260101/eu-west-1/s3/aws4_request&partNumber=1&uploadId=u")),
      "s3:UploadPart");
  EXPECT_EQ(named(request("GET", "/b/k?AWSAccessKeyId=A&Signature=s&Expires=1")), "s3:GetObject");
}

TEST(Route, SigningName) {
  EXPECT_EQ(signing_name(request("GET", "/", "glue")), "glue");
  EXPECT_EQ(signing_name(request("GET", "/")), "");
  WireRequest r = request("GET", "/");
  r.headers.emplace_back("authorization", "AWS4-ECDSA-P256-SHA256 Credential=A/20260101/s3/aws4_request, Signature=0");
  EXPECT_EQ(signing_name(r), "s3");
  set_header(r.headers, "authorization", "AWS AKID:signature");
  EXPECT_EQ(signing_name(r), "s3");
  set_header(r.headers, "authorization", "Credential=");
  EXPECT_EQ(signing_name(r), "");
  set_header(r.headers, "authorization", "Bearer token");
  EXPECT_EQ(signing_name(r), "");
}

TEST(Route, S3ControlSharesItsSigningName) {
  EXPECT_EQ(s3("GET", "/v20180820/jobs", {{"x-amz-account-id", "123456789012"}}), "s3control:ListJobs");
  EXPECT_EQ(s3("GET", "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Ab", {{"x-amz-account-id", "123456789012"}}),
            "s3control:ListTagsForResource");
  EXPECT_EQ(s3("GET", "/v20180820/nonsense", {{"x-amz-account-id", "123456789012"}}),
            "s3control:refused UnknownOperationException");
  EXPECT_EQ(s3("GET", "/v20180820/jobs"), "s3:GetObject");  // a bucket may be called so
}

TEST(Route, JsonServicesByTarget) {
  WireRequest r = request("POST", "/", "glue");
  r.headers.emplace_back("X-Amz-Target", "AWSGlue.GetTables");
  EXPECT_EQ(named(r), "glue:GetTables");
  EXPECT_EQ(route(r)->protocol, Protocol::json);
  set_header(r.headers, "x-amz-target", "AWSGlue.Nonsense");
  EXPECT_EQ(named(r), "glue:refused UnknownOperationException");
  set_header(r.headers, "x-amz-target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.DescribeTrails");
  EXPECT_EQ(named(r), "cloudtrail:DescribeTrails");
  set_header(r.headers, "x-amz-target", "Nobody_20200101.Get");
  EXPECT_EQ(named(r), "glue:refused MissingAction");
  set_header(r.headers, "x-amz-target", "Kinesis_20131202.PutRecord");
  set_header(r.headers, "content-type", "application/x-amz-cbor-1.1");
  EXPECT_TRUE(route(r)->cbor_body);
}

TEST(Route, UnknownServices) {
  WireRequest r = request("POST", "/", "nothing-of-ours");
  EXPECT_EQ(named(r), "nothing");
  r.headers.emplace_back("X-Amz-Target", "Nobody_20200101.Get");
  EXPECT_EQ(named(r), "nothing");
  EXPECT_EQ(named(request("GET", "/some/path")), "nothing");
  EXPECT_EQ(named(request("GET", "/")), "nothing");
  EXPECT_EQ(named(request("GET", "/prod/orders", "execute-api")), "nothing");
}

TEST(Route, QueryServices) {
  WireRequest r = request("POST", "/", "iam");
  r.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  r.body = "Action=GetRole&Version=2010-05-08&RoleName=a";
  EXPECT_EQ(named(r), "iam:GetRole");
  EXPECT_EQ(route(r)->protocol, Protocol::query);
  r.body = "Version=2010-05-08&Action=Nonsense";
  EXPECT_EQ(named(r), "iam:refused InvalidAction");
  r.body = "Version=2010-05-08";
  EXPECT_EQ(named(r), "iam:refused MissingAction");
  EXPECT_EQ(named(request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "sts")), "sts:GetCallerIdentity");
  EXPECT_EQ(named(request("POST", "/?Action=DescribeVpcs&Version=2016-11-15", "ec2")), "ec2:DescribeVpcs");
  EXPECT_EQ(named(request("POST", "/?Action=SendMessage&Version=2012-11-05", "sqs")), "sqs:SendMessage");
}

TEST(Route, UnsignedFormsByVersion) {
  WireRequest r = request("POST", "/");
  r.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  r.body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15";
  EXPECT_EQ(named(r), "sts:AssumeRoleWithWebIdentity");
}

TEST(Route, RpcV2Cbor) {
  WireRequest r = request("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "monitoring");
  r.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
  EXPECT_EQ(named(r), "cloudwatch:PutMetricData");
  EXPECT_EQ(route(r)->protocol, Protocol::rpc_v2_cbor);
  WireRequest json = request("POST", "/", "monitoring");
  json.headers.emplace_back("X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData");
  EXPECT_EQ(named(json), "cloudwatch:PutMetricData");
  EXPECT_EQ(route(json)->protocol, Protocol::json);
  EXPECT_EQ(route(request("POST", "/?Action=PutMetricData&Version=2010-08-01", "monitoring"))->protocol,
            Protocol::query);
}

TEST(Route, RestServicesByPath) {
  EXPECT_EQ(named(request("POST", "/2015-03-31/functions/f/invocations", "lambda")), "lambda:Invoke");
  EXPECT_EQ(named(request("GET", "/2015-03-31/functions", "lambda")), "lambda:ListFunctions");
  EXPECT_EQ(named(request("GET", "/2015-03-31/functions/", "lambda")), "lambda:ListFunctions");
  EXPECT_EQ(named(request("GET", "/2018-10-31/layers?find=LayerVersion&Arn=x", "lambda")),
            "lambda:GetLayerVersionByArn");
  EXPECT_EQ(named(request("GET", "/2018-10-31/layers", "lambda")), "lambda:ListLayers");
  EXPECT_EQ(named(request("DELETE", "/2017-03-31/tags/arn", "lambda")),
            "lambda:UntagResource");  // validation tells what is missing
  EXPECT_EQ(named(request("GET", "/2015-03-31/nonsense", "lambda")), "lambda:refused UnknownOperationException");
  EXPECT_EQ(named(request("POST", "/GrantPermissions", "lakeformation")), "lakeformation:GrantPermissions");
  EXPECT_EQ(named(request("GET", "/restapis", "apigateway")), "apigateway:GetRestApis");
  EXPECT_EQ(named(request("GET", "/v2/apis", "apigateway")), "apigatewayv2:GetApis");
  auto found = route(request("GET", "/v1/clusters/arn%3Aaws%3Akafka%3Aeu-west-1%3A1%3Acluster%2Fname%2Fid", "kafka"));
  EXPECT_EQ(named(found), "kafka:DescribeCluster");
  EXPECT_EQ(*found->label("ClusterArn"), "arn:aws:kafka:eu-west-1:1:cluster/name/id");
  EXPECT_EQ(named(request("POST", "/GrantPermissions")), "lakeformation:GrantPermissions");  // unsigned: by its path
}

TEST(Route, UnsignedRequestsReachS3OnlyForBucketsThatExist) {
  RouteHints hints;
  hints.bucket_exists = [](std::string_view bucket) { return bucket == "public" || bucket == "restapis"; };
  EXPECT_EQ(named(request("GET", "/public/k"), hints), "s3:GetObject");
  EXPECT_EQ(named(request("GET", "/public?list-type=2"), hints), "s3:ListObjectsV2");
  EXPECT_EQ(named(request("GET", "/private/k"), hints), "nothing");
  EXPECT_EQ(named(request("GET", "/public/k")), "nothing");
  EXPECT_EQ(named(request("GET", "/restapis"), hints), "s3:ListObjects");
  WireRequest r = request("GET", "/k");
  set_header(r.headers, "host", "anything.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(named(r), "s3:GetObject");
}

TEST(Route, EveryOperationIsFoundByItsOwnRequest) {
  for (const Service* service : services()) {
    if (service->protocol != Protocol::rest_json) continue;
    for (const Operation& operation : service->operations) {
      std::string uri(operation.request_uri), target;
      for (std::size_t i = 0; i < uri.size(); i++) {
        if (uri[i] != '{') {
          target += uri[i];
          continue;
        }
        target += "label";
        i = uri.find('}', i);
      }
      WireRequest r = request(std::string(operation.http_method), target, service->signing_name);
      if (operation.input)
        for (const Member& member : operation.input->members) {
          if (!member.required) continue;
          if (member.location == Location::query_string)
            r.query += (r.query.empty() ? "" : "&") + std::string(member.wire_name) + "=v";
          if (member.location == Location::header) r.headers.emplace_back(member.wire_name, "v");
        }
      EXPECT_EQ(named(r), std::string(service->name) + ":" + std::string(operation.name)) << target;
    }
  }
}

}  // namespace
}  // namespace tarn::api
