#include "api/wire/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "api/wire/cbor_form.hpp"
#include "api/wire/client.hpp"
#include "api/wire/json_form.hpp"
#include "base/json.hpp"

namespace tarn::api {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

const Time noon = Time(milliseconds(1767268800000));  // 2026-01-01T12:00:00Z

const Service& service(std::string_view name) {
  return *find_service(name);
}

WireRequest signed_request(std::string method, std::string target, std::string_view signed_for) {
  WireRequest out;
  std::size_t question = target.find('?');
  out.method = std::move(method);
  out.path = target.substr(0, question);
  if (question != std::string::npos) out.query = target.substr(question + 1);
  out.headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/" +
                                                std::string(signed_for) +
                                                "/aws4_request, SignedHeaders=host, Signature=0");
  return out;
}

WireRequest json_request(std::string_view name, std::string_view operation, std::string body) {
  WireRequest out = signed_request("POST", "/", service(name).signing_name);
  out.headers.emplace_back("X-Amz-Target", std::string(service(name).target_prefix) + "." + std::string(operation));
  out.headers.emplace_back("Content-Type", "application/x-amz-json-1.1");
  out.body = std::move(body);
  return out;
}

Value input(const WireRequest& request) {
  auto found = route(request);
  EXPECT_TRUE(found && found->operation);
  return parse_input(*found, request);
}

std::string refusal(const WireRequest& request) {
  try {
    return tarn::to_json(input(request));
  } catch (const Error& error) {
    return error.code() + ": " + error.message();
  }
}

Route route_of(std::string_view name, std::string_view operation) {
  return route_to(service(name), *find_operation(service(name), operation), service(name).protocol);
}

std::string answer(std::string_view name, std::string_view operation, const Value& output) {
  return serialize_output(route_of(name, operation), output, "id").body;
}

// ---- JSON ----

TEST(JsonInput, TypesComeFromTheModel) {
  Value got = input(json_request("glue", "CreatePartition",
                                 R"({"DatabaseName":"d","TableName":"t","Unknown":1,"CatalogId":null,
                                     "PartitionInput":{"Values":["2026"],"LastAccessTime":1767268800.25}})"));
  EXPECT_EQ(got.find("Unknown"), nullptr);
  EXPECT_EQ(got.find("CatalogId"), nullptr);
  EXPECT_EQ(got.at("PartitionInput").at("LastAccessTime").as_time(), noon + milliseconds(250));
  EXPECT_EQ(got.at("PartitionInput").at("Values"), Value::list({"2026"}));
  got = input(json_request("kinesis", "PutRecord", R"({"StreamName":"s","Data":"YWI=","PartitionKey":"p"})"));
  EXPECT_EQ(got.at("Data").as_blob().bytes, "ab");
}

TEST(JsonInput, EmptyBodyIsAnEmptyInput) {
  EXPECT_EQ(input(json_request("glue", "GetDatabases", "")), Value::map());
  EXPECT_EQ(input(json_request("glue", "GetDatabases", " {} ")), Value::map());
}

TEST(JsonInput, WrongTypesAreRefusedWithTheirPlace) {
  EXPECT_EQ(refusal(json_request("glue", "GetTable", R"({"DatabaseName":1})")),
            "SerializationException: NUMBER_VALUE can not be converted to a String (at 'DatabaseName')");
  EXPECT_THAT(refusal(json_request("glue", "GetTable", R"({"DatabaseName":[]})")),
              HasSubstr("SerializationException: Start of list"));
  EXPECT_THAT(refusal(json_request("glue", "GetTables", R"({"MaxResults":"5"})")),
              HasSubstr("STRING_VALUE can not be converted to Integer"));
  EXPECT_THAT(refusal(json_request("glue", "GetTables", R"({"MaxResults":1.5})")), HasSubstr("SerializationException"));
  EXPECT_EQ(input(json_request("glue", "GetTables", R"({"MaxResults":5.0})")).at("MaxResults"), Value(5));
  EXPECT_THAT(refusal(json_request("glue", "GetTable", "{\"DatabaseName\":")),
              HasSubstr("SerializationException: malformed JSON"));
  EXPECT_THAT(refusal(json_request("glue", "GetTable", "[]")), HasSubstr("SerializationException"));
  EXPECT_THAT(refusal(json_request("kinesis", "PutRecord", R"({"Data":"***"})")), HasSubstr("not base64 (at 'Data')"));
  EXPECT_THAT(refusal(json_request("glue", "BatchDeleteTable", R"({"TablesToDelete":["a",2]})")),
              HasSubstr("(at 'TablesToDelete.2')"));
}

