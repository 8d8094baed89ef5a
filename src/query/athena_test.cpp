// Athena end to end in one process: statements in, states, results and files out.
#include "query/athena.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "query/test_lake.hpp"

namespace tarn::query {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Service {
  Service() { restart(); }

  void restart() {
    athena.reset();
    athena = std::make_unique<Athena>(
        Parts{*metadata, *lake.store, lake.authority, catalog, *lake.engine, lake.clock, lake.random});
  }

  athena::StartQueryExecutionInput input(const std::string& sql) {
    athena::StartQueryExecutionInput in;
    in.query_string = sql;
    in.query_execution_context.emplace().database = "db";
    in.result_configuration.emplace().output_location = "s3://lake/results/";
    return in;
  }
  athena::QueryExecution wait(const std::string& id) {
    for (;;) {
      auto execution = athena->executions.get(caller, id);
      if (execution.status->state != "QUEUED" && execution.status->state != "RUNNING") return execution;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  athena::QueryExecution run(const std::string& sql) { return wait(athena->executions.start(caller, input(sql))); }
  // "SUCCEEDED", or why not.
  std::string end(const std::string& sql) {
    const auto execution = run(sql);
    return execution.status->state == "SUCCEEDED" ? "SUCCEEDED" : execution.status->state_change_reason.value_or("?");
  }
  athena::GetQueryResultsOutput results(const std::string& id, std::optional<std::string> token = {},
                                        std::optional<int64_t> limit = {}) {
    athena::GetQueryResultsInput in;
    in.query_execution_id = id;
    in.next_token = token;
    in.max_results = limit;
    return athena->executions.results(caller, in);
  }
  // All rows, without the header of a SELECT.
  Rows rows(const std::string& sql) {
    const auto execution = run(sql);
    EXPECT_EQ(execution.status->state, "SUCCEEDED") << sql << "\n"
                                                    << execution.status->state_change_reason.value_or("");
    if (execution.status->state != "SUCCEEDED") return {};
    Rows out;
    const auto result = results(*execution.query_execution_id);
    for (const auto& row : *result.result_set->rows) {
      auto& cells = out.emplace_back();
      for (const auto& datum : *row.data) cells.push_back(datum.var_char_value.value_or("NULL"));
    }
    if (execution.result_configuration->output_location->ends_with(".csv") && !out.empty()) out.erase(out.begin());
    return out;
  }

  TestLake lake;
  std::unique_ptr<meta::Metadata> metadata = meta::open_sqlite(lake.path / "metadata.db", lake.clock, false);
  catalog::Catalog catalog{*metadata, lake.clock};
  Caller caller{lake.root, "us-east-1"};
  std::unique_ptr<Athena> athena;
};

void make_people(Service& service) {
  EXPECT_EQ(service.end("CREATE DATABASE db COMMENT 'people'"), "SUCCEEDED");
  service.lake.put("people/a.csv", "id,name,born\n1,Ana,1990-05-01\n2,Björn,\n3,Chloé,2001-12-31\n");
  EXPECT_EQ(service.end("CREATE EXTERNAL TABLE people (id int COMMENT 'the key', name string, born date) ROW FORMAT "
                        "DELIMITED FIELDS TERMINATED BY ',' "
                        "LOCATION 's3://lake/people/' TBLPROPERTIES ('skip.header.line.count'='1')"),
            "SUCCEEDED");
}

TEST(Athena, SelectsFromATableThatItDefined) {
  Service service;
  make_people(service);
  const auto execution = service.run("SELECT id, name, born, count(*) OVER () FROM people ORDER BY id");
  ASSERT_EQ(execution.status->state, "SUCCEEDED") << execution.status->state_change_reason.value_or("");
  EXPECT_EQ(execution.statement_type, "DML");
  EXPECT_EQ(execution.work_group, "primary");
  EXPECT_GT(*execution.statistics->data_scanned_in_bytes, 0);
  const std::string id = *execution.query_execution_id;
  EXPECT_EQ(execution.result_configuration->output_location, "s3://lake/results/" + id + ".csv");
  EXPECT_EQ(service.lake.get("results/" + id + ".csv"),
            "\"id\",\"name\",\"born\",\"_col3\"\n\"1\",\"Ana\",\"1990-05-01\",\"3\"\n\"2\",\"Björn\",,\"3\"\n\"3\","
            "\"Chloé\",\"2001-12-31\",\"3\"\n");
  EXPECT_TRUE(service.lake.get("results/" + id + ".csv.metadata"));

  const auto first = service.results(id, {}, 2);
  ASSERT_EQ(first.result_set->rows->size(), 2u);
  EXPECT_EQ(first.result_set->rows->at(0).data->at(1).var_char_value, "name");
  const auto& columns = *first.result_set->result_set_metadata->column_info;
  EXPECT_EQ(columns.at(0).type, "integer");
  EXPECT_EQ(columns.at(0).precision, 10);
  EXPECT_EQ(columns.at(1).type, "varchar");
  EXPECT_EQ(columns.at(1).case_sensitive, true);
  EXPECT_EQ(columns.at(3).type, "bigint");
  ASSERT_TRUE(first.next_token);
  const auto second = service.results(id, first.next_token, 2);
  ASSERT_EQ(second.result_set->rows->size(), 2u);
  EXPECT_EQ(second.result_set->rows->at(0).data->at(2).var_char_value, std::nullopt);
  EXPECT_FALSE(second.next_token);
}

TEST(Athena, FailuresInAthenasWords) {
  Service service;
  make_people(service);
  EXPECT_EQ(service.end("SELECT * FROM nobody"),
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nobody' does not exist");
  EXPECT_EQ(service.end("SELECT * FROM nowhere.people"),
            "SCHEMA_NOT_FOUND: line 1:15: Schema 'nowhere' does not exist");
  EXPECT_TRUE(
      service.end("SELECT age FROM people").starts_with("COLUMN_NOT_FOUND: line 1:8: Column 'age' cannot be resolved"));
  EXPECT_TRUE(service.end("SELECT 1/0").starts_with("DIVISION_BY_ZERO"));
  EXPECT_TRUE(service.end("SELECT CAST(name AS integer) FROM people").starts_with("INVALID_CAST_ARGUMENT"));
  EXPECT_TRUE(service.end("DELETE FROM people").starts_with("NOT_SUPPORTED"));
  const auto failed = service.run("SELECT * FROM nobody");
  EXPECT_EQ(failed.status->athena_error->error_category, 2);
  EXPECT_EQ(failed.status->athena_error->error_type, 1110);
  EXPECT_THROW(service.results(*failed.query_execution_id), Error);
  auto refused = [&](const athena::StartQueryExecutionInput& in) {
    try {
      service.athena->executions.start(service.caller, in);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), "InvalidRequestException");
      return error.message();
    }
    return std::string();
  };
  EXPECT_TRUE(refused(service.input("SELEC 1")).starts_with("line 1:1: mismatched input"));
  auto nowhere = service.input("SELECT 1");
  nowhere.result_configuration.reset();
  EXPECT_TRUE(refused(nowhere).starts_with("No output location provided."));
  nowhere.result_configuration.emplace().output_location = "s3://absent/x";
  EXPECT_EQ(refused(nowhere), "Unable to verify/create output bucket absent");
  EXPECT_NE(refused(service.input("SELECT '" + std::string(262'144, 'x') + "'")), "");
}

TEST(Athena, Definitions) {
  Service service;
  make_people(service);
  EXPECT_EQ(service.rows("SHOW DATABASES"), (Rows{{"db"}}));
  EXPECT_EQ(service.rows("SHOW TABLES IN db 'peo*'"), (Rows{{"people"}}));
  EXPECT_EQ(service.rows("DESCRIBE people"),
            (Rows{{"id                  \tint                 \tthe key             "},
                  {"name                \tstring              \t                    "},
                  {"born                \tdate                \t                    "}}));
  const auto created = service.rows("SHOW CREATE TABLE people");
  EXPECT_EQ(created.at(0).at(0), "CREATE EXTERNAL TABLE `db.people`(");
  EXPECT_TRUE(
      service.end("CREATE EXTERNAL TABLE people (id int) LOCATION 's3://lake/x'").find("AlreadyExistsException") !=
      std::string::npos);
  EXPECT_EQ(service.end("CREATE EXTERNAL TABLE IF NOT EXISTS people (id int) LOCATION 's3://lake/x'"), "SUCCEEDED");
  EXPECT_EQ(service.end("ALTER TABLE people ADD COLUMNS (extra double)"), "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT extra FROM people WHERE id = 1"), (Rows{{"NULL"}}));
  EXPECT_EQ(service.end("ALTER TABLE people SET TBLPROPERTIES ('a'='b')"), "SUCCEEDED");
  EXPECT_EQ(service.rows("SHOW TBLPROPERTIES people('a')"), (Rows{{"b"}}));
  EXPECT_TRUE(service.end("DROP DATABASE db").find("is not empty") != std::string::npos);
  EXPECT_EQ(service.end("DROP TABLE people"), "SUCCEEDED");
  EXPECT_TRUE(service.end("DROP TABLE people").find("Table not found") != std::string::npos);
  EXPECT_EQ(service.end("DROP TABLE IF EXISTS people"), "SUCCEEDED");
  EXPECT_EQ(service.end("DROP DATABASE db"), "SUCCEEDED");
}

TEST(Athena, Partitions) {
  Service service;
  make_people(service);
  for (const char* day : {"2026-01-01", "2026-01-02", "2026-01-03"})
    service.lake.put(std::string("sales/day=") + day + "/a.csv", "1,2.5\n2,3.5\n");
  EXPECT_EQ(service.end("CREATE EXTERNAL TABLE sales (id bigint, price double) PARTITIONED BY (day date) ROW FORMAT "
                        "DELIMITED FIELDS TERMINATED BY ',' "
                        "LOCATION 's3://lake/sales'"),
            "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT count(*) FROM sales"), (Rows{{"0"}}));
  EXPECT_EQ(service.end("ALTER TABLE sales ADD PARTITION (day='2026-01-01')"), "SUCCEEDED");
  const auto repaired = service.rows("MSCK REPAIR TABLE sales");
  ASSERT_EQ(repaired.size(), 3u);
  EXPECT_EQ(repaired[0][0], "Partitions not in metastore:\tsales:day=2026-01-02\tsales:day=2026-01-03");
  EXPECT_EQ(repaired[1][0], "Repair: Added partition to metastore sales:day=2026-01-02");
  EXPECT_EQ(service.rows("SHOW PARTITIONS sales"), (Rows{{"day=2026-01-01"}, {"day=2026-01-02"}, {"day=2026-01-03"}}));
  const auto one = service.run("SELECT sum(price) FROM sales WHERE day = date '2026-01-02'");
  EXPECT_EQ(one.statistics->data_scanned_in_bytes, 12);
  EXPECT_EQ(service.rows("SELECT sum(price), max(day) FROM sales WHERE day > date '2026-01-01'"),
            (Rows{{"12.0", "2026-01-03"}}));
  EXPECT_EQ(service.rows("SELECT day FROM \"sales$partitions\" ORDER BY 1 DESC LIMIT 1"), (Rows{{"2026-01-03"}}));
  EXPECT_EQ(service.end("ALTER TABLE sales DROP PARTITION (day='2026-01-01')"), "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT count(*) FROM sales"), (Rows{{"4"}}));
}

TEST(Athena, CreateTableAsIsSeenWholeOrNotAtAll) {
  Service service;
  make_people(service);
  const auto execution = service.run(
      "CREATE TABLE copies WITH (format = 'PARQUET', write_compression = 'ZSTD') AS SELECT id, name, born FROM people");
  ASSERT_EQ(execution.status->state, "SUCCEEDED") << execution.status->state_change_reason.value_or("");
  const std::string id = *execution.query_execution_id;
  EXPECT_EQ(execution.statement_type, "DDL");
  EXPECT_EQ(execution.statistics->data_manifest_location, "s3://lake/results/tables/" + id + "-manifest.csv");
  EXPECT_EQ(service.rows("SELECT * FROM copies WHERE id <> 2 ORDER BY id"),
            (Rows{{"1", "Ana", "1990-05-01"}, {"3", "Chloé", "2001-12-31"}}));
  EXPECT_TRUE(service.end("CREATE TABLE copies AS SELECT 1 AS x").starts_with("TABLE_ALREADY_EXISTS"));
  EXPECT_TRUE(service.end("CREATE TABLE other WITH (external_location = 's3://lake/people/') AS SELECT 1 AS x")
                  .starts_with("HIVE_PATH_ALREADY_EXISTS"));
  EXPECT_TRUE(service.end("CREATE TABLE other AS SELECT 1").starts_with("MISSING_COLUMN_NAME"));
  // One that fails halfway leaves no table and no file.
  EXPECT_TRUE(service
                  .end("CREATE TABLE other WITH (external_location = 's3://lake/other/') AS SELECT CAST(name AS "
                       "integer) AS n FROM people")
                  .starts_with("INVALID_CAST_ARGUMENT"));
  EXPECT_FALSE(service.catalog.find_table(service.caller.scope(), "db", "other"));
  EXPECT_TRUE(
      service.lake.store->list(service.lake.authority.internal(store::Access::read), "lake", "other/", "", "", 10)
          .objects.empty());

  EXPECT_EQ(service.end("CREATE TABLE by_year WITH (partitioned_by = ARRAY['year'], format = 'PARQUET') AS SELECT id, "
                        "name, CAST(year(born) AS integer) AS year FROM people"),
            "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT name FROM by_year WHERE year = 2001"), (Rows{{"Chloé"}}));
  EXPECT_EQ(service.rows("SELECT id FROM by_year WHERE year IS NULL"), (Rows{{"2"}}));
  EXPECT_EQ(service.end("CREATE TABLE by_name WITH (partitioned_by = ARRAY['name'], format = 'JSON') AS SELECT id, "
                        "ARRAY['a, \"b\"', NULL] AS tags, born, name FROM people"),
            "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT * FROM by_name ORDER BY id").at(2),
            (std::vector<std::string>{"3", "[a, \"b\", null]", "2001-12-31", "Chloé"}));
  EXPECT_EQ(service.end("INSERT INTO by_name VALUES (9, ARRAY['x'], NULL, 'Eve')"), "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT id, tags FROM by_name WHERE name = 'Eve'"), (Rows{{"9", "[x]"}}));
  EXPECT_EQ(
      service.end("CREATE TABLE as_text WITH (format = 'TEXTFILE', field_delimiter = ';') AS SELECT * FROM people"),
      "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT * FROM as_text ORDER BY id").at(1), (std::vector<std::string>{"2", "Björn", "NULL"}));
}

