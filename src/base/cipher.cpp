#include "base/cipher.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace tarn {
namespace {

const unsigned char* raw(const char* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* raw(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

// Looking a cipher up by name takes longer than sealing a small message: once is enough.
const EVP_CIPHER* gcm() {
  static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  TARN_ASSERT(cipher);
  return cipher;
}
const EVP_CIPHER* block_cipher() {
  static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  TARN_ASSERT(cipher);
  return cipher;
}

struct Freed {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freed>;

// Making a context costs more than sealing a small message: each thread keeps those that it has let go.
class ContextPool {
 public:
  CipherContext take() {
    if (kept_.empty()) return CipherContext(EVP_CIPHER_CTX_new());
    CipherContext context = std::move(kept_.back());
    kept_.pop_back();
    return context;
  }
  void give_back(CipherContext context) {
    if (context && kept_.size() < max_kept) kept_.push_back(std::move(context));
  }

 private:
  static constexpr std::size_t max_kept = 4;
  std::vector<CipherContext> kept_;
};
ContextPool& pool() {
  thread_local ContextPool pool;
  return pool;
}

// RFC 3394, section 2.2: the first half of a block runs over the other halves, six times. OpenSSL has the same, but by
// a form of AES that is four times as slow.
constexpr std::size_t half = 8, wrapped_halves = cipher_key_size_bytes / half;
constexpr uint64_t wrap_steps = 6 * wrapped_halves;
constexpr char wrap_mark = static_cast<char>(0xA6);

// Single blocks of AES. The key of most calls is the one of the call before, whose schedule then need not be made
// again.
class Blocks {
 public:
  explicit Blocks(bool encrypts) : encrypts_(encrypts), context_(EVP_CIPHER_CTX_new()) {}
  void set_key(std::string_view key) {
    if (key_ == key) return;
    TARN_ASSERT(
        EVP_CipherInit_ex2(context_.get(), block_cipher(), raw(key.data()), nullptr, encrypts_ ? 1 : 0, nullptr) == 1);
    EVP_CIPHER_CTX_set_padding(context_.get(), 0);
    key_ = key;
  }
  // The block that these two halves are.
  void turn(char* first, char* second) {
    char block[2 * half];
    std::copy_n(first, half, block);
    std::copy_n(second, half, block + half);
    int written = 0;
    TARN_ASSERT(EVP_CipherUpdate(context_.get(), raw(block), &written, raw(block), sizeof block) == 1);
    std::copy_n(block, half, first);
    std::copy_n(block + half, half, second);
  }

 private:
  bool encrypts_;
  CipherContext context_;
  std::string key_;
};

// OpenSSL takes the sizes of pieces as int.
constexpr std::size_t max_piece_size_bytes = std::size_t{1} << 30;

template <class Update>
bool in_pieces(const char* from, std::size_t size, char* into, Update update) {
  while (size > 0) {
    const std::size_t piece = std::min(size, max_piece_size_bytes);
    int written = 0;
    if (update(raw(into), &written, raw(from), static_cast<int>(piece)) != 1) return false;
    from += piece;
    into += piece;
    size -= piece;
  }
  return true;
}

}  // namespace

struct AesGcm::State {
  CipherContext context;
};

AesGcm::AesGcm(std::string_view key, Direction direction) : state_(new State{pool().take()}) {
  TARN_ASSERT(key.size() == cipher_key_size_bytes);
  TARN_ASSERT(EVP_CipherInit_ex2(state_->context.get(), gcm(), raw(key.data()), nullptr,
                                 direction == Direction::seal ? 1 : 0, nullptr) == 1);
}
AesGcm::~AesGcm() {
  if (state_) pool().give_back(std::move(state_->context));
}
AesGcm::AesGcm(AesGcm&&) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&&) noexcept = default;

void AesGcm::seal(std::string_view nonce, std::string_view associated, const char* plain, std::size_t size,
                  char* into) {
  TARN_ASSERT(nonce.size() == cipher_nonce_size_bytes);
  EVP_CIPHER_CTX* context = state_->context.get();
  int written = 0;
  TARN_ASSERT(EVP_EncryptInit_ex2(context, nullptr, nullptr, raw(nonce.data()), nullptr) == 1);
  if (!associated.empty())
    TARN_ASSERT(EVP_EncryptUpdate(context, nullptr, &written, raw(associated.data()),
                                  static_cast<int>(associated.size())) == 1);
  TARN_ASSERT(in_pieces(plain, size, into, [&](auto* to, int* n, auto* from, int bytes) {
    return EVP_EncryptUpdate(context, to, n, from, bytes);
  }));
  TARN_ASSERT(EVP_EncryptFinal_ex(context, raw(into) + size, &written) == 1);
  TARN_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, cipher_tag_size_bytes, into + size) == 1);
}

