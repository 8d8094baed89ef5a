#include "cli/data_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"

namespace tarn::cli {
namespace {

constexpr const char* format_name = "tarn data 1";

std::string read_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

DataFolder::DataFolder(std::string path) : path_(std::move(path)) {
  namespace fs = std::filesystem;
  std::error_code ec;
  fs::create_directories(path_, ec);
  if (ec) throw Error(ErrorKind::caller, "InvalidDataFolder", path_ + " can't be made: " + ec.message() + ".");
  const std::string format = file("FORMAT");
  if (!fs::exists(format)) {
    if (!fs::is_empty(path_, ec) && !fs::exists(file("LOCK")))
      throw Error(ErrorKind::caller, "InvalidDataFolder",
                  path_ + " holds files that are not tarn's. Give --data an empty folder, or one that tarn made.");
  } else if (read_line(format) != format_name) {
    throw Error(ErrorKind::caller, "InvalidDataFolder",
                path_ + " was made by another version of tarn (" + read_line(format) + ").");
  }
  lock_ = ::open(file("LOCK").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0)
    throw Error(ErrorKind::caller, "InvalidDataFolder", path_ + " can't be written: " + std::strerror(errno) + ".");
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const std::string holder = read_line(file("LOCK"));
    ::close(lock_);
    throw Error(
        ErrorKind::conflict, "DataFolderInUse",
        path_ + " is held by another tarn (process " + holder + "). Stop that one, or give --data another folder.");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, pid.data(), pid.size(), 0) < 0)
    throw Error(ErrorKind::outside, "InvalidDataFolder", path_ + " can't be written: " + std::strerror(errno) + ".");
  if (!fs::exists(format)) std::ofstream(format) << format_name << "\n";
}

DataFolder::~DataFolder() {
  ::close(lock_);
}

}  // namespace tarn::cli
