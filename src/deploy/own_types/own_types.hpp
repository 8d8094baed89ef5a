// CloudFormation's own resource types: nested stacks, custom resources, wait conditions, records.
#pragma once

#include <memory>
#include <string>

#include "deploy/answers.hpp"
#include "deploy/resource_type.hpp"

namespace tarn::deploy {

class Stacks;

// All but the inert ones. What is passed outlives the types.
void add_own_types(ResourceTypes& types, Stacks& stacks, meta::Metadata& metadata, Clock& clock);

std::unique_ptr<ResourceType> make_nested_stack_type(Stacks& stacks);
std::unique_ptr<ResourceType> make_custom_resource_type(Answers answers);
std::unique_ptr<ResourceType> make_wait_condition_type(Answers answers);
std::unique_ptr<ResourceType> make_wait_condition_handle_type(Answers answers);
// Of these there is only a record: whatever properties are given, a physical id is made up.
std::unique_ptr<ResourceType> make_inert_type(std::string name);

// The members of `properties` that are not among `known`, and those of `required` that are missing.
std::vector<PropertyProblem> check_members(const Value& properties, const std::vector<std::string_view>& known,
                                           const std::vector<std::string_view>& required);

}  // namespace tarn::deploy
