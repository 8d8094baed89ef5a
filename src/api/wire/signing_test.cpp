#include "api/wire/signing.hpp"

#include <gtest/gtest.h>

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"

namespace tarn::api {
namespace {

const Credentials example{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};

// The example "GET Object" of "Authenticating Requests: Using the Authorization Header".
TEST(Signing, GivesWhatAwsSaysItGives) {
  WireRequest request{"GET", "/test.txt", "", {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}}, ""};
  const auto at = parse_basic_iso8601("20130524T000000Z");
  ASSERT_TRUE(at);
  const std::string empty = hex_encode(digest(DigestKind::sha256, ""));
  const std::string signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
  for (int attempt = 0; attempt < 2; attempt++) {  // one that is sent again is signed again
    sign(request, example, "us-east-1", "s3", empty, *at);
    ASSERT_TRUE(request.header("Authorization"));
    EXPECT_TRUE(request.header("Authorization")
                    ->ends_with("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=" + signature))
        << *request.header("Authorization");
  }
}

TEST(Signing, NamesTheTokenOfASession) {
  WireRequest request{"GET", "/", "", {{"Host", "h"}}, ""};
  Credentials temporary = example;
  temporary.session_token = "token";
  sign(request, temporary, "us-east-1", "s3", "UNSIGNED-PAYLOAD", Time{});
  EXPECT_NE(request.header("Authorization")->find("x-amz-security-token"), std::string::npos);
  EXPECT_EQ(*request.header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
}

}  // namespace
}  // namespace tarn::api
