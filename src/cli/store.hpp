// `tarn store`: looks into the object store of a data folder that no tarn has open.
#pragma once

#include <string>

namespace tarn::cli {

// Reads every record and every body. Exit code 1 when something is wrong; each problem is a line. With `no_plaintext` a
// body that stands in the clear is wrong too.
int store_verify(const std::string& data_dir, bool no_plaintext, bool json);
// Where the bytes of s3://bucket/key lie, its latest version's. No such object throws Error (missing, NoSuchKey).
int store_locate(const std::string& data_dir, const std::string& where, bool json);

}  // namespace tarn::cli
