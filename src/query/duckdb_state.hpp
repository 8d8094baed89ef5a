// What DuckDB's callbacks need to know of the session that they work for. Included only by the few files that speak to
// DuckDB.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "duckdb.hpp"
#include "duckdb/main/client_context_state.hpp"
#include "query/engine.hpp"

namespace tarn::query {

inline constexpr const char* session_state_name = "tarn_session";

// Shared by a session's threads.
struct SessionState : duckdb::ClientContextState {
  SessionState(store::Store& s, const govern::Authority& a, api::Principal p)
      : store(s), authority(a), principal(std::move(p)) {}

  store::Store& store;
  const govern::Authority& authority;
  const api::Principal principal;

  std::atomic<uint64_t> scanned_size_bytes{0};
  std::atomic<uint64_t> max_scanned_size_bytes{UINT64_MAX};
  std::atomic<bool> interrupted{false};

  struct Written {
    WrittenObject object;
    std::unique_ptr<store::ObjectWriter> writer;
    bool closed = false;
  };

  std::mutex mutex;              // guards what follows
  std::deque<TableScan> scans;   // "tarn_…('3')" names the fourth; never shrinks, so that references stay
  std::list<Written> written;    // in the order opened
  std::optional<Error> failure;  // the first Error of ours that was thrown through DuckDB, which keeps only its text
  std::vector<std::shared_ptr<class LakeTable>> tables;  // of the scans, made when first bound

  // DuckDB forgets an interruption when a statement begins: one that came just before counts.
  void QueryBegin(duckdb::ClientContext& context) override {
    if (interrupted) context.Interrupt();
  }
  // Counts bytes read, and fails where that passes the limit.
  void count(uint64_t size_bytes);
  // Notes `error` and throws it in a form that DuckDB carries to the caller.
  [[noreturn]] void fail(const Error& error);

  // Fails with an internal error for a context that no session made.
  static SessionState& of(duckdb::ClientContext& context);
  static SessionState& of(duckdb::optional_ptr<duckdb::FileOpener> opener);
};

// store_files.cpp: the file systems under s3:// and s3json://. Of what is read under s3:// so much stays in memory.
void register_store_file_systems(duckdb::FileSystem& files, std::size_t kept_size_bytes);
inline constexpr std::string_view json_scheme = "s3json://";
// The scan's number and "s3://bucket/key" of a path "s3json://3/bucket/key".
std::pair<std::size_t, std::string> split_json_path(const std::string& path);
// lake_scan.cpp: tarn_parquet, tarn_csv, tarn_json: DuckDB's own readers over a table's partitions.
void register_lake_scans(duckdb::DatabaseInstance& database);
// athena_text.cpp: values as Athena prints them.
dialect::Type trino_type(const duckdb::LogicalType& type);
// Calls `emit` for each row of `chunk`.
void print_chunk(duckdb::DataChunk& chunk, const std::vector<ResultColumn>& columns,
                 const std::function<void(std::span<const Cell>)>& emit);

}  // namespace tarn::query
