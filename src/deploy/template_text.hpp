// A template's text as a Value, with the position of every part of it.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "deploy/template.hpp"

namespace tarn::deploy {

// Each fills `body` and `positions`. Broken text throws what parse_template throws.
void read_yaml(std::string_view text, Template& into);
void read_json(std::string_view text, Template& into);

// What everything wrong with a template is.
inline Error validation_error(std::string message) {
  return {ErrorKind::caller, "ValidationError", std::move(message)};
}

}  // namespace tarn::deploy
