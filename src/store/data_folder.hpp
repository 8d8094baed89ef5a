// The folder of a store: its mark, and its lock.
#pragma once

#include <string>

#include "store/blob_files.hpp"

namespace tarn::store {

// Locked as long as it lives.
class DataFolder {
 public:
  enum class Missing { create, refuse };

  // Makes the folder where it is missing (or refuses to). One that holds something else than a store of ours throws
  // Error (caller, InvalidDataFolder), one that is locked Error (caller, DataFolderInUse). What a creation left that
  // came to no end, so that nothing was ever acknowledged, is removed.
  DataFolder(const std::string& path, Missing missing);

  // Whether this is a new store, whose mark is still to be set.
  bool is_new() const { return new_; }
  // All parts of the new store are there, and on disk where `flushed`: from now on the folder is a store.
  void set_mark(bool flushed);

 private:
  std::string path_;
  Descriptor mark_;
  bool new_ = false;
};

}  // namespace tarn::store
