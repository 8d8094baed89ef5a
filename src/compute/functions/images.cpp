// Functions whose code is an image of the registry.
#include "base/error.hpp"
#include "compute/functions/functions.hpp"
#include "compute/functions/records.hpp"

namespace tarn::compute {
namespace {

constexpr std::string_view digest_start = "sha256:";

std::string image_key(const FunctionName& name, const std::string& code_sha256) {
  return meta::key({name.account, name.region, name.name, code_sha256});
}

}  // namespace

// Unpacks it, so that the function runs whatever becomes of the repository.
void Functions::set_image(const Scope& scope, const FunctionName& name, const std::string& uri,
                          lambda::FunctionConfiguration& configuration) const {
  const RunnableImage image = platform_.images.open(name.account, name.region, uri);
  const std::string sha256 = image.digest.substr(digest_start.size());
  std::string resolved = uri.substr(0, uri.find('@'));
  if (const std::size_t colon = resolved.rfind(':'); colon != resolved.npos && colon > resolved.rfind('/'))
    resolved.resize(colon);
  resolved += "@" + image.digest;
  platform_.metadata.change(scope.actor_arn, [&](meta::Transaction& t) {
    t.put(function_image_kind, image_key(name, sha256),
          Value::map({{"Uri", uri}, {"Resolved", resolved}, {"Repository", image.repository.name}}));
  });
  configuration.code_sha256 = sha256;
  configuration.code_size = 0;  // as Lambda tells it
}

RunnableImage Functions::image(const FunctionName& name, const std::string& code_sha256) const {
  const auto found = platform_.metadata.get(function_image_kind, image_key(name, code_sha256));
  if (!found) throw Error(ErrorKind::bug, "ServiceException", "The function's image is not known.");
  return platform_.images.open_again({name.account, name.region, found->string_or("Repository")},
                                     std::string(digest_start) + code_sha256);
}

Functions::ImageUri Functions::image_uri(const FunctionName& name, const std::string& code_sha256) const {
  const auto found = platform_.metadata.get(function_image_kind, image_key(name, code_sha256));
  return found ? ImageUri{found->string_or("Uri"), found->string_or("Resolved")} : ImageUri();
}

std::set<std::string> Functions::images_in_use() const {
  std::set<std::string> out;
  for (const std::string& key : platform_.metadata.keys(function_image_kind, {}))
    out.insert(std::string(digest_start) + meta::key_parts(key).back());
  return out;
}

}  // namespace tarn::compute