TEST(Athena, InsertInto) {
  Service service;
  make_people(service);
  ASSERT_EQ(service.end(
                "CREATE TABLE t WITH (partitioned_by = ARRAY['part']) AS SELECT 1 AS id, CAST('a' AS varchar) AS name, "
                "'x' AS part"),
            "SUCCEEDED");
  const auto execution = service.run("INSERT INTO t SELECT id, name, 'y' FROM people");
  ASSERT_EQ(execution.status->state, "SUCCEEDED") << execution.status->state_change_reason.value_or("");
  EXPECT_EQ(service.results(*execution.query_execution_id).update_count, 3);
  EXPECT_TRUE(service.lake.get("results/" + *execution.query_execution_id + "-manifest.csv"));
  EXPECT_EQ(service.end("INSERT INTO t (part, id) VALUES ('x', 9), ('z', 10)"), "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT part, count(*), max(id) FROM t GROUP BY part ORDER BY part"),
            (Rows{{"x", "2", "9"}, {"y", "3", "3"}, {"z", "1", "10"}}));
  EXPECT_EQ(service.rows("SHOW PARTITIONS t"), (Rows{{"part=x"}, {"part=y"}, {"part=z"}}));
  EXPECT_TRUE(service.end("INSERT INTO t SELECT 'text', 'a', 'x'").starts_with("TYPE_MISMATCH"));
  EXPECT_TRUE(service.end("INSERT INTO people VALUES (4, 'Dan', NULL)")
                  .starts_with("NOT_SUPPORTED: Inserting into Hive table with skip.header"));
}

