// CBOR bodies: parsed as data, given the model's types, written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/wire/cbor_form.hpp"
#include "api/wire/json_form.hpp"
#include "base/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  if (size == 0) return 0;
  const api::CborTime time = data[0] & 1 ? api::CborTime::seconds : api::CborTime::milliseconds;
  const api::Service& service = *api::find_service(data[0] & 2 ? "cloudwatch" : "kinesis");
  const api::Operation& operation = *api::find_operation(service, data[0] & 2 ? "PutMetricData" : "PutRecords");
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    Value value = api::from_data(*operation.input, api::parse_cbor(bytes, time));
    std::string written;
    api::append_cbor(written, *operation.input, value, time);
    Value again = api::from_data(*operation.input, api::parse_cbor(written, time));
    std::string written_again;
    api::append_cbor(written_again, *operation.input, again, time);
    if (written != written_again) abort();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::caller) abort();
  }
  return 0;
}
