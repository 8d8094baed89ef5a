// Conditional requests (RFC 9110, section 13; "Conditional requests" in the S3 User Guide).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "store/store.hpp"

namespace tarn::gateway::s3 {

struct Conditions {
  std::optional<std::string> if_match, if_none_match;  // as sent, quotes included
  std::optional<Time> if_modified_since, if_unmodified_since;
};

// Whether a read that carries these finds its object changed. False: answer 304. A condition that fails otherwise
// throws Error (conflict, PreconditionFailed).
bool check_read(const Conditions& conditions, const store::ObjectInfo& object);
// The same for the source of a copy, where everything that fails is PreconditionFailed.
void check_copy_source(const Conditions& conditions, const store::ObjectInfo& object);

// The conditions of a write. S3 takes "*" alone for If-None-Match: anything else throws Error (unsupported,
// NotImplemented).
store::Preconditions write_conditions(const std::optional<std::string>& if_match,
                                      const std::optional<std::string>& if_none_match);

// What S3 answers to a condition that only directory buckets have; `header` is the header or member that carries it.
Error of_directory_buckets(const char* header);

// Without quotes and the mark of weak ones.
std::string bare_etag(std::string_view etag);
std::string quoted_etag(std::string_view etag);

}  // namespace tarn::gateway::s3
