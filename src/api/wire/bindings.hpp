// Which members of a structure travel outside the body of an HTTP message, arranged to be found by the message's own
// parts, so that a request with ten headers costs ten look-ups and not one for each of S3's forty header members.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/model.hpp"

namespace tarn::api {

// An immutable hash table from names to members.
class MemberTable {
 public:
  explicit MemberTable(bool ignore_case) : ignore_case_(ignore_case) {}
  // The first of two equal names wins.
  void add(std::string_view name, const Member* member);
  // nullptr when absent.
  const Member* find(std::string_view name) const;
  bool empty() const { return count_ == 0; }

 private:
  struct Slot {
    std::string name;
    const Member* member = nullptr;
  };
  uint32_t hash(std::string_view name) const;
  bool same(std::string_view a, std::string_view b) const;
  void grow();

  bool ignore_case_;
  std::size_t count_ = 0;
  std::vector<Slot> slots_;
};

struct Bindings {
  explicit Bindings(const Shape& shape);

  const Shape* shape;
  MemberTable members{false};           // all, by the model's name
  MemberTable headers{true};            // by header name
  MemberTable query{false};             // by query parameter
  std::vector<const Member*> prefixed;  // maps of headers with a prefix
  const Member* query_map = nullptr;    // takes the parameters that no other member takes
  const Member* payload = nullptr;      // the member that is the whole body
  const Member* status_code = nullptr;
  std::vector<const Member*> tokens;  // idempotency tokens
  bool has_body_members = false;      // members that are parts of the body
  bool streams = false;               // the payload is a stream, or a member is a stream of events
};

// Made once for each shape and kept for ever; thread-safe. nullptr for nullptr. Costs a lock: keep the result where it
// matters.
const Bindings* bindings_of(const Shape* shape);

}  // namespace tarn::api
