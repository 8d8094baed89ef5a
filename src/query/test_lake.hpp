// A store and an engine over a throw-away folder, for the tests of this folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "query/engine.hpp"

namespace tarn::query {

// Rows as text; NULL is the word "NULL".
struct Collected : RowSink {
  std::vector<ResultColumn> columns;
  std::vector<std::vector<std::string>> rows;
  void begin(const std::vector<ResultColumn>& c) override { columns = c; }
  void row(std::span<const Cell> cells) override {
    auto& row = rows.emplace_back();
    for (const Cell& cell : cells) row.push_back(cell.is_null ? "NULL" : std::string(cell.text));
  }
};

struct TestLake {
  TestLake() : path(std::filesystem::temp_directory_path() / ("tarn-query-" + SystemRandom().hex(12))) {
    std::filesystem::create_directories(path);
    store = store::open_local(path / "store", clock, random, store::Durability::none);
    store->create_bucket({"lake", "000000000000", "us-east-1", clock.now(), {}});
    engine = make_engine({path / "temporary", 1ull << 30, 2, ""}, *store, authority);
  }
  ~TestLake() {
    engine.reset();
    store.reset();
    std::filesystem::remove_all(path);
  }

  void put(const std::string& key, std::string_view bytes) {
    auto writer = store->write(authority.internal(store::Access::write), "lake", key, {});
    writer->append(bytes);
    writer->finish({});
  }
  std::optional<std::string> get(const std::string& key) {
    auto reader = store->open(authority.internal(store::Access::read), "lake", key);
    if (!reader) return std::nullopt;
    std::string bytes(reader->info().size_bytes, '\0');
    reader->read_at(0, bytes.data(), bytes.size());
    return bytes;
  }
  // Writes the query's rows as s3://lake/KEY.
  void write_parquet(const std::string& key, const std::string& query) {
    auto session = engine->session(root);
    session->run("COPY (" + query + ") TO 's3://lake/" + key + "' (FORMAT parquet)");
    session->publish();
  }
  // `sql` with {t} standing for the scan.
  std::vector<std::vector<std::string>> rows(const TableScan& scan, std::string sql) {
    auto session = engine->session(root);
    const std::string relation = session->relation(scan);
    for (std::size_t at; (at = sql.find("{t}")) != sql.npos;) sql.replace(at, 3, relation);
    Collected out;
    session->run(sql, &out);
    scanned_size_bytes = session->scanned_size_bytes();
    return out.rows;
  }

  std::filesystem::path path;
  SystemClock clock;
  SystemRandom random;
  govern::Authority authority;
  api::Principal root{"000000000000", "arn:aws:iam::000000000000:root", "000000000000", ""};
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Engine> engine;
  uint64_t scanned_size_bytes = 0;  // by the last rows()
};

}  // namespace tarn::query
