#include "notify/event_pattern.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::notify {
namespace {

bool matches(const char* pattern, const char* event) {
  return EventPattern(pattern).matches(parse_json(event));
}

TEST(EventPattern, Matchers) {
  EXPECT_TRUE(matches(R"({"a":["x","y"]})", R"({"a":"y"})"));
  EXPECT_FALSE(matches(R"({"a":["x"]})", R"({"b":"x"})"));
  EXPECT_TRUE(matches(R"({"a":[1]})", R"({"a":1.0})"));
  EXPECT_FALSE(matches(R"({"a":["1"]})", R"({"a":1})"));
  EXPECT_TRUE(matches(R"({"a":[null,true]})", R"({"a":null})"));
  EXPECT_TRUE(matches(R"({"a":[{"prefix":"ab"}]})", R"({"a":"abc"})"));
  EXPECT_TRUE(matches(R"({"a":[{"prefix":{"equals-ignore-case":"AB"}}]})", R"({"a":"abc"})"));
  EXPECT_TRUE(matches(R"({"a":[{"suffix":".csv"}]})", R"({"a":"x.csv"})"));
  EXPECT_TRUE(matches(R"({"a":[{"equals-ignore-case":"Abc"}]})", R"({"a":"aBC"})"));
  EXPECT_TRUE(matches(R"({"a":[{"wildcard":"a*c*"}]})", R"({"a":"abxcd"})"));
  EXPECT_FALSE(matches(R"({"a":[{"wildcard":"a\\*c"}]})", R"({"a":"abc"})"));
  EXPECT_TRUE(matches(R"({"a":[{"numeric":[">",0,"<=",5]}]})", R"({"a":5})"));
  EXPECT_FALSE(matches(R"({"a":[{"numeric":["=",0]}]})", R"({"a":"0"})"));
  EXPECT_TRUE(matches(R"({"a":[{"cidr":"10.1.0.0/16"}]})", R"({"a":"10.1.2.3"})"));
  EXPECT_FALSE(matches(R"({"a":[{"cidr":"10.1.0.0/16"}]})", R"({"a":"10.2.2.3"})"));
  EXPECT_TRUE(matches(R"({"a":[{"cidr":"2001:db8::/32"}]})", R"({"a":"2001:db8:1::1"})"));
}

TEST(EventPattern, AbsenceAndNegation) {
  EXPECT_TRUE(matches(R"({"a":[{"exists":false}]})", R"({"b":1})"));
  EXPECT_FALSE(matches(R"({"a":[{"exists":true}]})", R"({"a":{"b":1}})"));  // leaves alone exist
  EXPECT_TRUE(matches(R"({"a":[{"exists":true}]})", R"({"a":null})"));
  EXPECT_FALSE(matches(R"({"a":[{"anything-but":"x"}]})", R"({})"));
  EXPECT_FALSE(matches(R"({"a":[{"anything-but":["x",1]}]})", R"({"a":1})"));
  EXPECT_TRUE(matches(R"({"a":[{"anything-but":{"prefix":"x"}}]})", R"({"a":"y"})"));
  EXPECT_FALSE(matches(R"({"a":[{"anything-but":{"suffix":["x","y"]}}]})", R"({"a":"ay"})"));
}

TEST(EventPattern, NestingArraysAndAlternatives) {
  EXPECT_TRUE(matches(R"({"d":{"s":["x"]}})", R"({"d":{"s":["y","x"],"t":1}})"));
  EXPECT_TRUE(matches(R"({"d":{"s":["x"]}})", R"({"d":[{"s":"y"},{"s":"x"}]})"));
  EXPECT_TRUE(matches(R"({"a":["x"]})", R"({"a":[["y"],["z",["x"]]]})"));
  EXPECT_TRUE(matches(R"({"d":{"s":[{"exists":false}]}})", R"({})"));
  const char* either = R"({"z":[1],"$or":[{"a":[1]},{"b":[2],"c":[3]}]})";
  EXPECT_TRUE(matches(either, R"({"z":1,"b":2,"c":3})"));
  EXPECT_FALSE(matches(either, R"({"z":1,"b":2})"));
  EXPECT_FALSE(matches(either, R"({"a":1})"));
}

TEST(EventPattern, WhatIsNone) {
  for (const char* bad :
       {"", "[]", "{}", R"({"a":"x"})", R"({"a":[]})", R"({"a":[[1]]})", R"({"a":[{"x":1}]})",
        R"({"a":[{"prefix":1}]})", R"({"a":[{"numeric":[">",5,"<",1]}]})", R"({"a":[{"numeric":["~",5]}]})",
        R"({"a":[{"cidr":"10.0.0.1/33"}]})", R"({"a":[{"anything-but":[]}]})", R"({"a":[{"exists":"yes"}]})",
        R"({"a":[{"wildcard":"a**b"}]})", R"({"$or":"x"})"})
    EXPECT_THROW(EventPattern{bad}, Error) << bad;
}

TEST(EventPattern, Complexity) {
  EXPECT_EQ(EventPattern(R"({"a":[1,2],"b":[1,2,3]})").combinations(), 6);
  EXPECT_EQ(EventPattern(R"({"a":{"b":[1,2,3]},"c":[1]})").combinations(), 6);
  EXPECT_EQ(EventPattern(R"({"a":{"b":[1]},"c":[1]})").keys(), 2u);
}

}  // namespace
}  // namespace tarn::notify
