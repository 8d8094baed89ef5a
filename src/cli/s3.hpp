// `tarn s3`: look at, copy and remove objects.
#pragma once

#include <string>

#include "cli/client.hpp"

namespace tarn::cli {

// Buckets, or what is under s3://bucket/prefix: one level, or all with `recursive`.
int s3_list(Client& client, const std::string& where, bool recursive, bool json);
// From a file or folder to s3://…, back, or between two places in s3. Folders and prefixes need `recursive`.
int s3_copy(Client& client, const std::string& from, const std::string& to, bool recursive);
int s3_remove(Client& client, const std::string& where, bool recursive);
int s3_make_bucket(Client& client, const std::string& where);
// `force` empties it first.
int s3_remove_bucket(Client& client, const std::string& where, bool force);
// The object's bytes to standard output.
int s3_cat(Client& client, const std::string& where);

}  // namespace tarn::cli
