// Where the registry's records stand in the metadata store.
//
//   ecr.repository   account, region, name           {Repository, Tags, Policy, LifecyclePolicy, LifecycleEvaluated}
//   ecr.image        account, region, name, digest   {Manifest, MediaType, Size, Pushed, Pulled}
//   ecr.tag          account, region, name, tag      {Digest}
//   ecr.layer        account, region, name, digest   {Object, Size, MediaType}
//   ecr.upload       account, region, name, id       {Started, Parts: [{Object, Size, Digest}]}
//   ecr.loose        object                          an object that nothing refers to, now or yet
//   ecr.registry     account, region                 {Policy}
//   ecr.signing_key  "key"                           {Key}
#pragma once

#include <string_view>

namespace tarn::compute {

inline constexpr std::string_view repository_kind = "ecr.repository";
inline constexpr std::string_view image_kind = "ecr.image";
inline constexpr std::string_view tag_kind = "ecr.tag";
inline constexpr std::string_view image_layer_kind = "ecr.layer";
inline constexpr std::string_view upload_kind = "ecr.upload";
inline constexpr std::string_view loose_object_kind = "ecr.loose";
inline constexpr std::string_view registry_kind = "ecr.registry";
inline constexpr std::string_view signing_key_kind = "ecr.signing_key";

// No account has this name, and no bucket of S3's may have that one.
inline constexpr std::string_view layer_bucket = "ecr:layers";

}  // namespace tarn::compute
