#include "cli/docker.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/error.hpp"
#include "base/json.hpp"
#include "cli/version.hpp"
#include "compute/process.hpp"

namespace tarn::cli {
namespace {

constexpr const char* python = "/usr/bin/python3";

std::vector<std::string> strings(const Value& list) {
  std::vector<std::string> out;
  for (const Value& item : list.as_list()) out.push_back(item.as_string());
  return out;
}

compute::Command command_of(const Value& spec) {
  const std::vector<std::string> words = strings(spec.at("command"));
  if (words.empty()) throw Error(ErrorKind::caller, "InvalidArgument", "There is no command to run.");
  compute::Command out;
  out.program = words[0];
  out.arguments.assign(words.begin() + 1, words.end());
  out.environment = strings(spec.at("environment"));
  out.folder = spec.at("folder").as_string();
  out.view = compute::View::of_overlay(spec.at("at").as_string(), spec.at("lower").as_string(),
                                       spec.at("upper").as_string(), spec.at("work").as_string(), 0, 0);
  out.view->processes("/proc").devices("/dev");
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts"})
    if (std::filesystem::exists(file)) out.view->bind(file, file);
  for (const Value& bind : spec.at("binds").as_list()) {
    const ValueList& b = bind.as_list();
    if (b.at(2).as_bool())
      out.view->bind_writable(b.at(0).as_string(), b.at(1).as_string());
    else
      out.view->bind(b.at(0).as_string(), b.at(1).as_string());
  }
  return out;
}

}  // namespace

int docker(const std::vector<std::string>& words) {
  const std::string source = job_runtime_dir();
  std::error_code error;
  ::setenv("TARN_PROGRAM", std::filesystem::read_symlink("/proc/self/exe", error).c_str(), 1);
  ::setenv("TARN_SOURCE", source.c_str(), 1);
  ::setenv("PYTHONPATH", (source + "/python").c_str(), 1);
  std::vector<std::string> all = {python, "-m", "tarn_docker"};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : all) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(python, pointers.data());
  std::cerr << "tarn: " << python << " does not start: " << std::strerror(errno) << '\n';
  return 1;
}

int run_in_root(const std::string& spec) {
  std::ifstream file(spec, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const Value value = parse_json(text);
  const compute::ViewSupport& support = compute::view_support(value.at("at").as_string());
  if (!support.works)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "This machine can't run anything in an image: " + support.why_not);
  const compute::Outcome outcome = compute::run_process(
      command_of(value), {.max_processes = 4096}, [](compute::Stream stream, std::span<const std::string_view> lines) {
        std::FILE* to = stream == compute::Stream::output ? stdout : stderr;
        for (std::string_view line : lines) std::fprintf(to, "%.*s\n", static_cast<int>(line.size()), line.data());
        std::fflush(to);
      });
  switch (outcome.ending) {
    case compute::Ending::exited:
      return outcome.exit_status;
    case compute::Ending::signalled:
      return 128 + outcome.signal;
    case compute::Ending::not_started:
      std::cerr << value.at("command").as_list()[0].as_string() << ": " << std::strerror(outcome.start_errno) << '\n';
      return 127;
    default:
      return 1;
  }
}

}  // namespace tarn::cli
