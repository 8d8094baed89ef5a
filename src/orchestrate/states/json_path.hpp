// JSONPath as the Amazon States Language uses it ("Paths", "Reference Paths", Amazon States Language specification):
//
//   $.a.b  $['a']  $.a[0]  $.a[-1]  $.a[0,2]  $.a[1:3]  $.a[*]  $..b  $.a[?(@.x > 3 && @.y == 'z')]  $.a.length()
//   $.[0], as $[0]     $.a['b','c'], at the end: {"b": …, "c": …} with those of the members that there are
//
// A path is definite when it can name one value at most; only such a path may be a reference path.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tarn::states {

struct PathFilter;

// Thread-safe once made; cheap to copy.
class JsonPath {
 public:
  // `text` begins with '$'; a malformed one throws Error (caller, InvalidPath).
  explicit JsonPath(std::string_view text);

  bool is_definite() const { return definite_; }
  // Only names and indexes from the root, none of them counted from the end: where a result may be put.
  bool is_reference() const;

  // The value that a definite path names; absent when there is none. An indefinite path gives the list of all that it
  // names.
  std::optional<Value> read(const Value& document) const;

  // `document` with `value` where this reference path points; what is missing on the way is made. Absent where
  // something on the way is of another type, or an index lies beyond the end.
  std::optional<Value> write(const Value& document, Value value) const;

  struct Step {
    enum class Kind { names, members, indexes, all, slice, filter, descend, length } kind;
    std::vector<std::string> names;
    std::vector<int64_t> indexes;
    std::optional<int64_t> from, to;
    std::shared_ptr<const PathFilter> filter;
  };

 private:
  friend class PathParser;
  JsonPath() = default;

  std::vector<Step> steps_;
  bool definite_ = true;
};

// Whether two JSON values are equal: numbers by their value, objects without regard to the order of their members.
bool json_equal(const Value& a, const Value& b);

}  // namespace tarn::states
