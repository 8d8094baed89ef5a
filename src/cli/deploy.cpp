#include "cli/deploy.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "cli/output.hpp"
#include "cli/s3.hpp"
#include "deploy/lake/lake_template.hpp"
#include "deploy/limits.hpp"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr uint64_t max_sources_size_bytes = 256ull * 1024 * 1024;

// All files below `folder`, but for hidden ones and what tools leave behind.
deploy::SourceFiles read_folder(const fs::path& folder) {
  static const std::set<std::string> skipped = {"node_modules", "__pycache__", "cdk.out", "venv"};
  deploy::SourceFiles out;
  uint64_t size_bytes = 0;
  for (auto it = fs::recursive_directory_iterator(folder); it != fs::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().filename();
    if (name.starts_with(".") || skipped.contains(name)) {
      if (it->is_directory()) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file()) continue;
    if ((size_bytes += it->file_size()) > max_sources_size_bytes)
      throw Error(ErrorKind::caller, "TooLarge",
                  folder.string() + " holds more than " + human_size(max_sources_size_bytes) +
                      "; a lake file stands "
                      "beside the pipelines alone.");
    std::ifstream in(it->path(), std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    out.emplace(it->path().lexically_relative(folder).generic_string(), bytes.str());
  }
  return out;
}

deploy::LakeTemplate read_lake(const DeployOptions& options) {
  fs::path where = options.where;
  std::string file;
  if (fs::is_regular_file(where)) {
    file = where.filename();
    where = where.has_parent_path() ? where.parent_path() : fs::path(".");
  } else {
    for (const char* name : {"lake.yml", "lake.yaml", "domain.yml"})
      if (file.empty() && fs::is_regular_file(where / name)) file = name;
  }
  if (file.empty())
    throw Error(ErrorKind::caller, "NoLakeFile", options.where + " holds no lake.yml (and no domain.yml).");
  const deploy::SourceFiles files = read_folder(where);
  return deploy::lake_template(deploy::read_lake_file(files, file, options.stage), files);
}

// The bucket that takes the pipelines' code, one for an account and region.
std::string assets_bucket(Client& client) {
  const std::string account = client.call("sts:GetCallerIdentity", Value::map()).string_or("Account");
  return "tarn-assets-" + account + "-" + client.target().region;
}

bool is_there(Client& client, const std::string& path) {
  try {
    client.s3("HEAD", path);
    return true;
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::missing) return false;
    throw;
  }
}

void upload_assets(Client& client, const std::string& bucket, const std::vector<deploy::LakeAsset>& assets) {
  if (assets.empty()) return;
  if (!is_there(client, "/" + bucket)) s3_make_bucket(client, "s3://" + bucket);
  for (const deploy::LakeAsset& asset : assets)
    if (const std::string path = "/" + bucket + "/" + asset.key; !is_there(client, path))
      client.s3("PUT", path, {}, asset.bytes);
}

class Stack {
 public:
  Stack(Client& client, std::string name) : client_(client), name_(std::move(name)) {}

  // Absent: there is no such stack.
  std::optional<Value> describe(const std::string& name_or_id) {
    try {
      const Value found = client_.call("cloudformation:DescribeStacks", Value::map({{"StackName", name_or_id}}));
      return found.at("Stacks").as_list().at(0);
    } catch (const Error& e) {
      if (e.message().find("does not exist") != std::string::npos) return std::nullopt;
      throw;
    }
  }

