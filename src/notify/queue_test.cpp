#include "notify/queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/random.hpp"
#include "meta/metadata.hpp"

namespace tarn::notify {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class QueueTest : public testing::Test {
 protected:
  QueueTest() { open(); }
  ~QueueTest() override {
    close();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    store_ = std::make_unique<MessageStore>(folder_ + "/messages", false);
    timer_ = std::make_unique<Timer>(clock_);
  }
  void close() {
    timer_.reset();
    store_.reset();
  }
  std::shared_ptr<Queue> queue(uint64_t id, QueueSettings settings) {
    return std::make_shared<Queue>(*store_, *timer_, clock_, envelope_, id,
                                   "arn:aws:sqs:us-east-1:000000000000:q" + std::to_string(id), settings);
  }
  static QueueSettings fifo() {
    QueueSettings out;
    out.fifo = true;
    return out;
  }
  SentMessage send(Queue& q, const std::string& body, const std::string& group = {},
                   std::optional<int64_t> delay_s = {}) {
    NewMessage m;
    m.message.body = body;
    m.message.id = "id-" + body;
    m.message.group_id = group;
    m.message.deduplication_id = group.empty() ? "" : body;
    m.delay_s = delay_s;
    return q.send({m}).front();
  }
  static std::vector<std::string> bodies(const std::vector<ReceivedMessage>& messages) {
    std::vector<std::string> out;
    for (const auto& m : messages) out.push_back(m.message.body);
    return out;
  }
  static std::vector<ReceivedMessage> receive(Queue& q, const std::shared_ptr<Queue>& dead = nullptr) {
    ReceiveRequest r;
    r.most = 10;
    return q.receive(r, dead, true);
  }

  static std::string new_folder() {
    const auto out = std::filesystem::temp_directory_path() / ("tarn-queue-" + SystemRandom().hex(12));
    std::filesystem::create_directories(out);
    return out.string();
  }

