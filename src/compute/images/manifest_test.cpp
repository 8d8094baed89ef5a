#include "compute/images/manifest.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "compute/images/lifecycle_policy.hpp"

namespace tarn::compute {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

TEST(ImageReference, OfEveryForm) {
  auto r = parse_image_reference("000000000000.dkr.ecr.us-east-1.amazonaws.com/team/app:v1").value();
  EXPECT_EQ(r.account + " " + r.region + " " + r.repository + " " + r.tag, "000000000000 us-east-1 team/app v1");
  r = parse_image_reference("111111111111.dkr.ecr.cn-north-1.localhost:4566/app@" + digest).value();
  EXPECT_EQ(r.account + " " + r.region + " " + r.repository + " " + r.tag + r.digest,
            "111111111111 cn-north-1 app " + digest);
  r = parse_image_reference("127.0.0.1:4566/app").value();
  EXPECT_EQ(r.account + r.region + r.repository + ":" + r.tag, "app:latest");
  r = parse_image_reference("localhost/a/b:t@" + digest).value();
  EXPECT_EQ(r.repository + ":" + r.tag + "@" + r.digest, "a/b:t@" + digest);
  for (const char* none :
       {"", "app", "app:v1", "team/app", "/app", "localhost:1/", "localhost:1/a:", "localhost/a@sha256:1"})
    EXPECT_FALSE(parse_image_reference(none)) << none;
}

TEST(Manifest, ReadsImagesAndIndexes) {
  const std::string blob =
      R"({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 7, "digest": ")" + digest + "\"}";
  const std::string config =
      R"({"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": ")" + digest + "\"}";
  const std::string foreign =
      R"({"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": 9, "digest": ")" + digest +
      "\"}";
  Manifest m =
      parse_manifest(R"({"schemaVersion": 2, "config": )" + config + R"(, "layers": [)" + blob + "," + foreign + "]}",
                     oci_manifest_type);
  EXPECT_FALSE(m.is_index());
  EXPECT_EQ(m.layers.size(), 1u);
  EXPECT_EQ(m.size_bytes(), 9u);
  m = parse_manifest(R"({"schemaVersion": 2, "manifests": [)" + blob + "]}", "");
  EXPECT_TRUE(m.is_index());
  EXPECT_EQ(m.media_type, oci_index_type);
}

TEST(Manifest, RefusesWhatIsNone) {
  for (const char* text : {"", "[]", "{", R"({"schemaVersion": 1})", R"({"schemaVersion": 2})",
                           R"({"schemaVersion": 2, "mediaType": "text/plain"})", R"({"schemaVersion": 2, "config": 3})",
                           R"({"schemaVersion": 2, "manifests": 1})",
                           R"({"schemaVersion": 2, "manifests": [{"digest": "sha256:1", "size": 1}]})"})
    EXPECT_THROW(parse_manifest(text, ""), Error) << text;
}

// ---- lifecycle policies ----

std::string expired(const std::string& rules, const std::vector<ImageAge>& images, int now_days) {
  const std::string policy = R"({"rules": [)" + rules + "]}";
  check_image_lifecycle_policy(policy);
  std::string out;
  for (const ExpiringImage& e : expiring_images(policy, images, Time(std::chrono::days(now_days))))
    out += e.digest + std::to_string(e.rule_priority) + " ";
  return out;
}

std::string rule(int priority, const std::string& selection) {
  return R"({"rulePriority": )" + std::to_string(priority) + R"(, "selection": {)" + selection +
         R"(}, "action": {"type": "expire"}})";
}

TEST(ImageLifecyclePolicy, LetsGoWhatItsRulesSelect) {
  auto day = [](int d) { return Time(std::chrono::days(d)); };
  const std::vector<ImageAge> images = {{"a", {"prod-1"}, day(1)}, {"b", {"prod-2", "beta"}, day(2)},
                                        {"c", {}, day(3)},         {"d", {"dev-1"}, day(4)},
                                        {"e", {}, day(20)},        {"f", {"dev-2"}, day(20)}};
  const std::string old = R"("countType": "sinceImagePushed", "countUnit": "days", "countNumber": 10)";
  const std::string newest = R"("countType": "imageCountMoreThan", "countNumber": 1)";
  EXPECT_EQ(expired(rule(1, R"("tagStatus": "untagged", )" + old), images, 21), "c1 ");
  EXPECT_EQ(expired(rule(1, R"("tagStatus": "untagged", )" + old), images, 13), "");
  EXPECT_EQ(expired(rule(1, R"("tagStatus": "tagged", "tagPrefixList": ["prod-"], )" + newest), images, 21), "a1 ");
  EXPECT_EQ(expired(rule(1, R"("tagStatus": "tagged", "tagPrefixList": ["prod-", "be"], )" + old), images, 21), "b1 ");
  EXPECT_EQ(expired(rule(1, R"("tagStatus": "tagged", "tagPatternList": ["*-1"], )" + old), images, 21), "d1 a1 ");
  // What a rule of higher precedence selects, no other lets go; but others count it.
  EXPECT_EQ(expired(rule(2, R"("tagStatus": "any", )" + newest) + "," +
                        rule(1, R"("tagStatus": "tagged", "tagPrefixList": ["prod"], )" + newest),
                    images, 21),
            "a1 f2 d2 c2 ");
}

TEST(ImageLifecyclePolicy, RefusesWhatIsNone) {
  const std::string good = R"("tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1)";
  EXPECT_NO_THROW(check_image_lifecycle_policy(R"({"rules": [)" + rule(1, good) + "]}"));
  for (const std::string& rules :
       {std::string(), rule(0, good), rule(1, good) + "," + rule(1, good),
        rule(1, good) + "," +
            rule(2, R"("tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1)"),
        rule(1, R"("tagStatus": "tagged", "countType": "imageCountMoreThan", "countNumber": 1)"),
        rule(1, R"("tagStatus": "any", "countType": "sinceImagePushed", "countNumber": 1)"),
        rule(1, good + R"(, "more": 1)")})
    EXPECT_THROW(check_image_lifecycle_policy(R"({"rules": [)" + rules + "]}"), Error) << rules;
}

}  // namespace
}  // namespace tarn::compute
