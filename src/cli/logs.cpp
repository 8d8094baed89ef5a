#include "cli/logs.hpp"

#include <chrono>
#include <iostream>
#include <map>
#include <thread>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "cli/output.hpp"

namespace tarn::cli {
namespace {

// Events may reach a group a little later than others that carry a later time.
constexpr int64_t overlap_ms = 10'000;
constexpr int poll_ms = 500;

// The endpoint's time: under a manual clock it is not this machine's.
int64_t now_ms(Client& client) {
  try {
    if (auto now = parse_iso8601(client.local("GET", "/_tarn/clock").string_or("now")))
      return now->time_since_epoch().count();
  } catch (const Error& e) {
    if (e.code() == "Unreachable") throw;  // else it is AWS's own
  }
  return SystemClock().now().time_since_epoch().count();
}

int list_groups(Client& client, bool json) {
  Value input = Value::map(), all = Value::list();
  for (;;) {
    Value page = client.call("logs:DescribeLogGroups", input);
    for (const Value& group : page.at("logGroups").as_list()) all.push_back(group);
    if (page.string_or("nextToken").empty()) break;
    input.set("nextToken", page.string_or("nextToken"));
  }
  if (json) {
    print_json(all);
    return 0;
  }
  for (const Value& group : all.as_list()) std::cout << group.string_or("logGroupName") << '\n';
  return 0;
}

void print_event(const Value& event, bool json) {
  if (json) {
    std::cout << to_json(event) << '\n';
    return;
  }
  std::string message = event.string_or("message");
  while (!message.empty() && (message.back() == '\n' || message.back() == '\r')) message.pop_back();
  std::cout << format_iso8601(Time(std::chrono::milliseconds(event.int_or("timestamp")))) << "  "
            << event.string_or("logStreamName") << "  " << message << '\n';
}

}  // namespace

int logs(Client& client, const LogsOptions& options) {
  if (options.group.empty()) return list_groups(client, options.json);
  Value input = Value::map({{"logGroupName", options.group}});
  if (!options.stream_prefix.empty()) input.set("logStreamNamePrefix", options.stream_prefix);
  if (!options.filter.empty()) input.set("filterPattern", options.filter);
  int64_t from_ms = options.since_ms ? std::max<int64_t>(0, now_ms(client) - *options.since_ms) : 0;
  int64_t newest_ms = from_ms;
  std::map<std::string, int64_t> printed;  // events of the overlap, by id
  for (;;) {
    input.set("startTime", std::max(from_ms, newest_ms - overlap_ms));
    input.erase("nextToken");
    for (bool more = true; more;) {
      Value page;
      try {
        page = client.call("logs:FilterLogEvents", input);
      } catch (const Error& e) {
        if (!options.follow || e.code() != "ResourceNotFoundException") throw;  // it may come yet
        break;
      }
      for (const Value& event : page.at("events").as_list()) {
        int64_t at = event.int_or("timestamp");
        if (!printed.emplace(event.string_or("eventId"), at).second) continue;
        newest_ms = std::max(newest_ms, at);
        print_event(event, options.json);
      }
      more = !page.string_or("nextToken").empty();
      if (more) input.set("nextToken", page.string_or("nextToken"));
    }
    std::cout.flush();
    if (!options.follow) return 0;
    std::erase_if(printed, [&](const auto& event) { return event.second < newest_ms - overlap_ms; });
    std::this_thread::sleep_for(std::chrono::milliseconds(poll_ms));
  }
}

}  // namespace tarn::cli
