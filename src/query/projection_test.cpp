#include "query/projection.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace tarn::query {
namespace {

using Texts = std::vector<std::string>;
const Time now = *parse_iso8601("2026-03-02T10:30:00Z");

Texts values(std::map<std::string, std::string> properties) {
  properties["projection.enabled"] = "TRUE";
  return parse_projection(properties, {{"k", "VARCHAR"}}, now)->keys.at(0).values;
}

TEST(Projection, Types) {
  EXPECT_EQ(values({{"projection.k.type", "enum"}, {"projection.k.values", "a, b,c"}}), (Texts{"a", "b", "c"}));
  EXPECT_EQ(values({{"projection.k.type", "integer"},
                    {"projection.k.range", "8,12"},
                    {"projection.k.interval", "2"},
                    {"projection.k.digits", "2"}}),
            (Texts{"08", "10", "12"}));
  EXPECT_EQ(values({{"projection.k.type", "date"},
                    {"projection.k.format", "yyyy/MM/dd"},
                    {"projection.k.range", "2026/02/27,NOW"}}),
            (Texts{"2026/02/27", "2026/02/28", "2026/03/01", "2026/03/02"}));
  EXPECT_EQ(values({{"projection.k.type", "date"},
                    {"projection.k.format", "yyyy-MM"},
                    {"projection.k.range", "NOW-3MONTHS,NOW"}}),
            (Texts{"2025-12", "2026-01", "2026-02", "2026-03"}));
  EXPECT_EQ(values({{"projection.k.type", "date"},
                    {"projection.k.format", "yyyy-MM-dd-HH"},
                    {"projection.k.range", "2026-03-01-22,2026-03-02-03"},
                    {"projection.k.interval", "3"},
                    {"projection.k.interval.unit", "HOURS"}}),
            (Texts{"2026-03-01-22", "2026-03-02-01"}));
  EXPECT_EQ(values({{"projection.k.type", "injected"}}), Texts{});
}

TEST(Projection, IsOffUnlessEnabled) {
  EXPECT_FALSE(parse_projection({}, {{"k", "VARCHAR"}}, now));
  EXPECT_FALSE(parse_projection({{"projection.enabled", "false"}}, {{"k", "VARCHAR"}}, now));
}

TEST(Projection, MistakesAreNamed) {
  for (const std::map<std::string, std::string>& properties :
       {std::map<std::string, std::string>{},
        {{"projection.k.type", "list"}},
        {{"projection.k.type", "enum"}},
        {{"projection.k.type", "integer"}, {"projection.k.range", "5"}},
        {{"projection.k.type", "integer"}, {"projection.k.range", "5,1"}},
        {{"projection.k.type", "integer"}, {"projection.k.range", "0,999999999999"}},
        {{"projection.k.type", "date"}, {"projection.k.format", "yyyy"}, {"projection.k.range", "99,NOW"}},
        {{"projection.k.type", "date"},
         {"projection.k.format", "yyyy-MM-dd-HH"},
         {"projection.k.range", "NOW-1DAYS,NOW"}},
        {{"projection.k.type", "injected"}, {"storage.location.template", "s3://b/fixed"}}})
    EXPECT_THROW(values(properties), Error);
}

}  // namespace
}  // namespace tarn::query
