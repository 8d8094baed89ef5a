#include "catalog/crawl/crawlers.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>

#include "base/error.hpp"
#include "catalog/classifiers.hpp"
#include "catalog/crawl/crawler_records.hpp"

namespace tarn::catalog {
namespace {

struct Lines : CrawlLog {
  std::mutex mutex;
  std::vector<std::string> lines;
  void write(const Scope&, std::string_view, Time, std::string_view line) override {
    std::lock_guard lock(mutex);
    lines.emplace_back(line);
  }
  bool has(std::string_view part) {
    std::lock_guard lock(mutex);
    for (const auto& l : lines)
      if (l.find(part) != l.npos) return true;
    return false;
  }
};

template <class F>
std::string error_of(F f) {
  try {
    f();
    return "none";
  } catch (const Error& e) {
    return e.code();
  }
}

struct CrawlersTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("tarn-crawl-" + SystemRandom().hex(12));
  ManualClock clock{Time{} + std::chrono::days(20000)};
  SystemRandom random;
  govern::Authority authority;
  Lines lines;
  Scope me{"000000000000", "us-east-1", "arn:aws:iam::000000000000:root"};
  std::unique_ptr<meta::Metadata> metadata;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<Crawlers> crawlers;

  CrawlersTest() {
    std::filesystem::create_directories(folder);
    metadata = meta::open_sqlite(folder / "meta.db", clock, false);
    store = store::open_local(folder / "store", clock, random, store::Durability::none);
    catalog = std::make_unique<Catalog>(*metadata, clock);
    store->create_bucket({"lake", me.account, me.region, clock.now(), {}});
    open();
  }
  ~CrawlersTest() override {
    crawlers.reset();
    store.reset();
    std::filesystem::remove_all(folder);
  }
  void open(CrawlOptions options = {}) {
    crawlers = std::make_unique<Crawlers>(*metadata, clock, random, *catalog, *store, authority, &lines, options);
  }

  void put(const std::string& key, std::string_view bytes) {
    auto writer = store->write(authority.internal(store::Access::write), "lake", key, {});
    writer->append(bytes);
    writer->finish({});
  }
  void remove(const std::string& key) { store->erase(authority.internal(store::Access::write), "lake", key); }

