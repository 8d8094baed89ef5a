#include "catalog/crawl/crawlers.hpp"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "catalog/classifiers.hpp"
#include "catalog/crawl/crawl.hpp"
#include "catalog/crawl/crawl_scheduler.hpp"
#include "catalog/crawl/crawler_records.hpp"
#include "catalog/records.hpp"
#include "meta/note_end.hpp"

namespace tarn::catalog {
namespace {

using crawl::crawler_key;
using crawl::crawler_kind;
using crawl::need_crawler;

[[noreturn]] void throw_conflict(const char* code, const std::string& message) {
  throw Error(ErrorKind::conflict, code, message);
}

[[noreturn]] void throw_running(std::string_view name) {
  throw_conflict("CrawlerRunningException", "Crawler with name " + std::string(name) + " has already started");
}

// In whose name the crawl acts: a session of its role.
api::Principal principal_of(const Scope& scope, const std::string& role) {
  bool is_arn = role.starts_with("arn:aws:iam::") && role.size() > 25;
  api::Principal p;
  p.account = is_arn ? role.substr(13, 12) : scope.account;
  p.arn = "arn:aws:sts::" + p.account + ":assumed-role/" + role.substr(role.rfind('/') + 1) + "/AWS-Crawler";
  p.user_id = "AWS-Crawler";
  return p;
}

}  // namespace

struct Crawlers::State {
  meta::Metadata& metadata;
  Clock& clock;
  Random& random;
  Catalog& catalog;
  store::Store& store;
  govern::Authority& authority;
  CrawlLog* log;
  CrawlOptions options;
  Classifiers classifiers;
  std::vector<Listener> listeners;

  struct Run {
    Scope scope;
    std::string name, crawl_id, run_key;
    std::stop_source stop;
    std::jthread thread;
    bool done = false;
  };
  std::mutex starting;                  // held while a run is recorded and begun, and by hold()
  std::mutex mutex;                     // guards what follows
  std::condition_variable_any changed;  // a run ended, or was asked to stop
  std::list<Run> runs;
  int working = 0;      // runs that have a place among max_running
  bool ending = false;  // somebody is in stop_all()
  std::optional<crawl::CrawlScheduler> scheduler;

  void start(const Scope& scope, std::string_view name, const std::string& crawl_id);
  void work(Run& run);
  crawl::RunEnd crawl(Run& run, const glue::Crawler& crawler);
  void write_log(const Run& run, std::string_view level, const std::string& line);
  void tell(const Scope& scope, const glue::Crawler& crawler, std::string_view state);
  void stop_all();
};

void Crawlers::State::write_log(const Run& run, std::string_view level, const std::string& line) {
  if (!log) return;
  std::string text = "[" + run.crawl_id + "] ";
  text.append(level).append(" : ").append(line);
  log->write(run.scope, run.name, clock.now(), text);
}

void Crawlers::State::tell(const Scope& scope, const glue::Crawler& crawler, std::string_view state) {
  for (const auto& listener : listeners) listener(scope, crawler, state);
}

void Crawlers::State::start(const Scope& scope, std::string_view name, const std::string& crawl_id) {
  std::lock_guard is_starting(starting);
  std::lock_guard lock(mutex);
  runs.remove_if([](const Run& r) { return r.done; });  // joins threads that are at their end
  std::string run_key;
  bool present = false;
  metadata.change_quietly([&](meta::Transaction& t) {
    glue::Crawler crawler = need_crawler(t, scope, name);
    present = crawl::has_run(t, scope, name, crawl_id);
    if (present) return;
    if (crawler.state != glue::crawler_state::ready) throw_running(name);
    run_key = crawl::record_start(t, scope, crawler, crawl_id, clock.now());
  });
  if (present) return;
  Run& run = runs.emplace_back();
  run.scope = scope;
  run.name = name;
  run.crawl_id = crawl_id;
  run.run_key = run_key;
  run.thread = std::jthread([this, &run] { work(run); });
}

void Crawlers::State::work(Run& run) {
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return working < options.max_running || run.stop.stop_requested(); });
    ++working;
  }
  std::optional<glue::Crawler> after;
  crawl::RunEnd end{"FAILED", "", {}};
  try {
    auto crawler = need_crawler(metadata, run.scope, run.name);
    tell(run.scope, crawler, "Started");
    end = crawl(run, crawler);
    write_log(run, "BENCHMARK", "Crawler has finished running and is in state READY");
    meta::note_end(
        "crawl " + run.crawl_id,
        [&] {
          metadata.change_quietly([&](meta::Transaction& t) {
            after = crawl::record_end(t, crawler_key(run.scope, run.name), run.run_key, end, clock.now());
            if (after && options.record_end) options.record_end(t, run.scope, run.name, run.crawl_id, end.state);
          });
        },
        [&] {
          std::lock_guard lock(mutex);
          return ending;
        });
  } catch (const Error& e) {  // the crawler was removed, or the metadata fails
    tarn::log(LogLevel::error, "a crawl could not be recorded",
              Value::map({{"crawler", run.name}, {"why", e.message()}}));
  }
  if (after)
    tell(run.scope, *after, end.state == "COMPLETED" ? "Succeeded" : end.state == "STOPPED" ? "Stopped" : "Failed");
  std::lock_guard lock(mutex);
  --working;
  run.done = true;
  changed.notify_all();
}

