#include "catalog/crawl/crawl.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "catalog/crawl/apply.hpp"
#include "catalog/crawl/exclusions.hpp"
#include "catalog/records.hpp"

namespace tarn::catalog::crawl {
namespace {

constexpr std::size_t list_page = 1000;
constexpr int max_unknown_lines = 100;

// Whether Hive, Spark and Athena pass over it: some part of its path begins with "_" or ".".
bool hidden(std::string_view relative) {
  for (;;) {
    if (relative.starts_with('_') || relative.starts_with('.')) return true;
    auto slash = relative.find('/');
    if (slash == relative.npos) return false;
    relative.remove_prefix(slash + 1);
  }
}

std::string parent_of(std::string_view key) {
  auto slash = key.rfind('/');
  return slash == key.npos ? "" : std::string(key.substr(0, slash + 1));
}

// One place to be crawled.
struct Target {
  std::string bucket, prefix;  // "/" at its end, or empty, or the key of one object
  bool is_object = false;
  std::vector<std::string> exclusions;
  std::size_t sample_size = SIZE_MAX;  // files of each folder

  std::string location() const { return "s3://" + bucket + "/" + prefix; }
};

class Crawl {
 public:
  explicit Crawl(const CrawlJob& job)
      : job_(job),
        configuration_(CrawlConfiguration::parse(job.crawler.configuration.value_or(""))),
        applier_(job, configuration_, counts_) {
    classify_.strict = job.strict;
    classify_.classifiers = job.classifiers;
    new_folders_only_ =
        job.crawler.recrawl_policy && job.crawler.recrawl_policy->recrawl_behavior == "CRAWL_NEW_FOLDERS_ONLY";
  }

  CrawlCounts run() {
    const auto& targets = job_.crawler.targets;
    if (targets && targets->s3_targets && !targets->s3_targets->empty()) crawl_s3_targets(*targets->s3_targets);
    if (targets && targets->catalog_targets)
      for (const auto& t : *targets->catalog_targets) crawl_catalog_target(t);
    return std::move(counts_);
  }

 private:
  store::Grant read_grant(const Target& t) const {
    return job_.authority.objects(job_.principal, store::Access::read, t.bucket, t.prefix);
  }

  void check_stopped() const {
    if (job_.stopped()) throw CrawlStopped{};
  }

  Target open_target(std::string_view path) const {
    S3Path s3 = parse_s3_path(path);
    Target t{s3.bucket, s3.prefix, false, {}, SIZE_MAX};
    if (!job_.store.find_bucket(t.bucket))
      throw_not_found("The S3 location s3://" + t.bucket + "/" + t.prefix +
                      " does not exist: there is no such bucket.");
    if (t.prefix.empty() || t.prefix.ends_with('/')) return t;
    t.is_object = job_.store.head(read_grant(t), t.bucket, t.prefix).has_value();
    if (!t.is_object) t.prefix += '/';
    return t;
  }

  // The objects below the target that are data, in key order.
  std::vector<store::ObjectInfo> list(const Target& t) const {
    if (t.is_object) return {*job_.store.head(read_grant(t), t.bucket, t.prefix)};
    std::vector<store::ObjectInfo> out;
    store::Grant grant = read_grant(t);
    std::string after;
    for (bool more = true; more;) {
      check_stopped();
      auto page = job_.store.list(grant, t.bucket, t.prefix, "", after, list_page);
      for (auto& object : page.objects) {
        auto relative = std::string_view(object.key).substr(t.prefix.size());
        bool marker =
            object.size_bytes == 0 || relative.empty() || relative.ends_with('/') || relative.ends_with("_$folder$");
        if (!marker && !hidden(relative) && !excluded(t.exclusions, relative)) out.push_back(std::move(object));
      }
      more = page.truncated;
      after = page.next;
    }
    return out;
  }

  std::optional<FoundFile> classify(const Target& t, const store::Grant& grant, const store::ObjectInfo& object) {
    check_stopped();
    auto reader = job_.store.open(grant, t.bucket, object.key);
    if (!reader) return std::nullopt;  // removed meanwhile
    FileBytes bytes;
    bytes.size_bytes = reader->info().size_bytes;
    bytes.read_at = [&](uint64_t offset, char* into, std::size_t size) { return reader->read_at(offset, into, size); };
    FoundFile file{object.key, classify_file(object.key, bytes, classify_)};
    ++counts_.files;
    const FileFinding& f = file.finding;
    if (f.format == Format::unknown) {
      if (++counts_.unknown_files <= max_unknown_lines)
        job_.log("WARN", "s3://" + t.bucket + "/" + object.key + " is of no known format: " + f.why_unknown);
      return std::nullopt;
    }
    if (!f.note.empty() && counts_.files <= max_unknown_lines)
      job_.log("INFO", "s3://" + t.bucket + "/" + object.key + " is " + name_of(f.format) +
                           (f.classifier.empty() ? "" : " by the classifier " + f.classifier) + ": " + f.note);
    return file;
  }

