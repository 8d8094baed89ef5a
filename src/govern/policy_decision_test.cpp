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
  EXPECT_FALSE(on(R"({"BinaryEquals":{"aws:SourceAccount":"000000000000"}})"));
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

// ---- what an identity may do ----

Decision decided(const std::string& statement, const PolicyRequest& request) {
  const std::vector<std::string> policies{R"({"Statement":)" + statement + "}"};
  return decide(policies, request).decision;
}

TEST(PolicyDecision, OfAnIdentityDenialsWinAndSilenceDenies) {
  const PolicyRequest get{"", "s3:GetObject", "arn:aws:s3:::lake/a", {}};
  const std::vector<std::string> policies{R"({"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}})", "{",
                                          R"({"Statement":{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}})"};
  EXPECT_EQ(decide(policies, get).decision, Decision::allowed);
  EXPECT_EQ(decide(policies, get).matched, std::vector<std::size_t>{0});
  EXPECT_EQ(decide(policies, {"", "ec2:RunInstances", "*", {}}).decision, Decision::explicit_deny);
  EXPECT_EQ(decide(policies, {"", "s3:PutObject", "*", {}}).decision, Decision::implicit_deny);
  EXPECT_EQ(decide({}, get).decision, Decision::implicit_deny);
}

TEST(PolicyDecision, VariablesAreReplaced) {
  const std::string statement =
      R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::lake/${aws:username, 'all'}/*"})";
  EXPECT_EQ(decided(statement, {"", "s3:GetObject", "arn:aws:s3:::lake/ana/x", {{"aws:username", "ana"}}}),
            Decision::allowed);
  EXPECT_EQ(decided(statement, {"", "s3:GetObject", "arn:aws:s3:::lake/bob/x", {{"aws:username", "ana"}}}),
            Decision::implicit_deny);
  EXPECT_EQ(decided(statement, {"", "s3:GetObject", "arn:aws:s3:::lake/all/x", {}}), Decision::allowed);
  EXPECT_EQ(
      decided(R"({"Effect":"Allow","Action":"*","Resource":"a/${aws:username}"})", {"", "s3:GetObject", "a/", {}}),
      Decision::implicit_deny);
}

TEST(PolicyDecision, NumbersDatesAndSetsAreCompared) {
  auto on = [](const std::string& condition, const PolicyRequest& request) {
    return decided(R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":)" + condition + "}", request) ==
           Decision::allowed;
  };
  const PolicyRequest request{"",
                              "s3:ListBucket",
                              "*",
                              {{"s3:max-keys", "10"}, {"aws:currenttime", "2026-06-01T00:00:00Z"}},
                              {{"aws:tagkeys", {"a", "b"}}}};
  EXPECT_TRUE(on(R"({"NumericLessThanEquals":{"s3:max-keys":"10"}})", request));
  EXPECT_FALSE(on(R"({"NumericLessThan":{"s3:max-keys":"10"}})", request));
  EXPECT_FALSE(on(R"({"NumericNotEquals":{"s3:max-keys":"10"}})", request));
  EXPECT_FALSE(on(R"({"NumericEquals":{"s3:max-keys":"ten"}})", request));
  EXPECT_TRUE(on(R"({"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}})", request));
  EXPECT_FALSE(on(R"({"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}})", request));
  EXPECT_TRUE(on(R"({"ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c"]}})", request));
  EXPECT_FALSE(on(R"({"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}})", request));
  EXPECT_TRUE(on(R"({"ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}})", request));
  EXPECT_TRUE(on(R"({"ForAllValues:StringEquals":{"aws:Other":["a"]}})", request));
  EXPECT_FALSE(on(R"({"ForAnyValue:StringEquals":{"aws:Other":["a"]}})", request));
}

TEST(PolicyDecision, KeysOfConditionsAndVariablesAreTold) {
  EXPECT_EQ(
      condition_keys(
          R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"a/${aws:username}","Condition":{"StringLike":{"s3:prefix":"${*}"}}}})"),
      (std::set<std::string>{"aws:username", "s3:prefix"}));
  EXPECT_TRUE(condition_keys("{").empty());
}

}  // namespace
}  // namespace tarn::govern