crawl::RunEnd Crawlers::State::crawl(Run& run, const glue::Crawler& crawler) {
  auto stopped = [&] { return run.stop.stop_requested(); };
  if (stopped()) return {"STOPPED", "", {}};
  api::Principal principal = principal_of(run.scope, crawler.role.value_or(""));
  Scope scope = run.scope;
  scope.actor_arn = principal.arn;
  crawl::CrawlJob job{catalog, store,  authority, scope, principal, crawler, {}, options.strict_compatibility,
                      {},      stopped};
  job.log = [&](std::string_view level, const std::string& line) { write_log(run, level, line); };
  job.log("BENCHMARK", "Running Start Crawl for Crawler " + run.name);
  try {
    for (const auto& name : crawler.classifiers.value_or(std::vector<std::string>{}))
      job.classifiers.push_back(classifiers.get(scope, name));
    crawl::CrawlCounts counts = crawl::run_crawl(job);
    job.log("BENCHMARK", "Finished writing to Catalog: " + std::to_string(counts.tables_created.size()) +
                             " tables created, " + std::to_string(counts.tables_updated.size()) + " updated, " +
                             std::to_string(counts.tables_deleted.size()) + " deleted; " +
                             std::to_string(counts.partitions_created) + " partitions created; " +
                             std::to_string(counts.files) + " files read, " + std::to_string(counts.unknown_files) +
                             " of no known format");
    return {"COMPLETED", "", std::move(counts)};
  } catch (const crawl::CrawlStopped&) {
    job.log("INFO", "The crawl was stopped");
    return {"STOPPED", "", {}};
  } catch (const Error& e) {
    job.log("ERROR", e.code() + ": " + e.message());
    return {"FAILED", e.message(), {}};
  } catch (const std::exception& e) {
    job.log("ERROR", e.what());
    return {"FAILED", std::string("Internal Service Exception: ") + e.what(), {}};
  }
}

void Crawlers::State::stop_all() {
  std::unique_lock lock(mutex);
  ending = true;
  for (Run& run : runs) run.stop.request_stop();
  changed.notify_all();
  changed.wait(lock, [&] { return std::all_of(runs.begin(), runs.end(), [](const Run& r) { return r.done; }); });
  ending = false;
}

Crawlers::Crawlers(meta::Metadata& metadata, Clock& clock, Random& random, Catalog& catalog, store::Store& store,
                   govern::Authority& authority, CrawlLog* log, CrawlOptions options)
    : state_(new State{metadata,
                       clock,
                       random,
                       catalog,
                       store,
                       authority,
                       log,
                       options,
                       Classifiers(metadata, clock),
                       {},
                       {},
                       {},
                       {},
                       {},
                       0,
                       false,
                       {}}) {
  for (const auto& key : crawl::record_interrupted(metadata, clock.now(), state_->options.record_end))
    tarn::log(LogLevel::warning, "a crawl was interrupted and is recorded as failed",
              Value::map({{"crawler", meta::key_parts(key).back()}}));
  state_->scheduler.emplace(metadata, clock, [this](const std::string& key) {
    auto parts = meta::key_parts(key);
    try {
      start({parts.at(0), parts.at(1), "tarn"}, parts.at(2));
    } catch (const Error& e) {  // still running, or removed
      tarn::log(LogLevel::info, "a scheduled crawl did not start",
                Value::map({{"crawler", parts.at(2)}, {"why", e.message()}}));
    }
  });
}

