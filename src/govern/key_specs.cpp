#include "govern/key_specs.hpp"

#include "base/error.hpp"

namespace tarn::govern {
namespace {

using Names = std::vector<std::string>;

std::vector<KeySpec> make_specs() {
  const Names oaep{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"};
  const Names rsa_signing{"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
                          "RSASSA_PSS_SHA_256",        "RSASSA_PSS_SHA_384",        "RSASSA_PSS_SHA_512"};
  std::vector<KeySpec> out{
      {"SYMMETRIC_DEFAULT", KeyFamily::symmetric, 256, {"ENCRYPT_DECRYPT"}, {"SYMMETRIC_DEFAULT"}, {}, {}, {}}};
  auto hmac = [&](const char* name, int bits) {
    out.push_back(
        {name, KeyFamily::hmac, bits, {"GENERATE_VERIFY_MAC"}, {}, {}, {"HMAC_SHA_" + std::to_string(bits)}, {}});
  };
  hmac("HMAC_224", 224);
  hmac("HMAC_256", 256);
  hmac("HMAC_384", 384);
  hmac("HMAC_512", 512);
  for (auto [name, bits] : {std::pair{"RSA_2048", 2048}, {"RSA_3072", 3072}, {"RSA_4096", 4096}})
    out.push_back({name, KeyFamily::rsa, bits, {"ENCRYPT_DECRYPT", "SIGN_VERIFY"}, oaep, rsa_signing, {}, {}});
  auto curve = [&](const char* name, int bits, const char* signing, bool agrees) {
    out.push_back({name, KeyFamily::elliptic, bits, {"SIGN_VERIFY"}, {}, {signing}, {}, {}});
    if (agrees) {
      out.back().usages.emplace_back("KEY_AGREEMENT");
      out.back().agreement_algorithms = {"ECDH"};
    }
  };
  curve("ECC_NIST_P256", 256, "ECDSA_SHA_256", true);
  curve("ECC_NIST_P384", 384, "ECDSA_SHA_384", true);
  curve("ECC_NIST_P521", 521, "ECDSA_SHA_512", true);
  curve("ECC_SECG_P256K1", 256, "ECDSA_SHA_256", false);
  out.push_back({"ECC_NIST_EDWARDS25519", KeyFamily::edwards, 256, {"SIGN_VERIFY"}, {}, {"ED25519_SHA_512"}, {}, {}});
  return out;
}

}  // namespace

const KeySpec& key_spec(std::string_view name) {
  static const std::vector<KeySpec> specs = make_specs();
  for (const KeySpec& spec : specs)
    if (spec.name == name) return spec;
  throw Error(ErrorKind::unsupported, "NotImplemented",
              "KeySpec " + std::string(name) + ": tarn has no keys of this kind.");
}

}  // namespace tarn::govern
