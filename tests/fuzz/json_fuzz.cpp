// JSON bodies: parsed, given the model's types, validated, written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/validate.hpp"
#include "api/wire/json_form.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace {

constexpr std::pair<std::string_view, std::string_view> operations[] = {{"glue", "CreateTable"},
                                                                        {"glue", "BatchCreatePartition"},
                                                                        {"dynamodb", "TransactWriteItems"},
                                                                        {"athena", "StartQueryExecution"},
                                                                        {"dms", "CreateEndpoint"},
                                                                        {"cognito-idp", "AdminInitiateAuth"},
                                                                        {"lakeformation", "GrantPermissions"},
                                                                        {"lambda", "CreateFunction"}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  if (size == 0) return 0;
  auto [service_name, operation_name] = operations[data[0] % std::size(operations)];
  const api::Service& service = *api::find_service(service_name);
  const api::Operation& operation = *api::find_operation(service, operation_name);
  std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    std::string again = to_json(parse_json(text));
    if (to_json(parse_json(again)) != again) abort();
    Value value = api::from_json(*operation.input, text);
    std::string written = api::to_json(*operation.input, value);
    if (api::to_json(*operation.input, api::from_json(*operation.input, written)) != written) abort();
    api::validate(service, operation, value);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::caller) abort();
  }
  return 0;
}
