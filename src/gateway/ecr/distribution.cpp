// The registry's own protocol ("OCI Distribution Specification" 1.1).
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "api/ecr.hpp"
#include "api/wire/percent.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "compute/images/limits.hpp"
#include "gateway/ecr/ecr.hpp"
#include "gateway/ecr/tokens.hpp"
#include "gateway/http/body.hpp"

namespace tarn::gateway {
namespace {

using api::raw_parameter;
using api::WireResponse;
using compute::Registry;
using compute::RepositoryName;

struct Failure {
  int status;
  const char* code;
};

// What a client of the protocol is told for an error of ECR's.
Failure failure_of(const Error& e) {
  static const std::map<std::string, Failure, std::less<>> known = {
      {"RepositoryNotFoundException", {404, "NAME_UNKNOWN"}},
      {"ImageNotFoundException", {404, "MANIFEST_UNKNOWN"}},
      {"BlobUnknown", {404, "BLOB_UNKNOWN"}},
      {"LayersNotFoundException", {404, "MANIFEST_BLOB_UNKNOWN"}},
      {"ReferencedImagesNotFoundException", {404, "MANIFEST_BLOB_UNKNOWN"}},
      {"UploadNotFoundException", {404, "BLOB_UPLOAD_UNKNOWN"}},
      {"ImageTagAlreadyExistsException", {400, "TAG_INVALID"}},
      {"InvalidLayerException", {400, "DIGEST_INVALID"}},
      {"EmptyUploadException", {400, "BLOB_UPLOAD_INVALID"}},
      {"ImageDigestDoesNotMatchException", {400, "DIGEST_INVALID"}},
      {"InvalidParameterException", {400, "MANIFEST_INVALID"}},
      {"ValidationException", {400, "NAME_INVALID"}},
      {"InvalidLayerPartException", {416, "BLOB_UPLOAD_INVALID"}},
      {"InvalidRange", {416, "SIZE_INVALID"}},
      {"ReferencedByIndex", {409, "DENIED"}},
  };
  if (auto found = known.find(e.code()); found != known.end()) return found->second;
  switch (e.kind()) {
    case ErrorKind::denied:
      return {403, "DENIED"};
    case ErrorKind::limit:
      return {413, "SIZE_INVALID"};
    case ErrorKind::unsupported:
      return {405, "UNSUPPORTED"};
    case ErrorKind::caller:
    case ErrorKind::conflict:
    case ErrorKind::missing:
      return {400, "MANIFEST_INVALID"};
    default:
      return {500, "UNKNOWN"};
  }
}

WireResponse failed(int status, const std::string& code, const std::string& message) {
  WireResponse out;
  out.status = status;
  out.headers.emplace_back("Content-Type", "application/json");
  out.headers.emplace_back("Docker-Distribution-Api-Version", "registry/2.0");
  out.body = to_json(Value::map(
      {{"errors", Value::list({Value::map({{"code", code}, {"message", message}, {"detail", Value::map()}})})}}));
  return out;
}

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorKind::unsupported, "NotImplemented", what);
}

struct ByteRange {
  uint64_t first, last;
};

// "0-1023"
std::optional<ByteRange> read_range(std::string_view text) {
  ByteRange out{};
  const std::size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  auto read = [](std::string_view digits, uint64_t& into) {
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!read(text.substr(0, dash), out.first) || !read(text.substr(dash + 1), out.last) || out.last < out.first)
    return std::nullopt;
  return out;
}

// One request of a client that was let in.
class Call {
 public:
  Call(api::Operations& operations, Registry& registry, const RegistryRequest& request, RegistryCaller caller,
       std::string repository)
      : operations_(operations),
        registry_(registry),
        request_(request),
        name_{caller.principal.account, caller.region, std::move(repository)},
        caller_(std::move(caller)) {}

  RegistryAnswer blob(const std::string& digest) {
    if (method() != "GET" && method() != "HEAD") unsupported("Layers go when no image needs them.");
    if (!compute::is_digest(digest)) throw Error(ErrorKind::missing, "BlobUnknown", digest + " is no digest.");
    try {
      act("ecr:GetDownloadUrlForLayer", Value::map({{"layerDigest", digest}}));
    } catch (const Error& e) {
      if (e.code() == "LayersNotFoundException") throw Error(ErrorKind::missing, "BlobUnknown", e.message());
      throw;
    }
    return open_blob(registry_, name_, digest, request_.request);
  }

