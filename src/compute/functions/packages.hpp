// The code of functions and layers: zip files as they came, and unpacked for those that run.
//
// A package is named by the SHA-256 of its bytes, so equal code is kept once. It is on disk when put() returns;
// unpacking happens when a function first runs. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::compute {

struct Package {
  std::string sha256;  // base64, as CodeSha256 has it
  uint64_t size_bytes = 0, unpacked_size_bytes = 0;
};

class Packages {
 public:
  // All that is in `folder` is the packages'. `durable` false leaves out the flushes.
  Packages(std::string folder, bool durable);

  // Keeps the zip file. Bytes that are no archive, or that unpack to more than 250 MB, throw Error (caller,
  // InvalidParameterValueException).
  Package put(std::string_view zip);
  // What put() would give.
  static Package describe(std::string_view zip);
  // The zip file's bytes; absent when it is not kept.
  std::optional<std::string> find(std::string_view sha256) const;
  uint64_t unpacked_size_bytes(std::string_view sha256) const;

  // A folder that holds the unpacked files of these packages, later ones over earlier ones. Made when it is not there;
  // nobody writes to it. Packages that are not kept throw Error (bug).
  std::string folder_of(const std::vector<std::string>& sha256s);

  // Removes all packages but these.
  void keep_only(const std::set<std::string>& sha256s);

 private:
  std::string path_of(std::string_view sha256) const;

  std::string folder_;
  bool durable_;
  std::mutex mutex_;  // held while files are made or removed
};

}  // namespace tarn::compute
