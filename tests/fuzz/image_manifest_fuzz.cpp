// Manifests of images, references to images, and lifecycle policies of their repositories.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "compute/images/lifecycle_policy.hpp"
#include "compute/images/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    tarn::compute::parse_image_reference(text);
    tarn::compute::parse_manifest(text, "");
  } catch (const tarn::Error&) {
  }
  try {
    tarn::compute::check_image_lifecycle_policy(text);
  } catch (const tarn::Error&) {
  }
  return 0;
}
