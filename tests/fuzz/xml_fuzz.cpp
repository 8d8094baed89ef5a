// XML bodies of S3, answers of query services, and XML errors.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/validate.hpp"
#include "api/wire/client.hpp"
#include "api/wire/codec.hpp"
#include "api/wire/xml_form.hpp"

namespace {

constexpr std::string_view operations[] = {
    "DeleteObjects",    "CompleteMultipartUpload", "PutBucketLifecycleConfiguration",   "PutBucketAcl",
    "PutBucketTagging", "PutBucketReplication",    "PutBucketNotificationConfiguration"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  if (size == 0) return 0;
  const api::Service& s3 = *api::find_service("s3");
  const api::Operation& operation = *api::find_operation(s3, operations[data[0] % std::size(operations)]);
  api::WireRequest request;
  request.body.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    Value input = api::parse_input(api::route_to(s3, operation, api::Protocol::rest_xml), request);
    input.set("Bucket", "b").set("Key", "k").set("UploadId", "u");
    api::validate(s3, operation, input);
    api::WireRequest again = api::serialize_input(s3, operation, input);
    if (again.body.empty() != !input.find(operation.input->payload)) abort();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::caller) abort();
  }
  api::WireResponse response;
  response.body = request.body;
  const api::Service& sts = *api::find_service("cloudformation");
  try {
    api::parse_output(sts, *api::find_operation(sts, "DescribeStacks"), response);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::outside) abort();
  }
  api::parse_error(s3, api::Protocol::rest_xml, response);
  return 0;
}
