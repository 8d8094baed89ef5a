// Stack policies, and the URLs that templates and policies come from.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "deploy/stack_policy.hpp"
#include "deploy/template_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)tarn::deploy::parse_object_url(text, "http://127.0.0.1:4566");
  try {
    tarn::deploy::check_stack_policy(text);
    (void)tarn::deploy::stack_policy_denial(text, "Update:Modify", "Queue", "AWS::SQS::Queue");
  } catch (const tarn::Error&) {
  }
  return 0;
}
