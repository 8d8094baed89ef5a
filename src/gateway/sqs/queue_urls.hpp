// Queue URLs: how queues are named in requests, in all forms that AWS has had.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "notify/queues.hpp"

namespace tarn::gateway {

// Which queue a URL names: http://HOST/ACCOUNT/NAME, whatever the host, but for one that tells a region
// (sqs.REGION.amazonaws.com, REGION.queue.amazonaws.com, or .../queue/REGION/ACCOUNT/NAME); else the region is
// `region`. A bare path will do. Absent when it names none.
std::optional<notify::QueueAddress> parse_queue_url(std::string_view url, std::string_view region);

// The queue that a request's QueueUrl names. Error (caller, InvalidAddress) when it names none, (denied, AccessDenied)
// when it is another account's.
notify::QueueAddress queue_of(const api::Context& context, const std::string& queue_url);
// http://HOST:PORT/ACCOUNT/NAME, as the caller reached tarn.
std::string queue_url(const api::Context& context, const std::string& account, const std::string& name);

}  // namespace tarn::gateway
