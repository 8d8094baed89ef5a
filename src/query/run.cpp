#include "query/run.hpp"

#include <algorithm>
#include <future>

#include "query/dialect/parser.hpp"

namespace tarn::query {
namespace {

using dialect::Expression;
using Parameters = std::vector<const Expression*>;

std::unique_ptr<store::ObjectWriter> result_writer(const Run& run, const std::string& name) {
  const S3Path at = parse_s3_path(run.output_location + name);
  store::ObjectHeaders headers;
  headers.content_type = "application/octet-stream";
  return run.parts.store.write(
      run.parts.authority.objects(run.caller.principal, store::Access::write, at.bucket, at.key), at.bucket, at.key,
      headers);
}

void write_result(const Run& run, const std::string& name, std::string_view bytes) {
  auto writer = result_writer(run, name);
  writer->append(bytes);
  writer->finish({});
}

// As Trino names a query: the time, a number, five letters.
std::string engine_query_id(const Run& run) {
  return format_time(run.now, "%Y%m%d_%H%M%S") + "_00000_" + run.id.substr(0, 5);
}

// Makes a result visible, and the file of its columns beside it: at the same time, so that they share one flush of the
// disk.
void publish(Run& run, const std::string& name, const std::vector<api::athena::ColumnInfo>& columns,
             const std::function<void()>& write_rows) {
  run.before_publish();
  auto metadata = std::async(std::launch::async, [&] {
    write_result(run, name + ".metadata", metadata_bytes(engine_query_id(run), columns));
  });
  write_rows();
  metadata.get();
}

[[noreturn]] void wrong_parameter_count(int expected, std::size_t found) {
  throw Error(ErrorKind::caller, "INVALID_PARAMETER_USAGE",
              "line 1:1: Incorrect number of parameters: expected " + std::to_string(expected) + " but found " +
                  std::to_string(found));
}

Outcome run_select(Run& run, const dialect::Query& query, const Parameters& parameters, const std::string& name) {
  Outcome out;
  out.kind = ResultKind::csv;
  std::unique_ptr<CsvResult> result;
  std::vector<ResultColumn> columns;
  with_decimals(
      print_options(run, parameters),
      [&](const dialect::PrintOptions& options) { return dialect::to_duckdb(query, resolver(run), options); },
      [&](const dialect::Printed& printed) {
        columns.clear();
        for (const auto& column : printed.columns) columns.push_back({column.name, column.type});
        result = std::make_unique<CsvResult>(result_writer(run, name));
        run.planned();
        return run_printed(run, printed.sql, printed, result.get(), &columns);
      });
  for (const auto& column : columns) out.columns.push_back(column_info(column));
  out.rows = result->rows();
  out.size_bytes = result->size_bytes();
  publish(run, name, out.columns, [&] { result->finish(); });
  return out;
}

Outcome text_outcome(Run& run, const Text& text, const std::string& name) {
  Outcome out;
  out.kind = ResultKind::text;
  for (const auto& column : text.columns) out.columns.push_back(text_column_info(column));
  out.rows = static_cast<uint64_t>(std::count(text.lines.begin(), text.lines.end(), '\n'));
  out.size_bytes = text.lines.size();
  publish(run, name, out.columns, [&] { write_result(run, name, text.lines); });
  return out;
}

// DuckDB's own plan: what will really be done.
Text explain(Run& run, const dialect::Explain& statement, const Parameters& parameters) {
  const auto* query = std::get_if<dialect::QueryStatement>(&statement.statement->node);
  if (!query) throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn explains SELECT only");
  if (statement.type == "IO" || statement.format == "GRAPHVIZ")
    throw Error(ErrorKind::unsupported, "NOT_SUPPORTED", "tarn has no EXPLAIN (TYPE IO) and no FORMAT GRAPHVIZ");
  const auto printed = dialect::to_duckdb(*query->query, resolver(run), print_options(run, parameters));
  run.planned();
  if (statement.type == "VALIDATE") return {{"Valid"}, "true\n"};
  struct Lines : RowSink {
    std::string text;
    void begin(const std::vector<ResultColumn>&) override {}
    void row(std::span<const Cell> cells) override { text += cells.back().text; }
  } lines;
  run_printed(run,
              std::string("EXPLAIN ") + (statement.analyze ? "ANALYZE " : "") +
                  (statement.format == "JSON" ? "(FORMAT JSON) " : "") + printed.sql,
              printed, &lines, nullptr);
  if (!lines.text.ends_with('\n')) lines.text += '\n';
  return {{"Query Plan"}, lines.text};
}

Outcome run_with(Run& run, const dialect::Statement& statement, const Parameters& parameters, const std::string& name,
                 int depth);

Outcome execute(Run& run, const dialect::Execute& statement, const std::string& name, int depth) {
  const auto prepared = run.saved.find_prepared(run.caller, run.workgroup, statement.name.name);
  if (!prepared) throw Error(ErrorKind::caller, "NOT_FOUND", "Prepared statement not found: " + statement.name.name);
  const auto inner = dialect::parse(*prepared->query_statement);
  std::vector<dialect::ExpressionPtr> given;
  Parameters parameters;
  for (const auto& parameter : statement.parameters) parameters.push_back(parameter.get());
  for (const auto& text : run.execution_parameters)
    parameters.push_back(given.emplace_back(dialect::parse_expression(text)).get());
  return run_with(run, inner, parameters, name, depth + 1);
}

Outcome run_with(Run& run, const dialect::Statement& statement, const Parameters& parameters, const std::string& name,
                 int depth) {
  if (depth > 2) throw Error(ErrorKind::caller, "NOT_SUPPORTED", "EXECUTE of a statement that is EXECUTE itself");
  if (statement.parameter_count != static_cast<int>(parameters.size()) &&
      !std::holds_alternative<dialect::Execute>(statement.node) &&
      !std::holds_alternative<dialect::Prepare>(statement.node))
    wrong_parameter_count(statement.parameter_count, parameters.size());
  if (const auto* node = std::get_if<dialect::QueryStatement>(&statement.node))
    return run_select(run, *node->query, parameters, name);
  if (const auto* node = std::get_if<dialect::CreateTableAs>(&statement.node))
    return create_table_as(run, *node, parameters);
  if (const auto* node = std::get_if<dialect::InsertInto>(&statement.node)) return insert_into(run, *node, parameters);
  if (const auto* node = std::get_if<dialect::Unload>(&statement.node)) return unload(run, *node, parameters);
  if (const auto* node = std::get_if<dialect::Explain>(&statement.node))
    return text_outcome(run, explain(run, *node, parameters), name);
  if (const auto* node = std::get_if<dialect::Execute>(&statement.node)) return execute(run, *node, name, depth);
  if (const auto* node = std::get_if<dialect::ExecuteImmediate>(&statement.node)) {
    const auto inner = dialect::parse(node->statement_text);
    Parameters given;
    for (const auto& parameter : node->parameters) given.push_back(parameter.get());
    return run_with(run, inner, given, name, depth + 1);
  }
  if (const auto* node = std::get_if<dialect::Prepare>(&statement.node)) {
    athena::PreparedStatement prepared;
    prepared.statement_name = node->name.name;
    prepared.query_statement = node->statement_text;
    prepared.work_group_name = run.workgroup;
    run.planned();
    run.saved.prepare(run.caller, prepared);
    return text_outcome(run, {}, name);
  }
  if (const auto* node = std::get_if<dialect::Deallocate>(&statement.node)) {
    run.planned();
    run.saved.remove_prepared(run.caller, run.workgroup, node->name.name);
    return text_outcome(run, {}, name);
  }
  for (const auto& [is, what] : {std::pair{std::holds_alternative<dialect::Delete>(statement.node), "DELETE"},
                                 {std::holds_alternative<dialect::Update>(statement.node), "UPDATE"},
                                 {std::holds_alternative<dialect::Merge>(statement.node), "MERGE"},
                                 {std::holds_alternative<dialect::Optimize>(statement.node), "OPTIMIZE"},
                                 {std::holds_alternative<dialect::Vacuum>(statement.node), "VACUUM"}})
    if (is)
      throw Error(
          ErrorKind::unsupported, "NOT_SUPPORTED",
          std::string("Modifying Hive table rows is only supported for transactional tables: tarn has no ") + what);
  run.planned();
  const std::string_view kind = dialect::substatement_type(statement);
  const bool shows = kind.starts_with("SHOW") || kind.starts_with("DESC");
  return text_outcome(run, shows ? show(run, statement) : define(run, statement), name);
}

}  // namespace

std::string result_name(const dialect::Statement& statement, const std::string& id) {
  if (std::holds_alternative<dialect::QueryStatement>(statement.node) ||
      std::holds_alternative<dialect::Execute>(statement.node) ||
      std::holds_alternative<dialect::ExecuteImmediate>(statement.node))
    return id + ".csv";
  if (std::holds_alternative<dialect::CreateTableAs>(statement.node)) return "tables/" + id;
  if (std::holds_alternative<dialect::InsertInto>(statement.node) ||
      std::holds_alternative<dialect::Unload>(statement.node))
    return id;
  return id + ".txt";
}

Outcome run_statement(Run& run, const dialect::Statement& statement) {
  std::vector<dialect::ExpressionPtr> given;
  Parameters parameters;
  if (!std::holds_alternative<dialect::Execute>(statement.node))
    for (const auto& text : run.execution_parameters)
      parameters.push_back(given.emplace_back(dialect::parse_expression(text)).get());
  return run_with(run, statement, parameters, result_name(statement, run.id), 0);
}

Error in_athena_words(const Error& error, const dialect::Printed& printed) {
  if (error.code() != "SQL") return error;
  const std::string& message = error.message();
  std::optional<std::size_t> position;
  std::string type;
  for (const auto& [name, value] : error.details()) {
    if (name == "Position") position = std::stoul(value);
    if (name == "Type") type = value;
  }
  // Files that are not what the catalog says they are.
  if (message.starts_with("Malformed JSON") || message.find("JSON transform error") != message.npos)
    return Error(ErrorKind::caller, "HIVE_CURSOR_ERROR", "Row is not a valid JSON Object - " + message);
  if (message.find("Parquet") != message.npos || message.find("No magic bytes") != message.npos ||
      message.starts_with("CSV Error"))
    return Error(ErrorKind::caller, "HIVE_BAD_DATA", message);
  const auto words = dialect::athena_error(type + " Error: " + message, printed, position);
  return Error(ErrorKind::caller, words.code, words.message);
}

uint64_t run_printed(Run& run, const std::string& sql, const dialect::Printed& printed, RowSink* sink,
                     const std::vector<ResultColumn>* columns) {
  try {
    return run.session.run(sql, sink, columns);
  } catch (const Error& error) {
    if (error.code() == "SQL" && dialect::needs_wide_decimals(error.message())) throw;
    throw in_athena_words(error, printed);
  }
}

uint64_t with_decimals(dialect::PrintOptions options,
                       const std::function<dialect::Printed(const dialect::PrintOptions&)>& print,
                       const std::function<uint64_t(const dialect::Printed&)>& go) {
  const auto printed = print(options);
  try {
    return go(printed);
  } catch (const Error& error) {
    if (options.wide_decimals || error.code() != "SQL") throw;
  }
  options.wide_decimals = true;
  const auto wide = print(options);
  try {
    return go(wide);
  } catch (const Error& error) {
    throw in_athena_words(error, wide);
  }
}

}  // namespace tarn::query
