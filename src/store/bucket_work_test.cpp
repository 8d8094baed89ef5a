// What the store does by the settings of its buckets: lifecycle, the outbox, notifications, replication.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "base/json.hpp"
#include "store/lifecycle.hpp"
#include "store/notifications.hpp"
#include "store/replication.hpp"
#include "store/test_store.hpp"

namespace tarn::store {
namespace {

struct BucketWork : StoreTest {
  BucketWork() {
    clock.advance(std::chrono::duration_cast<milliseconds>(*parse_iso8601("2026-01-01T12:00:00Z") - clock.now()));
  }
  void make_bucket(const std::string& name, bool versioned = false) {
    BucketInfo bucket;
    bucket.name = name;
    bucket.account = "000000000000";
    bucket.region = "us-east-1";
    if (versioned) bucket.settings["versioning"] = Value::map({{"Status", "Enabled"}});
    store->create_bucket(bucket);
  }
  void set(const std::string& bucket, const std::string& name, const std::string& json) {
    store->change_bucket(bucket, [&](BucketInfo& info) { info.settings[name] = parse_json(json); });
  }
  void set_versioning(const std::string& bucket) { set(bucket, "versioning", R"({"Status":"Enabled"})"); }
  ObjectInfo put(const std::string& key, std::size_t size = 10, ObjectHeaders headers = {}) {
    auto writer = store->write(grant, "lake", key, std::move(headers));
    writer->append(std::string(size, 'x'));
    return writer->finish({});
  }
  Lifecycle::Pass pass() { return Lifecycle(*store, grant, clock).run_once(); }
  std::vector<std::string> keys(const std::string& bucket = "lake") {
    std::vector<std::string> out;
    for (const auto& object : store->list(grant, bucket, "", "", "", 1000).objects) out.push_back(object.key);
    return out;
  }
  std::size_t versions() { return store->list_versions(grant, "lake", "", "", "", "", 1000).versions.size(); }
  std::string status(const std::string& key, const std::string& bucket = "lake") {
    return replication_status(*store, grant, bucket, key, "");
  }
  std::vector<std::string> told(EventReader reader = EventReader::notifications) {
    std::vector<std::string> out;
    for (const auto& event : events_of(*store)->read(reader, 0, 1000)) out.push_back(event.name + " " + event.key);
    return out;
  }
  template <class F>
  static bool comes_true(F condition) {
    for (int i = 0; i < 500; i++) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return condition();
  }
};

using Strings = std::vector<std::string>;

TEST_F(BucketWork, ObjectsExpireAtMidnight) {
  set("lake", "lifecycle",
      R"({"Rules":[{"ID":"a","Status":"Enabled","Filter":{"Prefix":"logs/"},"Expiration":{"Days":1}}]})");
  put("logs/a");
  put("data/a");
  clock.advance(std::chrono::hours(35));
  EXPECT_EQ(pass().expired, 0u);
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(pass().expired, 1u);
  EXPECT_EQ(keys(), Strings{"data/a"});
}

TEST_F(BucketWork, TheClockStartsPasses) {
  set("lake", "lifecycle", R"({"Rules":[{"Status":"Enabled","Filter":{},"Expiration":{"Days":1}}]})");
  put("a");
  Lifecycle lifecycle(*store, grant, clock);
  lifecycle.start();
  EXPECT_EQ(keys(), Strings{"a"});
  EXPECT_TRUE(comes_true([&] {
    clock.advance(std::chrono::hours(24));
    return keys().empty();
  }));
}

TEST_F(BucketWork, ManyPagesOfObjectsAndTags) {
  set("lake", "lifecycle",
      R"({"Rules":[{"Status":"Enabled","Filter":{"Tag":{"Key":"k","Value":"v"}},"Expiration":{"Days":1}}]})");
  ObjectHeaders tagged;
  tagged.tags["k"] = "v";
  for (int i = 0; i < 2500; i++) put("k" + std::to_string(i), 1, i % 5 ? ObjectHeaders() : tagged);
  clock.advance(std::chrono::hours(72));
  const auto did = pass();
  EXPECT_EQ(did.versions, 2500u);
  EXPECT_EQ(did.expired, 500u);
  EXPECT_EQ(store->statistics().objects, 2000u);
}

TEST_F(BucketWork, VersionsBecomeOldAndGo) {
  set_versioning("lake");
  set("lake", "lifecycle",
      R"({"Rules":[{"Status":"Enabled","Filter":{},"Expiration":{"Days":10},"NoncurrentVersionExpiration":{"NoncurrentDays":1,"NewerNoncurrentVersions":1}}]})");
  for (int i = 0; i < 4; i++) put("a");
  clock.advance(std::chrono::hours(72));
  EXPECT_EQ(pass().expired, 2u);  // the latest and the newest of the old ones stay
  EXPECT_EQ(versions(), 2u);
  clock.advance(std::chrono::hours(24 * 10));
  EXPECT_EQ(pass().expired, 1u);  // covered by a delete marker
  EXPECT_TRUE(keys().empty());
  EXPECT_EQ(versions(), 3u);
  clock.advance(std::chrono::hours(72));
  EXPECT_EQ(pass().expired, 1u);  // one noncurrent version is kept
  EXPECT_EQ(versions(), 2u);
}

TEST_F(BucketWork, DeleteMarkersThatStandAloneGo) {
  set_versioning("lake");
  set("lake", "lifecycle",
      R"({"Rules":[{"Status":"Enabled","Filter":{},"Expiration":{"ExpiredObjectDeleteMarker":true},"NoncurrentVersionExpiration":{"NoncurrentDays":1}}]})");
  put("a");
  store->erase(grant, "lake", "a");
  EXPECT_EQ(pass().expired, 0u);
  clock.advance(std::chrono::hours(72));
  EXPECT_EQ(pass().expired, 1u);  // the version; the marker then stands alone
  EXPECT_EQ(pass().expired, 1u);
  EXPECT_EQ(versions(), 0u);
}

TEST_F(BucketWork, TransitionsAreRecords) {
  set("lake", "lifecycle",
      R"({"Rules":[{"Status":"Enabled","Filter":{},"Transitions":[{"Days":30,"StorageClass":"STANDARD_IA"}]}]})");
  set("lake", "notification", R"({"EventBridgeConfiguration":{}})");
  const ObjectInfo before = put("large", 200 * 1024);
  put("small");
  clock.advance(std::chrono::hours(24 * 32));
  EXPECT_EQ(pass().transitions, 1u);
  EXPECT_EQ(pass().transitions, 0u);
  const auto after = store->head(grant, "lake", "large");
  EXPECT_EQ(after->headers.storage_class, "STANDARD_IA");
  EXPECT_EQ(after->last_modified, before.last_modified);
  EXPECT_EQ(store->head(grant, "lake", "small")->headers.storage_class, "STANDARD");
  EXPECT_EQ(told().back(), "LifecycleTransition large");
}

TEST_F(BucketWork, UploadsAreAborted) {
  set("lake", "lifecycle",
      R"({"Rules":[{"Status":"Enabled","Filter":{"Prefix":"a"},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}}]})");
  store->create_upload(grant, "lake", "a", {}, "", "");
  store->create_upload(grant, "lake", "b", {}, "", "");
  clock.advance(std::chrono::hours(72));
  EXPECT_EQ(pass().aborted_uploads, 1u);
  EXPECT_EQ(store->list_uploads(grant, "lake", "", "", "", 10).size(), 1u);
}

TEST_F(BucketWork, EventsAreWrittenWithTheirChanges) {
  put("before");
  EXPECT_TRUE(told().empty());
  set("lake", "notification",
      R"({"QueueConfigurations":[{"QueueArn":"arn:aws:sqs:us-east-1:000000000000:q","Events":["s3:ObjectCreated:*","s3:ObjectRemoved:*","s3:ObjectTagging:*"],"Filter":{"Key":{"FilterRules":[{"Name":"suffix","Value":".csv"}]}}}]})");
  put("a.csv", 5);
  put("a.json");
  store->copy(grant, "lake", "a.json", grant, "lake", "b.csv", std::nullopt);
  store->change_object(grant, "lake", "a.csv", "", [](ObjectInfo& info) { info.headers.tags["k"] = "v"; });
  store->erase(grant, "lake", "a.csv");
  store->erase(grant, "lake", "absent.csv");
  const Strings wanted{"ObjectCreated:Put a.csv", "ObjectCreated:Copy b.csv", "ObjectTagging:Put a.csv",
                       "ObjectRemoved:Delete a.csv"};
  EXPECT_EQ(told(), wanted);
  const auto first = events_of(*store)->read(EventReader::notifications, 0, 1)[0];
  EXPECT_EQ(first.size_bytes, 5u);
  EXPECT_FALSE(first.etag.empty());
  EXPECT_EQ(first.version_id, "");
  EXPECT_TRUE(told(EventReader::replication).empty());
  reopen();  // they are on disk
  EXPECT_EQ(told(), wanted);
  events_of(*store)->acknowledge(EventReader::notifications, {first.number});
  EXPECT_EQ(told().size(), 3u);
  set_versioning("lake");
  store->erase(grant, "lake", "b.csv");
  EXPECT_EQ(told().back(), "ObjectRemoved:DeleteMarkerCreated b.csv");
}

TEST_F(BucketWork, LifecycleTellsInItsOwnName) {
  set("lake", "notification", R"({"EventBridgeConfiguration":{}})");
  set("lake", "lifecycle", R"({"Rules":[{"Status":"Enabled","Filter":{},"Expiration":{"Days":1}}]})");
  put("a");
  clock.advance(std::chrono::hours(72));
  pass();
  EXPECT_EQ(told().back(), "LifecycleExpiration:Delete a");
}

// Keeps what it is given; fails as often as it is told to.
struct Queue : EventDestination {
  std::mutex mutex;
  Strings messages;
  int failures = 0;
  std::optional<std::string> refusal(const std::string& arn, const BucketInfo&) override {
    return arn.ends_with(":q") ? std::nullopt : std::optional<std::string>("The destination queue does not exist");
  }
  void deliver(const std::string&, const BucketInfo&, const std::string& message) override {
    std::lock_guard lock(mutex);
    if (failures-- > 0) throw Error(ErrorKind::outside, "ServiceUnavailable", "Not now.");
    messages.push_back(message);
  }
  std::size_t count() {
    std::lock_guard lock(mutex);
    return messages.size();
  }
};

TEST_F(BucketWork, NotificationsAreDeliveredAndTriedAgain) {
  set("lake", "notification",
      R"({"QueueConfigurations":[{"Id":"q","QueueArn":"arn:aws:sqs:us-east-1:000000000000:q","Events":["s3:ObjectCreated:*"]}],"EventBridgeConfiguration":{}})");
  Queue queue;
  queue.failures = 1;
  put("early");
  Notifications notifications(*store, events_of(*store), clock);
  notifications.add("sqs", queue);
  EXPECT_EQ(notifications.refusal("arn:aws:sqs:us-east-1:000000000000:q", *store->find_bucket("lake")), std::nullopt);
  EXPECT_NE(notifications.refusal("arn:aws:sns:us-east-1:000000000000:t", *store->find_bucket("lake")), std::nullopt);
  notifications.start();
  put("late");
  EXPECT_TRUE(comes_true([&] { return queue.count() == 2; }));
  EXPECT_TRUE(comes_true([&] { return told().empty(); }));
  EXPECT_EQ(parse_json(queue.messages[0]).at("Records").as_list()[0].at("s3").string_or("configurationId"), "q");
}

TEST_F(BucketWork, ObjectsAreReplicated) {
  make_bucket("copy", true);
  set_versioning("lake");
  set("lake", "replication",
      R"({"Role":"r","Rules":[{"ID":"a","Status":"Enabled","Priority":1,"Filter":{"Prefix":"in/"},"DeleteMarkerReplication":{"Status":"Enabled"},"Destination":{"Bucket":"arn:aws:s3:::copy","StorageClass":"STANDARD_IA"}}]})");
  ObjectHeaders headers;
  headers.user_metadata["owner"] = "me";
  put("in/a", 100'000, headers);
  put("out/a");
  EXPECT_EQ(status("in/a"), "PENDING");
  EXPECT_EQ(status("out/a"), "");
  reopen();  // what waits survives
  Replication replication(*store, grant);
  replication.start();
  EXPECT_TRUE(comes_true([&] { return status("in/a") == "COMPLETED"; }));
  const auto replica = store->head(grant, "copy", "in/a");
  ASSERT_TRUE(replica);
  EXPECT_EQ(status("in/a", "copy"), "REPLICA");
  EXPECT_EQ(replica->headers.storage_class, "STANDARD_IA");
  EXPECT_EQ(replica->headers.user_metadata, headers.user_metadata);
  EXPECT_EQ(keys("copy"), Strings{"in/a"});
  store->erase(grant, "lake", "in/a");
  EXPECT_TRUE(comes_true([&] { return keys("copy").empty(); }));
  set("copy", "versioning", R"({"Status":"Suspended"})");
  put("in/b");
  EXPECT_TRUE(comes_true([&] { return status("in/b") == "FAILED"; }));
}

}  // namespace
}  // namespace tarn::store
