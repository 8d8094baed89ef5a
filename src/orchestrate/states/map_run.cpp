#include "orchestrate/states/map_run.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/json.hpp"
#include "catalog/crawl/csv_tokenizer.hpp"
#include "orchestrate/states/limits.hpp"

namespace tarn::states {
namespace {

[[noreturn]] void reader_failed(const std::string& why) {
  throw Error(ErrorKind::caller, "States.ItemReaderFailed", why);
}

Value counts_value(const MapRunCounts& c) {
  return Value::map({{"pending", c.pending},
                     {"running", c.running},
                     {"succeeded", c.succeeded},
                     {"failed", c.failed},
                     {"timedOut", c.timed_out},
                     {"aborted", c.aborted},
                     {"total", c.total},
                     {"resultsWritten", c.results_written}});
}
MapRunCounts counts_of(const Value& v) {
  return {v.int_or("pending"),  v.int_or("running"), v.int_or("succeeded"), v.int_or("failed"),
          v.int_or("timedOut"), v.int_or("aborted"), v.int_or("total"),     v.int_or("resultsWritten")};
}

// The characters of a JSON pointer's part, "~1" and "~0" taken back.
std::string pointer_part(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '~' && i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      out += text[++i] == '0' ? '~' : '/';
    } else {
      out += text[i];
    }
  }
  return out;
}

const Value& pointed_at(const Value& document, std::string_view pointer) {
  const Value* at = &document;
  while (!pointer.empty()) {
    if (pointer[0] != '/') reader_failed("ItemsPointer must be a JSON pointer.");
    const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
    const std::string name = pointer_part(pointer.substr(1, end - 1));
    at = at->find(name);
    if (!at) reader_failed("ItemsPointer points to nothing in the object.");
    pointer.remove_prefix(end);
  }
  return *at;
}

std::vector<Value> json_items(const std::string& bytes, const Value& config) {
  Value whole = parse_json(bytes);
  Value items = pointed_at(whole, config.string_or("ItemsPointer"));
  if (items.is_list()) return std::move(items.as_list());
  if (!items.is_map()) reader_failed("Attempting to map over non-iterable node.");
  std::vector<Value> out;
  for (ValueMember& m : items.as_map()) out.push_back(Value::map({{"Key", m.key}, {"Value", std::move(m.value)}}));
  return out;
}

std::vector<Value> json_line_items(const std::string& bytes) {
  std::vector<Value> out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line(bytes.data() + at, end - at);
    if (line.find_first_not_of(" \t\r") != line.npos) out.push_back(parse_json(line));
    at = end + 1;
  }
  return out;
}

char delimiter_of(const std::string& name) {
  static const std::map<std::string, char> names = {
      {"COMMA", ','}, {"PIPE", '|'}, {"SEMICOLON", ';'}, {"SPACE", ' '}, {"TAB", '\t'}};
  const auto found = names.find(name);
  if (found == names.end()) reader_failed("CSVDelimiter must be COMMA, PIPE, SEMICOLON, SPACE or TAB.");
  return found->second;
}

std::vector<Value> csv_items(std::string_view bytes, const Value& config, int64_t max_items) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  std::vector<std::string> header;
  const bool given = config.string_or("CSVHeaderLocation", "FIRST_ROW") == "GIVEN";
  if (given) {
    const Value* names = config.find("CSVHeaders");
    if (!names) reader_failed("CSVHeaders must be given where CSVHeaderLocation is GIVEN.");
    for (const Value& name : names->as_list()) header.push_back(name.as_string());
  }
  std::vector<Value> out;
  bool seen_header = given;
  catalog::crawl::CsvDialect dialect{delimiter_of(config.string_or("CSVDelimiter", "COMMA"))};
  catalog::crawl::CsvTokenizer tokenizer(dialect, [&](const catalog::crawl::CsvRecord& record) {
    if (!seen_header) {
      header.assign(record.fields.begin(), record.fields.end());
      seen_header = true;
      return true;
    }
    Value item = Value::map();
    for (std::size_t i = 0; i < header.size(); i++)
      item.set(header[i], i < record.fields.size() ? record.fields[i] : "");
    out.push_back(std::move(item));
    return max_items == 0 || static_cast<int64_t>(out.size()) < max_items;
  });
  if (tokenizer.feed(bytes)) tokenizer.finish();
  if (tokenizer.too_long()) reader_failed("A record of the CSV file is too long.");
  return out;
}

// S3's listing, page by page.
std::vector<Value> listed_objects(const ItemReader& reader, const CallOperation& call) {
  std::vector<Value> out;
  Value input = reader.parameters;
  for (;;) {
    Value page = call("s3:ListObjectsV2", input, 0);
    if (Value* contents = page.find("Contents"))
      for (Value& object : contents->as_list()) {
        const Value* modified = object.find("LastModified");
        Value item = Value::map({{"Etag", object.string_or("ETag")}, {"Key", object.string_or("Key")}});
        if (modified && (modified->is_time() || modified->is_number()))
          item.set("LastModified", modified->as_time().time_since_epoch().count() / 1000);
        item.set("Size", object.int_or("Size"));
        item.set("StorageClass", object.string_or("StorageClass", "STANDARD"));
        out.push_back(std::move(item));
        if (reader.max_items && static_cast<int64_t>(out.size()) >= reader.max_items) return out;
      }
    if (!page.bool_or("IsTruncated")) return out;
    input.set("ContinuationToken", page.string_or("NextContinuationToken"));
  }
}

}  // namespace

