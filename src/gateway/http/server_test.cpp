#include "gateway/http/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "base/error.hpp"
#include "base/log.hpp"
#include "meta/metadata.hpp"

namespace tarn::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t megabyte = 1 << 20;

// A client that sees every byte.
class Wire {
 public:
  explicit Wire(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("can't connect");
  }
  ~Wire() { ::close(fd_); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // Until `enough` is there, or the other end closes, or nothing comes for five seconds.
  std::string read_until(const std::function<bool(const std::string&)>& enough) {
    char buffer[65536];
    pollfd waiting{fd_, POLLIN, 0};
    while (!enough(buffer_) && ::poll(&waiting, 1, 5000) > 0) {
      ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) {
        closed_ = true;
        break;
      }
      buffer_.append(buffer, static_cast<std::size_t>(n));
    }
    return std::exchange(buffer_, {});
  }
  std::string read_text(const std::string& end) {
    return read_until([&](const std::string& s) { return s.find(end) != s.npos; });
  }
  // One response with a Content-Length, or just its head.
  std::string response(bool body = true) {
    return read_until([&](const std::string& s) {
      auto end = s.find("\r\n\r\n"), at = s.find("Content-Length: ");
      if (end == s.npos) return false;
      return !body || at == s.npos || s.size() >= end + 4 + std::stoul(s.substr(at + 16));
    });
  }
  bool closed() {
    read_until([](const std::string&) { return false; });
    return closed_;
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }

 private:
  int fd_;
  std::string buffer_;
  bool closed_ = false;
};

// A body out of memory or out of a file.
class Body : public api::BodyStream {
 public:
  explicit Body(std::string text) : text_(std::move(text)), size_(text_.size()) {}
  std::size_t read(char* into, std::size_t size) override {
    std::size_t n = text_.copy(into, size, at_);
    at_ += n;
    return n;
  }
  uint64_t size_bytes() const override { return size_; }
  std::optional<FileRange> file_range() const override { return range; }
  std::optional<FileRange> range;
  void claim(uint64_t size) { size_ = size; }

 private:
  std::string text_;
  std::size_t at_ = 0;
  uint64_t size_;
};

