// The registry of container images ("Amazon ECR API Reference"): repositories, their images, and the layers that these
// are made of.
//
// Manifests and tags are records of the metadata store. Layers are objects of a bucket that no account owns, each under
// a name of its own, so a layer that is removed and one that is pushed again meanwhile never meet. An object that is
// being written, or that nothing refers to any more, is named by a record until it is there or gone: a crash leaves
// nothing behind.
//
// Thread-safe. What returned is on disk. Errors: Error with ECR's codes (RepositoryNotFoundException,
// LayersNotFoundException, InvalidLayerException ...).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ecr.hpp"
#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "compute/images/manifest.hpp"
#include "govern/authority.hpp"
#include "meta/metadata.hpp"
#include "store/store.hpp"

namespace tarn::compute {

struct RepositoryName {
  std::string account, region, name;
  std::string arn() const { return "arn:aws:ecr:" + region + ":" + account + ":repository/" + name; }
  std::string key() const { return meta::key({account, region, name}); }
  std::string prefix() const { return meta::prefix({account, region, name}); }
  std::string key(std::string_view what) const { return meta::key({account, region, name, what}); }
};

struct RepositoryRecord {
  api::ecr::Repository repository;  // without its URI
  std::map<std::string, std::string> tags;
  std::optional<std::string> policy, lifecycle_policy;
  std::optional<Time> lifecycle_evaluated;
};

struct StoredImage {
  std::string digest, manifest, media_type, artifact_type, subject;
  std::vector<std::string> tags;
  uint64_t size_bytes = 0;  // of its layers and configuration
  Time pushed;
  std::optional<Time> pulled;
};

struct StoredLayer {
  std::string object;  // its name in the bucket
  uint64_t size_bytes = 0;
  std::string media_type;  // as the first manifest that named it says; empty
};

class Registry {
 public:
  struct Parts {
    meta::Metadata& metadata;
    store::Store& store;
    const govern::Authority& authority;
    Clock& clock;
    Random& random;
  };

  // All that is passed outlives it.
  explicit Registry(Parts parts);
  // `host` ("127.0.0.1:4566") is where clients reach it. Removes what interrupted uploads left.
  void start(std::string host);
  const std::string& host() const { return host_; }

  // ---- repositories ----
  // `kms_key_arn` is set where the layers are to be encrypted by that key.
  RepositoryRecord create(const RepositoryName& name, std::string_view actor,
                          const api::ecr::CreateRepositoryRequest& in, const std::string& kms_key_arn);
  RepositoryRecord repository(const RepositoryName& name) const;
  // In the order of names, from after `after`.
  std::vector<RepositoryRecord> repositories(std::string_view account, std::string_view region, std::string_view after,
                                             std::size_t limit) const;
  // Of all accounts and regions.
  std::vector<RepositoryName> with_lifecycle_policy() const;
  RepositoryRecord change(const RepositoryName& name, std::string_view actor,
                          const std::function<void(RepositoryRecord&)>& change);
  // RepositoryNotEmptyException where it has images and `force` is not said.
  RepositoryRecord remove(const RepositoryName& name, std::string_view actor, bool force);

  // ---- images ----
  struct NewImage {
    std::string manifest, media_type, tag, digest;  // the last three may be empty
  };
  StoredImage put_image(const RepositoryName& name, std::string_view actor, const NewImage& image);
  // By digest, or by tag. Absent where there is none.
  std::optional<StoredImage> find_image(const RepositoryName& name, const std::string& digest,
                                        const std::string& tag) const;
  // All of them, by digest.
  std::vector<StoredImage> images(const RepositoryName& name) const;
  // Notes that it was pulled now.
  void note_pull(const RepositoryName& name, const std::string& digest);
  // What BatchDeleteImage answers. Layers that no image of the repository needs any more go too.
  api::ecr::BatchDeleteImageResponse remove_images(const RepositoryName& name, std::string_view actor,
                                                   const std::vector<api::ecr::ImageIdentifier>& ids);

  // ---- layers ----
  std::optional<StoredLayer> find_layer(const RepositoryName& name, const std::string& digest) const;
  // nullptr where the repository has no such layer.
  std::unique_ptr<store::ObjectReader> open_layer(const RepositoryName& name, const std::string& digest) const;
  // Makes a layer of another repository this one's too. False where that has none.
  bool mount_layer(const RepositoryName& from, const RepositoryName& to, std::string_view actor,
                   const std::string& digest);
  // Returns the upload's id.
  std::string begin_upload(const RepositoryName& name);
  // The bytes that it has so far. UploadNotFoundException.
  uint64_t upload_size_bytes(const RepositoryName& name, const std::string& upload_id) const;
  // Reads `bytes` to their end as the next part. `first_byte`, where given, must be the next one:
  // InvalidLayerPartException. Returns the upload's new size.
  uint64_t append(const RepositoryName& name, const std::string& upload_id, std::optional<uint64_t> first_byte,
                  api::BodySource& bytes);
  // InvalidLayerException where the digest is another. LayerAlreadyExistsException ends the upload, too.
  void complete_upload(const RepositoryName& name, std::string_view actor, const std::string& upload_id,
                       const std::string& digest);
  void cancel_upload(const RepositoryName& name, const std::string& upload_id);

  // ---- the registry of an account and region ----
  std::optional<std::string> registry_policy(std::string_view account, std::string_view region) const;
  // Absent: removes it.
  void set_registry_policy(std::string_view account, std::string_view region, std::string_view actor,
                           const std::optional<std::string>& text);
  // The key by which URLs of layers are signed.
  std::string signing_key();

 private:
  struct Written {
    uint64_t size_bytes = 0;
    std::string digest;
  };
  void require(meta::Reader& reader, const RepositoryName& name) const;
  std::optional<StoredImage> read_image(meta::Reader& reader, const RepositoryName& name,
                                        const std::string& digest) const;
  std::string new_object(const RepositoryName& name);
  Written write_object(const std::string& object, const std::string& kms_key_arn, api::BodySource& bytes,
                       uint64_t at_most_bytes);
  std::string kms_key_of(const RepositoryName& name) const;
  // Of the layers that no image needs. Returns their objects.
  std::vector<std::string> drop_unused_layers(meta::Transaction& t, const RepositoryName& name) const;
  void discard(const std::vector<std::string>& objects);
  void ensure_bucket();

  Parts p_;
  store::Grant grant_;
  std::string host_;
};

}  // namespace tarn::compute
