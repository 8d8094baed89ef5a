// Partitions. The key of a partition's record holds its values, so a filter is decided on keys alone, and only the
// records that match are read. Keys are sorted, so where the first values of a key already exclude it (year = 2024 at a
// key of 2023), the scan seeks past all that begin with the same values: a filter on leading keys costs about one seek
// for each of their distinct values.
#include <algorithm>

#include "catalog/catalog.hpp"
#include "catalog/partition_expression.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog {
namespace {

void check_values(const glue::Table& table, const PartitionValues& values) {
  if (values.size() != table.partition_keys->size() || values.empty())
    throw_invalid("The number of partition keys do not match the number of partition values");
  for (const std::string& v : values) {
    if (v.empty()) throw_invalid("Partition values must not be empty.");
    if (v.size() > 1024) throw_invalid("A partition value must have at most 1024 characters.");
    if (v.find_first_of(std::string_view("\0\1", 2)) != v.npos)
      throw_invalid("Partition values must not contain control characters.");
  }
}

std::string values_suffix(const PartitionValues& values) {
  std::string out;
  for (const std::string& v : values) {
    if (!out.empty()) out += '\0';
    out += v;
  }
  return out;
}

std::string partition_key(const Scope& scope, std::string_view database, std::string_view table,
                          const PartitionValues& values) {
  return table_prefix(scope, database, table) + values_suffix(values);
}

glue::Partition from_input(const Scope& scope, const glue::Table& table, const glue::PartitionInput& input) {
  glue::Partition p;
  p.values = input.values.value_or(PartitionValues{});
  p.database_name = table.database_name;
  p.table_name = table.name;
  p.last_access_time = input.last_access_time;
  p.last_analyzed_time = input.last_analyzed_time;
  p.storage_descriptor = input.storage_descriptor;
  p.parameters = input.parameters;
  p.catalog_id = scope.account;
  return p;
}

// FNV-1a: which segment a partition falls into must never change between calls or builds.
uint64_t hash_of(std::string_view bytes) {
  uint64_t h = 1469598103934665603ull;
  for (unsigned char c : bytes) h = (h ^ c) * 1099511628211ull;
  return h;
}

}  // namespace

struct Catalog::PartitionScan {
  meta::Metadata& metadata;
  std::string under;  // table_prefix
  const PartitionExpression& filter;

  // Calls take(key, values) for each match after the key `after`, until it returns false.
  void run(std::string after, const std::function<bool(const std::string&, const PartitionValues&)>& take) {
    std::size_t chunk = 64;
    for (;;) {
      auto keys = metadata.keys(partition_kind, under, after, chunk);
      bool last = keys.size() < chunk;
      bool skipped = false;
      for (std::size_t i = 0; i < keys.size();) {
        auto values = meta::key_parts(std::string_view(keys[i]).substr(under.size()));
        if (std::size_t known = excluding(values)) {
          values.resize(known);
          after = under + values_suffix(values) + '\x01';  // sorts behind all that go on after these values
          auto next = std::upper_bound(keys.begin() + static_cast<std::ptrdiff_t>(i), keys.end(), after);
          i = static_cast<std::size_t>(next - keys.begin());
          skipped = i == keys.size();
          continue;
        }
        if (filter.matches(values) && !take(keys[i], values)) return;
        after = keys[i++];
      }
      if (last) return;
      chunk = skipped ? 64 : std::min<std::size_t>(chunk * 4, 16384);
    }
  }

 private:
  // How many first values suffice to exclude the key; 0: none do.
  std::size_t excluding(const PartitionValues& values) const {
    for (std::size_t n = 1; n < values.size(); ++n)
      if (filter.excludes(std::span(values).first(n))) return n;
    return 0;
  }
};

void Catalog::create_partition(const Scope& scope, std::string_view database, std::string_view table,
                               const glue::PartitionInput& input) {
  auto errors = add_partitions(scope, database, table, {input});
  if (!errors.empty())
    throw Error(
        *errors[0].error_detail->error_code == "AlreadyExistsException" ? ErrorKind::conflict : ErrorKind::caller,
        *errors[0].error_detail->error_code, *errors[0].error_detail->error_message);
}

