// The SQL engine: DuckDB in the process. It reads and writes objects of the store as s3:// files, each opened with a
// Grant for the principal that runs the statement; no other file, and no network, is within a statement's reach.
//
// No header of DuckDB's is included here, so that the rest of tarn compiles without them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "govern/authority.hpp"
#include "query/dialect/types.hpp"
#include "query/scan.hpp"
#include "store/store.hpp"

namespace tarn::query {

struct EngineOptions {
  std::string temporary_directory;     // where sorts and joins spill to; made when needed
  uint64_t max_memory_size_bytes = 0;  // 0: half of the machine's
  int threads = 0;                     // 0: one a processor
  std::string extension_directory;     // holds NAME.duckdb_extension; empty: none
};

struct ResultColumn {
  std::string name;
  dialect::Type type;
};

struct Cell {
  std::string_view text;  // as Athena prints it; valid until the next row
  bool is_null = false;
};

// Takes a statement's rows as they come, in one thread. What it throws ends the statement and comes out of
// Session::run().
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void begin(const std::vector<ResultColumn>& columns) = 0;
  virtual void row(std::span<const Cell> cells) = 0;
};

struct WrittenObject {
  std::string bucket, key;
  uint64_t size_bytes = 0;
};

// One statement, or a few that belong together, run for one principal over one connection. Used by one thread, but for
// interrupt() and the figures. Destroyed without publish(), it leaves no object behind.
class Session {
 public:
  virtual ~Session() = default;

  // SQL text that stands for the table in a statement run here ("FROM " + relation(scan)): its columns, then its
  // partition keys, with the catalog's names and types, and "$path". Only what the statement's conditions on partition
  // keys leave is listed and read.
  virtual std::string relation(TableScan scan) = 0;

  // Runs one statement of DuckDB's SQL; rows go to `sink` where it is given, printed as of the types in `columns` where
  // these are given (what the dialect worked out: digits of timestamps, kinds of intervals), else as of DuckDB's.
  // Returns the rows that a COPY wrote, else 0. Failures: Error (caller, "SQL", DuckDB's message), what the store or
  // the authority threw, Error (caller, Interrupted) after interrupt(), Error (limit, BytesScannedLimit) over the
  // limit.
  virtual uint64_t run(const std::string& sql, RowSink* sink = nullptr,
                       const std::vector<ResultColumn>* columns = nullptr) = 0;
  // The columns of a query, without running it. Fails as run() does.
  virtual std::vector<ResultColumn> describe(const std::string& sql) = 0;

  // The objects that statements wrote; none is visible before publish(), which makes them so one after the other, in
  // the order written.
  virtual std::vector<WrittenObject> written() const = 0;
  virtual void publish() = 0;
  // Drops what was written and not published.
  virtual void discard() = 0;

  // Ends a running statement soon, and every later one. Any thread.
  virtual void interrupt() = 0;
  // Bytes read of objects so far. Any thread.
  virtual uint64_t scanned_size_bytes() const = 0;
  virtual void limit_scanned(uint64_t max_scanned_size_bytes) = 0;
};

// Thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::unique_ptr<Session> session(const api::Principal& principal) = 0;
};

// `store` and `authority` must outlive the engine. DuckDB opens with the first session, which fails with Error (bug)
// where it does not.
std::unique_ptr<Engine> make_engine(const EngineOptions& options, store::Store& store,
                                    const govern::Authority& authority);

// "s3://bucket/key" (s3a and s3n too) taken apart; another text throws Error (caller, InvalidRequestException).
struct S3Path {
  std::string bucket, key;
};
S3Path parse_s3_path(std::string_view path);

}  // namespace tarn::query
