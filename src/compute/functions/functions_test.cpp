// What of functions needs no process: archives, names, the runtime's requests, batches. tests/client/test_lambda.py
// runs real ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/json.hpp"
#include "compute/functions/archive.hpp"
#include "compute/functions/names.hpp"
#include "compute/functions/queue_batch.hpp"
#include "compute/functions/runtime_api.hpp"
#include "compute/process.hpp"

namespace tarn::compute {
namespace {

using testing::ElementsAre;

void append(std::string& out, uint64_t number, int size) {
  for (int i = 0; i < size; ++i) out.push_back(static_cast<char>(number >> (8 * i)));
}

struct File {
  std::string name, content;
  uint32_t mode = 0100644;
};

// An archive of stored files.
std::string archive_of(const std::vector<File>& files) {
  std::string out, directory;
  for (const File& f : files) {
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(f.content.data()), f.content.size());
    const std::size_t offset = out.size();
    auto common = [&](std::string& to) {
      append(to, 20, 2);  // version needed
      append(to, 0, 2);
      append(to, 0, 2);  // stored
      append(to, 0, 4);
      append(to, crc, 4);
      append(to, f.content.size(), 4);
      append(to, f.content.size(), 4);
      append(to, f.name.size(), 2);
      append(to, 0, 2);
    };
    append(out, 0x04034b50, 4);
    common(out);
    out += f.name + f.content;
    append(directory, 0x02014b50, 4);
    append(directory, 3 << 8 | 20, 2);
    common(directory);
    append(directory, 0, 2 + 2 + 2);
    append(directory, static_cast<uint64_t>(f.mode) << 16, 4);
    append(directory, offset, 4);
    directory += f.name;
  }
  const std::size_t at = out.size();
  out += directory;
  append(out, 0x06054b50, 4);
  append(out, 0, 4);
  append(out, files.size(), 2);
  append(out, files.size(), 2);
  append(out, directory.size(), 4);
  append(out, at, 4);
  append(out, 0, 2);
  return out;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Archive, UnpacksFilesWithTheirPermissionsAndLinks) {
  const std::string bytes = archive_of({{"a.py", "one"}, {"bin/run", "two", 0100755}, {"link", "a.py", 0120777}});
  const Archive archive(bytes);
  EXPECT_EQ(archive.unpacked_size_bytes(), 10u);
  WorkFolder folder("/tmp/tarn-archive-test-" + std::to_string(getpid()));
  archive.unpack(folder.path());
  EXPECT_EQ(text_of(folder.path() + "/link"), "one");
  EXPECT_EQ(text_of(folder.path() + "/bin/run"), "two");
  EXPECT_TRUE((std::filesystem::status(folder.path() + "/bin/run").permissions() &
               std::filesystem::perms::owner_exec) != std::filesystem::perms::none);
}

TEST(Archive, RefusesWhatIsBrokenOrLeadsOut) {
  std::string damaged = archive_of({{"a", "one"}});
  damaged[31] = 'X';
  EXPECT_THROW(Archive(damaged).read(0), Error);
  EXPECT_THROW(Archive("no archive"), Error);
  EXPECT_THROW(Archive(archive_of({{"../a", "one"}})), Error);
  EXPECT_THROW(Archive(archive_of({{"/a", "one"}})), Error);
  const std::string whole = archive_of({{"a", "one"}, {"b", "two"}});
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_THROW(Archive(whole.substr(0, size)), Error) << size;
}

TEST(Archive, ALinkMovesNoLaterFile) {
  WorkFolder folder("/tmp/tarn-archive-test-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder.path() + "/inside");
  std::filesystem::create_directories(folder.path() + "/outside");
  Archive(archive_of({{"d", folder.path() + "/outside", 0120777}, {"d/file", "x"}})).unpack(folder.path() + "/inside");
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/outside/file"));
  EXPECT_EQ(text_of(folder.path() + "/inside/d/file"), "x");
}

TEST(FunctionNames, EveryFormNamesTheSameFunction) {
  const Scope scope{"123456789012", "eu-west-1", "tarn"};
  const std::string arn = "arn:aws:lambda:eu-west-1:123456789012:function:f";
  for (const std::string& text : {std::string("f"), std::string("function:f"), std::string("123456789012:function:f"),
                                  std::string("123456789012:f"), arn}) {
    EXPECT_EQ(parse_function_name(scope, text).arn(), arn) << text;
    EXPECT_EQ(parse_function_name(scope, text + ":7").qualified_arn(), arn + ":7") << text;
    EXPECT_EQ(parse_function_name(scope, text, "live").qualified_arn(), arn + ":live") << text;
  }
  EXPECT_THROW(parse_function_name(scope, "f:1", "2"), Error);
  EXPECT_THROW(parse_function_name(scope, "arn:aws:lambda:us-east-1:123456789012:function:f"), Error);
  EXPECT_THROW(parse_function_name(scope, "arn:aws:lambda:eu-west-1:000000000000:function:f"), Error);
}

TEST(RuntimeRequests, AreReadWhole) {
  const std::string get = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
  auto request = read_runtime_request(get, 100);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->path, "/2018-06-01/runtime/invocation/next");
  EXPECT_EQ(request->size_bytes, get.size());
  const std::string post = "POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t size = 0; size < post.size(); ++size)
    EXPECT_FALSE(read_runtime_request(post.substr(0, size), 100)) << size;
  EXPECT_EQ(read_runtime_request(post + "more", 100)->body, "hello");
  const std::string chunked =
      "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
  for (std::size_t size = 0; size < chunked.size(); ++size)
    EXPECT_FALSE(read_runtime_request(chunked.substr(0, size), 100)) << size;
  EXPECT_EQ(read_runtime_request(chunked, 100)->body, "hello");
  EXPECT_EQ(read_runtime_request(chunked + "GET", 100)->size_bytes, chunked.size());
  EXPECT_THROW(read_runtime_request(post, 4), Error);
  EXPECT_THROW(read_runtime_request(chunked, 4), Error);
  EXPECT_THROW(read_runtime_request("nonsense\r\n\r\n", 4), Error);
}

TEST(QueueBatches, AnswersNameWhatFailed) {
  const std::set<std::string> batch{"a", "b"};
  EXPECT_EQ(failed_items("null", batch)->size(), 0u);
  EXPECT_EQ(failed_items("{}", batch)->size(), 0u);
  EXPECT_THAT(*failed_items(R"({"batchItemFailures":[{"itemIdentifier":"b"}]})", batch), ElementsAre("b"));
  EXPECT_FALSE(failed_items(R"({"batchItemFailures":[{"itemIdentifier":"c"}]})", batch));
  EXPECT_FALSE(failed_items(R"({"batchItemFailures":[{"itemIdentifier":""}]})", batch));
  EXPECT_FALSE(failed_items(R"({"batchItemFailures":[{}]})", batch));
  EXPECT_FALSE(failed_items(R"({"batchItemFailures":7})", batch));
  EXPECT_FALSE(failed_items(R"("text")", batch));
  EXPECT_FALSE(failed_items("no json", batch));
}

TEST(QueueBatches, FiltersSeeTheBodyAsJson) {
  api::lambda::FilterCriteria criteria;
  criteria.filters = {{R"({"body":{"size":[{"numeric":[">",5]}]}})"}, {R"({"body":["plain"]})"}};
  const QueueFilters filters(criteria);
  auto record = [](const char* body) {
    return queue_record(Value::map({{"MessageId", "m"}, {"Body", body}}), "arn:aws:sqs:r:1:q", "r");
  };
  EXPECT_TRUE(filters.let_through(record(R"({"size":6})")));
  EXPECT_FALSE(filters.let_through(record(R"({"size":5})")));
  EXPECT_TRUE(filters.let_through(record("plain")));
  EXPECT_FALSE(filters.let_through(record("other")));
  EXPECT_TRUE(QueueFilters(std::nullopt).let_through(record("other")));
  criteria.filters = {{"{no pattern"}};
  EXPECT_THROW(QueueFilters{criteria}, Error);
}

}  // namespace
}  // namespace tarn::compute