TEST(Athena, Unload) {
  Service service;
  make_people(service);
  const auto execution = service.run(
      "UNLOAD (SELECT id, name FROM people) TO 's3://lake/unloaded/' WITH (format = 'JSON', compression = 'NONE')");
  ASSERT_EQ(execution.status->state, "SUCCEEDED") << execution.status->state_change_reason.value_or("");
  const auto listed =
      service.lake.store->list(service.lake.authority.internal(store::Access::read), "lake", "unloaded/", "", "", 10)
          .objects;
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(service.lake.get(listed[0].key),
            "{\"id\":1,\"name\":\"Ana\"}\n{\"id\":2,\"name\":\"Björn\"}\n{\"id\":3,\"name\":\"Chloé\"}\n");
  EXPECT_TRUE(service.end("UNLOAD (SELECT 1 AS a) TO 's3://lake/unloaded/' WITH (format = 'PARQUET')")
                  .starts_with("HIVE_PATH_ALREADY_EXISTS"));
}

TEST(Athena, Views) {
  Service service;
  make_people(service);
  EXPECT_EQ(service.end(
                "CREATE VIEW adults AS SELECT name, year(born) AS born_in FROM people WHERE born < date '2000-01-01'"),
            "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT * FROM adults"), (Rows{{"Ana", "1990"}}));
  EXPECT_EQ(service.rows("SHOW VIEWS"), (Rows{{"adults"}}));
  EXPECT_TRUE(service.end("CREATE VIEW adults AS SELECT 1 AS x").starts_with("VIEW_ALREADY_EXISTS"));
  EXPECT_EQ(service.end("CREATE OR REPLACE VIEW adults AS SELECT count(*) AS n FROM people"), "SUCCEEDED");
  EXPECT_EQ(service.rows("SELECT n FROM db.adults"), (Rows{{"3"}}));
  EXPECT_EQ(
      service.rows("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'db' ORDER BY 1"),
      (Rows{{"adults", "VIEW"}, {"people", "BASE TABLE"}}));
  EXPECT_EQ(service.end("DROP VIEW adults"), "SUCCEEDED");
}

