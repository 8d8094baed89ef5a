#include "catalog/crawl/crawl_scheduler.hpp"

#include "base/cron.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "catalog/crawl/crawler_records.hpp"

namespace tarn::catalog::crawl {

CrawlScheduler::CrawlScheduler(meta::Metadata& metadata, Clock& clock, std::function<void(const std::string&)> fire)
    : metadata_(metadata),
      clock_(clock),
      fire_(std::move(fire)),
      thread_([this](std::stop_token stop) { run(stop); }) {}

CrawlScheduler::~CrawlScheduler() {
  thread_.request_stop();
  look_again();
}

void CrawlScheduler::look_again() {
  std::lock_guard lock(mutex_);
  again_ = true;
  waiting_.request_stop();
}

void CrawlScheduler::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::stop_token wait;
    {
      std::lock_guard lock(mutex_);
      again_ = false;
      waiting_ = {};
      wait = waiting_.get_token();
    }
    try {
      auto next = look();
      clock_.wait_until(next.value_or(clock_.now() + std::chrono::hours(24)), wait);
    } catch (const Error& e) {
      log(LogLevel::error, "the schedules of crawlers can't be read", Value::map({{"why", e.message()}}));
      clock_.wait_until(clock_.now() + std::chrono::minutes(1), wait);
    }
  }
}

std::optional<Time> CrawlScheduler::look() {
  Time now = clock_.now();
  std::map<std::string, Due> present;
  std::optional<Time> soonest;
  for (const auto& record : metadata_.list(crawler_kind, "")) {
    const Value* schedule = record.value.find("Schedule");
    if (!schedule || schedule->string_or("State") != "SCHEDULED") continue;
    Due due{schedule->string_or("ScheduleExpression"), {}};
    std::string why_not;
    ScheduleForms forms;
    forms.five_fields = true;
    auto parsed = Schedule::parse(due.expression, forms, why_not);
    if (!parsed) continue;
    auto before = due_.find(record.key);
    bool same = before != due_.end() && before->second.expression == due.expression;
    due.next = same ? before->second.next : parsed->next_after(now);
    if (due.next && *due.next <= now) {
      fire_(record.key);
      due.next = parsed->next_after(now);
    }
    if (due.next && (!soonest || *due.next < *soonest)) soonest = due.next;
    present.emplace(record.key, std::move(due));
  }
  due_ = std::move(present);
  return soonest;
}

}  // namespace tarn::catalog::crawl
