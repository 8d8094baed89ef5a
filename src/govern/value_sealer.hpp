// Encryption at rest of stores that hold values under keys: queues, events, executions (objects have
// store/encryption.hpp). A store has one secret, kept beside the values, sealed by the KeyEncryptionKeys; values are
// sealed by keys that follow from it, a new one each time that the store is opened, and are bound to their keys: a
// value moved to another key does not open.
//
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "govern/key_encryption.hpp"

namespace tarn::govern {

class ValueSealer {
 public:
  // `kept` is sealed_secret() of the same store's last opening; empty for a new one. What does not open throws Error
  // (bug, InvalidKeyEncryptionKey).
  ValueSealer(const KeyEncryptionKeys& keys, Random& random, std::string_view kept);

  // To be kept where `kept` was; another text where the KeyEncryptionKeys were rotated since.
  const std::string& sealed_secret() const { return sealed_secret_; }

  std::string seal(std::string_view key, std::string_view value);
  // What was changed since throws Error (bug, InternalFailure).
  std::string open(std::string_view key, std::string_view sealed);

 private:
  std::string key_of(std::string_view opening);

  Random& random_;
  std::string secret_, sealed_secret_, opening_, key_;
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> earlier_;  // keys by opening
};

}  // namespace tarn::govern
