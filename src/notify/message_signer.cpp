#include "notify/message_signer.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::notify {
namespace {

constexpr std::string_view kind = "sns.signing_key";
constexpr long ten_years_s = 10L * 365 * 24 * 3600;

void check(bool well) {
  if (!well) throw Error(ErrorKind::bug, "InternalFailure", "OpenSSL could not sign a notification.");
}

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Certificate self_signed(EVP_PKEY* key) {
  Certificate out(X509_new(), X509_free);
  check(out != nullptr);
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), -24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), ten_years_s);
  X509_set_pubkey(out.get(), key);
  X509_NAME* name = X509_get_subject_name(out.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("sns.amazonaws.com"), -1,
                             -1, 0);
  X509_set_issuer_name(out.get(), name);
  check(X509_sign(out.get(), key, EVP_sha256()) > 0);
  return out;
}

}  // namespace

struct MessageSigner::Key {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{nullptr, EVP_PKEY_free};
  std::string certificate;
};

MessageSigner::MessageSigner(meta::Metadata& metadata) : metadata_(metadata) {}
MessageSigner::~MessageSigner() = default;

std::shared_ptr<MessageSigner::Key> MessageSigner::key() {
  std::lock_guard lock(mutex_);
  if (key_) return key_;
  auto out = std::make_shared<Key>();
  if (auto kept = metadata_.get(kind, "1")) {
    const std::string pem = kept->string_or("Key");
    Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    out->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    out->certificate = kept->string_or("Certificate");
    check(out->key != nullptr);
  } else {
    out->key.reset(EVP_RSA_gen(2048));
    check(out->key != nullptr);
    Bio private_part(BIO_new(BIO_s_mem()), BIO_free), public_part(BIO_new(BIO_s_mem()), BIO_free);
    check(PEM_write_bio_PrivateKey(private_part.get(), out->key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    check(PEM_write_bio_X509(public_part.get(), self_signed(out->key.get()).get()) == 1);
    out->certificate = text_of(public_part.get());
    metadata_.change_quietly([&](meta::Transaction& t) {
      t.put(kind, "1", Value::map({{"Key", text_of(private_part.get())}, {"Certificate", out->certificate}}));
    });
  }
  return key_ = out;
}

std::string MessageSigner::sign(std::string_view text, std::string_view version) {
  auto with = key();
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const EVP_MD* digest = version == "2" ? EVP_sha256() : EVP_sha1();
  check(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, with->key.get()) == 1);
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  check(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
  std::string out(size, '\0');
  check(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes, text.size()) == 1);
  out.resize(size);
  return base64_encode(out);
}

std::string MessageSigner::certificate() {
  return key()->certificate;
}

void MessageSigner::reset() {
  std::lock_guard lock(mutex_);
  key_.reset();
}

}  // namespace tarn::notify
