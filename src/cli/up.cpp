#include "cli/up.hpp"

#include <csignal>
#include <iostream>
#include <thread>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "cli/platform.hpp"
#include "cli/store.hpp"
#include "cli/version.hpp"
#include "deploy/answers.hpp"
#include "gateway/http/server.hpp"
#include "gateway/lambda/lambda.hpp"

namespace tarn::cli {
namespace {

api::WireResponse json_response(const Value& body) {
  api::WireResponse out;
  out.headers.emplace_back("Content-Type", "application/json");
  out.body = to_json(body) + "\n";
  return out;
}

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "localhost" || host == "::1";
}

// Which services have at least one operation of tarn's.
Value running_services(const api::Operations& operations) {
  Value out = Value::map();
  for (const api::Service* service : api::services())
    for (const api::Operation& operation : service->operations)
      if (operations.has(*service, operation)) {
        out.set(service->name, "running");
        break;
      }
  return out;
}

class Program {
 public:
  explicit Program(const UpOptions& options) : options_(options) {
    if (options.clock == "manual") manual_clock_ = std::make_unique<ManualClock>(system_clock_.now());
  }

  int run() {
    Clock& clock = manual_clock_ ? static_cast<Clock&>(*manual_clock_) : system_clock_;
    platform_ = std::make_unique<Platform>(platform_options(), clock, random_);
    gateway::Server server(server_options(), platform_->operations(), platform_->identities(), clock, random_,
                           platform_->metrics());
    add_local_paths(server);
    // Before any thread starts, so that all of them leave these signals to sigwait below.
    server.start();
    platform_->start(server.endpoint());
    announce(server.endpoint());
    int signal = 0;
    sigwait(&stop_signals_, &signal);
    log(LogLevel::info, "stopping", Value::map({{"signal", signal}}));
    if (!server.stop()) {
      // A handler hangs and holds on to what would be destroyed. What was acknowledged is on disk.
      log(LogLevel::warning, "requests were cut off");
      std::_Exit(0);
    }
    platform_.reset();
    return 0;
  }

