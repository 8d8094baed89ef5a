#include "store/data_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/error.hpp"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view mark = "tarn object store, format 1\n";
constexpr std::string_view mark_of_new = "tarn object store, being made\n";
constexpr const char* mark_name = "STORE";

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw Error(ErrorKind::caller, "InvalidDataFolder",
              path + " is no object store of tarn's: " + std::string(why) + ". Name another folder.");
}

void write_mark(int fd, std::string_view text) {
  if (::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
      ::ftruncate(fd, static_cast<off_t>(text.size())) != 0) {
    throw_storage_error("writing to the data folder", errno);
  }
}

void flush_folder(const fs::path& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) throw_storage_error("flushing the data folder", errno);
}

}  // namespace

DataFolder::DataFolder(const std::string& path, Missing missing) : path_(path) {
  std::error_code error;
  if (missing == Missing::create) fs::create_directories(path, error);
  if (!fs::is_directory(path, error)) {
    throw Error(ErrorKind::caller, "InvalidDataFolder", "There is no folder " + path + ", and none can be made.");
  }
  const std::string file = path + "/" + mark_name;
  mark_ = Descriptor(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!mark_ && errno == ENOENT) {
    if (missing == Missing::refuse) refuse(path, "it lacks the file " + std::string(mark_name));
    if (!fs::is_empty(path)) refuse(path, "it holds other files");
    mark_ = Descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  if (!mark_) {
    throw Error(ErrorKind::caller, "InvalidDataFolder", file + " can't be opened: " + std::strerror(errno));
  }
  if (::flock(mark_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(ErrorKind::caller, "DataFolderInUse",
                "Another process uses the data folder " + path + ". Stop it, or name another folder.");
  }
  char text[64];
  ssize_t size = ::pread(mark_.get(), text, sizeof text, 0);
  if (size < 0) throw_storage_error("reading the data folder", errno);
  std::string_view found(text, static_cast<std::size_t>(size));
  if (found.starts_with(mark)) return;
  if (missing == Missing::refuse) refuse(path, "its making came to no end");
  if (found == mark_of_new) {
    for (const char* part : {"index", "incoming", "blobs"}) fs::remove_all(path + "/" + part);
  } else if (!found.empty() || fs::exists(path + "/index")) {
    refuse(path, "its file " + std::string(mark_name) + " says something else");
  }
  write_mark(mark_.get(), mark_of_new);
  new_ = true;
}

void DataFolder::set_mark(bool flushed) {
  if (flushed) flush_folder(path_);
  write_mark(mark_.get(), mark);
  if (flushed) {
    if (::fsync(mark_.get()) != 0) throw_storage_error("flushing the data folder", errno);
    flush_folder(fs::absolute(path_).lexically_normal().parent_path());
  }
  new_ = false;
}

}  // namespace tarn::store