  // The layer itself, for whoever may have it.
  static RegistryAnswer open_blob(Registry& registry, const RepositoryName& name, const std::string& digest,
                                  const api::WireRequest& request) {
    auto layer = registry.open_layer(name, digest);
    if (!layer) throw Error(ErrorKind::missing, "BlobUnknown", "There is no blob " + digest + ".");
    RegistryAnswer out;
    const uint64_t size = layer->info().size_bytes;
    auto& headers = out.response.headers;
    headers = {
        {"Content-Type", "application/octet-stream"}, {"Docker-Content-Digest", digest}, {"Accept-Ranges", "bytes"}};
    const std::string* asked = request.header("range");
    if (asked && asked->starts_with("bytes=")) {
      std::string text = asked->substr(6);
      if (text.ends_with('-')) text += std::to_string(size ? size - 1 : 0);
      auto range = read_range(text);
      if (!range || range->first >= size)
        throw Error(ErrorKind::caller, "InvalidRange", "The blob has " + std::to_string(size) + " bytes.");
      range->last = std::min(range->last, size - 1);
      out.response.status = 206;
      headers.emplace_back("Content-Range", "bytes " + std::to_string(range->first) + "-" +
                                                std::to_string(range->last) + "/" + std::to_string(size));
      layer->restrict_to(range->first, range->last - range->first + 1);
    }
    out.stream = std::move(layer);
    return out;
  }

  RegistryAnswer start_upload() {
    if (method() != "POST") unsupported("Uploads begin by POST.");
    const std::string mount = parameter("mount"), from = parameter("from"), digest = parameter("digest");
    if (!mount.empty() && compute::is_digest(mount) && !from.empty()) {
      // Both repositories must be the caller's to use.
      const Value there =
          act_on(from, "ecr:BatchCheckLayerAvailability", Value::map({{"layerDigests", Value::list({mount})}}));
      act("ecr:BatchCheckLayerAvailability", Value::map({{"layerDigests", Value::list({mount})}}));
      const auto& layers = there.at("layers").as_list();
      if (!layers.empty() && layers[0].string_or("layerAvailability") == "AVAILABLE" &&
          registry_.mount_layer({name_.account, name_.region, from}, name_, caller_.principal.arn, mount))
        return created(mount);
    }
    const std::string id = act("ecr:InitiateLayerUpload", Value::map()).string_or("uploadId");
    if (digest.empty()) return accepted(id, 0);
    registry_.append(name_, id, std::nullopt, request_.body);
    return complete(id, digest);
  }

  RegistryAnswer upload(const std::string& id) {
    if (method() == "PATCH") {
      std::optional<uint64_t> first;
      if (const std::string* text = request_.request.header("content-range")) {
        const auto range = read_range(text->starts_with("bytes ") ? text->substr(6) : *text);
        if (!range) throw Error(ErrorKind::caller, "InvalidLayerPartException", "Content-Range is FIRST-LAST.");
        first = range->first;
      }
      return accepted(id, registry_.append(name_, id, first, request_.body));
    }
    if (method() == "PUT") {
      const std::string digest = parameter("digest");
      if (!compute::is_digest(digest))
        throw Error(ErrorKind::caller, "InvalidLayerException", "The query needs digest=sha256:…");
      registry_.append(name_, id, std::nullopt, request_.body);
      return complete(id, digest);
    }
    RegistryAnswer out;
    if (method() == "GET") {
      out = accepted(id, registry_.upload_size_bytes(name_, id));
      out.response.status = 204;
      return out;
    }
    if (method() != "DELETE") unsupported(method() + " of an upload is unknown.");
    registry_.cancel_upload(name_, id);
    out.response.status = 204;
    return out;
  }

  RegistryAnswer manifest(const std::string& reference) {
    if (method() == "PUT") return put_manifest(reference);
    if (method() == "DELETE") return delete_manifest(reference);
    if (method() != "GET" && method() != "HEAD") unsupported(method() + " of a manifest is unknown.");
    const Value found = act("ecr:BatchGetImage", Value::map({{"imageIds", Value::list({id_of(reference)})}}));
    const auto& images = found.at("images").as_list();
    if (images.empty()) throw manifest_unknown(reference);
    RegistryAnswer out;
    out.response.headers = {{"Content-Type", images[0].string_or("imageManifestMediaType")},
                            {"Docker-Content-Digest", images[0].at("imageId").string_or("imageDigest")}};
    out.response.body = images[0].string_or("imageManifest");
    return out;
  }

