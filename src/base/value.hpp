// Value: the input or output of any AWS operation, free of any protocol. What JSON, XML, CBOR and form bodies become
// once parsed.
//
// Not thread-safe; plain data. Maps keep the order in which members were added.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace tarn {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

class Value;
struct ValueMember;
using ValueList = std::vector<Value>;
using ValueMap = std::vector<ValueMember>;

class Value {
 public:
  Value();
  Value(std::nullptr_t);
  Value(bool v);
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Value(T v);
  Value(double v);
  Value(std::string v);
  Value(std::string_view v);
  Value(const char* v);
  Value(Blob v);
  Value(Time v);
  Value(ValueList v);
  Value(ValueMap v);
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  static Value map(std::initializer_list<ValueMember> members = {});
  static Value list(std::initializer_list<Value> items = {});

  bool is_null() const { return data_.index() == 0; }
  bool is_bool() const { return data_.index() == 1; }
  bool is_int() const { return data_.index() == 2; }
  bool is_double() const { return data_.index() == 3; }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return data_.index() == 4; }
  bool is_blob() const { return data_.index() == 5; }
  bool is_time() const { return data_.index() == 6; }
  bool is_list() const { return data_.index() == 7; }
  bool is_map() const { return data_.index() == 8; }

  // Each throws Error (kind caller, code SerializationException) when the value is of another type. as_double takes an
  // integer too, as_int a double without a fraction, and as_time a number of seconds since 1970 (what a Time becomes in
  // JSON).
  bool as_bool() const;
  int64_t as_int() const;
  double as_double() const;
  const std::string& as_string() const;
  std::string& as_string();
  const Blob& as_blob() const;
  Time as_time() const;
  const ValueList& as_list() const;
  ValueList& as_list();
  const ValueMap& as_map() const;
  ValueMap& as_map();

  // The member named `key`, or nullptr when it is absent or this is no map. A member that is null is present.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  // The member named `key`; a missing one throws Error (kind caller).
  const Value& at(std::string_view key) const;
  // The member named `key`, added as null when absent. A null Value becomes a map first.
  Value& operator[](std::string_view key);
  // Adds or replaces; returns *this so that calls chain.
  Value& set(std::string_view key, Value value);
  // Removes the member if it is there.
  void erase(std::string_view key);
  // Appends to a list. A null Value becomes a list first.
  void push_back(Value item);
  // The string member `key`, or `otherwise` when absent or of another type.
  std::string string_or(std::string_view key, std::string_view otherwise = {}) const;
  int64_t int_or(std::string_view key, int64_t otherwise = 0) const;
  bool bool_or(std::string_view key, bool otherwise = false) const;

  bool operator==(const Value&) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Blob, Time, ValueList, ValueMap> data_;
};

struct ValueMember {
  std::string key;
  Value value;
  bool operator==(const ValueMember& other) const;
};

// Here, where ValueMember is complete: clang asks for that.
inline Value::Value() {}
inline Value::Value(std::nullptr_t) {}
inline Value::Value(bool v) : data_(v) {}
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
inline Value::Value(T v) : data_(static_cast<int64_t>(v)) {}
inline Value::Value(double v) : data_(v) {}
inline Value::Value(std::string v) : data_(std::move(v)) {}
inline Value::Value(std::string_view v) : data_(std::string(v)) {}
inline Value::Value(const char* v) : data_(std::string(v)) {}
inline Value::Value(Blob v) : data_(std::move(v)) {}
inline Value::Value(Time v) : data_(v) {}

}  // namespace tarn
