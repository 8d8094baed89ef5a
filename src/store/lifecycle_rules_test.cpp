#include "store/lifecycle_rules.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace tarn::store {
namespace {

using Action = LifecycleDecision::Action;

Time at(const char* text) {
  return *parse_iso8601(text);
}

LifecycleRules rules(const std::string& json) {
  return LifecycleRules(parse_json(R"({"Rules":[)" + json + "]}"));
}

LifecycleSubject object(std::string_view key, const char* written, uint64_t size = 1 << 20) {
  LifecycleSubject out;
  out.key = key;
  out.size_bytes = size;
  out.last_modified = at(written);
  return out;
}

TEST(LifecycleRules, DaysAreRoundedUpToMidnight) {
  EXPECT_EQ(lifecycle_due(at("2014-01-15T10:30:00Z"), 3), at("2014-01-19T00:00:00Z"));
  EXPECT_EQ(lifecycle_due(at("2014-01-15T00:00:00Z"), 1), at("2014-01-17T00:00:00Z"));
  const auto r = rules(R"({"ID":"a","Status":"Enabled","Filter":{"Prefix":"logs/"},"Expiration":{"Days":3}})");
  const auto o = object("logs/a", "2014-01-15T10:30:00Z");
  EXPECT_EQ(r.expiration(o)->at, at("2014-01-19T00:00:00Z"));
  EXPECT_EQ(r.expiration(o)->rule_id, "a");
  EXPECT_EQ(r.decide(o, at("2014-01-18T23:59:59Z")).action, Action::none);
  EXPECT_EQ(r.decide(o, at("2014-01-19T00:00:00Z")).action, Action::expire);
  EXPECT_FALSE(r.expiration(object("data/a", "2014-01-15T10:30:00Z")));
}

TEST(LifecycleRules, DisabledRulesDoNothing) {
  const auto r = rules(R"({"Status":"Disabled","Prefix":"","Expiration":{"Date":1}})");
  EXPECT_EQ(r.decide(object("a", "2014-01-15T10:30:00Z"), at("2030-01-01")).action, Action::none);
}

TEST(LifecycleRules, FiltersByTagAndSize) {
  const auto r = rules(
      R"({"Status":"Enabled","Filter":{"And":{"Prefix":"a","Tags":[{"Key":"k","Value":"v"}],"ObjectSizeGreaterThan":10,"ObjectSizeLessThan":20}},"Expiration":{"Days":1}})");
  const Time late = at("2030-01-01");
  const std::map<std::string, std::string> tags{{"k", "v"}}, others{{"k", "w"}};
  auto o = object("abc", "2014-01-15T10:30:00Z", 15);
  EXPECT_EQ(r.decide(o, late).action, Action::none);
  o.tags = &others;
  EXPECT_EQ(r.decide(o, late).action, Action::none);
  o.tags = &tags;
  EXPECT_EQ(r.decide(o, late).action, Action::expire);
  o.size_bytes = 10;
  EXPECT_EQ(r.decide(o, late).action, Action::none);
  o.size_bytes = 20;
  EXPECT_EQ(r.decide(o, late).action, Action::none);
  EXPECT_TRUE(r.looks_at_tags());
}

TEST(LifecycleRules, TransitionsGoDownToTheCheapestThatIsDue) {
  const auto r = rules(
      R"({"Status":"Enabled","Filter":{},"Transitions":[{"Days":30,"StorageClass":"STANDARD_IA"},{"Days":60,"StorageClass":"GLACIER"}]})");
  auto o = object("a", "2026-01-01T12:00:00Z");
  EXPECT_EQ(r.decide(o, at("2026-01-31T23:00:00Z")).action, Action::none);
  EXPECT_EQ(r.decide(o, at("2026-02-01T00:00:00Z")).storage_class, "STANDARD_IA");
  EXPECT_EQ(r.decide(o, at("2026-06-01")).storage_class, "GLACIER");
  o.storage_class = "DEEP_ARCHIVE";
  EXPECT_EQ(r.decide(o, at("2026-06-01")).action, Action::none);
}

TEST(LifecycleRules, SmallObjectsStayUnlessARuleNamesSizes) {
  const std::string transition = R"("Transitions":[{"Days":0,"StorageClass":"GLACIER"}])";
  const auto small = object("a", "2026-01-01T12:00:00Z", 1000);
  const Time late = at("2026-06-01");
  EXPECT_EQ(rules(R"({"Status":"Enabled","Filter":{},)" + transition + "}").decide(small, late).action, Action::none);
  EXPECT_EQ(rules(R"({"Status":"Enabled","Filter":{"ObjectSizeGreaterThan":1},)" + transition + "}")
                .decide(small, late)
                .action,
            Action::transition);
  const LifecycleRules varies(parse_json(R"({"Rules":[{"Status":"Enabled","Filter":{},)" + transition +
                                         R"(}],"TransitionDefaultMinimumObjectSize":"varies_by_storage_class"})"));
  EXPECT_EQ(varies.decide(small, late).action, Action::transition);
}

TEST(LifecycleRules, OldVersionsAndDeleteMarkers) {
  const auto r = rules(
      R"({"Status":"Enabled","Filter":{},"NoncurrentVersionExpiration":{"NoncurrentDays":2,"NewerNoncurrentVersions":1},"Expiration":{"ExpiredObjectDeleteMarker":true}})");
  auto old = object("a", "2026-01-01T12:00:00Z");
  EXPECT_EQ(r.decide(old, at("2030-01-01")).action, Action::none);
  old.noncurrent_since = at("2026-01-05T12:00:00Z");
  EXPECT_EQ(r.decide(old, at("2030-01-01")).action, Action::none);
  old.newer_noncurrent_versions = 1;
  EXPECT_EQ(r.decide(old, at("2026-01-07T12:00:00Z")).action, Action::none);
  EXPECT_EQ(r.decide(old, at("2026-01-08T00:00:00Z")).action, Action::expire);
  LifecycleSubject marker = object("a", "2026-01-01T12:00:00Z");
  marker.delete_marker = true;
  EXPECT_EQ(r.decide(marker, at("2026-01-02")).action, Action::none);
  marker.alone = true;
  EXPECT_EQ(r.decide(marker, at("2026-01-02")).action, Action::expire);
}

TEST(LifecycleRules, UploadsAreAborted) {
  const auto r = rules(
      R"({"ID":"u","Status":"Enabled","Filter":{"Prefix":"a"},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}})");
  EXPECT_EQ(r.abort_of_upload("abc", at("2026-01-01T12:00:00Z"))->at, at("2026-01-09T00:00:00Z"));
  EXPECT_FALSE(r.abort_of_upload("b", at("2026-01-01T12:00:00Z")));
}

}  // namespace
}  // namespace tarn::store
