// `tarn up`: serves everything on one address until it is told to stop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tarn::cli {

struct UpOptions {
  std::string data_dir = ".tarn/data";
  std::string host = "127.0.0.1";
  int port = 4566;
  int redshift_port = 5439;
  std::string auth;  // "dev", "strict"; empty: dev on loopback, else strict
  std::string compat = "default";
  std::string account = "000000000000";
  std::string clock = "system";
  std::string durability = "flushed";
  std::string encryption = "on";
  std::string key_file, key_command;  // where the key-encryption key comes from, if not from the data folder
  std::string smtp;                   // "host:port"; empty: e-mail stays in the outbox
  std::string sms_webhook;            // a URL; empty: text messages stay in the outbox
  std::string store, store_endpoint, store_region;  // "s3://bucket/prefix" of large bodies; empty: the local disk
  std::vector<std::string> inert_types;             // of CloudFormation's, recorded only
  std::optional<uint64_t> scrub_rate;
  bool allow_reset = false;
  bool log_json = false;
  bool quiet = false;
};

// Returns the process's exit code. Errors are thrown.
int up(const UpOptions& options);

}  // namespace tarn::cli
