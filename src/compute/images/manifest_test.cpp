#include "compute/images/manifest.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

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

}  // namespace
}  // namespace tarn::compute
