#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.hpp"
#include "govern/identities.hpp"
#include "govern/policy.hpp"

namespace tarn::govern {
namespace {

TEST(Policy, GoodOnesPass) {
  check_policy(R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})",
               PolicyKind::identity);
  check_policy(
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]})",
      PolicyKind::trust);
}

TEST(Policy, BadOnesAreNamed) {
  for (const char* text :
       {"", "[]", "{}", R"({"Statement":[]})", R"({"Statement":[{"Effect":"Allow"}]})",
        R"({"Statement":[{"Effect":"Perhaps","Action":"s3:*","Resource":"*"}]})",
        R"({"Statement":[{"Effect":"Allow","Action":"s3","Resource":"*"}]})",
        R"({"Version":"2020-01-01","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]})",
        R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]})"}) {
    try {
      check_policy(text, PolicyKind::identity);
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), "MalformedPolicyDocument");
    }
  }
  EXPECT_THROW(
      check_policy(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]})",
                   PolicyKind::trust),
      Error);
}

TEST(Identities, AnAssumedRoleIsFoundByItsKey) {
  std::string folder = testing::TempDir() + "/identities_" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  {
    ManualClock clock(Time{} + std::chrono::hours(1000));
    SeededRandom random(1);
    auto metadata = meta::open_sqlite(folder + "/m.db", clock);
    Identities identities(*metadata, clock, random);
    auto issued = identities.assume_role("arn:aws:iam::123456789012:role/service/Etl", "run-1", 900);
    auto found = identities.find(issued.access_key_id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->principal.arn, "arn:aws:sts::123456789012:assumed-role/Etl/run-1");
    EXPECT_EQ(found->secret_access_key, issued.secret_access_key);
    EXPECT_EQ(found->expires, clock.now() + std::chrono::seconds(900));
    EXPECT_TRUE(metadata->changes(0, 10).empty()) << "secrets do not go into the log of changes";
    EXPECT_THROW(identities.assume_role("arn:aws:iam::1:role/x", "s", 900), Error);
    EXPECT_FALSE(identities.find("AKIANOBODY"));
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tarn::govern
