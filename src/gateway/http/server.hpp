// The HTTP server: one address for every service.
//
// A few event loops (one a core) wait for request heads on all connections. What is quick and never waits (small
// objects) they answer themselves; everything else goes to a pool of workers, which run plain blocking code: they read
// the body, call the operation and write the response, then give the connection back. No object is ever in memory as a
// whole.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"
#include "api/wire/message.hpp"
#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "gateway/http/access_log.hpp"
#include "gateway/http/cross_origin.hpp"
#include "gateway/http/registry.hpp"
#include "gateway/http/signature.hpp"
#include "gateway/http/website.hpp"
#include "govern/identities.hpp"

namespace tarn::gateway {

struct ServerOptions {
  std::string host = "127.0.0.1";  // an address or a name
  int port = 4566;                 // 0: a free one
  AuthMode auth = AuthMode::dev;
  std::string default_account = "000000000000";
  int loops = 0;  // 0: one a core
  int stop_grace_s = 5;
  bool log_requests = true;
  // Names by which clients reach this address, so that "bucket.<name>" is a bucket of that host.
  std::vector<std::string> endpoint_names = {"localhost", "s3.localhost.localstack.cloud"};
  // Whether there is a bucket of that name: an unsigned request that names one is S3's.
  std::function<bool(std::string_view bucket)> bucket_exists;
  // What the CORS rules of a bucket say; empty: no bucket has any.
  CrossOrigin cross_origin;
  // Serves the websites of buckets; empty: hosts of websites are as any other.
  Website website;
  // Answers clients of the registry of container images; empty: there is none.
  RegistryProtocol registry;
  // Is told of each request to S3, once it is answered; empty: nobody is.
  AccessLog access_log;
};

class Server {
 public:
  // A path of tarn's own beside the AWS services ("/_tarn/health"). `request.body` holds the body. Error is answered as
  // JSON.
  using Local = std::function<api::WireResponse(const api::WireRequest& request)>;

  // All that is passed must outlive the server. `clock` is tarn's time, which may be moved by hand; responses are dated
  // and signatures' ages measured by the system's, as their clients do.
  Server(ServerOptions options, api::Operations& operations, govern::Identities& identities, Clock& clock,
         Random& random, Metrics& metrics);
  ~Server();  // stops

  // Before start() only. `path` is matched as a whole, the query apart.
  void add_local(std::string_view method, std::string_view path, Local local);

  // Binds the address and begins to serve in threads of its own. A port that is taken throws Error (conflict,
  // AddressInUse), an address that can't be bound Error (caller, InvalidAddress).
  void start();
  // Takes no more connections, lets requests in flight finish for `stop_grace_s`, then ends their connections. False: a
  // handler still runs two seconds after that; what it uses must then not be destroyed. Once stopped it can't start
  // again.
  bool stop();

  // Known once started.
  int port() const;
  std::string endpoint() const;  // "http://127.0.0.1:4566"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarn::gateway
