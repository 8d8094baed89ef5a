#include "orchestrate/states/intrinsics.hpp"

#include <openssl/evp.h>

#include <cmath>
#include <map>
#include <random>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "orchestrate/states/json_path.hpp"

namespace tarn::states {
namespace {

constexpr std::size_t max_text_size_bytes = 10'000;  // of Base64Encode, Base64Decode and Hash
constexpr int64_t max_range_items = 1000;

[[noreturn]] void fail(const std::string& why) {
  throw Error(ErrorKind::caller, "States.IntrinsicFailure", why);
}

// The arguments of one call, with what each must be.
class Arguments {
 public:
  Arguments(std::string_view function, const ValueList& values, Random& r)
      : random(r), function_(function), values_(values) {}

  std::size_t size() const { return values_.size(); }
  const Value& operator[](std::size_t i) const { return values_[i]; }
  void expect_count(std::size_t least, std::size_t most) const {
    if (size() < least || size() > most)
      wrong("takes " + std::to_string(least) + (most > least ? " to " + std::to_string(most) : "") +
            " arguments, not " + std::to_string(size()));
  }
  const ValueList& list(std::size_t i) const {
    if (!values_[i].is_list()) wrong_type(i, "an array");
    return values_[i].as_list();
  }
  const std::string& text(std::size_t i) const {
    if (!values_[i].is_string()) wrong_type(i, "a string");
    return values_[i].as_string();
  }
  // Numbers with a fraction are rounded, as AWS does.
  int64_t number(std::size_t i) const {
    if (!values_[i].is_number()) wrong_type(i, "a number");
    if (values_[i].is_int()) return values_[i].as_int();
    const double d = std::round(values_[i].as_double());
    if (!(std::abs(d) < 9.0e18)) wrong_type(i, "an integer");
    return static_cast<int64_t>(d);
  }
  [[noreturn]] void wrong(const std::string& why) const {
    fail("Invalid arguments in " + std::string(function_) + ": it " + why + ".");
  }
  [[noreturn]] void wrong_type(std::size_t i, const char* what) const {
    wrong("takes " + std::string(what) + " as argument " + std::to_string(i + 1) + ", not " + to_json(values_[i]));
  }
  Random& random;

 private:
  std::string_view function_;
  const ValueList& values_;
};

Value format(const Arguments& a) {
  a.expect_count(1, SIZE_MAX);
  const std::string& text = a.text(0);
  std::string out;
  std::size_t next = 1;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      out += text[++i];
    } else if (text[i] == '{' && i + 1 < text.size() && text[i + 1] == '}') {
      if (next >= a.size()) a.wrong("has fewer arguments than its format has places: " + text);
      const Value& v = a[next++];
      out += v.is_string() ? v.as_string() : to_json(v);
      ++i;
    } else {
      out += text[i];
    }
  }
  if (next != a.size()) a.wrong("has more arguments than its format has places: " + text);
  return out;
}

Value string_to_json(const Arguments& a) {
  a.expect_count(1, 1);
  try {
    return parse_json(a.text(0));
  } catch (const Error&) {
    a.wrong("takes a string that is JSON, not " + a.text(0));
  }
}

Value array_partition(const Arguments& a) {
  a.expect_count(2, 2);
  const int64_t size = a.number(1);
  if (size <= 0) a.wrong("takes a positive size of its parts");
  Value out = Value::list();
  for (const Value& item : a.list(0)) {
    if (out.as_list().empty() || static_cast<int64_t>(out.as_list().back().as_list().size()) == size)
      out.push_back(Value::list());
    out.as_list().back().push_back(item);
  }
  return out;
}

bool contains(const ValueList& list, const Value& what) {
  for (const Value& item : list)
    if (json_equal(item, what)) return true;
  return false;
}

Value array_range(const Arguments& a) {
  a.expect_count(3, 3);
  const int64_t first = a.number(0), last = a.number(1), step = a.number(2);
  if (step == 0) a.wrong("takes a step that is not 0");
  constexpr int64_t most = int64_t{1} << 52;  // beyond it, nothing of what follows could be computed exactly
  if (std::abs(first) > most || std::abs(last) > most || std::abs(step) > most) a.wrong("takes smaller numbers");
  const int64_t items = (last - first) / step + 1;
  if ((step > 0 && first > last) || (step < 0 && first < last)) return Value::list();
  if (items > max_range_items) a.wrong("gives at most 1000 items");
  Value out = Value::list();
  for (int64_t i = 0; i < items; i++) out.push_back(first + i * step);
  return out;
}

Value array_item(const Arguments& a) {
  a.expect_count(2, 2);
  const int64_t index = a.number(1);
  const ValueList& list = a.list(0);
  if (index < 0 || index >= static_cast<int64_t>(list.size()))
    a.wrong("has no item " + std::to_string(index) + " in an array of " + std::to_string(list.size()));
  return list[static_cast<std::size_t>(index)];
}

