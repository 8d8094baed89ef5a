#include "cli/doctor.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <vector>

#include "base/value.hpp"
#include "cli/output.hpp"
#include "cli/version.hpp"
#include "compute/process.hpp"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;

struct Check {
  std::string name;
  bool good;
  bool needed;  // tarn does not run without it
  std::string found, advice;
};

Check check_data_folder(const std::string& data_dir) {
  fs::path parent = fs::absolute(data_dir);
  while (!fs::exists(parent)) parent = parent.parent_path();
  const bool writable = ::access(parent.c_str(), W_OK) == 0;
  return {"data folder", writable, true, data_dir + (writable ? " can be written" : " can't be written"),
          "give --data a folder that you may write"};
}

Check check_disk(const std::string& data_dir) {
  fs::path parent = fs::absolute(data_dir);
  while (!fs::exists(parent)) parent = parent.parent_path();
  std::error_code ec;
  const auto free_bytes = fs::space(parent, ec).available;
  return {"disk space", free_bytes > 1024ull * 1024 * 1024, false, human_size(free_bytes) + " free",
          "a full disk refuses writes"};
}

Check check_port(int port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return {"port", free, false, std::to_string(port) + (free ? " is free" : " is taken (by a running tarn, perhaps)"),
          "tarn status tells who answers; --port takes another"};
}

Check check_python() {
  const bool there = ::access("/usr/bin/python3", X_OK) == 0;
  return {"python3", there, false, there ? "/usr/bin/python3" : "not found",
          "Glue jobs need it: tools/setup installs it"};
}

Check check_job_runtime() {
  const std::string folder = job_runtime_dir() + "/python";
  const bool there = fs::exists(folder + "/tarn_job");
  return {"job runtime", there, false, there ? folder : folder + " is missing",
          "Glue jobs need the python/ folder of tarn's source beside the program"};
}

Check check_sandbox() {
  const compute::ViewSupport& support = compute::view_support(fs::temp_directory_path());
  return {"sandbox of functions", support.works, false,
          support.works ? "each sees its own files, /tmp and a system that it can't write, in namespaces of its own"
                        : "none (" + support.why_not + "): functions see what tarn sees",
          "functions from images don't run without it; it needs Linux 5.12 and user namespaces "
          "(sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, another seccomp profile in a container)"};
}

}  // namespace

int doctor(const std::string& data_dir, int port, bool json) {
  const std::vector<Check> checks{check_data_folder(data_dir), check_disk(data_dir), check_port(port), check_python(),
                                  check_job_runtime(),         check_sandbox()};
  int code = 0;
  Value list = Value::list();
  for (const Check& check : checks) {
    if (check.needed && !check.good) code = 1;
    list.push_back(Value::map({{"check", check.name},
                               {"good", check.good},
                               {"found", check.found},
                               {"advice", check.good ? Value() : Value(check.advice)}}));
    if (!json)
      std::cout << (check.good     ? "  ok    "
                    : check.needed ? "  BAD   "
                                   : "  note  ")
                << check.name << ": " << check.found << (check.good ? "" : "; " + check.advice) << '\n';
  }
  if (json) print_json(list);
  return code;
}

}  // namespace tarn::cli
