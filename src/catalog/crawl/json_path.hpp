// The JSON paths that a custom classifier may give ("AWS Glue Developer Guide", Writing JSON custom classifiers): $,
// .name, ['name'], [index], [*] and .*.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::catalog::crawl {

struct JsonStep {
  enum class Kind { member, index, every_element, every_member };
  Kind kind;
  std::string name;    // member
  uint64_t index = 0;  // index
  bool operator==(const JsonStep&) const = default;
};

class JsonPath {
 public:
  // The whole value: "$".
  JsonPath() = default;
  // Throws Error (caller, InvalidInputException) on another form; recursive descent ("..") and filters are such.
  explicit JsonPath(std::string_view text);

  const std::vector<JsonStep>& steps() const { return steps_; }

 private:
  std::vector<JsonStep> steps_;
};

}  // namespace tarn::catalog::crawl
