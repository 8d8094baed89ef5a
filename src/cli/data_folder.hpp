// The folder that holds all of a tarn's state, held by one process at a time.
#pragma once

#include <string>

namespace tarn::cli {

// Holds the folder until destroyed; the kernel lets go of it when the process ends in any way.
class DataFolder {
 public:
  // Makes the folder if need be. Held by another process: Error (conflict, DataFolderInUse) that names its pid. Made by
  // a newer tarn, or not by tarn at all: Error (caller, InvalidDataFolder).
  explicit DataFolder(std::string path);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  int lock_ = -1;
};

}  // namespace tarn::cli
