// A lake file as a CloudFormation template that AWS accepts too.
#pragma once

#include "base/value.hpp"
#include "deploy/lake/lake_file.hpp"

namespace tarn::deploy {

// A file that must lie in the bucket that the template's parameter AssetsBucket names before the stack is made.
struct LakeAsset {
  std::string key;  // named for its bytes: the same key always has the same ones
  std::string bytes;
};

struct LakeTemplate {
  std::string stack_name;
  Value body;  // has the parameter AssetsBucket where `assets` is not empty
  std::vector<LakeAsset> assets;
};

// `files` hold the pipelines' folders that `lake` names. Throws as read_lake_file does.
LakeTemplate lake_template(const LakeFile& lake, const SourceFiles& files);

}  // namespace tarn::deploy
