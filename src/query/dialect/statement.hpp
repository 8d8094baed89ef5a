// Everything that Athena takes as a statement: queries and writes in Trino's SQL, definitions in Hive's DDL.
//
// Plain structs. Names of databases, tables and columns are lower-case here, as the catalog holds them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "query/dialect/ast.hpp"

namespace tarn::dialect {

struct Statement;
using Properties = std::vector<std::pair<std::string, std::string>>;  // of Hive's TBLPROPERTIES: in the order written

struct QueryStatement {
  QueryPtr query;
};

// WITH (name = value): the value is a literal, ARRAY['a', 'b'] or an arithmetic expression.
struct Property {
  Identifier name;
  ExpressionPtr value;
};
// The property's text (a string, number or boolean literal), or nullopt when it is not there. Throws Error (caller,
// INVALID_TABLE_PROPERTY) when it is something else.
std::optional<std::string> property_text(const std::vector<Property>& properties, std::string_view name);
// The strings of ARRAY['a', 'b']; empty when the property is not there. Throws as property_text does.
std::vector<std::string> property_list(const std::vector<Property>& properties, std::string_view name);

struct CreateTableAs {
  TableReference table;
  bool if_not_exists = false;
  std::vector<Identifier> columns;  // the names that replace the query's; empty when not given
  std::vector<Property>
      properties;  // format, external_location, partitioned_by, bucketed_by, bucket_count, write_compression, ...
  std::optional<std::string> comment;
  QueryPtr query;
  bool with_data = true;
};

struct InsertInto {
  TableReference table;
  std::vector<Identifier> columns;  // empty: all, in order
  QueryPtr query;
};

struct ColumnDefinition {
  Identifier name;
  TypeName type;
  std::optional<std::string> comment;
};

// PARTITIONED BY of an Iceberg table: a column, or a transform of one (`day(ts)`, `bucket(16, id)`).
struct PartitionTransform {
  std::string transform;  // "" for the column itself
  std::string column;
  std::optional<int> argument;
};

struct CreateExternalTable {
  TableReference table;
  bool external = true;  // false for CREATE TABLE, which Athena takes for Iceberg tables only
  bool if_not_exists = false;
  std::vector<ColumnDefinition> columns;
  std::optional<std::string> comment;
  std::vector<ColumnDefinition> partition_columns;
  std::vector<PartitionTransform> partition_transforms;  // when PARTITIONED BY names columns without a type (Iceberg)
  std::vector<std::string> clustered_by;
  std::vector<std::pair<std::string, bool>> sorted_by;  // column, descending
  std::optional<int> bucket_count;
  struct Delimited {
    std::optional<std::string> fields, escaped, collection_items, map_keys, lines, null_value;
  };
  std::optional<Delimited> delimited;    // ROW FORMAT DELIMITED
  std::optional<std::string> serde;      // ROW FORMAT SERDE
  Properties serde_properties;           // WITH SERDEPROPERTIES
  std::optional<std::string> stored_as;  // upper-case: PARQUET, ORC, TEXTFILE, JSON, AVRO, ...
  std::optional<std::string> input_format, output_format;
  std::optional<std::string> location;
  Properties table_properties;
};

struct CreateDatabase {
  std::string name;
  bool if_not_exists = false;
  std::optional<std::string> comment, location;
  Properties properties;
};
struct DropDatabase {
  std::string name;
  bool if_exists = false;
  bool cascade = false;
};
struct AlterDatabase {  // SET DBPROPERTIES
  std::string name;
  Properties properties;
};
struct DropTable {
  TableReference table;
  bool if_exists = false;
};
struct CreateView {
  TableReference view;
  bool or_replace = false;
  std::optional<std::string> comment;
  QueryPtr query;
  std::string query_text;  // as written, which the catalog keeps
};
struct DropView {
  TableReference view;
  bool if_exists = false;
};

struct PartitionValue {
  std::string column;
  std::string value;
  std::string op = "=";  // DROP PARTITION takes comparisons too
};
using PartitionSpec = std::vector<PartitionValue>;

struct ShowDatabases {
  std::optional<std::string> pattern;  // LIKE 'a*|b*': Hive's pattern, a regular expression
};
struct ShowTables {
  std::optional<std::string> database, pattern;
};
struct ShowViews {
  std::optional<std::string> database, pattern;
};
struct ShowColumns {
  TableReference table;
};
struct ShowPartitions {
  TableReference table;
  PartitionSpec partition;
};
struct ShowCreateTable {
  TableReference table;
};
struct ShowCreateView {
  TableReference view;
};
struct ShowTableProperties {
  TableReference table;
  std::optional<std::string> property;
};
struct ShowFunctions {
  std::optional<std::string> pattern;
};
struct Describe {
  TableReference table;
  enum class Detail { plain, extended, formatted } detail = Detail::plain;
  PartitionSpec partition;
  std::vector<std::string> column_path;  // DESCRIBE t col.field; lower-case
};
struct DescribeView {
  TableReference view;
};
struct MsckRepair {
  TableReference table;
};

struct AddPartitions {
  bool if_not_exists = false;
  struct Partition {
    PartitionSpec values;
    std::optional<std::string> location;
  };
  std::vector<Partition> partitions;
};
struct DropPartitions {
  bool if_exists = false;
  std::vector<PartitionSpec> partitions;
};
struct RenamePartition {
  PartitionSpec from, to;
};
struct SetLocation {
  PartitionSpec partition;  // empty: the table's own
  std::string location;
};
struct SetTableProperties {
  Properties properties;
};
struct UnsetTableProperties {
  std::vector<std::string> names;
};
struct AddColumns {
  PartitionSpec partition;
  std::vector<ColumnDefinition> columns;
};
struct ReplaceColumns {
  PartitionSpec partition;
  std::vector<ColumnDefinition> columns;
};
struct ChangeColumn {
  std::string name;
  ColumnDefinition column;
  bool first = false;
  std::optional<std::string> after;
};
struct DropColumn {
  std::string name;
};
struct RenameTable {
  TableReference to;
};
struct AlterTable {
  TableReference table;
  std::variant<AddPartitions, DropPartitions, RenamePartition, SetLocation, SetTableProperties, UnsetTableProperties,
               AddColumns, ReplaceColumns, ChangeColumn, DropColumn, RenameTable>
      change;
};

struct Unload {
  QueryPtr query;
  std::string location;
  std::vector<Property> properties;
};
struct Explain {
  bool analyze = false;
  bool verbose = false;
  std::string format = "TEXT";       // TEXT, JSON, GRAPHVIZ
  std::string type = "DISTRIBUTED";  // LOGICAL, DISTRIBUTED, VALIDATE, IO
  std::unique_ptr<Statement> statement;
};
struct Prepare {
  Identifier name;
  std::unique_ptr<Statement> statement;
  std::string statement_text;
};
struct Execute {
  Identifier name;
  std::vector<ExpressionPtr> parameters;  // USING
};
struct ExecuteImmediate {
  std::string statement_text;
  std::vector<ExpressionPtr> parameters;
};
struct Deallocate {
  Identifier name;
};
struct Assignment {
  Identifier column;
  ExpressionPtr value;
};
struct Delete {
  TableReference table;
  ExpressionPtr where;  // null: all rows
};
struct Update {
  TableReference table;
  std::vector<Assignment> assignments;
  ExpressionPtr where;
};
struct MergeCase {
  bool matched = true;
  ExpressionPtr condition;  // may be null
  enum class Action { update, remove, insert } action = Action::update;
  std::vector<Assignment> assignments;  // of an update, and of an insert with columns
  std::vector<ExpressionPtr> values;    // of an insert without columns
};
struct Merge {
  TableReference table;
  std::optional<Identifier> alias;
  RelationPtr source;
  ExpressionPtr on;
  std::vector<MergeCase> cases;
};
struct Optimize {  // OPTIMIZE t REWRITE DATA USING BIN_PACK [WHERE ...]
  TableReference table;
  ExpressionPtr where;
};
struct Vacuum {
  TableReference table;
};
struct Use {
  std::string database;
};

struct Statement {
  std::variant<QueryStatement, CreateTableAs, InsertInto, CreateExternalTable, CreateDatabase, DropDatabase,
               AlterDatabase, DropTable, CreateView, DropView, ShowDatabases, ShowTables, ShowViews, ShowColumns,
               ShowPartitions, ShowCreateTable, ShowCreateView, ShowTableProperties, ShowFunctions, Describe,
               DescribeView, MsckRepair, AlterTable, Unload, Explain, Prepare, Execute, ExecuteImmediate, Deallocate,
               Delete, Update, Merge, Optimize, Vacuum, Use>
      node;
  int parameter_count = 0;  // how many `?` stand in the text
};

// Athena's two kinds (StatementType of GetQueryExecution): "DDL", "DML" or "UTILITY".
std::string_view statement_type(const Statement& statement);
// Its StatementSubType-like word, as GetQueryExecution's SubstatementType says it: "SELECT", "CREATE_TABLE_AS_SELECT",
// "INSERT", ...
std::string_view substatement_type(const Statement& statement);

}  // namespace tarn::dialect
