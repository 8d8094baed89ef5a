#include "catalog/crawl/apply.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog::crawl {
namespace {

constexpr std::size_t partitions_at_once = 1000;
constexpr const char* deprecated_by = "DEPRECATED_BY_CRAWLER";
constexpr const char* index_name = "crawler_partition_index";

std::string folder_of(std::string location) {
  if (location.starts_with("s3a://") || location.starts_with("s3n://")) location.erase(2, 1);
  if (!location.ends_with('/')) location += '/';
  return location;
}

// The definition of a table as it would be sent to keep it.
glue::TableInput as_input(const glue::Table& t) {
  glue::TableInput out;
  out.name = t.name;
  out.description = t.description;
  out.owner = t.owner;
  out.last_access_time = t.last_access_time;
  out.last_analyzed_time = t.last_analyzed_time;
  out.retention = t.retention;
  out.storage_descriptor = t.storage_descriptor;
  out.partition_keys = t.partition_keys;
  out.view_original_text = t.view_original_text;
  out.view_expanded_text = t.view_expanded_text;
  out.table_type = t.table_type;
  out.parameters = t.parameters;
  out.target_table = t.target_table;
  return out;
}

glue::PartitionInput as_input(const glue::Partition& p) {
  glue::PartitionInput out;
  out.values = p.values;
  out.last_access_time = p.last_access_time;
  out.last_analyzed_time = p.last_analyzed_time;
  out.storage_descriptor = p.storage_descriptor;
  out.parameters = p.parameters;
  return out;
}

using Parameters = std::optional<std::map<std::string, std::string>>;

void drop_statistics(Parameters& parameters) {
  if (parameters) std::erase_if(*parameters, [](const auto& p) { return is_statistic(p.first); });
}

// Whether two definitions differ in more than their counts.
template <class Input>
bool same_but_counts(Input a, Input b) {
  for (Input* one : {&a, &b}) {
    drop_statistics(one->parameters);
    if (one->storage_descriptor) drop_statistics(one->storage_descriptor->parameters);
  }
  return a == b;
}

// What the crawler does not set stays: comments, descriptions, parameters that others wrote.
void keep_what_is_not_ours(const glue::Table& known, glue::TableInput& wanted) {
  wanted.description = known.description;
  wanted.owner = known.owner;
  wanted.retention = known.retention;
  wanted.last_access_time = known.last_access_time;
  wanted.last_analyzed_time = known.last_analyzed_time;
  for (const auto& [name, value] : known.parameters.value_or(std::map<std::string, std::string>{}))
    if (name != deprecated_by && name != "skip.header.line.count" && name != "jsonPath")
      wanted.parameters->emplace(name, value);
  if (!known.storage_descriptor || !known.storage_descriptor->columns) return;
  wanted.storage_descriptor->compressed = wanted.storage_descriptor->compressed.value_or(false);
  for (auto& column : *wanted.storage_descriptor->columns) {
    auto same = std::find_if(known.storage_descriptor->columns->begin(), known.storage_descriptor->columns->end(),
                             [&](const glue::Column& c) { return c.name == column.name; });
    if (same != known.storage_descriptor->columns->end()) column.comment = same->comment;
  }
}

// MergeNewColumns: the known columns as they are, and behind them those that are new.
void merge_columns(const glue::Table& known, glue::TableInput& wanted) {
  if (!known.storage_descriptor || !known.storage_descriptor->columns) return;
  auto columns = *known.storage_descriptor->columns;
  for (const auto& column : *wanted.storage_descriptor->columns) {
    bool is_known =
        std::any_of(columns.begin(), columns.end(), [&](const auto& c) { return fold_name(c.name) == column.name; });
    if (!is_known) columns.push_back(column);
  }
  wanted.storage_descriptor->columns = columns;
}

std::string columns_text(const glue::TableInput& t) {
  std::string out;
  for (const auto& c : *t.storage_descriptor->columns)
    out += (out.empty() ? "" : ", ") + c.name + " " + c.type.value_or("string");
  return out;
}

bool same_keys(const glue::Table& known, const std::vector<std::string>& keys) {
  return std::equal(known.partition_keys->begin(), known.partition_keys->end(), keys.begin(), keys.end(),
                    [](const glue::Column& c, const std::string& key) { return fold_name(c.name) == key; });
}

}  // namespace

