#include "cli/store.hpp"

#include <iostream>

#include "base/error.hpp"
#include "cli/output.hpp"
#include "cli/s3_requests.hpp"
#include "store/locate.hpp"
#include "store/verify.hpp"

namespace tarn::cli {
namespace {

std::string store_in(const std::string& data_dir) {
  return data_dir + "/objects";
}

}  // namespace

int store_verify(const std::string& data_dir, bool no_plaintext, bool json) {
  const store::Verification found = store::verify_local(store_in(data_dir));
  if (json) {
    Value problems = Value::list();
    for (const std::string& problem : found.problems) problems.push_back(problem);
    print_json(Value::map({{"objects", found.objects},
                           {"uploads", found.uploads},
                           {"parts", found.parts},
                           {"small_bodies", found.bodies},
                           {"files", found.files},
                           {"checked_size_bytes", found.checked_size_bytes},
                           {"plain_bodies", found.plain_bodies},
                           {"plain_size_bytes", found.plain_size_bytes},
                           {"problems", problems}}));
  } else {
    for (const std::string& problem : found.problems) std::cout << problem << '\n';
    if (no_plaintext)
      for (const std::string& user : found.plain_users) std::cout << "the body of " << user << " is in the clear\n";
    std::cout << found.objects << " objects, " << found.uploads << " uploads of " << found.parts
              << " parts: " << found.bodies << " small bodies and " << found.files << " files, "
              << human_size(found.checked_size_bytes) << " read and compared with their checksums. "
              << (found.problems.empty() ? "All is well." : std::to_string(found.problems.size()) + " problems.")
              << '\n';
    if (no_plaintext && found.plain_bodies == 0)
      std::cout << "No body is in the clear.\n";
    else if (no_plaintext)
      std::cout << found.plain_bodies << " bodies of " << human_size(found.plain_size_bytes) << " are in the clear.\n";
  }
  return found.problems.empty() && !(no_plaintext && found.plain_bodies > 0) ? 0 : 1;
}

int store_locate(const std::string& data_dir, const std::string& where, bool json) {
  const Place place = parse_place(where);
  const auto found = store::locate_local(store_in(data_dir), place.bucket, place.key);
  if (!found) throw Error(ErrorKind::missing, "NoSuchKey", "There is no object " + where + " in " + data_dir + ".");
  std::vector<Row> rows;
  Value pieces = Value::list();
  uint64_t at = 0;
  for (const store::BodyPiece& piece : found->pieces) {
    rows.push_back({std::to_string(at), std::to_string(piece.size_bytes), std::to_string(piece.offset_bytes),
                    store_in(data_dir) + "/" + piece.file + (piece.there ? "" : " (missing)")});
    pieces.push_back(Value::map({{"at", at},
                                 {"size_bytes", piece.size_bytes},
                                 {"offset_bytes", piece.offset_bytes},
                                 {"file", piece.file},
                                 {"blob", piece.blob},
                                 {"there", piece.there}}));
    at += piece.size_bytes;
  }
  if (json)
    print_json(Value::map({{"size_bytes", found->size_bytes}, {"etag", found->etag}, {"pieces", pieces}}));
  else
    print_table({"at", "bytes", "offset", "in"}, rows);
  return 0;
}

}  // namespace tarn::cli
