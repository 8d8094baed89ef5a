// CloudWatch Logs' filter patterns ("Filter pattern syntax", Amazon CloudWatch Logs User Guide): which messages a
// pattern matches.
//
//   ERROR "exact phrase" -DEBUG          all of these and none of those; ?A ?B: any of them (left aside where another
//   term stands beside)
//   %[45]\d\d%                           a regular expression
//   { ($.status >= 500 && $.user.name = "a*") || $.error IS NULL }      JSON messages
//   [ip, user, ..., status = 4* || status = 5*, bytes > 1000]           messages of words
#pragma once

#include <memory>
#include <string_view>

namespace tarn::meta {

// Thread-safe once made.
class LogPattern {
 public:
  // An empty pattern matches everything. A malformed one throws Error (caller, InvalidParameterException).
  explicit LogPattern(std::string_view pattern);
  ~LogPattern();
  LogPattern(LogPattern&&) noexcept;
  LogPattern& operator=(LogPattern&&) noexcept;

  bool matches(std::string_view message) const;

  struct Matcher;

 private:
  std::unique_ptr<Matcher> matcher_;
};

}  // namespace tarn::meta
