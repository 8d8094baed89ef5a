// The limits of container images. AWS's own limits keep AWS's numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::limits {

inline constexpr uint64_t max_manifest_size_bytes = 4ull * 1024 * 1024;
inline constexpr std::size_t max_manifest_entries = 4096;                     // layers, or images of an index
inline constexpr uint64_t layer_part_size_bytes = 10ull * 1024 * 1024;        // what clients are told to send
inline constexpr uint64_t max_layer_size_bytes = 52ull * 1024 * 1024 * 1024;  // 52,000 MiB, about
inline constexpr std::size_t max_layer_parts = 4200;
inline constexpr std::size_t max_image_tags = 1000;  // of one image
inline constexpr std::size_t max_repository_tags = 50;
inline constexpr uint64_t max_tar_header_size_bytes = 1024ull * 1024;  // of a name, or of a pax header
inline constexpr uint64_t max_image_files = 2'000'000;
inline constexpr uint64_t max_unpacked_image_size_bytes = 10ull * 1024 * 1024 * 1024;  // as Lambda has it
inline constexpr uint64_t max_image_config_size_bytes = 4ull * 1024 * 1024;
inline constexpr int64_t registry_token_lifetime_s = 12 * 3600;
inline constexpr int64_t layer_url_lifetime_s = 3600;
inline constexpr int64_t layer_upload_lifetime_s = 24 * 3600;

}  // namespace tarn::limits