std::vector<std::string> explain(const TableLayout& table) {
  std::vector<std::string> out;
  for (const auto& column : table.schema.columns) {
    std::string type = hive_text(column.type), line = "column " + column.name + " is " + type;
    if (column.votes.empty()) {
      out.push_back(line + ": all its values are empty");
    } else if (column.votes.size() > 1 || !column.votes[0].why.empty()) {
      for (const auto& vote : column.votes) {
        line += (&vote == &column.votes.front() ? ": " : ", ") + std::to_string(vote.files) +
                (vote.files == 1 ? " file voted " : " files voted ") + vote.type + " (" + vote.first_key +
                (vote.why.empty() ? "" : ": " + vote.why) + ")";
      }
      out.push_back(line);
    }
  }
  return out;
}

Applier::Applier(const CrawlJob& job, const CrawlConfiguration& configuration, CrawlCounts& counts)
    : job_(job), configuration_(configuration), counts_(counts) {}

void Applier::open_database(const std::string& database) {
  if (database == database_) return;
  database_ = database;
  if (!job_.catalog.find_database(job_.scope, database)) {
    glue::DatabaseInput input;
    input.name = database;
    job_.catalog.create_database(job_.scope, input);
    info("Created database " + database);
  }
  known_ = job_.catalog.all_tables(job_.scope, database);
}

CrawlNames Applier::names_for(const std::string& bucket) const {
  return {bucket, job_.crawler.name.value_or(""), job_.crawler.table_prefix.value_or(""), job_.strict};
}

bool Applier::updates() const {
  const auto& policy = job_.crawler.schema_change_policy;
  return !policy || policy->update_behavior.value_or("UPDATE_IN_DATABASE") == "UPDATE_IN_DATABASE";
}

const glue::Table* Applier::table_at(const std::string& location) const {
  for (const auto& t : known_)
    if (t.storage_descriptor && t.storage_descriptor->location &&
        folder_of(*t.storage_descriptor->location) == folder_of(location))
      return &t;
  return nullptr;
}

std::string Applier::free_name(const TableLayout& table, const CrawlNames& names, const std::string& location) const {
  std::string name = table_name(table.name, names);
  bool taken = std::any_of(known_.begin(), known_.end(), [&](const glue::Table& t) { return t.name == name; });
  // AWS's crawler puts a hash behind a name that is taken.
  return taken ? name.substr(0, 222) + "_" + hex_encode(digest(DigestKind::md5, location)) : name;
}

void Applier::take(const TableLayout& table, const std::string& bucket) {
  CrawlNames names = names_for(bucket);
  const glue::Table* known = table_at(location_of(table, names));
  if (!known) return create(table, names);
  glue::Table copy = *known;
  seen_.insert(copy.name);
  if (!same_keys(copy, table.partition_keys)) {
    if (!updates()) {
      job_.log("WARN", "Table " + copy.name +
                           " now has other partition keys; it is left alone, as SchemaChangePolicy says LOG");
      return;
    }
    job_.catalog.delete_table(job_.scope, database_, copy.name);
    std::erase_if(known_, [&](const glue::Table& t) { return t.name == copy.name; });
    info("Table " + copy.name + " has other partition keys than before and is made anew");
    return create(table, names);
  }
  if (updates()) {
    update(copy, table_input(table, copy.name, names));
    copy = job_.catalog.table(job_.scope, database_, copy.name);
  } else if (columns_text(as_input(copy)) != columns_text(table_input(table, copy.name, names))) {
    info("Table " + copy.name + " has changed in schema; it is left alone, as SchemaChangePolicy says LOG");
  }
  sync_partitions(copy, table, names, true);
}

