// tarn_parquet, tarn_csv and tarn_json: DuckDB's own readers, told by the catalog which columns a table has and where
// its partitions lie.
//
// The readers keep all that they do: projection and filter pushdown, statistics, parallel scans. Added is a file list
// that lists a partition's objects only when its values pass the statement's conditions, columns that a file lacks
// (NULL), and partition keys (constants of a file).
#include <algorithm>

#include "base/error.hpp"
#include "duckdb/catalog/catalog_entry/table_function_catalog_entry.hpp"
#include "duckdb/common/multi_file/multi_file_function.hpp"
#include "duckdb/common/multi_file/multi_file_reader.hpp"
#include "duckdb/execution/expression_executor.hpp"
#include "duckdb/parser/expression/constant_expression.hpp"
#include "duckdb/parser/parsed_data/create_table_function_info.hpp"
#include "duckdb/planner/expression/bound_cast_expression.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression/bound_function_expression.hpp"
#include "duckdb/planner/expression/bound_reference_expression.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "query/duckdb_state.hpp"
#include "query/lake_table.hpp"

namespace tarn::query {
namespace {

using duckdb::ClientContext;
using duckdb::Expression;
using duckdb::LogicalType;
using duckdb::MultiFileBindData;
using duckdb::MultiFileColumnDefinition;
using duckdb::OpenFileInfo;
using duckdb::Value;

constexpr const char* partition_option = "tarn_partition";

// The objects of the partitions that are left, listed one partition after the other as they are asked for.
class LakeFileList : public duckdb::LazyMultiFileList {
 public:
  // `id` is what CreateFileList() takes to make this list again.
  LakeFileList(ClientContext& asking, std::shared_ptr<LakeTable> table,
               std::shared_ptr<const std::vector<LakePartition>> partitions, std::string id)
      : LazyMultiFileList(&asking),
        context_(asking),
        table_(std::move(table)),
        partitions_(std::move(partitions)),
        id_(std::move(id)) {}

  duckdb::unique_ptr<duckdb::MultiFileList> ComplexFilterPushdown(
      ClientContext& asking, const duckdb::MultiFileOptions&, duckdb::MultiFilePushdownInfo& info,
      duckdb::vector<duckdb::unique_ptr<Expression>>& filters) const override {
    if (table_->key_types.empty() || filters.empty()) return nullptr;
    auto kept = table_->prune(asking, partitions_, info, filters);
    if (!kept) return nullptr;
    std::string id = table_->remember(kept);
    return duckdb::make_uniq<LakeFileList>(asking, table_, std::move(kept), std::move(id));
  }

  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(ClientContext&) const override {
    // Of a projected table nothing was opened to estimate from.
    return table_->scan.projection ? duckdb::make_uniq<duckdb::NodeStatistics>(1'000'000) : nullptr;
  }
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() const override {
    return duckdb::make_uniq<LakeFileList>(context_, table_, partitions_, id_);
  }
  duckdb::vector<OpenFileInfo> GetDisplayFileList(duckdb::optional_idx) const override {
    return {OpenFileInfo(table_->scan.name)};
  }
  const std::string& id() const { return id_; }
  OpenFileInfo file(duckdb::idx_t i) const { return GetFile(i); }
  bool is_narrowed() const { return partitions_ != nullptr; }

 protected:
  bool ExpandNextPath() const override {
    if (!partitions_ && table_->lacks_injected_value())
      return false;  // asked before the conditions are known; InitializeGlobalState refuses
    if (!partitions_) partitions_ = table_->all_projected();
    if (next_ == partitions_->size()) return false;
    table_->list((*partitions_)[next_++], expanded_files);
    return true;
  }

 private:
  ClientContext& context_;
  std::shared_ptr<LakeTable> table_;
  mutable std::shared_ptr<const std::vector<LakePartition>>
      partitions_;  // nullptr: a projection without conditions so far
  mutable std::size_t next_ = 0;
  const std::string id_;
};

struct LakeReader : duckdb::MultiFileReader {
  static duckdb::unique_ptr<duckdb::MultiFileReader> create(const duckdb::TableFunction&) {
    return duckdb::make_uniq<LakeReader>();
  }

  duckdb::unique_ptr<duckdb::MultiFileReader> Copy() const override {
    auto copy = duckdb::make_uniq<LakeReader>();
    copy->function_name = function_name;
    copy->table = table;
    return copy;
  }

  duckdb::vector<std::string> ParsePaths(const Value& input) override { return {duckdb::StringValue::Get(input)}; }