TEST(JsonInput, IdempotencyTokensAreFilledIn) {
  Value got = input(json_request("athena", "StartQueryExecution", R"({"QueryString":"SELECT 1"})"));
  EXPECT_EQ(got.at("ClientRequestToken").as_string().size(), 36u);
  got = input(json_request("athena", "StartQueryExecution", R"({"ClientRequestToken":"mine"})"));
  EXPECT_EQ(got.at("ClientRequestToken"), Value("mine"));
}

TEST(JsonInput, GzippedBodiesAreUnpacked) {
  std::string text = R"({"DatabaseName":"d","Name":"t"})", packed(1000, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  WireRequest request = json_request("glue", "GetTable", packed);
  request.headers.emplace_back("Content-Encoding", "gzip");
  EXPECT_EQ(input(request).at("Name"), Value("t"));
  request.body.resize(request.body.size() / 2);
  EXPECT_THAT(refusal(request), HasSubstr("not valid gzip"));
}

TEST(JsonOutput, WritesWhatTheModelKnows) {
  Value output = Value::map(
      {{"Database", Value::map({{"Name", "d"}, {"CreateTime", noon}, {"Secret", 1}, {"Description", nullptr}})}});
  WireResponse response = serialize_output(route_of("glue", "GetDatabase"), output, "id-1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"Database":{"Name":"d","CreateTime":1767268800}})");
  EXPECT_EQ(*response.header("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(*response.header("x-amzn-requestid"), "id-1");
}

TEST(JsonOutput, AWrongTypeIsOurOwnFault) {
  try {
    answer("glue", "GetDatabase", Value::map({{"Database", "text"}}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bug);
  }
}

TEST(JsonError, HasTheServicesForm) {
  Error error(ErrorKind::missing, "EntityNotFoundException", "Database d not found.");
  WireResponse response = serialize_error(route_of("glue", "GetDatabase"), error, "id");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, R"({"__type":"EntityNotFoundException","Message":"Database d not found."})");
  Error unsupported(ErrorKind::unsupported, "NotImplemented", "no");
  response = serialize_error(route_of("glue", "GetDatabase"), unsupported, "id");
  EXPECT_EQ(response.status, 501);
  EXPECT_THAT(response.body, HasSubstr(R"("__type":"NotImplemented")"));
}

TEST(JsonError, QueryCompatibleServicesTellTheOldCode) {
  Error error(ErrorKind::missing, "QueueDoesNotExist", "no queue");
  WireResponse response = serialize_error(route_of("sqs", "SendMessage"), error, "id");
  EXPECT_EQ(*response.header("x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
  EXPECT_THAT(response.body, HasSubstr(R"("__type":"com.amazonaws.sqs#QueueDoesNotExist")"));
  EXPECT_EQ(parse_error(service("sqs"), Protocol::json, response).code(), "AWS.SimpleQueueService.NonExistentQueue");
}

TEST(JsonOverCbor, TimesAreMilliseconds) {
  WireRequest request = json_request("kinesis", "GetShardIterator", "");
  set_header(request.headers, "content-type", "application/x-amz-cbor-1.1");
  append_cbor(request.body, *find_operation(service("kinesis"), "GetShardIterator")->input,
              Value::map({{"StreamName", "s"}, {"Timestamp", noon}}), CborTime::milliseconds);
  Value got = input(request);
  EXPECT_EQ(got.at("Timestamp").as_time(), noon);
  Route found = *route(request);
  WireResponse response = serialize_output(found, Value::map({{"ShardIterator", "i"}}), "id");
  EXPECT_EQ(parse_cbor(response.body).at("ShardIterator"), Value("i"));
  EXPECT_EQ(*response.header("content-type"), "application/x-amz-cbor-1.1");
  response = serialize_error(found, Error(ErrorKind::missing, "ResourceNotFoundException", "no stream"), "id");
  EXPECT_EQ(parse_cbor(response.body).at("__type"), Value("ResourceNotFoundException"));
}

TEST(ModelJson, GoesByTheModelsNames) {
  const Operation& operation = *find_operation(service("lambda"), "Invoke");
  EXPECT_EQ(input_from_json(operation, R"({"FunctionName":"f","InvocationType":"Event"})").at("InvocationType"),
            Value("Event"));
}

// ---- query and ec2 ----

TEST(QueryInput, ListsMapsAndStructures) {
  WireRequest request = signed_request("POST", "/", "cloudformation");
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body =
      "Action=CreateStack&Version=2010-05-15&StackName=my+stack%2B&Parameters.member.10.ParameterKey=j&Parameters."
      "member.2.ParameterKey=b&"
      "Parameters.member.2.ParameterValue=&Parameters.member.1.ParameterKey=a&Capabilities.member.1=CAPABILITY_IAM&"
      "DisableRollback=true&"
      "TimeoutInMinutes=5&Unknown=x";
  Value got = input(request);
  EXPECT_EQ(got.at("StackName"), Value("my stack+"));
  EXPECT_EQ(got.at("DisableRollback"), Value(true));
  EXPECT_EQ(got.at("TimeoutInMinutes"), Value(5));
  const ValueList& parameters = got.at("Parameters").as_list();
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_EQ(parameters[0].at("ParameterKey"), Value("a"));
  EXPECT_EQ(parameters[1].at("ParameterValue"), Value(""));
  EXPECT_EQ(parameters[2].at("ParameterKey"), Value("j"));
  EXPECT_EQ(got.at("Capabilities"), Value::list({"CAPABILITY_IAM"}));
  request.body = "Action=CreateStack&TimeoutInMinutes=soon";
  EXPECT_THAT(refusal(request), HasSubstr("MalformedInput: TimeoutInMinutes: 'soon' is not an integer"));
}

TEST(QueryInput, TooManyPartsAreRefused) {
  WireRequest request = signed_request("POST", "/", "cloudformation");
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  std::string name = "A";
  for (int i = 0; i < 500; i++) name += ".A";
  request.body = "Action=CreateStack&" + name + "=1";
  EXPECT_THAT(refusal(request), HasSubstr("MalformedInput"));
  request.body = "Action=CreateStack";
  for (int i = 0; i < 30'000; i++) request.body += "&a=1";
  EXPECT_THAT(refusal(request), HasSubstr("MalformedInput"));
}

TEST(QueryOutput, IsWrapped) {
  EXPECT_EQ(answer("sts", "GetCallerIdentity", Value::map({{"Account", "1"}, {"Arn", "a&b"}})),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<GetCallerIdentityResponse "
            "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
            "<GetCallerIdentityResult><Account>1</Account><Arn>a&amp;b</Arn></"
            "GetCallerIdentityResult><ResponseMetadata><RequestId>id</RequestId>"
            "</ResponseMetadata></GetCallerIdentityResponse>");
  EXPECT_THAT(answer("iam", "DeleteRole", Value::map()), Not(HasSubstr("Result>")));
}

TEST(QueryError, HasTypeAndStatusOfTheModel) {
  WireResponse response =
      serialize_error(route_of("iam", "GetRole"), Error(ErrorKind::missing, "NoSuchEntity", "no <role>"), "id");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            "<ErrorResponse "
            "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>"
            "<Message>no &lt;role&gt;</Message></Error><RequestId>id</RequestId></ErrorResponse>");
  Error read = parse_error(service("iam"), Protocol::query, response);
  EXPECT_EQ(read.code(), "NoSuchEntity");
  EXPECT_EQ(read.kind(), ErrorKind::missing);
}

TEST(Ec2, InputOutputAndError) {
  WireRequest request = signed_request("POST", "/", "ec2");
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body =
      "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&VpcId.1=a&VpcId.2=b";
  Value got = input(request);
  EXPECT_EQ(got.at("VpcIds"), Value::list({"a", "b"}));
  EXPECT_EQ(got.at("Filters").as_list()[0].at("Values"), Value::list({"vpc-1"}));
  std::string body =
      answer("ec2", "DescribeVpcs", Value::map({{"Vpcs", Value::list({Value::map({{"VpcId", "vpc-1"}})})}}));
  EXPECT_THAT(
      body,
      HasSubstr("<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>id</requestId>"
                "<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>"));
  WireResponse error =
      serialize_error(route_of("ec2", "DescribeVpcs"), Error(ErrorKind::caller, "InvalidVpcID.NotFound", "no"), "id");
  EXPECT_THAT(error.body, HasSubstr("<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code>"));
}

// ---- S3 ----

TEST(S3Input, HeadersQueryAndLabels) {
  WireRequest request = signed_request("PUT", "/my-bucket/a%20b", "s3");
  for (auto& [name, value] : Headers{{"Content-Type", "text/csv"},
                                     {"X-Amz-Meta-Colour", "blue"},
                                     {"x-amz-meta-size", "é"},
                                     {"Content-Encoding", "aws-chunked, gzip"},
                                     {"Content-Length", "1000"},
                                     {"x-amz-decoded-content-length", "900"},
                                     {"x-amz-object-lock-retain-until-date", "2026-01-01T12:00:00Z"},
                                     {"x-amz-server-side-encryption-bucket-key-enabled", "true"},
                                     {"x-amz-date", "20260101T120000Z"}})
    request.headers.emplace_back(name, value);
  request.body = "streams";
  Value got = input(request);
  EXPECT_EQ(got.at("Bucket"), Value("my-bucket"));
  EXPECT_EQ(got.at("Key"), Value("a b"));
  EXPECT_EQ(got.at("ContentType"), Value("text/csv"));
  EXPECT_EQ(got.at("Metadata"), Value::map({{"colour", "blue"}, {"size", "é"}}));
  EXPECT_EQ(got.at("ContentEncoding"), Value("gzip"));
  EXPECT_EQ(got.at("ContentLength"), Value(900));
  EXPECT_EQ(got.at("ObjectLockRetainUntilDate").as_time(), noon);
  EXPECT_EQ(got.at("BucketKeyEnabled"), Value(true));
  EXPECT_EQ(got.find("Body"), nullptr);
  set_header(request.headers, "content-encoding", "aws-chunked");
  EXPECT_EQ(input(request).find("ContentEncoding"), nullptr);
}

TEST(S3Input, QueryIsDecodedAndTyped) {
  Value got =
      input(signed_request("GET", "/b?list-type=2&max-keys=10&prefix=a%2Fb+c&delimiter=%2F&fetch-owner=true", "s3"));
  EXPECT_EQ(got.at("MaxKeys"), Value(10));
  EXPECT_EQ(got.at("Prefix"), Value("a/b c"));
  EXPECT_EQ(got.at("FetchOwner"), Value(true));
  EXPECT_THAT(refusal(signed_request("GET", "/b?max-keys=many", "s3")),
              HasSubstr("InvalidArgument: max-keys: 'many' is not an integer"));
}

TEST(S3Input, ListsMayStandInSeveralHeaders) {
  WireRequest request = signed_request("GET", "/lake/k?attributes", "s3");
  request.headers.emplace_back("x-amz-object-attributes", "Checksum");
  request.headers.emplace_back("X-Amz-Object-Attributes", "ObjectSize,ETag");
  EXPECT_EQ(input(request).at("ObjectAttributes"), Value::list({"Checksum", "ObjectSize", "ETag"}));
}

TEST(S3Input, ConditionsThatAreNoDatesAreNone) {
  WireRequest request = signed_request("GET", "/b/k", "s3");
  request.headers.emplace_back("If-Modified-Since", "yesterday");
  EXPECT_EQ(input(request).find("IfModifiedSince"), nullptr);
  set_header(request.headers, "if-modified-since", "Thu, 01 Jan 2026 12:00:00 GMT");
  EXPECT_EQ(input(request).at("IfModifiedSince").as_time(), noon);
}

TEST(S3Input, XmlBodies) {
  WireRequest request = signed_request("POST", "/b?delete", "s3");
  request.body =
      "<?xml version=\"1.0\"?><Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a &amp; "
      "b</Key></Object>"
      "<Object><Key> </Key><VersionId>1</VersionId></Object><Quiet>true</Quiet><Later/></Delete>";
  Value got = input(request).at("Delete");
  EXPECT_EQ(got.at("Quiet"), Value(true));
  EXPECT_EQ(got.at("Objects"),
            Value::list({Value::map({{"Key", "a & b"}}), Value::map({{"Key", " "}, {"VersionId", "1"}})}));
}

TEST(S3Input, BadXmlIsRefused) {
  WireRequest request = signed_request("POST", "/b?delete", "s3");
  for (const char* body :
       {"<Delete>", "<Other/>", "text", "<Delete><Quiet>perhaps</Quiet></Delete>", "<Delete/><Delete/>",
        "<!DOCTYPE d [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Delete><Object><Key>&e;</Key></Object></Delete>",
        "<Delete><Quiet>true</Quiet><Quiet>true</Quiet></Delete>"}) {
    request.body = body;
    EXPECT_THAT(refusal(request), HasSubstr("MalformedXML: ")) << body;
  }
}

TEST(S3Output, RootsAndNamespaces) {
  Value buckets = Value::map({{"Buckets", Value::list({Value::map({{"Name", "b"}, {"CreationDate", noon}})})},
                              {"Owner", Value::map({{"ID", "1"}})}});
  EXPECT_EQ(answer("s3", "ListBuckets", buckets),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListAllMyBucketsResult "
            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Buckets>"
            "<Bucket><Name>b</Name><CreationDate>2026-01-01T12:00:00.000Z</CreationDate></Bucket></"
            "Buckets><Owner><ID>1</ID></Owner>"
            "</ListAllMyBucketsResult>");
  Value list = Value::map({{"Contents", Value::list({Value::map({{"Key", "a\x01"}}), Value::map({{"Key", "b"}})})},
                           {"IsTruncated", false}});
  EXPECT_THAT(
      answer("s3", "ListObjectsV2", list),
      HasSubstr("<ListBucketResult "
                "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Contents><Key>a&#x1;</Key></Contents><Contents>"
                "<Key>b</Key></Contents><IsTruncated>false</IsTruncated></ListBucketResult>"));
  EXPECT_THAT(answer("s3", "GetBucketVersioning", Value::map()), HasSubstr("<VersioningConfiguration xmlns="));
  EXPECT_THAT(
      answer("s3", "CopyObject", Value::map({{"CopyObjectResult", Value::map({{"ETag", "\"e\""}})}})),
      HasSubstr("<CopyObjectResult "
                "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ETag>&quot;e&quot;</ETag></CopyObjectResult>"));
}

TEST(S3Output, BucketLocation) {
  EXPECT_THAT(
      answer("s3", "GetBucketLocation", Value::map({{"LocationConstraint", "eu-west-1"}})),
      HasSubstr(
          "\n<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1</LocationConstraint>"));
  EXPECT_THAT(answer("s3", "GetBucketLocation", Value::map()), HasSubstr("doc/2006-03-01/\"></LocationConstraint>"));
}

TEST(S3Output, ObjectsStream) {
  Value output = Value::map({{"ContentLength", 4},
                             {"ETag", "\"e\""},
                             {"LastModified", noon},
                             {"ContentType", "text/csv"},
                             {"Metadata", Value::map({{"colour", "blue\r\nSet-Cookie: x"}})}});
  WireResponse response = serialize_output(route_of("s3", "GetObject"), output, "id");
  EXPECT_TRUE(response.has_streaming_body);
  EXPECT_EQ(response.header("content-length"), nullptr);
  EXPECT_EQ(*response.header("last-modified"), "Thu, 01 Jan 2026 12:00:00 GMT");
  EXPECT_EQ(*response.header("content-type"), "text/csv");
  EXPECT_EQ(*response.header("x-amz-meta-colour"), "blue  Set-Cookie: x");
  EXPECT_EQ(*response.header("x-amz-request-id"), "id");
  response = serialize_output(route_of("s3", "HeadObject"), output, "id");
  EXPECT_FALSE(response.has_streaming_body);
  EXPECT_EQ(*response.header("content-length"), "4");
  EXPECT_EQ(serialize_output(route_of("s3", "DeleteObject"), Value::map(), "id").status, 204);
}

TEST(S3Error, HasS3sForm) {
  Error error(ErrorKind::missing, "NoSuchKey", "The specified key does not exist.");
  error.with("Key", "a<b").with("header:x-amz-delete-marker", "true");
  WireResponse response = serialize_error(route_of("s3", "GetObject"), error, "id", "GET", "/b/a%3Cb");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does "
            "not exist.</Message>"
            "<Key>a&lt;b</Key><Resource>/b/a%3Cb</Resource><RequestId>id</RequestId><HostId>id</HostId></Error>");
  EXPECT_EQ(*response.header("x-amz-delete-marker"), "true");
  EXPECT_EQ(serialize_error(route_of("s3", "HeadObject"), error, "id", "HEAD").body, "");
  EXPECT_EQ(
      serialize_error(route_of("s3", "GetObject"), Error(ErrorKind::conflict, "PreconditionFailed", "no"), "id").status,
      412);
  EXPECT_EQ(serialize_error(route_of("s3", "GetObject"), Error(ErrorKind::limit, "SlowDown", "wait"), "id").status,
            503);
  for (const auto& [service, operation] : {std::pair("s3", "PutObject"), std::pair("sqs", "SendMessage")})
    EXPECT_EQ(
        serialize_error(route_of(service, operation), Error(ErrorKind::outside, "ServiceUnavailable", "full"), "id")
            .status,
        503);
  WireResponse unmodified =
      serialize_error(route_of("s3", "GetObject"), Error(ErrorKind::caller, "NotModified", ""), "id");
  EXPECT_EQ(unmodified.status, 304);
  EXPECT_EQ(unmodified.body, "");
}

// ---- rest-json ----

TEST(RestJson, PayloadsAndStatus) {
  WireRequest request = signed_request("POST", "/2015-03-31/functions/my-function/invocations?Qualifier=1", "lambda");
  request.headers.emplace_back("X-Amz-Invocation-Type", "Event");
  request.body = "{\"a\":1}";
  Value got = input(request);
  EXPECT_EQ(got.at("FunctionName"), Value("my-function"));
  EXPECT_EQ(got.at("Qualifier"), Value("1"));
  EXPECT_EQ(got.at("InvocationType"), Value("Event"));
  EXPECT_EQ(got.at("Payload").as_blob().bytes, "{\"a\":1}");
  WireResponse response = serialize_output(
      *route(request), Value::map({{"StatusCode", 202}, {"FunctionError", "Unhandled"}, {"Payload", Blob{"x"}}}), "id");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(*response.header("x-amz-function-error"), "Unhandled");
  EXPECT_EQ(response.body, "x");
}

TEST(RestJson, Errors) {
  Error error(ErrorKind::missing, "ResourceNotFoundException", "Function not found");
  error.with("Type", "User");
  WireResponse response = serialize_error(route_of("lambda", "GetFunction"), error, "id");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(*response.header("x-amzn-errortype"), "ResourceNotFoundException");
  EXPECT_EQ(response.body, R"({"Message":"Function not found","Type":"User"})");
  WireRequest unknown = signed_request("GET", "/2015-03-31/nonsense", "lambda");
  Route found = *route(unknown);
  EXPECT_EQ(serialize_error(found, *found.refusal, "id").status, 404);
}

// ---- cbor ----

TEST(Cbor, RpcV2RoundTrip) {
  const Operation& operation = *find_operation(service("cloudwatch"), "PutMetricData");
  Value given = Value::map(
      {{"Namespace", "tarn"},
       {"MetricData",
        Value::list({Value::map({{"MetricName", "m"}, {"Value", 1.5}, {"Timestamp", noon + milliseconds(1)}})})}});
  SystemRandom random;
  WireRequest request = serialize_input(service("cloudwatch"), operation, Protocol::rpc_v2_cbor, given, random);
  request.headers.emplace_back("Authorization", *signed_request("GET", "/", "monitoring").header("authorization"));
  EXPECT_EQ(input(request), given);
}

TEST(Cbor, MalformedBytesAreRefused) {
  using namespace std::string_literals;
  for (const std::string& bytes :
       {""s, "\x9f"s, "\xbf\x01\x02\xff"s, "\x7b\xff\xff\xff\xff\xff\xff\xff\xff"s,
        "\x9b\xff\xff\xff\xff\xff\xff\xff\xff"s, "\xff"s, "\x1c"s, "\x01\x01"s, std::string(100'000, '\x81'),
        std::string(100'000, '\xc1'), "\xc1\x61\x61"s, "\xf8"s, "\x7f\x41\x61\xff"s})
    EXPECT_THROW(parse_cbor(bytes), Error) << bytes.size();
}

TEST(Cbor, Numbers) {
  using namespace std::string_literals;
  EXPECT_EQ(parse_cbor("\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"s), Value(INT64_MAX));
  EXPECT_EQ(parse_cbor("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"s), Value(INT64_MIN));
  EXPECT_TRUE(parse_cbor("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"s).is_double());
  EXPECT_EQ(parse_cbor("\xf9\x3c\x00"s), Value(1.0));
  EXPECT_EQ(parse_cbor("\xc2\x42\x01\x00"s), Value(256.0));
  EXPECT_EQ(parse_cbor("\xc4\x82\x21\x19\x6a\xb3"s), Value(273.15));
  EXPECT_EQ(parse_cbor("\xa2\x61\x61\x01\x61\x61\x02"s), Value::map({{"a", 2}}));
}

TEST(Unknown, IsRefusedInAFormThatSdksRead) {
  WireRequest request = signed_request("POST", "/", "nothing");
  request.headers.emplace_back("X-Amz-Target", "Nobody.Get");
  WireResponse response = serialize_unknown(request, "id");
  EXPECT_EQ(response.status, 501);
  EXPECT_THAT(response.body, HasSubstr("NotImplemented"));
  EXPECT_THAT(serialize_unknown(signed_request("GET", "/x", "execute-api"), "id").body,
              HasSubstr("the service execute-api"));
}

}  // namespace
}  // namespace tarn::api
