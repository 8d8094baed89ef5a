#include "query/engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/error.hpp"
#include "duckdb/main/valid_checker.hpp"
#include "query/dialect/printer.hpp"
#include "query/duckdb_state.hpp"
#include "query/relation_sql.hpp"

namespace tarn::query {
namespace {

constexpr uint64_t max_kept_size_bytes = 512ull << 20;

uint64_t half_of_memory_bytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE)) / 2;
}

class DuckSession : public Session {
  // DuckDB's failures as ours. What we threw ourselves below DuckDB comes out as it was.
  template <class F>
  auto translated(F work) {
    try {
      if (state_->interrupted) throw duckdb::InterruptException();
      return work();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      {
        std::lock_guard lock(state_->mutex);
        if (state_->failure) throw Error(*state_->failure);
      }
      if (state_->interrupted) throw Error(ErrorKind::caller, "Interrupted", "Query was cancelled");
      const duckdb::ErrorData data(error);
      Error out(ErrorKind::caller, "SQL", data.RawMessage());
      out.with("Type", duckdb::Exception::ExceptionTypeToString(data.Type()));
      if (auto at = data.ExtraInfo().find("position"); at != data.ExtraInfo().end()) out.with("Position", at->second);
      throw out;
    }
  }

 public:
  DuckSession(duckdb::DuckDB& database, std::shared_ptr<void> keeps, duckdb::shared_ptr<SessionState> state)
      : keeps_(std::move(keeps)), state_(std::move(state)), connection_(database) {
    connection_.context->registered_state->Insert(session_state_name, state_);
  }

  std::string relation(TableScan scan) override {
    std::lock_guard lock(state_->mutex);
    state_->scans.push_back(std::move(scan));
    return relation_sql(state_->scans.back(), state_->scans.size() - 1);
  }

  uint64_t run(const std::string& sql, RowSink* sink, const std::vector<ResultColumn>* given) override {
    return translated([&]() -> uint64_t {
      auto result = connection_.SendQuery(sql);
      if (result->HasError()) result->ThrowError();
      std::vector<ResultColumn> columns = columns_of(result->names, result->types, given);
      if (sink) sink->begin(columns);
      const bool counts = result->properties.return_type == duckdb::StatementReturnType::CHANGED_ROWS;
      uint64_t changed = 0;
      while (auto chunk = result->Fetch()) {
        if (chunk->size() == 0) break;
        if (counts)
          changed += chunk->GetValue(0, 0).GetValue<uint64_t>();
        else if (sink)
          print_chunk(*chunk, columns, [&](std::span<const Cell> cells) { sink->row(cells); });
      }
      if (result->HasError()) result->ThrowError();
      return changed;
    });
  }

  std::vector<ResultColumn> describe(const std::string& sql) override {
    return translated([&] {
      auto prepared = connection_.Prepare(sql);
      if (prepared->HasError()) prepared->error.Throw();
      return columns_of(prepared->GetNames(), prepared->GetTypes(), nullptr);
    });
  }

  std::vector<WrittenObject> written() const override {
    std::lock_guard lock(state_->mutex);
    std::vector<WrittenObject> out;
    for (const auto& w : state_->written) out.push_back(w.object);
    return out;
  }

  void publish() override {
    for (auto& w : state_->written) {
      if (!w.closed)
        throw Error(ErrorKind::bug, "InternalFailure", "the object " + w.object.key + " was not written to its end");
      w.writer->finish({});
    }
    state_->written.clear();
  }

  void discard() override {
    std::lock_guard lock(state_->mutex);
    state_->written.clear();
  }

  void interrupt() override {
    state_->interrupted = true;
    connection_.Interrupt();
  }
  uint64_t scanned_size_bytes() const override { return state_->scanned_size_bytes; }
  void limit_scanned(uint64_t max) override { state_->max_scanned_size_bytes = max; }

 private:
  static std::vector<ResultColumn> columns_of(const duckdb::vector<std::string>& names,
                                              const duckdb::vector<duckdb::LogicalType>& types,
                                              const std::vector<ResultColumn>* given) {
    if (given && given->size() == types.size()) return *given;
    std::vector<ResultColumn> out;
    for (std::size_t i = 0; i < names.size(); ++i) out.push_back({names[i], trino_type(types[i])});
    return out;
  }

  std::shared_ptr<void> keeps_;
  duckdb::shared_ptr<SessionState> state_;
  duckdb::Connection connection_;
};

// Opens DuckDB when the first session is asked for: a tarn that runs no query does not pay for it.
class DuckEngine : public Engine {
 public:
  DuckEngine(EngineOptions options, store::Store& store, const govern::Authority& authority)
      : options_(std::move(options)), store_(store), authority_(authority) {}

  std::unique_ptr<Session> session(const api::Principal& principal) override {
    try {
      const auto database = opened();
      return std::make_unique<DuckSession>(*database, database,
                                           duckdb::make_shared_ptr<SessionState>(store_, authority_, principal));
    } catch (const std::exception& error) {
      throw Error(ErrorKind::bug, "InternalFailure", std::string("DuckDB does not open: ") + error.what());
    }
  }

 private:
  std::shared_ptr<duckdb::DuckDB> opened() {
    std::lock_guard lock(mutex_);
    // After a failure inside it DuckDB refuses all further work: the next statement gets a new one, and what still runs
    // keeps the old one until it ends.
    if (database_ && duckdb::ValidChecker::IsInvalidated(*database_->instance)) database_.reset();
    if (!database_) database_ = open();
    return database_;
  }

  std::shared_ptr<duckdb::DuckDB> open() const {
    duckdb::DBConfig config;
    auto set = [&](const char* name, duckdb::Value value) { config.SetOptionByName(name, value); };
    const uint64_t memory = options_.max_memory_size_bytes ? options_.max_memory_size_bytes : half_of_memory_bytes();
    const int threads =
        options_.threads ? options_.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    set("memory_limit", duckdb::Value(std::to_string(memory / 1024) + "KiB"));
    set("threads", duckdb::Value::BIGINT(threads));
    set("temp_directory", duckdb::Value(options_.temporary_directory));
    set("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
    set("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
    set("allow_persistent_secrets", duckdb::Value::BOOLEAN(false));
    set("allow_community_extensions", duckdb::Value::BOOLEAN(false));
    set("enable_external_file_cache", duckdb::Value::BOOLEAN(false));
    auto database = std::make_shared<duckdb::DuckDB>(nullptr, &config);
    register_store_file_systems(database->GetFileSystem(), std::min(memory / 16, max_kept_size_bytes));
    register_lake_scans(*database->instance);
    duckdb::Connection connection(*database);
    std::vector<std::string> settings = {"SET GLOBAL parquet_metadata_cache = true",
                                         "SET allowed_directories = ['s3://', 's3json://']",
                                         "SET enable_external_access = false"};
    // What the dialect counts on, for every connection to come; no statement changes it.
    for (const std::string& setting : dialect::session_settings())
      settings.push_back("SET GLOBAL " + setting.substr(std::string_view("SET ").size()));
    settings.push_back("SET lock_configuration = true");
    for (const std::string& setting : settings)
      if (auto result = connection.Query(setting); result->HasError()) result->ThrowError();
    return database;
  }

  const EngineOptions options_;
  store::Store& store_;
  const govern::Authority& authority_;
  std::mutex mutex_;
  std::shared_ptr<duckdb::DuckDB> database_;
};

}  // namespace

std::unique_ptr<Engine> make_engine(const EngineOptions& options, store::Store& store,
                                    const govern::Authority& authority) {
  return std::make_unique<DuckEngine>(options, store, authority);
}

}  // namespace tarn::query