  // `paths` holds the scan's number in its session, or "SCAN:LIST" for what conditions left of its partitions.
  duckdb::shared_ptr<duckdb::MultiFileList> CreateFileList(ClientContext& context,
                                                           const duckdb::vector<std::string>& paths,
                                                           const duckdb::FileGlobInput&) override {
    const auto colon = paths.at(0).find(':');
    table = LakeTable::of(context, std::stoul(paths[0]));
    auto partitions =
        colon == std::string::npos ? table->partitions : table->recall(std::stoul(paths[0].substr(colon + 1)));
    return duckdb::make_shared_ptr<LakeFileList>(context, table, std::move(partitions), paths[0]);
  }

  bool Bind(duckdb::MultiFileOptions&, duckdb::MultiFileList&, duckdb::vector<LogicalType>& types,
            duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData& bind_data) override {
    if (table->scan.format != TableFormat::parquet) return false;
    for (std::size_t i = 0; i < table->column_types.size(); ++i)
      add_column(table->scan.columns[i].name, table->column_types[i], types, names);
    add_partition_keys(types, names, bind_data);
    for (std::size_t i = 0; i < names.size(); ++i) {
      auto& column =
          bind_data.schema.emplace_back(MultiFileColumnDefinition::CreateFromNameAndType(names[i], types[i]));
      column.default_expression = duckdb::make_uniq<duckdb::ConstantExpression>(Value(types[i]));
    }
    return true;
  }

  void BindOptions(duckdb::MultiFileOptions& options, duckdb::MultiFileList&, duckdb::vector<LogicalType>& types,
                   duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData& bind_data) override {
    options.auto_detect_hive_partitioning = false;
    options.hive_partitioning = false;
    if (table->scan.format == TableFormat::parquet) return;  // Bind() did it
    for (std::size_t i = 0; i < table->column_types.size(); ++i) types[i] = table->column_types[i];
    add_partition_keys(types, names, bind_data);
  }

  duckdb::unique_ptr<duckdb::MultiFileReaderGlobalState> InitializeGlobalState(
      ClientContext& context, const duckdb::MultiFileOptions& options, const duckdb::MultiFileReaderBindData& bind_data,
      const duckdb::MultiFileList& files, const duckdb::vector<MultiFileColumnDefinition>& columns,
      const duckdb::vector<duckdb::ColumnIndex>& column_ids) override {
    if (table->lacks_injected_value() && !files.Cast<LakeFileList>().is_narrowed()) table->all_projected();  // refuses
    if (table->scan.format != TableFormat::json)
      return MultiFileReader::InitializeGlobalState(context, options, bind_data, files, columns, column_ids);
    return duckdb::make_uniq<duckdb::MultiFileReaderGlobalState>(duckdb::vector<LogicalType>(), &files);
  }

  void FinalizeBind(duckdb::MultiFileReaderData& data, const duckdb::MultiFileOptions&,
                    const duckdb::MultiFileReaderBindData&, const duckdb::vector<MultiFileColumnDefinition>& columns,
                    const duckdb::vector<duckdb::ColumnIndex>& column_ids, ClientContext&,
                    duckdb::optional_ptr<duckdb::MultiFileReaderGlobalState> state) override {
    // DuckDB's JSON reader keeps of a file its path alone: the partition is asked of the list that the file came from.
    const bool of_list = !data.reader->file.extended_info && state && state->file_list;
    const OpenFileInfo file = of_list
                                  ? state->file_list->Cast<LakeFileList>().file(data.reader->file_list_idx.GetIndex())
                                  : data.reader->file;
    const std::size_t first_key = table->column_types.size();
    for (std::size_t i = 0; i < column_ids.size(); ++i) {
      const duckdb::MultiFileGlobalIndex at(i);
      const auto id = column_ids[i].GetPrimaryIndex();
      if (id == COLUMN_IDENTIFIER_FILENAME) {
        const bool json = file.path.starts_with(json_scheme);
        data.constant_map.Add(at, Value(json ? split_json_path(file.path).second : file.path));
      } else if (id == COLUMN_IDENTIFIER_FILE_INDEX) {
        data.constant_map.Add(at, Value::UBIGINT(data.reader->file_list_idx.GetIndex()));
      } else if (!duckdb::IsVirtualColumn(id) && id >= first_key && id < columns.size()) {
        const auto& values = duckdb::ListValue::GetChildren(file.extended_info->options.at(partition_option));
        data.constant_map.Add(at, Value(values.at(id - first_key)).DefaultCastAs(table->key_types[id - first_key]));
      }
    }
    if (table->scan.format == TableFormat::parquet)
      table->check_parquet_types(file.path, data.reader->GetColumns(), columns, column_ids);
  }

