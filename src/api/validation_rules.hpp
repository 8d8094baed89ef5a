// How each service words and codes what is wrong with an input, and what it does not check at all.
#pragma once

#include <string_view>

#include "api/model.hpp"

namespace tarn::api {

struct ValidationRules {
  enum class Style {
    listed,             // "2 validation errors detected: Value null at 'name' failed to satisfy constraint: …; …"
    missing_parameter,  // "The request must contain the parameter X": only required members and enumerations are
                        // checked
    s3                  // S3's own codes: only required members and enumerations are checked
  };
  std::string_view service;  // botocore's name
  Style style;
  std::string_view code;  // of a value that breaks a constraint; Style::s3 has a code for each case
};

const ValidationRules& validation_rules(const Service& service);

// Enumerations that grow by the month, or that tarn takes any word for on purpose (every region works): their words are
// not checked.
bool is_open_enumeration(const Shape& shape);

}  // namespace tarn::api
