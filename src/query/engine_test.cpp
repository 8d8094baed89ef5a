#include "query/engine.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/error.hpp"
#include "query/test_lake.hpp"

namespace tarn::query {
namespace {

using Rows = std::vector<std::vector<std::string>>;

TableScan parquet(std::vector<ScanColumn> columns, std::string location = "s3://lake/t") {
  TableScan scan;
  scan.name = "db.t";
  scan.columns = std::move(columns);
  scan.location = location;
  scan.partitions = {{{}, location}};
  return scan;
}

TableScan delimited(std::vector<ScanColumn> columns, std::string delimiter = ",") {
  TableScan scan = parquet(std::move(columns));
  scan.format = TableFormat::delimited;
  scan.text.delimiter = delimiter;
  return scan;
}

std::string failure(TestLake& lake, const std::string& sql) {
  try {
    lake.engine->session(lake.root)->run(sql);
  } catch (const Error& error) {
    return error.code() + ": " + error.message();
  }
  return "";
}

TEST(Engine, ParquetTakesTheCatalogsColumns) {
  TestLake lake;
  lake.write_parquet("t/a.parquet", "SELECT 1::INTEGER AS Id, 'x' AS name, {'a': 1, 'b': 'z'} AS s");
  lake.write_parquet("t/b.parquet", "SELECT 'y' AS NAME, 2::INTEGER AS id, 1.5::DOUBLE AS extra");
  lake.put("t/_SUCCESS", "no data");
  lake.put("t/.hidden/x", "no data");
  const auto scan =
      parquet({{"id", "BIGINT"}, {"name", "VARCHAR"}, {"s", "STRUCT(b VARCHAR, a BIGINT)"}, {"absent", "DATE"}});
  EXPECT_EQ(lake.rows(scan, "SELECT * FROM {t} ORDER BY id"),
            (Rows{{"1", "x", "{b=z, a=1}", "NULL"}, {"2", "y", "NULL", "NULL"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT id FROM {t} WHERE id > 1"), (Rows{{"2"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT count(*), max(id), count(absent) FROM {t}"), (Rows{{"2", "2", "0"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT \"$path\" FROM {t} WHERE name = 'y'"), (Rows{{"s3://lake/t/b.parquet"}}));
}

TEST(Engine, ASingleFileKeepsItsStatisticsUnderAnotherOrderOfColumns) {
  TestLake lake;
  lake.write_parquet("t/a.parquet", "SELECT range AS a, range + 1000 AS b, -range AS C FROM range(10)");
  EXPECT_EQ(lake.rows(parquet({{"c", "BIGINT"}, {"b", "BIGINT"}, {"a", "BIGINT"}}),
                      "SELECT min(a), max(b), min(c), count(*) FROM {t}"),
            (Rows{{"0", "1009", "-9", "10"}}));
  EXPECT_EQ(lake.rows(parquet({{"b", "INTEGER"}}), "SELECT min(b), max(b) FROM {t} WHERE b < 1005"),
            (Rows{{"1000", "1004"}}));
}

TEST(Engine, OverwrittenObjectsAreSeen) {
  TestLake lake;
  lake.write_parquet("t/a.parquet", "SELECT 1 AS id");
  EXPECT_EQ(lake.rows(parquet({{"id", "INTEGER"}}), "SELECT * FROM {t}"), (Rows{{"1"}}));
  lake.write_parquet("t/a.parquet", "SELECT 2 AS id UNION ALL SELECT 3");
  EXPECT_EQ(lake.rows(parquet({{"id", "INTEGER"}}), "SELECT id FROM {t} ORDER BY 1"), (Rows{{"2"}, {"3"}}));
}

TEST(Engine, ATextColumnIsNoNumber) {
  TestLake lake;
  lake.write_parquet("t/a.parquet", "SELECT 'x' AS id");
  try {
    lake.rows(parquet({{"id", "BIGINT"}}), "SELECT id FROM {t}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "HIVE_BAD_DATA");
  }
}

TEST(Engine, EmptyTables) {
  TestLake lake;
  const auto scan = parquet({{"id", "BIGINT"}}, "s3://lake/nothing/here");
  EXPECT_EQ(lake.rows(scan, "SELECT * FROM {t}"), Rows{});
  EXPECT_EQ(lake.rows(scan, "SELECT count(*) FROM {t} WHERE id = 3"), (Rows{{"0"}}));
  EXPECT_EQ(lake.rows(delimited({{"id", "BIGINT"}}), "SELECT count(*), sum(id) FROM {t}"), (Rows{{"0", "NULL"}}));
}

TEST(Engine, PartitionsArePruned) {
  TestLake lake;
  TableScan scan = parquet({{"id", "BIGINT"}});
  scan.partition_keys = {{"year", "INTEGER"}, {"city", "VARCHAR"}};
  scan.partitions.clear();
  for (int year = 2000; year < 2010; ++year)
    for (const char* city : {"bern", "köln"}) {
      const std::string folder = "t/" + std::to_string(year) + city;
      lake.write_parquet(folder + "/a.parquet", "SELECT range + " + std::to_string(year) + " AS id FROM range(1000)");
      scan.partitions.push_back({{std::to_string(year), city}, "s3://lake/" + folder});
    }
  scan.partitions.push_back({{std::nullopt, "rome"}, "s3://lake/empty/"});
  EXPECT_EQ(lake.rows(scan, "SELECT count(*), count(DISTINCT year), count(DISTINCT city) FROM {t}"),
            (Rows{{"20000", "10", "2"}}));
  lake.rows(scan, "SELECT sum(id) FROM {t}");
  const uint64_t all = lake.scanned_size_bytes;
  EXPECT_EQ(
      lake.rows(scan, "SELECT min(id), any_value(city), any_value(year) FROM {t} WHERE year = 2003 AND city = 'bern'"),
      (Rows{{"2003", "bern", "2003"}}));
  EXPECT_GT(lake.scanned_size_bytes, 0u);
  EXPECT_LT(lake.scanned_size_bytes, all / 10);
  EXPECT_EQ(lake.rows(scan, "SELECT count(*) FROM {t} WHERE year + 1 > 2009 AND id > 2010"), (Rows{{"1996"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT count(*) FROM {t} WHERE year IN (2001, 2002) OR city = 'nowhere'"),
            (Rows{{"4000"}}));
  // The same scan with other conditions in one statement.
  EXPECT_EQ(lake.rows(scan,
                      "WITH x AS (SELECT * FROM {t}) SELECT (SELECT count(*) FROM x WHERE year = 2001), (SELECT "
                      "count(*) FROM x WHERE "
                      "year < 2003)"),
            (Rows{{"2000", "6000"}}));
}

TEST(Engine, PartitionsOfText) {
  TestLake lake;
  TableScan scan = delimited({{"id", "BIGINT"}});
  scan.partition_keys = {{"day", "DATE"}};
  scan.partitions = {{{"2026-01-01"}, "s3://lake/t/day=2026-01-01/"}, {{"2026-01-02"}, "s3://lake/t/day=2026-01-02/"}};
  lake.put("t/day=2026-01-01/a.csv", "1\n2\n");
  lake.put("t/day=2026-01-02/a.csv", "3\n");
  EXPECT_EQ(lake.rows(scan, "SELECT * FROM {t} WHERE day > DATE '2026-01-01'"), (Rows{{"3", "2026-01-02"}}));
  EXPECT_EQ(lake.scanned_size_bytes, 2u);
  EXPECT_EQ(lake.rows(scan,
                      "WITH x AS (SELECT * FROM {t}) SELECT (SELECT count(*) FROM x WHERE day = DATE '2026-01-01'), "
                      "(SELECT count(*) "
                      "FROM x WHERE day = DATE '2026-01-02'), (SELECT count(*) FROM x)"),
            (Rows{{"2", "1", "3"}}));
  scan.partitions[0].values = {"no date"};
  EXPECT_THROW(lake.rows(scan, "SELECT * FROM {t}"), Error);
}

TEST(Engine, DelimitedText) {
  TestLake lake;
  lake.put("t/a.csv", "id,name,price\n1,\"q\",1.5\nx,\\N,\n1.5,short\n2,a\\,b,2e3,extra,fields\n");
  auto scan = delimited({{"id", "INTEGER"}, {"name", "VARCHAR"}, {"price", "DOUBLE"}});
  scan.text.skipped_lines = 1;
  scan.text.escape = "\\";
  EXPECT_EQ(lake.rows(scan, "SELECT * FROM {t}"),
            (Rows{{"1", "\"q\"", "1.5"}, {"NULL", "NULL", "NULL"}, {"NULL", "short", "NULL"}, {"2", "a,b", "2000.0"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT count(*) FROM {t}"), (Rows{{"4"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT price, id FROM {t} WHERE id = 2"), (Rows{{"2000.0", "2"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT \"$path\" FROM {t} WHERE id = 1"), (Rows{{"s3://lake/t/a.csv"}}));
}

TEST(Engine, QuotedCsv) {
  TestLake lake;
  lake.put("t/a.csv", "n,s,d,b\n1,\"x, y\",18276,true\n,\"say \"\"hi\"\", x\",2026-01-02,FALSE\n\"3\",\"a\\\"b\",,\n");
  auto scan = delimited({{"n", "BIGINT"}, {"s", "VARCHAR"}, {"d", "DATE"}, {"b", "BOOLEAN"}});
  scan.format = TableFormat::csv;
  scan.text = {",", "\\", "\"", ""};
  scan.text.skipped_lines = 1;
  EXPECT_EQ(lake.rows(scan, "SELECT * FROM {t}"), (Rows{{"1", "x, y", "2020-01-15", "true"},
                                                        {"NULL", "say \"hi\", x", "2026-01-02", "false"},
                                                        {"3", "a\"b", "NULL", "NULL"}}));
  lake.put("t/a.csv", "n,s,d,b\nbad,,,\n");
  try {
    lake.rows(scan, "SELECT * FROM {t}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("HIVE_BAD_DATA: Error parsing field value 'bad'"), std::string::npos)
        << error.message();
  }
}

TEST(Engine, Json) {
  TestLake lake;
  lake.put("t/a.json",
           "\xef\xbb\xbf{\"Id\": 1, \"Nested\": {\"A\": [1, 2]}, \"other\": {}}\n{\"ID\": 2, \"day.of\": "
           "\"x:{\\\"Y\\\"}\"}\n");
  lake.put("t/b.json", "[\n  {\"id\": 3},\n  {\"id\": 4, \"nested\": {\"a\": []}}\n]");
  auto scan = parquet({{"id", "BIGINT"}, {"nested", "STRUCT(a INTEGER[])"}, {"day_of", "VARCHAR"}});
  scan.format = TableFormat::json;
  scan.json.dots_in_keys = true;
  EXPECT_EQ(
      lake.rows(scan, "SELECT * FROM {t} ORDER BY id"),
      (Rows{{"1", "{a=[1, 2]}", "NULL"}, {"2", "NULL", "x:{\"Y\"}"}, {"3", "NULL", "NULL"}, {"4", "{a=[]}", "NULL"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT \"$path\" FROM {t} WHERE id = 3"), (Rows{{"s3://lake/t/b.json"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT count(*) FROM {t}"), (Rows{{"4"}}));
  lake.put("t/c.json", "{\"id\": 5}\nno json\n");
  EXPECT_THROW(lake.rows(scan, "SELECT sum(id) FROM {t}"), Error);
  scan.json.ignore_malformed = true;
  EXPECT_EQ(lake.rows(scan, "SELECT sum(id) FROM {t}"), (Rows{{"15"}}));
}

TEST(Engine, ProjectedPartitions) {
  TestLake lake;
  lake.put("t/2026/07/a.csv", "1\n");
  lake.put("t/2026/08/a.csv", "2\n");
  TableScan scan = delimited({{"id", "BIGINT"}});
  scan.partition_keys = {{"year", "INTEGER"}, {"month", "VARCHAR"}};
  scan.partitions.clear();
  scan.projection = Projection{{{ProjectedKey::Kind::integer, {"2025", "2026"}}, {ProjectedKey::Kind::injected, {}}},
                               "s3://lake/t/${year}/${month}/"};
  EXPECT_EQ(lake.rows(scan, "SELECT * FROM {t} WHERE month = '08'"), (Rows{{"2", "2026", "08"}}));
  EXPECT_EQ(lake.rows(scan, "SELECT count(*) FROM {t} WHERE month IN ('07', '08') AND year > 2025"), (Rows{{"2"}}));
  try {
    lake.rows(scan, "SELECT * FROM {t} WHERE year = 2026");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "CONSTRAINT_VIOLATION");
  }
}

TEST(Engine, CompressedText) {
  TestLake lake;
  // "1\n2\n" by gzip, bzip2 and zstd.
  lake.put("t/a.csv.gz",
           std::string(
               "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x33\xe4\x32\xe2\x02\x00\x5d\x70\xf0\xd4\x04\x00\x00\x00", 24));
  EXPECT_EQ(lake.rows(delimited({{"id", "INTEGER"}}), "SELECT sum(id) FROM {t}"), (Rows{{"3"}}));
}

TEST(Engine, NothingOutsideTheStoreIsInReach) {
  TestLake lake;
  for (const char* sql : {"SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/hostname')",
                          "SELECT * FROM '/etc/passwd'", "COPY (SELECT 1) TO '/tmp/tarn-leak.csv'",
                          "ATTACH '/tmp/tarn-leak.db'", "LOAD httpfs", "INSTALL httpfs",
                          "SET enable_external_access = true", "SET threads = 1", "SELECT * FROM glob('/etc/*')",
                          "SELECT * FROM read_csv('http://127.0.0.1:1/x')", "EXPORT DATABASE '/tmp/tarn-leak'"})
    EXPECT_NE(failure(lake, sql), "") << sql;
  EXPECT_FALSE(std::filesystem::exists("/tmp/tarn-leak.csv"));
}

TEST(Engine, WritesAreSeenOncePublished) {
  TestLake lake;
  {
    auto session = lake.engine->session(lake.root);
    EXPECT_EQ(
        session->run("COPY (SELECT 1 AS a UNION ALL SELECT 2) TO 's3://lake/out/a.csv' (FORMAT csv, HEADER false)"),
        2u);
    EXPECT_FALSE(lake.get("out/a.csv"));
    ASSERT_EQ(session->written().size(), 1u);
    EXPECT_EQ(session->written()[0].key, "out/a.csv");
    session->publish();
    EXPECT_EQ(lake.get("out/a.csv"), "1\n2\n");
  }
  {
    auto session = lake.engine->session(lake.root);
    session->run("COPY (SELECT 3 AS a) TO 's3://lake/out/b.csv' (FORMAT csv)");
  }
  EXPECT_FALSE(lake.get("out/b.csv"));
  EXPECT_NE(failure(lake, "COPY (SELECT 1) TO 's3://absent/a.csv'").find("NoSuchBucket"), std::string::npos);
}

TEST(Engine, ValuesAsAthenaPrintsThem) {
  TestLake lake;
  Collected out;
  lake.engine->session(lake.root)->run(
      "SELECT 1e10::DOUBLE, 0.1::DOUBLE, 100.0::DOUBLE, 1.5e-5::DOUBLE, 3.4::FLOAT, true, TIMESTAMP '2026-01-01 "
      "10:00:00', DATE '2026-01-02', "
      "1.50::DECIMAL(10,2), [1, NULL, 3], MAP {'k': 1.0::DOUBLE}, {'a': 1, 'b': ['x']}, 'hi'::BLOB, NULL, "
      "12345678901234567890123::HUGEINT, "
      "'nan'::DOUBLE, '-inf'::DOUBLE, 1e7::DOUBLE, 9999999.0::DOUBLE",
      &out);
  EXPECT_EQ(out.rows, (Rows{{"1.0E10", "0.1", "100.0", "1.5E-5", "3.4", "true", "2026-01-01 10:00:00.000", "2026-01-02",
                             "1.50", "[1, null, 3]", "{k=1.0}", "{a=1, b=[x]}", "68 69", "NULL",
                             "12345678901234567890123", "NaN", "-Infinity", "1.0E7", "9999999.0"}}));
}

TEST(Engine, StatementsEndWhenInterruptedOrOverTheirLimit) {
  TestLake lake;
  auto session = lake.engine->session(lake.root);
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    session->interrupt();
  });
  try {
    session->run("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "Interrupted");
  }
  stopper.join();

  lake.write_parquet("t/a.parquet", "SELECT hash(range) AS id FROM range(100000)");
  auto limited = lake.engine->session(lake.root);
  limited->limit_scanned(1000);
  const std::string relation = limited->relation(parquet({{"id", "DECIMAL(20,0)"}}));
  try {
    limited->run("SELECT sum(id) FROM " + relation);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "BytesScannedLimit");
  }
}

}  // namespace
}  // namespace tarn::query