  static glue::CreateCrawlerRequest request(const std::string& path, const std::string& name = "c") {
    glue::CreateCrawlerRequest in;
    in.name = name;
    in.role = "arn:aws:iam::000000000000:role/crawler";
    in.database_name = "db";
    in.targets.s3_targets.emplace().emplace_back().path = path;
    return in;
  }
  static void log_only(glue::CreateCrawlerRequest& in, const char* recrawl = nullptr) {
    in.schema_change_policy.emplace().update_behavior = "LOG";
    in.schema_change_policy->delete_behavior = "LOG";
    if (recrawl) in.recrawl_policy.emplace().recrawl_behavior = recrawl;
  }
  // Runs the crawler and returns how it ended.
  std::string run(const std::string& name = "c") {
    clock.advance(std::chrono::seconds(10));
    crawlers->start(me, name);
    crawlers->wait(me, name);
    auto c = crawlers->get(me, name);
    return *c.last_crawl->status + (c.last_crawl->error_message ? ": " + *c.last_crawl->error_message : "");
  }
  std::string crawl(const glue::CreateCrawlerRequest& in) {
    crawlers->create(me, in);
    return run(in.name);
  }
  // "table vN [keys] {values…} column:type …" for each table.
  std::vector<std::string> tables() {
    std::vector<std::string> out;
    for (const auto& t : catalog->all_tables(me, "db")) {
      std::string text = t.name + " v" + *t.version_id;
      for (const auto& k : *t.partition_keys) text += " [" + k.name + "]";
      for (const auto& p : catalog->partition_values(me, "db", t.name)) {
        text += " {";
        for (const auto& v : p) text += (text.back() == '{' ? "" : ",") + v;
        text += "}";
      }
      for (const auto& c : *t.storage_descriptor->columns) text += " " + c.name + ":" + *c.type;
      out.push_back(text);
    }
    return out;
  }
};
using Tables = std::vector<std::string>;

const char* suppliers = "nombre_proveedor,tipo_energia\nEléctrica del Sur,Solar\n\"Vientos, S.A.\",Eólica\n";
const char* customers =
    "tipo_identificacion,identificacion,nombre,ciudad\nCC,1020,Ana Pérez,Bogotá\nNIT,900,\"Gómez, Luis\",Cali\n";
const char* trades =
    "tipo_transaccion,nombre_cliente_proveedor,cantidad_kwh,precio_total,tipo_energia,fecha\n"
    "Compra,\"Vientos, S.A.\",100,250.5,Eólica,2024-01-01\nVenta,Ana Pérez,7,20,Solar,2024-01-01\n";

TEST_F(CrawlersTest, TheEnergyLake) {
  auto day = [&](const std::string& d) {
    put("bronze/proveedores/fecha=" + d + "/proveedores.csv", suppliers);
    put("bronze/clientes/fecha=" + d + "/clientes.csv", customers);
    put("bronze/transacciones/fecha=" + d + "/transacciones.csv", trades);
  };
  day("2024-01-01");
  auto in = request("s3://lake/bronze/");
  log_only(in, "CRAWL_NEW_FOLDERS_ONLY");
  EXPECT_EQ(crawl(in), "SUCCEEDED");
  const char* clientes = " tipo_identificacion:string identificacion:bigint nombre:string ciudad:string";
  const char* proveedores = " nombre_proveedor:string tipo_energia:string";
  const char* transacciones =
      " tipo_transaccion:string nombre_cliente_proveedor:string cantidad_kwh:bigint precio_total:double "
      "tipo_energia:string";
  EXPECT_EQ(tables(), (Tables{std::string("clientes v0 [fecha] {2024-01-01}") + clientes,
                              std::string("proveedores v0 [fecha] {2024-01-01}") + proveedores,
                              std::string("transacciones v0 [fecha] {2024-01-01}") + transacciones}));
  auto t = catalog->table(me, "db", "transacciones");
  EXPECT_EQ(t.storage_descriptor->location, "s3://lake/bronze/transacciones/");
  EXPECT_EQ(t.storage_descriptor->serde_info->serialization_library, "org.apache.hadoop.hive.serde2.OpenCSVSerde");
  EXPECT_EQ(t.parameters->at("skip.header.line.count"), "1");
  EXPECT_EQ(t.parameters->at("classification"), "csv");
  EXPECT_EQ(t.parameters->at("UPDATED_BY_CRAWLER"), "c");
  EXPECT_EQ(catalog->partition(me, "db", "transacciones", {"2024-01-01"}).storage_descriptor->location,
            "s3://lake/bronze/transacciones/fecha=2024-01-01/");

  day("2024-01-02");
  EXPECT_EQ(run(), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{std::string("clientes v0 [fecha] {2024-01-01} {2024-01-02}") + clientes,
                              std::string("proveedores v0 [fecha] {2024-01-01} {2024-01-02}") + proveedores,
                              std::string("transacciones v0 [fecha] {2024-01-01} {2024-01-02}") + transacciones}));
  EXPECT_TRUE(lines.has("3 of them are in folders that are new"));
  int64_t before = metadata->changes(0, SIZE_MAX).back().number;
  EXPECT_EQ(run(), "SUCCEEDED");
  EXPECT_EQ(metadata->changes(before, SIZE_MAX).size(), 0u);

  put("bronze/precios/fecha=2024-01-02/p.csv", "hora,precio\n1,2.5\n");
  EXPECT_EQ(run(), "SUCCEEDED");
  EXPECT_EQ(tables().at(1), "precios v0 [fecha] {2024-01-02} hora:bigint precio:double");
}

TEST_F(CrawlersTest, OneFolderBelowIsATableOfTheIncludePath) {
  put("silver/ventas/part-0.json", "{\"total\":1.5}\n");
  put("silver/ventas/_SUCCESS", "");
  put("silver/ventas/.part-0.json.crc", "x");
  EXPECT_EQ(crawl(request("s3://lake/silver")), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"silver v0 [partition_0] {ventas} total:double"}));
}

TEST_F(CrawlersTest, ASecondCrawlOfTheSameChangesNothing) {
  put("t/year=2024/a.csv", "id,name\n1,x\n");
  put("t/year=2025/a.json.csv", "id,name\n2,y\n");
  EXPECT_EQ(crawl(request("s3://lake/t/")), "SUCCEEDED");
  int64_t before = metadata->changes(0, SIZE_MAX).back().number;
  EXPECT_EQ(run(), "SUCCEEDED");
  EXPECT_EQ(metadata->changes(before, SIZE_MAX).size(), 0u);
  auto metrics = crawlers->metrics(me, {"c"}, {}).items.at(0);
  EXPECT_EQ(metrics.tables_created, 0);
  EXPECT_EQ(crawlers->crawls(me, "c", {}, {}).items.size(), 2u);
}

