// Crawlers: who they are, when they run, and what became of their runs ("AWS Glue Web API Reference", Crawlers and
// Crawler scheduler). What a crawl itself does stands in crawl.hpp.
//
// A crawler runs on a thread of its own; at most `max_running` at once, the others wait in state RUNNING. A schedule
// fires by the Clock that was handed in; a crawler that is still running then is left alone, and instants passed while
// nobody looked fire once. What was running when tarn was killed is recorded as FAILED at the next start.
//
// Thread-safe. Errors as in catalog.hpp, and CrawlerRunningException, CrawlerNotRunningException,
// CrawlerStoppingException, NoScheduleException, SchedulerRunningException, SchedulerNotRunningException; unsupported
// targets by name (unsupported, NotImplemented).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "catalog/catalog.hpp"
#include "catalog/crawl/crawl_log.hpp"
#include "catalog/tags.hpp"
#include "govern/authority.hpp"
#include "store/store.hpp"

namespace tarn::catalog {

struct CrawlOptions {
  // AWS's answers where they are worse for people: leading zeros become numbers, an all-text CSV file has no header, a
  // JSON array is one column, CSV with quotes gets LazySimpleSerDe.
  bool strict_compatibility = false;
  int max_running = 4;
  // Called within the transaction that records the end of a run (COMPLETED, FAILED, STOPPED), so that what must follow
  // from it is recorded with it or not at all; for runs that a killed tarn left behind too, by the constructor. It must
  // not call the Metadata itself. May be empty.
  std::function<void(meta::Transaction&, const Scope&, const std::string& crawler, const std::string& crawl_id,
                     const std::string& state)>
      record_end = {};
};

class Crawlers {
 public:
  // All that is handed in must outlive this. `log` may be null.
  Crawlers(meta::Metadata& metadata, Clock& clock, Random& random, Catalog& catalog, store::Store& store,
           govern::Authority& authority, CrawlLog* log, CrawlOptions options = {});
  // Stops running crawls (they are recorded as stopped) and waits for them.
  ~Crawlers();
  Crawlers(const Crawlers&) = delete;

  void create(const Scope& scope, const glue::CreateCrawlerRequest& request);
  // What the request leaves out stays as it is.
  void update(const Scope& scope, const glue::UpdateCrawlerRequest& request);
  void erase(const Scope& scope, std::string_view name);
  std::optional<glue::Crawler> find(const Scope& scope, std::string_view name) const;
  glue::Crawler get(const Scope& scope, std::string_view name) const;
  // Those that carry all of `tags`.
  Page<glue::Crawler> list(const Scope& scope, const TagMap& tags, const PageRequest& page) const;

  void start(const Scope& scope, std::string_view name);
  // The same under an id that the caller chose; a run that is or was there under it is not started twice.
  void start(const Scope& scope, std::string_view name, const std::string& crawl_id);
  // Asks a running crawl to stop; it does so at the next file.
  void stop(const Scope& scope, std::string_view name);
  // Stops all runs and waits for their ends; until the lock goes, whoever starts one waits. For a reset of the whole
  // program: the records go with the metadata store's own reset().
  [[nodiscard]] std::unique_lock<std::mutex> hold();
  // Of the crawlers named, or of all.
  Page<glue::CrawlerMetrics> metrics(const Scope& scope, const std::vector<std::string>& names,
                                     const PageRequest& page) const;
  // The runs of a crawler, newest first.
  Page<glue::CrawlerHistory> crawls(const Scope& scope, std::string_view name,
                                    const std::vector<glue::CrawlsFilter>& filters, const PageRequest& page) const;

  void update_schedule(const Scope& scope, std::string_view name, const std::optional<std::string>& expression);
  void start_schedule(const Scope& scope, std::string_view name);
  void stop_schedule(const Scope& scope, std::string_view name);

  // Blocks until the crawler is READY.
  void wait(const Scope& scope, std::string_view name) const;

  // Called on the crawl's thread when a run has begun ("Started") or ended ("Succeeded", "Failed", "Stopped"): AWS's
  // event "Glue Crawler State Change". Add before the first start.
  using Listener = std::function<void(const Scope&, const glue::Crawler&, std::string_view state)>;
  void add_listener(Listener listener);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tarn::catalog
