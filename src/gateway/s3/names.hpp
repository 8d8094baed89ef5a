// The rules of names and of what is stored beside an object. ("General purpose bucket naming rules", "Naming Amazon S3
// objects", "Working with object metadata".)
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::gateway::s3 {

// Throws Error (caller, InvalidBucketName).
void check_bucket_name(std::string_view name);

// Throws Error (caller, InvalidArgument) for what can be no version's id.
void check_version_id(std::string_view version_id);

// Throws Error (caller, MetadataTooLarge) when names and values together pass limits::max_user_metadata_size_bytes.
void check_user_metadata(const std::map<std::string, std::string>& metadata);

// A content encoding without "aws-chunked", which belongs to the transfer.
std::string stored_content_encoding(std::string_view given);

// The object that x-amz-copy-source names: "bucket/key" or "/bucket/key", percent-encoded, perhaps with
// "?versionId=…".
struct CopySource {
  std::string bucket, key, version_id;  // empty: the latest
};
// Throws Error (caller, InvalidArgument).
CopySource parse_copy_source(std::string_view text);

}  // namespace tarn::gateway::s3
