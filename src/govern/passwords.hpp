// Passwords by Secrets Manager's rules (GetRandomPassword in "AWS Secrets Manager API Reference"). Pure but for the
// randomness.
#pragma once

#include <cstddef>
#include <string>

#include "base/random.hpp"

namespace tarn::govern {

struct PasswordRules {
  std::size_t length = 32;
  std::string exclude_characters;
  bool numbers = true, punctuation = true, uppercase = true, lowercase = true, space = false;
  bool each_type = true;  // at least one of each type that is included
};

// Rules that no password fulfils throw Error (caller, InvalidParameterException).
std::string random_password(const PasswordRules& rules, Random& random);

}  // namespace tarn::govern
