#include "store/coding.hpp"

#include <bit>

#include "base/error.hpp"

namespace tarn::store {
namespace {

[[noreturn]] void damaged() {
  throw Error(ErrorKind::bug, "InternalError",
              "A record of the object index is damaged. Restore the data folder from a copy.");
}

enum ValueTag : unsigned char {
  null_tag,
  false_tag,
  true_tag,
  int_tag,
  double_tag,
  string_tag,
  blob_tag,
  time_tag,
  list_tag,
  map_tag
};
constexpr int max_value_depth = 256;

uint64_t zigzag(int64_t v) {
  return static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63);
}
int64_t unzigzag(uint64_t v) {
  return static_cast<int64_t>(v >> 1 ^ (~(v & 1) + 1));
}

}  // namespace

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out += bytes;
}

void put_ordered(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void put_field(std::string& out, uint64_t tag, std::string_view bytes) {
  put_varint(out, tag);
  put_bytes(out, bytes);
}

void put_value(std::string& out, const Value& value) {
  if (value.is_null()) {
    out += static_cast<char>(null_tag);
  } else if (value.is_bool()) {
    out += static_cast<char>(value.as_bool() ? true_tag : false_tag);
  } else if (value.is_int()) {
    out += static_cast<char>(int_tag);
    put_varint(out, zigzag(value.as_int()));
  } else if (value.is_double()) {
    out += static_cast<char>(double_tag);
    put_ordered(out, std::bit_cast<uint64_t>(value.as_double()));
  } else if (value.is_string()) {
    out += static_cast<char>(string_tag);
    put_bytes(out, value.as_string());
  } else if (value.is_blob()) {
    out += static_cast<char>(blob_tag);
    put_bytes(out, value.as_blob().bytes);
  } else if (value.is_time()) {
    out += static_cast<char>(time_tag);
    put_varint(out, zigzag(value.as_time().time_since_epoch().count()));
  } else if (value.is_list()) {
    out += static_cast<char>(list_tag);
    put_varint(out, value.as_list().size());
    for (const Value& item : value.as_list()) put_value(out, item);
  } else {
    out += static_cast<char>(map_tag);
    put_varint(out, value.as_map().size());
    for (const auto& [key, member] : value.as_map()) {
      put_bytes(out, key);
      put_value(out, member);
    }
  }
}

uint64_t Decoder::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  damaged();
}

std::string_view Decoder::raw(std::size_t size_bytes) {
  if (size_bytes > rest_.size()) damaged();
  std::string_view out = rest_.substr(0, size_bytes);
  rest_.remove_prefix(size_bytes);
  return out;
}

std::string_view Decoder::bytes() {
  return raw(varint());
}

uint64_t Decoder::ordered() {
  uint64_t value = 0;
  for (unsigned char byte : raw(8)) value = value << 8 | byte;
  return value;
}

Value Decoder::value_at_depth(int depth) {
  if (depth > max_value_depth) damaged();
  switch (static_cast<unsigned char>(raw(1).front())) {
    case null_tag:
      return nullptr;
    case false_tag:
      return false;
    case true_tag:
      return true;
    case int_tag:
      return unzigzag(varint());
    case double_tag:
      return std::bit_cast<double>(ordered());
    case string_tag:
      return bytes();
    case blob_tag:
      return Blob{std::string(bytes())};
    case time_tag:
      return Time(std::chrono::milliseconds(unzigzag(varint())));
    case list_tag: {
      ValueList list;
      for (uint64_t n = varint(); n > 0; n--) list.push_back(value_at_depth(depth + 1));
      return list;
    }
    case map_tag: {
      ValueMap map;
      for (uint64_t n = varint(); n > 0; n--) {
        std::string key(bytes());
        map.push_back({std::move(key), value_at_depth(depth + 1)});
      }
      return map;
    }
    default:
      damaged();
  }
}

}  // namespace tarn::store
