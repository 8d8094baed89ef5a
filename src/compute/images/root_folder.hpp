// A folder that layers of an image are unpacked into, one over the other ("Image Layer Filesystem Changeset" of the OCI
// Image Specification): files that a layer covers, whiteouts, hard and symbolic links. Whatever names and links an
// archive holds, nothing outside of the folder is touched.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "compute/images/tar.hpp"

namespace tarn::compute {

// A path within the root, without "." and slashes at its ends; names with ".." throw Error (caller, InvalidArchive).
std::string clean_path(std::string_view name);

// Not thread-safe.
class RootFolder {
 public:
  // `path` exists.
  explicit RootFolder(const std::string& path);
  ~RootFolder();
  RootFolder(const RootFolder&) = delete;

  // Unpacks a layer over what is there. Devices are left out, owners are not kept, and nobody gets more rights by a
  // file's mode. Throws Error (caller, InvalidArchive) for what is no layer, (limit, InvalidArchive) when the folder
  // has grown beyond `at_most_bytes`, (bug) where the disk fails.
  void add_layer(ByteSource packed, uint64_t at_most_bytes);
  // What views mount onto: /proc, /dev, /tmp, /etc/resolv.conf ... are made where they are missing.
  void add_mount_points();

 private:
  int open_folder(const std::string& path, bool make);
  int open_parent(const std::string& path, std::string& name, bool make);
  void remove(int parent, const std::string& name);
  void empty_folder(const std::string& path, const std::set<std::string>& keep);
  void add(TarReader& tar, const TarEntry& entry, const std::string& path, uint64_t at_most_bytes);
  void write_file(TarReader& tar, const TarEntry& entry, int parent, const std::string& name, uint64_t at_most_bytes);
  void add_hard_link(const TarEntry& entry, int parent, const std::string& name);
  void make_file(const std::string& path);

  int root_;
  std::string path_;
  uint64_t size_bytes_ = 0, entries_ = 0;
};

}  // namespace tarn::compute
