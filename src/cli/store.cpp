#include "cli/store.hpp"

#include <cstdlib>
#include <iostream>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/output.hpp"
#include "cli/s3_requests.hpp"
#include "store/locate.hpp"
#include "store/repair.hpp"
#include "store/verify.hpp"

namespace tarn::cli {
namespace {

std::string store_in(const std::string& data_dir) {
  return data_dir + "/objects";
}

// Taken away from the environment: no process that tarn starts is to have it.
std::string taken(const char* variable) {
  const char* value = std::getenv(variable);
  std::string out = value ? value : "";
  ::unsetenv(variable);
  return out;
}

}  // namespace

store::RemoteBodies remote_bodies(const std::string& url, const std::string& endpoint, const std::string& region) {
  store::RemoteBodies out{url, endpoint, region, {}};
  out.credentials = {taken("TARN_STORE_ACCESS_KEY_ID"), taken("TARN_STORE_SECRET_ACCESS_KEY"),
                     taken("TARN_STORE_SESSION_TOKEN")};
  if (!out.credentials.access_key_id.empty()) return out;
  auto given = [](const char* variable) { return std::string(std::getenv(variable) ? std::getenv(variable) : ""); };
  out.credentials = {given("AWS_ACCESS_KEY_ID"), given("AWS_SECRET_ACCESS_KEY"), given("AWS_SESSION_TOKEN")};
  return out;
}

int store_verify(const std::string& data_dir, const store::RemoteBodies& remote, bool no_plaintext, bool json) {
  const store::Verification found = store::verify_local(store_in(data_dir), remote);
  if (json) {
    Value problems = Value::list();
    for (const std::string& problem : found.problems) problems.push_back(problem);
    Value scrubbed = Value::list();
    for (const std::string& damage : found.scrubbed_damage) scrubbed.push_back(damage);
    print_json(Value::map(
        {{"objects", found.objects},
         {"uploads", found.uploads},
         {"parts", found.parts},
         {"small_bodies", found.bodies},
         {"files", found.files},
         {"checked_size_bytes", found.checked_size_bytes},
         {"plain_bodies", found.plain_bodies},
         {"plain_size_bytes", found.plain_size_bytes},
         {"problems", problems},
         {"scrubber",
          Value::map({{"last_full_pass",
                       found.last_full_scrub ? Value(format_iso8601(*found.last_full_scrub, false)) : Value()},
                      {"damage", scrubbed}})}}));
  } else {
    for (const std::string& problem : found.problems) std::cout << problem << '\n';
    if (no_plaintext)
      for (const std::string& user : found.plain_users) std::cout << "the body of " << user << " is in the clear\n";
    std::cout << found.objects << " objects, " << found.uploads << " uploads of " << found.parts
              << " parts: " << found.bodies << " small bodies and " << found.files << " files, "
              << human_size(found.checked_size_bytes) << " read and compared with their checksums. "
              << (found.problems.empty() ? "All is well." : std::to_string(found.problems.size()) + " problems.")
              << '\n';
    for (const std::string& damage : found.scrubbed_damage) std::cout << "The scrubber found " << damage << ".\n";
    if (found.last_full_scrub)
      std::cout << "The scrubber last read all bodies on " << format_iso8601(*found.last_full_scrub, false) << ".\n";
    if (no_plaintext && found.plain_bodies == 0)
      std::cout << "No body is in the clear.\n";
    else if (no_plaintext)
      std::cout << found.plain_bodies << " bodies of " << human_size(found.plain_size_bytes) << " are in the clear.\n";
  }
  return found.problems.empty() && !(no_plaintext && found.plain_bodies > 0) ? 0 : 1;
}

int store_repair(const std::string& data_dir, const store::RemoteBodies& remote, const store::RepairOptions& options,
                 bool json) {
  SystemClock clock;
  const store::RepairReport report = store::repair_local(store_in(data_dir), clock, options, remote);
  auto list = [](const std::vector<std::string>& texts) {
    Value out = Value::list();
    for (const std::string& text : texts) out.push_back(text);
    return out;
  };
  const std::string report_file = report.report_file.empty() ? "" : store_in(data_dir) + "/" + report.report_file;
  if (json) {
    Value lost = Value::list();
    for (const store::LostObject& l : report.lost)
      lost.push_back(Value::map(
          {{"bucket", l.bucket}, {"key", l.key}, {"version_id", l.version_id}, {"latest", l.latest}, {"why", l.why}}));
    print_json(Value::map({{"applied", options.apply},
                           {"problems", list(report.problems)},
                           {"done", list(report.done)},
                           {"lost", lost},
                           {"lost_parts", report.lost_parts},
                           {"report_file", report_file},
                           {"left", list(report.left)}}));
  } else {
    for (const std::string& problem : report.problems) std::cout << problem << '\n';
    for (const store::LostObject& l : report.lost)
      std::cout << "lost: s3://" << l.bucket << '/' << l.key
                << (l.version_id.empty() || l.version_id == "null" ? "" : " version " + l.version_id) << ": " << l.why
                << '\n';
    for (const std::string& done : report.done) std::cout << (options.apply ? "done: " : "would do: ") << done << '\n';
    for (const std::string& left : report.left) std::cout << "still wrong: " << left << '\n';
    if (report.problems.empty())
      std::cout << "Nothing is wrong.\n";
    else if (!options.apply)
      std::cout << "Nothing was changed. --apply does it; with --drop-corrupt it also takes out what is lost.\n";
    else if (!report_file.empty())
      std::cout << report_file << " tells what was lost.\n";
  }
  return report.left.empty() && (options.apply || report.problems.empty()) ? 0 : 1;
}

int store_locate(const std::string& data_dir, const store::RemoteBodies& remote, const std::string& where, bool json) {
  const Place place = parse_place(where);
  const auto found = store::locate_local(store_in(data_dir), place.bucket, place.key, remote);
  if (!found) throw Error(ErrorKind::missing, "NoSuchKey", "There is no object " + where + " in " + data_dir + ".");
  std::vector<Row> rows;
  Value pieces = Value::list();
  uint64_t at = 0;
  for (const store::BodyPiece& piece : found->pieces) {
    rows.push_back({std::to_string(at), std::to_string(piece.size_bytes), std::to_string(piece.stored_offset_bytes),
                    std::to_string(piece.stored_size_bytes),
                    (is_s3(piece.file) ? piece.file : store_in(data_dir) + "/" + piece.file) +
                        (piece.sealed ? " (sealed)" : "") + (piece.there ? "" : " (missing)")});
    pieces.push_back(Value::map({{"at", at},
                                 {"size_bytes", piece.size_bytes},
                                 {"stored_offset_bytes", piece.stored_offset_bytes},
                                 {"stored_size_bytes", piece.stored_size_bytes},
                                 {"sealed", piece.sealed},
                                 {"file", piece.file},
                                 {"blob", piece.blob},
                                 {"there", piece.there}}));
    at += piece.size_bytes;
  }
  if (json)
    print_json(Value::map({{"size_bytes", found->size_bytes}, {"etag", found->etag}, {"pieces", pieces}}));
  else
    print_table({"at", "bytes", "offset", "stored bytes", "in"}, rows);
  return 0;
}

}  // namespace tarn::cli
