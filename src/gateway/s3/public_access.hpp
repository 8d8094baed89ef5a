// Blocking of public access, by bucket and by account ("Blocking public access to your Amazon S3 storage").
#pragma once

#include <optional>

#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {

struct PublicAccess {
  bool block_public_acls = false, ignore_public_acls = false, block_public_policy = false,
       restrict_public_buckets = false;
};

// What holds for a bucket: its own block (all four where it was never set) or its account's.
PublicAccess public_access(const Parts& parts, const store::BucketInfo& bucket);

}  // namespace tarn::gateway::s3
