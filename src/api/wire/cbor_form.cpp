#include "api/wire/cbor_form.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "api/wire/json_form.hpp"
#include "api/wire/scalar.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::api {
namespace {

enum Major : uint8_t { positive, negative, byte_string, text_string, array, map, tag, simple };
constexpr uint8_t indefinite = 31;
constexpr uint8_t break_byte = 0xff;

[[noreturn]] void malformed(const char* why) {
  throw Error(ErrorKind::caller, "SerializationException", std::string("malformed CBOR: ") + why);
}

class CborReader {
 public:
  CborReader(std::string_view bytes, CborTime time) : rest_(bytes), time_(time) {}

  Value whole() {
    Value value = item(0);
    if (!rest_.empty()) malformed("there is more after the item");
    return value;
  }

 private:
  uint8_t byte() {
    if (rest_.empty()) malformed("it ends too early");
    auto value = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return value;
  }

  uint64_t fixed(int size_bytes) {
    uint64_t value = 0;
    for (int i = 0; i < size_bytes; i++) value = value << 8 | byte();
    return value;
  }

  uint64_t argument(uint8_t info) {
    if (info < 24) return info;
    if (info > 27) malformed("a reserved length");
    return fixed(1 << (info - 24));
  }

  std::string_view take(uint64_t size_bytes) {
    if (size_bytes > rest_.size()) malformed("a string ends too early");
    std::string_view taken = rest_.substr(0, size_bytes);
    rest_.remove_prefix(size_bytes);
    return taken;
  }

