// What all parts of a lake's template share: names, resources, assets.
#pragma once

#include "deploy/lake/lake_template.hpp"

namespace tarn::deploy {

class LakeBuilder {
 public:
  LakeBuilder(const LakeFile& of, const SourceFiles& beside) : lake(of), files(beside) {}

  const LakeFile& lake;
  const SourceFiles& files;
  Value resources = Value::map();
  Value outputs = Value::map();
  std::vector<LakeAsset> assets;
  // Logical id of a bucket → its LambdaConfigurations, and the permissions that must be there before.
  std::map<std::string, std::pair<ValueList, ValueList>> notifications;

  // "shop-sales-orders-dev": the lake's name, the parts, the stage.
  std::string named(std::initializer_list<std::string> parts) const;
  std::string bucket_name(const LakeDomain& domain, const std::string& layer) const;
  std::string database_name(const LakeDomain& domain) const;
  // "SalesRawBucket"
  static std::string id(std::initializer_list<std::string> parts);

  Value& add(const std::string& logical_id, const std::string& type, Value properties);
  // The lake's tags as a list of Key and Value, or as a map.
  Value tags() const;
  Value tag_map() const;
  // Gives the key.
  std::string asset(std::string bytes, const std::string& suffix);

  // A role that `service` (or the account, where it is empty) may take, with one policy.
  void add_role(const std::string& logical_id, const std::string& name, const std::string& service, Value statements);

  static Value ref(const std::string& logical_id) { return Value::map({{"Ref", logical_id}}); }
  static Value arn_of(const std::string& logical_id, const char* attribute = "Arn") {
    return Value::map({{"Fn::GetAtt", Value::list({logical_id, attribute})}});
  }
  static Value sub(const std::string& text) { return Value::map({{"Fn::Sub", text}}); }
  static Value allow(std::initializer_list<Value> actions, Value on) {
    return Value::map({{"Effect", "Allow"}, {"Action", ValueList(actions)}, {"Resource", std::move(on)}});
  }
};

// The resources of one pipeline, from its folder.
void add_pipeline(LakeBuilder& builder, const LakeDomain& domain, const std::string& folder);

}  // namespace tarn::deploy