  std::string folder_ = new_folder();
  ManualClock clock_{Time(std::chrono::hours(500'000))};
  SystemRandom random_;
  std::unique_ptr<meta::Metadata> metadata_ = meta::open_sqlite(folder_ + "/metadata.db", clock_, false);
  govern::Keys keys_{*metadata_, govern::KeyEncryptionKeys::parse("1 " + std::string(43, 'A') + "="), clock_, random_};
  KmsEnvelope envelope_{keys_, clock_, random_};
  std::unique_ptr<MessageStore> store_;
  std::unique_ptr<Timer> timer_;
};

// Whether any file of the folder holds the text.
bool holds(const std::string& folder, const std::string& text) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    if (bytes.find(text) != bytes.npos) return true;
  }
  return false;
}

TEST_F(QueueTest, ValuesAreSealedOnDisk) {
  SystemRandom random;
  const std::string key(43, 'A');
  const auto one = govern::KeyEncryptionKeys::parse("1 " + key + "=");
  const auto rotated = govern::KeyEncryptionKeys::parse("1 " + key + "=\n2 " + std::string(42, 'B') + "A=");
  const auto latest = govern::KeyEncryptionKeys::parse("2 " + std::string(42, 'B') + "A=");
  store_ = std::make_unique<MessageStore>(folder_ + "/sealed", true, StoreSealing{one, random});
  send(*queue(1, {}), "a secret that nobody reads");
  EXPECT_FALSE(holds(folder_, "a secret that nobody reads"));
  // Opened again, with the keys rotated, and without the first of them.
  for (const auto* keys : {&one, &rotated, &latest}) {
    store_.reset();
    store_ = std::make_unique<MessageStore>(folder_ + "/sealed", true, StoreSealing{*keys, random});
    EXPECT_EQ(queue(1, {})->counts().visible, 1u);
  }
  store_->reset();
  EXPECT_EQ(queue(1, {})->counts().visible, 0u);
  send(*queue(1, {}), "another");
  store_.reset();
  store_ = std::make_unique<MessageStore>(folder_ + "/sealed", true, StoreSealing{latest, random});
  EXPECT_EQ(bodies(receive(*queue(1, {}))), std::vector<std::string>{"another"});
}

TEST_F(QueueTest, AMessageIsHiddenWhileItIsInHand) {
  auto q = queue(1, {});
  send(*q, "a");
  auto first = receive(*q);
  EXPECT_THAT(bodies(first), ElementsAre("a"));
  EXPECT_THAT(receive(*q), IsEmpty());
  clock_.advance(seconds(29));
  EXPECT_THAT(receive(*q), IsEmpty());
  clock_.advance(seconds(1));
  auto second = receive(*q);
  EXPECT_EQ(second.at(0).receive_count, 2);
  q->remove(first.at(0).receipt_handle);  // a standard queue takes an old handle
  EXPECT_EQ(q->counts().in_flight, 0u);
}

TEST_F(QueueTest, StateSurvivesARestart) {
  auto q = queue(1, {});
  send(*q, "taken");
  auto taken = receive(*q);
  send(*q, "late", {}, 60);
  send(*q, "here");
  q.reset();
  close();
  open();
  q = queue(1, {});
  EXPECT_EQ(q->counts().in_flight, 1u);
  EXPECT_EQ(q->counts().delayed, 1u);
  EXPECT_THAT(bodies(receive(*q)), ElementsAre("here"));
  q->remove(taken.at(0).receipt_handle);
  clock_.advance(seconds(60));
  EXPECT_THAT(bodies(receive(*q)), ElementsAre("late", "here"));
}

TEST_F(QueueTest, GroupsGoInOrderAcrossARestart) {
  auto q = queue(1, fifo());
  for (const char* body : {"a1", "b1", "a2", "a3", "b2"}) send(*q, body, std::string(1, body[0]));
  ReceiveRequest one;
  auto first = q->receive(one, nullptr, true);
  EXPECT_THAT(bodies(first), ElementsAre("a1"));
  q.reset();
  close();
  open();
  q = queue(1, fifo());
  EXPECT_THAT(bodies(receive(*q)), ElementsAre("b1", "b2"));
  q->remove(first.at(0).receipt_handle);
  EXPECT_THAT(bodies(receive(*q)), ElementsAre("a2", "a3"));
  EXPECT_EQ(send(*q, "a2", "a").message_id, "id-a2");  // a duplicate still
  EXPECT_THAT(receive(*q), IsEmpty());
  clock_.advance(std::chrono::minutes(5));
  EXPECT_THAT(bodies(receive(*q)), ElementsAre("b1", "b2", "a2", "a3"));
}

TEST_F(QueueTest, FifoTakesNoOldHandle) {
  auto q = queue(1, fifo());
  send(*q, "a", "g");
  auto first = receive(*q);
  clock_.advance(seconds(30));
  EXPECT_THROW(q->remove(first.at(0).receipt_handle), Error);
  EXPECT_THAT(bodies(receive(*q)), ElementsAre("a"));
}

TEST_F(QueueTest, ReceivedTooOftenIsADeadLetter) {
  QueueSettings settings;
  settings.visibility_timeout_s = 0;
  settings.redrive = RedrivePolicy{"arn", 1};
  auto q = queue(1, settings), dead = queue(2, {});
  send(*q, "a");
  EXPECT_THAT(bodies(receive(*q, dead)), ElementsAre("a"));
  EXPECT_THAT(receive(*q, dead), IsEmpty());
  auto letters = receive(*dead);
  EXPECT_THAT(bodies(letters), ElementsAre("a"));
  EXPECT_EQ(letters.at(0).message.dead_letter_source_arn, q->arn());
  EXPECT_EQ(q->counts().visible, 0u);
}

TEST_F(QueueTest, OldMessagesGo) {
  QueueSettings settings;
  settings.retention_s = 60;
  auto q = queue(1, settings);
  send(*q, "a");
  clock_.advance(seconds(30));
  send(*q, "b");
  clock_.advance(seconds(30));
  EXPECT_THAT(bodies(receive(*q)), ElementsAre("b"));
}

TEST_F(QueueTest, AWaitEndsWithAMessageOrInTime) {
  auto q = queue(1, {});
  bool first = false, second = false, third = false;
  auto one = q->wait(clock_.now() + seconds(20));
  one->when_over([&] { first = true; });
  auto two = q->wait(clock_.now() + seconds(20));
  two->when_over([&] { second = true; });
  send(*q, "a");
  EXPECT_TRUE(first);
  EXPECT_FALSE(second);  // one message wakes one
  one->abandon();        // who did not take it
  EXPECT_TRUE(second);
  EXPECT_THAT(bodies(receive(*q)), ElementsAre("a"));
  std::atomic<bool> timed_out = false;
  auto four = q->wait(clock_.now() + seconds(20));
  four->when_over([&] { timed_out = true; });
  clock_.advance(seconds(20));
  for (int i = 0; i < 500 && !timed_out; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(timed_out);
  auto three = q->wait(clock_.now() + seconds(20));
  three->when_over([&] { third = true; });
  q->close(true);
  EXPECT_TRUE(third);
  EXPECT_THROW(send(*q, "b"), Error);
}

TEST(Message, DigestAndFormOnDisk) {
  EXPECT_EQ(md5_of("hello"), "5d41402abc4b2a76b9719d911017c592");
  Message m;
  m.id = "i";
  m.body = std::string("\0x", 2);
  m.attributes = {{"a", {"String", "v"}}, {"b", {"Binary", std::string("\0", 1)}}};
  m.sent_ms = 42;
  EXPECT_EQ(decode_message(encode(m)), m);
}

TEST(Message, Characters) {
  EXPECT_TRUE(has_valid_characters("a\t\n\r\xF0\x9F\x98\x80\xED\x9F\xBF"));
  for (const char* bad : {"\x01", "\xFF", "\xED\xA0\x80", "\xEF\xBF\xBF", "\xC0\x80", "\xF0\x9F\x98"})
    EXPECT_FALSE(has_valid_characters(bad)) << bad;
}

TEST(QueueAttributes, RedriveAllowPolicy) {
  QueueAttributes dead{{"RedriveAllowPolicy", R"({"redrivePermission":"byQueue","sourceQueueArns":["arn:a"]})"}};
  check_queue_attributes(dead, false);
  EXPECT_TRUE(allows_redrive(dead, "arn:a"));
  EXPECT_FALSE(allows_redrive(dead, "arn:b"));
  EXPECT_TRUE(allows_redrive({}, "arn:b"));
}

}  // namespace
}  // namespace tarn::notify
