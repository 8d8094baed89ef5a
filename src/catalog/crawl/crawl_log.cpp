#include "catalog/crawl/crawl_log.hpp"

#include "base/log.hpp"

namespace tarn::catalog {
namespace {

class StoredCrawlLog : public CrawlLog {
 public:
  explicit StoredCrawlLog(meta::LogStore& logs) : logs_(logs) {}

  void write(const Scope& scope, std::string_view stream, Time, std::string_view line) override {
    try {
      logs_.writer({scope.account, scope.region, scope.actor_arn}, crawl_log_group, stream).write(line);
    } catch (const std::exception& e) {  // a crawl does not fail for its log
      log(LogLevel::error, "a crawl's log line is lost", Value::map({{"why", e.what()}, {"line", std::string(line)}}));
    }
  }

 private:
  meta::LogStore& logs_;
};

}  // namespace

std::unique_ptr<CrawlLog> open_crawl_log(meta::LogStore& logs) {
  return std::make_unique<StoredCrawlLog>(logs);
}

}  // namespace tarn::catalog
