#include "store/index_options.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <cstdarg>
#include <cstdio>

#include "base/log.hpp"

namespace tarn::store {
namespace {

// RocksDB's own log would be a file beside the data, and where asserts are left in it (Debian's build) ends the process
// when the disk is full.
class IndexLog final : public rocksdb::Logger {
 public:
  explicit IndexLog(Index::Age age) : Logger(rocksdb::WARN_LEVEL), age_(age) {}
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override { Logv(rocksdb::INFO_LEVEL, format, arguments); }
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level >= rocksdb::HEADER_LEVEL) return;
    char text[1024];
    std::vsnprintf(text, sizeof text, format, arguments);
    // The folder of a fresh index is not there yet.
    if (age_ == Index::Age::fresh && std::string_view(text).starts_with("Error when reading")) return;
    log(LogLevel::warning, "object index", Value::map({{"message", text}}));
  }

 private:
  Index::Age age_;
};

rocksdb::ColumnFamilyOptions family_options(Family family, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 8 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // In parts: the filter and index of a table of a million keys are blocks of a megabyte, which no shard of the cache
  // would keep, so that each read fetched them again.
  table.partition_filters = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.metadata_block_size = 8 << 10;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = (family == Family::bodies ? 16 : 8) << 20;
  options.max_write_buffer_number = 3;
  options.level_compaction_dynamic_level_bytes = true;
  // Many deletions in a row would slow a listing down until they are compacted away.
  options.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(4096, 2048));
  return options;
}

}  // namespace

rocksdb::DBOptions database_options(rocksdb::Env* env, Index::Age age) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = options.error_if_exists = age == Index::Age::fresh;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  options.max_open_files = 512;
  options.max_file_opening_threads = 1;
  options.db_write_buffer_size = 40 << 20;
  options.max_total_wal_size = 64 << 20;  // bounds what an opening must replay
  options.avoid_flush_during_recovery = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.info_log = std::make_shared<IndexLog>(age);
  options.max_manifest_file_size = 4 << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.bytes_per_sync = 1 << 20;
  options.is_fd_close_on_exec = true;
  options.avoid_flush_during_shutdown = true;  // what stands outside of the log is Index::mark()'s alone
  options.max_bgerror_resume_count = 0;        // Index::recover() does it, and has to know
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors() {
  auto cache = rocksdb::NewLRUCache(32 << 20, 3);  // 8 shards
  return {
      {rocksdb::kDefaultColumnFamilyName, family_options(Family::records, cache)},
      {"objects", family_options(Family::objects, cache)},
      {"versions", family_options(Family::versions, cache)},
      {"bodies", family_options(Family::bodies, cache)},
  };
}

}  // namespace tarn::store
