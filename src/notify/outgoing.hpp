// What leaves tarn for other systems: HTTP requests to subscribers, e-mail by SMTP, text messages through a webhook;
// and the outbox, where e-mail and text messages stay as long as no setting says where they go.
//
// Thread-safe. A system that can't be reached, or answers that it failed, throws Error (outside, DeliveryFailed); one
// that refuses for good Error (caller, DeliveryRefused).
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "meta/metadata.hpp"

namespace tarn::notify {

// Posts `body`; any status below 300 is well. A request to stop is a failure.
void post(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
          const std::string& body, std::stop_token stop);

struct Mail {
  std::string from, to, subject, body;
};
// To a server "host:port", without encryption or password.
void send_mail(const std::string& server, const Mail& mail, Time at, std::stop_token stop);

struct OutboxEntry {
  Time at;
  std::string kind;  // email, sms
  std::string to, subject, body;
};

class Outbox {
 public:
  explicit Outbox(meta::Metadata& metadata) : metadata_(metadata) {}
  void add(const OutboxEntry& entry);
  // Oldest first.
  std::vector<OutboxEntry> list() const;

 private:
  meta::Metadata& metadata_;
};

}  // namespace tarn::notify
