#include "compute/system_view.hpp"

#include <filesystem>
#include <set>

namespace tarn::compute {
namespace {

namespace fs = std::filesystem;

constexpr const char* system_folders[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
// Of /etc: nothing that tells of the machine's users.
constexpr const char* settings[] = {"alternatives",
                                    "ca-certificates",
                                    "ca-certificates.conf",
                                    "hosts",
                                    "java-17-openjdk",
                                    "ld.so.cache",
                                    "ld.so.conf",
                                    "ld.so.conf.d",
                                    "localtime",
                                    "magic",
                                    "mime.types",
                                    "nsswitch.conf",
                                    "pki",
                                    "protocols",
                                    "resolv.conf",
                                    "services",
                                    "ssl",
                                    "timezone"};
constexpr const char* users =
    "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n";
constexpr const char* groups = "root:x:0:\nsbx_user1051:x:990:\n";

}  // namespace

View system_view(const std::string& at) {
  View view(at);
  for (const char* folder : system_folders) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(folder, error);
    if (fs::is_symlink(status))
      view.link(fs::read_symlink(folder, error), folder);
    else if (fs::is_directory(status))
      view.bind(folder, folder);
  }
  for (const char* name : settings)
    if (const std::string path = std::string("/etc/") + name; fs::exists(path)) view.bind(path, path);
  return view.text("/etc/passwd", users).text("/etc/group", groups).devices("/dev").processes("/proc");
}

void show_program(View& view, const std::string& program) {
  std::set<std::string> shown;
  std::error_code error;
  for (const fs::path& path : {fs::path(program), fs::canonical(program, error)}) {
    if (path.empty() || path.string().starts_with("/usr/")) continue;
    // PREFIX/bin/python
    const std::string prefix = path.parent_path().parent_path();
    if (prefix.size() > 1 && shown.insert(prefix).second) view.bind(prefix, prefix);
  }
}

}  // namespace tarn::compute