class ServerTest : public testing::Test {
 protected:
  static std::string folder() {
    std::string path = std::filesystem::temp_directory_path() / ("tarn-server-test-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
    return path;
  }

  ServerTest()
      : metadata(meta::open_sqlite(folder() + "/meta.db", clock, false)), identities(*metadata, clock, random) {
    configure_log(LogLevel::error, false);
    operations.add("s3:PutObject", [this](api::Context& context, const Value& input) {
      std::string buffer(100'000, '\0'), body;
      while (std::size_t n = context.request_body->read(buffer.data(), buffer.size())) {
        received += n;
        if (body.size() < 1000) body.append(buffer, 0, n);
      }
      stored[input.string_or("Key")] = body;
      return Value::map({{"ETag", "\"" + context.request_body->checksum().value + "\""}});
    });
    operations.add("s3:GetObject", [this](api::Context& context, const Value& input) {
      const std::string& key = input.string_or("Key");
      if (key == "missing") throw Error(ErrorKind::missing, "NoSuchKey", "The specified key does not exist.");
      if (key == "unchanged") {
        context.response_status = 304;
        return Value::map({{"ETag", "\"x\""}});
      }
      auto body =
          std::make_unique<Body>(key == "large" || key == "short" ? std::string(8 * megabyte, 'L') : "hello " + key);
      if (key == "short") body->claim(9 * megabyte);
      if (key == "file") {
        body->claim(3 * megabyte);
        body->range = {file, 1000, 3 * megabyte};
      }
      Value out = Value::map({{"ContentLength", body->size_bytes()}});
      context.response_body = std::move(body);
      return out;
    });
    operations.add("s3:DeleteObject", [](api::Context&, const Value&) { return Value::map(); });
    operations.add("s3:CreateBucket", [this](api::Context&, const Value&) {  // stands for anything that takes its time
      started.count_down();
      go_on.wait();
      return Value::map({{"Location", "/b"}});
    });
    operations.add("glue:GetTables", [](api::Context&, const Value& input) {
      return Value::map({{"NextToken", input.string_or("DatabaseName")}});
    });
    operations.add("sts:GetCallerIdentity", [](api::Context& c, const Value&) {
      return Value::map({{"Arn", c.principal.arn}});
    });
    file = ::open("/dev/zero", O_RDONLY);
    start();
  }
  ~ServerTest() override {
    server->stop();
    ::close(file);
    std::filesystem::remove_all(folder());
  }

  void start(AuthMode mode = AuthMode::dev) {
    ServerOptions options;
    options.port = 0;
    options.auth = mode;
    options.stop_grace_s = 1;
    options.bucket_exists = [](std::string_view name) { return name == "b"; };
    server = std::make_unique<Server>(options, operations, identities, clock, random, metrics);
    server->add_local("POST", "/_tarn/echo", [](const api::WireRequest& request) {
      if (request.body == "fail") throw Error(ErrorKind::conflict, "Failed", "As asked.");
      api::WireResponse out;
      out.body = request.body + "|" + request.query;
      return out;
    });
    server->start();
  }

  std::string ask(std::string_view request) {
    Wire wire(server->port());
    wire.send(request);
    return wire.response(!request.starts_with("HEAD"));
  }

  SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  std::unique_ptr<meta::Metadata> metadata;
  govern::Identities identities;
  api::Operations operations;
  std::unique_ptr<Server> server;
  std::map<std::string, std::string> stored;
  uint64_t received = 0;
  std::latch started{1}, go_on{1};
  int file = -1;
};

TEST_F(ServerTest, SmallObjectsComeInOnePiece) {
  std::string r = ask("GET /b/k HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(r, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(r, HasSubstr("\r\nContent-Length: 7\r\n"));
  EXPECT_THAT(r, HasSubstr("\r\nDate: "));
  EXPECT_THAT(r, HasSubstr("\r\nx-amz-request-id: "));
  EXPECT_THAT(r, testing::EndsWith("\r\n\r\nhello k"));
  const char* counted =
      "tarn_request_duration_seconds_count{service=\"s3\",operation=\"GetObject\",status=\"200\"} 1\n";
  for (int i = 0; i < 500 && metrics.text().find(counted) == std::string::npos; i++)  // it is counted once it is sent
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(metrics.text(), HasSubstr(counted));
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Wire wire(server->port());
  wire.send(
      "GET /b/1 HTTP/1.1\r\nHost: a\r\n\r\nPUT /b/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      "\r\nGET /b/missing HTTP/1.1\r\nHost: a\r\n\r\nGET /b/large HTTP/1.1\r\nHost: a\r\n\r\nGET /b/4 "
      "HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string all = wire.read_text("hello 4");
  std::vector<std::size_t> at = {all.find("hello 1"), all.find("ETag"), all.find("NoSuchKey"), all.find("LLLL"),
                                 all.find("hello 4")};
  EXPECT_TRUE(std::is_sorted(at.begin(), at.end()));
  EXPECT_NE(at.back(), all.npos);
  EXPECT_EQ(stored["2"], "abc");
}

TEST_F(ServerTest, RequestsMayComeByteByByte) {
  Wire wire(server->port());
  for (char c : std::string("PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")) {
    wire.send(std::string_view(&c, 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_THAT(wire.response(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(stored["k"], "hello");
}

TEST_F(ServerTest, LargeBodiesStream) {
  Wire wire(server->port());
  const std::size_t size = 64 * megabyte;
  std::thread sender([&] {
    wire.send("PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    for (std::size_t i = 0; i < 64; i++) wire.send(std::string(megabyte, 'x'));
  });
  EXPECT_THAT(wire.response(), StartsWith("HTTP/1.1 200"));
  sender.join();
  EXPECT_EQ(received, size);
  wire.send("GET /b/file HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string r = wire.response();
  EXPECT_EQ(r.size() - r.find("\r\n\r\n") - 4, 3 * megabyte);
}

TEST_F(ServerTest, ChunkedBodies) {
  Wire wire(server->port());
  wire.send(
      "PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: "
      "t\r\n\r\n");
  EXPECT_THAT(wire.response(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(stored["k"], "hello!");
  wire.send("PUT /b/bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
  EXPECT_THAT(wire.response(), StartsWith("HTTP/1.1 400"));
  EXPECT_FALSE(stored.contains("bad"));
  EXPECT_TRUE(wire.closed());
}

TEST_F(ServerTest, ContinueIsToldWhenTheBodyIsWanted) {
  Wire wire(server->port());
  wire.send("PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(wire.read_text("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  wire.send("abc");
  EXPECT_THAT(wire.response(), StartsWith("HTTP/1.1 200"));
  Wire refused(server->port());
  refused.send("PUT /nobucket/k HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(refused.response(), Not(HasSubstr("100 Continue")));
  EXPECT_TRUE(refused.closed());
}

TEST_F(ServerTest, TruncatedAndFalseBodiesStoreNothing) {
  Wire wire(server->port());
  wire.send("PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  wire.finish_sending();
  EXPECT_THAT(wire.response(), HasSubstr("<Code>IncompleteBody</Code>"));
  auto put = [&](const std::string& header, const std::string& body = "hello") {
    return ask("PUT /b/k HTTP/1.1\r\nHost: a\r\n" + header + "\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body);
  };
  EXPECT_THAT(put("x-amz-content-sha256: " + std::string(64, 'a')), HasSubstr("XAmzContentSHA256Mismatch"));
  EXPECT_THAT(put("Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="), HasSubstr("BadDigest"));
  EXPECT_THAT(put("Content-MD5: zz"), HasSubstr("InvalidDigest"));
  EXPECT_THAT(put("x-amz-checksum-crc32: AAAAAA=="), HasSubstr("BadDigest"));
  EXPECT_THAT(put("x-amz-checksum-crc32: AAAA"), HasSubstr("InvalidRequest"));
  EXPECT_THAT(put("x-amz-checksum-crc32: NhCmhg==\r\nx-amz-checksum-sha1: qvTGHdzF6KLavt4PO0gs2a6pQ00="),
              HasSubstr("InvalidRequest"));
  EXPECT_THAT(put("x-amz-sdk-checksum-algorithm: CRC32"), HasSubstr("InvalidRequest"));
  EXPECT_THAT(put("x-amz-checksum-xxhash64: AAAAAAAAAAA="), HasSubstr("BadDigest"));
  EXPECT_THAT(put("x-amz-checksum-blake3: AAAAAAAAAAA="), HasSubstr("NotImplemented"));
  EXPECT_TRUE(stored.empty());
  EXPECT_THAT(put("x-amz-checksum-crc32: NhCmhg=="), HasSubstr("NhCmhg=="));
  EXPECT_EQ(stored["k"], "hello");
}

TEST_F(ServerTest, AwsChunkedBodiesAreDecoded) {
  const std::string coded = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
  auto put = [&](const std::string& length, const std::string& trailer) {
    return ask(
        "PUT /b/k HTTP/1.1\r\nHost: a\r\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-trailer: " +
        trailer + "\r\nx-amz-decoded-content-length: " + length +
        "\r\nContent-Encoding: aws-chunked\r\nContent-Length: " + std::to_string(coded.size()) + "\r\n\r\n" + coded);
  };
  EXPECT_THAT(put("6", "x-amz-checksum-crc32"), HasSubstr("IncompleteBody"));
  EXPECT_THAT(put("5", "x-amz-checksum-crc32c"), HasSubstr("MalformedTrailerError"));
  EXPECT_TRUE(stored.empty());
  EXPECT_THAT(put("5", "x-amz-checksum-crc32"), HasSubstr("NhCmhg=="));
  EXPECT_EQ(stored["k"], "hello");
}

TEST_F(ServerTest, AnUploadMustTellItsLength) {
  EXPECT_THAT(ask("PUT /b/k HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 411"));
}

TEST_F(ServerTest, OldClientsKeepTheirConnectionsWhenTheyAsk) {
  Wire wire(server->port());
  wire.send("GET /b/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(wire.response(), HasSubstr("\r\nConnection: keep-alive\r\n"));
  wire.send("GET /b/2 HTTP/1.0\r\n\r\n");
  EXPECT_THAT(wire.response(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(wire.closed());
}

TEST_F(ServerTest, WithoutBodyWhereThereMustBeNone) {
  std::string head = ask("HEAD /b/missing HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(head, Not(HasSubstr("<Error>")));
  std::string unchanged = ask("GET /b/unchanged HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(unchanged, StartsWith("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_THAT(unchanged, Not(HasSubstr("Content-Length")));
  std::string gone = ask("DELETE /b/k HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(gone, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(gone, Not(HasSubstr("Content-Length")));
}

TEST_F(ServerTest, ABodyThatEndsEarlyBreaksTheConnection) {
  Wire wire(server->port());
  wire.send("GET /b/short HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string r = wire.response();
  EXPECT_LT(r.size(), 9 * megabyte);
  EXPECT_TRUE(wire.closed());
}

TEST_F(ServerTest, MalformedRequestsAreRefusedAndTheConnectionEnds) {
  Wire wire(server->port());
  wire.send(
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b/k "
      "HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string r = wire.response();
  EXPECT_THAT(r, StartsWith("HTTP/1.1 400 Bad Request"));
  EXPECT_THAT(r, HasSubstr("\"code\":\"BadRequest\""));
  EXPECT_TRUE(wire.closed());
  Wire endless(server->port());
  endless.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(100'000, 'x'));
  EXPECT_THAT(endless.response(), StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerTest, OtherProtocolsAndUnknownOperations) {
  std::string r = ask(
      "POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: AWSGlue.GetTables\r\nContent-Type: application/x-amz-json-1.1\r\n"
      "Content-Length: 20\r\n\r\n{\"DatabaseName\":\"d\"}");
  EXPECT_THAT(r, HasSubstr("{\"NextToken\":\"d\"}"));
  EXPECT_THAT(r, HasSubstr("x-amzn-RequestId: "));
  r = ask("POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: AWSGlue.StartBlueprintRun\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_THAT(r, StartsWith("HTTP/1.1 501"));
  EXPECT_THAT(r, HasSubstr("StartBlueprintRun"));
  const std::string form = "Action=GetCallerIdentity&Version=2011-06-15";
  r =
      ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded; "
          "charset=utf-8\r\nContent-Length: " +
          std::to_string(form.size()) + "\r\n\r\n" + form);
  EXPECT_THAT(r, HasSubstr("<Arn>arn:aws:iam::000000000000:root</Arn>"));
  EXPECT_THAT(ask("GET /nothing/of/ours HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 501"));
}

TEST_F(ServerTest, PathsOfItsOwn) {
  EXPECT_THAT(ask("POST /_tarn/echo?q HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"), testing::EndsWith("hi|q"));
  EXPECT_THAT(ask("POST /_tarn/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfail"),
              HasSubstr("\"message\":\"As asked.\""));
  EXPECT_THAT(ask("GET /_tarn/none HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 404"));
}

TEST_F(ServerTest, StrictModeRefusesUnsignedRequests) {
  server->stop();
  start(AuthMode::strict);
  EXPECT_THAT(ask("GET /b/k HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 403"));
}

TEST_F(ServerTest, APortThatIsTakenIsToldClearly) {
  ServerOptions options;
  options.port = server->port();
  Server second(options, operations, identities, clock, random, metrics);
  try {
    second.start();
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "AddressInUse");
    EXPECT_THAT(error.message(), HasSubstr(std::to_string(options.port)));
  }
}

TEST_F(ServerTest, StoppingFinishesWhatIsInFlight) {
  Wire idle(server->port()), busy(server->port());
  busy.send("PUT /b?x-id=CreateBucket HTTP/1.1\r\nHost: a\r\n\r\n");
  started.wait();
  std::thread stopper([&] { server->stop(); });
  EXPECT_TRUE(idle.closed());
  go_on.count_down();
  EXPECT_THAT(busy.response(), StartsWith("HTTP/1.1 200"));
  stopper.join();
  EXPECT_TRUE(busy.closed());
}

TEST_F(ServerTest, ManyClientsAtOnce) {
  std::vector<std::thread> clients;
  std::atomic<int> well = 0;
  for (int i = 0; i < 32; i++)
    clients.emplace_back([&, i] {
      Wire wire(server->port());
      for (int j = 0; j < 20; j++) {
        const std::string key = std::to_string(i) + "-" + std::to_string(j);
        wire.send("GET /b/" + key + " HTTP/1.1\r\nHost: a\r\n\r\n");
        if (wire.response().ends_with("hello " + key)) well++;
        wire.send("DELETE /b/" + key + " HTTP/1.1\r\nHost: a\r\n\r\n");
        if (wire.response(false).starts_with("HTTP/1.1 204")) well++;
      }
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(well, 32 * 40);
}

}  // namespace
}  // namespace tarn::gateway