  RegistryAnswer tags() {
    if (method() != "GET") unsupported("Tags are only listed.");
    std::vector<std::string> names;
    for (const auto& image : registry_.images(name_)) names.insert(names.end(), image.tags.begin(), image.tags.end());
    act("ecr:ListImages", Value::map({{"maxResults", 1}}));
    std::sort(names.begin(), names.end());
    const std::string last = parameter("last"), n = parameter("n");
    if (!last.empty()) names.erase(names.begin(), std::upper_bound(names.begin(), names.end(), last));
    RegistryAnswer out;
    std::size_t most = names.size();
    if (!n.empty()) {
      if (std::from_chars(n.data(), n.data() + n.size(), most).ptr != n.data() + n.size())
        throw Error(ErrorKind::caller, "InvalidParameterException", "n is a number.");
      if (most < names.size() && most > 0) {
        names.resize(most);
        out.response.headers.emplace_back(
            "Link", "</v2/" + name_.name + "/tags/list?n=" + n + "&last=" + names.back() + ">; rel=\"next\"");
      }
      if (most == 0) names.clear();
    }
    Value list = Value::list();
    for (const std::string& tag : names) list.push_back(tag);
    out.response.headers.emplace_back("Content-Type", "application/json");
    out.response.body = to_json(Value::map({{"name", name_.name}, {"tags", std::move(list)}}));
    return out;
  }

  RegistryAnswer referrers(const std::string& digest) {
    if (method() != "GET") unsupported("Referrers are only listed.");
    act("ecr:ListImages", Value::map({{"maxResults", 1}}));
    const std::string type = parameter("artifactType");
    Value list = Value::list();
    for (const auto& image : registry_.images(name_)) {
      if (image.subject != digest || (!type.empty() && image.artifact_type != type)) continue;
      list.push_back(Value::map({{"mediaType", image.media_type},
                                 {"digest", image.digest},
                                 {"size", image.manifest.size()},
                                 {"artifactType", image.artifact_type}}));
    }
    RegistryAnswer out;
    out.response.headers.emplace_back("Content-Type", std::string(compute::oci_index_type));
    if (!type.empty()) out.response.headers.emplace_back("OCI-Filters-Applied", "artifactType");
    out.response.body = to_json(Value::map(
        {{"schemaVersion", 2}, {"mediaType", std::string(compute::oci_index_type)}, {"manifests", std::move(list)}}));
    return out;
  }

 private:
  const std::string& method() const { return request_.request.method; }
  std::string parameter(std::string_view name) const {
    return api::percent_decode(raw_parameter(request_.request.query, name), false);
  }
  static Error manifest_unknown(const std::string& reference) {
    return {ErrorKind::missing, "ImageNotFoundException", "Requested image not found: " + reference};
  }
  static Value id_of(const std::string& reference) {
    return Value::map({{reference.find(':') != std::string::npos ? "imageDigest" : "imageTag", reference}});
  }

  Value act(std::string_view operation, Value input) { return act_on(name_.name, operation, std::move(input)); }
  Value act_on(const std::string& repository, std::string_view operation, Value input) {
    api::Context context;
    context.principal = caller_.principal;
    context.region = caller_.region;
    context.request_id = request_.request_id;
    context.now = request_.now;
    context.endpoint = request_.endpoint;
    context.source_ip = request_.source_ip;
    if (const std::string* agent = request_.request.header("user-agent")) context.user_agent = *agent;
    return operations_.call(context, operation, input.set("repositoryName", repository));
  }

  RegistryAnswer accepted(const std::string& id, uint64_t size_bytes) const {
    RegistryAnswer out;
    out.response.status = 202;
    out.response.headers = {{"Location", "/v2/" + name_.name + "/blobs/uploads/" + id},
                            {"Range", "0-" + std::to_string(size_bytes ? size_bytes - 1 : 0)},
                            {"Docker-Upload-UUID", id}};
    return out;
  }
  RegistryAnswer created(const std::string& digest) const {
    RegistryAnswer out;
    out.response.status = 201;
    out.response.headers = {{"Location", "/v2/" + name_.name + "/blobs/" + digest}, {"Docker-Content-Digest", digest}};
    return out;
  }
  RegistryAnswer complete(const std::string& id, const std::string& digest) {
    try {
      act("ecr:CompleteLayerUpload", Value::map({{"uploadId", id}, {"layerDigests", Value::list({digest})}}));
    } catch (const Error& e) {
      if (e.code() != "LayerAlreadyExistsException") throw;
    }
    return created(digest);
  }
  RegistryAnswer put_manifest(const std::string& reference) {
    const std::string text = read_all(request_.body, limits::max_manifest_size_bytes);
    const std::string digest = compute::digest_of(text);
    Value input = Value::map({{"imageManifest", text}});
    input.set(reference.find(':') != std::string::npos ? "imageDigest" : "imageTag", reference);
    if (const std::string* type = request_.request.header("content-type"))
      input.set("imageManifestMediaType", type->substr(0, type->find(';')));
    try {
      act("ecr:PutImage", std::move(input));
    } catch (const Error& e) {
      if (e.code() != "ImageAlreadyExistsException") throw;
    }
    RegistryAnswer out;
    out.response.status = 201;
    out.response.headers = {{"Location", "/v2/" + name_.name + "/manifests/" + digest},
                            {"Docker-Content-Digest", digest}};
    if (const auto image = registry_.find_image(name_, digest, ""); image && !image->subject.empty())
      out.response.headers.emplace_back("OCI-Subject", image->subject);
    return out;
  }

