#include "notify/outgoing.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "notify/limits.hpp"

namespace tarn::notify {
namespace {

constexpr long timeout_s = 15;  // as long as SNS waits
constexpr std::string_view outbox_kind = "notify.outbox";

[[noreturn]] void failed(const std::string& why) {
  throw Error(ErrorKind::outside, "DeliveryFailed", why);
}

int is_stopped(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

struct Session {
  explicit Session(std::stop_token its_stop) : curl(curl_easy_init()), stop(std::move(its_stop)) {
    if (!curl) failed("no memory for a connection");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stopped);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stop);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");  // subscribers are reached directly
  }
  ~Session() {
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
  }
  Session(const Session&) = delete;
  void perform(const std::string& where) {
    if (CURLcode code = curl_easy_perform(curl); code != CURLE_OK) failed(where + ": " + curl_easy_strerror(code));
  }
  CURL* curl;
  std::stop_token stop;
  curl_slist* list = nullptr;
};

std::size_t discard(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

struct Unread {
  std::string_view left;
};
std::size_t give(char* into, std::size_t size, std::size_t count, void* unread) {
  auto& left = static_cast<Unread*>(unread)->left;
  const std::size_t n = std::min(left.size(), size * count);
  std::copy_n(left.begin(), n, into);
  left.remove_prefix(n);
  return n;
}

// A header's value can't begin a line of its own.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return text;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\r') continue;
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

}  // namespace

void post(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
          const std::string& body, std::stop_token stop) {
  Session s(std::move(stop));
  for (const auto& [name, value] : headers) s.list = curl_slist_append(s.list, (name + ": " + one_line(value)).c_str());
  s.list = curl_slist_append(s.list, "Expect:");
  curl_easy_setopt(s.curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(s.curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(s.curl, CURLOPT_HTTPHEADER, s.list);
  curl_easy_setopt(s.curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(s.curl, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(s.curl, CURLOPT_WRITEFUNCTION, discard);
  s.perform(url);
  long status = 0;
  curl_easy_getinfo(s.curl, CURLINFO_RESPONSE_CODE, &status);
  if (status < 300) return;
  const std::string why = url + " answered with status " + std::to_string(status);
  if (status >= 500 || status == 429) failed(why);
  throw Error(ErrorKind::caller, "DeliveryRefused", why);
}

void send_mail(const std::string& server, const Mail& mail, Time at, std::stop_token stop) {
  Session s(std::move(stop));
  const std::string text = "From: " + one_line(mail.from) + "\r\nTo: " + one_line(mail.to) +
                           "\r\nSubject: " + one_line(mail.subject) +
                           "\r\nDate: " + format_time(at, "%a, %d %b %Y %H:%M:%S +0000") +
                           "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
                           "Content-Transfer-Encoding: 8bit\r\n\r\n" +
                           with_crlf(mail.body) + "\r\n";
  Unread unread{text};
  s.list = curl_slist_append(s.list, ("<" + one_line(mail.to) + ">").c_str());
  curl_easy_setopt(s.curl, CURLOPT_URL, ("smtp://" + server).c_str());
  curl_easy_setopt(s.curl, CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
  curl_easy_setopt(s.curl, CURLOPT_MAIL_RCPT, s.list);
  curl_easy_setopt(s.curl, CURLOPT_READFUNCTION, give);
  curl_easy_setopt(s.curl, CURLOPT_READDATA, &unread);
  curl_easy_setopt(s.curl, CURLOPT_UPLOAD, 1L);
  s.perform("the mail server " + server);
}

void Outbox::add(const OutboxEntry& e) {
  metadata_.change_quietly([&](meta::Transaction& t) {
    const auto keys = t.keys(outbox_kind, "");
    const uint64_t last = keys.empty() ? 0 : std::stoull(keys.back());
    for (std::size_t i = 0; i + limits::max_outbox_entries <= keys.size(); ++i) t.erase(outbox_kind, keys[i]);
    const std::string digits = std::to_string(last + 1);
    t.put(outbox_kind, std::string(20 - digits.size(), '0') + digits,
          Value::map({{"At", e.at.time_since_epoch().count()},
                      {"Kind", e.kind},
                      {"To", e.to},
                      {"Subject", e.subject},
                      {"Body", e.body}}));
  });
}

std::vector<OutboxEntry> Outbox::list() const {
  std::vector<OutboxEntry> out;
  for (const meta::Record& r : metadata_.list(outbox_kind, ""))
    out.push_back({Time(std::chrono::milliseconds(r.value.int_or("At"))), r.value.string_or("Kind"),
                   r.value.string_or("To"), r.value.string_or("Subject"), r.value.string_or("Body")});
  return out;
}

}  // namespace tarn::notify