  duckdb::ReaderInitializeType CreateMapping(ClientContext& context, duckdb::MultiFileReaderData& data,
                                             const duckdb::vector<MultiFileColumnDefinition>& columns,
                                             const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                                             duckdb::optional_ptr<duckdb::TableFilterSet> filters,
                                             duckdb::MultiFileList& files,
                                             const duckdb::MultiFileReaderBindData& bind_data,
                                             const duckdb::virtual_column_map_t& virtual_columns) override {
    const auto result = MultiFileReader::CreateMapping(context, data, columns, column_ids, filters, files, bind_data,
                                                       virtual_columns, duckdb::MultiFileColumnMappingMode::BY_NAME);
    if (table->scan.format != TableFormat::delimited && table->scan.format != TableFormat::csv) return result;
    // Text is read as text and cast here, where a failing cast can be NULL rather than an error.
    for (auto& expression : data.expressions) {
      if (expression->type != duckdb::ExpressionType::BOUND_REF) continue;
      if (expression->return_type.id() == duckdb::LogicalTypeId::VARCHAR) {
        // DuckDB undoes doubled quotes only where the quote is the escape, OpenCSVSerde always.
        const auto& text = table->scan.text;
        if (!text.quote.empty() && text.quote != text.escape)
          expression = undoubled_expression(std::move(expression), text.quote[0]);
        continue;
      }
      const auto local = expression->Cast<duckdb::BoundReferenceExpression>().index;
      const auto id = data.reader->column_ids[duckdb::MultiFileLocalIndex(local)].GetId();
      if (id >= table->column_types.size()) continue;
      data.reader->cast_map[id] = LogicalType::VARCHAR;
      expression = text_cast_expression(
          context, duckdb::make_uniq<duckdb::BoundReferenceExpression>(LogicalType::VARCHAR, local),
          expression->return_type, table->scan.format == TableFormat::delimited, table->scan.text);
    }
    return result;
  }

  std::shared_ptr<LakeTable> table;

