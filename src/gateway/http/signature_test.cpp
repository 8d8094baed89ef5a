#include "gateway/http/signature.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "gateway/http/canonical.hpp"

namespace tarn::gateway {
namespace {

constexpr const char* key_id = "AKIAIOSFODNN7EXAMPLE";
constexpr const char* secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr const char* empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

class SignatureTest : public testing::Test {
 protected:
  SignatureTest() {
    issued.principal = govern::Identities::root_of("123456789012");
    issued.secret_access_key = secret;
  }

  Authenticator authenticator(AuthMode mode) {
    return Authenticator(
        mode, "000000000000",
        [this](std::string_view id) { return id == key_id ? std::optional(issued) : std::nullopt; }, clock, clock);
  }

  std::string code(const api::WireRequest& request, AuthMode mode = AuthMode::strict, const char* service = "s3") {
    try {
      authenticator(mode).authenticate(request, *api::find_service(service), nullptr);
      return "";
    } catch (const Error& error) {
      return error.code();
    }
  }

  // Signs as a client does, with the same parts that the server reads.
  api::WireRequest sign(api::WireRequest request, const char* service, const std::string& payload_hash,
                        const char* with = secret) {
    const std::string now = format_basic_iso8601(clock.now());
    request.headers.emplace_back("X-Amz-Date", now);
    SignatureParts parts;
    parts.access_key_id = key_id;
    parts.date = now.substr(0, 8);
    parts.region = "eu-west-1";
    parts.service = service;
    parts.timestamp = now;
    std::string names;
    for (const auto& [name, value] : request.headers) {
      std::string lower = name;
      for (char& c : lower) c = static_cast<char>(std::tolower(c));
      parts.signed_headers.push_back(lower);
    }
    std::sort(parts.signed_headers.begin(), parts.signed_headers.end());
    for (const auto& name : parts.signed_headers) names += (names.empty() ? "" : ";") + name;
    const std::string canonical = canonical_request(request, parts, std::string_view(service) != "s3", payload_hash);
    parts.signature = hex_encode(hmac_sha256(signing_key(with, parts), string_to_sign(parts, canonical)));
    request.headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=" + parts.access_key_id + "/" +
                                                      parts.scope() + ", SignedHeaders=" + names +
                                                      ", Signature=" + parts.signature);
    return request;
  }

  api::WireRequest glue(std::string body = "{}") {
    api::WireRequest request{
        "POST", "/", "", {{"Host", "localhost"}, {"X-Amz-Target", "AWSGlue.GetTables"}}, std::move(body)};
    return request;
  }

