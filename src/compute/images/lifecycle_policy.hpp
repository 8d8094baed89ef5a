// Lifecycle policies of repositories ("Lifecycle policies in Amazon ECR"): what a text must be to be kept as one.
#pragma once

#include <string_view>

namespace tarn::compute {

// A text that is none throws Error (caller, InvalidParameterException) that says what is wrong.
void check_image_lifecycle_policy(std::string_view text);

}  // namespace tarn::compute
