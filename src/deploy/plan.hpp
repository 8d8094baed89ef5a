// What is settled about a template before anything is done: whether tarn has all that it declares, what it needs the
// caller to acknowledge, and what an update of a stack by it would change.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "deploy/resource_type.hpp"
#include "deploy/stack_records.hpp"
#include "deploy/template.hpp"

namespace tarn::deploy {

// Throws Error (caller, ValidationError) that names every resource whose type or properties tarn does not have, or are
// wrong, by type, property, logical id and line.
void check_resources(const Evaluation& evaluation, const ResourceTypes& types);

// Throws Error (caller, InsufficientCapabilitiesException). `macros` says whether transforms count: they need not be
// acknowledged where a change set shows what came of them.
void check_capabilities(const std::vector<std::string>& needed, const std::vector<std::string>& given, bool macros);
// Throws Error (caller, ValidationError) where a resource is of a type that `allowed` ("AWS::S3::*") leaves out.
void check_resource_types(const Evaluation& evaluation, const std::vector<std::string>& allowed);

// What an update changes, in the template's order, what is removed last. `tags_changed`: the stack's own.
std::vector<api::cloudformation::Change> changes_of(const Evaluation& after, const Template* before,
                                                    const ParameterValues& parameters_before,
                                                    const std::map<std::string, ResourceRecord>& resources,
                                                    const ResourceTypes& types, bool tags_changed);

}  // namespace tarn::deploy
