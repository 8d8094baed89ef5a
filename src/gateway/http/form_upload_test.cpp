#include "gateway/http/form_upload.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "gateway/http/post_policy.hpp"

namespace tarn::gateway {
namespace {

class Bytes : public api::BodySource {
 public:
  Bytes(std::string bytes, std::size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t n = std::min({size, piece_, bytes_.size() - at_});
    std::memcpy(into, bytes_.data() + at_, n);
    at_ += n;
    return n;
  }
  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }

 private:
  std::string bytes_;
  std::size_t piece_, at_ = 0;
};

template <class F>
std::string code_of(F f) {
  try {
    f();
    return "";
  } catch (const Error& error) {
    return error.code();
  }
}

constexpr const char* type = "multipart/form-data; boundary=b";

std::string field(const std::string& name, const std::string& value) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}
std::string file(const std::string& bytes) {
  return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\dir\\a.txt\"\r\nContent-Type: "
         "text/csv\r\n\r\n" +
         bytes + "\r\n--b--\r\n";
}

TEST(FormUpload, FieldsAndFileHoweverTheyCome) {
  const std::string bytes = "line\r\n--\r\n-b\r\n--c" + std::string(100'000, 'x');
  for (std::size_t piece : {std::size_t(1), std::size_t(7), std::size_t(1) << 20}) {
    Bytes body(field("Key", "a/${filename}") + field("x-amz-meta-a", "") + file(bytes), piece);
    FormUpload form(body, type);
    EXPECT_EQ(form.fields().at("key"), "a/${filename}");
    EXPECT_EQ(form.fields().at("x-amz-meta-a"), "");
    EXPECT_EQ(form.file_name(), "a.txt");
    EXPECT_EQ(form.file_type(), "text/csv");
    std::string read, buffer(1000, '\0');
    while (std::size_t n = form.read(buffer.data(), buffer.size())) read.append(buffer, 0, n);
    EXPECT_EQ(read, bytes);
  }
}

TEST(FormUpload, WhatIsNoForm) {
  auto code = [](const std::string& text, const char* content_type = type) {
    return code_of([&] {
      Bytes body(text, 100);
      FormUpload form(body, content_type);
      char buffer[100];
      while (form.read(buffer, sizeof buffer)) {
      }
    });
  };
  EXPECT_EQ(code(file("x")), "");
  EXPECT_EQ(code(file("x"), "multipart/form-data"), "MalformedPOSTRequest");
  EXPECT_EQ(code(""), "MalformedPOSTRequest");
  EXPECT_EQ(code("--b\r\n\r\nx\r\n--b--\r\n"), "MalformedPOSTRequest");
  EXPECT_EQ(code(field("key", "a") + field("key", "b") + file("x")), "MalformedPOSTRequest");
  EXPECT_EQ(code(field("key", "a") + "--b--\r\n"), "InvalidArgument");
  EXPECT_EQ(code(field("key", std::string(30'000, 'k')) + file("x")), "MaxPostPreDataLengthExceededError");
  EXPECT_EQ(code(file("x").substr(0, file("x").size() - 9)), "MalformedPOSTRequest");
}

TEST(PostPolicy, ConditionsCoverEveryField) {
  const Time now = *parse_iso8601("2026-01-01T00:00:00Z");
  const std::string head = R"({"expiration":"2026-01-02T00:00:00Z","conditions":[)";
  using Fields = std::map<std::string, std::string>;
  auto code = [&](const std::string& conditions, const Fields& fields) {
    return code_of([&] { check_post_policy(head + conditions + "]}", "lake", fields, now); });
  };
  EXPECT_EQ(code(R"({"bucket":"lake"},["starts-with","$key","in/"],{"x-amz-meta-a":"b"})",
                 {{"key", "in/x"}, {"x-amz-meta-a", "b"}, {"policy", ""}}),
            "");
  EXPECT_EQ(code(R"({"bucket":"other"})", {}), "AccessDenied");
  EXPECT_EQ(code(R"(["eq","$key","in/"])", {{"key", "in/x"}}), "AccessDenied");
  EXPECT_EQ(code(R"(["starts-with","$key",""])", {{"key", "x"}, {"acl", "public-read"}}), "AccessDenied");
  EXPECT_EQ(code(R"(["starts-with","$key",""])", {{"key", "x"}, {"x-ignore-me", "1"}}), "");
  EXPECT_EQ(code(R"(["between","$key",""])", {{"key", "x"}}), "InvalidPolicyDocument");
  EXPECT_EQ(code_of([&] { check_post_policy("{", "lake", {}, now); }), "InvalidPolicyDocument");
  EXPECT_EQ(code_of([&] { check_post_policy(R"({"conditions":[]})", "lake", {}, now); }), "InvalidPolicyDocument");
  EXPECT_EQ(
      code_of([&] { check_post_policy(R"({"expiration":"2025-01-01T00:00:00Z","conditions":[]})", "lake", {}, now); }),
      "AccessDenied");
  const auto sizes = check_post_policy(head + R"(["content-length-range",1,10]]})", "lake", {}, now);
  EXPECT_EQ(sizes.least_bytes, 1u);
  EXPECT_EQ(sizes.most_bytes, 10u);
}

}  // namespace
}  // namespace tarn::gateway
