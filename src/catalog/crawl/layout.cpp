#include "catalog/crawl/layout.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <set>

#include "catalog/catalog.hpp"
#include "catalog/crawl/csv_sniffer.hpp"

namespace tarn::catalog::crawl {

void Schema::add(const FoundFile& file) {
  Schema one;
  one.form = file.finding;
  one.form.columns.clear();
  one.files = 1;
  one.records = file.finding.records;
  one.size_bytes = file.finding.size_bytes;
  for (const FileColumn& c : file.finding.columns) {
    Column& column = one.columns.emplace_back(Column{c.name, c.original_name, c.type, {}});
    if (c.type.kind != DataType::Kind::unknown) column.votes.push_back({hive_text(c.type), 1, file.key, c.why});
  }
  add(one);
}

void Schema::add(const Schema& other) {
  if (files == 0) {
    *this = other;
    return;
  }
  files += other.files;
  records += other.records;
  size_bytes += other.size_bytes;
  mixed_compression |= other.mixed_compression || form.compression != other.form.compression;
  form.quotes |= other.form.quotes;
  form.backslash_escapes |= other.form.backslash_escapes;
  if (other.form.encoding != "UTF-8") form.encoding = other.form.encoding;
  for (const Column& c : other.columns) {
    auto mine = std::find_if(columns.begin(), columns.end(), [&](const Column& x) { return x.name == c.name; });
    if (mine == columns.end()) {
      columns.push_back(c);
      continue;
    }
    merge(mine->type, c.type);
    for (const Vote& vote : c.votes) {
      auto same =
          std::find_if(mine->votes.begin(), mine->votes.end(), [&](const Vote& v) { return v.type == vote.type; });
      if (same == mine->votes.end())
        mine->votes.push_back(vote);
      else
        same->files += vote.files;
    }
  }
}

namespace {

constexpr double least_similarity = 0.7;

bool same_form(const Schema& a, const Schema& b) {
  const FileFinding &x = a.form, &y = b.form;
  if (x.format != y.format) return false;
  if (x.format == Format::csv) return x.csv.delimiter == y.csv.delimiter && x.header == y.header;
  return x.format != Format::json || x.json_path == y.json_path;
}

// How many columns both have; one whose types only text could hold counts half.
double common_columns(const Schema& a, const Schema& b) {
  double common = 0;
  for (const auto& column : a.columns) {
    auto same = std::find_if(b.columns.begin(), b.columns.end(), [&](const auto& c) { return c.name == column.name; });
    if (same != b.columns.end()) common += compatible(column.type, same->type) ? 1 : 0.5;
  }
  return common;
}

// Whether one has all columns of the other: files of one folder that gained columns.
bool extends(const Schema& a, const Schema& b) {
  if (!same_form(a, b)) return false;
  const Schema &shorter = a.columns.size() <= b.columns.size() ? a : b, &longer = &shorter == &a ? b : a;
  auto same_name = [](const Schema::Column& x, const Schema::Column& y) { return x.name == y.name; };
  if (a.form.format == Format::csv)
    return std::equal(shorter.columns.begin(), shorter.columns.end(), longer.columns.begin(), same_name);
  return std::all_of(shorter.columns.begin(), shorter.columns.end(), [&](const auto& x) {
    return std::any_of(longer.columns.begin(), longer.columns.end(), [&](const auto& y) { return same_name(x, y); });
  });
}

std::optional<std::pair<std::string, std::string>> key_and_value(std::string_view folder) {
  auto at = folder.find('=');
  if (at == folder.npos || at == 0 || at + 1 == folder.size()) return std::nullopt;
  return std::pair(fold_name(folder.substr(0, at)), std::string(folder.substr(at + 1)));
}

// Hive writes characters that paths dislike as %XX.
std::string unescaped(std::string_view text) {
  std::string out;
  auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? digit(text[i + 1]) : -1,
        low = high >= 0 ? digit(text[i + 2]) : -1;
    if (low >= 0 && high * 16 + low >= 0x20) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Node {
  std::string name, prefix;
  std::map<std::string, std::unique_ptr<Node>> children;
  std::vector<const FoundFile*> files;
};

// Files that can be one table rooted at `node`.
struct Unit {
  const Node* node;
  int depth = 0;  // levels of partitions
  Schema schema;
  std::vector<Schema> variants;  // its different schemas
};

class Planner {
 public:
  Planner(std::string_view bucket, std::string_view include, const LayoutOptions& options)
      : bucket_(bucket), include_(include), options_(options) {}

  std::vector<TableLayout> plan(const std::vector<FoundFile>& files) {
    Node root;
    root.prefix = include_;
    std::string_view trimmed = include_;
    if (trimmed.ends_with('/')) trimmed.remove_suffix(1);
    root.name = trimmed.empty() ? std::string(bucket_) : std::string(trimmed.substr(trimmed.rfind('/') + 1));
    for (const FoundFile& file : files) place(root, file);
    int level = 1 + static_cast<int>(std::count(include_.begin(), include_.end(), '/'));
    if (auto unit = visit(root, level)) finish(*unit, "");
    std::sort(tables_.begin(), tables_.end(), [](const auto& a, const auto& b) { return a.place < b.place; });
    return std::move(tables_);
  }

 private:
  static void place(Node& root, const FoundFile& file) {
    Node* at = &root;
    std::string_view rest = std::string_view(file.key).substr(root.prefix.size());
    for (auto slash = rest.find('/'); slash != rest.npos; slash = rest.find('/')) {
      std::string name(rest.substr(0, slash));
      auto& child = at->children[name];
      if (!child) child = std::make_unique<Node>(Node{name, at->prefix + name + "/", {}, {}});
      at = child.get();
      rest.remove_prefix(slash + 1);
    }
    at->files.push_back(&file);
  }

  // The one table that the node is, or nothing when its parts were made tables.
  std::optional<Unit> visit(const Node& node, int level) {
    std::vector<Unit> units;
    bool split = false;
    for (const auto& [name, child] : node.children) {
      if (auto unit = visit(*child, level + 1))
        units.push_back(*std::move(unit));
      else
        split = true;
    }
    std::size_t children = units.size();
    if (!node.files.empty()) {
      if (auto own = unit_of_files(node))
        units.push_back(*std::move(own));
      else
        split = true;
    }
    if (units.empty()) return std::nullopt;
    bool above = options_.table_level > level && children > 0;
    if (!split && !above && alike(units, children)) return merged(node, std::move(units), children);
    std::string reason = above ? "the table level is below its folder" : "its neighbours have other schemas";
    for (Unit& unit : units) {
      if (unit.node == &node)
        files_as_tables(node, reason);
      else
        finish(unit, reason);
    }
    return std::nullopt;
  }

  std::optional<Unit> unit_of_files(const Node& node) {
    Unit unit{&node, 0, {}, {}};
    for (const FoundFile* file : node.files) {
      Schema one;
      one.add(*file);
      add_variant(unit.variants, one);
      unit.schema.add(one);
    }
    std::vector<std::size_t> each(unit.variants.size());
    std::iota(each.begin(), each.end(), std::size_t{0});
    if (connected(unit.variants, std::move(each), true)) return unit;
    files_as_tables(node, "the files of its folder have different schemas");
    return std::nullopt;
  }

  void files_as_tables(const Node& node, const std::string& reason) {
    for (const FoundFile* file : node.files) {
      TableLayout& t = tables_.emplace_back();
      t.place = file->key;
      t.is_object = true;
      t.name = file->key.substr(node.prefix.size());
      t.schema.add(*file);
      t.reason = reason;
    }
  }

  // The place of this schema among the variants; added when it is new. What differs in counts only is no variant.
  static std::size_t add_variant(std::vector<Schema>& variants, const Schema& one) {
    for (std::size_t i = 0; i < variants.size(); ++i) {
      const Schema& v = variants[i];
      bool same = same_form(v, one) && v.columns.size() == one.columns.size() &&
                  std::equal(v.columns.begin(), v.columns.end(), one.columns.begin(),
                             [](const auto& a, const auto& b) { return a.name == b.name && a.type == b.type; });
      if (same) return i;
    }
    variants.push_back(one);
    return variants.size() - 1;
  }

  // Whether each group can be reached from each over similar schemas: schemas that grew day by day are one table.
  // `groups` holds, for each variant, the number of the group that it belongs to; variants of one group belong together
  // anyway.
  bool connected(const std::vector<Schema>& variants, std::vector<std::size_t> groups, bool one_folder) const {
    for (std::size_t i = 0; i < variants.size(); ++i) {
      for (std::size_t j = i + 1; j < variants.size(); ++j) {
        if (groups[i] == groups[j]) continue;
        const Schema &a = variants[i], &b = variants[j];
        if (!similar(a, b, options_) && !(one_folder && !options_.strict && extends(a, b))) continue;
        std::replace(groups.begin(), groups.end(), std::size_t(groups[j]), std::size_t(groups[i]));
      }
    }
    return std::all_of(groups.begin(), groups.end(), [&](std::size_t g) { return g == groups[0]; });
  }

  bool alike(const std::vector<Unit>& units, std::size_t children) const {
    if (!options_.strict && children == units.size() && partition_name(units)) {
      return std::all_of(units.begin() + 1, units.end(), [&](const Unit& u) {
        return same_form(u.schema, units[0].schema) &&
               (common_columns(u.schema, units[0].schema) > 0 || u.schema.columns.empty());
      });
    }
    std::vector<Schema> variants;
    std::vector<std::size_t> groups;
    for (const Unit& unit : units) {
      std::optional<std::size_t> group;
      for (const Schema& v : unit.variants) {
        std::size_t at = add_variant(variants, v);
        if (at == groups.size()) groups.push_back(at);
        if (group) std::replace(groups.begin(), groups.end(), std::size_t(groups[at]), *group);
        group = groups[at];
      }
    }
    return connected(variants, std::move(groups), false);
  }

  // The key that the names of all these folders share.
  static std::optional<std::string> partition_name(const std::vector<Unit>& units) {
    std::optional<std::string> common;
    for (const Unit& unit : units) {
      auto kv = key_and_value(unit.node->name);
      if (!kv || (common && *common != kv->first)) return std::nullopt;
      common = kv->first;
    }
    return common;
  }

  Unit merged(const Node& node, std::vector<Unit> units, std::size_t children) const {
    Unit out{&node, 0, {}, {}};
    int depth = INT32_MAX;
    for (std::size_t i = 0; i < units.size(); ++i) {
      depth = std::min(depth, i < children ? units[i].depth + 1 : 0);
      out.schema.add(units[i].schema);
      for (const Schema& v : units[i].variants) add_variant(out.variants, v);
    }
    out.depth = depth;
    return out;
  }

  void finish(const Unit& unit, const std::string& reason) {
    TableLayout& t = tables_.emplace_back();
    t.place = unit.node->prefix;
    t.name = unit.node->name;
    t.schema = unit.schema;
    t.reason = reason;
    std::vector<std::string> values;
    if (unit.depth > 0) collect_partitions(*unit.node, unit.depth, values, t);
    for (int level = 0; level < unit.depth; ++level) name_level(t, static_cast<std::size_t>(level));
    make_unique(t.partition_keys);
  }

  void collect_partitions(const Node& node, int depth, std::vector<std::string>& values, TableLayout& t) const {
    for (const auto& [name, child] : node.children) {
      values.push_back(name);
      if (depth > 1) {
        collect_partitions(*child, depth - 1, values, t);
      } else {
        PartitionLayout& p = t.partitions.emplace_back();
        p.values = values;
        p.prefix = child->prefix;
        add_all(*child, p.schema);
      }
      values.pop_back();
    }
  }

  static void add_all(const Node& node, Schema& schema) {
    for (const FoundFile* file : node.files) schema.add(*file);
    for (const auto& [name, child] : node.children) add_all(*child, schema);
  }

  // Names one level of partitions and strips the "key=" from its values.
  static void name_level(TableLayout& t, std::size_t level) {
    std::optional<std::string> common;
    bool all = true;
    for (const auto& p : t.partitions) {
      auto kv = key_and_value(p.values[level]);
      all = all && kv && (!common || *common == kv->first);
      if (kv) common = kv->first;
    }
    if (!all || !common) {
      t.partition_keys.push_back("partition_" + std::to_string(level));
      return;
    }
    t.partition_keys.push_back(column_name(*common, level));
    for (auto& p : t.partitions) p.values[level] = unescaped(key_and_value(p.values[level])->second);
  }

  std::string_view bucket_;
  std::string include_;
  const LayoutOptions& options_;
  std::vector<TableLayout> tables_;
};

}  // namespace

bool similar(const Schema& a, const Schema& b, const LayoutOptions& options) {
  if (!same_form(a, b)) return false;
  double most = static_cast<double>(std::max(a.columns.size(), b.columns.size()));
  if (most == 0) return true;
  double common = common_columns(a, b);
  if (options.combine_compatible) {
    return std::all_of(a.columns.begin(), a.columns.end(), [&](const auto& column) {
      auto same =
          std::find_if(b.columns.begin(), b.columns.end(), [&](const auto& c) { return c.name == column.name; });
      return same == b.columns.end() || compatible(column.type, same->type);
    });
  }
  return common / most > least_similarity;
}

std::vector<TableLayout> lay_out(std::string_view bucket, std::string_view include_prefix,
                                 const std::vector<FoundFile>& files, const LayoutOptions& options) {
  if (files.empty()) return {};
  if (!include_prefix.empty() && !include_prefix.ends_with('/')) {  // one object
    TableLayout t;
    t.place = include_prefix;
    t.is_object = true;
    t.name = include_prefix.substr(include_prefix.rfind('/') + 1);
    t.schema.add(files[0]);
    return {t};
  }
  return Planner(bucket, include_prefix, options).plan(files);
}

}  // namespace tarn::catalog::crawl