  ManualClock clock{*parse_basic_iso8601("20130524T000000Z")};
  govern::Credential issued;
};

// The examples of "Signature Calculations for the Authorization Header" and "Authenticating Requests: Using Query
// Parameters".
TEST_F(SignatureTest, DocumentedHeader) {
  api::WireRequest request{"GET",
                           "/test.txt",
                           "",
                           {{"Host", "examplebucket.s3.amazonaws.com"},
                            {"Range", "bytes=0-9"},
                            {"x-amz-content-sha256", empty_hash},
                            {"x-amz-date", "20130524T000000Z"},
                            {"Authorization",
                             "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                             "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                             "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"}},
                           ""};
  Authenticated who = authenticator(AuthMode::strict).authenticate(request, *api::find_service("s3"), nullptr);
  EXPECT_TRUE(who.verified);
  EXPECT_EQ(who.principal.account, "123456789012");
  EXPECT_EQ(who.region, "us-east-1");
  EXPECT_EQ(who.payload_sha256, empty_hash);
  request.headers[1].second = "bytes=0-10";
  EXPECT_EQ(code(request), "SignatureDoesNotMatch");
}

TEST_F(SignatureTest, DocumentedPresignedUrl) {
  api::WireRequest request{
      "GET",
      "/test.txt",
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
      "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
      {{"Host", "examplebucket.s3.amazonaws.com"}},
      ""};
  EXPECT_EQ(code(request), "");
  clock.advance(std::chrono::hours(24));
  EXPECT_EQ(code(request), "");
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(code(request), "AccessDenied");
  EXPECT_EQ(code(request, AuthMode::dev), "AccessDenied");
  std::string& query = request.query;
  query.replace(query.find("86400"), 5, "604801");
  EXPECT_EQ(code(request), "AuthorizationQueryParametersError");
}

// The example of "Signing and authenticating REST requests (AWS signature version 2)", query form.
TEST_F(SignatureTest, VersionTwoPresignedUrl) {
  api::WireRequest request{
      "GET",
      "/photos/puppy.jpg",
      "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620",
      {{"Host", "johnsmith.us-west-1.s3.amazonaws.com"}},
      ""};
  ManualClock then{Time(std::chrono::seconds(1175139000))};
  Authenticator a(
      AuthMode::strict, "000000000000", [this](std::string_view) { return std::optional(issued); }, then, then);
  EXPECT_TRUE(a.authenticate(request, *api::find_service("s3"), nullptr, "johnsmith").verified);
  EXPECT_THROW(a.authenticate(request, *api::find_service("s3"), nullptr, "another"), Error);
  then.advance(std::chrono::seconds(700));
  EXPECT_THROW(a.authenticate(request, *api::find_service("s3"), nullptr, "johnsmith"), Error);
  request.query.clear();
  request.headers.emplace_back("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:abc");
  EXPECT_EQ(code(request), "InvalidRequest");
}

TEST_F(SignatureTest, TheBodyIsPartOfTheSignature) {
  api::WireRequest request = sign(glue(), "glue", hex_encode(digest(DigestKind::sha256, "{}")));
  EXPECT_EQ(code(request, AuthMode::strict, "glue"), "");
  request.body = "{ }";
  EXPECT_EQ(code(request, AuthMode::strict, "glue"), "InvalidSignatureException");
}

TEST_F(SignatureTest, EachFamilyHasItsWords) {
  const std::string hash = hex_encode(digest(DigestKind::sha256, "{}"));
  EXPECT_EQ(code(sign(glue(), "glue", hash, "wrong"), AuthMode::strict, "glue"), "InvalidSignatureException");
  EXPECT_EQ(code(sign(glue(), "athena", hash), AuthMode::strict, "glue"), "InvalidSignatureException");
  EXPECT_EQ(code(glue(), AuthMode::strict, "glue"), "MissingAuthenticationTokenException");
  EXPECT_EQ(code(glue(), AuthMode::strict, "iam"), "MissingAuthenticationToken");
  EXPECT_EQ(code(glue(), AuthMode::strict, "s3"), "AccessDenied");
  api::WireRequest request = sign(glue(), "glue", hash);
  std::string& header = request.headers.back().second;
  header.replace(header.find(key_id), 4, "ASIA");
  EXPECT_EQ(code(request, AuthMode::strict, "glue"), "UnrecognizedClientException");
  EXPECT_EQ(code(request, AuthMode::strict, "sts"), "InvalidClientTokenId");
  EXPECT_EQ(code(request, AuthMode::strict, "s3"), "InvalidAccessKeyId");
  header = "AWS4-HMAC-SHA256 Credential=abc";
  EXPECT_EQ(code(request, AuthMode::strict, "glue"), "IncompleteSignatureException");
  EXPECT_EQ(code(request, AuthMode::strict, "iam"), "IncompleteSignature");
  EXPECT_EQ(code(request, AuthMode::strict, "s3"), "AuthorizationHeaderMalformed");
}

TEST_F(SignatureTest, OldAndFutureSignaturesAreRefused) {
  api::WireRequest request = sign(glue(), "glue", hex_encode(digest(DigestKind::sha256, "{}")));
  api::WireRequest s3{"GET", "/b", "", {{"Host", "localhost"}, {"x-amz-content-sha256", empty_hash}}, ""};
  s3 = sign(s3, "s3", empty_hash);
  clock.advance(std::chrono::minutes(15));
  EXPECT_EQ(code(request, AuthMode::strict, "glue"), "");
  EXPECT_EQ(code(s3), "");
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(code(request, AuthMode::strict, "glue"), "InvalidSignatureException");
  EXPECT_EQ(code(s3), "RequestTimeTooSkewed");
}

TEST_F(SignatureTest, HeadersThatAreNotSignedAreRefused) {
  api::WireRequest request{
      "PUT", "/b/k", "", {{"Host", "localhost"}, {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}}, ""};
  request = sign(request, "s3", "UNSIGNED-PAYLOAD");
  EXPECT_EQ(code(request), "");
  request.headers.emplace_back("x-amz-copy-source", "/secret/k");
  EXPECT_EQ(code(request), "AccessDenied");
}

TEST_F(SignatureTest, TemporaryCredentialsNeedTheirTokenAndExpire) {
  issued.session_token = "the-token";
  issued.expires = clock.now() + std::chrono::minutes(5);
  const std::string hash = hex_encode(digest(DigestKind::sha256, "{}"));
  EXPECT_EQ(code(sign(glue(), "glue", hash), AuthMode::strict, "glue"), "UnrecognizedClientException");
  api::WireRequest with_token = glue();
  with_token.headers.emplace_back("X-Amz-Security-Token", "the-token");
  with_token = sign(with_token, "glue", hash);
  EXPECT_EQ(code(with_token, AuthMode::dev, "glue"), "");
  clock.advance(std::chrono::minutes(5));
  EXPECT_EQ(code(with_token, AuthMode::dev, "glue"), "ExpiredTokenException");
  issued.active = false;
  EXPECT_EQ(code(with_token, AuthMode::dev, "glue"), "UnrecognizedClientException");
}

TEST_F(SignatureTest, DevelopersActAsRoot) {
  Authenticator dev = authenticator(AuthMode::dev);
  const auto& service = *api::find_service("glue");
  EXPECT_EQ(dev.authenticate(glue(), service, nullptr).principal.arn, "arn:aws:iam::000000000000:root");
  api::WireRequest request = glue();
  request.headers.emplace_back("Authorization",
                               "AWS4-HMAC-SHA256 Credential=111122223333/20130524/eu-west-1/glue/aws4_request, "
                               "SignedHeaders=host, Signature=0");
  request.headers.emplace_back("X-Amz-Date", "20130524T000000Z");
  Authenticated who = dev.authenticate(request, service, nullptr);
  EXPECT_EQ(who.principal.account, "111122223333");
  EXPECT_EQ(who.region, "eu-west-1");
  EXPECT_FALSE(who.verified);
  // A key that tarn issued is enforced in dev mode too.
  EXPECT_EQ(code(sign(glue(), "glue", "forged"), AuthMode::dev, "glue"), "InvalidSignatureException");
}

TEST_F(SignatureTest, OperationsWithoutSignatureAreOpenInStrictMode) {
  const auto& sts = *api::find_service("sts");
  const auto* open = api::find_operation(sts, "AssumeRoleWithWebIdentity");
  Authenticator strict = authenticator(AuthMode::strict);
  EXPECT_EQ(strict.authenticate(glue(), sts, open).principal.arn, "");
  EXPECT_THROW(strict.authenticate(glue(), sts, api::find_operation(sts, "GetCallerIdentity")), Error);
}

}  // namespace
}  // namespace tarn::gateway