Value to_value(const MapRun& r) {
  Value v = Value::map({{"arn", r.arn},
                        {"executionArn", r.execution_arn},
                        {"machine", r.machine_arn},
                        {"execution", r.execution},
                        {"strand", r.strand},
                        {"status", r.status},
                        {"started", r.started.time_since_epoch().count()},
                        {"maxConcurrency", r.max_concurrency},
                        {"toleratedCount", r.tolerated_count},
                        {"toleratedPercentage", r.tolerated_percentage},
                        {"executions", counts_value(r.executions)},
                        {"items", counts_value(r.items)}});
  if (r.stopped) v.set("stopped", r.stopped->time_since_epoch().count());
  return v;
}

MapRun map_run_of(const Value& v) {
  auto time = [](const Value& ms) { return Time(std::chrono::milliseconds(ms.as_int())); };
  MapRun r;
  r.arn = v.string_or("arn");
  r.execution_arn = v.string_or("executionArn");
  r.machine_arn = v.string_or("machine");
  r.execution = static_cast<uint64_t>(v.int_or("execution"));
  r.strand = static_cast<uint64_t>(v.int_or("strand"));
  r.status = v.string_or("status");
  r.started = time(v.at("started"));
  if (const Value* stopped = v.find("stopped")) r.stopped = time(*stopped);
  r.max_concurrency = v.int_or("maxConcurrency");
  r.tolerated_count = v.int_or("toleratedCount");
  r.tolerated_percentage = v.at("toleratedPercentage").as_double();
  r.executions = counts_of(v.at("executions"));
  r.items = counts_of(v.at("items"));
  return r;
}

std::vector<Value> parse_items(const std::string& bytes, const Value& config, int64_t max_items) {
  const std::string type = config.string_or("InputType", "JSON");
  std::vector<Value> out;
  try {
    if (type == "JSON")
      out = json_items(bytes, config);
    else if (type == "JSONL")
      out = json_line_items(bytes);
    else if (type == "CSV")
      out = csv_items(bytes, config, max_items);
    else
      reader_failed("tarn does not have the InputType " + type + ".");
  } catch (const Error& e) {
    reader_failed(e.message());
  }
  if (max_items && static_cast<int64_t>(out.size()) > max_items) out.resize(static_cast<std::size_t>(max_items));
  return out;
}

std::vector<Value> read_items(const ItemReader& reader, const CallOperation& call) {
  try {
    if (reader.resource.ends_with(":listObjectsV2")) return listed_objects(reader, call);
    const Value object = call("s3:GetObject", reader.parameters, limits::max_item_source_size_bytes);
    return parse_items(object.at("Body").as_blob().bytes, reader.config, reader.max_items);
  } catch (const Error& e) {
    if (e.code() == "States.ItemReaderFailed") throw;
    reader_failed(e.message());
  }
}

std::vector<Value> make_batches(const ItemBatcher& batcher, std::vector<Value> items) {
  std::vector<Value> out;
  std::size_t bytes = 0;
  for (Value& item : items) {
    const std::size_t size = batcher.max_bytes ? to_json(item).size() + 1 : 0;
    const bool full =
        !out.empty() &&
        ((batcher.max_items && static_cast<int64_t>(out.back().at("Items").as_list().size()) >= batcher.max_items) ||
         (batcher.max_bytes && static_cast<int64_t>(bytes + size) > batcher.max_bytes));
    if (out.empty() || full) {
      Value batch = Value::map();
      if (!batcher.batch_input.is_null()) batch.set("BatchInput", batcher.batch_input);
      batch.set("Items", Value::list());
      bytes = to_json(batch).size();
      out.push_back(std::move(batch));
    }
    bytes += size;
    out.back()["Items"].push_back(std::move(item));
  }
  return out;
}

Value write_results(const std::string& bucket, const std::string& prefix, const MapRun& run,
                    const std::vector<MapItemReport>& reports, const CallOperation& call) {
  const std::string folder = (prefix.empty()          ? ""
                              : prefix.ends_with('/') ? prefix
                                                      : prefix + "/") +
                             run.arn.substr(run.arn.rfind(':') + 1) + "/";
  try {
    Value files = Value::map({{"FAILED", Value::list()}, {"PENDING", Value::list()}, {"SUCCEEDED", Value::list()}});
    for (const char* kind : {"FAILED", "SUCCEEDED"}) {
      Value list = Value::list();
      for (const MapItemReport& r : reports)
        if ((r.status == "SUCCEEDED") == (std::string_view(kind) == "SUCCEEDED")) list.push_back(r.report);
      if (list.as_list().empty()) continue;
      const std::string key = folder + kind + "_0.json", body = to_json(list);
      call("s3:PutObject", Value::map({{"Bucket", bucket}, {"Key", key}, {"Body", Blob{body}}}), 0);
      files[kind].push_back(Value::map({{"Key", key}, {"Size", body.size()}}));
    }
    const std::string manifest =
        to_json(Value::map({{"DestinationBucket", bucket}, {"MapRunArn", run.arn}, {"ResultFiles", std::move(files)}}));
    const std::string key = folder + "manifest.json";
    call("s3:PutObject", Value::map({{"Bucket", bucket}, {"Key", key}, {"Body", Blob{manifest}}}), 0);
    return Value::map({{"Bucket", bucket}, {"Key", key}});
  } catch (const Error& e) {
    throw Error(ErrorKind::outside, "States.ResultWriterFailed", e.message());
  }
}

}  // namespace tarn::states
