#include "api/model.hpp"

#include <algorithm>

namespace tarn::api {

const Service* find_service(std::string_view name_or_id) {
  for (const Service* service : services())
    if (service->name == name_or_id || service->id == name_or_id) return service;
  return nullptr;
}

const Operation* find_operation(const Service& service, std::string_view name) {
  auto it = std::lower_bound(service.operations.begin(), service.operations.end(), name,
                             [](const Operation& op, std::string_view n) { return op.name < n; });
  return it != service.operations.end() && it->name == name ? &*it : nullptr;
}

const Member* find_member(const Shape& structure, std::string_view name) {
  for (const Member& member : structure.members)
    if (member.name == name) return &member;
  return nullptr;
}

}  // namespace tarn::api