TEST_F(CrawlersTest, SchemaChangesFollowThePolicy) {
  put("t/a.csv", "id,name\n1,x\n");
  crawl(request("s3://lake/t/"));
  auto logged = request("s3://lake/t/", "logs");
  log_only(logged);
  put("t/b.csv", "id,name,price\n1.5,x,2\n");
  EXPECT_EQ(crawl(logged), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"t v0 id:bigint name:string"}));
  EXPECT_TRUE(lines.has("has changed in schema; it is left alone"));
  EXPECT_EQ(run("c"), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"t v1 id:double name:string price:bigint"}));
  EXPECT_TRUE(lines.has("column id is double: 1 file voted bigint (t/a.csv), 1 file voted double (t/b.csv)"));

  auto merging = request("s3://lake/t/", "merges");
  merging.configuration = R"({"Version":1.0,"CrawlerOutput":{"Tables":{"AddOrUpdateBehavior":"MergeNewColumns"}}})";
  remove("t/b.csv");
  put("t/c.csv", "id,name,color\nx,y,z\n");
  EXPECT_EQ(crawl(merging), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"t v2 id:double name:string price:bigint color:string"}));
}

TEST_F(CrawlersTest, WhatIsGoneFollowsThePolicy) {
  put("d/x/a.csv", "id,name\n1,x\n");
  put("d/y/day=1/a.json", "{\"k\":1,\"z\":2}");
  put("d/y/day=2/a.json", "{\"k\":1,\"z\":2}");
  auto in = request("s3://lake/d/");
  crawl(in);
  EXPECT_EQ(tables().size(), 2u);
  remove("d/y/day=1/a.json");
  remove("d/x/a.csv");
  put("d/other/a.csv", "uno;dos\n1;2\n");
  EXPECT_EQ(run(), "SUCCEEDED");
  EXPECT_TRUE(catalog->table(me, "db", "x").parameters->contains("DEPRECATED_BY_CRAWLER"));
  EXPECT_TRUE(catalog->partition(me, "db", "y", {"1"}).parameters->contains("DEPRECATED_BY_CRAWLER"));
  put("d/x/a.csv", "id,name\n1,x\n");
  EXPECT_EQ(run(), "SUCCEEDED");
  EXPECT_FALSE(catalog->table(me, "db", "x").parameters->contains("DEPRECATED_BY_CRAWLER"));

  glue::UpdateCrawlerRequest change;
  change.name = "c";
  change.schema_change_policy.emplace().delete_behavior = "DELETE_FROM_DATABASE";
  crawlers->update(me, change);
  remove("d/x/a.csv");
  EXPECT_EQ(run(), "SUCCEEDED");
  EXPECT_FALSE(catalog->find_table(me, "db", "x"));
  EXPECT_FALSE(catalog->find_partition(me, "db", "y", {"1"}));
  EXPECT_TRUE(catalog->find_partition(me, "db", "y", {"2"}));
}

TEST_F(CrawlersTest, ColumnsThatArePartitionKeysToo) {
  put("csv/fecha=1/a.csv", "fecha,v\n1,2\n");
  put("json/fecha=1/a.json", "{\"fecha\":1,\"v\":2}");
  EXPECT_EQ(crawl(request("s3://lake/csv/")), "SUCCEEDED");
  EXPECT_EQ(crawl(request("s3://lake/json/", "j")), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"csv v0 [fecha] {1} fecha_1:bigint v:bigint", "json v0 [fecha] {1} v:bigint"}));
}

TEST_F(CrawlersTest, NamesThatAreTakenGetAHash) {
  put("a/t/x.csv", "id,n\n1,2\n");
  put("b/t/x.csv", "k,m\n1,2\n");
  crawl(request("s3://lake/a/t/"));
  EXPECT_EQ(crawl(request("s3://lake/b/t/", "second")), "SUCCEEDED");
  auto all = catalog->all_tables(me, "db");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].name.size(), 2 + 32u);
  auto prefixed = request("s3://lake/a/t/x.csv", "third");
  prefixed.table_prefix = "raw_";
  EXPECT_EQ(crawl(prefixed), "SUCCEEDED");
  EXPECT_TRUE(catalog->find_table(me, "db", "raw_x_csv"));
}

