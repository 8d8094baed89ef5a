#include "compute/supervisor/view.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

// <sys/mount.h> and <linux/mount.h> don't go together in all versions of the C library.
extern "C" int umount2(const char* target, int flags);
extern "C" int mount(const char* source, const char* target, const char* type, unsigned long flags, const void* data);

namespace tarn::compute::supervisor {
namespace {

constexpr unsigned long ms_recursive = 16384, ms_private = 1 << 18;
constexpr int detach = 2;
constexpr unsigned at_recursive = 0x8000;

int root = -1;  // the view's root
const char* start = "/";

int fail(const char* what, const char* where) {
  int error = errno ? errno : EINVAL;
  dprintf(2, "the view of the file system failed: %s %s: %s\n", what, where, strerror(error));
  return error;
}

// A path of the view, opened without leaving it.
int open_within(const char* place, unsigned long long flags) {
  open_how how;
  memset(&how, 0, sizeof how);
  how.flags = flags | O_CLOEXEC;
  how.mode = flags & O_CREAT ? 0644 : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  while (*place == '/') ++place;
  return static_cast<int>(syscall(SYS_openat2, root, *place ? place : ".", &how, sizeof how));
}

// The folder that `place` is in, made where it is missing; the last name goes to `name`.
int open_parent(const char* place, const char** name) {
  char path[4096];
  if (strlen(place) >= sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(path, place);
  char* last = strrchr(path, '/');
  if (!last) {
    errno = EINVAL;
    return -1;
  }
  *name = place + (last - path) + 1;
  *last = 0;
  for (char* at = path; (at = strchr(at + 1, '/'));) {
    *at = 0;
    int there = open_within(path, O_PATH | O_DIRECTORY);
    if (there < 0) {
      const char* inner;
      int parent = open_parent(path, &inner);
      if (parent < 0) return -1;
      mkdirat(parent, inner, 0755);
      close(parent);
    } else {
      close(there);
    }
    *at = '/';
  }
  int parent = open_within(path, O_PATH | O_DIRECTORY);
  if (parent >= 0 || !*path) return parent;
  const char* inner;
  int above = open_parent(path, &inner);
  if (above < 0) return -1;
  mkdirat(above, inner, 0755);
  close(above);
  return open_within(path, O_PATH | O_DIRECTORY);
}

int make_folder(const char* place) {
  int there = open_within(place, O_PATH | O_DIRECTORY);
  if (there >= 0) return there;
  const char* name;
  int parent = open_parent(place, &name);
  if (parent < 0) return -1;
  mkdirat(parent, name, 0755);
  close(parent);
  return open_within(place, O_PATH | O_DIRECTORY);
}

// What a mount goes onto: a folder or a file as `folder` says, made where the root can be written.
int make_target(const char* place, bool folder) {
  if (folder) return make_folder(place);
  int there = open_within(place, O_PATH);
  if (there >= 0) return there;
  const char* name;
  int parent = open_parent(place, &name);
  if (parent < 0) return -1;
  int made = openat(parent, name, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (made >= 0) close(made);
  close(parent);
  return open_within(place, O_PATH);
}

int set_flags(int mount_fd, unsigned long long flags, bool all_below) {
  mount_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.attr_set = flags;
  return static_cast<int>(syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | (all_below ? at_recursive : 0),
                                  &attributes, sizeof attributes));
}

int attach(int mount_fd, int target) {
  return static_cast<int>(
      syscall(SYS_move_mount, mount_fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int clone_of(const char* host) {
  return static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, host, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | at_recursive));
}

// A new file system with these settings (name, value ..., nullptr), not attached yet.
int new_mount(const char* type, const char* const* settings, unsigned flags) {
  int context = static_cast<int>(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
  if (context < 0) return -1;
  for (; *settings; settings += 2) {
    const bool flag = !settings[1];
    if (syscall(SYS_fsconfig, context, flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, settings[0], settings[1], 0) !=
        0)
      return -1;
    if (flag) break;  // flags come last
  }
  if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return -1;
  int out = static_cast<int>(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, flags));
  close(context);
  return out;
}

int attach_at(int mount_fd, const char* place, bool folder) {
  if (mount_fd < 0) return -1;
  int target = make_target(place, folder);
  if (target < 0) return -1;
  int done = attach(mount_fd, target);
  close(target);
  close(mount_fd);
  return done;
}

int bind(const char* host, const char* place, bool writable) {
  struct stat info;
  if (stat(host, &info) != 0) return -1;
  int tree = clone_of(host);
  if (tree < 0) return -1;
  if (set_flags(tree, MOUNT_ATTR_NOSUID | (writable ? 0 : MOUNT_ATTR_RDONLY), true) != 0) return -1;
  return attach_at(tree, place, S_ISDIR(info.st_mode));
}

int temporary(const char* place, const char* size) {
  const char* settings[] = {"size", size, "mode", "1777", nullptr};
  return attach_at(new_mount("tmpfs", settings, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV), place, true);
}

int devices(const char* place) {
  if (temporary(place, "65536") != 0) return -1;
  for (const char* name : {"null", "zero", "full", "random", "urandom"}) {
    char host[64], there[256];
    snprintf(host, sizeof host, "/dev/%s", name);
    snprintf(there, sizeof there, "%s/%s", place, name);
    if (bind(host, there, true) != 0) return -1;
  }
  static const char* const links[][2] = {{"/proc/self/fd", "fd"},
                                         {"/proc/self/fd/0", "stdin"},
                                         {"/proc/self/fd/1", "stdout"},
                                         {"/proc/self/fd/2", "stderr"}};
  int folder = open_within(place, O_PATH | O_DIRECTORY);
  for (auto [target, name] : links) symlinkat(target, folder, name);
  close(folder);
  return 0;
}

int overlay(const char* lower, const char* upper, const char* work) {
  if (!upper) {
    const char* settings[] = {"lowerdir", lower, "userxattr", nullptr};
    return new_mount("overlay", settings, MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY);
  }
  const char* settings[] = {"lowerdir", lower, "upperdir", upper, "workdir", work, "userxattr", nullptr};
  return new_mount("overlay", settings, MOUNT_ATTR_NOSUID);
}

int link_to(const char* target, const char* place) {
  const char* name;
  int parent = open_parent(place, &name);
  if (parent < 0) return -1;
  int done = symlinkat(target, parent, name);
  close(parent);
  return done;
}

int text(const char* place, const char* content) {
  const char* name;
  int parent = open_parent(place, &name);
  if (parent < 0) return -1;
  int file = openat(parent, name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  close(parent);
  if (file < 0) return -1;
  ssize_t n = write(file, content, strlen(content));
  close(file);
  return n < 0 ? -1 : 0;
}

bool is(const char* word, const char* what) {
  return strcmp(word, what) == 0;
}

int write_file(const char* path, const char* content) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t n = write(file, content, strlen(content));
  close(file);
  return n < 0 ? -1 : 0;
}

int become(const char* user, const char* group, unsigned outer_user, unsigned outer_group) {
  char map[64];
  if (write_file("/proc/self/setgroups", "deny") != 0 && errno != ENOENT) return -1;
  snprintf(map, sizeof map, "%s %u 1", group, outer_group);
  if (write_file("/proc/self/gid_map", map) != 0) return -1;
  snprintf(map, sizeof map, "%s %u 1", user, outer_user);
  return write_file("/proc/self/uid_map", map);
}

// How many words an operation is, itself included.
int length(const char* word) {
  for (const char* one : {"root-tmpfs", "seal"})
    if (is(word, one)) return 1;
  for (const char* two : {"root-bind", "proc", "dev", "folder", "start", "at"})
    if (is(word, two)) return 2;
  for (const char* three : {"bind", "bind-rw", "overlay", "tmpfs", "link", "text", "ids"})
    if (is(word, three)) return 3;
  return is(word, "root-overlay") ? 4 : 0;
}

int make_root(char** w) {
  if (is(w[0], "root-tmpfs")) {
    const char* settings[] = {"size", "1048576", "mode", "755", nullptr};
    return new_mount("tmpfs", settings, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  }
  if (is(w[0], "root-overlay")) return overlay(w[1], w[2], w[3]);
  int tree = clone_of(w[1]);
  if (tree >= 0 && set_flags(tree, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY, true) != 0) return -1;
  return tree;
}

int act(char** w) {
  if (is(w[0], "bind")) return bind(w[1], w[2], false);
  if (is(w[0], "bind-rw")) return bind(w[1], w[2], true);
  if (is(w[0], "overlay")) return attach_at(overlay(w[2], nullptr, nullptr), w[1], true);
  if (is(w[0], "tmpfs")) return temporary(w[1], w[2]);
  if (is(w[0], "dev")) return devices(w[1]);
  if (is(w[0], "link")) return link_to(w[1], w[2]);
  if (is(w[0], "text")) return text(w[1], w[2]);
  if (is(w[0], "seal")) return set_flags(root, MOUNT_ATTR_RDONLY, false);
  if (is(w[0], "proc")) {
    const char* none[] = {nullptr};
    return attach_at(
        new_mount("proc", none, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY), w[1],
        true);
  }
  if (is(w[0], "start")) start = w[1];
  int folder = make_folder(w[1]);  // "folder"
  if (folder >= 0) close(folder);
  return folder < 0 ? -1 : 0;
}

}  // namespace

int view_words(char** words, int count) {
  int at = 0;
  while (at < count && !is(words[at], "--")) {
    int n = length(words[at]);
    if (n == 0) return 0;
    at += n;
  }
  return at;
}

int enter_view(char** w, int count, unsigned outer_user, unsigned outer_group) {
  if (count < 6 || !is(w[0], "at") || !is(w[2], "ids")) return EINVAL;
  if (become(w[3], w[4], outer_user, outer_group) != 0) return fail("ids", w[3]);
  if (mount("none", "/", nullptr, ms_recursive | ms_private, nullptr) != 0) return fail("private", "/");
  int root_mount = make_root(w + 5);
  int base = open(w[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_mount < 0) return fail(w[5], "/");
  if (base < 0 || attach(root_mount, base) != 0) return fail("at", w[1]);
  close(base);
  close(root_mount);
  root = open(w[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return fail("open", w[1]);
  for (int at = 5 + length(w[5]); at < count; at += length(w[at]))
    if (act(w + at) != 0) return fail(w[at], length(w[at]) > 1 ? w[at + 1] : "/");
  if (fchdir(root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0) return fail("pivot", w[1]);
  if (umount2(".", detach) != 0 || chdir("/") != 0) return fail("leave", "/");
  close(root);
  return chdir(start) == 0 ? 0 : fail("start", start);
}

int drop_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  return 0;
}

}  // namespace tarn::compute::supervisor
