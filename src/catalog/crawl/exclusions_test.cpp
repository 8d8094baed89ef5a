#include "catalog/crawl/exclusions.hpp"

#include <gtest/gtest.h>

namespace tarn::catalog::crawl {
namespace {

TEST(Exclusions, AwsExamples) {
  EXPECT_TRUE(glob_matches("*.csv", "a.csv"));
  EXPECT_FALSE(glob_matches("*.csv", "d/a.csv"));
  EXPECT_TRUE(glob_matches("**.csv", "d/e/a.csv"));
  EXPECT_TRUE(glob_matches("*.*", "a.b"));
  EXPECT_FALSE(glob_matches("*.*", "ab"));
  EXPECT_TRUE(glob_matches("*.{csv,avro}", "x.avro"));
  EXPECT_FALSE(glob_matches("*.{csv,avro}", "x.json"));
  EXPECT_TRUE(glob_matches("foo.?", "foo.x"));
  EXPECT_TRUE(glob_matches("myfolder/*", "myfolder/mysubfolder"));
  EXPECT_TRUE(glob_matches("myfolder/*/*", "myfolder/mysubfolder/data"));
  EXPECT_TRUE(glob_matches("myfolder/**", "myfolder/a/b/c"));
  EXPECT_TRUE(glob_matches("[a-c]?[!x].t", "bzy.t"));
  EXPECT_FALSE(glob_matches("[a-c]?[!x].t", "bzx.t"));
  EXPECT_TRUE(glob_matches("departments/{market*,sales*}", "departments/sales-eu/x.csv"));
  EXPECT_TRUE(glob_matches("employees/hr/**", "employees/hr/a.json"));
  EXPECT_FALSE(glob_matches("employees/hr/**", "employees/it/a.json"));
  EXPECT_TRUE(glob_matches("a\\*", "a*"));
  EXPECT_FALSE(glob_matches("a\\*", "ab"));
}

TEST(Exclusions, AFolderTakesAllBelowIt) {
  EXPECT_TRUE(glob_matches("_temporary", "_temporary/0/x"));
  EXPECT_TRUE(glob_matches("**/tmp/**", "a/tmp/b"));
  EXPECT_FALSE(glob_matches("tmp", "a/tmp"));
}

TEST(Exclusions, MalformedPatternsAreHarmless) {
  EXPECT_TRUE(glob_matches("a[", "a["));
  EXPECT_FALSE(glob_matches("{a", "a"));
  std::string many;
  for (int i = 0; i < 40; ++i) many += "{a,b}";
  EXPECT_FALSE(glob_matches(many, "c"));
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  EXPECT_FALSE(glob_matches(stars, std::string(2000, 'a') + "b"));
}

}  // namespace
}  // namespace tarn::catalog::crawl
