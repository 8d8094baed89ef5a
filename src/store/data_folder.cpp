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
constexpr const char* mark_name = "STORE";

[[noreturn]] void no_store_of_ours(const std::string& path, std::string_view why) {
  throw Error(ErrorKind::caller, "InvalidDataFolder",
              path + " is no object store of tarn's: " + std::string(why) + ". Name another folder.");
}

void write_mark(int fd) {
  if (::pwrite(fd, mark.data(), mark.size(), 0) != static_cast<ssize_t>(mark.size()) || ::fsync(fd) != 0) {
    throw_storage_error("writing to the data folder", errno);
  }
}

}  // namespace

Descriptor take_data_folder(const std::string& path, bool create) {
  std::error_code error;
  if (create) fs::create_directories(path, error);
  if (error)
    throw Error(ErrorKind::caller, "InvalidDataFolder", "The folder " + path + " can't be made: " + error.message());
  const std::string file = path + "/" + mark_name;
  Descriptor fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd && errno == ENOENT && !create) no_store_of_ours(path, "it lacks the file " + std::string(mark_name));
  if (!fd && errno == ENOENT) {
    if (!fs::is_empty(path)) no_store_of_ours(path, "it holds other files");
    fd = Descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  if (!fd) throw Error(ErrorKind::caller, "InvalidDataFolder", file + " can't be opened: " + std::strerror(errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(ErrorKind::caller, "DataFolderInUse",
                "Another process uses the data folder " + path + ". Stop it, or name another folder.");
  }
  char text[64];
  ssize_t size = ::pread(fd.get(), text, sizeof text, 0);
  if (size < 0) throw_storage_error("reading the data folder", errno);
  std::string_view found(text, static_cast<std::size_t>(size));
  if (found.empty()) {
    write_mark(fd.get());
  } else if (found != mark) {
    no_store_of_ours(path, "its file " + std::string(mark_name) + " says something else");
  }
  return fd;
}

}  // namespace tarn::store
