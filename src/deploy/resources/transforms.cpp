#include "deploy/resources/transforms.hpp"

#include <array>
#include <utility>

#include "base/json.hpp"

namespace tarn::deploy {
namespace {

Value only_true(const Value& v, const Scope&) {
  return v.is_bool() && v.as_bool() ? v : Value();
}

Value only_false(const Value& v, const Scope&) {
  return v.is_bool() && !v.as_bool() ? v : Value();
}

Value as_json(const Value& v, const Scope&) {
  return v.is_string() ? v : Value(to_json(v));
}

Value last(const Value& v, const Scope&) {
  return v.is_string() ? Value(last_part(v.as_string())) : v;
}

// CreateBucket wants no location for us-east-1.
Value location(const Value& v, const Scope&) {
  return v.is_string() && v.as_string() == "us-east-1" ? Value() : v;
}

// An empty list, map or text is none.
Value unless_empty(const Value& v, const Scope&) {
  if (v.is_list() && v.as_list().empty()) return {};
  if (v.is_map() && v.as_map().empty()) return {};
  if (v.is_string() && v.as_string().empty()) return {};
  return v;
}

Value enabled(const Value& v, const Scope&) {
  return v.is_bool() ? Value(v.as_bool() ? "Enabled" : "Disabled") : v;
}

constexpr std::array<std::pair<std::string_view, Transform>, 7> transforms{{{"true", only_true},
                                                                            {"false", only_false},
                                                                            {"json", as_json},
                                                                            {"last", last},
                                                                            {"location", location},
                                                                            {"filled", unless_empty},
                                                                            {"enabled", enabled}}};

}  // namespace

Transform find_transform(std::string_view name) {
  for (const auto& [known, transform] : transforms)
    if (known == name) return transform;
  return find_bucket_transform(name);
}

std::string_view last_part(std::string_view id) {
  const std::size_t at = id.find_last_of("/:");
  return at == id.npos ? id : id.substr(at + 1);
}

}  // namespace tarn::deploy
