// Rotation of secrets by functions ("AWS Secrets Manager User Guide", Rotation by Lambda function): the four steps,
// asked of the function one after the other, when somebody asks for it and when a secret's schedule says so.
//
// A rotation is on disk before its function is called; one that was cut off, or failed, is begun again: five attempts,
// further and further apart. Whether it succeeded the secret says: the new version is AWSCURRENT.
//
// Thread-safe. Errors carry Secrets Manager's codes.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "api/operations.hpp"
#include "govern/secrets.hpp"

namespace tarn::orchestrate {

class Rotations {
 public:
  // Both outlive it.
  Rotations(govern::Secrets& secrets, api::Operations& operations);
  ~Rotations();
  Rotations(const Rotations&) = delete;

  void start();
  // Begins nothing more. Functions that run go on.
  void stop();

  // Sets function and schedule, where they are given, and begins a rotation, or a test of the function where
  // `rotate_immediately` is false. Returns the secret as it then is; the rotation goes on by itself.
  govern::SecretRecord rotate(const api::Context& context, const api::secretsmanager::RotateSecretRequest& in);
  // Ends the schedule and the rotation under way.
  govern::SecretRecord cancel(const api::Context& context, const std::string& id);

 private:
  void run(std::stop_token ending);
  std::optional<Time> begin_what_is_due();
  bool begin_scheduled(const govern::SecretRecord& secret);
  void launch(const govern::SecretRecord& secret);
  void attempt(const govern::SecretRecord& secret);
  void ask(const govern::SecretRecord& secret, const char* step);
  void finish(const govern::SecretRecord& secret);
  void fail(const govern::SecretRecord& secret, const std::string& why);
  void check_function(const api::Context& context, const govern::SecretRecord& secret, const std::string& arn);
  api::Context inside(const govern::SecretRecord& secret) const;
  void wake();

  govern::Secrets& secrets_;
  api::Operations& operations_;
  std::mutex mutex_;
  std::map<std::string, std::jthread> running_;  // by the secret's ARN; one that has ended is joined when next seen
  std::set<std::string> ended_;
  std::stop_source sleep_;  // ends the present sleep
  std::jthread thread_;
};

}  // namespace tarn::orchestrate
