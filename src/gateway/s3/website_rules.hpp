// What a website configuration makes of a request ("Configuring a webpage redirect", "Configuring an index document").
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/s3.hpp"

namespace tarn::gateway::s3 {

struct WebsiteRedirect {
  int status = 301;
  std::string location;  // the whole URL, percent-encoded
};

// Where a request goes that RedirectAllRequestsTo catches; absent: the configuration has none. `path` and `query` are
// raw.
std::optional<WebsiteRedirect> redirect_of_all(const api::s3::WebsiteConfiguration& website, std::string_view path,
                                               std::string_view query);
// Where the first routing rule sends a request for `key` to `host` (port included): before the object is looked for
// (`error_status` 0) one without, afterwards one with that HttpErrorCodeReturnedEquals. Absent: no rule does.
std::optional<WebsiteRedirect> routed(const api::s3::WebsiteConfiguration& website, std::string_view key,
                                      std::string_view host, int error_status);
// "http://host/key".
std::string website_url(std::string_view protocol, std::string_view host, std::string_view key);

}  // namespace tarn::gateway::s3
