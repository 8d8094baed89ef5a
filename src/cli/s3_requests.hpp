// The requests to S3 that several commands send, and the names of places in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/client.hpp"

namespace tarn::cli {

struct Place {
  std::string bucket, key;
  std::string path() const;  // "/bucket/key", percent-encoded
  std::string url() const;   // "s3://bucket/key"
};

bool is_s3(const std::string& text);
// Of "s3://bucket/key". Another form throws Error (caller, InvalidPlace).
Place parse_place(const std::string& text);

struct Listed {
  std::string key, modified;  // ISO 8601
  uint64_t size_bytes = 0;
  bool is_prefix = false;
  std::string etag;  // without quotes
};

// All keys under the prefix, or with `one_level` those up to the next slash and the prefixes below.
std::vector<Listed> list_objects(Client& client, const Place& place, bool one_level);

struct StoredPart {
  int number = 0;
  uint64_t size_bytes = 0;
  std::string etag;  // without quotes
};

// The id of the new upload.
std::string start_upload(Client& client, const Place& to, const api::Headers& headers);
// The newest upload of just this key that was neither completed nor aborted; absent when there is none.
std::optional<std::string> find_upload(Client& client, const Place& to);
std::vector<StoredPart> list_parts(Client& client, const Place& to, const std::string& upload_id);
// The part's ETag. Reads `size_bytes` of the file from where it stands.
std::string put_part(Client& client, const Place& to, const std::string& upload_id, int number, std::FILE* file,
                     uint64_t size_bytes);
// A part made of a range of another object; its ETag.
std::string copy_part(Client& client, const Place& from, uint64_t offset_bytes, uint64_t size_bytes, const Place& to,
                      const std::string& upload_id, int number);
void complete_upload(Client& client, const Place& to, const std::string& upload_id,
                     const std::vector<StoredPart>& parts);
void abort_upload(Client& client, const Place& to, const std::string& upload_id);

}  // namespace tarn::cli
