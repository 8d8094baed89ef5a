#include "govern/policy_decision.hpp"

#include <gtest/gtest.h>

namespace tarn::govern {
namespace {

const PolicyRequest from_lake{
    "s3.amazonaws.com",
    "sqs:SendMessage",
    "arn:aws:sqs:us-east-1:000000000000:q",
    {{"aws:sourcearn", "arn:aws:s3:::lake"}, {"aws:sourceaccount", "000000000000"}, {"aws:securetransport", "true"}}};

bool lets(const std::string& members) {
  return policy_allows(
      R"({"Statement":[{"Effect":"Allow","Action":"SQS:SendMessage","Resource":"*",)" + members + "}]}", from_lake);
}

TEST(PolicyDecision, AServiceIsLetInByName) {
  EXPECT_TRUE(lets(R"("Principal":{"Service":"s3.amazonaws.com"})"));
  EXPECT_TRUE(lets(R"("Principal":{"Service":["sns.amazonaws.com","s3.amazonaws.com"]})"));
  EXPECT_TRUE(lets(R"("Principal":"*")"));
  EXPECT_TRUE(lets(R"("Principal":{"AWS":"*"})"));
  EXPECT_FALSE(lets(R"("Principal":{"Service":"sns.amazonaws.com"})"));
  EXPECT_FALSE(lets(R"("Principal":{"AWS":"000000000000"})"));
  EXPECT_FALSE(lets(R"("Sid":"nobody")"));
}

TEST(PolicyDecision, ConditionsAreAboutWhomItActsFor) {
  auto on = [](const std::string& condition) { return lets(R"("Principal":"*","Condition":)" + condition); };
  EXPECT_TRUE(on(R"({"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:lake"}})"));
  EXPECT_TRUE(on(R"({"ArnEquals":{"AWS:SourceArn":["arn:aws:s3:::other","arn:aws:s3:::lake"]}})"));
  EXPECT_TRUE(on(R"({"StringEquals":{"aws:SourceAccount":"000000000000"},"Bool":{"aws:SecureTransport":true}})"));
  EXPECT_TRUE(on(R"({"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}})"));
  EXPECT_FALSE(on(R"({"ArnLike":{"aws:SourceArn":"arn:aws:s3:::lak"}})"));
  EXPECT_FALSE(on(R"({"StringEquals":{"aws:SourceAccount":"000000000000","AWS:SourceOwner":"000000000000"}})"));
  EXPECT_FALSE(on(R"({"StringNotEquals":{"aws:SourceAccount":"000000000000"}})"));
  EXPECT_TRUE(on(R"({"StringNotLike":{"aws:SourceAccount":"1*"}})"));
  EXPECT_FALSE(on(R"({"NumericEquals":{"aws:SourceAccount":"000000000000"}})"));
  EXPECT_FALSE(on(R"({"Null":{"aws:SourceArn":"true"}})"));
}

TEST(PolicyDecision, ADenialOutweighsEveryPermission) {
  const std::string allow = R"({"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"})";
  EXPECT_TRUE(policy_allows(R"({"Statement":)" + allow + "}", from_lake));
  EXPECT_FALSE(policy_allows(
      R"({"Statement":[)" + allow +
          R"(,{"Effect":"Deny","Principal":"*","Action":"sqs:Send*","NotResource":"arn:aws:sqs:*:*:other"}]})",
      from_lake));
  EXPECT_TRUE(policy_allows(
      R"({"Statement":[)" + allow + R"(,{"Effect":"Deny","Principal":"*","NotAction":"sqs:*","Resource":"*"}]})",
      from_lake));
}

TEST(PolicyDecision, WhatCantBeToldDenies) {
  auto denied_on = [](const std::string& condition) {
    return !policy_allows(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},)"
                          R"({"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":)" +
                              condition + "}]}",
                          from_lake);
  };
  EXPECT_TRUE(denied_on(R"({"IpAddress":{"aws:SourceArn":"10.0.0.0/8"}})"));
  EXPECT_TRUE(denied_on(R"({"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}})"));
  EXPECT_FALSE(denied_on(R"({"Bool":{"aws:SecureTransport":"false"}})"));
  EXPECT_FALSE(denied_on(R"({"StringEquals":{"aws:PrincipalOrgID":"o-1"}})"));
}

TEST(PolicyDecision, AnybodyIsNoService) {
  PolicyRequest anybody = from_lake;
  anybody.service.clear();
  EXPECT_TRUE(
      policy_allows(R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}})", anybody));
  EXPECT_FALSE(policy_allows(
      R"({"Statement":{"Effect":"Allow","Principal":{"Service":["","s3.amazonaws.com"]},"Action":"*","Resource":"*"}})",
      anybody));
}

TEST(PolicyDecision, NoPolicyLetsNobody) {
  for (const char* text : {"", "{", "[]", "{}", R"({"Statement":1})", R"({"Statement":["x"]})"})
    EXPECT_FALSE(policy_allows(text, from_lake)) << text;
}

}  // namespace
}  // namespace tarn::govern
