#include "compute/images/root_folder.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "compute/images/limits.hpp"

namespace tarn::compute {
namespace {

constexpr std::string_view whiteout = ".wh.", opaque = ".wh..wh..opq";

[[noreturn]] void bad_layer(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidArchive", "The layer can't be unpacked: " + what);
}

[[noreturn]] void root_failed(const std::string& path) {
  throw Error(ErrorKind::bug, "InternalFailure", path + " can't be written: " + std::strerror(errno));
}

// An open descriptor.
class Opened {
 public:
  explicit Opened(int fd = -1) : fd_(fd) {}
  Opened(Opened&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  ~Opened() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

int open_in_root(int root, const char* path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how));
}

}  // namespace

std::string clean_path(std::string_view name) {
  std::string out;
  if (name.find('\0') != name.npos) bad_layer("a name has a zero byte");
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('/'));
    name.remove_prefix(std::min(part.size() + 1, name.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") bad_layer("a name leads out of it");
    if (part.size() > NAME_MAX) bad_layer("a name is too long");
    out += (out.empty() ? "" : "/") + std::string(part);
  }
  if (out.size() >= PATH_MAX) bad_layer("a name is too long");
  return out;
}

RootFolder::RootFolder(const std::string& path)
    : root_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), path_(path) {
  if (root_ < 0) root_failed(path);
}

RootFolder::~RootFolder() {
  ::close(root_);
}

