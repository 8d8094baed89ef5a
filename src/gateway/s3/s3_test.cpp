#include "gateway/s3/s3.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/error.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/names.hpp"
#include "gateway/s3/ranges.hpp"
#include "gateway/s3/tags.hpp"
#include "store/test_keeper.hpp"

namespace tarn::gateway::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class F>
std::string code_of(F f) {
  try {
    f();
    return "";
  } catch (const Error& error) {
    return error.code();
  }
}

TEST(Names, BucketsFollowAwsRules) {
  for (const char* good : {"abc", "my-lake.eu", "0a0", "a-1.b-2"}) EXPECT_NO_THROW(check_bucket_name(good)) << good;
  for (const char* bad :
       {"", "ab", "Abc", "a_b", "-ab", "ab-", "a..b", "192.168.0.1", "xn--ab", "ab-s3alias", "a b", "ab."})
    EXPECT_EQ(code_of([&] { check_bucket_name(bad); }), "InvalidBucketName") << bad;
  EXPECT_THROW(check_bucket_name(std::string(64, 'a')), Error);
}

TEST(Names, CopySources) {
  EXPECT_EQ(parse_copy_source("/b/a%20b/c%2Bd").key, "a b/c+d");
  EXPECT_EQ(parse_copy_source("b/k?versionId=null").key, "k");
  EXPECT_EQ(parse_copy_source("b/what?no").key, "what?no");
  EXPECT_EQ(parse_copy_source("b/k?versionId=0123456789abcdef0123456789abcdef").version_id,
            "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(code_of([] { parse_copy_source("b/k?versionId=abc"); }), "InvalidArgument");
  for (const char* bad : {"", "/", "b", "b/", "/b/", "//k"})
    EXPECT_EQ(code_of([&] { parse_copy_source(bad); }), "InvalidArgument") << bad;
}

TEST(Names, AwsChunkedIsNoEncodingOfTheObject) {
  EXPECT_EQ(stored_content_encoding("aws-chunked"), "");
  EXPECT_EQ(stored_content_encoding("gzip, aws-chunked"), "gzip");
  EXPECT_EQ(stored_content_encoding("aws-chunked,gzip,br"), "gzip,br");
}

TEST(Ranges, AsS3TakesThem) {
  using R = ByteRange;
  EXPECT_EQ(parse_range("bytes=0-9", 100), (R{0, 10}));
  EXPECT_EQ(parse_range("bytes=90-", 100), (R{90, 10}));
  EXPECT_EQ(parse_range("bytes=90-1000", 100), (R{90, 10}));
  EXPECT_EQ(parse_range("bytes=-10", 100), (R{90, 10}));
  EXPECT_EQ(parse_range("bytes=-1000", 100), (R{0, 100}));
  for (const char* ignored :
       {"bytes=9-0", "bytes=a-b", "bytes=-", "bytes=1", "lines=0-1", "bytes=0-1,5-6", "bytes=", ""})
    EXPECT_FALSE(parse_range(ignored, 100)) << ignored;
  for (const char* beyond : {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"})
    EXPECT_EQ(code_of([&] { parse_range(beyond, 100); }), "InvalidRange") << beyond;
  EXPECT_EQ(code_of([] { parse_range("bytes=0-", 0); }), "InvalidRange");
  EXPECT_EQ(parse_copy_range("bytes=0-99", 100), (R{0, 100}));
  for (const char* bad : {"bytes=0-100", "bytes=0-", "bytes=-5", "0-5", "bytes=5-4"})
    EXPECT_EQ(code_of([&] { parse_copy_range(bad, 100); }), "InvalidArgument") << bad;
}

TEST(Conditions, PrecedenceOfReads) {
  store::ObjectInfo object;
  object.etag = "abc";
  object.last_modified = *parse_iso8601("2026-01-01T12:00:00.500Z");
  const Time same = *parse_iso8601("2026-01-01T12:00:00Z"), before = same - std::chrono::seconds(1);
  EXPECT_TRUE(check_read({}, object));
  EXPECT_FALSE(check_read({.if_none_match = "\"abc\""}, object));
  EXPECT_FALSE(check_read({.if_none_match = "\"x\", W/\"abc\""}, object));
  EXPECT_FALSE(check_read({.if_none_match = "*"}, object));
  EXPECT_FALSE(check_read({.if_modified_since = same}, object));
  EXPECT_TRUE(check_read({.if_modified_since = before}, object));
  EXPECT_TRUE(check_read({.if_none_match = "\"x\"", .if_modified_since = same}, object));
  EXPECT_TRUE(check_read({.if_match = "\"abc\"", .if_unmodified_since = before}, object));
  EXPECT_EQ(code_of([&] { check_read({.if_match = "\"x\""}, object); }), "PreconditionFailed");
  EXPECT_EQ(code_of([&] { check_read({.if_unmodified_since = before}, object); }), "PreconditionFailed");
  EXPECT_EQ(code_of([&] { check_copy_source({.if_none_match = "\"abc\""}, object); }), "PreconditionFailed");
  EXPECT_EQ(code_of([] { write_conditions({}, "\"abc\""); }), "NotImplemented");
}

TEST(Tags, Rules) {
  EXPECT_THAT(parse_tag_header("a=1&b=%20x&c"),
              ElementsAre(std::pair("a", "1"), std::pair("b", " x"), std::pair("c", "")));
  EXPECT_EQ(code_of([] { parse_tag_header("a=1&a=2"); }), "InvalidTag");
  EXPECT_EQ(code_of([] { parse_tag_header("aws:x=1"); }), "InvalidTag");
  EXPECT_EQ(code_of([] { parse_tag_header("=1"); }), "InvalidArgument");
  EXPECT_EQ(code_of([] { checked_tags({{std::string(129, 'k'), ""}}, 10); }), "InvalidTag");
  std::vector<api::s3::Tag> many;
  for (int i = 0; i < 11; i++) many.push_back({"k" + std::to_string(i), "v"});
  EXPECT_EQ(code_of([&] { checked_tags(many, max_object_tags); }), "BadRequest");
  EXPECT_EQ(checked_tags(many, max_bucket_tags).size(), 11u);
}

// A body as the gateway hands it on.
class Bytes : public api::BodySource {
 public:
  explicit Bytes(std::string text) : text_(std::move(text)) {}
  std::size_t read(char* into, std::size_t size) override {
    if (fail_at && at_ >= *fail_at) throw Error(ErrorKind::caller, "IncompleteBody", "Broke off.");
    std::size_t n = text_.copy(into, fail_at ? std::min(size, *fail_at - at_) : size, at_);
    at_ += n;
    return n;
  }
  std::optional<uint64_t> size_bytes() const override { return claimed ? claimed : text_.size(); }
  std::optional<std::size_t> fail_at;
  std::optional<uint64_t> claimed;

 private:
  std::string text_;
  std::size_t at_ = 0;
};

class S3Test : public testing::Test {
 protected:
  S3Test() {
    path = std::filesystem::temp_directory_path() / ("tarn-s3-test-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
    store = store::open_local(path / "store", clock, random, store::Durability::none, &keeper);
    register_s3(operations, *store, authority, random);
    call("CreateBucket", Value::map({{"Bucket", "lake"}}));
  }
  ~S3Test() override {
    store.reset();
    std::filesystem::remove_all(path);
  }

  Value call(const std::string& operation, Value input, api::BodySource* body = nullptr) {
    context = api::Context{};
    context.principal.account = account;
    context.principal.arn = "arn:aws:iam::" + account + ":root";
    context.region = region;
    context.now = clock.now();
    context.request_body = body;
    return operations.call(context, "s3:" + operation, input);
  }
  std::string error(const std::string& operation, Value input, api::BodySource* body = nullptr) {
    return code_of([&] { call(operation, std::move(input), body); });
  }
  Value put(const std::string& key, std::string bytes, Value more = Value::map()) {
    Bytes body(std::move(bytes));
    more.set("Bucket", "lake").set("Key", key);
    return call("PutObject", more, &body);
  }
  std::string get(const std::string& key, Value more = Value::map()) {
    more.set("Bucket", "lake").set("Key", key);
    output = call("GetObject", more);
    std::string bytes;
    char buffer[1000];
    if (context.response_body)
      while (std::size_t n = context.response_body->read(buffer, sizeof buffer)) bytes.append(buffer, n);
    return bytes;
  }
  Value object(const std::string& key) { return Value::map({{"Bucket", "lake"}, {"Key", key}}); }
  Value bucket() { return Value::map({{"Bucket", "lake"}}); }

  std::filesystem::path path;
  ManualClock clock{*parse_iso8601("2026-01-01T00:00:00Z")};
  SeededRandom random{1};
  store::TestKeeper keeper;
  std::unique_ptr<store::Store> store;
  govern::Authority authority;
  api::Operations operations;
  api::Context context;
  std::string account = "000000000000", region = "us-east-1";
  Value output;
};

TEST_F(S3Test, ObjectsKeepTheirBytesAndHeaders) {
  Value headers = Value::map({{"ContentType", "text/csv"},
                              {"Metadata", Value::map({{"owner", "me"}})},
                              {"Tagging", "a=b"},
                              {"ContentEncoding", "aws-chunked,gzip"}});
  EXPECT_EQ(put("k", "hello", headers).at("ETag"), Value("\"5d41402abc4b2a76b9719d911017c592\""));
  EXPECT_EQ(get("k"), "hello");
  EXPECT_EQ(output.at("ContentType"), Value("text/csv"));
  EXPECT_EQ(output.at("ContentEncoding"), Value("gzip"));
  EXPECT_EQ(output.at("Metadata").at("owner"), Value("me"));
  EXPECT_EQ(output.at("TagCount"), Value(1));
  EXPECT_EQ(get("k", Value::map({{"Range", "bytes=1-3"}, {"ResponseContentType", "x/y"}})), "ell");
  EXPECT_EQ(context.response_status, 206);
  EXPECT_EQ(output.at("ContentRange"), Value("bytes 1-3/5"));
  EXPECT_EQ(output.at("ContentType"), Value("x/y"));
  EXPECT_EQ(get("k", Value::map({{"IfNoneMatch", "\"5d41402abc4b2a76b9719d911017c592\""}})), "");
  EXPECT_EQ(context.response_status, 304);
  EXPECT_EQ(error("GetObject", object("absent")), "NoSuchKey");
  EXPECT_EQ(error("GetObject", Value::map({{"Bucket", "absent"}, {"Key", "k"}})), "NoSuchBucket");
}

TEST_F(S3Test, ABodyThatFailsStoresNothing) {
  put("k", "old");
  Bytes broken(std::string(1'000'000, 'x'));
  broken.fail_at = 600'000;
  EXPECT_EQ(error("PutObject", object("k"), &broken), "IncompleteBody");
  EXPECT_EQ(get("k"), "old");
  Bytes huge("");
  huge.claimed = 6ull << 30;
  EXPECT_EQ(error("PutObject", object("k"), &huge), "EntityTooLarge");
}

TEST_F(S3Test, AnotherAccountReadsNothing) {
  put("k", "secret");
  account = "111111111111";
  EXPECT_EQ(error("GetObject", object("k")), "AccessDenied");
  EXPECT_EQ(error("ListObjectsV2", bucket()), "AccessDenied");
  EXPECT_EQ(error("CreateBucket", bucket()), "BucketAlreadyExists");
  EXPECT_EQ(call("ListBuckets", Value::map()).at("Buckets").as_list().size(), 0u);
  call("CreateBucket", Value::map({{"Bucket", "theirs"}}));
  EXPECT_EQ(error("CopyObject", Value::map({{"Bucket", "theirs"}, {"Key", "k"}, {"CopySource", "lake/k"}})),
            "AccessDenied");
  account = "000000000000";
  Value expecting = object("k");
  EXPECT_EQ(error("GetObject", expecting.set("ExpectedBucketOwner", "111111111111")), "AccessDenied");
}

TEST_F(S3Test, WhatIsNotThereIsRefusedByName) {
  for (const auto& [member, code] : std::map<std::string, std::string>{{"SSEKMSKeyId", "InvalidArgument"},
                                                                       {"ServerSideEncryption", "NotImplemented"},
                                                                       {"SSECustomerKey", "InvalidArgument"},
                                                                       {"GrantRead", "InvalidArgument"},
                                                                       {"ObjectLockMode", "InvalidRequest"}}) {
    Bytes body("x");
    Value input = object("k");
    EXPECT_EQ(error("PutObject",
                    input.set(member, member == "ServerSideEncryption" ? "aws:kms:dsse"
                                      : member == "ObjectLockMode"     ? "GOVERNANCE"
                                                                       : "x"),
                    &body),
              code)
        << member;
  }
  EXPECT_EQ(
      error("PutBucketVersioning", bucket().set("VersioningConfiguration", Value::map({{"MFADelete", "Enabled"}}))),
      "NotImplemented");
  EXPECT_EQ(error("GetBucketPolicy", bucket()), "NoSuchBucketPolicy");
  EXPECT_EQ(error("HeadObject", object(std::string(1025, 'k'))), "KeyTooLongError");
}

TEST_F(S3Test, CreatingBucketsAgainAndElsewhere) {
  EXPECT_EQ(error("CreateBucket", bucket()), "");
  region = "eu-west-1";
  EXPECT_EQ(error("CreateBucket", bucket()), "IllegalLocationConstraintException");
  auto at = [&](const char* name, const char* where) {
    return Value::map({{"Bucket", name}, {"CreateBucketConfiguration", Value::map({{"LocationConstraint", where}})}});
  };
  EXPECT_EQ(error("CreateBucket", at("lake-us", "us-west-2")), "IllegalLocationConstraintException");
  EXPECT_EQ(error("CreateBucket", at("eu", "eu-west-1")), "InvalidBucketName");
  EXPECT_EQ(error("CreateBucket", at("lake-eu", "eu-west-1")), "");
  EXPECT_EQ(error("CreateBucket", at("lake-eu", "eu-west-1")), "BucketAlreadyOwnedByYou");
  EXPECT_EQ(call("GetBucketLocation", Value::map({{"Bucket", "lake-eu"}})).at("LocationConstraint"),
            Value("eu-west-1"));
}

TEST_F(S3Test, ListingsPageThroughKeysAndPrefixes) {
  for (const char* key : {"a/1", "a/2", "b", "c d/1", "e"}) put(key, "x");
  std::vector<std::string> seen;
  Value input = bucket();
  input.set("MaxKeys", 2).set("Delimiter", "/").set("EncodingType", "url");
  while (true) {
    Value page = call("ListObjectsV2", input);
    for (const Value& o : page.at("Contents").as_list()) seen.push_back(o.at("Key").as_string());
    for (const Value& p : page.at("CommonPrefixes").as_list()) seen.push_back(p.at("Prefix").as_string());
    if (!page.at("IsTruncated").as_bool()) break;
    input.set("ContinuationToken", page.at("NextContinuationToken"));
  }
  EXPECT_THAT(seen, testing::UnorderedElementsAre("a/", "b", "c%20d/", "e"));
  EXPECT_EQ(error("ListObjectsV2", bucket().set("ContinuationToken", "junk!")), "InvalidArgument");
  EXPECT_EQ(error("ListObjects", bucket().set("MaxKeys", -1)), "InvalidArgument");
  EXPECT_EQ(call("ListObjectsV2", bucket().set("MaxKeys", 0)).at("KeyCount"), Value(0));
  EXPECT_EQ(call("ListObjects", bucket().set("Marker", "b")).at("Contents").as_list().size(), 2u);
}

TEST_F(S3Test, CopiesFollowTheirDirectives) {
  put("from", "bytes",
      Value::map({{"Metadata", Value::map({{"a", "1"}})}, {"Tagging", "t=1"}, {"StorageClass", "STANDARD_IA"}}));
  auto copy = [&](const std::string& to, Value more = Value::map()) {
    more.set("Bucket", "lake").set("Key", to).set("CopySource", "lake/from");
    return call("CopyObject", more);
  };
  copy("to");
  EXPECT_EQ(get("to"), "bytes");
  EXPECT_EQ(output.at("Metadata").at("a"), Value("1"));
  EXPECT_EQ(output.at("TagCount"), Value(1));
  EXPECT_EQ(output.find("StorageClass"), nullptr);  // the source's is not taken over
  copy("to", Value::map({{"MetadataDirective", "REPLACE"}, {"ContentType", "x/y"}}));
  get("to");
  EXPECT_EQ(output.find("Metadata"), nullptr);
  EXPECT_EQ(output.at("ContentType"), Value("x/y"));
  EXPECT_EQ(output.at("TagCount"), Value(1));
  EXPECT_EQ(code_of([&] { copy("from"); }), "InvalidRequest");
  EXPECT_EQ(code_of([&] { copy("from", Value::map({{"MetadataDirective", "REPLACE"}})); }), "");
  EXPECT_EQ(code_of([&] { copy("to", Value::map({{"CopySourceIfMatch", "\"x\""}})); }), "PreconditionFailed");
  Value made = copy("sum", Value::map({{"ChecksumAlgorithm", "CRC32"}})).at("CopyObjectResult");
  EXPECT_EQ(made.at("ChecksumCRC32"), Value("sZlDzg=="));
}

TEST_F(S3Test, MultipartUploads) {
  Value target = object("m");
  target.set("UploadId", call("CreateMultipartUpload", object("m")).at("UploadId"));
  Value parts = Value::list();
  const std::string first(5 << 20, 'a'), second = "tail";
  int64_t number = 1;
  for (const std::string& bytes : {first, second}) {
    Bytes body(bytes);
    Value part = call("UploadPart", Value(target).set("PartNumber", number), &body);
    parts.push_back(Value::map({{"PartNumber", number++}, {"ETag", part.at("ETag")}}));
  }
  Value complete = Value(target).set("MultipartUpload", Value::map({{"Parts", parts}}));
  EXPECT_EQ(error("CompleteMultipartUpload", Value(complete).set("MpuObjectSize", 1)), "InvalidRequest");
  EXPECT_EQ(error("CompleteMultipartUpload", target), "MalformedXML");
  EXPECT_THAT(call("CompleteMultipartUpload", complete).at("ETag").as_string(), HasSubstr("-2\""));
  EXPECT_TRUE(get("m") == first + second);
  EXPECT_EQ(get("m", Value::map({{"PartNumber", 2}})), second);
  EXPECT_EQ(output.at("PartsCount"), Value(2));
  EXPECT_EQ(error("GetObject", object("m").set("PartNumber", 3)), "InvalidPartNumber");
  EXPECT_EQ(error("UploadPart", Value(target).set("PartNumber", 1)), "NoSuchUpload");
  EXPECT_EQ(
      error("CreateMultipartUpload", object("m").set("ChecksumAlgorithm", "SHA256").set("ChecksumType", "FULL_OBJECT")),
      "InvalidRequest");
}

TEST_F(S3Test, UploadsAreListedWithPrefixes) {
  for (const char* key : {"a/1", "a/2", "b", "c"}) call("CreateMultipartUpload", object(key));
  Value page = call("ListMultipartUploads", bucket().set("Delimiter", "/").set("MaxUploads", 2));
  EXPECT_EQ(page.at("CommonPrefixes").as_list().size(), 1u);
  EXPECT_EQ(page.at("Uploads").as_list().size(), 1u);
  ASSERT_TRUE(page.at("IsTruncated").as_bool());
  page = call("ListMultipartUploads", bucket()
                                          .set("Delimiter", "/")
                                          .set("KeyMarker", page.at("NextKeyMarker"))
                                          .set("UploadIdMarker", page.at("NextUploadIdMarker")));
  EXPECT_EQ(page.at("CommonPrefixes").as_list().size(), 0u);
  ASSERT_EQ(page.at("Uploads").as_list().size(), 1u);
  EXPECT_EQ(page.at("Uploads").as_list()[0].at("Key"), Value("c"));
}

TEST_F(S3Test, DeletingManyTellsEachFate) {
  put("a", "x");
  put("b", "x");
  Value objects =
      Value::list({Value::map({{"Key", "a"}}), Value::map({{"Key", "absent"}}),
                   Value::map({{"Key", "b"}, {"ETag", "\"other\""}}), Value::map({{"Key", "b"}, {"VersionId", "v1"}})});
  Value out = call("DeleteObjects", bucket().set("Delete", Value::map({{"Objects", objects}})));
  EXPECT_EQ(out.at("Deleted").as_list().size(), 2u);
  ASSERT_EQ(out.at("Errors").as_list().size(), 2u);
  EXPECT_EQ(out.at("Errors").as_list()[0].at("Code"), Value("PreconditionFailed"));
  EXPECT_EQ(out.at("Errors").as_list()[1].at("Code"), Value("InvalidArgument"));
  EXPECT_EQ(get("b"), "x");
  EXPECT_EQ(error("DeleteObjects", bucket().set("Delete", Value::map({{"Objects", Value::list()}}))), "MalformedXML");
}

TEST_F(S3Test, SettingsThatAreStoredComeBack) {
  EXPECT_EQ(error("GetBucketTagging", bucket()), "NoSuchTagSet");
  Value tags = Value::map({{"TagSet", Value::list({Value::map({{"Key", "a"}, {"Value", "1"}})})}});
  call("PutBucketTagging", bucket().set("Tagging", tags));
  EXPECT_EQ(call("GetBucketTagging", bucket()).at("TagSet"), tags.at("TagSet"));
  Value block = call("GetPublicAccessBlock", bucket()).at("PublicAccessBlockConfiguration");
  EXPECT_TRUE(block.at("BlockPublicAcls").as_bool());
  call("PutPublicAccessBlock",
       bucket().set("PublicAccessBlockConfiguration", Value::map({{"BlockPublicPolicy", true}})));
  block = call("GetPublicAccessBlock", bucket()).at("PublicAccessBlockConfiguration");
  EXPECT_FALSE(block.at("BlockPublicAcls").as_bool());
  EXPECT_TRUE(block.at("BlockPublicPolicy").as_bool());
  call("DeletePublicAccessBlock", bucket());
  EXPECT_EQ(error("GetPublicAccessBlock", bucket()), "NoSuchPublicAccessBlockConfiguration");
}

}  // namespace
}  // namespace tarn::gateway::s3
