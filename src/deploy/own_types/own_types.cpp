#include "deploy/own_types/own_types.hpp"

#include <algorithm>

namespace tarn::deploy {
namespace {

// What is nothing but its record.
class RecordType : public ResourceType {
 public:
  explicit RecordType(std::string name, bool has_check) : name_(std::move(name)), has_check_(has_check) {}
  std::string_view name() const override { return name_; }
  std::vector<PropertyProblem> check(const Value& properties) const override {
    return has_check_ ? check_members(properties, {"Analytics", "Modules"}, {}) : std::vector<PropertyProblem>();
  }
  bool has_attribute(std::string_view) const override { return false; }
  Replacement replacement(std::string_view) const override { return Replacement::never; }
  Progress create(const Action& action, const Value&, const Value&) const override {
    Progress out;
    out.physical_id = generated_name(action, 255);
    return out;
  }
  Progress update(const Action&, const std::string& id, const Value&, const Value&, const Value&) const override {
    Progress out;
    out.physical_id = id;
    return out;
  }
  Progress remove(const Action&, const std::string& id, const Value&, const Value&) const override {
    Progress out;
    out.physical_id = id;
    return out;
  }

 private:
  std::string name_;
  bool has_check_;
};

}  // namespace

std::vector<PropertyProblem> check_members(const Value& properties, const std::vector<std::string_view>& known,
                                           const std::vector<std::string_view>& required) {
  std::vector<PropertyProblem> out;
  for (const ValueMember& m : properties.as_map())
    if (std::find(known.begin(), known.end(), m.key) == known.end() && !m.key.starts_with("Fn::"))
      out.push_back({PropertyProblem::Kind::unknown, "/" + m.key, "Encountered unsupported property " + m.key});
  for (std::string_view name : required)
    if (!properties.find(name))
      out.push_back({PropertyProblem::Kind::missing, "/" + std::string(name),
                     "Property " + std::string(name) + " cannot be empty."});
  return out;
}

std::unique_ptr<ResourceType> make_inert_type(std::string name) {
  return std::make_unique<RecordType>(std::move(name), false);
}

void add_own_types(ResourceTypes& types, Stacks& stacks, meta::Metadata& metadata, Clock&) {
  const Answers answers(metadata);
  types.add(make_nested_stack_type(stacks));
  types.add(make_custom_resource_type(answers));
  types.add(make_wait_condition_type(answers));
  types.add(make_wait_condition_handle_type(answers));
  types.add(std::make_unique<RecordType>("AWS::CDK::Metadata", true));
}

}  // namespace tarn::deploy
