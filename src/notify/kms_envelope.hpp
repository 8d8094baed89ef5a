// Messages of queues and topics that are encrypted by a key of KMS ("Encryption at rest in Amazon SQS", "Securing
// Amazon SNS data with server-side encryption"): a data key of the KMS key seals them, its ciphertext stands beside
// them.
//
// A data key is used for as long as the queue says, and what was once decrypted is kept as long: a key that is disabled
// stops a queue within that time, as on AWS. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "govern/keys.hpp"

namespace tarn::notify {

struct SealedBytes {
  std::string key_blob;  // KMS's ciphertext of the data key
  std::string bytes;
};

class KmsEnvelope {
 public:
  // All outlive it.
  KmsEnvelope(govern::Keys& keys, Clock& clock, Random& random) : keys_(keys), clock_(clock), random_(random) {}

  // `resource_arn`: of the queue or topic, in whose account and region `key_id` (id, ARN or alias) is looked for. What
  // KMS refuses throws Error with the service's own code (KmsNotFound, KMSDisabledException ...).
  SealedBytes seal(const std::string& resource_arn, const std::string& key_id, int64_t reuse_s, std::string_view plain);
  std::string open(const std::string& resource_arn, int64_t reuse_s, const SealedBytes& sealed);
  // Forgets the keys that it holds.
  void reset();

 private:
  struct DataKey {
    std::string plain, blob;
    Time until;
  };
  void forget_old(Time now);

  govern::Keys& keys_;
  Clock& clock_;
  Random& random_;
  std::mutex mutex_;                                                // guards what follows
  std::map<std::pair<std::string, std::string>, DataKey> sealing_;  // by resource and key id
  std::map<std::string, DataKey> opening_;                          // by the key's ciphertext
};

}  // namespace tarn::notify
