#include "catalog/crawl/json_path.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace tarn::catalog::crawl {
namespace {

TEST(JsonPath, ReadsTheFormsThatClassifiersHave) {
  using Kind = JsonStep::Kind;
  EXPECT_TRUE(JsonPath("$").steps().empty());
  EXPECT_EQ(JsonPath("$[*]").steps(), (std::vector<JsonStep>{{Kind::every_element, ""}}));
  EXPECT_EQ(JsonPath("$.features[*]").steps(),
            (std::vector<JsonStep>{{Kind::member, "features"}, {Kind::every_element, ""}}));
  EXPECT_EQ(JsonPath("$['a.b'][3].*").steps(),
            (std::vector<JsonStep>{{Kind::member, "a.b"}, {Kind::index, "", 3}, {Kind::every_member, ""}}));
}

TEST(JsonPath, RefusesOtherForms) {
  for (const char* bad : {"", "features", "$.", "$..a", "$[", "$[a]", "$[?(@.x)]", "$['a]", "$[99999999999]", "$ .a"})
    EXPECT_THROW(JsonPath path(bad), Error) << bad;
}

}  // namespace
}  // namespace tarn::catalog::crawl
