// Manifests of images ("Image Manifest V 2, Schema 2" of Docker; "OCI Image Manifest Specification" and "OCI Image
// Index Specification" 1.1), and references to images.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::compute {

inline constexpr std::string_view docker_manifest_type = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_list_type = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view oci_manifest_type = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_index_type = "application/vnd.oci.image.index.v1+json";

struct BlobReference {
  std::string digest;  // "sha256:…"
  std::string media_type;
  uint64_t size_bytes = 0;
  std::string platform_os, platform_architecture;  // of an index's image, where it tells
};

struct Manifest {
  std::string media_type;
  std::string artifact_type;            // of what is no image; empty
  std::string subject;                  // digest of the image that this one is about; empty
  std::optional<BlobReference> config;  // none: an index
  std::vector<BlobReference> layers;    // the lowest first; those that stand elsewhere (foreign ones) left out
  std::vector<BlobReference> images;    // of an index

  bool is_index() const { return !config; }
  // Of the layers and the configuration.
  uint64_t size_bytes() const;
};

// Reads a manifest. `media_type` is what the client says it is; empty: the manifest tells. What is none, and types that
// tarn does not have, throw Error (caller, InvalidParameterException).
Manifest parse_manifest(std::string_view text, std::string_view media_type);

// Whether it is "sha256:" and 64 digits.
bool is_digest(std::string_view text);
// "sha256:…" of these bytes.
std::string digest_of(std::string_view bytes);

// An image by name.
struct ImageReference {
  std::string account, region;  // empty: the caller's own
  std::string repository;
  std::string tag, digest;  // one of them, or both
};

// Reads "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG", with any end of the host and any port, "HOST/NAME:TAG" and
// "…/NAME@sha256:…". Absent where it is no such text. A reference without tag and digest means the tag "latest".
std::optional<ImageReference> parse_image_reference(std::string_view text);

}  // namespace tarn::compute
