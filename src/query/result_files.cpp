#include "query/result_files.hpp"

#include "base/error.hpp"

namespace tarn::query {
namespace {

constexpr std::size_t write_size_bytes = 1 << 20;
constexpr std::size_t read_size_bytes = 256 << 10;

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t from = 0;;) {
    const auto quote = text.find('"', from);
    if (quote == text.npos) {
      out += text.substr(from);
      break;
    }
    out += text.substr(from, quote + 1 - from);
    out += '"';
    from = quote + 1;
  }
  out += '"';
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}
void append_number(std::string& out, int field, uint64_t value) {
  append_varint(out, static_cast<uint64_t>(field) << 3);
  append_varint(out, value);
}
void append_text(std::string& out, int field, std::string_view text) {
  append_varint(out, static_cast<uint64_t>(field) << 3 | 2);
  append_varint(out, text.size());
  out += text;
}

}  // namespace

api::athena::ColumnInfo column_info(const ResultColumn& column) {
  const auto description = dialect::describe_for_athena(column.type);
  api::athena::ColumnInfo out;
  out.catalog_name = "hive";
  out.schema_name = "";
  out.table_name = "";
  out.name = column.name;
  out.label = column.name;
  out.type = description.name;
  out.precision = description.precision;
  out.scale = description.scale;
  out.nullable = "UNKNOWN";
  out.case_sensitive = description.case_sensitive;
  return out;
}

api::athena::ColumnInfo text_column_info(const std::string& name) {
  api::athena::ColumnInfo out;
  out.catalog_name = "hive";
  out.schema_name = "";
  out.table_name = "";
  out.name = name;
  out.label = name;
  out.type = "string";
  out.precision = 0;
  out.scale = 0;
  out.nullable = "UNKNOWN";
  out.case_sensitive = false;
  return out;
}

void CsvResult::begin(const std::vector<ResultColumn>& columns) {
  columns_ = columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) buffer_ += ',';
    append_quoted(buffer_, columns[i].name);
  }
  buffer_ += '\n';
}

void CsvResult::row(std::span<const Cell> cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) buffer_ += ',';
    if (!cells[i].is_null) append_quoted(buffer_, cells[i].text);
  }
  buffer_ += '\n';
  ++rows_;
  if (buffer_.size() >= write_size_bytes) flush();
}

void CsvResult::flush() {
  writer_->append(buffer_);
  size_bytes_ += buffer_.size();
  buffer_.clear();
}

void CsvResult::finish() {
  flush();
  writer_->finish({});
}

std::string metadata_bytes(const std::string& engine_query_id, const std::vector<api::athena::ColumnInfo>& columns) {
  std::string out;
  append_text(out, 1, engine_query_id);
  for (const auto& column : columns) {
    std::string one;
    append_text(one, 1, column.catalog_name.value_or("hive"));
    append_text(one, 4, column.name);
    append_text(one, 5, column.label.value_or(column.name));
    append_text(one, 6, column.type);
    append_number(one, 7, static_cast<uint64_t>(column.precision.value_or(0)));
    append_number(one, 8, static_cast<uint64_t>(column.scale.value_or(0)));
    append_number(one, 9, 3);  // UNKNOWN
    append_number(one, 10, column.case_sensitive.value_or(false) ? 1 : 0);
    append_text(out, 4, one);
  }
  return out;
}

int ResultReader::next_byte() {
  if (at_ < buffer_from_ || at_ >= buffer_from_ + buffer_.size()) {
    buffer_.resize(read_size_bytes);
    buffer_from_ = at_;
    buffer_.resize(reader_->read_at(at_, buffer_.data(), buffer_.size()));
    if (buffer_.empty()) return -1;
  }
  return static_cast<unsigned char>(buffer_[at_++ - buffer_from_]);
}

std::optional<ResultRow> ResultReader::csv_row() {
  int c = next_byte();
  if (c < 0) return std::nullopt;
  ResultRow row;
  for (;; c = next_byte()) {
    if (c != '"') {  // NULL
      row.emplace_back();
    } else {
      std::string& text = row.emplace_back().emplace();
      for (;;) {
        c = next_byte();
        if (c < 0)
          throw Error(ErrorKind::caller, "InvalidRequestException", "The results file ends in the middle of a value");
        if (c == '"' && (c = next_byte()) != '"') break;
        text += static_cast<char>(c);
      }
    }
    if (c == '\n' || c < 0) return row;
    if (c != ',')
      throw Error(ErrorKind::caller, "InvalidRequestException",
                  "The results file was changed: it is not as the query left it");
  }
}

std::optional<std::string> ResultReader::text_line() {
  std::string line;
  int c = next_byte();
  if (c < 0) return std::nullopt;
  for (; c >= 0 && c != '\n'; c = next_byte()) line += static_cast<char>(c);
  return line;
}

}  // namespace tarn::query