  bool at_break() {
    if (rest_.empty()) malformed("it ends too early");
    if (static_cast<uint8_t>(rest_[0]) != break_byte) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string string(Major major, uint8_t info) {
    if (info != indefinite) return std::string(take(argument(info)));
    std::string out;
    while (!at_break()) {
      uint8_t head = byte();
      if (head >> 5 != major || (head & 31) == indefinite) malformed("a wrong piece of a string");
      out += take(argument(head & 31));
    }
    return out;
  }

  // Calls `one` for each member; a length that the bytes cannot hold is refused before anything is reserved for it.
  template <class F>
  void each(uint8_t info, F one) {
    if (info == indefinite) {
      while (!at_break()) one();
      return;
    }
    uint64_t count = argument(info);
    if (count > rest_.size()) malformed("a length beyond the end");
    for (uint64_t i = 0; i < count; i++) one();
  }

  Value list(uint8_t info, int depth) {
    ValueList items;
    each(info, [&] { items.push_back(item(depth + 1)); });
    return items;
  }

  Value members(uint8_t info, int depth) {
    ValueMap out;
    each(info, [&] {
      uint8_t head = byte();
      if (head >> 5 != text_string) malformed("a key that is not text");
      std::string key = string(text_string, head & 31);
      out.push_back({std::move(key), item(depth + 1)});
    });
    keep_last_of_equal_keys(out);
    return out;
  }

  static void keep_last_of_equal_keys(ValueMap& members) {
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); i++) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return members[a].key != members[b].key ? members[a].key < members[b].key : a < b;
    });
    std::vector<bool> dead(members.size());
    bool any = false;
    for (std::size_t i = 0; i + 1 < order.size(); i++)
      if (members[order[i]].key == members[order[i + 1]].key) any = dead[order[i]] = true;
    if (!any) return;
    ValueMap kept;
    for (std::size_t i = 0; i < members.size(); i++)
      if (!dead[i]) kept.push_back(std::move(members[i]));
    members = std::move(kept);
  }

  Value tagged(uint64_t number, int depth) {
    Value inner = item(depth + 1);
    if (number == 1) return epoch(inner);
    if (number == 2 || number == 3) return big_number(inner, number == 3);
    if (number == 4) return decimal_fraction(inner);
    return inner;
  }

  Value epoch(const Value& inner) {
    if (!inner.is_number()) malformed("a timestamp that is not a number");
    auto time = time_of_seconds(time_ == CborTime::seconds ? inner.as_double() : inner.as_double() / 1000);
    if (!time) malformed("a timestamp out of range");
    return *time;
  }

  static Value big_number(const Value& inner, bool is_negative) {
    if (!inner.is_blob()) malformed("a big number that is no byte string");
    double number = 0;
    for (char c : inner.as_blob().bytes) number = number * 256 + static_cast<unsigned char>(c);
    return is_negative ? -1 - number : number;
  }

  static Value decimal_fraction(const Value& inner) {
    if (!inner.is_list() || inner.as_list().size() != 2 || !inner.as_list()[0].is_int() ||
        !inner.as_list()[1].is_number())
      malformed("a wrong decimal fraction");
    auto exponent = static_cast<double>(std::clamp<int64_t>(inner.as_list()[0].as_int(), -10'000, 10'000));
    double mantissa = inner.as_list()[1].as_double();
    return exponent < 0 ? mantissa / std::pow(10.0, -exponent) : mantissa * std::pow(10.0, exponent);
  }

  static double half(uint64_t bits) {
    int exponent = static_cast<int>(bits >> 10 & 31);
    auto mantissa = static_cast<double>(bits & 1023);
    double value = exponent == 0    ? std::ldexp(mantissa, -24)
                   : exponent != 31 ? std::ldexp(mantissa + 1024, exponent - 25)
                   : mantissa == 0  ? std::numeric_limits<double>::infinity()
                                    : std::numeric_limits<double>::quiet_NaN();
    return bits >> 15 ? -value : value;
  }

  Value other(uint8_t info) {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
      case 23:
        return nullptr;
      case 25:
        return half(fixed(2));
      case 26:
        return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(fixed(4))));
      case 27:
        return std::bit_cast<double>(fixed(8));
      default:
        malformed("an unknown simple value");
    }
  }

  static Value integer(Major major, uint64_t argument) {
    if (argument <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      auto number = static_cast<int64_t>(argument);
      return major == positive ? number : -1 - number;
    }
    auto number = static_cast<double>(argument);
    return major == positive ? number : -1 - number;
  }

  Value item(int depth) {
    if (depth > limits::max_body_depth) malformed("it is nested too deeply");
    uint8_t head = byte();
    auto major = static_cast<Major>(head >> 5);
    uint8_t info = head & 31;
    switch (major) {
      case positive:
      case negative:
        return integer(major, argument(info));
      case byte_string:
        return Blob{string(major, info)};
      case text_string:
        return string(major, info);
      case array:
        return list(info, depth);
      case map:
        return members(info, depth);
      case tag:
        return tagged(argument(info), depth);
      case simple:
        return other(info);
    }
    malformed("an unknown item");
  }

  std::string_view rest_;
  CborTime time_;
};

void append_bytes(std::string& out, uint64_t value, int size_bytes) {
  for (int i = size_bytes - 1; i >= 0; i--) out += static_cast<char>(value >> (8 * i));
}

void append_head(std::string& out, Major major, uint64_t argument) {
  auto head = static_cast<uint8_t>(major << 5);
  if (argument < 24) {
    out += static_cast<char>(head | argument);
    return;
  }
  int power = argument <= 0xff ? 0 : argument <= 0xffff ? 1 : argument <= 0xffffffff ? 2 : 3;
  out += static_cast<char>(head | (24 + power));
  append_bytes(out, argument, 1 << power);
}

void append_integer(std::string& out, int64_t number) {
  if (number >= 0)
    append_head(out, positive, static_cast<uint64_t>(number));
  else
    append_head(out, negative, static_cast<uint64_t>(-1 - number));
}

void append_double(std::string& out, double number) {
  if (static_cast<double>(static_cast<float>(number)) == number) {
    out += static_cast<char>(0xfa);
    append_bytes(out, std::bit_cast<uint32_t>(static_cast<float>(number)), 4);
  } else {
    out += static_cast<char>(0xfb);
    append_bytes(out, std::bit_cast<uint64_t>(number), 8);
  }
}