Crawlers::~Crawlers() {
  state_->scheduler.reset();
  state_->stop_all();
}

void Crawlers::create(const Scope& scope, const glue::CreateCrawlerRequest& request) {
  glue::Crawler crawler = crawl::new_crawler(request, state_->clock.now());
  for (const auto& name : *crawler.classifiers) state_->classifiers.get(scope, name);
  state_->metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    std::string key = crawler_key(scope, request.name);
    if (t.get(crawler_kind, key)) throw_exists(request.name + " already exists");
    t.put(crawler_kind, key, to_value(crawler));
    put_tags(t, resource_arn(scope, "crawler", request.name), request.tags.value_or(TagMap{}));
  });
  if (crawler.schedule) state_->scheduler->look_again();
}

void Crawlers::update(const Scope& scope, const glue::UpdateCrawlerRequest& request) {
  for (const auto& name : request.classifiers.value_or(std::vector<std::string>{}))
    state_->classifiers.get(scope, name);
  state_->metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Crawler crawler = need_crawler(t, scope, request.name);
    if (crawler.state != glue::crawler_state::ready) throw_running(request.name);
    crawl::change_crawler(crawler, request);
    crawler.last_updated = state_->clock.now();
    crawler.version = crawler.version.value_or(1) + 1;
    t.put(crawler_kind, crawler_key(scope, request.name), to_value(crawler));
  });
  state_->scheduler->look_again();
}

void Crawlers::erase(const Scope& scope, std::string_view name) {
  state_->metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Crawler crawler = need_crawler(t, scope, name);
    if (crawler.state != glue::crawler_state::ready) throw_running(name);
    t.erase(crawler_kind, crawler_key(scope, name));
    t.erase_all(crawl::run_kind, meta::prefix({scope.account, scope.region, name}));
    erase_tags(t, resource_arn(scope, "crawler", name));
  });
  state_->scheduler->look_again();
}

namespace {

// A running crawler tells how long it has been at work.
glue::Crawler with_elapsed_time(meta::Reader& reader, const Scope& scope, glue::Crawler crawler, Time now) {
  if (crawler.state == glue::crawler_state::ready) return crawler;
  auto runs = crawl::list_runs(reader, scope, *crawler.name, {}, {{}, 1});
  if (!runs.items.empty()) crawler.crawl_elapsed_time = (now - *runs.items[0].start_time).count();
  return crawler;
}

}  // namespace

std::optional<glue::Crawler> Crawlers::find(const Scope& scope, std::string_view name) const {
  auto value = state_->metadata.get(crawler_kind, crawler_key(scope, name));
  if (!value) return std::nullopt;
  return with_elapsed_time(state_->metadata, scope, api::from<glue::Crawler>(*value), state_->clock.now());
}

glue::Crawler Crawlers::get(const Scope& scope, std::string_view name) const {
  return with_elapsed_time(state_->metadata, scope, need_crawler(state_->metadata, scope, name), state_->clock.now());
}

Page<glue::Crawler> Crawlers::list(const Scope& scope, const TagMap& tags, const PageRequest& request) const {
  Page<glue::Crawler> page;
  Tags all_tags(state_->metadata);
  std::string last;
  for (const auto& record :
       state_->metadata.list(crawler_kind, meta::prefix({scope.account, scope.region}), key_of_token(request.token))) {
    auto crawler = api::from<glue::Crawler>(record.value);
    if (!tags.empty()) {
      TagMap own = all_tags.of(resource_arn(scope, "crawler", *crawler.name));
      if (!std::includes(own.begin(), own.end(), tags.begin(), tags.end())) continue;
    }
    if (page.items.size() == request.limit) {
      page.next = token_after(last);
      break;
    }
    page.items.push_back(with_elapsed_time(state_->metadata, scope, std::move(crawler), state_->clock.now()));
    last = record.key;
  }
  return page;
}

void Crawlers::start(const Scope& scope, std::string_view name) {
  state_->start(scope, name, state_->random.uuid());
}
void Crawlers::start(const Scope& scope, std::string_view name, const std::string& crawl_id) {
  state_->start(scope, name, crawl_id);
}

