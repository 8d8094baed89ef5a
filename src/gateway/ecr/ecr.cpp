#include "gateway/ecr/ecr.hpp"

#include <algorithm>
#include <charconv>

#include "api/ecr.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "compute/images/lifecycle_policy.hpp"
#include "compute/images/limits.hpp"
#include "gateway/ecr/tokens.hpp"
#include "govern/policy.hpp"

namespace tarn::gateway {
namespace {

namespace ecr = api::ecr;
namespace op = ecr::op;
using api::Context;
using compute::Registry;
using compute::RepositoryName;
using compute::RepositoryRecord;
using compute::StoredImage;

[[noreturn]] void invalid_parameter(const std::string& message) {
  throw Error(ErrorKind::caller, "InvalidParameterException", message);
}

// Registries of other accounts are closed: their policies are not enforced yet, so none can open them.
RepositoryName name_of(const Context& c, const std::optional<std::string>& registry_id, const std::string& name) {
  if (registry_id && *registry_id != c.account())
    throw Error(ErrorKind::denied, "AccessDeniedException",
                "User: " + c.principal.arn + " is not authorized to use the registry of account " + *registry_id + ".");
  return {c.account(), c.region, name};
}

ecr::Repository with_uri(const Context& c, const Registry& registry, const RepositoryRecord& record) {
  ecr::Repository out = record.repository;
  std::string host = c.endpoint;
  if (const std::size_t scheme = host.find("://"); scheme != host.npos) host = host.substr(scheme + 3);
  out.repository_uri = (host.empty() ? registry.host() : host) + "/" + *out.repository_name;
  return out;
}

// ---- pages ----

std::size_t read_offset(const std::optional<std::string>& token) {
  if (!token) return 0;
  const auto text = base64_decode(*token);
  std::size_t out = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), out).ptr != text->data() + text->size() ||
      out == 0)
    invalid_parameter("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'");
  return out;
}

// Cuts `all` to the page that is asked for; returns the token of the next one.
template <class T>
std::optional<std::string> cut_to_page(std::vector<T>& all, const std::optional<std::string>& token,
                                       const std::optional<int64_t>& size) {
  const std::size_t from = std::min(read_offset(token), all.size());
  const std::size_t end = std::min(all.size(), from + static_cast<std::size_t>(size.value_or(100)));
  const bool more = end < all.size();
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(end), all.end());
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
  return more ? std::optional(base64_encode(std::to_string(end))) : std::nullopt;
}

// ---- repositories ----

void check_tags(const std::vector<ecr::Tag>& tags) {
  for (const ecr::Tag& tag : tags)
    if (tag.key.empty() || tag.key.size() > 128 || tag.value.size() > 256 || tag.key.starts_with("aws:"))
      throw Error(ErrorKind::caller, "InvalidTagParameterException",
                  "Invalid parameter at 'tags' failed to satisfy constraint: 'Tag keys have 1 to 128 characters and do "
                  "not begin with aws:, values at most 256'");
}

void check_tag_count(std::size_t count) {
  if (count > limits::max_repository_tags)
    throw Error(ErrorKind::limit, "TooManyTagsException", "A repository has at most 50 tags.");
}

void check_mutability(const std::string& mutability, bool has_filters) {
  const bool wants = mutability.ends_with("_WITH_EXCLUSION");
  if (wants != has_filters)
    invalid_parameter(
        "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "
        "'Exclusion filters go with IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION'");
}

// The ARN of the key of KMS that the layers are to be encrypted by; empty: none.
std::string kms_key_arn(api::Operations& o, Context& c, const ecr::CreateRepositoryRequest& in) {
  if (!in.encryption_configuration || in.encryption_configuration->encryption_type == "AES256") {
    if (in.encryption_configuration && in.encryption_configuration->kms_key)
      invalid_parameter(
          "Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: 'kmsKey goes with "
          "the encryption type KMS'");
    return {};
  }
  if (in.encryption_configuration->encryption_type == "KMS_DSSE")
    throw Error(ErrorKind::unsupported, "NotImplemented", "tarn has no encryption by KMS_DSSE; KMS is there.");
  try {
    Context inner;
    inner.principal = c.principal;
    inner.region = c.region;
    inner.request_id = c.request_id;
    inner.now = c.now;
    const std::string key = in.encryption_configuration->kms_key.value_or("alias/aws/ecr");
    return o.call(inner, "kms:DescribeKey", Value::map({{"KeyId", key}})).at("KeyMetadata").string_or("Arn");
  } catch (const Error& e) {
    throw Error(ErrorKind::caller, "KmsException", e.message()).with("kmsError", e.code());
  }
}

