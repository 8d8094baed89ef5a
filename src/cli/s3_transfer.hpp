// Moves one object: up, down, within one S3, or from one S3 to another. What is large goes in parts; what was cut off
// goes on where it stood.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "cli/s3_requests.hpp"

namespace tarn::cli {

// Above this, an upload goes in parts of this size (larger ones where 10,000 of them would not do).
inline constexpr uint64_t upload_part_size_bytes = 64ull << 20;

// An upload in parts that was cut off is gone on with: parts that are there and whose MD5 is that of the file's own
// piece are not sent again. A failed one stays open for the next try.
void upload_file(Client& client, const std::string& from, const Place& to);

// `from` as a listing told it. The file appears only when it is whole; until then what has come stands in
// "NAME.ETAG.part", and the next try goes on from there. It gets the object's time.
void download_object(Client& client, const Place& bucket, const Listed& from, const std::string& to);
bool is_unfinished_download(const std::string& file_name);

// Within one S3: no bytes come here.
void copy_object(Client& client, const Place& from, uint64_t size_bytes, const Place& to);

// From one S3 to another, with its headers, through a file that is removed.
void relay_object(Client& source, const Place& from, Client& target, const Place& to);

// Whether the file's bytes are those of the object, by its ETag: MD5, or MD5 of the parts' MD5s. An ETag that was made
// in another way (SSE-KMS) is never the same.
bool same_bytes(Client& client, const std::string& file, const Place& bucket, const Listed& object);

}  // namespace tarn::cli
