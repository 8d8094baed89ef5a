#include "base/json.hpp"
#include "catalog/crawl/crawl.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog::crawl {
namespace {

[[noreturn]] void refuse(const std::string& member) {
  throw Error(ErrorKind::unsupported, "NotImplemented",
              "tarn does not have " + member + " in a crawler's Configuration.");
}

// The AddOrUpdateBehavior of Partitions or Tables; `known` is the one value that it can have.
bool behavior(const Value& output, const char* member, const char* known) {
  const Value* of = output.find(member);
  if (!of) return false;
  for (const auto& [name, value] : of->as_map()) {
    if (name == "TableThreshold") refuse("CrawlerOutput.Tables.TableThreshold");
    if (name != "AddOrUpdateBehavior") refuse(std::string("CrawlerOutput.") + member + "." + name);
  }
  std::string behavior = of->string_or("AddOrUpdateBehavior");
  if (behavior.empty()) return false;
  if (behavior != known) throw_invalid(std::string("AddOrUpdateBehavior of ") + member + " must be " + known + ".");
  return true;
}

}  // namespace

CrawlConfiguration CrawlConfiguration::parse(std::string_view json) {
  CrawlConfiguration out;
  if (json.empty()) return out;
  Value v;
  try {
    v = parse_json(json);
    if (!v.is_map()) throw_invalid("the text is no object");
    for (const auto& [name, value] : v.as_map())
      if (name != "Version" && name != "CrawlerOutput" && name != "Grouping" && name != "CreatePartitionIndex")
        refuse(name);
    if (const Value* version = v.find("Version"); !version || !version->is_number() || version->as_double() != 1.0)
      throw_invalid("Version must be 1.0.");
    if (const Value* output = v.find("CrawlerOutput")) {
      out.partitions_inherit = behavior(*output, "Partitions", "InheritFromTable");
      out.merge_new_columns = behavior(*output, "Tables", "MergeNewColumns");
    }
    out.partition_index = v.bool_or("CreatePartitionIndex");
    if (const Value* grouping = v.find("Grouping")) {
      std::string policy = grouping->string_or("TableGroupingPolicy");
      if (!policy.empty() && policy != "CombineCompatibleSchemas")
        throw_invalid("TableGroupingPolicy must be CombineCompatibleSchemas.");
      out.combine_compatible = !policy.empty();
      int64_t level = grouping->int_or("TableLevelConfiguration");
      if (level < 0 || level > 1000)
        throw_invalid("TableLevelConfiguration must be a level of folders, the bucket being 1.");
      out.table_level = static_cast<int>(level);
    }
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::unsupported) throw;
    throw_invalid("The crawler's Configuration is malformed: " + e.message());
  }
  return out;
}

S3Path parse_s3_path(std::string_view path) {
  if (path.starts_with("s3://"))
    path.remove_prefix(5);
  else if (path.starts_with("s3a://") || path.starts_with("s3n://"))
    path.remove_prefix(6);
  auto slash = std::min(path.find('/'), path.size());
  if (slash == 0) throw_invalid("The path '" + std::string(path) + "' names no bucket.");
  return {std::string(path.substr(0, slash)), std::string(path.substr(std::min(slash + 1, path.size())))};
}

}  // namespace tarn::catalog::crawl