void append_time(std::string& out, Time time, CborTime unit) {
  int64_t ms = time.time_since_epoch().count();
  append_head(out, tag, 1);
  if (unit == CborTime::milliseconds)
    append_integer(out, ms);
  else if (ms % 1000 == 0)
    append_integer(out, ms / 1000);
  else
    append_double(out, static_cast<double>(ms) / 1000);
}

void append_data(std::string& out, const Value& data) {
  if (data.is_null()) {
    out += static_cast<char>(0xf6);
  } else if (data.is_bool()) {
    out += static_cast<char>(data.as_bool() ? 0xf5 : 0xf4);
  } else if (data.is_int()) {
    append_integer(out, data.as_int());
  } else if (data.is_double()) {
    append_double(out, data.as_double());
  } else if (data.is_string()) {
    append_cbor_text(out, data.as_string());
  } else if (data.is_list()) {
    append_head(out, array, data.as_list().size());
    for (const Value& item : data.as_list()) append_data(out, item);
  } else if (data.is_map()) {
    append_head(out, map, data.as_map().size());
    for (const ValueMember& member : data.as_map()) {
      append_cbor_text(out, member.key);
      append_data(out, member.value);
    }
  }
}

void append_structure(std::string& out, const Shape& shape, const Value& value, CborTime time) {
  if (shape.document) return append_data(out, value);
  if (!value.is_map()) wrong_output(shape);
  std::vector<std::pair<const Member*, const Value*>> present;
  std::size_t hint = 0;
  for (const ValueMember& given : value.as_map()) {
    const Member* member = next_member(shape, given.key, true, hint);
    if (member && !given.value.is_null() && !member->streaming && !member->shape->event_stream)
      present.emplace_back(member, &given.value);
  }
  append_head(out, map, present.size());
  for (auto [member, inner] : present) {
    append_cbor_text(out, member->wire_name);
    append_cbor(out, *member->shape, *inner, time);
  }
}

}  // namespace

Value parse_cbor(std::string_view bytes, CborTime time) {
  return CborReader(bytes, time).whole();
}

void append_cbor_map_head(std::string& out, std::size_t members) {
  append_head(out, map, members);
}

void append_cbor_text(std::string& out, std::string_view text) {
  append_head(out, text_string, text.size());
  out += text;
}

void append_cbor(std::string& out, const Shape& shape, const Value& value, CborTime time) {
  if (value.is_null()) {
    out += static_cast<char>(0xf6);
    return;
  }
  switch (shape.type) {
    case Type::structure:
      return append_structure(out, shape, value, time);
    case Type::list:
      if (!value.is_list()) wrong_output(shape);
      append_head(out, array, value.as_list().size());
      for (const Value& item : value.as_list()) append_cbor(out, *shape.element->shape, item, time);
      return;
    case Type::map:
      if (!value.is_map()) wrong_output(shape);
      append_head(out, map, value.as_map().size());
      for (const ValueMember& entry : value.as_map()) {
        append_cbor_text(out, entry.key);
        append_cbor(out, *shape.element->shape, entry.value, time);
      }
      return;
    case Type::blob:
      if (!value.is_blob()) wrong_output(shape);
      append_head(out, byte_string, value.as_blob().bytes.size());
      out += value.as_blob().bytes;
      return;
    case Type::timestamp:
      if (!value.is_time() && !value.is_number()) wrong_output(shape);
      return append_time(out, value.as_time(), time);
    case Type::float_number:
    case Type::double_number:
      if (!value.is_number()) wrong_output(shape);
      return append_double(out, value.as_double());
    default:
      if (shape.type == Type::string    ? !value.is_string()
          : shape.type == Type::boolean ? !value.is_bool()
                                        : !value.is_int())
        wrong_output(shape);
      append_data(out, value);
  }
}

}  // namespace tarn::api
