#include "base/value.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace tarn {
namespace {

[[noreturn]] void wrong_type(const char* wanted) {
  throw Error(ErrorKind::caller, "SerializationException", std::string("expected ") + wanted);
}

template <class T, class Variant>
auto& get_or_throw(Variant& data, const char* wanted) {
  auto* p = std::get_if<T>(&data);
  if (!p) wrong_type(wanted);
  return *p;
}

}  // namespace

Value::Value(ValueList v) : data_(std::move(v)) {}
Value::Value(ValueMap v) : data_(std::move(v)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value Value::map(std::initializer_list<ValueMember> members) {
  return Value(ValueMap(members));
}
Value Value::list(std::initializer_list<Value> items) {
  return Value(ValueList(items));
}

bool Value::as_bool() const {
  return get_or_throw<bool>(data_, "a boolean");
}

int64_t Value::as_int() const {
  if (auto* d = std::get_if<double>(&data_)) {
    if (std::trunc(*d) == *d && std::abs(*d) < 9.2e18) return static_cast<int64_t>(*d);
    wrong_type("an integer");
  }
  return get_or_throw<int64_t>(data_, "an integer");
}

double Value::as_double() const {
  if (auto* i = std::get_if<int64_t>(&data_)) return static_cast<double>(*i);
  return get_or_throw<double>(data_, "a number");
}

const std::string& Value::as_string() const {
  return get_or_throw<std::string>(data_, "a string");
}
std::string& Value::as_string() {
  return get_or_throw<std::string>(data_, "a string");
}
const Blob& Value::as_blob() const {
  return get_or_throw<Blob>(data_, "a blob");
}
Time Value::as_time() const {
  // Stored records are JSON, where an instant is its seconds since 1970.
  if (is_number()) return Time(std::chrono::milliseconds(std::llround(as_double() * 1000)));
  return get_or_throw<Time>(data_, "a timestamp");
}
const ValueList& Value::as_list() const {
  return get_or_throw<ValueList>(data_, "a list");
}
ValueList& Value::as_list() {
  return get_or_throw<ValueList>(data_, "a list");
}
const ValueMap& Value::as_map() const {
  return get_or_throw<ValueMap>(data_, "an object");
}
ValueMap& Value::as_map() {
  return get_or_throw<ValueMap>(data_, "an object");
}

const Value* Value::find(std::string_view key) const {
  auto* members = std::get_if<ValueMap>(&data_);
  if (!members) return nullptr;
  for (const auto& member : *members)
    if (member.key == key) return &member.value;
  return nullptr;
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

const Value& Value::at(std::string_view key) const {
  if (const Value* v = find(key)) return *v;
  throw Error(ErrorKind::caller, "SerializationException", "missing member " + std::string(key));
}

Value& Value::operator[](std::string_view key) {
  if (is_null()) data_ = ValueMap();
  if (Value* v = find(key)) return *v;
  auto& members = as_map();
  members.push_back({std::string(key), Value()});
  return members.back().value;
}

Value& Value::set(std::string_view key, Value value) {
  (*this)[key] = std::move(value);
  return *this;
}

void Value::erase(std::string_view key) {
  if (auto* members = std::get_if<ValueMap>(&data_)) {
    std::erase_if(*members, [&](const ValueMember& m) { return m.key == key; });
  }
}

void Value::push_back(Value item) {
  if (is_null()) data_ = ValueList();
  as_list().push_back(std::move(item));
}

std::string Value::string_or(std::string_view key, std::string_view otherwise) const {
  const Value* v = find(key);
  return std::string(v && v->is_string() ? std::string_view(v->as_string()) : otherwise);
}

int64_t Value::int_or(std::string_view key, int64_t otherwise) const {
  const Value* v = find(key);
  return v && v->is_number() ? v->as_int() : otherwise;
}

bool Value::bool_or(std::string_view key, bool otherwise) const {
  const Value* v = find(key);
  return v && v->is_bool() ? v->as_bool() : otherwise;
}

// Written out: clang 16 crashes on the defaulted ones, which need each other.
bool Value::operator==(const Value& other) const {
  return data_ == other.data_;
}
bool ValueMember::operator==(const ValueMember& other) const {
  return key == other.key && value == other.value;
}

}  // namespace tarn
