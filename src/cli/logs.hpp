// `tarn logs`: what stands in a log group, and with -f what comes to it.
#pragma once

#include <optional>
#include <string>

#include "cli/client.hpp"

namespace tarn::cli {

struct LogsOptions {
  std::string group;  // empty: the groups are listed
  std::string stream_prefix;
  std::string filter;               // CloudWatch Logs' filter pattern
  std::optional<int64_t> since_ms;  // before now; absent: from the first event on
  bool follow = false, json = false;
};

// With `follow` it returns only when the endpoint can't be reached any more.
int logs(Client& client, const LogsOptions& options);

}  // namespace tarn::cli