TEST(Athena, ParametersAndPreparedStatements) {
  Service service;
  make_people(service);
  auto in = service.input("SELECT name FROM people WHERE id = ? AND name <> ?");
  in.execution_parameters = {"3", "'Ana'"};
  const auto execution = service.wait(service.athena->executions.start(service.caller, in));
  ASSERT_EQ(execution.status->state, "SUCCEEDED") << execution.status->state_change_reason.value_or("");
  EXPECT_EQ(service.results(*execution.query_execution_id).result_set->rows->at(1).data->at(0).var_char_value, "Chloé");
  EXPECT_TRUE(service.end("SELECT ?").starts_with("INVALID_PARAMETER_USAGE"));
  EXPECT_EQ(service.end("PREPARE by_id FROM SELECT name FROM people WHERE id = ?"), "SUCCEEDED");
  EXPECT_EQ(service.rows("EXECUTE by_id USING 1"), (Rows{{"Ana"}}));
  EXPECT_EQ(service.end("DEALLOCATE PREPARE by_id"), "SUCCEEDED");
  EXPECT_NE(service.end("EXECUTE by_id USING 1"), "SUCCEEDED");
}

TEST(Athena, QueriesStop) {
  Service service;
  const std::string slow =
      "SELECT count(*) FROM UNNEST(sequence(1, 100000)) a(x) CROSS JOIN UNNEST(sequence(1, 100000)) b(y) CROSS JOIN "
      "UNNEST(sequence(1, "
      "1000)) c(z) WHERE (x * y + z) % 7 = 3";
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i)
    ids.push_back(
        service.athena->executions.start(service.caller, service.input(slow + " AND x <> " + std::to_string(i))));
  const auto state_of = [&](const std::string& id) {
    return service.athena->executions.get(service.caller, id).status->state;
  };
  for (int i = 0; i < 1000 && state_of(ids[0]) == "QUEUED"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(state_of(ids[0]), "RUNNING");
  EXPECT_EQ(service.athena->executions.get(service.caller, ids[5]).status->state, "QUEUED");
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) service.athena->executions.stop(service.caller, *id);
  for (const auto& id : ids) EXPECT_EQ(service.wait(id).status->state, "CANCELLED");
  athena::ListQueryExecutionsInput list;
  list.max_results = 4;
  const auto page = service.athena->executions.list(service.caller, list);
  EXPECT_EQ(page.query_execution_ids->size(), 4u);
  list.next_token = page.next_token;
  EXPECT_EQ(service.athena->executions.list(service.caller, list).query_execution_ids->size(), 2u);
}

