// Images of the registry, unpacked for those that run: one folder for each manifest, whatever its names.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "compute/images/image_config.hpp"
#include "compute/images/registry.hpp"

namespace tarn::compute {

// An image that can be run on this machine.
struct RunnableImage {
  RepositoryName repository;
  std::string digest;  // of its manifest; of an index, that of the image for this machine
  std::string root;    // the folder that is its root; nobody writes to it
  ImageConfig config;
};

// Thread-safe.
class UnpackedImages {
 public:
  // All that is in `folder` is the images'.
  UnpackedImages(Registry& registry, std::string folder);

  // The image that `uri` names, unpacked when it is the first time. Where there is none, or one that this machine can't
  // run, Error (caller, InvalidParameterValueException) says so in Lambda's words.
  RunnableImage open(const std::string& account, const std::string& region, const std::string& uri);
  // The same, by what open() told; it may have left the registry meanwhile.
  RunnableImage open_again(const RepositoryName& repository, const std::string& digest);

  // Removes all but these digests, and what the machine may have lost when it went down.
  void keep_only(const std::set<std::string>& digests);

 private:
  std::string folder_of(const std::string& digest) const;
  RunnableImage read(const RepositoryName& repository, const std::string& digest) const;
  void unpack(const RepositoryName& repository, const StoredImage& image);
  bool may_be_broken(const std::string& digest) const;
  std::string config_text(const RepositoryName& repository, const Manifest& manifest) const;

  Registry& registry_;
  std::string folder_;
  std::mutex mutex_;  // held while folders are made or removed
};

}  // namespace tarn::compute
