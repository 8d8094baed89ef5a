#include "gateway/s3/conditions.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tarn::gateway::s3 {
namespace {

// Whether `list` ("\"a\", \"b\"" or "*") names `etag`.
bool names(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    std::string bare = bare_etag(item);
    if (bare == "*" || bare == etag) return true;
  }
  return false;
}

// Dates of HTTP have no fractions.
bool modified_since(const store::ObjectInfo& object, Time since) {
  return std::chrono::floor<std::chrono::seconds>(object.last_modified) > since;
}

[[noreturn]] void failed(const char* condition) {
  throw Error(ErrorKind::conflict, "PreconditionFailed",
              "At least one of the pre-conditions you specified did not hold")
      .with("Condition", condition);
}

}  // namespace

bool check_read(const Conditions& c, const store::ObjectInfo& object) {
  if (c.if_match) {
    if (!names(*c.if_match, object.etag)) failed("If-Match");
  } else if (c.if_unmodified_since && modified_since(object, *c.if_unmodified_since)) {
    failed("If-Unmodified-Since");
  }
  if (c.if_none_match) return !names(*c.if_none_match, object.etag);
  return !c.if_modified_since || modified_since(object, *c.if_modified_since);
}

void check_copy_source(const Conditions& c, const store::ObjectInfo& object) {
  if (!check_read(c, object))
    failed(c.if_none_match ? "x-amz-copy-source-If-None-Match" : "x-amz-copy-source-If-Modified-Since");
}

Error of_directory_buckets(const char* header) {
  return Error(ErrorKind::unsupported, "NotImplemented",
               "A header you provided implies functionality that is not implemented")
      .with("Header", header);
}

store::Preconditions write_conditions(const std::optional<std::string>& if_match,
                                      const std::optional<std::string>& if_none_match) {
  store::Preconditions out;
  if (if_match) out.if_match = bare_etag(*if_match);
  if (if_none_match) {
    if (bare_etag(*if_none_match) != "*") throw of_directory_buckets("If-None-Match");
    out.if_none_match = "*";
  }
  return out;
}

std::string bare_etag(std::string_view etag) {
  while (!etag.empty() && etag.front() == ' ') etag.remove_prefix(1);
  while (!etag.empty() && etag.back() == ' ') etag.remove_suffix(1);
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::string quoted_etag(std::string_view etag) {
  return "\"" + std::string(etag) + "\"";
}

}  // namespace tarn::gateway::s3
