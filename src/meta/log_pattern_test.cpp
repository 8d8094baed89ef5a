#include "meta/log_pattern.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace tarn::meta {
namespace {

bool matches(std::string_view pattern, std::string_view message) {
  return LogPattern(pattern).matches(message);
}

void refused(std::string_view pattern) {
  try {
    LogPattern made(pattern);
    ADD_FAILURE() << pattern << " was taken";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), "InvalidParameterException");
  }
}

TEST(LogPattern, MatchesAllWhenEmpty) {
  EXPECT_TRUE(matches("", "anything"));
  EXPECT_TRUE(matches("  ", ""));
}

TEST(LogPattern, TakesTerms) {
  EXPECT_TRUE(matches("ERROR", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("ERROR", "[error 400]"));
  EXPECT_TRUE(matches("ERROR REQUEST", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("ERROR MISSING", "[ERROR 400] BAD REQUEST"));
  EXPECT_TRUE(matches("ERROR -MISSING", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("ERROR -REQUEST", "[ERROR 400] BAD REQUEST"));
  EXPECT_TRUE(matches("\"BAD REQUEST\"", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("\"REQUEST BAD\"", "[ERROR 400] BAD REQUEST"));
  EXPECT_TRUE(matches(R"("say \"hi\"")", R"(they say "hi")"));
  EXPECT_TRUE(matches("-DEBUG", "INFO"));
  EXPECT_TRUE(matches("año", "este año"));
}

TEST(LogPattern, TakesOptionalTerms) {
  EXPECT_TRUE(matches("?ERROR ?WARN", "a WARN b"));
  EXPECT_FALSE(matches("?ERROR ?WARN", "a INFO b"));
  EXPECT_TRUE(matches("?ERROR INFO", "a INFO b"));
}

TEST(LogPattern, TakesRegularExpressions) {
  EXPECT_TRUE(matches("%AUTH[A-Z]+%", "UNAUTHORIZED"));
  EXPECT_FALSE(matches("%^AUTH%", "UNAUTHORIZED"));
  EXPECT_TRUE(matches("%[45]\\d\\d%", "code 503"));
  refused("%(a)%");
  refused("%a!%");
  refused("%[%");
  refused("%a");
}

TEST(LogPattern, ComparesJson) {
  std::string m = R"({"eventType":"UpdateTrail","n":7,"big":1.5e3,"ip":"10.0.0.12","ok":true,"no":false,"nil":null,
                      "a":{"b-c":[{"d":"x"},{"d":"yz"}]},"key with space":"v","text":"7"})";
  EXPECT_TRUE(matches(R"({ $.eventType = "UpdateTrail" })", m));
  EXPECT_TRUE(matches("{$.eventType=UpdateTrail}", m));
  EXPECT_TRUE(matches("{ $.eventType = Update* }", m));
  EXPECT_FALSE(matches("{ $.eventType != Update* }", m));
  EXPECT_TRUE(matches("{ $.n = 7 }", m));
  EXPECT_TRUE(matches("{ $.n >= 7 && $.n < 8 }", m));
  EXPECT_FALSE(matches("{ $.n > 7 }", m));
  EXPECT_TRUE(matches("{ $.big = 1500 }", m));
  EXPECT_TRUE(matches("{ $.ip = 10.0.* }", m));
  EXPECT_TRUE(matches("{ $.ok IS TRUE && $.no IS FALSE && $.nil IS NULL }", m));
  EXPECT_FALSE(matches("{ $.nil IS TRUE }", m));
  EXPECT_TRUE(matches("{ $.absent NOT EXISTS }", m));
  EXPECT_FALSE(matches("{ $.n NOT EXISTS }", m));
  EXPECT_FALSE(matches("{ $.absent != 1 }", m));
  EXPECT_TRUE(matches("{ $.a.b-c[1].d = yz }", m));
  EXPECT_TRUE(matches("{ $.a.b-c[*].d = yz }", m));
  EXPECT_FALSE(matches("{ $.a.b-c[2].d = yz }", m));
  EXPECT_TRUE(matches("{ $['key with space'] = v }", m));
  EXPECT_TRUE(matches("{ $.eventType = %^Up.*l$% }", m));
  EXPECT_TRUE(matches("{ ($.n = 1 || $.n = 7) && ($.ok IS TRUE) }", m));
  EXPECT_TRUE(matches("{ $.n = 7 || $.n = 1 && $.n = 2 }", m));
  EXPECT_FALSE(matches("{ $.n = 7 }", "no json"));
  EXPECT_FALSE(matches("{ $.n = 7 }", "{\"n\": 7"));
  refused("{ $.n }");
  refused("{ $.n = }");
  refused("{ $.n = 1");
  refused("{ n = 1 }");
  refused("{ $.n > abc }");
  refused("{ $.n = 1 } x");
  refused("{ ($.n = 1 }");
  refused("{ $.n IS MAYBE }");
}

TEST(LogPattern, ComparesWords) {
  std::string m = R"(127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";
  EXPECT_TRUE(matches("[ip, server, username, timestamp, request, status_code, bytes > 1000]", m));
  EXPECT_FALSE(matches("[ip, server, username, timestamp, request, status_code, bytes > 2000]", m));
  EXPECT_TRUE(matches("[ip, user, ..., status_code = 4*, bytes]", m));
  EXPECT_TRUE(matches("[..., status_code = 404 || status_code = 410, bytes]", m));
  EXPECT_FALSE(matches("[..., status_code = 5*, bytes]", m));
  EXPECT_TRUE(matches("[ip, server, username, timestamp, request = *.html*, status_code, bytes]", m));
  EXPECT_TRUE(matches("[ip = %127\\.0%, ...]", m));
  EXPECT_FALSE(matches("[ip, server]", m));
  EXPECT_TRUE(matches("[w1 = ERROR, w2]", "ERROR x"));
  EXPECT_TRUE(matches("[w1 != ERROR && w1 != INFO, w2]", "WARN x"));
  EXPECT_FALSE(matches("[w1 != ERROR && w1 != INFO, w2]", "INFO x"));
  refused("[a, b");
  refused("[..., ...]");
  refused("[a = ]");
}

TEST(LogPattern, RefusesWhatIsNoTerm) {
  refused("error:");
  refused("a.b");
  refused("\"open");
  refused("- ");
}

}  // namespace
}  // namespace tarn::meta
