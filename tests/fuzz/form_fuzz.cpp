// Form bodies of the query and ec2 protocols: read, written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/wire/form.hpp"
#include "base/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  if (size == 0) return 0;
  const bool ec2 = data[0] & 1;
  const api::FormStyle style = ec2 ? api::FormStyle::ec2 : api::FormStyle::query;
  const api::Service& service = *api::find_service(ec2 ? "ec2" : data[0] & 2 ? "cloudwatch" : "cloudformation");
  const api::Operation& operation = *api::find_operation(service, ec2           ? "RunInstances"
                                                                  : data[0] & 2 ? "PutMetricData"
                                                                                : "CreateStack");
  std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    Value value = api::parse_form(*operation.input, api::parse_parameters(text), style);
    std::string written;
    api::append_form(written, *operation.input, value, style);
    Value again = api::parse_form(*operation.input, api::parse_parameters(written), style);
    std::string written_again;
    api::append_form(written_again, *operation.input, again, style);
    if (written_again.size() > written.size()) abort();  // structures that turn out empty go, nothing comes
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::bug) abort();
  }
  return 0;
}
