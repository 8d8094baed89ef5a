#include "store/notifications.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace tarn::store {
namespace {

TEST(NotificationRules, EventsAndKeys) {
  EXPECT_TRUE(names_event("s3:ObjectCreated:*", "ObjectCreated:Put"));
  EXPECT_TRUE(names_event("s3:LifecycleTransition", "LifecycleTransition"));
  EXPECT_FALSE(names_event("s3:ObjectCreated:Put", "ObjectCreated:Post"));
  EXPECT_FALSE(names_event("s3:ObjectCreated:*", "ObjectRemoved:Delete"));
  const NotificationRules rules(parse_json(
      R"({"QueueConfigurations":[{"Id":"q","QueueArn":"arn:aws:sqs:us-east-1:1:q","Events":["s3:ObjectCreated:*"],
          "Filter":{"Key":{"FilterRules":[{"Name":"Prefix","Value":"in/"},{"Name":"suffix","Value":".csv"}]}}}]})"));
  ASSERT_EQ(rules.rules.size(), 1u);
  EXPECT_FALSE(rules.to_event_bus);
  EXPECT_TRUE(rules.any("ObjectCreated:Put", "in/a.csv"));
  EXPECT_FALSE(rules.any("ObjectCreated:Put", "in/a.json"));
  EXPECT_FALSE(rules.any("ObjectRemoved:Delete", "in/a.csv"));
  EXPECT_TRUE(NotificationRules(parse_json(R"({"EventBridgeConfiguration":{}})")).any("ObjectTagging:Put", "k"));
}

TEST(Notifications, Messages) {
  ObjectEvent event;
  event.name = "ObjectCreated:Put";
  event.time = *parse_iso8601("2026-01-01T00:00:00.123Z");
  event.bucket = "lake";
  event.bucket_account = "000000000000";
  event.region = "us-east-1";
  event.key = "a b/c+d";
  event.etag = "abc";
  event.size_bytes = 5;
  event.sequencer = 0x1f;
  event.source_ip = "127.0.0.1";
  const Value record = parse_json(event_message(event, "q")).at("Records").as_list()[0];
  EXPECT_EQ(record.string_or("eventName"), "ObjectCreated:Put");
  EXPECT_EQ(record.string_or("eventTime"), "2026-01-01T00:00:00.123Z");
  EXPECT_EQ(record.at("s3").at("object").string_or("key"), "a+b/c%2Bd");
  EXPECT_EQ(record.at("s3").at("object").int_or("size"), 5);
  EXPECT_EQ(record.at("s3").at("object").string_or("sequencer"), "00000000000000001F");
  EXPECT_EQ(record.at("s3").at("object").find("versionId"), nullptr);
  const Value entry = parse_json(event_bus_entry(event));
  EXPECT_EQ(entry.string_or("DetailType"), "Object Created");
  const Value detail = parse_json(entry.string_or("Detail"));
  EXPECT_EQ(detail.string_or("reason"), "PutObject");
  EXPECT_EQ(detail.at("object").string_or("key"), "a b/c+d");
}

}  // namespace
}  // namespace tarn::store