void Crawlers::stop(const Scope& scope, std::string_view name) {
  std::lock_guard lock(state_->mutex);
  state_->metadata.change_quietly([&](meta::Transaction& t) {
    glue::Crawler crawler = need_crawler(t, scope, name);
    if (crawler.state == glue::crawler_state::stopping)
      throw_conflict("CrawlerStoppingException", "Crawler with name " + std::string(name) + " is already stopping");
    if (crawler.state == glue::crawler_state::ready)
      throw_conflict("CrawlerNotRunningException", "Crawler with name " + std::string(name) + " isn't running");
    crawler.state = glue::crawler_state::stopping;
    t.put(crawler_kind, crawler_key(scope, name), to_value(crawler));
  });
  for (State::Run& run : state_->runs)
    if (!run.done && run.name == name && run.scope.account == scope.account && run.scope.region == scope.region)
      run.stop.request_stop();
  state_->changed.notify_all();
}

std::unique_lock<std::mutex> Crawlers::hold() {
  std::unique_lock held(state_->starting);
  state_->stop_all();
  return held;
}

Page<glue::CrawlerMetrics> Crawlers::metrics(const Scope& scope, const std::vector<std::string>& names,
                                             const PageRequest& request) const {
  Page<glue::CrawlerMetrics> page;
  Time now = state_->clock.now();
  if (!names.empty()) {
    for (const auto& name : names)
      if (auto crawler = find(scope, name))
        page.items.push_back(crawl::metrics_of(state_->metadata, scope, *crawler, now));
    return page;
  }
  auto crawlers = list(scope, {}, request);
  for (const auto& crawler : crawlers.items)
    page.items.push_back(crawl::metrics_of(state_->metadata, scope, crawler, now));
  page.next = crawlers.next;
  return page;
}

Page<glue::CrawlerHistory> Crawlers::crawls(const Scope& scope, std::string_view name,
                                            const std::vector<glue::CrawlsFilter>& filters,
                                            const PageRequest& page) const {
  need_crawler(state_->metadata, scope, name);
  return crawl::list_runs(state_->metadata, scope, name, filters, page);
}

namespace {

template <class F>
void change_schedule(meta::Metadata& metadata, const Scope& scope, std::string_view name, F change) {
  metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    glue::Crawler crawler = need_crawler(t, scope, name);
    change(crawler);
    t.put(crawler_kind, crawler_key(scope, name), to_value(crawler));
  });
}

}  // namespace

void Crawlers::update_schedule(const Scope& scope, std::string_view name,
                               const std::optional<std::string>& expression) {
  change_schedule(state_->metadata, scope, name, [&](glue::Crawler& c) {
    bool paused = c.schedule && c.schedule->state == glue::schedule_state::not_scheduled;
    crawl::set_schedule(c, expression.value_or(""));
    if (paused && c.schedule) c.schedule->state = glue::schedule_state::not_scheduled;
  });
  state_->scheduler->look_again();
}

void Crawlers::start_schedule(const Scope& scope, std::string_view name) {
  change_schedule(state_->metadata, scope, name, [&](glue::Crawler& c) {
    if (!c.schedule) throw_conflict("NoScheduleException", "Crawler " + *c.name + " has no schedule");
    if (c.schedule->state == glue::schedule_state::scheduled)
      throw_conflict("SchedulerRunningException", "The schedule of crawler " + *c.name + " is already running");
    c.schedule->state = glue::schedule_state::scheduled;
  });
  state_->scheduler->look_again();
}

void Crawlers::stop_schedule(const Scope& scope, std::string_view name) {
  change_schedule(state_->metadata, scope, name, [&](glue::Crawler& c) {
    if (!c.schedule || c.schedule->state != glue::schedule_state::scheduled)
      throw_conflict("SchedulerNotRunningException", "The schedule of crawler " + *c.name + " is not running");
    c.schedule->state = glue::schedule_state::not_scheduled;
  });
  state_->scheduler->look_again();
}

void Crawlers::wait(const Scope& scope, std::string_view name) const {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] {
    return std::none_of(state_->runs.begin(), state_->runs.end(), [&](const State::Run& r) {
      return !r.done && r.name == name && r.scope.account == scope.account && r.scope.region == scope.region;
    });
  });
}

void Crawlers::add_listener(Listener listener) {
  state_->listeners.push_back(std::move(listener));
}

}  // namespace tarn::catalog
