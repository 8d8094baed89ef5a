// Patterns over JSON, as SNS's filter policies and EventBridge's rules have them ("Amazon SNS subscription filter
// policies", "Amazon EventBridge event patterns"): which events a pattern lets through.
//
//   {"source": ["a", {"prefix": "b"}], "detail": {"size": [{"numeric": [">", 0, "<=", 5]}]}}
//
// Every key must be matched by one of its values; a nested object matches within. Of an array in the event one item is
// enough. Matchers: a string, number, true, false or null; prefix, suffix and equals-ignore-case (also within prefix
// and suffix), wildcard, anything-but (of values or of these), numeric, cidr, exists; "$or" joins whole patterns.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/value.hpp"

namespace tarn::notify {

// Thread-safe once made.
class EventPattern {
 public:
  // A text that is no pattern throws Error (caller, InvalidEventPattern) that says where and why.
  explicit EventPattern(std::string_view json);
  ~EventPattern();
  EventPattern(EventPattern&&) noexcept;
  EventPattern& operator=(EventPattern&&) noexcept;

  bool matches(const Value& event) const;

  // What limits are set on: the keys that have values, and the product of how many each has (times its depth, as SNS
  // counts).
  std::size_t keys() const;
  double combinations() const;
  // Whether a key holds an object: such a pattern looks into a body, not at attributes.
  bool nested() const;

  struct Node;

 private:
  std::unique_ptr<Node> root_;
};

}  // namespace tarn::notify
