// What the generated structs are made of, and how they become Values and back.
//
// For a service S, "api/S.hpp" (generated) declares in namespace tarn::api::S a plain struct for every shape that the
// operations listed in overlay/S.json reach. Members carry AWS's names in snake_case. A required member is plain, any
// other is std::optional: absent means "not sent". Enumerations are strings; their known words stand as constants
// (job_run_state::running).
#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tarn::api {

// A struct that contains itself holds the inner one in a Box: copied deeply, never null once made.
template <class T>
class Box {
 public:
  Box() = default;
  Box(T v) : p_(std::make_shared<T>(std::move(v))) {}
  Box(const Box& o) : p_(o.p_ ? std::make_shared<T>(*o.p_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(Box o) noexcept {
    p_ = std::move(o.p_);
    return *this;
  }
  T& operator*() { return get(); }
  const T& operator*() const { return *p_; }
  T* operator->() { return &get(); }
  const T* operator->() const { return p_.get(); }
  bool operator==(const Box& o) const { return p_ && o.p_ ? *p_ == *o.p_ : p_ == o.p_; }

 private:
  T& get() {
    if (!p_) p_ = std::make_shared<T>();
    return *p_;
  }
  std::shared_ptr<T> p_;
};

inline void from_value(const Value& v, std::string& out) {
  out = v.as_string();
}
inline void from_value(const Value& v, bool& out) {
  out = v.as_bool();
}
inline void from_value(const Value& v, int64_t& out) {
  out = v.as_int();
}
inline void from_value(const Value& v, double& out) {
  out = v.as_double();
}
void from_value(const Value& v, Blob& out);  // takes base64 text too: what a Blob becomes in JSON
// A stored record holds a Time as seconds since 1970 (to_json writes it so).
inline void from_value(const Value& v, Time& out) {
  if (v.is_number())
    out = Time(std::chrono::milliseconds(std::llround(v.as_double() * 1000)));
  else
    out = v.as_time();
}
inline void from_value(const Value& v, Value& out) {
  out = v;
}

inline Value to_value(const std::string& v) {
  return v;
}
inline Value to_value(bool v) {
  return v;
}
inline Value to_value(int64_t v) {
  return v;
}
inline Value to_value(double v) {
  return v;
}
inline Value to_value(const Blob& v) {
  return v;
}
inline Value to_value(Time v) {
  return v;
}
inline Value to_value(const Value& v) {
  return v;
}

// The struct of an operation without input or output.
struct Empty {
  bool operator==(const Empty&) const = default;
};
inline void from_value(const Value&, Empty&) {}
inline Value to_value(const Empty&) {
  return Value::map();
}

template <class T>
void from_value(const Value& v, std::vector<T>& out);
template <class T>
void from_value(const Value& v, std::map<std::string, T>& out);
template <class T>
void from_value(const Value& v, Box<T>& out);
template <class T>
Value to_value(const std::vector<T>& v);
template <class T>
Value to_value(const std::map<std::string, T>& v);
template <class T>
Value to_value(const Box<T>& v);

template <class T>
void from_value(const Value& v, std::vector<T>& out) {
  for (const Value& item : v.as_list()) from_value(item, out.emplace_back());
}
template <class T>
void from_value(const Value& v, std::map<std::string, T>& out) {
  for (const auto& [key, item] : v.as_map()) from_value(item, out[key]);
}
template <class T>
void from_value(const Value& v, Box<T>& out) {
  from_value(v, *out);
}
template <class T>
Value to_value(const std::vector<T>& v) {
  ValueList list;
  list.reserve(v.size());
  for (const auto& item : v) list.push_back(to_value(item));
  return list;
}
template <class T>
Value to_value(const std::map<std::string, T>& v) {
  ValueMap map;
  map.reserve(v.size());
  for (const auto& [key, item] : v) map.push_back({key, to_value(item)});
  return map;
}
template <class T>
Value to_value(const Box<T>& v) {
  return to_value(*v);
}

// One member of a struct; null and absent are the same.
template <class T>
void read_member(const Value& v, std::string_view name, T& out) {
  if (const Value* m = v.find(name); m && !m->is_null()) from_value(*m, out);
}
template <class T>
void read_member(const Value& v, std::string_view name, std::optional<T>& out) {
  if (const Value* m = v.find(name); m && !m->is_null()) from_value(*m, out.emplace());
}
template <class T>
void write_member(Value& v, std::string_view name, const T& in) {
  v.as_map().push_back({std::string(name), to_value(in)});
}
template <class T>
void write_member(Value& v, std::string_view name, const std::optional<T>& in) {
  if (in) write_member(v, name, *in);
}

// A struct of type T made from `v`. Stored records are read so; a wrong type throws Error (caller,
// SerializationException).
template <class T>
T from(const Value& v) {
  T out{};
  from_value(v, out);
  return out;
}

}  // namespace tarn::api
