// CloudFormation's own limits ("CloudFormation quotas", User Guide), with their units in their names.
#pragma once

#include <cstddef>

namespace tarn::deploy::limits {

inline constexpr std::size_t max_template_body_size_bytes = 51'200;  // sent in a request
inline constexpr std::size_t max_template_size_bytes = 1024 * 1024;  // read from a URL
inline constexpr std::size_t max_template_depth = 128;               // ours: maps and lists within each other
inline constexpr std::size_t max_position_path_size_bytes = 2048;    // ours: deeper parts take the position around them
inline constexpr std::size_t max_template_description_size_bytes = 1024;
inline constexpr std::size_t max_resources = 500;
inline constexpr std::size_t max_parameters = 200;
inline constexpr std::size_t max_outputs = 200;
inline constexpr std::size_t max_mappings = 200;
inline constexpr std::size_t max_mapping_attributes = 200;
inline constexpr std::size_t max_name_size_bytes = 255;  // of parameters, resources, outputs, mappings
inline constexpr std::size_t max_parameter_value_size_bytes = 4096;
inline constexpr std::size_t max_loop_nodes = 500'000;            // ours: what Fn::ForEach may make, all in all
inline constexpr std::size_t max_literal_name_steps = 5'000'000;  // ours: looked at for circles that names would make
inline constexpr std::size_t max_mapped_size_bytes = 4 * 1024 * 1024;  // ours: what Fn::FindInMap gives to one resource
inline constexpr int max_cidr_blocks = 256;

}  // namespace tarn::deploy::limits
