#include "compute/jobs/run_records.hpp"

#include <charconv>

#include "base/error.hpp"

namespace tarn::compute {
namespace {

constexpr std::string_view attempt_mark = "_attempt_";
constexpr int most_attempts = 99'999;

}  // namespace

RunId parse_run_id(std::string_view id) {
  std::size_t at = id.rfind(attempt_mark);
  if (at == std::string_view::npos) return {std::string(id), 0};
  int attempt = 0;
  std::string_view digits = id.substr(at + attempt_mark.size());
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), attempt);
  if (error != std::errc() || end != digits.data() + digits.size() || attempt < 1) return {std::string(id), 0};
  return {std::string(id.substr(0, at)), attempt};
}

std::string run_key(const Scope& s, std::string_view job, const RunId& id) {
  std::string attempt = std::to_string(most_attempts - id.attempt);
  return meta::key(
      {s.account, s.region, job, id.base, std::string(5 - std::min<std::size_t>(5, attempt.size()), '0') + attempt});
}

Scope scope_of_run(std::string_view key) {
  auto parts = meta::key_parts(key);
  return {parts.at(0), parts.at(1), "tarn"};
}

std::string job_of_run(std::string_view key) {
  return meta::key_parts(key).at(2);
}

void no_job(std::string_view name) {
  throw Error(ErrorKind::missing, "EntityNotFoundException", "Job " + std::string(name) + " not found.");
}
void no_run(std::string_view id) {
  throw Error(ErrorKind::missing, "EntityNotFoundException", "Job run " + std::string(id) + " not found.");
}

}  // namespace tarn::compute