  RegistryAnswer delete_manifest(const std::string& reference) {
    const Value done = act("ecr:BatchDeleteImage", Value::map({{"imageIds", Value::list({id_of(reference)})}}));
    if (done.at("imageIds").as_list().empty()) {
      const Value& failure = done.at("failures").as_list().at(0);
      if (failure.string_or("failureCode") == "ImageReferencedByManifestList")
        throw Error(ErrorKind::conflict, "ReferencedByIndex", failure.string_or("failureReason"));
      throw manifest_unknown(reference);
    }
    RegistryAnswer out;
    out.response.status = 202;
    return out;
  }

  api::Operations& operations_;
  Registry& registry_;
  const RegistryRequest& request_;
  RepositoryName name_;
  RegistryCaller caller_;
};

// "/v2/NAME/KIND/REST"
struct Place {
  std::string repository, kind, rest;
};

std::optional<Place> read_place(const std::string& raw) {
  const std::string path = api::percent_decode(raw, false);
  if (!path.starts_with("/v2/")) return std::nullopt;
  const std::string rest = path.substr(4);
  if (rest.ends_with("/tags/list")) return Place{rest.substr(0, rest.size() - 10), "tags", ""};
  for (const char* kind : {"/blobs/uploads/", "/blobs/uploads", "/blobs/", "/manifests/", "/referrers/"}) {
    const std::size_t at = rest.rfind(kind);
    if (at == rest.npos || at == 0) continue;
    return Place{rest.substr(0, at), kind, rest.substr(at + std::string_view(kind).size())};
  }
  return std::nullopt;
}

WireResponse challenge(const RegistryRequest& request) {
  WireResponse out = failed(401, "UNAUTHORIZED", "Give what aws ecr get-login-password prints, as the user AWS.");
  out.headers.emplace_back("WWW-Authenticate",
                           "Basic realm=\"" + request.endpoint + "/\",service=\"ecr.amazonaws.com\"");
  return out;
}

// A host such as ACCOUNT.dkr.ecr.REGION.localhost says which registry is meant; it must be the caller's.
bool fits_host(const RegistryRequest& request, RegistryCaller& caller) {
  const std::size_t scheme = request.endpoint.find("://");
  const auto named = compute::parse_image_reference(request.endpoint.substr(scheme + 3) + "/x");
  if (!named || named->account.empty()) return true;
  caller.region = named->region;
  return named->account == caller.principal.account;
}

RegistryAnswer answer(api::Operations& operations, Registry& registry, govern::Identities& identities,
                      const RegistryRequest& request) {
  const std::string& path = request.request.path;
  const auto place = read_place(path);
  if (place && place->kind == "/blobs/" && request.request.method != "PUT")
    if (const auto name =
            check_layer(registry.signing_key(), request.request.query, place->repository, place->rest, request.now))
      return Call::open_blob(registry, *name, place->rest, request.request);
  const std::string* authorization = request.request.header("authorization");
  auto caller = authorization ? read_token(identities, *authorization, request.now) : std::nullopt;
  if (!caller) return {challenge(request), nullptr};
  if (!fits_host(request, *caller))
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "The password is for the registry of account " + caller->principal.account + ".");
  if (path == "/v2/" || path == "/v2") {
    RegistryAnswer out;
    out.response.headers = {{"Content-Type", "application/json"}};
    out.response.body = "{}";
    return out;
  }
  if (!place) unsupported("tarn's registry does not list its repositories here: ask ecr:DescribeRepositories.");
  Call call(operations, registry, request, *std::move(caller), place->repository);
  if (place->kind == "tags") return call.tags();
  if (place->kind == "/manifests/") return call.manifest(place->rest);
  if (place->kind == "/referrers/") return call.referrers(place->rest);
  if (place->kind == "/blobs/") return call.blob(place->rest);
  return place->rest.empty() ? call.start_upload() : call.upload(place->rest);
}

}  // namespace

RegistryProtocol registry_protocol(api::Operations& operations, Registry& registry, govern::Identities& identities) {
  return [&operations, &registry, &identities](const RegistryRequest& request) -> RegistryAnswer {
    try {
      RegistryAnswer out = answer(operations, registry, identities, request);
      out.response.headers.emplace_back("Docker-Distribution-Api-Version", "registry/2.0");
      return out;
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::bug)
        log(LogLevel::error, "request failed", Value::map({{"request_id", request.request_id}, {"why", e.message()}}));
      const Failure failure = failure_of(e);
      return {failed(failure.status, failure.code, e.message()), nullptr};
    }
  };
}

}  // namespace tarn::gateway