ecr::CreateRepositoryResponse create_repository(api::Operations& o, Registry& r, Context& c,
                                                const ecr::CreateRepositoryRequest& in) {
  const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
  check_mutability(in.image_tag_mutability.value_or("MUTABLE"), in.image_tag_mutability_exclusion_filters.has_value());
  if (in.tags) {
    check_tags(*in.tags);
    check_tag_count(in.tags->size());
  }
  return {with_uri(c, r, r.create(name, c.principal.arn, in, kms_key_arn(o, c, in)))};
}

ecr::DescribeRepositoriesResponse describe_repositories(Registry& r, Context& c,
                                                        const ecr::DescribeRepositoriesRequest& in) {
  name_of(c, in.registry_id, "");
  ecr::DescribeRepositoriesResponse out;
  out.repositories.emplace();
  if (in.repository_names) {
    if (in.next_token || in.max_results)
      invalid_parameter(
          "Invalid parameter at 'repositoryNames' failed to satisfy constraint: 'maxResults and nextToken "
          "go with no repositoryNames'");
    for (const std::string& name : *in.repository_names)
      out.repositories->push_back(with_uri(c, r, r.repository({c.account(), c.region, name})));
    return out;
  }
  const auto size = static_cast<std::size_t>(in.max_results.value_or(100));
  std::string after;
  if (in.next_token) {
    auto place = base64_decode(*in.next_token);
    if (!place || place->empty())
      invalid_parameter("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'");
    after = *place;
  }
  auto found = r.repositories(c.account(), c.region, after, size + 1);
  if (found.size() > size) {
    found.resize(size);
    out.next_token = base64_encode(*found.back().repository.repository_name);
  }
  for (const RepositoryRecord& record : found) out.repositories->push_back(with_uri(c, r, record));
  return out;
}

// The repository that an ARN names.
RepositoryName repository_of(const Context& c, const std::string& arn) {
  const std::string start = "arn:aws:ecr:" + c.region + ":" + c.account() + ":repository/";
  if (!arn.starts_with(start))
    invalid_parameter("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'");
  return {c.account(), c.region, arn.substr(start.size())};
}

void register_repositories(api::Operations& o, Registry& r) {
  o.on<op::CreateRepository>([&](Context& c, const auto& in) { return create_repository(o, r, c, in); });
  o.on<op::DescribeRepositories>([&](Context& c, const auto& in) { return describe_repositories(r, c, in); });
  o.on<op::DeleteRepository>([&](Context& c, const auto& in) {
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    return ecr::DeleteRepositoryResponse{with_uri(c, r, r.remove(name, c.principal.arn, in.force.value_or(false)))};
  });
  o.on<op::PutImageTagMutability>([&](Context& c, const auto& in) {
    check_mutability(in.image_tag_mutability, in.image_tag_mutability_exclusion_filters.has_value());
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    r.change(name, c.principal.arn, [&](RepositoryRecord& record) {
      record.repository.image_tag_mutability = in.image_tag_mutability;
      record.repository.image_tag_mutability_exclusion_filters = in.image_tag_mutability_exclusion_filters;
    });
    return ecr::PutImageTagMutabilityResponse{name.account, name.name, in.image_tag_mutability,
                                              in.image_tag_mutability_exclusion_filters};
  });
  o.on<op::PutImageScanningConfiguration>([&](Context& c, const auto& in) {
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    const auto record = r.change(name, c.principal.arn, [&](RepositoryRecord& changed) {
      changed.repository.image_scanning_configuration->scan_on_push =
          in.image_scanning_configuration.scan_on_push.value_or(false);
    });
    return ecr::PutImageScanningConfigurationResponse{name.account, name.name,
                                                      record.repository.image_scanning_configuration};
  });
  o.on<op::ListTagsForResource>([&](Context& c, const auto& in) {
    ecr::ListTagsForResourceResponse out;
    out.tags.emplace();
    for (const auto& [key, value] : r.repository(repository_of(c, in.resource_arn)).tags)
      out.tags->push_back({key, value});
    return out;
  });
  o.on<op::TagResource>([&](Context& c, const auto& in) {
    check_tags(in.tags);
    r.change(repository_of(c, in.resource_arn), c.principal.arn, [&](RepositoryRecord& record) {
      for (const ecr::Tag& tag : in.tags) record.tags[tag.key] = tag.value;
      check_tag_count(record.tags.size());
    });
    return ecr::TagResourceResponse();
  });
  o.on<op::UntagResource>([&](Context& c, const auto& in) {
    r.change(repository_of(c, in.resource_arn), c.principal.arn, [&](RepositoryRecord& record) {
      for (const std::string& key : in.tag_keys) record.tags.erase(key);
    });
    return ecr::UntagResourceResponse();
  });
}

