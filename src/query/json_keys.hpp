// Turns the keys of JSON text into column names as the text passes: Hive's and OpenX's JSON SerDes match keys to
// columns without regard to case, by renamings, and with dots read as underscores; DuckDB's JSON reader matches them
// exactly.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "query/scan.hpp"

namespace tarn::query {

// Takes text in pieces of any size. Values pass unchanged; malformed text passes too, for the reader behind to judge.
// Not thread-safe.
class JsonKeys {
 public:
  explicit JsonKeys(JsonText options);

  // Appends to `out` what is decided so far.
  void feed(std::string_view text, std::string& out);
  // Appends what an unfinished text left.
  void finish(std::string& out);

  const JsonText& options() const { return options_; }

 private:
  void end_key(std::string& out);

  JsonText options_;
  std::map<std::string, std::string, std::less<>> column_of_key_;
  std::vector<bool> in_object_;  // one per open brace or bracket
  std::string key_;
  enum class In { nothing, key, value_string } in_ = In::nothing;
  bool escaped_ = false;
  bool expects_key_ = false;
  int byte_order_mark_ = 0;  // bytes of it seen; -1: past the start
};

}  // namespace tarn::query
