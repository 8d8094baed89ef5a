#include "catalog/crawl/json_sniffer.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace tarn::catalog::crawl {
namespace {

ByteReader over(std::string_view text) {
  return [text](char* into, std::size_t size) mutable {
    std::size_t n = std::min<std::size_t>({size, text.size(), 5});
    std::memcpy(into, text.data(), n);
    text.remove_prefix(n);
    return n;
  };
}

std::string shape(std::string_view text, JsonOptions options = {}) {
  std::string why_not;
  auto f = sniff_json(over(text), options, why_not);
  if (!f) return "none: " + why_not;
  std::string out = std::to_string(f->records) + (f->array ? " in array" : "");
  for (const auto& c : f->columns) out += " " + c.name + ":" + hive_text(c.type);
  return f->problem.empty() ? out : out + " ! " + f->problem;
}

TEST(JsonSniffer, LinesArraysAndSingleObjects) {
  EXPECT_EQ(shape("{\"a\":1,\"b\":\"x\"}\n{\"a\":2.5,\"c\":true}\n"), "2 a:double b:string c:boolean");
  EXPECT_EQ(shape("[{\"a\":1},\n {\"a\":null}]"), "2 in array a:bigint");
  EXPECT_EQ(
      shape("{\n \"type\": \"FeatureCollection\",\n \"n\": {\"x\": 1},\n \"f\": [ {\"k\": null}, {\"k\": [1.5]} ]\n}"),
      "1 type:string n:struct<x:bigint> f:array<struct<k:array<double>>>");
  EXPECT_EQ(shape("\xef\xbb\xbf{\"a\":1}"), "1 a:bigint");
}

TEST(JsonSniffer, NullsEmptiesAndConflicts) {
  EXPECT_EQ(shape("{\"a\":null,\"b\":[],\"c\":{}}"), "1 a:string b:array<string> c:string");
  EXPECT_EQ(shape("{\"a\":{\"x\":1}}{\"a\":3}"), "2 a:string");
  EXPECT_EQ(shape("{\"a\":[1]}{\"a\":[\"x\"]}"), "2 a:array<string>");
  EXPECT_EQ(shape("{\"a\":99999999999999999999}"), "1 a:double");
  EXPECT_EQ(shape("{\"Id\":1}{\"ID\":\"x\"}"), "2 id:string");
  EXPECT_EQ(shape("{\"\\u00e9t\\u00E9\":1}"), "1 été:bigint");
}

TEST(JsonSniffer, StrictIsAws) {
  JsonOptions strict;
  strict.strict = true;
  EXPECT_EQ(shape("{\"a\":1,\"b\":3000000000}", strict), "1 a:int b:bigint");
  EXPECT_EQ(shape("[{\"a\":1}]", strict), "1 in array array:array<struct<a:int>>");
}

TEST(JsonSniffer, AClassifiersPathFindsTheRecords) {
  JsonPath path("$.features[*]");
  JsonOptions options;
  options.path = &path;
  EXPECT_EQ(shape("{\"meta\":[1,{\"z\":2}],\"features\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", options), "2 id:string");
  JsonPath second("$[1]");
  options.path = &second;
  EXPECT_EQ(shape("[{\"a\":1},{\"b\":1}]", options), "1 b:bigint");
}

TEST(JsonSniffer, TellsWhatChangedAType) {
  std::string why_not;
  auto f = sniff_json(over("{\"a\":1}{\"a\":2}{\"a\":\"x\"}"), {}, why_not);
  EXPECT_EQ(f->columns[0].why, "record 3");
}

TEST(JsonSniffer, MalformedText) {
  EXPECT_EQ(shape("{\"a\":1}\n{\"a\":"), "1 a:bigint ! the JSON text ends too early");
  EXPECT_EQ(shape("{\"a\" 1}"), "none: malformed JSON at byte 5");
  EXPECT_EQ(shape("{\"a\":01}").substr(0, 2), "1 ");  // from_chars takes leading zeros; readers do as well
  EXPECT_EQ(shape("[1,2]"), "none: its JSON records are no objects");
  EXPECT_EQ(shape(""), "none: it holds no JSON records");
  EXPECT_EQ(shape("{\"a\":1}trash"), "1 a:bigint ! its JSON records are no objects");
  EXPECT_EQ(shape("{\"a\":1,}"), "none: malformed JSON at byte 7");
  EXPECT_NE(shape("{\"a\":" + std::string(100000, '[')).find("200 deep"), std::string::npos);
  EXPECT_NE(shape(std::string(100000, '{')).find("malformed"), std::string::npos);
  JsonOptions cut;
  cut.cut = true;
  EXPECT_EQ(shape("[{\"a\":1},{\"a\":2,\"b\":\"x", cut), "2 in array a:bigint b:string");
}

}  // namespace
}  // namespace tarn::catalog::crawl
