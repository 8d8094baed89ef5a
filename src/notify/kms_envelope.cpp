#include "notify/kms_envelope.hpp"

#include "base/cipher.hpp"
#include "base/error.hpp"
#include "notify/targets.hpp"

namespace tarn::notify {
namespace {

constexpr std::size_t max_held = 1000;

Arn parsed(const std::string& arn) {
  const auto out = parse_arn(arn);
  TARN_ASSERT(out);
  return *out;
}

govern::EncryptionContext context_of(const std::string& arn) {
  return {{parsed(arn).service == "sqs" ? "aws:sqs:arn" : "aws:sns:topicArn", arn}};
}

// KMS's refusal in the service's own words.
[[noreturn]] void refuse(const std::string& arn, const Error& e) {
  static const std::map<std::string, std::string> kinds{{"NotFoundException", "NotFound"},
                                                        {"DisabledException", "Disabled"},
                                                        {"KMSInvalidStateException", "InvalidState"},
                                                        {"InvalidKeyUsageException", "InvalidKeyUsage"},
                                                        {"AccessDeniedException", "AccessDenied"}};
  auto kind = kinds.find(e.code());
  if (kind == kinds.end()) throw Error(e);
  const bool sqs = parsed(arn).service == "sqs";
  throw Error(ErrorKind::caller, sqs ? "Kms" + kind->second : "KMS" + kind->second + "Exception", e.message());
}

}  // namespace

SealedBytes KmsEnvelope::seal(const std::string& arn, const std::string& key_id, int64_t reuse_s,
                              std::string_view plain) {
  const Time now = clock_.now();
  std::lock_guard lock(mutex_);
  forget_old(now);
  DataKey& key = sealing_[{arn, key_id}];
  if (key.plain.empty() || key.until <= now) {
    try {
      const Arn at = parsed(arn);
      const auto record = keys_.usable({at.account, at.region}, key_id, "ENCRYPT_DECRYPT");
      std::string secret = random_.bytes(cipher_key_size_bytes);
      std::string blob = keys_.encrypt(record, secret, context_of(arn));
      key = {std::move(secret), std::move(blob), now + std::chrono::seconds(reuse_s)};
    } catch (const Error& e) {
      sealing_.erase({arn, key_id});
      refuse(arn, e);
    }
  }
  return {key.blob, tarn::seal(key.plain, arn, plain, random_)};
}

std::string KmsEnvelope::open(const std::string& arn, int64_t reuse_s, const SealedBytes& sealed) {
  const Time now = clock_.now();
  std::lock_guard lock(mutex_);
  forget_old(now);
  DataKey& key = opening_[sealed.key_blob];
  if (key.plain.empty() || key.until <= now) {
    try {
      const Arn at = parsed(arn);
      auto decrypted = keys_.decrypt({at.account, at.region}, std::nullopt, sealed.key_blob, context_of(arn));
      key = {std::move(decrypted.plain), {}, now + std::chrono::seconds(reuse_s)};
    } catch (const Error& e) {
      opening_.erase(sealed.key_blob);
      refuse(arn, e);
    }
  }
  auto plain = open_sealed(key.plain, arn, sealed.bytes);
  if (!plain) throw Error(ErrorKind::bug, "InternalFailure", "a stored message does not open: it was changed");
  return std::move(*plain);
}

void KmsEnvelope::forget_old(Time now) {
  if (sealing_.size() + opening_.size() < max_held) return;
  std::erase_if(sealing_, [&](const auto& k) { return k.second.until <= now; });
  std::erase_if(opening_, [&](const auto& k) { return k.second.until <= now; });
}

void KmsEnvelope::reset() {
  std::lock_guard lock(mutex_);
  sealing_.clear();
  opening_.clear();
}

}  // namespace tarn::notify
