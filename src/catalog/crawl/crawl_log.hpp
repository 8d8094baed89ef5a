// Where a crawl tells what it does and why: lines that AWS keeps in CloudWatch Logs, group /aws-glue/crawlers, one
// stream a crawler.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "catalog/catalog.hpp"

namespace tarn::catalog {

inline constexpr std::string_view crawl_log_group = "/aws-glue/crawlers";

// Thread-safe.
class CrawlLog {
 public:
  virtual ~CrawlLog() = default;
  // `line` is whole: "[crawl id] INFO : …". Must not throw.
  virtual void write(const Scope& scope, std::string_view stream, Time at, std::string_view line) = 0;
};

}  // namespace tarn::catalog