 private:
  static void add_column(const std::string& name, const LogicalType& type, duckdb::vector<LogicalType>& types,
                         duckdb::vector<std::string>& names) {
    names.push_back(name);
    types.push_back(type);
  }
  void add_partition_keys(duckdb::vector<LogicalType>& types, duckdb::vector<std::string>& names,
                          duckdb::MultiFileReaderBindData& bind_data) {
    for (std::size_t i = 0; i < table->key_types.size(); ++i) {
      bind_data.hive_partitioning_indexes.emplace_back(table->scan.partition_keys[i].name, names.size());
      add_column(table->scan.partition_keys[i].name, table->key_types[i], types, names);
    }
  }
};

// DuckDB's own functions, which ours call; set when the first engine opens, the same for every engine.
struct Originals {
  duckdb::table_function_bind_t bind = nullptr;
  duckdb::table_statistics_t statistics = nullptr;
  duckdb::table_function_get_partition_stats_t partition_statistics = nullptr;
  duckdb::table_function_get_virtual_columns_t virtual_columns = nullptr;
  duckdb::table_function_pushdown_complex_filter_t push_filters = nullptr;
};
Originals& originals(TableFormat format) {
  static Originals parquet, text, json;
  return format == TableFormat::parquet ? parquet : format == TableFormat::json ? json : text;
}

// Binds, then opens the first file for its statistics, as DuckDB does where it takes the columns from that file.
duckdb::unique_ptr<duckdb::FunctionData> bind_parquet(ClientContext& context, duckdb::TableFunctionBindInput& input,
                                                      duckdb::vector<LogicalType>& types,
                                                      duckdb::vector<std::string>& names) {
  auto result = originals(TableFormat::parquet).bind(context, input, types, names);
  auto& data = result->Cast<MultiFileBindData>();
  if (data.multi_file_reader->Cast<LakeReader>().table->scan.projection || data.file_list->IsEmpty()) return result;
  auto options = data.interface->InitializeOptions(context, nullptr);
  data.initial_reader = data.multi_file_reader->CreateReader(context, data.file_list->GetFirstFile(), *options,
                                                             data.file_options, *data.interface);
  data.interface->FinalizeBindData(data);
  return result;
}

// The column of the opened file that serves as table column `index` in the very same type; nullptr where it needs a
// cast or is no column.
const MultiFileColumnDefinition* same_column(const MultiFileBindData& data, duckdb::column_t index) {
  const auto& table = *data.multi_file_reader->Cast<LakeReader>().table;
  if (!data.initial_reader || duckdb::IsVirtualColumn(index) || index >= table.column_types.size()) return nullptr;
  for (const auto& column : data.initial_reader->columns)
    if (duckdb::StringUtil::CIEquals(column.name, table.scan.columns[index].name))
      return column.type == table.column_types[index] ? &column : nullptr;
  return nullptr;
}

duckdb::unique_ptr<duckdb::BaseStatistics> parquet_statistics(ClientContext& context,
                                                              const duckdb::FunctionData* bind_data,
                                                              duckdb::column_t index) {
  const auto& data = bind_data->Cast<MultiFileBindData>();
  const auto* column = same_column(data, index);
  if (!column || data.file_list->GetExpandResult() != duckdb::FileExpandResult::SINGLE_FILE) return nullptr;
  return data.initial_reader->GetStatistics(context, column->name);
}

duckdb::vector<duckdb::PartitionStatistics> parquet_partition_statistics(ClientContext& context,
                                                                         duckdb::GetPartitionStatsInput& input) {
  auto result = originals(TableFormat::parquet).partition_statistics(context, input);
  const auto& data = input.bind_data->Cast<MultiFileBindData>();
  const auto& table = *data.multi_file_reader->Cast<LakeReader>().table;
  bool same = data.initial_reader && data.initial_reader->columns.size() == table.column_types.size();
  for (std::size_t i = 0; same && i < table.column_types.size(); ++i)
    same = same_column(data, i) == &data.initial_reader->columns[i];
  // The counts hold for every table; a row group's column statistics only where the file's columns are the table's, one
  // for one.
  if (!same)
    for (auto& part : result) part.partition_row_group.reset();
  return result;
}

// "$path" instead of "filename", and "$" before the others, so that they hide no column of a user's.
duckdb::virtual_column_map_t virtual_columns(ClientContext& context,
                                             duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  auto& data = bind_data->Cast<MultiFileBindData>();
  auto result =
      originals(data.multi_file_reader->Cast<LakeReader>().table->scan.format).virtual_columns(context, bind_data);
  for (auto& [id, column] : result) {
    if (id == duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILENAME)
      column = duckdb::TableColumn("$path", LogicalType::VARCHAR);
    else if (!column.name.empty())
      column = duckdb::TableColumn("$" + column.name, column.type);
  }
  data.virtual_columns = result;
  return result;
}

// Prunes, and makes the plan's node say so: DuckDB binds anew from its parameters where it copies a plan, and takes
// nodes with equal parameters for equal.
void push_filters(ClientContext& context, duckdb::LogicalGet& get, duckdb::FunctionData* bind_data,
                  duckdb::vector<duckdb::unique_ptr<Expression>>& filters) {
  auto& data = bind_data->Cast<MultiFileBindData>();
  originals(data.multi_file_reader->Cast<LakeReader>().table->scan.format)
      .push_filters(context, get, bind_data, filters);
  get.parameters.at(0) = Value(data.file_list->Cast<LakeFileList>().id());
}

duckdb::TableFunction find_function(ClientContext& context, const std::string& name) {
  auto& entry = duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::TableFunctionCatalogEntry>(
      context, DEFAULT_SCHEMA, name);
  return entry.functions.GetFunctionByArguments(context, {LogicalType::VARCHAR});
}

}  // namespace

void register_lake_scans(duckdb::DatabaseInstance& database) {
  struct Names {
    TableFormat format;
    const char *ours, *theirs;
  };
  duckdb::Connection connection(database);
  auto& context = *connection.context;
  context.RunFunctionInTransaction([&] {
    for (const auto& [format, ours, theirs] :
         {Names{TableFormat::parquet, "tarn_parquet", "parquet_scan"},
          Names{TableFormat::delimited, "tarn_csv", "read_csv"}, Names{TableFormat::json, "tarn_json", "read_json"}}) {
      duckdb::TableFunction function = find_function(context, theirs);
      originals(format) = {function.bind, function.statistics, function.get_partition_stats,
                           function.get_virtual_columns, function.pushdown_complex_filter};
      function.name = ours;
      function.get_multi_file_reader = LakeReader::create;
      function.get_virtual_columns = virtual_columns;
      function.pushdown_complex_filter = push_filters;
      function.serialize = nullptr;
      function.deserialize = nullptr;
      if (format == TableFormat::parquet) {
        function.bind = bind_parquet;
        function.statistics = parquet_statistics;
        function.get_partition_stats = parquet_partition_statistics;
      }
      duckdb::CreateTableFunctionInfo info(std::move(function));
      duckdb::Catalog::GetSystemCatalog(context).CreateTableFunction(context, info);
    }
  });
}

}  // namespace tarn::query