TEST_F(CrawlersTest, ExclusionsSamplesAndSeveralTargets) {
  put("t/a.csv", "id,n\n1,2\n");
  put("t/b.csv", "id,n\nx,2\n");
  put("t/skip/c.csv", "other,cols,here\n1,2,3\n");
  put("u/a.csv", "k,m\n1,2\n");
  auto in = request("s3://lake/t/");
  in.targets.s3_targets->at(0).exclusions = {{"skip/**"}};
  in.targets.s3_targets->at(0).sample_size = 1;
  in.targets.s3_targets->emplace_back().path = "lake/u";
  EXPECT_EQ(crawl(in), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"t v0 id:bigint n:bigint", "u v0 k:bigint m:bigint"}));
}

TEST_F(CrawlersTest, ClassifiersAreUsed) {
  Classifiers classifiers(*metadata, clock);
  glue::CreateClassifierRequest c;
  auto& csv = c.csv_classifier.emplace();
  csv.name = "no_header";
  csv.delimiter = "|";
  csv.contains_header = "ABSENT";
  csv.header = {{"uno", "dos"}};
  csv.serde = "OpenCSVSerDe";
  classifiers.create(me, c);
  c.csv_classifier.reset();
  c.grok_classifier.emplace();
  EXPECT_EQ(error_of([&] { classifiers.create(me, c); }), "NotImplemented");
  put("t/a.csv", "a|b\nc|d\n");
  auto in = request("s3://lake/t/");
  in.classifiers = {{"no_header"}};
  EXPECT_EQ(crawl(in), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"t v0 uno:string dos:string"}));
  auto t = catalog->table(me, "db", "t");
  EXPECT_EQ(t.storage_descriptor->serde_info->serialization_library, "org.apache.hadoop.hive.serde2.OpenCSVSerde");
  EXPECT_EQ(t.storage_descriptor->serde_info->parameters->at("separatorChar"), "|");
  in.name = "x";
  in.classifiers = {{"nope"}};
  EXPECT_EQ(error_of([&] { crawlers->create(me, in); }), "EntityNotFoundException");
}

TEST_F(CrawlersTest, EmptyCorruptAndForeignFilesAreToldNotFatal) {
  EXPECT_EQ(crawl(request("s3://lake/nothing/")), "SUCCEEDED");
  EXPECT_TRUE(tables().empty());
  put("t/good.csv", "id,n\n1,2\n");
  put("t/photo.png", std::string_view("\x89PNG\r\n\x1a\n\0\0\0", 11));
  put("t/cut.gz", "\x1f\x8b\x08");
  EXPECT_EQ(crawl(request("s3://lake/t/", "mixed")), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"t v0 id:bigint n:bigint"}));
  EXPECT_TRUE(lines.has("WARN : s3://lake/t/photo.png is of no known format: it is binary"));
  EXPECT_TRUE(lines.has("the gzip data is corrupt or cut"));
  EXPECT_EQ(crawl(request("s3://no-such-bucket/t/", "lost")).substr(0, 6), "FAILED");
  EXPECT_EQ(crawlers->crawls(me, "lost", {}, {}).items.at(0).state, "FAILED");
}

TEST_F(CrawlersTest, CatalogTargetsKeepTheirTables) {
  glue::DatabaseInput d;
  d.name = "db";
  catalog->create_database(me, d);
  glue::TableInput t;
  t.name = "mine";
  t.storage_descriptor.emplace().location = "s3://lake/t/";
  t.storage_descriptor->columns.emplace().emplace_back().name = "id";
  t.partition_keys.emplace().emplace_back().name = "year";
  t.partition_keys->at(0).type = "int";
  catalog->create_table(me, "db", t);
  put("t/year=2024/a.csv", "id,n\n1,2\n");
  put("t/year=2025/a.csv", "id,n\n1,x\n");
  glue::CreateCrawlerRequest in;
  in.name = "c";
  in.role = "crawler";
  auto& target = in.targets.catalog_targets.emplace().emplace_back();
  target.database_name = "db";
  target.tables = {"mine"};
  EXPECT_EQ(error_of([&] { crawlers->create(me, in); }), "InvalidInputException");
  in.schema_change_policy.emplace().delete_behavior = "LOG";
  EXPECT_EQ(crawl(in), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"mine v1 [year] {2024} {2025} id:bigint n:string"}));
  EXPECT_EQ(catalog->table(me, "db", "mine").partition_keys->at(0).type, "int");
}

