// The files that Athena leaves at a query's output location ("Working with query results and recent queries"): ID.csv
// or ID.txt, with a .metadata file beside it, and manifests of what a write wrote.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/athena.hpp"
#include "query/engine.hpp"

namespace tarn::query {

// What GetQueryResults says of a column, for a query's column and for one of a definition's text.
api::athena::ColumnInfo column_info(const ResultColumn& column);
api::athena::ColumnInfo text_column_info(const std::string& name);

// Writes ID.csv: a header, then the rows, every value in quotes, NULL as nothing.
class CsvResult : public RowSink {
 public:
  explicit CsvResult(std::unique_ptr<store::ObjectWriter> writer) : writer_(std::move(writer)) {}
  void begin(const std::vector<ResultColumn>& columns) override;
  void row(std::span<const Cell> cells) override;
  // Makes the file visible.
  void finish();

  const std::vector<ResultColumn>& columns() const { return columns_; }
  uint64_t rows() const { return rows_; }
  uint64_t size_bytes() const { return size_bytes_ + buffer_.size(); }

 private:
  void flush();
  std::unique_ptr<store::ObjectWriter> writer_;
  std::vector<ResultColumn> columns_;
  std::string buffer_;
  uint64_t rows_ = 0, size_bytes_ = 0;
};

// The bytes of ID.csv.metadata: a protocol-buffers message. AWS does not document it; these are the fields that
// open-source drivers read: 1 the engine's own id, 4 a message for each column (1 catalog, 4 name, 5 label, 6 type, 7
// precision, 8 scale, 9 nullable, 10 case).
std::string metadata_bytes(const std::string& engine_query_id, const std::vector<api::athena::ColumnInfo>& columns);

// Reads a results file row by row from `offset_bytes`.
using ResultRow = std::vector<std::optional<std::string>>;
class ResultReader {
 public:
  ResultReader(std::unique_ptr<store::ObjectReader> reader, uint64_t offset_bytes)
      : reader_(std::move(reader)), at_(offset_bytes) {}
  // Absent at the end. A file that is not of CsvResult's form throws Error (caller, InvalidRequestException).
  std::optional<ResultRow> csv_row();
  std::optional<std::string> text_line();
  // Where the next row begins.
  uint64_t offset_bytes() const { return at_; }

 private:
  int next_byte();
  std::unique_ptr<store::ObjectReader> reader_;
  uint64_t at_;
  std::string buffer_;
  uint64_t buffer_from_ = 0;
};

}  // namespace tarn::query
