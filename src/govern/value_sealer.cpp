#include "govern/value_sealer.hpp"

#include "base/cipher.hpp"
#include "base/error.hpp"

namespace tarn::govern {
namespace {

constexpr std::string_view purpose = "values";
constexpr std::size_t opening_size = 16;

}  // namespace

ValueSealer::ValueSealer(const KeyEncryptionKeys& keys, Random& random, std::string_view kept) : random_(random) {
  secret_ = kept.empty() ? random.bytes(cipher_key_size_bytes) : keys.open(kept, purpose);
  const bool is_sealed_by_newest = !kept.empty() && KeyEncryptionKeys::version_of(kept) == keys.current_version();
  sealed_secret_ = is_sealed_by_newest ? std::string(kept) : keys.seal(secret_, purpose, random);
  opening_ = random.bytes(opening_size);
  key_ = derive_key(secret_, opening_);
}

std::string ValueSealer::key_of(std::string_view opening) {
  if (opening == opening_) return key_;
  std::lock_guard lock(mutex_);
  auto found = earlier_.find(opening);
  if (found == earlier_.end()) found = earlier_.emplace(opening, derive_key(secret_, opening)).first;
  return found->second;
}

std::string ValueSealer::seal(std::string_view key, std::string_view value) {
  return opening_ + tarn::seal(key_, key, value, random_);
}

std::string ValueSealer::open(std::string_view key, std::string_view sealed) {
  if (sealed.size() > opening_size)
    if (auto out = open_sealed(key_of(sealed.substr(0, opening_size)), key, sealed.substr(opening_size)))
      return std::move(*out);
  throw Error(ErrorKind::bug, "InternalFailure", "a stored value does not open: it was changed since it was written");
}

}  // namespace tarn::govern
