#include "catalog/crawl/classify.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "catalog/crawl/avro_header.hpp"
#include "catalog/crawl/csv_sniffer.hpp"
#include "catalog/crawl/json_sniffer.hpp"
#include "catalog/crawl/parquet_footer.hpp"

namespace tarn::catalog::crawl {
namespace {

constexpr std::size_t head_size_bytes = 256 * 1024;
constexpr std::size_t chunk_size_bytes = 256 * 1024;
constexpr uint64_t sampled_head_size_bytes = 16ull * 1024 * 1024;
constexpr uint64_t sample_size_bytes = 1024 * 1024;
constexpr uint64_t sample_count = 8;
constexpr uint64_t max_unpacked_size_bytes =
    256ull * 1024 * 1024;  // of compressed files: a small one may hold anything
constexpr std::size_t max_avro_header_size_bytes = 4 * 1024 * 1024;

std::string read_range(const FileBytes& bytes, uint64_t offset, std::size_t size) {
  std::string out(size, '\0');
  out.resize(bytes.read_at(offset, out.data(), size));
  return out;
}

// The text of a file, decompressed, as a stream that ends after `limit` bytes.
class TextStream {
 public:
  TextStream(const FileBytes& bytes, Compression compression, uint64_t limit) : limit_(limit) {
    source_ = open_decompressor(compression, [&bytes, at = uint64_t{0}](char* into, std::size_t size) mutable {
      std::size_t n = bytes.read_at(at, into, size);
      at += n;
      return n;
    });
  }
  std::size_t read(char* into, std::size_t size) {
    if (at_limit()) return 0;
    std::size_t n = source_->read(into, static_cast<std::size_t>(std::min<uint64_t>(size, limit_ - given_)));
    given_ += n;
    return n;
  }
  uint64_t given() const { return given_; }
  bool at_limit() const { return given_ == limit_; }

 private:
  std::unique_ptr<Decompressor> source_;
  uint64_t limit_, given_ = 0;
};

// Everything that the classifiers of text need to know.
struct Text {
  std::string_view key;
  const FileBytes& bytes;
  Compression compression;
  std::string head;    // the beginning, decompressed
  bool whole = false;  // the head is all

  bool sampled() const { return bytes.size_bytes > max_whole_file_size_bytes; }
  uint64_t limit() const {
    if (sampled()) return sampled_head_size_bytes;
    return compression == Compression::none ? UINT64_MAX : max_unpacked_size_bytes;
  }
};

bool ends_with_any(std::string_view key, std::initializer_list<std::string_view> endings) {
  std::string lower(key);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view e) { return lower.ends_with(e); });
}

// Feeds the sniffer with the text, or its head and samples; returns how many bytes of text it got.
uint64_t feed_csv(CsvSniffer& sniffer, const Text& text) {
  TextStream stream(text.bytes, text.compression, text.limit());
  std::string chunk(chunk_size_bytes, '\0');
  while (std::size_t n = stream.read(chunk.data(), chunk.size())) sniffer.feed(std::string_view(chunk).substr(0, n));
  uint64_t given = stream.given();
  if (text.compression != Compression::none && stream.at_limit()) sniffer.skip_to_next_line();
  if (!text.sampled() || text.compression != Compression::none) return given;
  uint64_t rest = text.bytes.size_bytes - sampled_head_size_bytes;
  for (uint64_t i = 0; i < sample_count; ++i) {
    uint64_t at = sampled_head_size_bytes + rest * i / sample_count;
    std::string sample = read_range(text.bytes, at, sample_size_bytes);
    sniffer.skip_to_next_line();
    sniffer.feed(sample);
    given += sample.size();
  }
  return given;
}

std::string sample_note(const Text& text, uint64_t read_bytes) {
  if (!text.sampled() && read_bytes == max_unpacked_size_bytes && text.compression != Compression::none)
    return "read its first 256 MiB of text";
  if (!text.sampled()) return "";
  return text.compression == Compression::none ? "read its first 16 MiB and 8 samples of 1 MiB"
                                               : "read its first 16 MiB of text";
}

