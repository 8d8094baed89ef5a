#include "deploy/lake/lake_file.hpp"

#include <algorithm>
#include <set>

#include "deploy/lake/yaml_part.hpp"
#include "deploy/template_text.hpp"

namespace tarn::deploy {
namespace {

std::vector<LakeColumn> columns_of(const YamlPart& part) {
  std::vector<LakeColumn> out;
  for (const auto& [name, type] : part.members()) {
    type.check_name(name, "_");
    out.push_back({name, type.text()});
  }
  if (out.empty()) part.refuse("must name a column");
  return out;
}

LakeTable read_table(const std::string& name, const YamlPart& part, const LakeFile& lake) {
  part.only({"layer", "format", "columns", "partitions", "path", "description", "delimiter", "header", "contract"});
  if (auto contract = part.find("contract"))
    contract->refuse_unsupported("tarn does not check contracts yet (types, keys, freshness, rules, quarantine)");
  part.check_name(name, "_");
  LakeTable out;
  out.name = name;
  out.layer = part.text_or("layer", lake.layers.back());
  if (std::find(lake.layers.begin(), lake.layers.end(), out.layer) == lake.layers.end())
    part.at("layer").refuse("the lake has no layer " + out.layer);
  out.format = part.text_or("format", "parquet");
  static const std::set<std::string> formats = {"parquet", "orc", "avro", "json", "csv"};
  if (!formats.contains(out.format)) part.at("format").refuse("must be parquet, orc, avro, json or csv");
  out.columns = columns_of(part.at("columns"));
  if (auto partitions = part.find("partitions")) out.partitions = columns_of(*partitions);
  for (const LakeColumn& column : out.columns)
    for (const LakeColumn& key : out.partitions)
      if (column.name == key.name) part.refuse(column.name + " is a column and a partition key");
  out.path = part.text_or("path", name);
  while (out.path.starts_with('/')) out.path.erase(0, 1);
  if (!out.path.ends_with('/')) out.path += '/';
  out.description = part.text_or("description", "");
  if (out.format != "csv" && (part.find("delimiter") || part.find("header")))
    part.refuse("delimiter and header are for csv");
  out.delimiter = part.text_or("delimiter", ",");
  if (out.delimiter.size() != 1) part.at("delimiter").refuse("must be one character");
  out.header = part.flag_or("header", true);
  return out;
}

// Every folder below `domain`/ that holds a config.yml; "" stands for the folder of the file itself.
std::vector<std::string> folders_with_pipelines(const SourceFiles& files, const std::string& domain) {
  std::vector<std::string> out;
  const std::string prefix = domain.empty() ? "" : domain + "/", suffix = "/config.yml";
  for (const auto& [path, bytes] : files) {
    if (!path.starts_with(prefix) || !path.ends_with(suffix)) continue;
    const std::string folder = path.substr(0, path.size() - suffix.size());
    if (folder.size() > prefix.size() && folder.find('/', prefix.size()) == std::string::npos) out.push_back(folder);
  }
  return out;
}

LakeDomain read_domain(const std::string& name, const YamlPart& part, const LakeFile& lake, const SourceFiles& files) {
  part.only({"tables", "crawl", "pipelines"});
  part.check_name(name, "-");
  LakeDomain out;
  out.name = name;
  if (auto tables = part.find("tables"))
    for (const auto& [table, declared] : tables->members()) out.tables.push_back(read_table(table, declared, lake));
  if (auto crawl = part.find("crawl")) {
    crawl->only({"layer", "schedule"});
    out.crawled_layer = crawl->text_or("layer", lake.layers.front());
    if (std::find(lake.layers.begin(), lake.layers.end(), *out.crawled_layer) == lake.layers.end())
      crawl->refuse("the lake has no layer " + *out.crawled_layer);
    out.crawl_schedule = crawl->text_or("schedule", "");
  }
  if (auto pipelines = part.find("pipelines")) {
    for (const YamlPart& folder : pipelines->items()) {
      std::string path = folder.text();
      while (path.ends_with('/')) path.pop_back();
      if (!files.contains(path + "/config.yml")) folder.refuse("there is no " + path + "/config.yml");
      out.pipelines.push_back(path);
    }
  } else {
    out.pipelines = folders_with_pipelines(files, name);
  }
  return out;
}

void check_readers(const YamlPart& part, const LakeReader& reader, const LakeFile& lake) {
  for (const std::string& table : reader.tables) {
    const std::size_t dot = table.find('.');
    auto domain = std::find_if(lake.domains.begin(), lake.domains.end(),
                               [&](const LakeDomain& d) { return d.name == table.substr(0, dot); });
    if (dot == std::string::npos || domain == lake.domains.end())
      part.refuse("\"" + table + "\" must be domain.table or domain.*");
    const std::string name = table.substr(dot + 1);
    if (name != "*" &&
        std::none_of(domain->tables.begin(), domain->tables.end(), [&](const LakeTable& t) { return t.name == name; }))
      part.refuse("the lake has no table " + table);
  }
}

LakeReader read_reader(const std::string& name, const YamlPart& part, const LakeFile& lake) {
  part.only({"role", "tables", "columns", "rows"});
  for (std::string_view word : {"columns", "rows"})
    if (auto found = part.find(word))
      found->refuse_unsupported("lake.yml grants whole tables only; " + std::string(word) + " are Lake Formation's");
  part.check_name(name, "-");
  LakeReader out;
  out.name = name;
  out.role = part.text_or("role", "");
  for (const YamlPart& table : part.at("tables").items()) out.tables.push_back(table.text());
  check_readers(part.at("tables"), out, lake);
  return out;
}

void read_common(const YamlPart& part, const std::string& stage, LakeFile& out) {
  out.stage = stage.empty() ? part.text_or("stage", "dev") : stage;
  part.check_name(out.stage, "");
  if (auto layers = part.find("layers"))
    for (const YamlPart& layer : layers->items()) out.layers.push_back(layer.name_text("-"));
  if (out.layers.empty()) out.layers = {"raw", "trusted", "service"};
  if (auto alarms = part.find("alarms"))
    for (const YamlPart& address : alarms->items()) out.alarms.push_back(address.text());
  if (auto tags = part.find("tags"))
    for (const auto& [key, value] : tags->members()) out.tags[key] = value.text();
  out.keep_data = part.flag_or("keep_data", false);
}

}  // namespace

LakeFile read_lake_file(const SourceFiles& files, const std::string& file, const std::string& stage) {
  const auto text = files.find(file);
  if (text == files.end()) throw validation_error("there is no " + file);
  const YamlFile yaml(file, text->second);
  const YamlPart part(yaml);
  LakeFile out;
  if (part.find("domain")) {  // the domain.yml of a folder of pipelines
    part.only({"domain", "alarms", "stage", "layers", "tags", "keep_data"});
    read_common(part, stage, out);
    out.domains.push_back({part.at("domain").name_text("-"), {}, out.layers.front(), {}, {}});
    out.domains[0].pipelines = folders_with_pipelines(files, "");
    return out;
  }
  part.only({"lake", "stage", "layers", "alarms", "tags", "keep_data", "domains", "readers"});
  out.name = part.at("lake").name_text("-");
  read_common(part, stage, out);
  for (const auto& [name, declared] : part.at("domains").members())
    out.domains.push_back(read_domain(name, declared, out, files));
  if (out.domains.empty()) part.at("domains").refuse("must name a domain");
  if (auto readers = part.find("readers"))
    for (const auto& [name, declared] : readers->members()) out.readers.push_back(read_reader(name, declared, out));
  return out;
}

}  // namespace tarn::deploy