  std::vector<FoundFile> classify_all(const Target& t, const std::vector<store::ObjectInfo>& objects) {
    std::vector<FoundFile> out;
    store::Grant grant = read_grant(t);
    std::map<std::string, std::size_t> taken;
    for (const auto& object : objects) {
      if (taken[parent_of(object.key)]++ >= t.sample_size) continue;
      if (auto file = classify(t, grant, object)) out.push_back(*std::move(file));
    }
    return out;
  }

  LayoutOptions layout_options() const {
    return {job_.strict, configuration_.table_level, configuration_.combine_compatible};
  }

  void take(const Target& t, const TableLayout& table) {
    check_stopped();
    applier_.take(table, t.bucket);
    for (const std::string& line : explain(table))
      job_.log("INFO", "Table at s3://" + t.bucket + "/" + table.place + ": " + line);
  }

  void crawl_s3_targets(const std::vector<glue::S3Target>& targets) {
    std::vector<Target> opened;
    for (const auto& target : targets) {
      Target& t = opened.emplace_back(open_target(target.path.value_or("")));
      t.exclusions = target.exclusions.value_or(std::vector<std::string>{});
      if (target.sample_size && *target.sample_size > 0) t.sample_size = static_cast<std::size_t>(*target.sample_size);
    }
    std::vector<std::pair<const Target*, std::vector<TableLayout>>> laid_out;
    applier_.open_database(job_.crawler.database_name.value_or(""));
    for (const Target& t : opened) {
      auto objects = list(t);
      job_.log("INFO", "Found " + std::to_string(objects.size()) + " objects under " + t.location());
      if (new_folders_only_ && crawl_new_folders(t, objects)) continue;
      laid_out.emplace_back(&t, lay_out(t.bucket, t.prefix, classify_all(t, objects), layout_options()));
    }
    job_.log("BENCHMARK",
             "Classification complete, writing results to database " + job_.crawler.database_name.value_or(""));
    std::vector<std::string> places;
    for (const auto& [t, tables] : laid_out) {
      for (const TableLayout& table : tables) take(*t, table);
      places.push_back(t->location().ends_with('/') ? t->location() : t->location() + "/");
    }
    if (!new_folders_only_) applier_.handle_gone(places);
  }

  // Whether this target was crawled before (there are tables under it); then only folders that no table and no
  // partition knows are read.
  bool crawl_new_folders(const Target& t, const std::vector<store::ObjectInfo>& objects) {
    std::vector<glue::Table> tables;
    std::vector<std::string> known;  // prefixes of keys
    std::string start = "s3://" + t.bucket + "/";
    for (const auto& table : applier_.known_tables()) {
      if (!table.storage_descriptor || !table.storage_descriptor->location) continue;
      std::string location = *table.storage_descriptor->location;
      if (!location.starts_with(t.location()) && location + "/" != t.location()) continue;
      tables.push_back(table);
      if (table.partition_keys->empty())
        known.push_back(location.substr(start.size()));
      else
        for (const auto& p : job_.catalog.partitions_where(job_.scope, *table.database_name, table.name,
                                                           [](const auto&) { return true; }))
          if (p.storage_descriptor && p.storage_descriptor->location &&
              p.storage_descriptor->location->starts_with(start))
            known.push_back(p.storage_descriptor->location->substr(start.size()));
    }
    if (tables.empty()) return false;
    std::sort(known.begin(), known.end());
    std::vector<store::ObjectInfo> fresh;
    for (const auto& object : objects)
      if (!is_known(known, object.key)) fresh.push_back(object);
    job_.log("INFO", std::to_string(fresh.size()) + " of them are in folders that are new");
    auto files = classify_all(t, fresh);
    for (const auto& table : tables) give_to(t, table, files);
    lay_out_rest(t, tables, files);
    return true;
  }

  // Whether one of the sorted prefixes is a prefix of the key: the last one that sorts before it, or one that is a
  // prefix of that.
  static bool is_known(const std::vector<std::string>& sorted, std::string_view key) {
    for (std::string prefix = parent_of(key);;
         prefix = parent_of(std::string_view(prefix).substr(0, prefix.size() - 1))) {
      if (std::binary_search(sorted.begin(), sorted.end(), prefix)) return true;
      if (!prefix.empty() && std::binary_search(sorted.begin(), sorted.end(), prefix.substr(0, prefix.size() - 1)))
        return true;
      if (prefix.empty()) break;
    }
    return std::binary_search(sorted.begin(), sorted.end(), std::string(key));
  }