void add_note(std::string& notes, const std::string& note) {
  if (note.empty()) return;
  if (!notes.empty()) notes += "; ";
  notes += note;
}

// What was counted, carried over to the whole file where only a part was read.
uint64_t estimated(uint64_t counted, uint64_t read_bytes, const Text& text) {
  if (!text.sampled() || read_bytes == 0 || text.compression != Compression::none) return counted;
  return static_cast<uint64_t>(static_cast<double>(counted) * static_cast<double>(text.bytes.size_bytes) /
                               static_cast<double>(read_bytes));
}

bool try_csv(const Text& text, const ClassifyOptions& options, const api::glue::CsvClassifier* classifier,
             FileFinding& out) {
  CsvOptions csv;
  csv.strict = options.strict;
  csv.classifier = classifier;
  csv.single_column = !options.strict && ends_with_any(text.key, {".csv", ".csv.gz", ".csv.zst", ".csv.bz2", ".tsv"});
  CsvSniffer sniffer(text.head, text.whole, csv);
  if (!sniffer.is_csv()) {
    out.why_unknown = sniffer.why_not();
    return false;
  }
  uint64_t read_bytes = feed_csv(sniffer, text);
  auto found = sniffer.finish();
  if (!found) {
    out.why_unknown = sniffer.why_not();
    return false;
  }
  out.format = Format::csv;
  out.csv = found->dialect;
  out.header = found->header;
  out.quotes = found->quotes;
  out.backslash_escapes = found->backslash_escapes;
  out.encoding = found->encoding;
  out.records = estimated(found->records, read_bytes, text);
  if (classifier) out.csv_serde = classifier->serde.value_or("");
  add_note(out.note,
           std::string(found->header ? "its first line is a header: " : "it has no header: ") + found->header_why);
  if (found->odd_records)
    add_note(out.note, std::to_string(found->odd_records) + " lines have another number of columns");
  add_note(out.note, sample_note(text, read_bytes));
  for (auto& c : found->columns)
    out.columns.push_back({std::move(c.name), std::move(c.original_name), std::move(c.type), std::move(c.why)});
  return true;
}

bool try_json(const Text& text, const ClassifyOptions& options, const api::glue::JsonClassifier* classifier,
              FileFinding& out) {
  std::optional<JsonPath> path;
  JsonOptions json;
  json.strict = options.strict;
  json.cut = text.sampled();
  if (classifier) json.path = &path.emplace(classifier->json_path);
  TextStream stream(text.bytes, text.compression, text.limit());
  auto read = [&](char* into, std::size_t size) {
    std::size_t n = stream.read(into, size);
    json.cut |= stream.at_limit();
    return n;
  };
  auto found = sniff_json(read, json, out.why_unknown);
  if (!found) return false;
  out.format = Format::json;
  if (classifier)
    out.json_path = classifier->json_path;
  else if (found->array && !options.strict)
    out.json_path = "$[*]";
  out.records = estimated(found->records, stream.given(), text);
  add_note(out.note, found->problem);
  add_note(out.note, sample_note(text, stream.given()));
  for (auto& c : found->columns)
    out.columns.push_back({std::move(c.name), std::move(c.original_name), std::move(c.type), std::move(c.why)});
  return true;
}

void take_columns(std::vector<Field> fields, FileFinding& out) {
  std::vector<std::string> names;
  for (const Field& f : fields) names.push_back(column_name(f.name, names.size()));
  make_unique(names);
  for (std::size_t i = 0; i < fields.size(); ++i)
    out.columns.push_back({names[i], fields[i].name, std::move(fields[i].type), ""});
}

void classify_parquet(const FileBytes& bytes, FileFinding& out) {
  std::string tail = bytes.size_bytes < 12
                         ? ""
                         : read_range(bytes, bytes.size_bytes - parquet_tail_size_bytes, parquet_tail_size_bytes);
  auto size = parquet_footer_size_bytes(tail);
  if (!size) {
    out.why_unknown = "it begins as Parquet but does not end so (encrypted, or cut)";
    return;
  }
  if (*size + 12 > bytes.size_bytes || *size > max_parquet_footer_size_bytes) {
    out.why_unknown = "its Parquet footer is longer than the file, or than 64 MiB";
    return;
  }
  auto found = read_parquet_footer(read_range(bytes, bytes.size_bytes - parquet_tail_size_bytes - *size, *size),
                                   out.why_unknown);
  if (!found) return;
  out.format = Format::parquet;
  out.records = found->records;
  take_columns(std::move(found->columns), out);
}