TEST_F(CrawlersTest, WhatTarnDoesNotCrawlIsRefusedByName) {
  auto refused = [&](auto change) {
    auto in = request("s3://lake/t/");
    change(in);
    return error_of([&] { crawlers->create(me, in); });
  };
  EXPECT_EQ(refused([](auto& in) { in.targets.jdbc_targets.emplace().emplace_back(); }), "NotImplemented");
  EXPECT_EQ(refused([](auto& in) { in.targets.delta_targets.emplace().emplace_back(); }), "NotImplemented");
  EXPECT_EQ(refused([](auto& in) { in.targets.s3_targets->at(0).event_queue_arn = "arn:aws:sqs:x"; }),
            "NotImplemented");
  EXPECT_EQ(refused([](auto& in) { in.targets.s3_targets.reset(); }), "InvalidInputException");
  EXPECT_EQ(refused([](auto& in) { in.targets.s3_targets->at(0).path = "s3://"; }), "InvalidInputException");
  EXPECT_EQ(refused([](auto& in) { in.database_name.reset(); }), "InvalidInputException");
  EXPECT_EQ(refused([](auto& in) { in.configuration = "{"; }), "InvalidInputException");
  EXPECT_EQ(refused([](auto& in) { in.schedule = "cron(0 0)"; }), "InvalidInputException");
  EXPECT_EQ(refused([](auto& in) { in.schedule = "rate(1 hour)"; }), "InvalidInputException");
  EXPECT_EQ(refused([](auto& in) { in.recrawl_policy.emplace().recrawl_behavior = "CRAWL_EVENT_MODE"; }),
            "NotImplemented");
  EXPECT_EQ(refused([](auto& in) { in.recrawl_policy.emplace().recrawl_behavior = "CRAWL_NEW_FOLDERS_ONLY"; }),
            "InvalidInputException");
}

TEST_F(CrawlersTest, LifeCycleErrorsAreAws) {
  put("t/a.csv", "id,n\n1,2\n");
  crawlers->create(me, request("s3://lake/t/"));
  EXPECT_EQ(error_of([&] { crawlers->create(me, request("s3://lake/t/")); }), "AlreadyExistsException");
  EXPECT_EQ(error_of([&] { crawlers->stop(me, "c"); }), "CrawlerNotRunningException");
  EXPECT_EQ(error_of([&] { crawlers->start(me, "nope"); }), "EntityNotFoundException");
  EXPECT_EQ(error_of([&] { crawlers->start_schedule(me, "c"); }), "NoScheduleException");
  EXPECT_EQ(error_of([&] { crawlers->stop_schedule(me, "c"); }), "SchedulerNotRunningException");
  open({false, 0});  // no place to run: it waits in state RUNNING
  crawlers->start(me, "c");
  EXPECT_EQ(crawlers->get(me, "c").state, "RUNNING");
  clock.advance(std::chrono::seconds(3));
  EXPECT_EQ(crawlers->get(me, "c").crawl_elapsed_time, 3000);
  EXPECT_EQ(error_of([&] { crawlers->start(me, "c"); }), "CrawlerRunningException");
  EXPECT_EQ(error_of([&] { crawlers->erase(me, "c"); }), "CrawlerRunningException");
  glue::UpdateCrawlerRequest change;
  change.name = "c";
  EXPECT_EQ(error_of([&] { crawlers->update(me, change); }), "CrawlerRunningException");
  crawlers->stop(me, "c");
  crawlers->wait(me, "c");
  EXPECT_EQ(crawlers->get(me, "c").last_crawl->status, "CANCELLED");
  crawlers->erase(me, "c");
  EXPECT_FALSE(crawlers->find(me, "c"));
  EXPECT_EQ(metadata->count("glue.crawl", ""), 0u);
}