  void block_signals() {
    sigemptyset(&stop_signals_);
    sigaddset(&stop_signals_, SIGTERM);
    sigaddset(&stop_signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop_signals_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }

 private:
  PlatformOptions platform_options() const {
    PlatformOptions out;
    out.data_dir = options_.data_dir;
    out.durable = options_.durability == "flushed";
    out.encrypted = options_.encryption != "none";
    out.strict = options_.compat == "strict";
    out.job_runtime_dir = job_runtime_dir();
    out.smtp_server = options_.smtp;
    out.bodies = remote_bodies(options_.store, options_.store_endpoint, options_.store_region);
    out.scrub_rate_bytes_per_s = options_.scrub_rate;
    out.sms_webhook = options_.sms_webhook;
    out.inert_types = options_.inert_types;
    out.key_source.file = options_.key_file;
    out.key_source.command = options_.key_command;
    if (const char* key = std::getenv("TARN_KEY"); key && options_.key_file.empty() && options_.key_command.empty())
      out.key_source.text = key;
    ::unsetenv("TARN_KEY");  // not for the processes that tarn starts
    return out;
  }

  gateway::ServerOptions server_options() const {
    gateway::ServerOptions out;
    out.host = options_.host;
    out.port = options_.port;
    const bool strict = options_.auth.empty() ? !is_loopback(options_.host) : options_.auth == "strict";
    out.auth = strict ? gateway::AuthMode::strict : gateway::AuthMode::dev;
    out.default_account = options_.account;
    out.log_requests = !options_.quiet;
    out.bucket_exists = [this](std::string_view name) { return platform_->has_bucket(name); };
    out.cross_origin = [this](std::string_view bucket, const gateway::CrossOriginRequest& request) {
      return platform_->cross_origin(bucket, request);
    };
    out.website = platform_->websites();
    out.access_log = platform_->access_log();
    out.registry = platform_->registry_protocol();
    return out;
  }

  void add_local_paths(gateway::Server& server) {
    server.add_local("GET", "/_tarn/health", [this](const api::WireRequest&) {
      auto uptime_s =
          std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_).count();
      return json_response(Value::map({{"version", version},
                                       {"state", "ready"},
                                       {"uptime_s", uptime_s},
                                       {"services", running_services(platform_->operations())},
                                       {"scrub", platform_->scrub_state()}}));
    });
    server.add_local("GET", "/_tarn/metrics", [this](const api::WireRequest&) {
      api::WireResponse out;
      out.headers.emplace_back("Content-Type", "text/plain; version=0.0.4");
      out.body = platform_->metrics().text();
      return out;
    });
    server.add_local("GET", "/_tarn/outbox", [this](const api::WireRequest&) {
      return json_response(Value::map({{"messages", platform_->outbox()}}));
    });
    server.add_local("GET", "/_tarn/SimpleNotificationService.pem", [this](const api::WireRequest&) {
      api::WireResponse out;
      out.headers.emplace_back("Content-Type", "application/x-pem-file");
      out.body = platform_->notification_certificate();
      return out;
    });
    server.add_local("GET", gateway::package_path, [this](const api::WireRequest& request) {
      auto zip = platform_->function_package(request.query.starts_with("sha256=") ? request.query.substr(7) : "");
      if (!zip) throw Error(ErrorKind::missing, "NotFound", "There is no such code.");
      api::WireResponse out;
      out.headers.emplace_back("Content-Type", "application/zip");
      out.body = std::move(*zip);
      return out;
    });
    server.add_local("PUT", deploy::answer_path, [this](const api::WireRequest& request) {
      if (!platform_->take_deployment_answer(request.query, request.body))
        throw Error(ErrorKind::denied, "AccessDenied", "Nobody waits for this answer.");
      return api::WireResponse();
    });
    server.add_local("POST", "/_tarn/reset", [this](const api::WireRequest&) {
      if (!options_.allow_reset)
        throw Error(ErrorKind::denied, "ResetNotAllowed", "This tarn was not started with --allow-reset.");
      platform_->reset();
      return json_response(Value::map({{"state", "empty"}}));
    });
    server.add_local("GET", "/_tarn/clock", [this](const api::WireRequest&) { return clock_state(); });
    server.add_local("POST", "/_tarn/clock", [this](const api::WireRequest& request) {
      if (!manual_clock_)
        throw Error(ErrorKind::conflict, "ClockNotManual",
                    "This tarn's time is the system's. Start it with --clock manual to move it.");
      const int64_t by_ms = parse_json(request.body).at("advance_ms").as_int();
      if (by_ms < 0) throw Error(ErrorKind::caller, "InvalidParameterValue", "Time moves forward only.");
      manual_clock_->advance(std::chrono::milliseconds(by_ms));
      return clock_state();
    });
  }

  api::WireResponse clock_state() const {
    return json_response(
        Value::map({{"now", format_iso8601(manual_clock_ ? manual_clock_->now() : system_clock_.now())},
                    {"manual", manual_clock_ != nullptr}}));
  }

  // To standard output: scripts wait for this line.
  void announce(const std::string& endpoint) const {
    auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_).count();
    std::cout << "tarn " << version << " is ready at " << endpoint << "  (" << ms << " ms, data in "
              << options_.data_dir << ")\n";
    if (options_.durability == "none")
      std::cout << "  --durability none: what is acknowledged survives a crash of tarn, not of the machine\n";
    if (options_.encryption == "none")
      std::cout << "  --encryption none: new objects stand in the clear in " << options_.data_dir << "\n";
    std::cout
        << "  export AWS_ENDPOINT_URL=" << endpoint
        << " AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n"
        << "  Redshift does not listen yet (docs/COVERAGE.md tells what is there)\n"
        << std::flush;
  }

  UpOptions options_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  SystemClock system_clock_;
  std::unique_ptr<ManualClock> manual_clock_;
  SystemRandom random_;
  std::unique_ptr<Platform> platform_;
  sigset_t stop_signals_{};
};

}  // namespace

int up(const UpOptions& options) {
  configure_log(LogLevel::info, options.log_json);
  Program program(options);
  program.block_signals();
  return program.run();
}

}  // namespace tarn::cli