// ---- policies ----

// A policy of a repository names no resource: it stands on it.
void check_repository_policy(const std::string& text) {
  try {
    govern::check_policy(text, govern::PolicyKind::trust);
  } catch (const Error& trust) {
    try {
      govern::check_policy(text, govern::PolicyKind::resource);
    } catch (const Error&) {
      invalid_parameter(
          "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy "
          "provided': " +
          trust.message());
    }
  }
}

std::string existing(const std::optional<std::string>& text, const RepositoryName& name, const char* code,
                     const char* what) {
  if (text) return *text;
  throw Error(ErrorKind::missing, code,
              std::string(what) + " policy does not exist for the repository with name '" + name.name +
                  "' in the registry with id '" + name.account + "'");
}

std::string existing_policy(const RepositoryRecord& record, const RepositoryName& name) {
  return existing(record.policy, name, "RepositoryPolicyNotFoundException", "Repository");
}

std::string existing_lifecycle_policy(const RepositoryRecord& record, const RepositoryName& name) {
  return existing(record.lifecycle_policy, name, "LifecyclePolicyNotFoundException", "Lifecycle");
}

void register_repository_policies(api::Operations& o, Registry& r) {
  o.on<op::SetRepositoryPolicy>([&](Context& c, const auto& in) {
    check_repository_policy(in.policy_text);
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    r.change(name, c.principal.arn, [&](RepositoryRecord& record) { record.policy = in.policy_text; });
    return ecr::SetRepositoryPolicyResponse{name.account, name.name, in.policy_text};
  });
  o.on<op::GetRepositoryPolicy>([&](Context& c, const auto& in) {
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    return ecr::GetRepositoryPolicyResponse{name.account, name.name, existing_policy(r.repository(name), name)};
  });
  o.on<op::DeleteRepositoryPolicy>([&](Context& c, const auto& in) {
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    std::string text;
    r.change(name, c.principal.arn, [&](RepositoryRecord& record) {
      text = existing_policy(record, name);
      record.policy.reset();
    });
    return ecr::DeleteRepositoryPolicyResponse{name.account, name.name, text};
  });
  o.on<op::PutLifecyclePolicy>([&](Context& c, const auto& in) {
    compute::check_image_lifecycle_policy(in.lifecycle_policy_text);
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    r.change(name, c.principal.arn, [&](RepositoryRecord& record) {
      record.lifecycle_policy = in.lifecycle_policy_text;
      record.lifecycle_evaluated.reset();
    });
    return ecr::PutLifecyclePolicyResponse{name.account, name.name, in.lifecycle_policy_text};
  });
  o.on<op::GetLifecyclePolicy>([&](Context& c, const auto& in) {
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    ecr::GetLifecyclePolicyResponse out;
    out.registry_id = name.account;
    out.repository_name = name.name;
    const RepositoryRecord record = r.repository(name);
    out.lifecycle_policy_text = existing_lifecycle_policy(record, name);
    out.last_evaluated_at = record.lifecycle_evaluated;
    return out;
  });
  o.on<op::DeleteLifecyclePolicy>([&](Context& c, const auto& in) {
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    ecr::DeleteLifecyclePolicyResponse out;
    r.change(name, c.principal.arn, [&](RepositoryRecord& record) {
      out.lifecycle_policy_text = existing_lifecycle_policy(record, name);
      out.last_evaluated_at = record.lifecycle_evaluated;
      record.lifecycle_policy.reset();
      record.lifecycle_evaluated.reset();
    });
    out.registry_id = name.account;
    out.repository_name = name.name;
    return out;
  });
}