TEST(Athena, TheBytesCutoffCancels) {
  Service service;
  make_people(service);
  service.lake.write_parquet(
      "big/a.parquet", "SELECT hash(range)::DECIMAL(20,0) AS id, hash(range + 1)::VARCHAR AS text FROM range(1000000)");
  ASSERT_EQ(
      service.end(
          "CREATE EXTERNAL TABLE big (id decimal(20,0), text string) STORED AS PARQUET LOCATION 's3://lake/big/'"),
      "SUCCEEDED");
  athena::CreateWorkGroupInput group;
  group.name = "small";
  group.configuration.emplace().bytes_scanned_cutoff_per_query = 10'000'000;
  group.configuration->result_configuration.emplace().output_location = "s3://lake/of-group/";
  service.athena->workgroups.create(service.caller, group);
  auto in = service.input("SELECT sum(id), max(text) FROM big");
  in.work_group = "small";
  const auto execution = service.wait(service.athena->executions.start(service.caller, in));
  EXPECT_EQ(execution.status->state, "CANCELLED");
  EXPECT_NE(execution.status->state_change_reason->find("Bytes scanned limit was exceeded"), std::string::npos);
  EXPECT_TRUE(execution.result_configuration->output_location->starts_with("s3://lake/of-group/"));
  in.query_string = "SELECT 1";
  EXPECT_EQ(service.wait(service.athena->executions.start(service.caller, in)).status->state, "SUCCEEDED");
}