std::vector<glue::PartitionError> Catalog::add_partitions(const Scope& scope, std::string_view database,
                                                          std::string_view table,
                                                          const std::vector<glue::PartitionInput>& inputs) {
  std::vector<glue::PartitionError> errors;
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Table in = need_table(t, scope, database, table);
    for (const auto& input : inputs) {
      glue::Partition p = from_input(scope, in, input);
      p.creation_time = clock_.now();
      try {
        check_values(in, *p.values);
        std::string key = partition_key(scope, database, table, *p.values);
        if (t.get(partition_kind, key)) throw_exists("Partition already exists.");
        t.put(partition_kind, key, to_value(p));
      } catch (const Error& e) {
        if (e.kind() == ErrorKind::bug) throw;
        auto& error = errors.emplace_back();
        error.partition_values = p.values;
        error.error_detail = detail_of(e);
      }
    }
  });
  return errors;
}

std::optional<glue::Partition> Catalog::find_partition(const Scope& scope, std::string_view database,
                                                       std::string_view table, const PartitionValues& values) const {
  auto value = metadata_.get(partition_kind, partition_key(scope, database, table, values));
  return value ? std::optional(api::from<glue::Partition>(*value)) : std::nullopt;
}

glue::Partition Catalog::partition(const Scope& scope, std::string_view database, std::string_view table,
                                   const PartitionValues& values) const {
  auto found = find_partition(scope, database, table, values);
  if (found) return *std::move(found);
  check_values(need_table(metadata_, scope, database, table), values);
  throw_not_found("Cannot find partition.");
}

Page<glue::Partition> Catalog::partitions(const Scope& scope, std::string_view database, std::string_view table,
                                          const PartitionQuery& query, const PageRequest& request) const {
  glue::Table in = need_table(metadata_, scope, database, table);
  PartitionExpression filter(query.expression, *in.partition_keys);
  uint64_t segments = query.segment ? static_cast<uint64_t>(query.segment->total_segments) : 1;
  if (query.segment &&
      (query.segment->total_segments < 1 || query.segment->total_segments > 10 || query.segment->segment_number < 0 ||
       query.segment->segment_number >= query.segment->total_segments))
    throw_invalid("Segment.SegmentNumber must be less than Segment.TotalSegments, which is 1 to 10.");
  std::vector<std::string> keys;
  PartitionScan scan{metadata_, table_prefix(scope, database, table), filter};
  scan.run(key_of_token(request.token), [&](const std::string& key, const PartitionValues&) {
    if (segments > 1 && hash_of(key) % segments != static_cast<uint64_t>(query.segment->segment_number)) return true;
    keys.push_back(key);
    return keys.size() <= request.limit;
  });
  Page<glue::Partition> page;
  if (keys.size() > request.limit) {
    keys.pop_back();
    page.next = token_after(keys.back());
  }
  for (const std::string& key : keys) {
    auto value = metadata_.get(partition_kind, key);
    if (!value) continue;  // deleted meanwhile
    auto& p = page.items.emplace_back(api::from<glue::Partition>(*value));
    if (query.exclude_column_schema && p.storage_descriptor) p.storage_descriptor->columns.reset();
  }
  return page;
}

std::vector<glue::Partition> Catalog::all_partitions(const Scope& scope, std::string_view database,
                                                     std::string_view table, std::string_view expression) const {
  PartitionQuery query;
  query.expression = expression;
  return partitions(scope, database, table, query, {{}, SIZE_MAX - 1}).items;
}

std::vector<glue::Partition> Catalog::partitions_where(
    const Scope& scope, std::string_view database, std::string_view table,
    const std::function<bool(const PartitionValues&)>& wanted) const {
  std::vector<glue::Partition> out;
  std::string under = table_prefix(scope, database, table);
  for (const std::string& key : metadata_.keys(partition_kind, under)) {
    if (!wanted(meta::key_parts(std::string_view(key).substr(under.size())))) continue;
    if (auto value = metadata_.get(partition_kind, key)) out.push_back(api::from<glue::Partition>(*value));
  }
  return out;
}

