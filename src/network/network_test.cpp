#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "network/address_blocks.hpp"
#include "network/filters.hpp"
#include "network/places.hpp"
#include "network/protocols.hpp"

namespace tarn::network {
namespace {

std::string canonical(const char* text, int bits = ipv4_bits) {
  const auto block = parse_block(text, bits);
  return block ? block->text() : "none";
}

TEST(AddressBlocks, AreReadInCanonicalForm) {
  EXPECT_EQ(canonical("100.68.0.18/18"), "100.68.0.0/18");
  EXPECT_EQ(canonical("10.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(canonical("10.1.2.3/32"), "10.1.2.3/32");
  EXPECT_EQ(canonical("2001:DB8:0:1::1/56", ipv6_bits), "2001:db8::/56");
  for (const char* wrong : {"", "10.0.0.0", "10.0.0/16", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/1x", "10.0.0.256/8",
                            "10.0.0.0/ 8", "::/0", "10.0.0.0/16/8"})
    EXPECT_EQ(canonical(wrong), "none") << wrong;
  EXPECT_EQ(canonical("10.0.0.0/8", ipv6_bits), "none");
}

TEST(AddressBlocks, HoldAndOverlapOthers) {
  auto block = [](const char* text) { return *parse_block(text); };
  EXPECT_TRUE(block("10.0.0.0/16").contains(block("10.0.255.0/24")));
  EXPECT_FALSE(block("10.0.0.0/16").contains(block("10.1.0.0/24")));
  EXPECT_FALSE(block("10.0.255.0/24").contains(block("10.0.0.0/16")));
  EXPECT_TRUE(block("10.0.255.0/24").overlaps(block("10.0.0.0/16")));
  EXPECT_FALSE(block("0.0.0.0/0").contains(*parse_block("::/0", ipv6_bits)));
  EXPECT_EQ(block("10.0.0.0/28").size(), 16U);
  EXPECT_EQ(address_in(block("10.0.0.0/16"), 256 * 3 + 4), "10.0.3.4");
  EXPECT_EQ(address_in(block("10.0.1.0/24"), 255), "10.0.1.255");
}

TEST(Filters, TakeStarsQuestionMarksAndEscapes) {
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*c*e", "abcde"));
  EXPECT_TRUE(matches_pattern("*b", "aabab"));
  EXPECT_FALSE(matches_pattern("a*c", "ab"));
  EXPECT_TRUE(matches_pattern("a?c", "abc"));
  EXPECT_FALSE(matches_pattern("a?c", "ac"));
  EXPECT_TRUE(matches_pattern("a\\*c", "a*c"));
  EXPECT_FALSE(matches_pattern("a\\*c", "abc"));
  EXPECT_FALSE(matches_pattern("", "a"));
}

TEST(Filters, LookThroughLists) {
  const Value item = Value::map({{"Id", "rtb-1"},
                                 {"Routes", Value::list({Value::map({{"Gateway", "igw-1"}, {"Main", true}})})},
                                 {"Tags", Value::list({Value::map({{"Key", "team"}, {"Value", "lake"}})})}});
  static constexpr Filter known[] = {
      {"id", "Id"}, {"route.gateway", "Routes.Gateway"}, {"route.main", "Routes.Main"}, {"tag", "Tags"}};
  auto pass = [&](const char* name, const char* value) {
    return passes(item, Value::list({Value::map({{"Name", name}, {"Values", Value::list({"none", value})}})}), known);
  };
  EXPECT_TRUE(pass("route.gateway", "igw-*"));
  EXPECT_TRUE(pass("route.main", "true"));
  EXPECT_TRUE(pass("tag:team", "lake"));
  EXPECT_FALSE(pass("tag:team", "other"));
  EXPECT_FALSE(pass("tag:owner", "*"));
  EXPECT_TRUE(pass("tag-key", "team"));
  EXPECT_FALSE(pass("id", "rtb-2"));
  EXPECT_THROW(pass("nonsense", "x"), Error);
}

TEST(Protocols, HaveOneNameEach) {
  EXPECT_EQ(security_group_protocol("TCP"), "tcp");
  EXPECT_EQ(security_group_protocol("6"), "tcp");
  EXPECT_EQ(security_group_protocol("all"), "-1");
  EXPECT_EQ(security_group_protocol("50"), "50");
  EXPECT_EQ(protocol_number("udp"), "17");
  EXPECT_THROW(security_group_protocol("tpc"), Error);
  EXPECT_THROW(security_group_protocol("256"), Error);
  EXPECT_THROW(security_group_protocol(""), Error);
}

TEST(Protocols, CheckTheirPorts) {
  const Value low = 80, high = 443, wrong = 65536, none = -1;
  EXPECT_EQ(check_ports("tcp", &low, &high).to, 443);
  EXPECT_EQ(check_ports("-1", &low, &high).from, -1);
  EXPECT_EQ(check_ports("icmp", &none, &none).from, -1);
  EXPECT_THROW(check_ports("tcp", &high, &low), Error);
  EXPECT_THROW(check_ports("udp", &low, &wrong), Error);
  EXPECT_THROW(check_ports("tcp", &low, nullptr), Error);
  EXPECT_THROW(check_ports("icmp", &none, &low), Error);
}

TEST(Places, KnowTheZonesOfEveryRegion) {
  EXPECT_EQ(zones_of("us-east-1").size(), 6U);
  EXPECT_EQ(find_zone("eu-west-1", "eu-west-1b")->id, "euw1-az2");
  EXPECT_EQ(find_zone("eu-west-1", "euw1-az3")->name, "eu-west-1c");
  EXPECT_FALSE(find_zone("eu-west-1", "eu-west-1f"));
  EXPECT_EQ(zones_of("moon-1").size(), 3U);
}

}  // namespace
}  // namespace tarn::network