  // Makes a change set and waits until it is ready; absent when nothing would change.
  std::optional<Value> change_set(const deploy::LakeTemplate& lake, const std::string& assets_bucket) {
    const auto found = describe(name_);
    const std::string status = found ? found->string_or("StackStatus") : "";
    is_new_ = !found || status == "REVIEW_IN_PROGRESS";
    if (status == "ROLLBACK_COMPLETE" || status == "ROLLBACK_FAILED" || status == "DELETE_FAILED")
      throw Error(ErrorKind::caller, "StackIsBroken",
                  "The stack " + name_ + " is in " + status + ": `tarn destroy` removes what is left of it.");
    set_name_ = "tarn-" + std::to_string(SystemClock().now().time_since_epoch().count());
    Value input = Value::map({{"StackName", name_},
                              {"ChangeSetName", set_name_},
                              {"ChangeSetType", is_new_ ? "CREATE" : "UPDATE"},
                              {"Capabilities", Value::list({"CAPABILITY_NAMED_IAM"})}});
    if (!lake.assets.empty())
      input.set("Parameters",
                Value::list({Value::map({{"ParameterKey", "AssetsBucket"}, {"ParameterValue", assets_bucket}})}));
    const std::string body = to_json(lake.body);
    if (body.size() > deploy::limits::max_template_body_size_bytes)
      input.set("TemplateURL", template_url(body));
    else
      input.set("TemplateBody", body);
    const Value made = client_.call("cloudformation:CreateChangeSet", input);
    stack_id_ = made.string_or("StackId");
    for (;; std::this_thread::sleep_for(200ms)) {
      Value set = describe_change_set();
      const std::string state = set.string_or("Status");
      if (state == "CREATE_COMPLETE") return set;
      if (state != "FAILED") continue;
      const std::string reason = set.string_or("StatusReason");
      drop_change_set();
      if (reason.find("didn't contain changes") != std::string::npos || reason.find("No updates") != std::string::npos)
        return std::nullopt;
      throw Error(ErrorKind::caller, "ChangeSetFailed", reason);
    }
  }

  // The stack that only a change set made goes with it.
  void drop_change_set() {
    client_.call("cloudformation:DeleteChangeSet",
                 Value::map({{"StackName", stack_id_}, {"ChangeSetName", set_name_}}));
    if (is_new_) client_.call("cloudformation:DeleteStack", Value::map({{"StackName", stack_id_}}));
  }

  void execute() {
    remember_events();
    client_.call("cloudformation:ExecuteChangeSet",
                 Value::map({{"StackName", stack_id_}, {"ChangeSetName", set_name_}}));
  }

  // Absent stacks are gone already: false.
  bool remove() {
    const auto found = describe(name_);
    if (!found) return false;
    stack_id_ = found->string_or("StackId", name_);
    remember_events();
    client_.call("cloudformation:DeleteStack", Value::map({{"StackName", stack_id_}}));
    return true;
  }

  // Tells every event until the stack is at rest; its last status.
  std::string follow(bool json) {
    for (;; std::this_thread::sleep_for(250ms)) {
      const auto found = describe(stack_id_);
      const std::string status = found ? found->string_or("StackStatus") : "DELETE_COMPLETE";
      tell_new_events(json);
      if (!status.ends_with("_IN_PROGRESS")) return status;
    }
  }

 private:
  // A template that is too large for a request lies beside the pipelines' code.
  std::string template_url(const std::string& body);

  Value describe_change_set() {
    Value out, changes = Value::list();
    for (std::string token;;) {
      Value input = Value::map({{"StackName", stack_id_}, {"ChangeSetName", set_name_}});
      if (!token.empty()) input.set("NextToken", token);
      out = client_.call("cloudformation:DescribeChangeSet", input);
      if (const Value* page = out.find("Changes"))
        for (const Value& change : page->as_list()) changes.push_back(change);
      token = out.string_or("NextToken");
      if (token.empty()) break;
    }
    out.set("Changes", std::move(changes));
    return out;
  }

  // Newest first, until one that was told already.
  std::vector<Value> new_events() {
    std::vector<Value> out;
    for (std::string token;;) {
      Value input = Value::map({{"StackName", stack_id_}});
      if (!token.empty()) input.set("NextToken", token);
      Value page;
      try {
        page = client_.call("cloudformation:DescribeStackEvents", input);
      } catch (const Error& e) {
        if (e.message().find("does not exist") != std::string::npos) return out;
        throw;
      }
      for (const Value& event : page.at("StackEvents").as_list()) {
        if (!told_.insert(event.string_or("EventId")).second) return out;
        out.push_back(event);
      }
      token = page.string_or("NextToken");
      if (token.empty()) return out;
    }
  }

  void remember_events() { (void)new_events(); }

  void tell_new_events(bool json) {
    std::vector<Value> events = new_events();
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      if (json) {
        std::cout << to_json(*event) << '\n';
        continue;
      }
      const std::string reason = event->string_or("ResourceStatusReason");
      std::cout << event->string_or("ResourceStatus") << "  " << event->string_or("LogicalResourceId") << "  "
                << event->string_or("ResourceType") << (reason.empty() ? "" : "  " + reason) << '\n';
    }
    std::cout.flush();
  }

  Client& client_;
  std::string name_, set_name_, stack_id_;
  bool is_new_ = false;
  std::set<std::string> told_;
};

