#include "gateway/http/head.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace tarn::gateway {
namespace {

std::string code_of(std::string_view text) {
  try {
    parse_head(text);
    return "";
  } catch (const Error& error) {
    return error.code();
  }
}

TEST(Head, OrdinaryRequest) {
  RequestHead head = parse_head(
      "PUT /lake/a%20b?x=1&y HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\nX-Amz-Meta-A:  v w \r\n\r\n");
  EXPECT_EQ(head.request.method, "PUT");
  EXPECT_EQ(head.request.path, "/lake/a%20b");
  EXPECT_EQ(head.request.query, "x=1&y");
  EXPECT_EQ(*head.request.header("x-amz-meta-a"), "v w");
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.has_body());
}

TEST(Head, AbsoluteTargetNamesTheHost) {
  RequestHead head = parse_head("GET http://other:80/b?c HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(head.request.path, "/b");
  EXPECT_EQ(*head.request.header("host"), "other:80");
}

TEST(Head, ConnectionAndExpectation) {
  EXPECT_FALSE(parse_head("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse_head("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse_head("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  EXPECT_TRUE(
      parse_head("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n").expects_continue);
}

TEST(Head, WhatCouldBeSmuggledIsRefused) {
  for (const char* text : {
           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
           "GET / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1\nHost: a\n\n",
           "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
           "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
           "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /\r\nHost: a\r\n\r\n",
           "G ET / HTTP/1.1\r\nHost: a\r\n\r\n",
           "\r\n",
           "",
       })
    EXPECT_EQ(code_of(text), "BadRequest") << text;
  EXPECT_EQ(code_of(std::string_view("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30)), "BadRequest");
  EXPECT_EQ(code_of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), "NotImplemented");
  EXPECT_EQ(code_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), "HTTPVersionNotSupported");
}

TEST(Head, EndIsFoundHoweverTheBytesCome) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  for (std::size_t n = 0; n < text.size() - 4; n++) {
    EXPECT_EQ(find_head_end(text.substr(0, n)), 0u);
    EXPECT_EQ(find_head_end(text, n), text.size() - 4) << n;
  }
}

}  // namespace
}  // namespace tarn::gateway