std::vector<PartitionValues> Catalog::partition_values(const Scope& scope, std::string_view database,
                                                       std::string_view table) const {
  std::vector<PartitionValues> out;
  std::string under = table_prefix(scope, database, table);
  for (const std::string& key : metadata_.keys(partition_kind, under))
    out.push_back(meta::key_parts(std::string_view(key).substr(under.size())));
  return out;
}

std::size_t Catalog::partition_count(const Scope& scope, std::string_view database, std::string_view table) const {
  return metadata_.count(partition_kind, table_prefix(scope, database, table));
}

namespace {

void replace_partition(meta::Transaction& t, const Scope& scope, const glue::Table& table,
                       const PartitionValues& values, const glue::PartitionInput& input) {
  check_values(table, values);
  std::string from = partition_key(scope, *table.database_name, table.name, values);
  auto before = t.get(partition_kind, from);
  if (!before) throw_not_found("Cannot find partition.");
  glue::Partition p = from_input(scope, table, input);
  if (p.values->empty()) p.values = values;
  check_values(table, *p.values);
  p.creation_time = api::from<glue::Partition>(*before).creation_time;
  std::string to = partition_key(scope, *table.database_name, table.name, *p.values);
  if (to != from) {
    if (t.get(partition_kind, to)) throw_exists("Partition already exists.");
    t.erase(partition_kind, from);
    t.erase_all(partition_statistics_kind, from + '\0');
  }
  t.put(partition_kind, to, to_value(p));
}

void erase_partition(meta::Transaction& t, const Scope& scope, const glue::Table& table,
                     const PartitionValues& values) {
  check_values(table, values);
  std::string key = partition_key(scope, *table.database_name, table.name, values);
  if (!t.erase(partition_kind, key)) throw_not_found("Cannot find partition.");
  t.erase_all(partition_statistics_kind, key + '\0');
}

}  // namespace

void Catalog::update_partition(const Scope& scope, std::string_view database, std::string_view table,
                               const PartitionValues& values, const glue::PartitionInput& input) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    replace_partition(t, scope, need_table(t, scope, database, table), values, input);
  });
}

std::vector<glue::BatchUpdatePartitionFailureEntry> Catalog::update_partitions(
    const Scope& scope, std::string_view database, std::string_view table,
    const std::vector<glue::BatchUpdatePartitionRequestEntry>& entries) {
  std::vector<glue::BatchUpdatePartitionFailureEntry> failures;
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Table in = need_table(t, scope, database, table);
    for (const auto& entry : entries) {
      try {
        replace_partition(t, scope, in, entry.partition_value_list, entry.partition_input);
      } catch (const Error& e) {
        if (e.kind() == ErrorKind::bug) throw;
        auto& failure = failures.emplace_back();
        failure.partition_value_list = entry.partition_value_list;
        failure.error_detail = detail_of(e);
      }
    }
  });
  return failures;
}

void Catalog::delete_partition(const Scope& scope, std::string_view database, std::string_view table,
                               const PartitionValues& values) {
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    erase_partition(t, scope, need_table(t, scope, database, table), values);
  });
}

std::vector<glue::PartitionError> Catalog::delete_partitions(const Scope& scope, std::string_view database,
                                                             std::string_view table,
                                                             const std::vector<PartitionValues>& values) {
  std::vector<glue::PartitionError> errors;
  metadata_.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Table in = need_table(t, scope, database, table);
    for (const auto& one : values) {
      try {
        erase_partition(t, scope, in, one);
      } catch (const Error& e) {
        if (e.kind() == ErrorKind::bug) throw;
        auto& error = errors.emplace_back();
        error.partition_values = one;
        error.error_detail = detail_of(e);
      }
    }
  });
  return errors;
}

}  // namespace tarn::catalog
