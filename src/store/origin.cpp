#include "store/origin.hpp"

namespace tarn::store {
namespace {

thread_local const Origin* innermost = nullptr;

}  // namespace

OriginScope::OriginScope(Origin origin) : origin_(std::move(origin)), outer_(innermost) {
  innermost = &origin_;
}

OriginScope::~OriginScope() {
  innermost = outer_;
}

const Origin& current_origin() {
  static const Origin nobody;
  return innermost ? *innermost : nobody;
}

}  // namespace tarn::store
