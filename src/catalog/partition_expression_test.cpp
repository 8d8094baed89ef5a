#include "catalog/partition_expression.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace tarn::catalog {
namespace {

std::vector<api::glue::Column> keys(std::initializer_list<std::pair<std::string, std::string>> columns) {
  std::vector<api::glue::Column> out;
  for (const auto& [name, type] : columns) {
    auto& c = out.emplace_back();
    c.name = name;
    c.type = type;
  }
  return out;
}

const auto by_day =
    keys({{"Year", "int"}, {"month", "string"}, {"day", "date"}, {"at", "timestamp"}, {"price", "decimal(20,4)"}});

bool matches(std::string_view expression, std::vector<std::string> values) {
  return PartitionExpression(expression, by_day).matches(values);
}
const std::vector<std::string> row = {"2024", "03", "2024-03-09", "2024-03-09 10:00:00", "12345678901234567890.50"};

TEST(PartitionExpression, ComparesByTheTypeOfTheKey) {
  EXPECT_TRUE(matches("year = 2024", row));
  EXPECT_TRUE(matches("YEAR = '02024'", row));
  EXPECT_TRUE(matches("year > 999", row));  // as text it would not be
  EXPECT_FALSE(matches("month = 3", row));  // text is text
  EXPECT_TRUE(matches("month = '03'", row));
  EXPECT_TRUE(matches("month < '1'", row));
  EXPECT_TRUE(matches("day >= DATE '2024-03-09' AND day < '2024-03-10'", row));
  EXPECT_TRUE(matches("at = '2024-03-09T10:00:00'", row));
  EXPECT_TRUE(matches("at > timestamp '2024-03-09'", row));
  EXPECT_TRUE(matches("price = 12345678901234567890.5", row));
  EXPECT_TRUE(matches("price > 12345678901234567890.49", row));
  EXPECT_FALSE(matches("price < -1", row));
  EXPECT_TRUE(matches("-1 < price", row));
}

TEST(PartitionExpression, HasTheWholeGrammar) {
  EXPECT_TRUE(matches("", row));
  EXPECT_TRUE(matches("(year in (2023, 2024)) and not (month between '04' and '12')", row));
  EXPECT_TRUE(matches("year != 2023 and year <> 1999", row));
  EXPECT_FALSE(matches("year not in (2023, 2024)", row));
  EXPECT_TRUE(matches("month like '0%' and month like '_3' and month not like '1%'", row));
  EXPECT_TRUE(matches("month is not null", row));
  EXPECT_TRUE(matches("year = 1 or year = 2 or year=2024 and month='03'", row));
  EXPECT_TRUE(matches("`year`=2024 and \"month\"='03'", row));
  EXPECT_TRUE(PartitionExpression("name = 'O''Hara, José'", keys({{"name", "string"}}))
                  .matches(std::vector<std::string>{"O'Hara, José"}));
  EXPECT_TRUE(
      PartitionExpression("name like 'Jos_'", keys({{"name", "string"}})).matches(std::vector<std::string>{"José"}));
}

TEST(PartitionExpression, NullsFollowSql) {
  auto one = keys({{"k", "int"}});
  std::vector<std::string> null = {std::string(null_partition_value)}, junk = {"abc"};
  EXPECT_TRUE(PartitionExpression("k is null", one).matches(null));
  EXPECT_FALSE(PartitionExpression("k = 1", one).matches(null));
  EXPECT_FALSE(PartitionExpression("not k = 1", one).matches(null));
  EXPECT_FALSE(PartitionExpression("k <> 1", one).matches(junk));
  EXPECT_TRUE(PartitionExpression("k <> 1 or k is null", one).matches(null));
}

TEST(PartitionExpression, SaysWhenFirstValuesExclude) {
  PartitionExpression e("year = 2024 and (month = '03' or day = '2024-01-01')", by_day);
  EXPECT_FALSE(e.excludes({}));
  EXPECT_TRUE(e.excludes(std::vector<std::string>{"2023"}));
  EXPECT_FALSE(e.excludes(std::vector<std::string>{"2024", "04"}));
  EXPECT_TRUE(e.excludes(std::vector<std::string>{"2024", "04", "2024-04-01"}));
  EXPECT_FALSE(
      PartitionExpression("not (year = 2024 and month = '03')", by_day).excludes(std::vector<std::string>{"2024"}));
}

TEST(PartitionExpression, RefusesWhatItCantRead) {
  auto code = [](std::string_view expression) -> std::string {
    try {
      PartitionExpression e(expression, by_day);
      return "";
    } catch (const Error& e) {
      return e.code() + ": " + e.message();
    }
  };
  EXPECT_EQ(code("nope = 1"), "InvalidInputException: Unknown column 'nope'");
  EXPECT_EQ(code("year = 'x'"), "InvalidInputException: x is not an integer.");
  EXPECT_EQ(code("day = '2024-02-31'"), "InvalidInputException: 2024-02-31 is not a date.");
  for (const char* bad :
       {"year", "year =", "year = 1 and", "(year = 1", "year = 1)", "year in ()", "year between 1", "month like 3",
        "year = year", "year = 1; drop", "month = 'x", "year == 1", "year is 3", "year = 1 year = 2", "not"})
    EXPECT_EQ(code(bad), "InvalidInputException: Unsupported expression '" + std::string(bad) + "'");
  EXPECT_NE(code(std::string(5000, '(')), "");
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += "not ";
  EXPECT_NE(code(deep + "year = 1"), "");
  auto flags = keys({{"flag", "boolean"}});
  EXPECT_THROW(PartitionExpression("flag = 'true'", flags), Error);
}

}  // namespace
}  // namespace tarn::catalog
