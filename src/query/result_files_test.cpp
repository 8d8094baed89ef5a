#include "query/result_files.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "query/test_lake.hpp"

namespace tarn::query {
namespace {

TEST(ResultFiles, CsvAsAthenaWritesIt) {
  TestLake lake;
  CsvResult result(lake.store->write(lake.authority.internal(store::Access::write), "lake", "r.csv", {}));
  lake.engine->session(lake.root)->run(
      "SELECT 1 AS id, 'a \"b\", c' AS \"the name\", NULL AS n, '' AS empty UNION ALL SELECT 2, E'two\\nlines', 3, 'x'",
      &result);
  result.finish();
  EXPECT_EQ(lake.get("r.csv"),
            "\"id\",\"the name\",\"n\",\"empty\"\n\"1\",\"a \"\"b\"\", c\",,\"\"\n\"2\",\"two\nlines\",\"3\",\"x\"\n");
  EXPECT_EQ(result.rows(), 2u);

  ResultReader reader(lake.store->open(lake.authority.internal(store::Access::read), "lake", "r.csv"), 0);
  EXPECT_EQ(reader.csv_row(), (ResultRow{"id", "the name", "n", "empty"}));
  const uint64_t second = reader.offset_bytes();
  EXPECT_EQ(reader.csv_row(), (ResultRow{"1", "a \"b\", c", std::nullopt, ""}));
  EXPECT_EQ(reader.csv_row(), (ResultRow{"2", "two\nlines", "3", "x"}));
  EXPECT_EQ(reader.csv_row(), std::nullopt);
  ResultReader again(lake.store->open(lake.authority.internal(store::Access::read), "lake", "r.csv"), second);
  EXPECT_EQ(again.csv_row()->at(0), "1");

  lake.put("r.csv", "id\n");
  ResultReader changed(lake.store->open(lake.authority.internal(store::Access::read), "lake", "r.csv"), 0);
  EXPECT_THROW(changed.csv_row(), Error);
}

TEST(ResultFiles, Metadata) {
  api::athena::ColumnInfo column = column_info({"id", dialect::simple_type(dialect::TypeKind::bigint)});
  EXPECT_EQ(column.type, "bigint");
  const std::string bytes = metadata_bytes("q1", {column});
  EXPECT_EQ(bytes.substr(0, 4), "\x0a\x02q1");
  EXPECT_EQ(bytes.substr(4, 8), std::string("\x22\x1e\x0a\x04hive", 8));
  EXPECT_EQ(bytes.size(), 36u);
}

}  // namespace
}  // namespace tarn::query
