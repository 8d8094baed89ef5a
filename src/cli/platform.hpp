// All of tarn's parts, put together in the order in which they depend on each other, over one data folder.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "gateway/http/access_log.hpp"
#include "gateway/http/cross_origin.hpp"
#include "gateway/http/registry.hpp"
#include "gateway/http/website.hpp"
#include "govern/identities.hpp"
#include "govern/key_encryption.hpp"
#include "store/remote.hpp"

namespace tarn::cli {

struct PlatformOptions {
  std::string data_dir;
  bool durable = true;           // false: acknowledged writes survive kill -9 but not power loss
  bool strict = false;           // AWS's exact answer where AWS refuses what tarn would take (--compat strict)
  bool encrypted = true;         // false: bodies of new objects stand in the clear on disk
  govern::KeySource key_source;  // of the key-encryption key; none: the data folder's own file
  std::string job_runtime_dir;   // holds awsglue and tarn_job
  store::RemoteBodies bodies;    // where large bodies are, if not on the local disk
  std::optional<uint64_t> scrub_rate_bytes_per_s;  // absent: the default, and nothing where bodies are remote
  std::string smtp_server;                         // "host:port" that e-mail goes to; empty: it stays in the outbox
  std::vector<std::string> inert_types;            // CloudFormation's, of which only a record is kept
  std::string sms_webhook;                         // a URL that gets text messages; empty: they stay in the outbox
};

// The data folder's own file of key-encryption keys.
std::string key_file_in(const std::string& data_dir);

// Owns every part. Made and destroyed by one thread; the operations are thread-safe.
class Platform {
 public:
  // Opens or creates the data folder. One that another process holds throws Error (conflict, DataFolderInUse), one that
  // is not tarn's Error (caller, InvalidDataFolder).
  Platform(PlatformOptions options, Clock& clock, Random& random);
  // Ends what runs by itself (crawls, queries, jobs) and closes the stores.
  ~Platform();

  api::Operations& operations();
  govern::Identities& identities();
  Metrics& metrics();
  // Whether there is a bucket of that name, in any account. Thread-safe.
  bool has_bucket(std::string_view name) const;
  // What the CORS rules of a bucket say. Thread-safe.
  gateway::CrossOriginAnswer cross_origin(std::string_view bucket, const gateway::CrossOriginRequest& request) const;

  // Serves the websites of buckets, as long as the platform lives.
  gateway::Website websites() const;
  // Serves the registry of container images, as long as the platform lives.
  gateway::RegistryProtocol registry_protocol();
  // Takes the lines of access logs, as long as the platform lives.
  gateway::AccessLog access_log();

  // E-mail and text messages that had nowhere to go, oldest first.
  Value outbox() const;
  // The certificate that verifies notifications' signatures, in PEM.
  std::string notification_certificate();

  // How far the scrubber is: {"under_way", "bodies", "bytes", "last_full_pass", "damaged_bodies"}. Names no object.
  Value scrub_state() const;
  // The zip file of a function's or layer's code, by its SHA-256 in hexadecimal; absent when there is none.
  std::optional<std::string> function_package(std::string_view sha256_hex) const;

  // The answer of a custom resource, or the signal of a wait condition; false where nobody waits for it.
  bool take_deployment_answer(std::string_view query, const std::string& body);

  // What runs by itself begins to run. `endpoint` is where this tarn answers, for the processes that it starts.
  void start(const std::string& endpoint);
  // Forgets everything: objects, tables, users, runs. What runs is ended first.
  void reset();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tarn::cli