Value array_unique(const Arguments& a) {
  a.expect_count(1, 1);
  ValueList out;
  for (const Value& item : a.list(0))
    if (!contains(out, item)) out.push_back(item);
  return out;
}

const std::string& short_text(const Arguments& a) {
  const std::string& text = a.text(0);
  if (text.size() > max_text_size_bytes) a.wrong("takes at most 10000 characters");
  return text;
}

Value base64_of(const Arguments& a) {
  a.expect_count(1, 1);
  return base64_encode(short_text(a));
}

Value from_base64(const Arguments& a) {
  a.expect_count(1, 1);
  auto out = base64_decode(short_text(a));
  if (!out) a.wrong("takes base64, not " + a.text(0));
  return *out;
}

// Nothing else in tarn needs it, so that base/digest.hpp does not have it.
std::string sha384(const std::string& data) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  TARN_ASSERT(EVP_Digest(data.data(), data.size(), out, &size, EVP_sha384(), nullptr) == 1);
  return {reinterpret_cast<char*>(out), size};
}

Value hash(const Arguments& a) {
  a.expect_count(2, 2);
  static const std::map<std::string, DigestKind, std::less<>> kinds = {{"MD5", DigestKind::md5},
                                                                       {"SHA-1", DigestKind::sha1},
                                                                       {"SHA-256", DigestKind::sha256},
                                                                       {"SHA-512", DigestKind::sha512}};
  const std::string data = a[0].is_string() ? a[0].as_string() : to_json(a[0]);
  if (data.size() > max_text_size_bytes) a.wrong("takes at most 10000 characters");
  if (a.text(1) == "SHA-384") return hex_encode(sha384(data));
  const auto kind = kinds.find(a.text(1));
  if (kind == kinds.end()) a.wrong("has no algorithm " + a.text(1));
  return hex_encode(digest(kind->second, data));
}

Value json_merge(const Arguments& a) {
  a.expect_count(3, 3);
  if (!a[0].is_map() || !a[1].is_map()) a.wrong("takes two objects");
  if (!a[2].is_bool()) a.wrong_type(2, "a boolean");
  if (a[2].as_bool()) a.wrong("does not support deep merging: its third argument must be false");
  Value out = a[0];
  for (const ValueMember& m : a[1].as_map()) out.set(m.key, m.value);
  return out;
}

Value math_random(const Arguments& a) {
  a.expect_count(2, 3);
  const int64_t from = a.number(0), to = a.number(1);
  if (from >= to) a.wrong("takes a start below its end");
  std::mt19937_64 engine(a.size() == 3 ? static_cast<uint64_t>(a.number(2)) : a.random.next());
  return std::uniform_int_distribution<int64_t>(from, to - 1)(engine);
}

Value math_add(const Arguments& a) {
  a.expect_count(2, 2);
  int64_t sum = 0;
  if (__builtin_add_overflow(a.number(0), a.number(1), &sum)) a.wrong("gives a number that is too large");
  return sum;
}

// Each character of the second argument separates; empty pieces are left out.
Value string_split(const Arguments& a) {
  a.expect_count(2, 2);
  const std::string &text = a.text(0), &separators = a.text(1);
  Value out = Value::list();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

using Function = Value (*)(const Arguments&);

const std::map<std::string_view, Function>& functions() {
  static const std::map<std::string_view, Function> all = {
      {"States.Format", format},
      {"States.StringToJson", string_to_json},
      {"States.JsonToString",
       [](const Arguments& a) -> Value {
         a.expect_count(1, 1);
         return to_json(a[0]);
       }},
      {"States.Array",
       [](const Arguments& a) -> Value {
         ValueList out;
         for (std::size_t i = 0; i < a.size(); i++) out.push_back(a[i]);
         return out;
       }},
      {"States.ArrayPartition", array_partition},
      {"States.ArrayContains",
       [](const Arguments& a) -> Value {
         a.expect_count(2, 2);
         return contains(a.list(0), a[1]);
       }},
      {"States.ArrayRange", array_range},
      {"States.ArrayGetItem", array_item},
      {"States.ArrayLength",
       [](const Arguments& a) -> Value {
         a.expect_count(1, 1);
         return static_cast<int64_t>(a.list(0).size());
       }},
      {"States.ArrayUnique", array_unique},
      {"States.Base64Encode", base64_of},
      {"States.Base64Decode", from_base64},
      {"States.Hash", hash},
      {"States.JsonMerge", json_merge},
      {"States.MathRandom", math_random},
      {"States.MathAdd", math_add},
      {"States.StringSplit", string_split},
      {"States.UUID",
       [](const Arguments& a) -> Value {
         a.expect_count(0, 0);
         return a.random.uuid();
       }},
  };
  return all;
}

}  // namespace

bool is_intrinsic(std::string_view name) {
  return functions().contains(name);
}

Value call_intrinsic(std::string_view name, const ValueList& arguments, Random& random) {
  const auto function = functions().find(name);
  if (function == functions().end()) fail("There is no function " + std::string(name) + ".");
  return function->second(Arguments(name, arguments, random));
}

}  // namespace tarn::states
