// How the records of the index are written as bytes: variable-length integers, strings behind their length, tagged
// fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/value.hpp"

namespace tarn::store {

void put_varint(std::string& out, uint64_t value);
// The bytes behind their length.
void put_bytes(std::string& out, std::string_view bytes);
// Eight bytes whose order is the number's.
void put_ordered(std::string& out, uint64_t value);
// A field that a reader who does not know its tag can pass over. Empty ones need not be written.
void put_field(std::string& out, uint64_t tag, std::string_view bytes);
// Exactly, types included.
void put_value(std::string& out, const Value& value);

// Takes apart what the functions above wrote. Bytes that they did not write throw Error (bug, InternalError). Holds no
// copy: `bytes` must outlive it and what it returns.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }
  uint64_t varint();
  std::string_view bytes();
  std::string_view raw(std::size_t size_bytes);
  uint64_t ordered();
  Value value() { return value_at_depth(0); }

 private:
  Value value_at_depth(int depth);
  std::string_view rest_;
};

}  // namespace tarn::store
