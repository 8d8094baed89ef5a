#include "query/dialect/statement.hpp"

#include "base/error.hpp"
#include "query/dialect/names.hpp"

namespace tarn::dialect {

namespace {

const Property* find_property(const std::vector<Property>& properties, std::string_view name) {
  for (const Property& property : properties) {
    if (same_name(property.name.name, name)) return &property;
  }
  return nullptr;
}

std::optional<std::string> literal_text(const Expression& value) {
  if (auto* text = std::get_if<StringLiteral>(&value.node)) return text->value;
  if (auto* number = std::get_if<IntegerLiteral>(&value.node)) return number->digits;
  if (auto* number = std::get_if<DecimalLiteral>(&value.node)) return number->text;
  if (auto* number = std::get_if<DoubleLiteral>(&value.node)) return number->text;
  if (auto* truth = std::get_if<BooleanLiteral>(&value.node)) return truth->value ? "true" : "false";
  return std::nullopt;
}

[[noreturn]] void invalid_property(const Property& property, std::string_view wanted) {
  throw Error(ErrorKind::caller, "INVALID_TABLE_PROPERTY",
              "line " + std::to_string(property.name.at.line) + ":" + std::to_string(property.name.at.column) +
                  ": Invalid value for table property '" + lower_case(property.name.name) + "': it must be " +
                  std::string(wanted));
}

struct Kind {
  std::string_view type, subtype;
};

struct KindOf {
  Kind operator()(const QueryStatement&) { return {"DML", "SELECT"}; }
  Kind operator()(const CreateTableAs&) { return {"DDL", "CREATE_TABLE_AS_SELECT"}; }
  Kind operator()(const InsertInto&) { return {"DML", "INSERT"}; }
  Kind operator()(const Unload&) { return {"DML", "UNLOAD"}; }
  Kind operator()(const Delete&) { return {"DML", "DELETE"}; }
  Kind operator()(const Update&) { return {"DML", "UPDATE"}; }
  Kind operator()(const Merge&) { return {"DML", "MERGE"}; }
  Kind operator()(const Optimize&) { return {"DML", "OPTIMIZE"}; }
  Kind operator()(const Vacuum&) { return {"DML", "VACUUM"}; }
  Kind operator()(const Explain&) { return {"UTILITY", "EXPLAIN"}; }
  Kind operator()(const CreateExternalTable&) { return {"DDL", "CREATE_TABLE"}; }
  Kind operator()(const CreateDatabase&) { return {"DDL", "CREATE_DATABASE"}; }
  Kind operator()(const DropDatabase&) { return {"DDL", "DROP_DATABASE"}; }
  Kind operator()(const AlterDatabase&) { return {"DDL", "ALTER_DATABASE"}; }
  Kind operator()(const DropTable&) { return {"DDL", "DROP_TABLE"}; }
  Kind operator()(const CreateView&) { return {"DDL", "CREATE_VIEW"}; }
  Kind operator()(const DropView&) { return {"DDL", "DROP_VIEW"}; }
  Kind operator()(const AlterTable&) { return {"DDL", "ALTER_TABLE"}; }
  Kind operator()(const MsckRepair&) { return {"DDL", "MSCK_REPAIR_TABLE"}; }
  Kind operator()(const ShowDatabases&) { return {"UTILITY", "SHOW_DATABASES"}; }
  Kind operator()(const ShowTables&) { return {"UTILITY", "SHOW_TABLES"}; }
  Kind operator()(const ShowViews&) { return {"UTILITY", "SHOW_VIEWS"}; }
  Kind operator()(const ShowColumns&) { return {"UTILITY", "SHOW_COLUMNS"}; }
  Kind operator()(const ShowPartitions&) { return {"UTILITY", "SHOW_PARTITIONS"}; }
  Kind operator()(const ShowCreateTable&) { return {"UTILITY", "SHOW_CREATE_TABLE"}; }
  Kind operator()(const ShowCreateView&) { return {"UTILITY", "SHOW_CREATE_VIEW"}; }
  Kind operator()(const ShowTableProperties&) { return {"UTILITY", "SHOW_TBLPROPERTIES"}; }
  Kind operator()(const ShowFunctions&) { return {"UTILITY", "SHOW_FUNCTIONS"}; }
  Kind operator()(const Describe&) { return {"UTILITY", "DESCRIBE_TABLE"}; }
  Kind operator()(const DescribeView&) { return {"UTILITY", "DESCRIBE_VIEW"}; }
  Kind operator()(const Prepare&) { return {"UTILITY", "PREPARE"}; }
  Kind operator()(const Execute&) { return {"DML", "EXECUTE"}; }
  Kind operator()(const ExecuteImmediate&) { return {"DML", "EXECUTE"}; }
  Kind operator()(const Deallocate&) { return {"UTILITY", "DEALLOCATE"}; }
  Kind operator()(const Use&) { return {"UTILITY", "USE"}; }
};

}  // namespace

std::optional<std::string> property_text(const std::vector<Property>& properties, std::string_view name) {
  const Property* property = find_property(properties, name);
  if (!property) return std::nullopt;
  std::optional<std::string> text = literal_text(*property->value);
  if (!text) invalid_property(*property, "a literal");
  return text;
}

std::vector<std::string> property_list(const std::vector<Property>& properties, std::string_view name) {
  const Property* property = find_property(properties, name);
  if (!property) return {};
  auto* array = std::get_if<ArrayConstructor>(&property->value->node);
  if (!array) invalid_property(*property, "an array of texts");
  std::vector<std::string> out;
  for (const ExpressionPtr& item : array->items) {
    std::optional<std::string> text = literal_text(*item);
    if (!text) invalid_property(*property, "an array of texts");
    out.push_back(*text);
  }
  return out;
}

std::string_view statement_type(const Statement& statement) {
  return std::visit(KindOf{}, statement.node).type;
}
std::string_view substatement_type(const Statement& statement) {
  return std::visit(KindOf{}, statement.node).subtype;
}

}  // namespace tarn::dialect
