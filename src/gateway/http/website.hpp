// Websites out of buckets ("Hosting a static website using Amazon S3"): requests of browsers, which nobody signed, to
// hosts such as BUCKET.s3-website-us-east-1.amazonaws.com and BUCKET.s3-website.localhost.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/operations.hpp"
#include "api/wire/message.hpp"
#include "base/clock.hpp"

namespace tarn::gateway {

struct WebsiteRequest {
  std::string_view bucket;
  const api::WireRequest& request;
  std::string source_ip, request_id;
  Time now;
};

struct WebsiteAnswer {
  api::WireResponse response;               // Location, Content-Type and so on; a page of tarn's own as its body
  std::unique_ptr<api::BodyStream> stream;  // or an object
};

// Answers, errors too. Thread-safe.
using Website = std::function<WebsiteAnswer(const WebsiteRequest& request)>;

// The bucket whose website the host is; absent: it is none's. `host` without its port.
std::optional<std::string_view> website_bucket(std::string_view host);

}  // namespace tarn::gateway