TEST(Athena, TokensAndReuse) {
  Service service;
  make_people(service);
  auto in = service.input("SELECT count(*) FROM people");
  in.client_request_token = std::string(36, 'a');
  const std::string id = service.athena->executions.start(service.caller, in);
  service.wait(id);
  EXPECT_EQ(service.athena->executions.start(service.caller, in), id);
  in.query_string = "SELECT 2";
  EXPECT_THROW(service.athena->executions.start(service.caller, in), Error);

  auto again = service.input("SELECT count(*) FROM people");
  auto& reuse = again.result_reuse_configuration.emplace().result_reuse_by_age_configuration.emplace();
  reuse.enabled = true;
  reuse.max_age_in_minutes = 5;
  const auto reused = service.wait(service.athena->executions.start(service.caller, again));
  EXPECT_EQ(reused.status->state, "SUCCEEDED");
  EXPECT_EQ(reused.statistics->result_reuse_information->reused_previous_result, true);
  EXPECT_EQ(reused.result_configuration->output_location, "s3://lake/results/" + id + ".csv");
  EXPECT_EQ(service.results(*reused.query_execution_id).result_set->rows->at(1).data->at(0).var_char_value, "3");
}

TEST(Athena, RecordsOutliveTheProcess) {
  Service service;
  make_people(service);
  const auto before = service.run("SELECT 1 AS one");
  // As a process leaves them that was killed while it made a table of this query.
  service.metadata->change("test", [&](meta::Transaction& change) {
    Value record = Value::map({{"Execution", to_value(before)}});
    record["Execution"]["Status"].set("State", "RUNNING");
    record["Execution"].set("QueryExecutionId", "killed");
    change.put("athena.execution", service.caller.key({"killed"}), record);
    change.put("athena.execution_open", service.caller.key({"killed"}), Value::map());
    change.put("athena.write_intent", service.caller.key({"killed"}),
               Value::map({{"Account", "000000000000"},
                           {"Region", "us-east-1"},
                           {"Id", "killed"},
                           {"Objects", Value::list({Value::map({{"Bucket", "lake"}, {"Key", "half/a"}}),
                                                    Value::map({{"Bucket", "lake"}, {"Key", "half/b"}})})}}));
  });
  service.lake.put("half/a", "written");
  service.restart();
  EXPECT_EQ(service.athena->executions.get(service.caller, "killed").status->state, "FAILED");
  EXPECT_FALSE(service.lake.get("half/a"));
  EXPECT_EQ(service.athena->executions.get(service.caller, *before.query_execution_id).status->state, "SUCCEEDED");
  EXPECT_EQ(service.results(*before.query_execution_id).result_set->rows->size(), 2u);
}