bool AesGcm::open(std::string_view nonce, std::string_view associated, const char* sealed, std::size_t size,
                  char* into) {
  TARN_ASSERT(nonce.size() == cipher_nonce_size_bytes);
  EVP_CIPHER_CTX* context = state_->context.get();
  int written = 0;
  char tag[cipher_tag_size_bytes];
  std::copy(sealed + size, sealed + size + sizeof tag, tag);
  TARN_ASSERT(EVP_DecryptInit_ex2(context, nullptr, nullptr, raw(nonce.data()), nullptr) == 1);
  if (!associated.empty())
    TARN_ASSERT(EVP_DecryptUpdate(context, nullptr, &written, raw(associated.data()),
                                  static_cast<int>(associated.size())) == 1);
  TARN_ASSERT(in_pieces(sealed, size, into, [&](auto* to, int* n, auto* from, int bytes) {
    return EVP_DecryptUpdate(context, to, n, from, bytes);
  }));
  TARN_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1);
  unsigned char rest[16];
  return EVP_DecryptFinal_ex(context, rest, &written) == 1;
}

std::string seal(std::string_view key, std::string_view associated, std::string_view plain, Random& random) {
  std::string out = random.bytes(cipher_nonce_size_bytes);
  out.resize(cipher_nonce_size_bytes + plain.size() + cipher_tag_size_bytes);
  AesGcm(key, AesGcm::Direction::seal)
      .seal(std::string_view(out).substr(0, cipher_nonce_size_bytes), associated, plain.data(), plain.size(),
            out.data() + cipher_nonce_size_bytes);
  return out;
}

std::optional<std::string> open_sealed(std::string_view key, std::string_view associated, std::string_view sealed) {
  if (sealed.size() < cipher_nonce_size_bytes + cipher_tag_size_bytes) return std::nullopt;
  std::string out(sealed.size() - cipher_nonce_size_bytes - cipher_tag_size_bytes, '\0');
  const bool genuine = AesGcm(key, AesGcm::Direction::open)
                           .open(sealed.substr(0, cipher_nonce_size_bytes), associated,
                                 sealed.data() + cipher_nonce_size_bytes, out.size(), out.data());
  if (!genuine) return std::nullopt;
  return out;
}

std::string wrap_key(std::string_view wrapping_key, std::string_view key) {
  TARN_ASSERT(wrapping_key.size() == cipher_key_size_bytes && key.size() == cipher_key_size_bytes);
  thread_local Blocks blocks(true);
  blocks.set_key(wrapping_key);
  std::string out = std::string(half, wrap_mark) + std::string(key);
  for (uint64_t step = 1; step <= wrap_steps; step++) {
    char* place = out.data() + (1 + (step - 1) % wrapped_halves) * half;
    blocks.turn(out.data(), place);
    out[half - 1] = static_cast<char>(out[half - 1] ^ static_cast<char>(step));
  }
  return out;
}

std::optional<std::string> unwrap_key(std::string_view wrapping_key, std::string_view wrapped) {
  TARN_ASSERT(wrapping_key.size() == cipher_key_size_bytes);
  if (wrapped.size() != wrapped_key_size_bytes) return std::nullopt;
  thread_local Blocks blocks(false);
  blocks.set_key(wrapping_key);
  std::string out(wrapped);
  for (uint64_t step = wrap_steps; step >= 1; step--) {
    char* place = out.data() + (1 + (step - 1) % wrapped_halves) * half;
    out[half - 1] = static_cast<char>(out[half - 1] ^ static_cast<char>(step));
    blocks.turn(out.data(), place);
  }
  if (!equal_secrets(std::string_view(out).substr(0, half), std::string(half, wrap_mark))) return std::nullopt;
  return out.substr(half);
}

std::string derive_key(std::string_view secret, std::string_view purpose) {
  // HKDF's expansion to one block (RFC 5869, section 2.3); the secret is random already, so there is nothing to
  // extract.
  return hmac_sha256(secret, std::string(purpose) + '\x01');
}

}  // namespace tarn