TEST_F(CrawlersTest, AnInterruptedCrawlIsRecordedAsFailed) {
  crawlers->create(me, request("s3://lake/t/"));
  metadata->change_quietly([&](meta::Transaction& t) {
    auto c = crawl::need_crawler(t, me, "c");
    crawl::record_start(t, me, c, "some-id", clock.now());
  });
  EXPECT_EQ(crawlers->get(me, "c").state, "RUNNING");
  crawlers.reset();
  open();  // as after kill -9
  EXPECT_EQ(crawlers->get(me, "c").state, "READY");
  EXPECT_EQ(crawlers->get(me, "c").last_crawl->status, "FAILED");
  auto runs = crawlers->crawls(me, "c", {}, {});
  ASSERT_EQ(runs.items.size(), 1u);
  EXPECT_EQ(runs.items[0].state, "FAILED");
  EXPECT_TRUE(runs.items[0].end_time);
}

TEST_F(CrawlersTest, HistoryIsNewestFirstAndFiltered) {
  put("t/a.csv", "id,n\n1,2\n");
  crawl(request("s3://lake/t/"));
  run();
  run();
  auto page = crawlers->crawls(me, "c", {}, {{}, 2});
  ASSERT_EQ(page.items.size(), 2u);
  EXPECT_GT(*page.items[0].start_time, *page.items[1].start_time);
  auto rest = crawlers->crawls(me, "c", {}, {page.next, 2});
  ASSERT_EQ(rest.items.size(), 1u);
  EXPECT_NE(rest.items[0].summary->find("\"TABLE\""), std::string::npos);
  glue::CrawlsFilter filter;
  filter.field_name = "STATE";
  filter.filter_operator = "EQ";
  filter.field_value = "FAILED";
  EXPECT_TRUE(crawlers->crawls(me, "c", {filter}, {}).items.empty());
  filter.field_name = "START_TIME";
  filter.filter_operator = "GT";
  filter.field_value = std::to_string(rest.items[0].start_time->time_since_epoch().count());
  EXPECT_EQ(crawlers->crawls(me, "c", {filter}, {}).items.size(), 2u);
}

TEST_F(CrawlersTest, SchedulesFireByTheClock) {
  put("t/a.csv", "id,n\n1,2\n");
  auto in = request("s3://lake/t/");
  in.schedule = "cron(15 12 * * ? *)";
  crawlers->create(me, in);
  EXPECT_EQ(crawlers->get(me, "c").schedule->state, "SCHEDULED");
  auto runs_soon = [&](std::size_t wanted) {
    for (int i = 0; i < 500; ++i) {
      if (crawlers->crawls(me, "c", {}, {}).items.size() == wanted && crawlers->get(me, "c").state == "READY")
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  };
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // let the scheduler see it
  clock.advance(std::chrono::hours(12));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(crawlers->crawls(me, "c", {}, {}).items.empty());
  clock.advance(std::chrono::minutes(15));
  EXPECT_TRUE(runs_soon(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  clock.advance(std::chrono::hours(24));
  EXPECT_TRUE(runs_soon(2));
  crawlers->stop_schedule(me, "c");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  clock.advance(std::chrono::hours(48));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(crawlers->crawls(me, "c", {}, {}).items.size(), 2u);
  crawlers->update_schedule(me, "c", "");
  EXPECT_FALSE(crawlers->get(me, "c").schedule);
}

TEST_F(CrawlersTest, ListenersHearOfEachRun) {
  std::vector<std::string> heard;
  crawlers->add_listener([&](const Scope&, const glue::Crawler& c, std::string_view state) {
    heard.push_back(*c.name + " " + std::string(state));
  });
  put("t/a.csv", "id,n\n1,2\n");
  crawl(request("s3://lake/t/"));
  EXPECT_EQ(heard, (std::vector<std::string>{"c Started", "c Succeeded"}));
}

TEST_F(CrawlersTest, StrictIsAws) {
  open({true, 4});
  put("proveedores/a.csv", suppliers);
  put("zip/a.csv", "zip,lat\n00501,1.5\n10001,2\n");
  auto in = request("s3://lake/proveedores/");
  EXPECT_EQ(crawl(in), "SUCCEEDED");
  EXPECT_EQ(crawl(request("s3://lake/zip/", "z")), "SUCCEEDED");
  EXPECT_EQ(tables(), (Tables{"proveedores v0 col0:string col1:string", "zip v0 zip:bigint lat:double"}));
  EXPECT_EQ(catalog->table(me, "db", "proveedores").storage_descriptor->serde_info->serialization_library,
            "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe");
}

}  // namespace
}  // namespace tarn::catalog
