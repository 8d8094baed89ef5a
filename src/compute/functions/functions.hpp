// Lambda functions as they are defined: code, settings, versions, aliases, permissions ("AWS Lambda API Reference").
// What runs them stands in environments.hpp and invoker.hpp.
//
// Records are AWS's own shapes. A function is Active as soon as it is made. Thread-safe. Errors: Error with Lambda's
// codes (ResourceNotFoundException, ResourceConflictException, InvalidParameterValueException,
// PreconditionFailedException); what tarn does not have is (unsupported, NotImplemented).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/lambda.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "compute/functions/names.hpp"
#include "compute/functions/packages.hpp"
#include "compute/images/unpacked_images.hpp"
#include "govern/authority.hpp"
#include "meta/metadata.hpp"
#include "store/store.hpp"

namespace tarn::compute {

namespace lambda = api::lambda;
using Tags = std::map<std::string, std::string>;

// The platform that functions stand on; all outlive them.
struct FunctionPlatform {
  meta::Metadata& metadata;
  store::Store& store;
  const govern::Authority& authority;
  Packages& packages;
  UnpackedImages& images;
  Clock& clock;
  Random& random;
};

// A function's record: its settings as of $LATEST, and what belongs to all of its versions.
struct FunctionRecord {
  lambda::FunctionConfiguration configuration;
  std::string generation;  // another with each change of code or settings
  Tags tags;
  std::optional<int64_t> reserved_concurrency;
  int64_t next_version = 1;
  int64_t published_version = 0;
  std::string published_generation;  // of the newest version
};

// One version, as it is to be run.
struct RunnableFunction {
  FunctionName name;  // its qualifier is a version's number or $LATEST
  std::string generation;
  std::string invoked_arn;  // as the caller named it
  lambda::FunctionConfiguration configuration;
  std::optional<int64_t> reserved_concurrency;
};

template <class T>
struct MarkedPage {
  std::vector<T> items;
  std::optional<std::string> next_marker;
};
struct MarkedPageRequest {
  std::optional<std::string> marker;
  int64_t max_items = 50;
};

// Where code comes from: bytes, or an object that `principal` reads.
struct CodeSource {
  std::optional<Blob> zip;
  std::string bucket, key, object_version;
  api::Principal principal;
};

class Functions {
 public:
  explicit Functions(FunctionPlatform platform) : platform_(platform) {}

  // Called, after the change is on disk, with a function whose environments are out of date: those of $LATEST, or all
  // of one that was removed. Set before use.
  using Changed = std::function<void(const FunctionName&, bool removed)>;
  void when_changed(Changed call) { changed_ = std::move(call); }

  // ---- functions ----
  lambda::FunctionConfiguration create(const Scope& scope, const lambda::CreateFunctionRequest& in,
                                       const api::Principal& principal);
  lambda::FunctionConfiguration update_code(const Scope& scope, const lambda::UpdateFunctionCodeRequest& in,
                                            const api::Principal& principal);
  lambda::FunctionConfiguration update_configuration(const Scope& scope,
                                                     const lambda::UpdateFunctionConfigurationRequest& in);
  // The function with all that is its own, or one version where the name has its number.
  void remove(const Scope& scope, const FunctionName& name);
  FunctionRecord record(const FunctionName& name) const;
  // Of what the qualifier names; its ARN has the qualifier.
  lambda::FunctionConfiguration configuration(const FunctionName& name) const;
  // Which version an invocation runs: an alias with weights chooses.
  RunnableFunction runnable(const FunctionName& name) const;
  bool exists(const FunctionName& name) const;
  // The image that a version with this CodeSha256 runs, and how its reference was written.
  RunnableImage image(const FunctionName& name, const std::string& code_sha256) const;
  struct ImageUri {
    std::string given, resolved;
  };
  ImageUri image_uri(const FunctionName& name, const std::string& code_sha256) const;
  MarkedPage<lambda::FunctionConfiguration> list(const Scope& scope, bool all_versions,
                                                 const MarkedPageRequest& page) const;
  // The bytes of a request or object; AWS's words where there are none.
  std::string fetch(const CodeSource& source) const;
  void set_tags(const Scope& scope, const FunctionName& name, const std::function<void(Tags&)>& change);
  // Of all functions: how many, and the size of all code.
  std::pair<int64_t, int64_t> usage(const Scope& scope) const;

