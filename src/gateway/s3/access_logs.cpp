#include "gateway/s3/access_logs.hpp"

#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "gateway/s3/access_log_lines.hpp"
#include "gateway/s3/bucket_acl.hpp"
#include "gateway/s3/bucket_settings.hpp"
#include "govern/policy_decision.hpp"

namespace tarn::gateway::s3 {
namespace {

constexpr auto interval = std::chrono::minutes(1);
constexpr std::size_t max_kept_size_bytes = 64 << 20;  // of all buckets together
constexpr std::size_t many_size_bytes = 8 << 20;       // delivered before the minute is over
constexpr auto tick = std::chrono::milliseconds(200);  // how often tarn's clock is looked at while there are lines
constexpr const char* log_delivery_group = "http://acs.amazonaws.com/groups/s3/LogDelivery";

// Whether S3's log delivery may write into the target: by its policy, or by its ACL.
bool may_deliver(const store::BucketInfo& target, const store::BucketInfo& source, const std::string& key) {
  const Value* policy = find_setting(target, setting::policy);
  if (policy && policy->is_string() &&
      govern::policy_allows(policy->as_string(), {"logging.s3.amazonaws.com",
                                                  "s3:PutObject",
                                                  "arn:aws:s3:::" + target.name + "/" + key,
                                                  {{"aws:sourcearn", "arn:aws:s3:::" + source.name},
                                                   {"aws:sourceaccount", source.account},
                                                   {"aws:securetransport", "true"}}}))
    return true;
  const Value* acl = find_setting(target, setting::acl);
  if (!acl || !allows_acls(target)) return false;
  for (const model::Grant& grant : api::from<Grants>(*acl))
    if (grant.grantee && grant.grantee->uri == log_delivery_group && grant.permission == "WRITE") return true;
  return false;
}

}  // namespace

AccessLogs::AccessLogs(store::Store& store, store::Grant grant, Clock& clock, Random& random)
    : store_(store), grant_(std::move(grant)), clock_(clock), random_(random) {}

AccessLogs::~AccessLogs() {
  stop();
}

void AccessLogs::note(const AccessRecord& record) {
  const auto bucket = store_.find_bucket(record.bucket);
  if (!bucket || !find_setting(*bucket, setting::logging)) return;
  std::string line = access_log_line(record, *bucket);
  std::unique_lock lock(mutex_);
  if (kept_size_bytes_ + line.size() > max_kept_size_bytes) {
    dropped_++;
    return;
  }
  kept_size_bytes_ += line.size();
  Lines& lines = lines_[{bucket->name, format_time(record.time, "%Y-%m-%d")}];
  if (lines.text.empty()) {
    lines.bucket = bucket->name;
    lines.first = record.time;
  }
  lines.text += line;
  const bool first = kept_size_bytes_ == line.size(), many = kept_size_bytes_ >= many_size_bytes;
  if (first) due_ = clock_.now() + interval;
  lock.unlock();
  if (first || many) wake_.notify_one();
}

void AccessLogs::start() {
  worker_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void AccessLogs::stop() {
  worker_.request_stop();
  if (worker_.joinable()) worker_.join();
  deliver_all();
}

void AccessLogs::reset() {
  std::lock_guard lock(mutex_);
  lines_.clear();
  kept_size_bytes_ = 0;
}

void AccessLogs::run(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait(lock, stop, [&] { return kept_size_bytes_ > 0; });
    wake_.wait_for(lock, stop, tick, [&] { return kept_size_bytes_ >= many_size_bytes; });
    if (clock_.now() < due_ && kept_size_bytes_ < many_size_bytes) continue;
    lock.unlock();
    deliver_all();
    lock.lock();
  }
}

void AccessLogs::deliver_all() {
  std::vector<Lines> all;
  uint64_t dropped = 0;
  {
    std::lock_guard lock(mutex_);
    for (auto& [place, lines] : lines_)
      if (!lines.text.empty()) all.push_back(std::move(lines));
    lines_.clear();
    kept_size_bytes_ = 0;
    dropped = std::exchange(dropped_, 0);
  }
  for (const Lines& lines : all) deliver(lines);
  if (dropped)
    log(LogLevel::warning, "lines of access logs were dropped", Value::map({{"lines", static_cast<int64_t>(dropped)}}));
}

void AccessLogs::deliver(const Lines& lines) {
  try {
    const auto source = store_.find_bucket(lines.bucket);
    const Value* setting = source ? find_setting(*source, setting::logging) : nullptr;
    if (!setting) return;
    const auto logging = api::from<model::LoggingEnabled>(*setting);
    const auto& format = logging.target_object_key_format;
    const bool by_event =
        format && format->partitioned_prefix && format->partitioned_prefix->partition_date_source == "EventTime";
    std::string unique = random_.hex(16);
    for (char& c : unique)
      if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    const std::string key = access_log_key(logging, *source, by_event ? lines.first : clock_.now(), unique);
    const auto target = store_.find_bucket(logging.target_bucket);
    if (!target || !may_deliver(*target, *source, key))
      throw Error(ErrorKind::denied, "AccessDenied", "the target bucket does not let logging.s3.amazonaws.com in");
    store::ObjectHeaders headers;
    headers.content_type = "text/plain";
    auto writer = store_.write(grant_, target->name, key, std::move(headers));
    writer->append(lines.text);
    writer->finish({});
  } catch (const Error& e) {
    log(LogLevel::warning, "an access log was not delivered",
        Value::map({{"bucket", lines.bucket}, {"why", e.message()}}));
  }
}

}  // namespace tarn::gateway::s3