void register_registry(api::Operations& o, Registry& r, govern::Identities& identities) {
  auto existing_registry_policy = [&r](const Context& c) {
    if (auto text = r.registry_policy(c.account(), c.region)) return *text;
    throw Error(ErrorKind::missing, "RegistryPolicyNotFoundException",
                "Registry policy does not exist in the registry with id '" + c.account() + "'");
  };
  o.on<op::DescribeRegistry>([](Context& c, const auto&) {
    ecr::DescribeRegistryResponse out;
    out.registry_id = c.account();
    out.replication_configuration.emplace();
    return out;
  });
  o.on<op::GetRegistryPolicy>([existing_registry_policy](Context& c, const auto&) {
    return ecr::GetRegistryPolicyResponse{c.account(), existing_registry_policy(c)};
  });
  o.on<op::PutRegistryPolicy>([&](Context& c, const auto& in) {
    try {
      govern::check_policy(in.policy_text, govern::PolicyKind::resource);
    } catch (const Error& e) {
      invalid_parameter(
          "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy "
          "provided': " +
          e.message());
    }
    r.set_registry_policy(c.account(), c.region, c.principal.arn, in.policy_text);
    return ecr::PutRegistryPolicyResponse{c.account(), in.policy_text};
  });
  o.on<op::DeleteRegistryPolicy>([&r, existing_registry_policy](Context& c, const auto&) {
    ecr::DeleteRegistryPolicyResponse out{c.account(), existing_registry_policy(c)};
    r.set_registry_policy(c.account(), c.region, c.principal.arn, std::nullopt);
    return out;
  });
  o.on<op::GetAuthorizationToken>([&](Context& c, const auto& in) {
    if (in.registry_ids)
      for (const std::string& id : *in.registry_ids) name_of(c, id, "");
    const RegistryToken token = make_token(identities, c.principal, c.region);
    ecr::AuthorizationData data;
    data.authorization_token = token.text;
    data.expires_at = token.expires;
    data.proxy_endpoint = c.endpoint.empty() ? "http://" + r.host() : c.endpoint;
    return ecr::GetAuthorizationTokenResponse{std::vector{data}};
  });
}

// ---- images ----

std::string described(const ecr::ImageIdentifier& id) {
  auto quoted = [](const std::optional<std::string>& text) { return text ? "'" + *text + "'" : "'null'"; };
  return "{imageDigest:" + quoted(id.image_digest) + ", imageTag:" + quoted(id.image_tag) + "}";
}

ecr::Image image_of(const RepositoryName& name, const StoredImage& image, const std::optional<std::string>& tag) {
  ecr::Image out;
  out.registry_id = name.account;
  out.repository_name = name.name;
  out.image_id = ecr::ImageIdentifier{image.digest, tag};
  out.image_manifest = image.manifest;
  out.image_manifest_media_type = image.media_type;
  return out;
}

ecr::BatchGetImageResponse batch_get_image(Registry& r, Context& c, const ecr::BatchGetImageRequest& in) {
  const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
  r.repository(name);
  ecr::BatchGetImageResponse out;
  out.images.emplace();
  out.failures.emplace();
  for (const ecr::ImageIdentifier& id : in.image_ids) {
    if (!id.image_digest && !id.image_tag) {
      out.failures->push_back(
          {id, "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"});
      continue;
    }
    const auto image = r.find_image(name, id.image_digest.value_or(""), id.image_tag.value_or(""));
    if (!image) {
      const bool tagged = id.image_digest && id.image_tag && r.find_image(name, "", *id.image_tag);
      if (tagged)
        out.failures->push_back({id, "ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest"});
      else
        out.failures->push_back({id, "ImageNotFound", "Requested image not found"});
      continue;
    }
    r.note_pull(name, image->digest);
    out.images->push_back(image_of(name, *image, id.image_tag));
  }
  return out;
}

bool wanted(const StoredImage& image, const std::string& tag_status) {
  return tag_status == "TAGGED" ? !image.tags.empty() : tag_status == "UNTAGGED" ? image.tags.empty() : true;
}

// Images are never archived here: another status than ACTIVE matches none.
bool wants_active(const std::string& status) {
  return status.empty() || status == "ACTIVE" || status == "ANY";
}

