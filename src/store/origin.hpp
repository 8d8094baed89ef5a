// In whose name, and why, objects are changed: what the events that tell of a change carry. It travels beside the
// store's operations, not in their arguments, since none of them does anything else for it.
#pragma once

#include <string>

namespace tarn::store {

struct Origin {
  enum class Cause {
    request,
    form,  // a browser's upload
    lifecycle,
    replication,
  };
  Cause cause = Cause::request;
  std::string principal_id;  // "AWS:AROA…:session", as events name it
  std::string source_ip, request_id;
};

// What this thread changes comes from `origin`, as long as this lives. They nest.
class OriginScope {
 public:
  explicit OriginScope(Origin origin);
  ~OriginScope();
  OriginScope(const OriginScope&) = delete;
  OriginScope& operator=(const OriginScope&) = delete;

 private:
  Origin origin_;
  const Origin* outer_;
};

// That of this thread; a request of nobody where no scope is open.
const Origin& current_origin();

}  // namespace tarn::store
