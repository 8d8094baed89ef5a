// The policy that lets a browser upload a file: until when, and what each field of its form may be ("Creating an HTML
// Form (Using AWS Signature Version 4)", "Creating a POST Policy"). Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/value.hpp"

namespace tarn::gateway {

struct UploadSizes {
  uint64_t least_bytes = 0, most_bytes = UINT64_MAX;
};

// `policy` is the document (no longer in base64), `fields` the form's by their names in lower case. Returns what the
// policy says of the file's size. Throws Error: InvalidPolicyDocument (caller) for a text that is no policy,
// AccessDenied (denied) where it has expired, a condition fails, or a field stands in no condition.
UploadSizes check_post_policy(std::string_view policy, std::string_view bucket,
                              const std::map<std::string, std::string>& fields, Time now);

}  // namespace tarn::gateway
