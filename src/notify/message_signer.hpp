// Signatures of notifications ("Verifying the signatures of Amazon SNS messages"), by a key and certificate of this
// tarn's own that are made when first needed and kept.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "meta/metadata.hpp"

namespace tarn::notify {

// Thread-safe. A failing library throws Error (bug, InternalFailure).
class MessageSigner {
 public:
  explicit MessageSigner(meta::Metadata& metadata);
  ~MessageSigner();

  // Base64 of the RSA signature over `text`: SHA-1 for version "1", SHA-256 for "2".
  std::string sign(std::string_view text, std::string_view version);
  // The certificate that verifies them, in PEM.
  std::string certificate();
  void reset();  // the records go with the metadata store's own

 private:
  struct Key;
  std::shared_ptr<Key> key();

  meta::Metadata& metadata_;
  std::mutex mutex_;
  std::shared_ptr<Key> key_;
};

}  // namespace tarn::notify