void classify_avro(const FileBytes& bytes, FileFinding& out) {
  auto found = read_avro_header(read_range(bytes, 0, max_avro_header_size_bytes), out.why_unknown);
  if (!found) return;
  out.format = Format::avro;
  out.avro_schema = std::move(found->schema);
  take_columns(std::move(found->columns), out);
}

// A name for content that tarn recognises but does not read.
const char* foreign_format(std::string_view head) {
  if (head.starts_with("ORC")) return "it is ORC, which tarn does not read";
  if (head.starts_with("PK\x03\x04")) return "it is a ZIP archive, which tarn does not read";
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) return "it is UTF-16 text: convert it to UTF-8";
  auto at = head.find_first_not_of(" \t\r\n");
  if (at != head.npos && (head.substr(at).starts_with("<?xml") || head.substr(at).starts_with("<")))
    return "it looks like XML, which tarn does not read";
  if (head.substr(0, 4096).find('\0') != head.npos) return "it is binary, of no format that tarn knows";
  return nullptr;
}

void classify_text(const Text& text, const ClassifyOptions& options, FileFinding& out) {
  std::string why;
  for (const auto& classifier : options.classifiers) {
    bool taken = classifier.csv_classifier
                     ? try_csv(text, options, &*classifier.csv_classifier, out)
                     : classifier.json_classifier && try_json(text, options, &*classifier.json_classifier, out);
    if (!taken) continue;
    out.classifier = classifier.csv_classifier ? classifier.csv_classifier->name : classifier.json_classifier->name;
    return;
  }
  std::string_view head = text.head;
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  auto at = head.find_first_not_of(" \t\r\n");
  if (at == head.npos) {
    out.why_unknown = "it is empty";
    return;
  }
  if (const char* foreign = foreign_format(head)) {
    out.why_unknown = foreign;
    return;
  }
  bool json = head[at] == '{' || head[at] == '[';
  if (json && try_json(text, options, nullptr, out)) return;
  std::string json_why = json ? out.why_unknown : "";
  if (try_csv(text, options, nullptr, out)) return;
  if (json) out.why_unknown = json_why;
}

}  // namespace

const char* name_of(Format format) {
  switch (format) {
    case Format::csv:
      return "csv";
    case Format::json:
      return "json";
    case Format::parquet:
      return "parquet";
    case Format::avro:
      return "avro";
    case Format::unknown:
      break;
  }
  return "UNKNOWN";
}

FileFinding classify_file(std::string_view key, const FileBytes& bytes, const ClassifyOptions& options) {
  FileFinding out;
  out.size_bytes = bytes.size_bytes;
  std::string head = read_range(bytes, 0, head_size_bytes);
  if (head.starts_with("PAR1")) {
    classify_parquet(bytes, out);
    return out;
  }
  if (head.starts_with(std::string_view("Obj\x01", 4))) {
    classify_avro(bytes, out);
    return out;
  }
  try {
    Text text{key, bytes, compression_of(head), std::move(head), false};
    out.compression = text.compression;
    if (text.compression == Compression::none) {
      text.whole = bytes.size_bytes <= text.head.size();
    } else {
      TextStream stream(bytes, text.compression, head_size_bytes);
      text.head.assign(head_size_bytes, '\0');
      std::size_t size = 0;
      while (std::size_t n = stream.read(text.head.data() + size, head_size_bytes - size)) size += n;
      text.head.resize(size);
      text.whole = size < head_size_bytes;
    }
    classify_text(text, options, out);
  } catch (const Error& e) {
    if (e.code() != "InvalidData") throw;
    out = {};
    out.size_bytes = bytes.size_bytes;
    out.why_unknown = e.message();
  }
  return out;
}

}  // namespace tarn::catalog::crawl
