// What an environment runs: which program, with which variables, in which file system.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.hpp"
#include "compute/functions/environment.hpp"
#include "compute/functions/limits.hpp"
#include "compute/functions/rules.hpp"
#include "compute/system_view.hpp"

namespace tarn::compute {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto credentials_margin = 30min;
constexpr const char* node_modules_place = "/var/lang/lib/node_modules";
constexpr int function_user = 993, function_group = 990;  // as Lambda's

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

void append_path(std::string& list, const std::string& one) {
  list += (list.empty() ? "" : ":") + one;
}

}  // namespace

// Where the function finds what is its own: by AWS's names where it has a file system of its own, else where it lies.
struct ExecutionEnvironment::Places {
  std::string task, layers, temporary, runtime;  // `layers` empty: it has none
  std::string node_modules = {};                 // beside its own; empty: none
};

Command ExecutionEnvironment::command(const std::string& runtime_api) {
  const ViewSupport& support = view_support(folder_.path());
  return function_.configuration.package_type == "Image" ? image_command(runtime_api, support)
                                                         : zip_command(runtime_api, support);
}

Command ExecutionEnvironment::zip_command(const std::string& runtime_api, const ViewSupport& support) {
  const auto& configuration = function_.configuration;
  auto say = [this](std::string_view line) { write(line); };
  const std::string task = parts_.packages.folder_of({*configuration.code_sha256});
  std::vector<std::string> layers;
  std::vector<std::string> public_layers;  // their folders of modules
  if (configuration.layers)
    for (const lambda::Layer& layer : *configuration.layers) {
      const auto name = parse_layer_version_arn(*layer.arn);
      if (const auto known = public_layer(*name))
        public_layers.push_back(parts_.python.layer_modules(*known, stop_.get_token(), say));
      else
        layers.push_back(parts_.functions.layer_package(*name));
    }
  const std::string opt = layers.empty() ? "" : parts_.packages.folder_of(layers);

  Command out;
  Places places{task, opt, folder_.path() + "/tmp", parts_.node.runtime_folder()};
  if (is_python(*configuration.runtime)) {
    out.program = parts_.python.python(stop_.get_token(), say);
    out.arguments = {"-m", "awslambdaric", *configuration.handler};
  } else if (is_node(*configuration.runtime)) {
    out.program = parts_.node.node(stop_.get_token(), say);
    places.node_modules = parts_.node.modules(stop_.get_token(), say);
  } else {
    const bool of_layer = !fs::exists(task + "/bootstrap") && !opt.empty();
    std::error_code ignored;
    fs::permissions((of_layer ? opt : task) + "/bootstrap", fs::perms::owner_exec, fs::perm_options::add, ignored);
    out.program = (support.works ? (of_layer ? "/opt" : "/var/task") : (of_layer ? opt : task)) + "/bootstrap";
  }
  if (support.works) {
    out.view = function_view();
    out.view->bind(task, "/var/task");
    if (!opt.empty()) out.view->bind(opt, "/opt");
    for (const std::string& modules : public_layers) out.view->bind(modules, modules);
    if (is_node(*configuration.runtime)) out.view->bind(places.runtime, "/var/runtime");
    const bool modules = !places.node_modules.empty();
    if (modules) out.view->bind(places.node_modules, node_modules_place);
    if (!out.program.starts_with("/opt/") && !out.program.starts_with("/var/task/"))
      show_program(*out.view, out.program);
    // Where programs of layers look for the interpreter: "#!/var/lang/bin/python".
    if (is_python(*configuration.runtime))
      out.view->bind(fs::path(out.program).parent_path().parent_path(), "/var/lang");
    out.view->seal();
    places = {"/var/task", opt.empty() ? "" : "/opt", "/tmp", "/var/runtime", modules ? node_modules_place : ""};
  } else {
    fs::create_directories(places.temporary);
  }
  if (is_node(*configuration.runtime)) out.arguments = {places.runtime + "/index.mjs"};
  out.folder = places.task;
  out.environment = variables(runtime_api, places, public_layers);
  return out;
}

// The machine's system, and a /tmp of the size that the function asks for.
View ExecutionEnvironment::function_view() {
  const std::string at = folder_.path() + "/root";
  fs::create_directories(at);
  View view = system_view(at);
  view.temporary("/tmp", static_cast<uint64_t>(function_.configuration.ephemeral_storage->size) << 20);
  return view;
}