  // ---- versions and aliases ----
  lambda::FunctionConfiguration publish(const Scope& scope, const FunctionName& name,
                                        const lambda::PublishVersionRequest& in);
  MarkedPage<lambda::FunctionConfiguration> versions(const FunctionName& name, const MarkedPageRequest& page) const;
  lambda::AliasConfiguration create_alias(const Scope& scope, const FunctionName& name,
                                          const lambda::CreateAliasRequest& in);
  lambda::AliasConfiguration update_alias(const Scope& scope, const FunctionName& name,
                                          const lambda::UpdateAliasRequest& in);
  void remove_alias(const Scope& scope, const FunctionName& name, const std::string& alias);
  lambda::AliasConfiguration alias(const FunctionName& name, const std::string& alias) const;
  MarkedPage<lambda::AliasConfiguration> aliases(const FunctionName& name, const std::optional<std::string>& version,
                                                 const MarkedPageRequest& page) const;

  // ---- concurrency and asynchronous invocation ----
  void set_reserved_concurrency(const Scope& scope, const FunctionName& name, std::optional<int64_t> reserved);
  int64_t unreserved_concurrency(const Scope& scope) const;
  // `keep` true: what `in` leaves out stays as it was.
  lambda::FunctionEventInvokeConfig put_event_config(const Scope& scope, const FunctionName& name,
                                                     const lambda::PutFunctionEventInvokeConfigRequest& in, bool keep);
  std::optional<lambda::FunctionEventInvokeConfig> find_event_config(const FunctionName& name) const;
  lambda::FunctionEventInvokeConfig event_config(const FunctionName& name) const;
  void remove_event_config(const Scope& scope, const FunctionName& name);
  MarkedPage<lambda::FunctionEventInvokeConfig> event_configs(const FunctionName& name,
                                                              const MarkedPageRequest& page) const;

  // ---- permissions ----
  // The statement, as JSON.
  std::string add_permission(const Scope& scope, const FunctionName& name, const lambda::AddPermissionRequest& in);
  void remove_permission(const Scope& scope, const FunctionName& name, const std::string& statement_id,
                         const std::optional<std::string>& revision_id);
  lambda::GetPolicyResponse policy(const FunctionName& name) const;
  // Whether the function's policy lets an AWS service ("s3.amazonaws.com") invoke it for `source_arn`, a resource of
  // `source_account`.
  bool lets_invoke(const FunctionName& name, std::string_view service, std::string_view source_arn,
                   std::string_view source_account) const;

  // ---- layers ----
  lambda::PublishLayerVersionResponse publish_layer(const Scope& scope, const LayerName& name,
                                                    const lambda::PublishLayerVersionRequest& in,
                                                    const api::Principal& principal);
  lambda::PublishLayerVersionResponse layer_version(const LayerName& name) const;
  void remove_layer_version(const Scope& scope, const LayerName& name);
  MarkedPage<lambda::LayerVersionsListItem> layer_versions(const LayerName& name,
                                                           const std::optional<std::string>& runtime,
                                                           const std::optional<std::string>& architecture,
                                                           const MarkedPageRequest& page) const;
  MarkedPage<lambda::LayersListItem> layers(const Scope& scope, const std::optional<std::string>& runtime,
                                            const std::optional<std::string>& architecture,
                                            const MarkedPageRequest& page) const;
  // The package of a layer's version.
  std::string layer_package(const LayerName& name) const;

  // The digests of the images that functions and their versions run.
  std::set<std::string> images_in_use() const;
  // The packages that functions, versions and layers refer to.
  std::set<std::string> packages_in_use() const;
  const FunctionPlatform& platform() const { return platform_; }

 private:
  FunctionRecord read(meta::Reader& reader, const FunctionName& name) const;
  void write(meta::Transaction& t, const FunctionName& name, const FunctionRecord& record) const;
  void touch(FunctionRecord& record, bool runs_otherwise) const;
  void change(const Scope& scope, const FunctionName& name,
              const std::function<void(meta::Transaction&, FunctionRecord&)>& work);
  lambda::FunctionConfiguration publish_within(meta::Transaction& t, const FunctionName& name, FunctionRecord& record,
                                               const std::optional<std::string>& description) const;
  std::vector<lambda::Layer> resolve_layers(const std::vector<std::string>& arns) const;
  lambda::FunctionConfiguration update_image(const Scope& scope, const FunctionName& name,
                                             const lambda::UpdateFunctionCodeRequest& in, FunctionRecord present);
  void set_image(const Scope& scope, const FunctionName& name, const std::string& uri,
                 lambda::FunctionConfiguration& configuration) const;
  void need_qualified(const FunctionName& name) const;
  void tell_changed(const FunctionName& name, bool removed = false) const {
    if (changed_) changed_(name, removed);
  }

  FunctionPlatform platform_;
  Changed changed_;
};

}  // namespace tarn::compute
