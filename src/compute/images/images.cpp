// The images of a repository: manifests by digest, and the tags that name them.
#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"
#include "compute/images/lifecycle_policy.hpp"
#include "compute/images/limits.hpp"
#include "compute/images/records.hpp"
#include "compute/images/registry.hpp"

namespace tarn::compute {
namespace {

namespace ecr = api::ecr;

std::string where(const RepositoryName& name) {
  return "the repository with name '" + name.name + "' in the registry with id '" + name.account + "'";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + text;
  return out + "]";
}

bool may_move(const ecr::Repository& repository, std::string_view tag) {
  const std::string mutability = repository.image_tag_mutability.value_or("MUTABLE");
  bool excluded = false;
  if (repository.image_tag_mutability_exclusion_filters)
    for (const auto& filter : *repository.image_tag_mutability_exclusion_filters)
      excluded |= matches_tag_pattern(filter.filter, tag);
  if (mutability.starts_with("IMMUTABLE")) return mutability == "IMMUTABLE_WITH_EXCLUSION" && excluded;
  return mutability != "MUTABLE_WITH_EXCLUSION" || !excluded;
}

void check_tag(const std::string& tag) {
  auto good = [](char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-'; };
  if (tag.size() > 128 || tag[0] == '.' || tag[0] == '-' || !std::all_of(tag.begin(), tag.end(), good))
    throw Error(ErrorKind::caller, "InvalidParameterException",
                "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression "
                "'[a-zA-Z0-9_][a-zA-Z0-9-_.]{0,127}''");
}

// What the image refers to must be there.
void check_references(meta::Reader& reader, const RepositoryName& name, const Manifest& manifest) {
  std::vector<std::string> missing;
  for (const BlobReference& image : manifest.images)
    if (!reader.get(image_kind, name.key(image.digest))) missing.push_back(image.digest);
  if (!missing.empty())
    throw Error(ErrorKind::missing, "ReferencedImagesNotFoundException",
                "Images with digests '" + joined(missing) + "' required for pushing image into " + where(name) +
                    " do not exist");
  std::vector<const BlobReference*> blobs;
  for (const BlobReference& layer : manifest.layers) blobs.push_back(&layer);
  if (manifest.config) blobs.push_back(&*manifest.config);
  for (const BlobReference* blob : blobs) {
    auto layer = reader.get(image_layer_kind, name.key(blob->digest));
    if (!layer || static_cast<uint64_t>(layer->int_or("Size")) != blob->size_bytes) missing.push_back(blob->digest);
  }
  if (!missing.empty())
    throw Error(ErrorKind::missing, "LayersNotFoundException",
                "Layers with digests '" + joined(missing) + "' required for pushing image into " + where(name) +
                    " do not exist");
}

// A layer has the type that the first manifest gave it.
void note_media_types(meta::Transaction& t, const RepositoryName& name, const Manifest& manifest) {
  for (const BlobReference& blob : manifest.layers) {
    auto layer = t.get(image_layer_kind, name.key(blob.digest));
    if (!layer || !layer->string_or("MediaType").empty()) continue;
    layer->set("MediaType", blob.media_type);
    t.put(image_layer_kind, name.key(blob.digest), *layer);
  }
}

}  // namespace

std::optional<StoredImage> Registry::read_image(meta::Reader& reader, const RepositoryName& name,
                                                const std::string& digest) const {
  auto found = reader.get(image_kind, name.key(digest));
  if (!found) return std::nullopt;
  StoredImage out;
  out.digest = digest;
  out.manifest = found->string_or("Manifest");
  out.media_type = found->string_or("MediaType");
  out.artifact_type = found->string_or("ArtifactType");
  out.subject = found->string_or("Subject");
  out.size_bytes = static_cast<uint64_t>(found->int_or("Size"));
  out.pushed = found->at("Pushed").as_time();
  if (const Value* pulled = found->find("Pulled")) out.pulled = pulled->as_time();
  if (const Value* tags = found->find("Tags"))
    for (const Value& tag : tags->as_list()) out.tags.push_back(tag.as_string());
  return out;
}

namespace {

void write_image(meta::Transaction& t, const RepositoryName& name, const StoredImage& image) {
  Value tags = Value::list();
  for (const std::string& tag : image.tags) tags.push_back(tag);
  Value v = Value::map({{"Manifest", image.manifest},
                        {"MediaType", image.media_type},
                        {"ArtifactType", image.artifact_type},
                        {"Subject", image.subject},
                        {"Size", image.size_bytes},
                        {"Pushed", image.pushed},
                        {"Tags", std::move(tags)}});
  if (image.pulled) v.set("Pulled", *image.pulled);
  t.put(image_kind, name.key(image.digest), v);
}

}  // namespace

StoredImage Registry::put_image(const RepositoryName& name, std::string_view actor, const NewImage& in) {
  const Manifest manifest = parse_manifest(in.manifest, in.media_type);
  const std::string digest = digest_of(in.manifest);
  if (!in.digest.empty() && in.digest != digest)
    throw Error(ErrorKind::caller, "ImageDigestDoesNotMatchException",
                "The digest specified '" + in.digest + "' does not match the calculated digest '" + digest + "'");
  if (!in.tag.empty()) check_tag(in.tag);
  StoredImage out;
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    require(t, name);
    const ecr::Repository repository = api::from<ecr::Repository>(t.get(repository_kind, name.key())->at("Repository"));
    auto present = read_image(t, name, digest);
    std::string tagged;  // which image the tag names now
    if (!in.tag.empty())
      if (auto tag = t.get(tag_kind, name.key(in.tag))) tagged = tag->string_or("Digest");
    if (present && (in.tag.empty() || tagged == digest))
      throw Error(ErrorKind::conflict, "ImageAlreadyExistsException",
                  "Image with digest '" + digest + "'" + (in.tag.empty() ? "" : " and tag '" + in.tag + "'") +
                      " already exists in " + where(name));
    if (!tagged.empty() && !may_move(repository, in.tag))
      throw Error(ErrorKind::conflict, "ImageTagAlreadyExistsException",
                  "The image tag '" + in.tag + "' already exists in the '" + name.name +
                      "' repository and cannot be overwritten because the tag is immutable.");
    check_references(t, name, manifest);
    if (!tagged.empty())
      if (auto other = read_image(t, name, tagged)) {
        std::erase(other->tags, in.tag);
        write_image(t, name, *other);
      }
    out = present ? *present : StoredImage{digest,           in.manifest, manifest.media_type,   manifest.artifact_type,
                                           manifest.subject, {},          manifest.size_bytes(), p_.clock.now(),
                                           std::nullopt};
    if (!in.tag.empty()) {
      if (out.tags.size() >= limits::max_image_tags)
        throw Error(ErrorKind::limit, "LimitExceededException", "An image has at most 1000 tags.");
      out.tags.push_back(in.tag);
      t.put(tag_kind, name.key(in.tag), Value::map({{"Digest", digest}}));
    }
    note_media_types(t, name, manifest);
    write_image(t, name, out);
  });
  return out;
}

