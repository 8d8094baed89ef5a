#include "compute/processing/processing_run.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "compute/processing/processing_rules.hpp"

namespace tarn::compute {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* session_name_of_jobs = "SageMaker";
constexpr const char* processing_log_group = "/aws/sagemaker/ProcessingJobs";
constexpr int64_t default_max_runtime_s = 86'400;
constexpr auto stop_grace = 120s;  // as SageMaker has it
constexpr std::size_t max_message_size_bytes = 1024;
constexpr int max_processing_processes = 4096;

[[noreturn]] void client_error(const std::string& what) {
  throw Error(ErrorKind::caller, "ClientError", "ClientError: " + what);
}

// What the program left in a file of its root; its links lead nowhere.
std::string read_left(const std::string& root, const char* path) {
  const int folder = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const int file = static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how));
  ::close(folder);
  if (file < 0) return {};
  std::string out(max_message_size_bytes, '\0');
  const ssize_t n = ::read(file, out.data(), out.size());
  ::close(file);
  out.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  return out;
}

// Whether `path` is reached from `root` without a link.
bool is_plain(const fs::path& root, const std::string& path) {
  fs::path at = root;
  for (const fs::path& part : fs::path(path)) {
    at /= part;
    std::error_code error;
    if (!fs::is_directory(fs::symlink_status(at, error))) return false;
  }
  return true;
}

void remove_work(const std::string& folder) {
  std::error_code ignored;
  fs::permissions(fs::path(folder) / "work" / "work", fs::perms::owner_all, ignored);  // an overlay leaves it closed
  fs::remove_all(folder, ignored);
}

uint64_t memory_for_jobs() {
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE)) / 4 * 3;
}

}  // namespace

void ProcessingRun::clean(const std::string& work_folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(work_folder, error)) remove_work(entry.path());
}

void ProcessingRun::execute() {
  Ended end;
  try {
    end = run();
  } catch (const Error& e) {
    end = {"Failed", e.code() == "ClientError" ? e.message() : "ClientError: " + e.message(), ""};
    if (e.kind() == ErrorKind::bug) end.failure_reason = "InternalServerError: " + e.message();
  } catch (const std::exception& e) {
    end = {"Failed", std::string("InternalServerError: ") + e.what(), ""};
  }
  if (interrupted()) return;  // the next start says what became of it
  try {
    jobs_.change(job_.scope, "tarn", job_.request.processing_job_name, [&](ProcessingJob& job) {
      job.status = end.status;
      job.failure_reason = end.failure_reason.substr(0, max_message_size_bytes);
      job.exit_message = end.exit_message;
      job.ended = jobs_.p_.clock.now();
    });
  } catch (const Error& e) {
    log(LogLevel::error, "the end of a processing job was not recorded",
        Value::map({{"job", job_.arn()}, {"why", e.message()}}));
  }
}

ProcessingRun::Ended ProcessingRun::run() {
  const std::string folder =
      jobs_.work_folder_ + "/" + job_.scope.account + "-" + job_.scope.region + "-" + job_.request.processing_job_name;
  remove_work(folder);
  fs::create_directories(folder);
  struct Remove {
    std::string folder;
    ~Remove() { remove_work(folder); }
  } remove{folder};
  const ViewSupport& support = view_support(folder);
  if (!support.works) client_error("This machine can't run images: " + support.why_not);
  const RunnableImage image =
      jobs_.p_.images.open(job_.scope.account, job_.scope.region, job_.request.app_specification.image_uri);
  return run_in(folder, image);
}

