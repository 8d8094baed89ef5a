#include "store/lifecycle.hpp"

#include <optional>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "store/origin.hpp"

namespace tarn::store {
namespace {

constexpr std::size_t page = limits::max_list_keys;

// The versions of a bucket as they pass by, key by key, the latest first: what a rule must know of each stands in those
// before and behind it.
class VersionWalk {
 public:
  VersionWalk(Store& store, const Grant& grant, const std::string& bucket, const LifecycleRules& rules, Time now,
              Lifecycle::Pass& pass)
      : store_(store), grant_(grant), bucket_(bucket), rules_(rules), now_(now), pass_(pass) {}

  void take(const ObjectInfo& version) {
    pass_.versions++;
    if (version.key != key_) {
      end_key();
      key_ = version.key;
      newer_ = 0;
      successor_.reset();
    } else {
      lone_marker_.reset();
    }
    if (version.delete_marker && version.latest)
      lone_marker_ = version;  // decided once it is known whether another version follows
    else
      decide(version, false);
    if (!version.latest) newer_++;
    successor_ = version.last_modified;
  }

  void end_key() {
    if (lone_marker_) decide(*lone_marker_, true);
    lone_marker_.reset();
  }

  // What was decided and not yet done.
  void flush() {
    if (erasures_.empty()) return;
    store_.erase_all(grant_, bucket_, erasures_);
    for (const Erasure& erasure : erasures_) {
      if (!erasure.error)
        pass_.expired++;
      else if (erasure.error->kind() == ErrorKind::bug)
        throw Error(*erasure.error);
    }
    erasures_.clear();
  }

 private:
  void decide(const ObjectInfo& version, bool alone) {
    LifecycleSubject subject;
    subject.key = version.key;
    subject.size_bytes = version.size_bytes;
    subject.storage_class = version.headers.storage_class;
    subject.last_modified = version.last_modified;
    subject.delete_marker = version.delete_marker;
    subject.alone = alone;
    if (!version.latest) subject.noncurrent_since = successor_.value_or(version.last_modified);
    subject.newer_noncurrent_versions = newer_;
    std::optional<ObjectInfo> whole;
    if (rules_.looks_at_tags() && !version.delete_marker) {
      whole = store_.head(grant_, bucket_, version.key, version.version_id);
      if (!whole) return;
      subject.tags = &whole->headers.tags;
    }
    const LifecycleDecision decision = rules_.decide(subject, now_);
    if (decision.action == LifecycleDecision::Action::expire) expire(version);
    if (decision.action == LifecycleDecision::Action::transition) transition(version, decision.storage_class);
  }

  void expire(const ObjectInfo& version) {
    Erasure erasure;
    erasure.key = version.key;
    if (version.latest && !version.delete_marker) {
      // Only this one: what was written over it meanwhile has its own time.
      erasure.options.preconditions.if_match = version.etag;
      erasure.options.preconditions.if_unmodified_since = version.last_modified;
    } else {
      erasure.options.version_id = version.version_id;
    }
    erasures_.push_back(std::move(erasure));
    if (erasures_.size() == page) flush();
  }

  void transition(const ObjectInfo& version, const std::string& storage_class) {
    try {
      store_.change_object(grant_, bucket_, version.key, version.version_id, [&](ObjectInfo& info) {
        if (info.etag == version.etag && info.last_modified == version.last_modified)
          info.headers.storage_class = storage_class;
      });
      pass_.transitions++;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::bug) throw;  // else it was removed meanwhile
    }
  }

  Store& store_;
  const Grant& grant_;
  const std::string& bucket_;
  const LifecycleRules& rules_;
  Time now_;
  Lifecycle::Pass& pass_;
  std::string key_;
  int newer_ = 0;                  // noncurrent versions of this key that passed by
  std::optional<Time> successor_;  // when the version before this one was written
  std::optional<ObjectInfo> lone_marker_;
  std::vector<Erasure> erasures_;
};

}  // namespace

Lifecycle::Lifecycle(Store& store, Grant grant, Clock& clock)
    : store_(store), grant_(std::move(grant)), clock_(clock) {}

Lifecycle::~Lifecycle() {
  worker_.request_stop();
}

void Lifecycle::start() {
  worker_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Lifecycle::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    try {
      const Pass pass = run_once(stop);
      if (pass.expired || pass.transitions || pass.aborted_uploads)
        log(LogLevel::info, "lifecycle rules were carried out",
            Value::map({{"versions", pass.versions},
                        {"expired", pass.expired},
                        {"transitions", pass.transitions},
                        {"aborted_uploads", pass.aborted_uploads}}));
    } catch (const Error& e) {
      log(LogLevel::error, "lifecycle rules could not be carried out", Value::map({{"why", e.message()}}));
    }
    clock_.wait_until(std::chrono::floor<std::chrono::days>(clock_.now()) + std::chrono::days(1), stop);
  }
}

Lifecycle::Pass Lifecycle::run_once(std::stop_token stop) {
  std::lock_guard lock(running_);
  OriginScope origin({Origin::Cause::lifecycle, "s3.amazonaws.com", "", ""});
  Pass pass;
  for (const BucketInfo& bucket : store_.list_buckets("")) {
    if (stop.stop_requested()) break;
    try {
      visit(bucket, stop, pass);
    } catch (const Error& e) {
      if (e.code() != "NoSuchBucket") throw;  // removed meanwhile
    }
  }
  return pass;
}

void Lifecycle::visit(const BucketInfo& bucket, std::stop_token stop, Pass& pass) {
  const auto setting = bucket.settings.find("lifecycle");
  if (setting == bucket.settings.end() || setting->second.is_null()) return;
  const LifecycleRules rules(setting->second);
  VersionWalk walk(store_, grant_, bucket.name, rules, clock_.now(), pass);
  std::string after_key, after_version;
  while (!stop.stop_requested()) {
    const VersionListing listing = store_.list_versions(grant_, bucket.name, "", "", after_key, after_version, page);
    for (const ObjectInfo& version : listing.versions) walk.take(version);
    if (!listing.truncated) {
      walk.end_key();
      break;
    }
    after_key = listing.next_key;
    after_version = listing.next_version_id;
  }
  walk.flush();
  visit_uploads(bucket.name, rules, stop, pass);
}

void Lifecycle::visit_uploads(const std::string& bucket, const LifecycleRules& rules, std::stop_token stop,
                              Pass& pass) {
  std::string after_key, after_id;
  while (!stop.stop_requested()) {
    const auto uploads = store_.list_uploads(grant_, bucket, "", after_key, after_id, page);
    for (const UploadInfo& upload : uploads) {
      const auto due = rules.abort_of_upload(upload.key, upload.initiated);
      if (due && due->at <= clock_.now()) {
        try {
          store_.abort_upload(grant_, bucket, upload.key, upload.upload_id);
          pass.aborted_uploads++;
        } catch (const Error& error) {
          if (error.kind() == ErrorKind::bug) throw;  // else it was completed meanwhile
        }
      }
    }
    if (uploads.size() < page) return;
    after_key = uploads.back().key;
    after_id = uploads.back().upload_id;
  }
}

}  // namespace tarn::store
