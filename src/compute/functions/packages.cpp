#include "compute/functions/packages.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "compute/functions/archive.hpp"
#include "compute/functions/limits.hpp"
#include "compute/functions/names.hpp"

namespace tarn::compute {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void disk_failed(const std::string& path) {
  throw Error(ErrorKind::bug, "InternalFailure", path + " can't be written: " + std::strerror(errno));
}

std::string hex_of(std::string_view sha256) {
  return hex_encode(base64_decode(sha256).value_or(""));
}

void write_file(const std::string& path, std::string_view bytes, bool durable) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) disk_failed(path);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      ::close(fd);
      disk_failed(path);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (durable) ::fsync(fd);
  ::close(fd);
}

void flush_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

Packages::Packages(std::string folder, bool durable) : folder_(std::move(folder)), durable_(durable) {}

std::string Packages::path_of(std::string_view sha256) const {
  return folder_ + "/zip/" + hex_of(sha256);
}

Package Packages::describe(std::string_view zip) {
  Package out{base64_encode(digest(DigestKind::sha256, zip)), zip.size(), 0};
  try {
    out.unpacked_size_bytes = Archive(zip).unpacked_size_bytes();
  } catch (const Error&) {
    invalid_parameter("Could not unzip uploaded file. Please check your file, then try to upload again.");
  }
  if (out.unpacked_size_bytes > limits::max_unzipped_code_size_bytes)
    invalid_parameter("Unzipped size must be smaller than " + std::to_string(limits::max_unzipped_code_size_bytes) +
                      " bytes");
  return out;
}

Package Packages::put(std::string_view zip) {
  Package out = describe(zip);
  std::lock_guard lock(mutex_);
  const std::string path = path_of(out.sha256), part = path + ".part";
  if (fs::exists(path)) return out;
  std::error_code error;
  fs::create_directories(folder_ + "/zip", error);
  write_file(part, zip, durable_);
  if (::rename(part.c_str(), path.c_str()) != 0) disk_failed(path);
  if (durable_) flush_folder(folder_ + "/zip");
  return out;
}

std::optional<std::string> Packages::find(std::string_view sha256) const {
  std::ifstream file(path_of(sha256), std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

uint64_t Packages::unpacked_size_bytes(std::string_view sha256) const {
  auto bytes = find(sha256);
  return bytes ? Archive(*bytes).unpacked_size_bytes() : 0;
}

std::string Packages::folder_of(const std::vector<std::string>& sha256s) {
  std::string name;
  for (const std::string& sha256 : sha256s) name += hex_of(sha256);
  if (sha256s.size() > 1) name = hex_encode(digest(DigestKind::sha256, name));
  const std::string path = folder_ + "/unpacked/" + name, part = path + ".part";
  std::lock_guard lock(mutex_);
  if (fs::exists(path)) return path;
  std::error_code ignored;
  fs::remove_all(part, ignored);
  fs::create_directories(part, ignored);
  for (const std::string& sha256 : sha256s) {
    auto bytes = find(sha256);
    if (!bytes) throw Error(ErrorKind::bug, "InternalFailure", "the package " + path_of(sha256) + " is missing");
    Archive(*bytes).unpack(part);
  }
  if (::rename(part.c_str(), path.c_str()) != 0) disk_failed(path);
  return path;
}

void Packages::keep_only(const std::set<std::string>& sha256s) {
  std::set<std::string> kept;
  for (const std::string& sha256 : sha256s) kept.insert(hex_of(sha256));
  std::lock_guard lock(mutex_);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_ + "/zip", error)) {
    std::error_code ignored;
    if (!kept.contains(entry.path().filename())) fs::remove(entry.path(), ignored);
  }
  fs::remove_all(folder_ + "/unpacked", error);
}

}  // namespace tarn::compute