void Applier::take_known(const glue::Table& known, const TableLayout& table, const std::string& bucket) {
  CrawlNames names = names_for(bucket);
  seen_.insert(known.name);
  glue::TableInput wanted = table_input(table, known.name, names);
  wanted.partition_keys = known.partition_keys;  // with the types that they have
  wanted.storage_descriptor->location = known.storage_descriptor->location;
  if (updates()) update(known, std::move(wanted));
  sync_partitions(job_.catalog.table(job_.scope, database_, known.name), table, names, true);
}

void Applier::add_new_partitions(const glue::Table& known, const TableLayout& table, const std::string& bucket) {
  seen_.insert(known.name);
  sync_partitions(known, table, names_for(bucket), false);
}

void Applier::create(const TableLayout& table, const CrawlNames& names) {
  std::string location = location_of(table, names), name = free_name(table, names, location);
  glue::TableInput input = table_input(table, name, names);
  std::vector<glue::PartitionIndex> indexes;
  if (configuration_.partition_index && !table.partition_keys.empty()) {
    (*input.parameters)["partition_filtering.enabled"] = "true";
    auto& index = indexes.emplace_back();
    index.index_name = index_name;
    index.keys = table.partition_keys;
  }
  job_.catalog.create_table(job_.scope, database_, input, indexes);
  seen_.insert(name);
  counts_.tables_created.push_back(name);
  info("Created table " + name + " in database " + database_ + ": " + name_of(table.schema.form.format) + " at " +
       location + ", " + std::to_string(table.schema.files) + " files, columns " + columns_text(input) +
       (table.reason.empty() ? "" : " (a table of its own because " + table.reason + ")"));
  known_.push_back(job_.catalog.table(job_.scope, database_, name));
  sync_partitions(glue::Table(known_.back()), table, names, true);
}

void Applier::update(const glue::Table& known, glue::TableInput wanted) {
  keep_what_is_not_ours(known, wanted);
  if (configuration_.merge_new_columns) merge_columns(known, wanted);
  glue::TableInput present = as_input(known);
  if (present == wanted) return;
  bool counts_only = same_but_counts(present, wanted);
  UpdateTableOptions options;
  options.skip_archive = counts_only;
  options.expected_version = known.version_id;
  job_.catalog.update_table(job_.scope, database_, wanted, options);
  if (counts_only) return;
  counts_.tables_updated.push_back(known.name);
  info("Updated table " + known.name + " in database " + database_ + ": columns " + columns_text(wanted));
}

glue::PartitionInput Applier::partition_of(const glue::Table& in, const TableLayout& table, const PartitionLayout& p,
                                           const CrawlNames& names) const {
  glue::PartitionInput out = partition_input(table, p, names);
  // A folder that adds to a table which is not changed takes the table's form.
  bool inherit = configuration_.partitions_inherit || !updates();
  if (inherit && in.storage_descriptor) {
    auto own = *out.storage_descriptor;
    out.storage_descriptor = in.storage_descriptor;
    out.storage_descriptor->location = own.location;
    out.storage_descriptor->compressed = own.compressed;
    out.storage_descriptor->parameters = own.parameters;
  }
  return out;
}