ecr::ListImagesResponse list_images(Registry& r, Context& c, const ecr::ListImagesRequest& in) {
  const std::string status = in.filter ? in.filter->tag_status.value_or("ANY") : "ANY";
  const bool active = wants_active(in.filter ? in.filter->image_status.value_or("") : "");
  std::vector<ecr::ImageIdentifier> ids;
  for (const StoredImage& image : r.images(name_of(c, in.registry_id, in.repository_name))) {
    if (!active || !wanted(image, status)) continue;
    for (const std::string& tag : image.tags) ids.push_back({image.digest, tag});
    if (image.tags.empty()) ids.push_back({image.digest, std::nullopt});
  }
  ecr::ListImagesResponse out;
  out.next_token = cut_to_page(ids, in.next_token, in.max_results);
  out.image_ids = std::move(ids);
  return out;
}

ecr::ImageDetail detail_of(const RepositoryName& name, const StoredImage& image) {
  ecr::ImageDetail out;
  out.registry_id = name.account;
  out.repository_name = name.name;
  out.image_digest = image.digest;
  if (!image.tags.empty()) out.image_tags = image.tags;
  out.image_size_in_bytes = static_cast<int64_t>(image.size_bytes);
  out.image_pushed_at = image.pushed;
  out.image_manifest_media_type = image.media_type;
  if (!image.artifact_type.empty()) out.artifact_media_type = image.artifact_type;
  if (!image.subject.empty()) out.subject_manifest_digest = image.subject;
  out.last_recorded_pull_time = image.pulled;
  out.image_status = "ACTIVE";
  return out;
}

ecr::DescribeImagesResponse describe_images(Registry& r, Context& c, const ecr::DescribeImagesRequest& in) {
  const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
  const std::string status = in.filter ? in.filter->tag_status.value_or("ANY") : "ANY";
  const bool active = wants_active(in.filter ? in.filter->image_status.value_or("") : "");
  std::vector<ecr::ImageDetail> details;
  if (in.image_ids) {
    r.repository(name);
    for (const ecr::ImageIdentifier& id : *in.image_ids) {
      const auto image = r.find_image(name, id.image_digest.value_or(""), id.image_tag.value_or(""));
      if (!image)
        throw Error(ErrorKind::missing, "ImageNotFoundException",
                    "The image with imageId " + described(id) + " does not exist within the repository with name '" +
                        name.name + "' in the registry with id '" + name.account + "'");
      if (active && wanted(*image, status)) details.push_back(detail_of(name, *image));
    }
  } else {
    for (const StoredImage& image : r.images(name))
      if (active && wanted(image, status)) details.push_back(detail_of(name, image));
  }
  ecr::DescribeImagesResponse out;
  out.next_token = cut_to_page(details, in.next_token, in.max_results);
  out.image_details = std::move(details);
  return out;
}

void register_images(api::Operations& o, Registry& r) {
  o.on<op::PutImage>([&](Context& c, const auto& in) {
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    const StoredImage image = r.put_image(name, c.principal.arn,
                                          {in.image_manifest, in.image_manifest_media_type.value_or(""),
                                           in.image_tag.value_or(""), in.image_digest.value_or("")});
    return ecr::PutImageResponse{image_of(name, image, in.image_tag)};
  });
  o.on<op::BatchGetImage>([&](Context& c, const auto& in) { return batch_get_image(r, c, in); });
  o.on<op::ListImages>([&](Context& c, const auto& in) { return list_images(r, c, in); });
  o.on<op::DescribeImages>([&](Context& c, const auto& in) { return describe_images(r, c, in); });
  o.on<op::BatchDeleteImage>([&](Context& c, const auto& in) {
    return r.remove_images(name_of(c, in.registry_id, in.repository_name), c.principal.arn, in.image_ids);
  });
}

// ---- layers ----

// The bytes of a part that came within a request.
class PartBody : public api::BodySource {
 public:
  explicit PartBody(std::string_view bytes) : left_(bytes) {}
  std::size_t read(char* into, std::size_t size_bytes) override {
    const std::size_t n = left_.copy(into, size_bytes);
    left_.remove_prefix(n);
    return n;
  }
  std::optional<uint64_t> size_bytes() const override { return left_.size(); }

 private:
  std::string_view left_;
};

