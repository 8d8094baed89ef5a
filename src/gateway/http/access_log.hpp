// What the server tells of each request about a bucket, once it is answered: for S3's server access logs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "api/wire/message.hpp"
#include "base/clock.hpp"

namespace tarn::gateway {

// Valid during the call alone.
struct AccessRecord {
  std::string_view bucket;
  std::string_view operation;  // "GetObject"; empty: to the bucket's website
  std::string_view key;        // raw, as in the path
  const api::WireRequest& request;
  const api::Principal* caller = nullptr;  // nullptr: nobody
  std::string_view source_ip{}, request_id{}, error_code{}, version_id{};
  Time time{};
  int status = 0;
  uint64_t sent_body_bytes = 0;
  std::optional<uint64_t> object_size_bytes{};
  int64_t total_ms = 0, turn_around_ms = 0;
};

// Called by many threads; returns soon.
using AccessLog = std::function<void(const AccessRecord& record)>;

}  // namespace tarn::gateway
