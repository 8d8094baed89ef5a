#include "query/lake_table.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "duckdb/execution/expression_executor.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_comparison_expression.hpp"
#include "duckdb/planner/expression/bound_operator_expression.hpp"
#include "duckdb/planner/expression/bound_reference_expression.hpp"
#include "duckdb/planner/expression_iterator.hpp"

namespace tarn::query {
namespace {

using duckdb::Expression;
using duckdb::LogicalType;
using duckdb::Value;

constexpr std::size_t max_projected_partitions = 1'000'000;

// Which partition keys an expression speaks of; absent where it speaks of anything else, or of nothing.
std::optional<std::vector<std::size_t>> keys_of(const Expression& expression, const duckdb::MultiFilePushdownInfo& info,
                                                std::size_t first_key, std::size_t key_count) {
  std::vector<std::size_t> keys;
  bool other = expression.IsVolatile() || expression.HasSubquery() || expression.HasParameter();
  duckdb::ExpressionIterator::VisitExpression<duckdb::BoundColumnRefExpression>(
      expression, [&](const duckdb::BoundColumnRefExpression& ref) {
        if (ref.depth != 0 || ref.binding.table_index != info.table_index ||
            ref.binding.column_index >= info.column_ids.size()) {
          other = true;
          return;
        }
        const auto id = info.column_ids[ref.binding.column_index];
        if (duckdb::IsVirtualColumn(id) || id < first_key || id >= first_key + key_count)
          other = true;
        else if (std::find(keys.begin(), keys.end(), id - first_key) == keys.end())
          keys.push_back(id - first_key);
      });
  if (other || keys.empty()) return std::nullopt;
  return keys;
}

// `filter` over a chunk whose columns are the partition keys.
duckdb::unique_ptr<Expression> over_keys(const Expression& filter, const duckdb::MultiFilePushdownInfo& info,
                                         std::size_t first_key) {
  auto copy = filter.Copy();
  duckdb::ExpressionIterator::VisitExpressionMutable<duckdb::BoundColumnRefExpression>(
      copy, [&](duckdb::BoundColumnRefExpression& ref, duckdb::unique_ptr<Expression>& at) {
        const auto key = info.column_ids[ref.binding.column_index] - first_key;
        at = duckdb::make_uniq<duckdb::BoundReferenceExpression>(ref.return_type, key);
      });
  return copy;
}

// The indexes of the rows that pass. `value(row, key)` is asked for the keys that the filter speaks of.
template <class F>
std::vector<std::size_t> passing(duckdb::ClientContext& context, const Expression& filter,
                                 const std::vector<LogicalType>& types, const std::vector<std::size_t>& keys,
                                 std::size_t rows, F value) {
  duckdb::DataChunk chunk;
  chunk.Initialize(duckdb::Allocator::DefaultAllocator(), duckdb::vector<LogicalType>(types.begin(), types.end()));
  duckdb::ExpressionExecutor executor(context, filter);
  duckdb::SelectionVector selected(STANDARD_VECTOR_SIZE);
  std::vector<std::size_t> out;
  for (std::size_t from = 0; from < rows; from += STANDARD_VECTOR_SIZE) {
    const std::size_t count = std::min<std::size_t>(STANDARD_VECTOR_SIZE, rows - from);
    chunk.Reset();
    for (std::size_t key = 0; key < types.size(); ++key) {
      const bool used = std::find(keys.begin(), keys.end(), key) != keys.end();
      for (std::size_t i = 0; i < count; ++i) chunk.SetValue(key, i, used ? value(from + i, key) : Value(types[key]));
    }
    chunk.SetCardinality(count);
    const auto passed = executor.SelectExpression(chunk, selected);
    for (duckdb::idx_t i = 0; i < passed; ++i) out.push_back(from + selected.get_index(i));
  }
  return out;
}

// The values that `filter` compares an injected key with: key = value, or key IN (values).
std::vector<Value> compared_values(duckdb::ClientContext& context, const Expression& filter) {
  std::vector<Value> out;
  auto add = [&](const Expression& side) {
    Value value;
    if (side.IsFoldable() && duckdb::ExpressionExecutor::TryEvaluateScalar(context, side, value) && !value.IsNull())
      out.push_back(value);
  };
  if (filter.type == duckdb::ExpressionType::COMPARE_EQUAL) {
    const auto& comparison = filter.Cast<duckdb::BoundComparisonExpression>();
    add(*comparison.left);
    add(*comparison.right);
  } else if (filter.type == duckdb::ExpressionType::COMPARE_IN) {
    const auto& children = filter.Cast<duckdb::BoundOperatorExpression>().children;
    for (std::size_t i = 1; i < children.size(); ++i) add(*children[i]);
  }
  return out;
}

bool is_hidden(std::string_view key_below) {
  while (!key_below.empty()) {
    if (key_below[0] == '_' || key_below[0] == '.') return true;
    const auto slash = key_below.find('/');
    if (slash == key_below.npos) return false;
    key_below.remove_prefix(slash + 1);
  }
  return true;  // a folder's own marker
}

// Families of types between which Athena converts when a file and a table differ.
int family(const LogicalType& type) {
  if (type.IsNumeric()) return 1;
  switch (type.id()) {
    case duckdb::LogicalTypeId::VARCHAR:
    case duckdb::LogicalTypeId::BLOB:
    case duckdb::LogicalTypeId::UUID:
    case duckdb::LogicalTypeId::ENUM:
      return 2;
    case duckdb::LogicalTypeId::TIMESTAMP:
    case duckdb::LogicalTypeId::TIMESTAMP_TZ:
    case duckdb::LogicalTypeId::TIMESTAMP_MS:
    case duckdb::LogicalTypeId::TIMESTAMP_NS:
    case duckdb::LogicalTypeId::TIMESTAMP_SEC:
      return 3;
    default:
      return 100 + static_cast<int>(type.id());
  }
}

}  // namespace

std::shared_ptr<LakeTable> LakeTable::of(duckdb::ClientContext& context, std::size_t scan) {
  SessionState& state = SessionState::of(context);
  const TableScan* described = nullptr;
  {
    std::lock_guard lock(state.mutex);
    if (scan >= state.scans.size()) throw duckdb::BinderException("the session has no scan of this number");
    if (state.tables.size() <= scan) state.tables.resize(state.scans.size());
    if (state.tables[scan]) return state.tables[scan];
    described = &state.scans[scan];
  }
  auto made = std::make_shared<LakeTable>(state, scan, *described, context);
  std::lock_guard lock(state.mutex);
  return state.tables[scan] = made;
}

LakeTable::LakeTable(SessionState& state, std::size_t number, const TableScan& s, duckdb::ClientContext& context)
    : scan(s), state_(state), number_(number) {
  for (const auto& column : scan.columns)
    column_types.push_back(duckdb::TransformStringToLogicalType(column.type, context));
  for (const auto& key : scan.partition_keys)
    key_types.push_back(duckdb::TransformStringToLogicalType(key.type, context));
  if (scan.projection) return;
  auto typed = std::make_shared<std::vector<LakePartition>>();
  typed->reserve(scan.partitions.size());
  for (const auto& partition : scan.partitions) {
    auto& made = typed->emplace_back(LakePartition{{}, partition.location});
    for (std::size_t i = 0; i < key_types.size(); ++i) {
      Value value(key_types[i]);
      if (partition.values.at(i)) {
        value = Value(*partition.values[i]);
        if (!value.DefaultTryCastAs(key_types[i]))
          state_.fail(Error(ErrorKind::caller, "HIVE_INVALID_PARTITION_VALUE",
                            "Invalid partition value '" + *partition.values[i] + "' for " + key_types[i].ToString() +
                                " partition key: " + scan.partition_keys[i].name));
      }
      made.values.push_back(std::move(value));
    }
  }
  partitions = std::move(typed);
}

LakePartitions LakeTable::prune(duckdb::ClientContext& context, const LakePartitions& from,
                                duckdb::MultiFilePushdownInfo& info,
                                duckdb::vector<duckdb::unique_ptr<Expression>>& filters) {
  struct Usable {
    std::size_t index;
    std::vector<std::size_t> keys;
  };
  std::vector<Usable> usable;
  for (std::size_t i = 0; i < filters.size(); ++i)
    if (auto keys = keys_of(*filters[i], info, column_types.size(), key_types.size()))
      usable.push_back({i, std::move(*keys)});
  if (usable.empty()) return nullptr;

  LakePartitions kept = from;
  if (!kept) {  // a projection: narrow each key by itself first, then combine
    Candidates candidates(key_types.size());
    for (std::size_t key = 0; key < key_types.size(); ++key) {
      const auto& projected = scan.projection->keys[key];
      if (projected.kind == ProjectedKey::Kind::injected) {
        for (const auto& use : usable)
          if (use.keys == std::vector{key} && candidates[key].empty())
            candidates[key] = compared_values(context, *filters[use.index]);
      } else {
        for (const auto& text : projected.values) candidates[key].push_back(Value(text).DefaultCastAs(key_types[key]));
      }
      for (const auto& use : usable) {
        if (use.keys != std::vector{key}) continue;
        std::vector<Value> left;
        for (std::size_t row :
             passing(context, *over_keys(*filters[use.index], info, column_types.size()), key_types, use.keys,
                     candidates[key].size(), [&](std::size_t r, std::size_t) { return candidates[key][r]; }))
          left.push_back(candidates[key][row]);
        candidates[key] = std::move(left);
      }
    }
    kept = combine(candidates);
  }
  for (const auto& use : usable) {
    auto left = std::make_shared<std::vector<LakePartition>>();
    for (std::size_t row :
         passing(context, *over_keys(*filters[use.index], info, column_types.size()), key_types, use.keys, kept->size(),
                 [&](std::size_t r, std::size_t key) { return (*kept)[r].values[key]; }))
      left->push_back((*kept)[row]);
    kept = std::move(left);
  }
  for (auto use = usable.rbegin(); use != usable.rend(); ++use) {
    if (!info.extra_info.file_filters.empty()) info.extra_info.file_filters += " AND ";
    info.extra_info.file_filters += filters[use->index]->ToString();
    filters.erase(filters.begin() + static_cast<std::ptrdiff_t>(use->index));
  }
  return kept;
}

bool LakeTable::lacks_injected_value() const {
  return scan.projection &&
         std::any_of(scan.projection->keys.begin(), scan.projection->keys.end(),
                     [](const ProjectedKey& key) { return key.kind == ProjectedKey::Kind::injected; });
}

LakePartitions LakeTable::all_projected() {
  Candidates candidates(key_types.size());
  for (std::size_t key = 0; key < key_types.size(); ++key)
    for (const auto& text : scan.projection->keys[key].values)
      candidates[key].push_back(Value(text).DefaultCastAs(key_types[key]));
  return combine(candidates);
}

LakePartitions LakeTable::combine(const Candidates& candidates) {
  std::size_t count = 1;
  for (std::size_t key = 0; key < candidates.size(); ++key) {
    if (candidates[key].empty() && scan.projection->keys[key].kind == ProjectedKey::Kind::injected)
      state_.fail(Error(ErrorKind::caller, "CONSTRAINT_VIOLATION",
                        "For the injected projected partition column " + scan.partition_keys[key].name +
                            ", the WHERE clause must contain only static equality conditions, and at least one such "
                            "condition must be present"));
    count *= std::min(candidates[key].size(), max_projected_partitions + 1);
    if (count > max_projected_partitions)
      state_.fail(Error(ErrorKind::limit, "HIVE_EXCEEDED_PARTITION_LIMIT",
                        "Query over table '" + scan.name + "' can potentially read more than " +
                            std::to_string(max_projected_partitions) +
                            " partitions: add conditions on its partition columns"));
  }
  // The text of a value is as the projection wrote it ("07" for an integer of two digits), so it is found again by its
  // typed value.
  std::vector<std::vector<std::string>> texts(candidates.size());
  for (std::size_t key = 0; key < candidates.size(); ++key) {
    std::map<std::string, std::string> written;
    for (const auto& text : scan.projection->keys[key].values)
      written.emplace(Value(text).DefaultCastAs(key_types[key]).ToString(), text);
    for (const auto& value : candidates[key]) {
      const auto found = written.find(value.ToString());
      texts[key].push_back(found == written.end() ? value.ToString() : found->second);
    }
  }
  auto out = std::make_shared<std::vector<LakePartition>>();
  for (std::size_t row = 0; row < count; ++row) {
    std::vector<std::string> text;
    LakePartition partition;
    for (std::size_t key = 0, rest = row, below = count; key < candidates.size(); ++key) {
      below /= candidates[key].size();
      partition.values.push_back(candidates[key][rest / below]);
      text.push_back(texts[key][rest / below]);
      rest %= below;
    }
    partition.location = projected_location(text);
    out->push_back(std::move(partition));
  }
  return out;
}

std::string LakeTable::projected_location(const std::vector<std::string>& values) const {
  std::string location = scan.projection->location_template;
  if (location.empty()) {
    location = scan.location;
    for (std::size_t key = 0; key < values.size(); ++key) {
      if (!location.ends_with('/')) location += '/';
      location += scan.partition_keys[key].name + "=" + values[key];
    }
    return location;
  }
  for (std::size_t key = 0; key < values.size(); ++key) {
    const std::string mark = "${" + scan.partition_keys[key].name + "}";
    for (std::size_t at; (at = location.find(mark)) != std::string::npos;)
      location.replace(at, mark.size(), values[key]);
  }
  return location;
}

std::string LakeTable::remember(LakePartitions list) {
  std::lock_guard lock(mutex_);
  remembered_.push_back(std::move(list));
  return std::to_string(number_) + ":" + std::to_string(remembered_.size() - 1);
}

LakePartitions LakeTable::recall(std::size_t list) {
  std::lock_guard lock(mutex_);
  return remembered_.at(list);
}

void LakeTable::list(const LakePartition& partition, duckdb::vector<duckdb::OpenFileInfo>& files) {
  duckdb::vector<Value> values(partition.values.begin(), partition.values.end());
  // A list's values share a type, so they travel as text; the reader of the file makes them the keys' types again.
  for (auto& value : values) value = value.IsNull() ? Value(LogicalType::VARCHAR) : Value(value.ToString());
  const Value marked = Value::LIST(LogicalType::VARCHAR, std::move(values));
  try {
    const S3Path at = parse_s3_path(partition.location);
    std::string prefix = at.key;
    if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
    const auto grant = state_.authority.objects(state_.principal, store::Access::read, at.bucket, prefix);
    auto add = [&](const store::ObjectInfo& object) {
      duckdb::OpenFileInfo file(
          (scan.format == TableFormat::json ? std::string(json_scheme) + std::to_string(number_) + "/" : "s3://") +
          at.bucket + "/" + object.key);
      file.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>();
      auto& options = file.extended_info->options;
      options["file_size"] = Value::UBIGINT(object.size_bytes);
      options["etag"] = Value(object.etag);
      options["last_modified"] =
          Value::TIMESTAMP(duckdb::Timestamp::FromEpochMs(object.last_modified.time_since_epoch().count()));
      options["tarn_partition"] = marked;
      files.push_back(std::move(file));
    };
    std::string after;
    for (bool more = true; more;) {
      const store::Listing page = state_.store.list(grant, at.bucket, prefix, "", after, 1000);
      for (const auto& object : page.objects)
        if (object.size_bytes > 0 && !is_hidden(std::string_view(object.key).substr(prefix.size()))) add(object);
      more = page.truncated;
      after = page.next;
    }
  } catch (const Error& error) {
    state_.fail(error);
  }
}

void LakeTable::check_parquet_types(const std::string& path,
                                    const duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
                                    const duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
                                    const duckdb::vector<duckdb::ColumnIndex>& column_ids) {
  for (const auto& index : column_ids) {
    const auto id = index.GetPrimaryIndex();
    if (duckdb::IsVirtualColumn(id) || id >= column_types.size()) continue;
    for (const auto& in_file : file_columns) {
      if (!duckdb::StringUtil::CIEquals(in_file.name, table_columns[id].name)) continue;
      if (family(in_file.type) != family(column_types[id]))
        state_.fail(Error(ErrorKind::caller, "HIVE_BAD_DATA",
                          "Field " + scan.columns[id].name + "'s type " + in_file.type.ToString() +
                              " in parquet file " + path + " is incompatible with type " + column_types[id].ToString() +
                              " defined in table schema"));
    }
  }
}

}  // namespace tarn::query
