// What kinds of KMS keys there are, and what each is for ("AWS KMS key spec reference").
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tarn::govern {

enum class KeyFamily { symmetric, hmac, rsa, elliptic, edwards };

struct KeySpec {
  std::string_view name;  // "RSA_2048"
  KeyFamily family;
  int size_bits;  // of the secret (symmetric, HMAC) or the modulus (RSA); of the order of the curve
  std::vector<std::string> usages, encryption_algorithms, signing_algorithms, mac_algorithms, agreement_algorithms;
};

// A name that tarn makes no keys of throws Error (unsupported, NotImplemented).
const KeySpec& key_spec(std::string_view name);

}  // namespace tarn::govern
