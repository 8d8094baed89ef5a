// The records of crawlers and of their runs: what is checked before one is kept, and how a run is written down.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/crawl/crawl.hpp"
#include "meta/metadata.hpp"

namespace tarn::catalog::crawl {

inline constexpr std::string_view crawler_kind = "glue.crawler";  // account, region, name
inline constexpr std::string_view run_kind =
    "glue.crawl";  // account, region, name, start in milliseconds (15 digits), id

std::string crawler_key(const Scope& scope, std::string_view name);
glue::Crawler need_crawler(meta::Reader& reader, const Scope& scope, std::string_view name);

// A crawler as the request makes it, with AWS's defaults. What tarn does not crawl is refused by name.
glue::Crawler new_crawler(const glue::CreateCrawlerRequest& request, Time now);
// Changes what the request gives.
void change_crawler(glue::Crawler& crawler, const glue::UpdateCrawlerRequest& request);
// The rules that hold between a crawler's members. InvalidInputException.
void check_crawler(const glue::Crawler& crawler);
// Sets (or with an empty text removes) the schedule. InvalidInputException when it is none; a warning goes to the
// program's log.
void set_schedule(glue::Crawler& crawler, const std::string& expression);

// Whether there is or was a run of that id.
bool has_run(meta::Reader& reader, const Scope& scope, std::string_view name, std::string_view crawl_id);
// A run begins: the record that ListCrawls shows. Returns its key.
std::string record_start(meta::Transaction& t, const Scope& scope, glue::Crawler& crawler, const std::string& crawl_id,
                         Time now);

struct RunEnd {
  std::string state;  // COMPLETED, FAILED, STOPPED
  std::string error;  // of a failed one
  CrawlCounts counts;
};
// The run ends: both records are brought up to date, and old runs are forgotten. Absent when the crawler is gone.
std::optional<glue::Crawler> record_end(meta::Transaction& t, const std::string& crawler_key,
                                        const std::string& run_key, const RunEnd& end, Time now);
// As CrawlOptions::record_end: the crawler, the run's id, its state.
using EndRecorder =
    std::function<void(meta::Transaction&, const Scope&, const std::string&, const std::string&, const std::string&)>;
// Records as FAILED every run that a killed tarn left behind, and tells `also` within the same transaction. Returns the
// keys of their crawlers.
std::vector<std::string> record_interrupted(meta::Metadata& metadata, Time now, const EndRecorder& also);

Page<glue::CrawlerHistory> list_runs(meta::Reader& reader, const Scope& scope, std::string_view name,
                                     const std::vector<glue::CrawlsFilter>& filters, const PageRequest& page);
glue::CrawlerMetrics metrics_of(meta::Reader& reader, const Scope& scope, const glue::Crawler& crawler, Time now);

}  // namespace tarn::catalog::crawl
