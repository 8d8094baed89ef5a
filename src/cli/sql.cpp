#include "cli/sql.hpp"

#include <chrono>
#include <iostream>
#include <iterator>
#include <thread>

#include "base/error.hpp"
#include "cli/output.hpp"

namespace tarn::cli {
namespace {

// Results need a place: the workgroup's own where it has one, else a bucket that everybody in the account shares.
std::string find_output(Client& client, const SqlOptions& options) {
  if (!options.output.empty()) return options.output;
  Value group = client.call("athena:GetWorkGroup",
                            Value::map({{"WorkGroup", options.workgroup.empty() ? "primary" : options.workgroup}}));
  if (const Value* configuration = group.at("WorkGroup").find("Configuration"))
    if (const Value* result = configuration->find("ResultConfiguration"))
      if (!result->string_or("OutputLocation").empty()) return {};
  const std::string& key = client.target().access_key_id;
  const bool account_key = key.size() == 12 && key.find_first_not_of("0123456789") == std::string::npos;
  const std::string bucket = "tarn-sql-results" + (account_key ? "-" + key : std::string());
  try {
    client.s3("HEAD", "/" + bucket);
  } catch (const Error& e) {
    if (e.code() != "HTTP404") throw;
    client.s3("PUT", "/" + bucket);
  }
  return "s3://" + bucket + "/";
}

Value wait_for(Client& client, const std::string& id) {
  for (int wait_ms = 2;; wait_ms = std::min(wait_ms * 2, 500)) {
    Value execution =
        client.call("athena:GetQueryExecution", Value::map({{"QueryExecutionId", id}})).at("QueryExecution");
    const std::string state = execution.at("Status").at("State").as_string();
    if (state == "SUCCEEDED") return execution;
    if (state == "FAILED" || state == "CANCELLED")
      throw Error(ErrorKind::caller, state,
                  execution.at("Status").string_or("StateChangeReason", "The query was " + state + "."));
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
  }
}

struct Result {
  std::vector<std::string> header;
  std::vector<Row> rows;
};

Result read_result(Client& client, const std::string& id, bool is_query) {
  Result out;
  Value input = Value::map({{"QueryExecutionId", id}, {"MaxResults", 1000}});
  for (bool first = true;; first = false) {
    Value page = client.call("athena:GetQueryResults", input);
    const Value& set = page.at("ResultSet");
    if (first)
      for (const Value& column : set.at("ResultSetMetadata").at("ColumnInfo").as_list())
        out.header.push_back(column.string_or("Name"));
    for (const Value& row : set.at("Rows").as_list()) {
      Row& cells = out.rows.emplace_back();
      for (const Value& cell : row.at("Data").as_list()) {
        const Value* text = cell.find("VarCharValue");
        cells.push_back(text ? std::optional(text->as_string()) : std::nullopt);
      }
      cells.resize(out.header.size());
    }
    if (first && is_query && !out.rows.empty()) out.rows.erase(out.rows.begin());  // the header comes as a row
    const Value* next = page.find("NextToken");
    if (!next || next->is_null()) return out;
    input.set("NextToken", *next);
  }
}

Value as_json(const Result& result) {
  Value out = Value::list();
  for (const Row& row : result.rows) {
    Value object = Value::map();
    for (std::size_t i = 0; i < row.size(); i++) object.set(result.header[i], row[i] ? Value(*row[i]) : Value());
    out.push_back(std::move(object));
  }
  return out;
}

}  // namespace

int sql(Client& client, SqlOptions options) {
  if (options.statement == "-") options.statement.assign(std::istreambuf_iterator<char>(std::cin), {});
  while (!options.statement.empty() &&
         (std::isspace(static_cast<unsigned char>(options.statement.back())) || options.statement.back() == ';'))
    options.statement.pop_back();
  if (options.statement.empty()) throw Error(ErrorKind::caller, "NoStatement", "There is no statement to run.");
  Value input = Value::map({{"QueryString", options.statement}});
  if (!options.database.empty()) input.set("QueryExecutionContext", Value::map({{"Database", options.database}}));
  if (!options.workgroup.empty()) input.set("WorkGroup", options.workgroup);
  const std::string output = find_output(client, options);
  if (!output.empty()) input.set("ResultConfiguration", Value::map({{"OutputLocation", output}}));
  const std::string id = client.call("athena:StartQueryExecution", input).at("QueryExecutionId").as_string();
  Value execution = wait_for(client, id);
  Result result = read_result(client, id, execution.string_or("StatementType") == "DML");
  if (options.json) {
    print_json(as_json(result));
  } else if (options.csv) {
    print_csv(result.header, result.rows);
  } else {
    if (!result.header.empty()) print_table(result.header, result.rows);
    const Value& statistics = execution.at("Statistics");
    std::cerr << "(" << result.rows.size() << (result.rows.size() == 1 ? " row, " : " rows, ")
              << statistics.int_or("TotalExecutionTimeInMillis") << " ms, "
              << human_size(static_cast<uint64_t>(statistics.int_or("DataScannedInBytes"))) << " scanned)\n";
  }
  return 0;
}

}  // namespace tarn::cli