std::string Stack::template_url(const std::string& body) {
  const std::string bucket = assets_bucket(client_), key = hex_encode(digest(DigestKind::sha256, body)) + ".json";
  upload_assets(client_, bucket, {{key, body}});
  return client_.target().endpoint + "/" + bucket + "/" + key;
}

void empty_buckets(Client& client, const deploy::LakeTemplate& lake) {
  for (const ValueMember& resource : lake.body.at("Resources").as_map()) {
    if (resource.value.string_or("Type") != "AWS::S3::Bucket") continue;
    const std::string bucket = resource.value.at("Properties").string_or("BucketName");
    if (resource.value.string_or("DeletionPolicy") != "Delete")
      throw Error(ErrorKind::caller, "DataIsKept", "The lake file says keep_data: " + bucket + " stays as it is.");
    if (is_there(client, "/" + bucket)) s3_remove(client, "s3://" + bucket, true);
  }
}

void print_changes(const std::string& stack, const std::optional<Value>& set, bool json) {
  if (json) {
    print_json(set ? set->at("Changes") : Value::list());
    return;
  }
  if (!set) {
    std::cout << "The stack " << stack << " stands as the file says; nothing changes.\n";
    return;
  }
  std::vector<Row> rows;
  for (const Value& change : set->at("Changes").as_list()) {
    const Value* resource = change.find("ResourceChange");
    if (!resource) continue;
    const std::string action = resource->string_or("Action"), replaced = resource->string_or("Replacement");
    rows.push_back({action == "Modify" && replaced == "True"          ? "Replace"
                    : action == "Modify" && replaced == "Conditional" ? "Modify (or replace)"
                                                                      : action,
                    resource->string_or("LogicalResourceId"), resource->string_or("ResourceType")});
  }
  print_table({"action", "resource", "type"}, rows);
}

}  // namespace

int plan(Client& client, const DeployOptions& options) {
  const deploy::LakeTemplate lake = read_lake(options);
  Stack stack(client, lake.stack_name);
  const auto set = stack.change_set(lake, lake.assets.empty() ? "" : assets_bucket(client));
  if (set) stack.drop_change_set();
  print_changes(lake.stack_name, set, options.json);
  return 0;
}

int deploy(Client& client, const DeployOptions& options) {
  const deploy::LakeTemplate lake = read_lake(options);
  Stack stack(client, lake.stack_name);
  const std::string bucket = lake.assets.empty() ? "" : assets_bucket(client);
  upload_assets(client, bucket, lake.assets);
  const auto set = stack.change_set(lake, bucket);
  if (!set) {
    print_changes(lake.stack_name, set, options.json);
    return 0;
  }
  stack.execute();
  const std::string status = stack.follow(options.json);
  return status == "CREATE_COMPLETE" || status == "UPDATE_COMPLETE" ? 0 : 1;
}

int destroy(Client& client, const DeployOptions& options) {
  const deploy::LakeTemplate lake = read_lake(options);
  const std::string& name = lake.stack_name;
  Stack stack(client, name);
  if (options.with_data && stack.describe(name)) empty_buckets(client, lake);
  if (!stack.remove()) {
    if (!options.json) std::cout << "There is no stack " << name << ".\n";
    return 0;
  }
  return stack.follow(options.json) == "DELETE_COMPLETE" ? 0 : 1;
}

int export_cloudformation(const DeployOptions& options) {
  const deploy::LakeTemplate lake = read_lake(options);
  print_json(lake.body);
  if (lake.assets.empty()) return 0;
  if (options.assets.empty()) {
    std::cerr << "The template's parameter AssetsBucket must name a bucket with " << lake.assets.size()
              << " files of code; --assets FOLDER writes them.\n";
    return 0;
  }
  fs::create_directories(options.assets);
  for (const deploy::LakeAsset& asset : lake.assets) {
    std::ofstream out(fs::path(options.assets) / asset.key, std::ios::binary);
    out << asset.bytes;
    if (!out.flush()) throw Error(ErrorKind::caller, "CannotWrite", options.assets + " can't be written to.");
  }
  return 0;
}

}  // namespace tarn::cli