ecr::BatchCheckLayerAvailabilityResponse check_layers(Registry& r, Context& c,
                                                      const ecr::BatchCheckLayerAvailabilityRequest& in) {
  const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
  r.repository(name);
  ecr::BatchCheckLayerAvailabilityResponse out;
  out.layers.emplace();
  out.failures.emplace();
  for (const std::string& digest : in.layer_digests) {
    if (digest.empty()) {
      out.failures->push_back({digest, "MissingLayerDigest", "Invalid request parameters: the digest is missing"});
      continue;
    }
    if (!compute::is_digest(digest)) {
      out.failures->push_back({digest, "InvalidLayerDigest", "Invalid layer digest"});
      continue;
    }
    ecr::Layer layer;
    layer.layer_digest = digest;
    layer.layer_availability = "UNAVAILABLE";
    if (const auto found = r.find_layer(name, digest)) {
      layer.layer_availability = "AVAILABLE";
      layer.layer_size = static_cast<int64_t>(found->size_bytes);
      if (!found->media_type.empty()) layer.media_type = found->media_type;
    }
    out.layers->push_back(std::move(layer));
  }
  return out;
}

ecr::UploadLayerPartResponse upload_part(Registry& r, Context& c, const ecr::UploadLayerPartRequest& in) {
  const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
  const std::string& bytes = in.layer_part_blob.bytes;
  if (in.part_last_byte - in.part_first_byte + 1 != static_cast<int64_t>(bytes.size()))
    invalid_parameter("Invalid parameter at 'partLastByte' failed to satisfy constraint: 'The part has " +
                      std::to_string(bytes.size()) + " bytes'");
  PartBody body(bytes);
  const uint64_t size = r.append(name, in.upload_id, static_cast<uint64_t>(in.part_first_byte), body);
  return {name.account, name.name, in.upload_id, static_cast<int64_t>(size) - 1};
}

ecr::GetDownloadUrlForLayerResponse download_url(Registry& r, Context& c,
                                                 const ecr::GetDownloadUrlForLayerRequest& in) {
  const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
  r.repository(name);
  if (!r.find_layer(name, in.layer_digest))
    throw Error(ErrorKind::missing, "LayersNotFoundException",
                "The layer with digest '" + in.layer_digest + "' does not exist in the repository with name '" +
                    name.name + "' in the registry with id '" + name.account + "'");
  const std::string endpoint = c.endpoint.empty() ? "http://" + r.host() : c.endpoint;
  return {endpoint + "/v2/" + name.name + "/blobs/" + in.layer_digest + "?" +
              sign_layer(r.signing_key(), name, in.layer_digest,
                         c.now + std::chrono::seconds(limits::layer_url_lifetime_s)),
          in.layer_digest};
}

void register_layers(api::Operations& o, Registry& r) {
  o.on<op::BatchCheckLayerAvailability>([&](Context& c, const auto& in) { return check_layers(r, c, in); });
  o.on<op::InitiateLayerUpload>([&](Context& c, const auto& in) {
    return ecr::InitiateLayerUploadResponse{r.begin_upload(name_of(c, in.registry_id, in.repository_name)),
                                            static_cast<int64_t>(limits::layer_part_size_bytes)};
  });
  o.on<op::UploadLayerPart>([&](Context& c, const auto& in) { return upload_part(r, c, in); });
  o.on<op::CompleteLayerUpload>([&](Context& c, const auto& in) {
    const RepositoryName name = name_of(c, in.registry_id, in.repository_name);
    if (in.layer_digests.size() != 1)
      invalid_parameter("Invalid parameter at 'layerDigests' failed to satisfy constraint: 'One digest is needed'");
    r.complete_upload(name, c.principal.arn, in.upload_id, in.layer_digests[0]);
    return ecr::CompleteLayerUploadResponse{name.account, name.name, in.upload_id, in.layer_digests[0]};
  });
  o.on<op::GetDownloadUrlForLayer>([&](Context& c, const auto& in) { return download_url(r, c, in); });
}

}  // namespace

void register_ecr(api::Operations& operations, Registry& registry, govern::Identities& identities) {
  register_repositories(operations, registry);
  register_repository_policies(operations, registry);
  register_registry(operations, registry, identities);
  register_images(operations, registry);
  register_layers(operations, registry);
}

}  // namespace tarn::gateway