void Applier::sync_partitions(const glue::Table& in, const TableLayout& table, const CrawlNames& names, bool whole) {
  if (in.partition_keys->empty()) return;
  std::set<PartitionValues> present;
  for (auto& values : job_.catalog.partition_values(job_.scope, database_, in.name)) present.insert(std::move(values));
  std::vector<glue::PartitionInput> added;
  auto flush = [&] {
    auto errors = job_.catalog.add_partitions(job_.scope, database_, in.name, added);
    counts_.partitions_created += added.size() - errors.size();
    for (const auto& e : errors)
      job_.log("ERROR",
               "A partition of " + in.name + " could not be added: " + e.error_detail->error_message.value_or(""));
    added.clear();
  };
  uint64_t before = counts_.partitions_created;
  for (const PartitionLayout& p : table.partitions) {
    if (present.erase(p.values) == 0) {
      added.push_back(partition_of(in, table, p, names));
      if (added.size() == partitions_at_once) flush();
      continue;
    }
    if (!whole || !updates()) continue;
    auto wanted = partition_of(in, table, p, names);
    auto known = job_.catalog.find_partition(job_.scope, database_, in.name, p.values);
    if (!known || as_input(*known) == wanted) continue;
    job_.catalog.update_partition(job_.scope, database_, in.name, p.values, wanted);
    if (!same_but_counts(as_input(*known), wanted)) ++counts_.partitions_updated;
  }
  if (!added.empty()) flush();
  if (counts_.partitions_created > before)
    info("Created " + std::to_string(counts_.partitions_created - before) + " partitions of table " + in.name +
         " in database " + database_);
  if (whole && !present.empty()) handle_gone_partitions(in, {present.begin(), present.end()});
}

namespace {

std::string delete_behavior(const glue::Crawler& crawler) {
  const auto& policy = crawler.schema_change_policy;
  return policy ? policy->delete_behavior.value_or("DEPRECATE_IN_DATABASE") : "DEPRECATE_IN_DATABASE";
}

}  // namespace

void Applier::handle_gone_partitions(const glue::Table& in, const std::vector<PartitionValues>& gone) {
  std::string behavior = delete_behavior(job_.crawler), count = std::to_string(gone.size());
  if (behavior == "DELETE_FROM_DATABASE") {
    job_.catalog.delete_partitions(job_.scope, database_, in.name, gone);
    counts_.partitions_deleted += gone.size();
    info("Deleted " + count + " partitions of table " + in.name + " whose folders are gone");
  } else if (behavior == "DEPRECATE_IN_DATABASE") {
    for (const auto& values : gone) {
      auto p = job_.catalog.find_partition(job_.scope, database_, in.name, values);
      if (!p || (p->parameters && p->parameters->contains(deprecated_by))) continue;
      auto input = as_input(*p);
      if (!input.parameters) input.parameters.emplace();
      (*input.parameters)[deprecated_by] = job_.crawler.name.value_or("");
      job_.catalog.update_partition(job_.scope, database_, in.name, values, input);
      ++counts_.partitions_updated;
    }
    info(count + " partitions of table " + in.name + " have no folder any more and are marked as deprecated");
  } else {
    info(count + " partitions of table " + in.name +
         " have no folder any more; they stay, as SchemaChangePolicy says LOG");
  }
}

void Applier::handle_gone(const std::vector<std::string>& places) {
  std::string behavior = delete_behavior(job_.crawler), crawler = job_.crawler.name.value_or("");
  for (const glue::Table& t : known_) {
    if (seen_.contains(t.name) || !t.parameters || !t.storage_descriptor || !t.storage_descriptor->location) continue;
    auto by = t.parameters->find("UPDATED_BY_CRAWLER");
    std::string at = folder_of(*t.storage_descriptor->location);
    bool under =
        std::any_of(places.begin(), places.end(), [&](const std::string& place) { return at.starts_with(place); });
    if (by == t.parameters->end() || by->second != crawler || !under) continue;
    if (behavior == "DELETE_FROM_DATABASE") {
      job_.catalog.delete_table(job_.scope, database_, t.name);
      counts_.tables_deleted.push_back(t.name);
      info("Deleted table " + t.name + " whose objects are gone");
    } else if (behavior == "DEPRECATE_IN_DATABASE" && !t.parameters->contains(deprecated_by)) {
      glue::TableInput input = as_input(t);
      (*input.parameters)[deprecated_by] = crawler;
      job_.catalog.update_table(job_.scope, database_, input);
      counts_.tables_updated.push_back(t.name);
      info("Table " + t.name + " has no objects any more and is marked as deprecated");
    } else {
      info("Table " + t.name + " has no objects any more; it stays");
    }
  }
}

}  // namespace tarn::catalog::crawl