std::optional<StoredImage> Registry::find_image(const RepositoryName& name, const std::string& digest,
                                                const std::string& tag) const {
  std::string wanted = digest;
  if (!tag.empty()) {
    auto found = p_.metadata.get(tag_kind, name.key(tag));
    if (!found) return std::nullopt;
    const std::string named = found->string_or("Digest");
    if (!digest.empty() && digest != named) return std::nullopt;
    wanted = named;
  }
  return read_image(p_.metadata, name, wanted);
}

std::vector<StoredImage> Registry::images(const RepositoryName& name) const {
  require(p_.metadata, name);
  std::vector<StoredImage> out;
  for (const std::string& key : p_.metadata.keys(image_kind, name.prefix()))
    if (auto image = read_image(p_.metadata, name, meta::key_parts(key).back())) out.push_back(*std::move(image));
  return out;
}

void Registry::note_pull(const RepositoryName& name, const std::string& digest) {
  p_.metadata.change_quietly([&](meta::Transaction& t) {
    if (auto image = read_image(t, name, digest)) {
      image->pulled = p_.clock.now();
      write_image(t, name, *image);
    }
  });
}

std::vector<std::string> Registry::drop_unused_layers(meta::Transaction& t, const RepositoryName& name) const {
  std::set<std::string> needed;
  for (const meta::Record& image : t.list(image_kind, name.prefix())) {
    const Manifest manifest = parse_manifest(image.value.string_or("Manifest"), image.value.string_or("MediaType"));
    for (const BlobReference& layer : manifest.layers) needed.insert(layer.digest);
    if (manifest.config) needed.insert(manifest.config->digest);
  }
  std::vector<std::string> loose;
  for (const meta::Record& layer : t.list(image_layer_kind, name.prefix())) {
    if (needed.contains(meta::key_parts(layer.key).back())) continue;
    loose.push_back(layer.value.string_or("Object"));
    t.put(loose_object_kind, loose.back(), Value::map());
    t.erase(image_layer_kind, layer.key);
  }
  return loose;
}