// Links on the way are followed, as they are seen from within the root.
int RootFolder::open_folder(const std::string& path, bool make) {
  int fd = open_in_root(root_, path.c_str(), O_PATH | O_DIRECTORY);
  if (fd >= 0 || !make || path.empty()) return fd;
  std::string name;
  const Opened parent(open_parent(path, name, true));
  if (parent.get() < 0) return -1;
  struct stat info;
  // What stands in the way of a folder goes.
  if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(info.st_mode))
    ::unlinkat(parent.get(), name.c_str(), 0);
  if (::mkdirat(parent.get(), name.c_str(), 0755) != 0 && errno != EEXIST) return -1;
  return ::openat(parent.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int RootFolder::open_parent(const std::string& path, std::string& name, bool make) {
  const std::size_t slash = path.rfind('/');
  name = slash == path.npos ? path : path.substr(slash + 1);
  return open_folder(slash == path.npos ? "" : path.substr(0, slash), make);
}

// With all that is in it. No link is followed.
void RootFolder::remove(int parent, const std::string& name) {
  struct stat info;
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (!S_ISDIR(info.st_mode)) {
    ::unlinkat(parent, name.c_str(), 0);
    return;
  }
  std::error_code error;
  std::filesystem::remove_all("/proc/self/fd/" + std::to_string(parent) + "/" + name, error);
  if (error) root_failed(name);
}

void RootFolder::empty_folder(const std::string& path, const std::set<std::string>& keep) {
  const Opened folder(open_folder(path, false));
  if (folder.get() < 0) return;
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd/" + std::to_string(folder.get()), error))
    names.push_back(entry.path().filename());
  for (const std::string& name : names) {
    const std::string whole = path.empty() ? name : path + "/" + name;
    const auto at = keep.lower_bound(whole);
    if (at != keep.end() && (*at == whole || at->starts_with(whole + "/"))) {
      if (*at == whole) continue;
      empty_folder(whole, keep);
    } else {
      remove(folder.get(), name);
    }
  }
}

void RootFolder::add_layer(ByteSource packed, uint64_t at_most_bytes) {
  TarReader tar(unpacked(std::move(packed)));
  TarEntry entry;
  std::set<std::string> of_this_layer;
  while (tar.next(entry)) {
    if (++entries_ > limits::max_image_files) bad_layer("it has too many files");
    const std::string path = clean_path(entry.name);
    if (path.empty()) continue;
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == path.npos ? "" : path.substr(0, slash);
    const std::string name = slash == path.npos ? path : path.substr(slash + 1);
    if (name == opaque) {
      empty_folder(folder, of_this_layer);
      continue;
    }
    if (name.starts_with(whiteout)) {
      const std::string hidden = name.substr(whiteout.size());
      if (hidden.empty() || hidden == "." || hidden == "..") bad_layer("a whiteout names nothing");
      const Opened parent(open_folder(folder, false));
      if (parent.get() >= 0) remove(parent.get(), hidden);
      continue;
    }
    add(tar, entry, path, at_most_bytes);
    of_this_layer.insert(path);
  }
}

void RootFolder::add(TarReader& tar, const TarEntry& entry, const std::string& path, uint64_t at_most_bytes) {
  std::string name;
  const Opened parent(open_parent(path, name, true));
  if (parent.get() < 0) root_failed(path);
  struct stat info;
  const bool there = ::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (entry.kind == TarEntry::Kind::folder) {
    if (there && !S_ISDIR(info.st_mode)) remove(parent.get(), name);
    if (::mkdirat(parent.get(), name.c_str(), 0755) != 0 && errno != EEXIST) root_failed(path);
    ::fchmodat(parent.get(), name.c_str(), entry.mode | 0700, 0);
    return;
  }
  if (entry.kind == TarEntry::Kind::other) return;
  // A hard link may name the very file that it replaces.
  if (there && entry.kind != TarEntry::Kind::hard_link) remove(parent.get(), name);
  if (entry.kind == TarEntry::Kind::file) return write_file(tar, entry, parent.get(), name, at_most_bytes);
  if (entry.kind == TarEntry::Kind::hard_link) return add_hard_link(entry, parent.get(), name);
  if (entry.target.empty() || entry.target.size() >= PATH_MAX) bad_layer("a link has no target");
  if (::symlinkat(entry.target.c_str(), parent.get(), name.c_str()) != 0) root_failed(path);
}

void RootFolder::write_file(TarReader& tar, const TarEntry& entry, int parent, const std::string& name,
                            uint64_t at_most_bytes) {
  const Opened file(::openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) root_failed(entry.name);
  std::vector<char> buffer(256 * 1024);
  while (const std::size_t n = tar.read(buffer.data(), buffer.size())) {
    size_bytes_ += n;
    if (size_bytes_ > at_most_bytes)
      throw Error(ErrorKind::limit, "InvalidArchive",
                  "The image is larger than " + std::to_string(at_most_bytes) + " bytes when it is unpacked.");
    for (std::size_t written = 0; written < n;) {
      const ssize_t now = ::write(file.get(), buffer.data() + written, n - written);
      if (now < 0 && errno != EINTR) root_failed(entry.name);
      if (now > 0) written += static_cast<std::size_t>(now);
    }
  }
  ::fchmod(file.get(), entry.mode | 0400);
}

void RootFolder::add_hard_link(const TarEntry& entry, int parent, const std::string& name) {
  std::string target_name;
  const Opened target(open_parent(clean_path(entry.target), target_name, false));
  struct stat info, present;
  if (target.get() < 0 || ::fstatat(target.get(), target_name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    bad_layer("a hard link names a file that is not there: " + entry.target.substr(0, 200));
  if (S_ISDIR(info.st_mode)) bad_layer("a hard link names a folder");
  if (::fstatat(parent, name.c_str(), &present, AT_SYMLINK_NOFOLLOW) == 0) {
    if (present.st_ino == info.st_ino && present.st_dev == info.st_dev) return;
    remove(parent, name);
  }
  if (::linkat(target.get(), target_name.c_str(), parent, name.c_str(), 0) != 0) root_failed(entry.name);
}

void RootFolder::make_file(const std::string& path) {
  std::string name;
  const Opened parent(open_parent(path, name, true));
  if (parent.get() < 0) root_failed(path);
  struct stat info;
  if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISREG(info.st_mode)) return;
    remove(parent.get(), name);
  }
  const Opened file(::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file.get() < 0) root_failed(path);
}

void RootFolder::add_mount_points() {
  for (const char* folder : {"proc", "dev", "tmp", "etc", "opt/ml/processing"}) {
    const Opened made(open_folder(folder, true));
    if (made.get() < 0) root_failed(folder);
  }
  for (const char* file : {"etc/resolv.conf", "etc/hosts"}) make_file(file);
}

}  // namespace tarn::compute