Command ExecutionEnvironment::image_command(const std::string& runtime_api, const ViewSupport& support) {
  if (!support.works)
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "This machine can't run functions from images: " + support.why_not);
  const RunnableImage image = parts_.functions.image(function_.name, *function_.configuration.code_sha256);
  const auto& response = function_.configuration.image_config_response;
  const lambda::ImageConfig given =
      response && response->image_config ? *response->image_config : lambda::ImageConfig();
  std::vector<std::string> words = given.entry_point.value_or(image.config.entrypoint);
  for (const std::string& word : given.command.value_or(image.config.command)) words.push_back(word);
  if (words.empty()) throw Error(ErrorKind::caller, "Runtime.InvalidEntrypoint", "The image has no entry point.");
  Command out;
  out.program = words[0];
  out.arguments.assign(words.begin() + 1, words.end());
  const std::string& own = image.config.working_folder;
  out.folder = given.working_directory.value_or(own.empty() ? "/" : own);

  const std::string at = folder_.path() + "/root";
  fs::create_directories(at);
  out.view = View::of_folder(at, image.root, function_user, function_group);
  out.view->processes("/proc").devices("/dev").temporary(
      "/tmp", static_cast<uint64_t>(function_.configuration.ephemeral_storage->size) << 20);
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts"})
    if (fs::exists(file)) out.view->bind(file, file);

  // The image's own variables stand below those of the function, and these below what Lambda sets.
  std::map<std::string, std::string> all;
  auto add = [&all](const std::vector<std::string>& list) {
    for (const std::string& one : list)
      if (const std::size_t equals = one.find('='); equals != one.npos)
        all[one.substr(0, equals)] = one.substr(equals + 1);
  };
  all = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/tmp"}, {"LANG", "C.UTF-8"}, {"TZ", ":UTC"}};
  add(image.config.environment);
  const auto& environment = function_.configuration.environment;
  if (environment && environment->variables)
    for (const auto& [key, value] : *environment->variables) all[key] = value;
  add(own_variables(runtime_api));
  for (const auto& [key, value] : all) out.environment.push_back(key + "=" + value);
  return out;
}

// What Lambda itself tells every function.
std::vector<std::string> ExecutionEnvironment::own_variables(const std::string& runtime_api) {
  const auto& configuration = function_.configuration;
  const FunctionName& name = function_.name;
  auto keys = parts_.identities.assume_role(*configuration.role, name.name, limits::function_credentials_lifetime_s);
  retires_at_ms_ =
      (keys.expires - credentials_margin - std::chrono::seconds(*configuration.timeout)).time_since_epoch().count();
  return {"AWS_ACCESS_KEY_ID=" + keys.access_key_id,
          "AWS_SECRET_ACCESS_KEY=" + keys.secret_access_key,
          "AWS_SESSION_TOKEN=" + keys.session_token,
          "AWS_DEFAULT_REGION=" + name.region,
          "AWS_REGION=" + name.region,
          "AWS_ENDPOINT_URL=" + endpoint_,
          "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + std::to_string(*configuration.memory_size),
          "AWS_LAMBDA_FUNCTION_NAME=" + name.name,
          "AWS_LAMBDA_FUNCTION_VERSION=" + name.qualifier,
          "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
          "AWS_LAMBDA_LOG_GROUP_NAME=" + *configuration.logging_config->log_group,
          "AWS_LAMBDA_LOG_STREAM_NAME=" + stream_name_,
          "AWS_LAMBDA_RUNTIME_API=" + runtime_api,
          "AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
          "NO_PROXY=127.0.0.1,localhost," + variable("NO_PROXY"),
          "no_proxy=127.0.0.1,localhost," + variable("no_proxy")};
}

std::vector<std::string> ExecutionEnvironment::variables(const std::string& runtime_api, const Places& places,
                                                         const std::vector<std::string>& public_layers) {
  const auto& configuration = function_.configuration;
  std::string path = "/usr/local/bin:/usr/bin:/bin", libraries = places.task + ":" + places.task + "/lib", modules,
              node_modules;
  if (!places.layers.empty()) {
    append_path(path, places.layers + "/bin");
    append_path(libraries, places.layers + "/lib");
    append_path(modules, places.layers + "/python");
    append_path(modules, places.layers + "/python/lib/" + *configuration.runtime + "/site-packages");
    append_path(node_modules, places.layers + "/nodejs/node_modules");
    append_path(node_modules, places.layers + "/nodejs/" + node_folder(*configuration.runtime) + "/node_modules");
  }
  for (const std::string& one : public_layers) append_path(modules, one);
  if (!places.node_modules.empty()) append_path(node_modules, places.node_modules);
  append_path(node_modules, places.task);
  std::vector<std::string> out = own_variables(runtime_api);
  out.push_back("_HANDLER=" + *configuration.handler);
  out.push_back("AWS_EXECUTION_ENV=AWS_Lambda_" + *configuration.runtime);
  out.push_back("LAMBDA_TASK_ROOT=" + places.task);
  out.push_back("LAMBDA_RUNTIME_DIR=/var/runtime");
  const auto given = configuration.environment && configuration.environment->variables
                         ? *configuration.environment->variables
                         : std::map<std::string, std::string>();
  // What a function may set otherwise.
  const std::map<std::string, std::string> defaults = {
      {"HOME", places.temporary},
      {"LANG", "C.UTF-8"},
      {"LD_LIBRARY_PATH", libraries},
      {"NODE_PATH", is_node(*configuration.runtime) ? node_modules : ""},
      {"PATH", path},
      {"PYTHONPATH", modules},
      {"TMPDIR", places.temporary},
      {"TZ", ":UTC"}};
  for (const auto& [key, value] : defaults) {
    auto own = given.find(key);
    if (own == given.end() && value.empty()) continue;
    // Layers stay reachable where a function adds modules of its own.
    const bool joined = own != given.end() && (key == "PYTHONPATH" || key == "NODE_PATH") && !value.empty();
    out.push_back(key + "=" + (own == given.end() ? value : joined ? own->second + ":" + value : own->second));
  }
  for (const auto& [key, value] : given)
    if (!defaults.contains(key)) out.push_back(key + "=" + value);
  return out;
}

}  // namespace tarn::compute