TEST(Athena, Workgroups) {
  Service service;
  EXPECT_EQ(service.athena->workgroups.get(service.caller, "primary").state, "ENABLED");
  EXPECT_THROW(service.athena->workgroups.get(service.caller, "absent"), Error);
  athena::CreateWorkGroupInput group;
  group.name = "team";
  group.tags.emplace().emplace_back().key = "who";
  group.configuration.emplace().result_configuration.emplace().output_location = "s3://lake/team/";
  service.athena->workgroups.create(service.caller, group);
  EXPECT_THROW(service.athena->workgroups.create(service.caller, group), Error);
  EXPECT_EQ(service.athena->tags.list(service.caller, workgroup_arn(service.caller, "team")).size(), 1u);
  EXPECT_EQ(service.athena->workgroups.list(service.caller, {}).work_groups->size(), 2u);

  athena::UpdateWorkGroupInput update;
  update.work_group = "team";
  update.state = "DISABLED";
  update.configuration_updates.emplace().result_configuration_updates.emplace().remove_output_location = true;
  service.athena->workgroups.update(service.caller, update);
  EXPECT_FALSE(
      service.athena->workgroups.get(service.caller, "team").configuration->result_configuration->output_location);
  auto in = service.input("SELECT 1");
  in.work_group = "team";
  EXPECT_THROW(service.athena->executions.start(service.caller, in), Error);

  athena::CreateNamedQueryInput named;
  named.name = "q";
  named.database = "db";
  named.query_string = "SELECT 1";
  named.work_group = "team";
  const std::string id = service.athena->saved_queries.create(service.caller, named);
  EXPECT_EQ(service.athena->saved_queries.find(service.caller, id)->query_string, "SELECT 1");
  athena::DeleteWorkGroupInput remove;
  remove.work_group = "team";
  EXPECT_THROW(service.athena->workgroups.remove(service.caller, remove), Error);
  remove.recursive_delete_option = true;
  service.athena->workgroups.remove(service.caller, remove);
  EXPECT_FALSE(service.athena->saved_queries.find(service.caller, id));
  remove.work_group = "primary";
  EXPECT_THROW(service.athena->workgroups.remove(service.caller, remove), Error);
}

}  // namespace
}  // namespace tarn::query
