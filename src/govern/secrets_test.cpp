#include "govern/secrets.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "govern/parameters.hpp"
#include "govern/passwords.hpp"

namespace tarn::govern {
namespace {

namespace fs = std::filesystem;

class SecretsTest : public ::testing::Test {
 protected:
  SecretsTest() {
    fs::create_directories(folder_);
    metadata_ = meta::open_sqlite(folder_ + "/metadata.db", clock_, false);
    keys_ = std::make_unique<Keys>(
        *metadata_, KeyEncryptionKeys::load({}, folder_ + "/kek", KeyEncryptionKeys::OwnFile::may_be_new, random_),
        clock_, random_);
  }
  ~SecretsTest() override {
    keys_.reset();
    metadata_.reset();
    fs::remove_all(folder_);
  }

  SystemRandom random_;
  ManualClock clock_{Time(std::chrono::milliseconds(1'800'000'000'000))};
  std::string folder_ = (fs::temp_directory_path() / ("tarn_secrets_" + random_.hex(16))).string();
  std::unique_ptr<meta::Metadata> metadata_;
  std::unique_ptr<Keys> keys_;
  SecretScope scope_{"000000000000", "us-east-1"};
};

TEST_F(SecretsTest, ValuesThatNoVersionNamesAreForgotten) {
  Secrets secrets(*keys_);
  api::secretsmanager::CreateSecretRequest in;
  in.name = "s";
  in.secret_string = "0";
  secrets.create(scope_, "me", in);
  auto values = [&] { return metadata_->count("secretsmanager.value", ""); };
  EXPECT_EQ(values(), 1u);
  secrets.put_value(scope_, "me", "s", random_.uuid(), {false, "1"}, {});
  EXPECT_EQ(values(), 2u);
  const std::string key = keys_->create(scope_, "me", {}).metadata.key_id;
  secrets.update(scope_, "me", "s", std::nullopt, key);
  EXPECT_EQ(values(), 2u);
  EXPECT_EQ(secrets.value(scope_, "s", std::nullopt, "AWSPREVIOUS").value.bytes, "0");
  secrets.mark_deleted(scope_, "me", "s", clock_.now() + std::chrono::hours(1));
  clock_.advance(std::chrono::hours(2));
  EXPECT_TRUE(secrets.list(scope_).empty());
  secrets.list_all();
  EXPECT_EQ(values(), 0u);
  for (const auto& change : metadata_->changes(0, 100)) EXPECT_NE(change.kind, "secretsmanager.value");
}

TEST_F(SecretsTest, AParametersSealedValuesGoWithIt) {
  Parameters parameters(*keys_);
  api::ssm::PutParameterRequest in;
  in.name = "/a";
  in.value = "hush";
  in.type = "SecureString";
  in.overwrite = true;
  parameters.put(scope_, "me", in);
  parameters.put(scope_, "me", in);
  EXPECT_EQ(metadata_->count("ssm.sealed", ""), 2u);
  EXPECT_EQ(parameters.value(scope_, parameters.version(scope_, {"/a", "1", false}), true), "hush");
  EXPECT_TRUE(parameters.remove(scope_, "me", "/a"));
  EXPECT_EQ(metadata_->count("ssm.sealed", ""), 0u);
}

TEST(Passwords, EveryTypeIsThereAndNothingElse) {
  SeededRandom random(7);
  PasswordRules rules;
  rules.length = 4;
  for (int i = 0; i < 200; i++) {
    std::set<int> types;
    for (const char c : random_password(rules, random))
      types.insert(std::islower(c) ? 1 : std::isupper(c) ? 2 : std::isdigit(c) ? 3 : std::ispunct(c) ? 4 : 5);
    EXPECT_EQ(types, (std::set<int>{1, 2, 3, 4}));
  }
}

TEST(ParameterRules, References) {
  auto is = [](const char* text, const char* name, const char* selector, bool bare = false) {
    const auto r = parse_parameter_reference(text);
    EXPECT_EQ(r.name, name);
    EXPECT_EQ(r.selector, selector);
    EXPECT_EQ(r.maybe_bare, bare);
  };
  is("a", "a", "");
  is("/a/b:3", "/a/b", "3");
  is("arn:aws:ssm:us-east-1:000000000000:parameter/a/b:prod", "/a/b", "prod");
  is("arn:aws:ssm:us-east-1:000000000000:parameter/a", "/a", "", true);
  for (const char* bad : {"a:", "a:b:c", "arn:aws:sqs:us-east-1:000000000000:q"})
    EXPECT_THROW(parse_parameter_reference(bad), Error) << bad;
  EXPECT_TRUE(is_under_path("/a/b", "/a", false));
  EXPECT_TRUE(is_under_path("bare", "/", false));
  EXPECT_FALSE(is_under_path("/a/b/c", "/a/", false));
  EXPECT_FALSE(is_under_path("/ab/c", "/a", true));
  EXPECT_FALSE(is_under_path("/a", "/a", true));
}

}  // namespace
}  // namespace tarn::govern