  // Takes out of `files` those that lie in the table's folder as new partitions, and adds these.
  void give_to(const Target& t, const glue::Table& table, std::vector<FoundFile>& files) {
    std::string place = parse_s3_path(*table.storage_descriptor->location).prefix;
    if (!place.empty() && !place.ends_with('/')) place += '/';
    auto fits = [&](const FoundFile& f) { return f.key.starts_with(place) && shares_a_column(table, f.finding); };
    std::vector<FoundFile> own;
    std::copy_if(files.begin(), files.end(), std::back_inserter(own), fits);
    auto layout = as_partitions_of(table, place, own);
    if (!layout || layout->partitions.empty()) return;
    std::erase_if(files, fits);
    applier_.add_new_partitions(table, *layout, t.bucket);
  }

  static bool shares_a_column(const glue::Table& table, const FileFinding& f) {
    if (!table.storage_descriptor->columns || f.columns.empty()) return true;
    return std::any_of(f.columns.begin(), f.columns.end(), [&](const FileColumn& column) {
      return std::any_of(table.storage_descriptor->columns->begin(), table.storage_descriptor->columns->end(),
                         [&](const glue::Column& c) { return fold_name(c.name) == column.name; });
    });
  }

  // The files as partitions of a known table; absent when its keys do not fit their folders. Files of another format
  // are left out.
  std::optional<TableLayout> as_partitions_of(const glue::Table& table, const std::string& place,
                                              const std::vector<FoundFile>& files) const {
    TableLayout out;
    out.place = place;
    out.name = table.name;
    for (const auto& key : *table.partition_keys) out.partition_keys.push_back(fold_name(key.name));
    std::map<std::string, PartitionLayout> partitions;
    for (const FoundFile& file : files) {
      std::string_view rest = std::string_view(file.key).substr(place.size());
      PartitionLayout p;
      p.prefix = place;
      for (const std::string& key : out.partition_keys) {
        auto slash = rest.find('/');
        if (slash == rest.npos) return std::nullopt;
        std::string_view folder = rest.substr(0, slash);
        p.prefix += std::string(folder) + "/";
        auto equals = folder.find('=');
        bool named = equals != folder.npos && fold_name(folder.substr(0, equals)) == key;
        p.values.emplace_back(named ? folder.substr(equals + 1) : folder);
        rest.remove_prefix(slash + 1);
      }
      out.schema.add(file);
      auto& at = partitions.emplace(p.prefix, p).first->second;
      at.schema.add(file);
    }
    for (auto& [prefix, p] : partitions) out.partitions.push_back(std::move(p));
    return out;
  }

  // New folders beside the known tables become tables on the same level.
  void lay_out_rest(const Target& t, const std::vector<glue::Table>& tables, const std::vector<FoundFile>& files) {
    if (files.empty()) return;
    LayoutOptions options = layout_options();
    for (const auto& table : tables) {
      std::string place = parse_s3_path(*table.storage_descriptor->location).prefix;
      if (!place.empty() && !place.ends_with('/')) place += '/';
      int level = 1 + static_cast<int>(std::count(place.begin(), place.end(), '/'));
      options.table_level = std::max(options.table_level, place == t.prefix ? level + 1 : level);
    }
    for (const TableLayout& table : lay_out(t.bucket, t.prefix, files, options)) take(t, table);
  }

  void crawl_catalog_target(const glue::CatalogTarget& target) {
    applier_.open_database(target.database_name);
    for (const std::string& name : target.tables) {
      glue::Table table = job_.catalog.table(job_.scope, target.database_name, name);
      if (!table.storage_descriptor || !table.storage_descriptor->location)
        throw_invalid("Table " + name + " has no location to crawl.");
      Target t = open_target(*table.storage_descriptor->location);
      auto files = classify_all(t, list(t));
      if (files.empty()) {
        job_.log("WARN", "Table " + name + " has no objects that could be read");
        continue;
      }
      Format format = files[0].finding.format;
      std::erase_if(files, [&](const FoundFile& f) {
        if (f.finding.format == format) return false;
        job_.log("WARN", f.key + " is " + name_of(f.finding.format) + ", unlike the table " + name);
        return true;
      });
      auto layout = as_partitions_of(table, t.prefix, files);
      if (!layout) {
        job_.log("WARN", "The folders of table " + name + " do not fit its partition keys; it is left alone");
        continue;
      }
      applier_.take_known(table, *layout, t.bucket);
    }
  }

  const CrawlJob& job_;
  CrawlConfiguration configuration_;
  ClassifyOptions classify_;
  CrawlCounts counts_;
  Applier applier_;
  bool new_folders_only_ = false;
};

}  // namespace

CrawlCounts run_crawl(const CrawlJob& job) {
  return Crawl(job).run();
}

}  // namespace tarn::catalog::crawl