ecr::BatchDeleteImageResponse Registry::remove_images(const RepositoryName& name, std::string_view actor,
                                                      const std::vector<ecr::ImageIdentifier>& ids) {
  ecr::BatchDeleteImageResponse out;
  out.image_ids.emplace();
  out.failures.emplace();
  std::vector<std::string> loose;
  auto fail = [&](const ecr::ImageIdentifier& id, const char* code, const std::string& why) {
    out.failures->push_back({id, code, why});
  };
  // An image that an index names stays, unless the index goes in the same request.
  auto index_of = [&](meta::Reader& reader, const std::string& digest) -> std::string {
    for (const meta::Record& r : reader.list(image_kind, name.prefix()))
      for (const BlobReference& image :
           parse_manifest(r.value.string_or("Manifest"), r.value.string_or("MediaType")).images)
        if (image.digest == digest) return meta::key_parts(r.key).back();
    return {};
  };
  auto remove_whole = [&](meta::Transaction& t, const StoredImage& image, const ecr::ImageIdentifier& id) {
    if (const std::string index = index_of(t, image.digest); !index.empty())
      return fail(id, "ImageReferencedByManifestList", "Requested image referenced by manifest list: [" + index + "]");
    for (const std::string& tag : image.tags) {
      t.erase(tag_kind, name.key(tag));
      out.image_ids->push_back({image.digest, tag});
    }
    if (image.tags.empty()) out.image_ids->push_back({image.digest, std::nullopt});
    t.erase(image_kind, name.key(image.digest));
  };
  auto remove_one = [&](meta::Transaction& t, const ecr::ImageIdentifier& id) {
    const std::string digest = id.image_digest.value_or(""), tag = id.image_tag.value_or("");
    if (digest.empty() && tag.empty())
      return fail(id, "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null");
    if (!digest.empty() && !is_digest(digest))
      return fail(id, "InvalidImageDigest",
                  "Invalid request parameters: image digest should satisfy the regex "
                  "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'");
    std::string named = digest;
    if (!tag.empty()) {
      auto found = t.get(tag_kind, name.key(tag));
      if (!found) return fail(id, "ImageNotFound", "Requested image not found");
      named = found->string_or("Digest");
      if (!digest.empty() && named != digest)
        return fail(id, "ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest");
    }
    auto image = read_image(t, name, named);
    if (!image) return fail(id, "ImageNotFound", "Requested image not found");
    if (tag.empty() || image->tags.size() == 1) return remove_whole(t, *image, id);
    std::erase(image->tags, tag);
    write_image(t, name, *image);
    t.erase(tag_kind, name.key(tag));
    out.image_ids->push_back({named, tag});
  };
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    require(t, name);
    // Indexes first, so that their images may go with them.
    std::vector<const ecr::ImageIdentifier*> order;
    for (bool indexes : {true, false})
      for (const auto& id : ids) {
        const std::string tag = id.image_tag.value_or("");
        auto tagged = tag.empty() ? std::nullopt : t.get(tag_kind, name.key(tag));
        auto image = read_image(t, name, tagged ? tagged->string_or("Digest") : id.image_digest.value_or(""));
        const bool is_index = image && (image->media_type == docker_list_type || image->media_type == oci_index_type);
        if (is_index == indexes) order.push_back(&id);
      }
    for (const auto* id : order) remove_one(t, *id);
    loose = drop_unused_layers(t, name);
  });
  discard(loose);
  return out;
}

}  // namespace tarn::compute
