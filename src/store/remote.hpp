// Large bodies in another's S3 instead of on local disk: which, and as whom.
#pragma once

#include <memory>
#include <string>

#include "api/wire/signing.hpp"
#include "store/store.hpp"

namespace tarn::store {

// What is left empty is as it was when the store was made, but for the credentials, which are kept nowhere.
struct RemoteBodies {
  std::string url;       // "s3://bucket/prefix"; empty for a store that keeps its bodies on its own disk
  std::string endpoint;  // "http://127.0.0.1:9000"; empty: AWS's of the region
  std::string region;    // empty: us-east-1
  api::Credentials credentials;
};

// open_local() (store.hpp) of a store whose bodies of more than limits::max_inline_object_size_bytes lie in another's
// S3, or of any other where remote.url is empty and the folder is none of such a store. The index stays in the folder,
// and with it all that S3 promises of versions, conditions and locks. Where the bodies lie is settled when the store is
// made. What needs that S3 while it can't be reached throws Error (outside, ServiceUnavailable).
std::unique_ptr<Store> open_store(const std::string& path, Clock& clock, Random& random, Durability durability,
                                  KeyKeeper* keeper, AtRest at_rest, const RemoteBodies& remote);

// Tries what reader.read() will give first where the body is on another system, so that its failure shows before
// anything was said of the object: Error (outside, ServiceUnavailable).
void fetch_first(const ObjectReader& reader);

}  // namespace tarn::store
