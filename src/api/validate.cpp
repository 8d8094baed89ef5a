#include "api/validate.hpp"

namespace tarn::api {

void validate(const Service&, const Operation&, const Value&) {}

}  // namespace tarn::api