ProcessingRun::Ended ProcessingRun::run_in(const std::string& folder, const RunnableImage& image) {
  const std::string processing = folder + "/processing";
  for (const char* name : {"/root", "/upper", "/work", "/processing", "/config"}) fs::create_directories(folder + name);
  fetch_inputs(processing);
  write_config(folder + "/config");
  if (job_.request.processing_output_config)
    for (const auto& output : job_.request.processing_output_config->outputs)
      fs::create_directories(processing + "/" + below_processing(*output.s3_output->local_path));
  jobs_.change(job_.scope, "tarn", job_.request.processing_job_name,
               [&](ProcessingJob& job) { job.started = jobs_.p_.clock.now(); });
  const auto started_s = jobs_.p_.clock.now().time_since_epoch().count() / 1000;
  meta::LogWriter log_writer =
      jobs_.p_.logs.writer({job_.scope.account, job_.scope.region}, processing_log_group,
                           job_.request.processing_job_name + "/algo-1-" + std::to_string(started_s));
  const int64_t most_s =
      job_.request.stopping_condition ? job_.request.stopping_condition->max_runtime_in_seconds : default_max_runtime_s;
  const ProcessLimits limits{.timeout = std::chrono::seconds(most_s),
                             .grace = stop_grace,
                             .memory_bytes = memory_for_jobs(),
                             .max_processes = max_processing_processes};
  const Outcome outcome = run_process(
      command(folder, image), limits, [&](Stream, std::span<const std::string_view> lines) { log_writer.write(lines); },
      stop_, kill_);
  Ended end{"Completed", "", read_left(folder + "/upper", "opt/ml/output/message")};
  switch (outcome.ending) {
    case Ending::exited:
      if (outcome.exit_status == 0) {
        take_outputs(processing);
        return end;
      }
      end.failure_reason =
          "AlgorithmError: See job logs for more information, exit code: " + std::to_string(outcome.exit_status);
      break;
    case Ending::stopped:
      return {"Stopped", "", end.exit_message};
    case Ending::timed_out:
      return {"Stopped", "", "MaxRuntimeExceeded"};
    case Ending::not_started:
      end.failure_reason =
          std::string("AlgorithmError: The entry point can't be started: ") + std::strerror(outcome.start_errno);
      break;
    case Ending::signalled:
      end.failure_reason =
          "AlgorithmError: See job logs for more information, exit code: " + std::to_string(128 + outcome.signal);
      break;
    case Ending::out_of_memory:
      end.failure_reason = "AlgorithmError: The job used more memory than this machine has for it, exit code: 137";
      break;
    case Ending::too_many_processes:
      end.failure_reason = "AlgorithmError: The job had too many processes, exit code: 137";
      break;
  }
  end.status = "Failed";
  return end;
}

store::Grant ProcessingRun::grant(store::Access access, const std::string& bucket, const std::string& prefix) const {
  const auto principal = jobs_.p_.identities.role_session(job_.request.role_arn, session_name_of_jobs);
  return jobs_.p_.authority.objects(principal, access, bucket, prefix);
}

void ProcessingRun::fetch_inputs(const std::string& processing) const {
  if (!job_.request.processing_inputs) return;
  for (const auto& input : *job_.request.processing_inputs)
    fetch(*input.s3_input, processing + "/" + below_processing(*input.s3_input->local_path));
}

// All objects below the prefix, or the one that it names.
void ProcessingRun::fetch(const sagemaker::ProcessingS3Input& input, const std::string& into) const {
  const S3Place place = parse_s3_uri(input.s3_uri);
  const auto may = grant(store::Access::read, place.bucket, place.key);
  auto& store = jobs_.p_.store;
  std::string after;
  std::size_t found = 0;
  fs::create_directories(into);
  for (bool more = true; more;) {
    store::Listing listing;
    try {
      listing = store.list(may, place.bucket, place.key, "", after, 1000);
    } catch (const Error& e) {
      client_error("Failed to download data. " + e.message() + " (" + input.s3_uri + ")");
    }
    for (const store::ObjectInfo& info : listing.objects) {
      if (stop_.stop_requested() || kill_.stop_requested()) return;
      std::string rest =
          info.key == place.key ? info.key.substr(info.key.rfind('/') + 1) : info.key.substr(place.key.size());
      while (rest.starts_with('/')) rest.erase(0, 1);
      if (rest.empty() || rest.ends_with('/')) continue;
      if (("/" + rest + "/").find("/../") != std::string::npos) client_error("The key " + info.key + " is no path.");
      auto object = store.open(may, place.bucket, info.key);
      if (!object) continue;
      const fs::path file = fs::path(into) / rest;
      fs::create_directories(file.parent_path());
      std::ofstream out(file, std::ios::binary);
      std::string buffer(1 << 20, '\0');
      while (std::size_t n = object->read(buffer.data(), buffer.size()))
        out.write(buffer.data(), static_cast<std::streamsize>(n));
      out.close();
      if (!out) throw Error(ErrorKind::bug, "InternalFailure", file.string() + " can't be written.");
      ++found;
    }
    more = listing.truncated;
    after = listing.next;
  }
  if (found == 0)
    client_error("No S3 objects found under S3 URL \"" + input.s3_uri +
                 "\" given in input data source. Please ensure that the bucket exists in the selected region, and that "
                 "objects exist under that S3 prefix.");
}

