// `tarn store`: looks into the object store of a data folder that no tarn has open.
#pragma once

#include <string>

#include "store/remote.hpp"
#include "store/repair.hpp"

namespace tarn::cli {

// Where the large bodies of the store are, with the keys of the environment: TARN_STORE_ACCESS_KEY_ID,
// TARN_STORE_SECRET_ACCESS_KEY and TARN_STORE_SESSION_TOKEN (which it then lacks), else AWS's variables of these names.
store::RemoteBodies remote_bodies(const std::string& url, const std::string& endpoint, const std::string& region);

// Reads every record and every body. Exit code 1 when something is wrong; each problem is a line. With `no_plaintext` a
// body that stands in the clear is wrong too.
int store_verify(const std::string& data_dir, const store::RemoteBodies& remote, bool no_plaintext, bool json);
// Tells what can be mended, and with options.apply does it. Exit code 0 when nothing is wrong any more.
int store_repair(const std::string& data_dir, const store::RemoteBodies& remote, const store::RepairOptions& options,
                 bool json);
// Where the bytes of s3://bucket/key lie, its latest version's. No such object throws Error (missing, NoSuchKey).
int store_locate(const std::string& data_dir, const store::RemoteBodies& remote, const std::string& where, bool json);

}  // namespace tarn::cli
