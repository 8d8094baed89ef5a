// Bucket policies as documents: what S3 takes, and which it calls public ("Bucket policies for Amazon S3", "The meaning
// of 'public'"). Pure functions.
#pragma once

#include <string_view>

namespace tarn::gateway::s3 {

// Throws Error (caller, MalformedPolicy) that says what is wrong: no JSON, elements that are missing or unknown,
// actions of other services, resources of other buckets, principals of no known form, more than 20 KB.
void check_bucket_policy(std::string_view document, std::string_view bucket);

// Whether a statement lets anybody in, with no condition that fixes who. The document was checked before.
bool is_public_policy(std::string_view document);

}  // namespace tarn::gateway::s3