void ProcessingRun::take_outputs(const std::string& processing) const {
  if (!job_.request.processing_output_config) return;
  for (const auto& output : job_.request.processing_output_config->outputs) {
    const std::string local = below_processing(*output.s3_output->local_path);
    if (!is_plain(processing, local)) continue;  // the program removed it
    S3Place place = parse_s3_uri(output.s3_output->s3_uri);
    if (!place.key.empty() && !place.key.ends_with('/')) place.key += '/';
    const fs::path root = fs::path(processing) / local;
    for (const auto& entry : fs::recursive_directory_iterator(root))
      if (fs::is_regular_file(entry.symlink_status()))
        take(entry.path(), place.bucket, place.key + fs::relative(entry.path(), root).string());
  }
}

void ProcessingRun::take(const std::string& file, const std::string& bucket, const std::string& key) const {
  store::EncryptionWish wish;
  if (const auto& kms = job_.request.processing_output_config->kms_key_id; kms && !kms->empty()) {
    wish.kind = store::Encryption::Kind::kms;
    wish.kms_key_id = *kms;
  }
  try {
    store::ObjectHeaders headers;
    headers.content_type = "binary/octet-stream";
    auto writer = jobs_.p_.store.write(grant(store::Access::write, bucket, key), bucket, key, headers, {}, wish);
    std::ifstream in(file, std::ios::binary);
    std::string buffer(1 << 20, '\0');
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), in.gcount() > 0)
      writer->append({buffer.data(), static_cast<std::size_t>(in.gcount())});
    if (!in.eof()) throw Error(ErrorKind::bug, "InternalFailure", file + " can't be read.");
    writer->finish({});
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::bug) throw;
    client_error("Failed to upload s3://" + bucket + "/" + key + ". " + e.message());
  }
}

void ProcessingRun::write_config(const std::string& folder) const {
  Value config = sagemaker::to_value(job_.request);
  config.set("ProcessingJobArn", job_.arn());
  std::ofstream(folder + "/processingjobconfig.json") << to_json(config);
  const std::string type = job_.request.processing_resources.cluster_config.instance_type.value_or("");
  std::ofstream(folder + "/resourceconfig.json") << to_json(Value::map({{"current_host", "algo-1"},
                                                                        {"current_instance_type", type},
                                                                        {"current_group_name", "homogeneousCluster"},
                                                                        {"hosts", Value::list({"algo-1"})},
                                                                        {"network_interface_name", "lo"}}));
}

Command ProcessingRun::command(const std::string& folder, const RunnableImage& image) const {
  const auto& app = job_.request.app_specification;
  std::vector<std::string> words = app.container_entrypoint.value_or(image.config.entrypoint);
  const auto& rest = app.container_arguments    ? *app.container_arguments
                     : app.container_entrypoint ? std::vector<std::string>()
                                                : image.config.command;
  words.insert(words.end(), rest.begin(), rest.end());
  if (words.empty()) client_error("The image has no entry point.");
  Command out;
  out.program = words[0];
  out.arguments.assign(words.begin() + 1, words.end());
  out.folder = image.config.working_folder.empty() ? "/" : image.config.working_folder;
  out.view = View::of_overlay(folder + "/root", image.root, folder + "/upper", folder + "/work", 0, 0);
  out.view->processes("/proc")
      .devices("/dev")
      .bind_writable(folder + "/processing", "/opt/ml/processing")
      .bind(folder + "/config", "/opt/ml/config");
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts"})
    if (fs::exists(file)) out.view->bind(file, file);

  const auto keys = jobs_.p_.identities.assume_role(job_.request.role_arn, session_name_of_jobs, 12 * 3600);
  std::map<std::string, std::string> all = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                                            {"HOME", "/root"}};
  for (const std::string& one : image.config.environment)
    if (const std::size_t equals = one.find('='); equals != one.npos)
      all[one.substr(0, equals)] = one.substr(equals + 1);
  if (job_.request.environment)
    for (const auto& [key, value] : *job_.request.environment) all[key] = value;
  const std::map<std::string, std::string> own = {{"AWS_REGION", job_.scope.region},
                                                  {"AWS_DEFAULT_REGION", job_.scope.region},
                                                  {"AWS_ENDPOINT_URL", jobs_.endpoint_},
                                                  {"AWS_ACCESS_KEY_ID", keys.access_key_id},
                                                  {"AWS_SECRET_ACCESS_KEY", keys.secret_access_key},
                                                  {"AWS_SESSION_TOKEN", keys.session_token},
                                                  {"NO_PROXY", "127.0.0.1,localhost"},
                                                  {"no_proxy", "127.0.0.1,localhost"}};
  for (const auto& [key, value] : own) all[key] = value;
  for (const auto& [key, value] : all) out.environment.push_back(key + "=" + value);
  return out;
}

}  // namespace tarn::compute
