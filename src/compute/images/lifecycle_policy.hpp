// Lifecycle policies of repositories ("Lifecycle policies in Amazon ECR"): what a text must be to be kept as one, and
// which images it lets go.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace tarn::compute {

// A text that is none throws Error (caller, InvalidParameterException) that says what is wrong.
void check_image_lifecycle_policy(std::string_view text);

// An image as rules see it.
struct ImageAge {
  std::string digest;
  std::vector<std::string> tags;
  Time pushed;
};

struct ExpiringImage {
  std::string digest;
  int64_t rule_priority = 0;
};

// What `policy`, a checked one, lets go at `now`: each image by one rule at most, and none by a rule below one whose
// tags it has.
std::vector<ExpiringImage> expiring_images(std::string_view policy, const std::vector<ImageAge>& images, Time now);

// Whether a tag fits a pattern, in which "*" stands for any text.
bool matches_tag_pattern(std::string_view pattern, std::string_view tag);

}  // namespace tarn::compute
