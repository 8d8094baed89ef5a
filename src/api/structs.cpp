#include "api/structs.hpp"

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::api {

void from_value(const Value& v, Blob& out) {
  if (!v.is_string()) {
    out = v.as_blob();
    return;
  }
  auto bytes = base64_decode(v.as_string());
  if (!bytes) throw Error(ErrorKind::caller, "SerializationException", "expected base64 text");
  out.bytes = std::move(*bytes);
}

}  // namespace tarn::api
