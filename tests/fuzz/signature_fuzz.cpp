// Signatures: no header or query may pass as signed, whatever it says.
#include <cstdint>
#include <cstdlib>

#include "base/error.hpp"
#include "gateway/http/signature.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn;
  static SystemClock clock;
  static const gateway::Authenticator authenticator(
      gateway::AuthMode::strict, "000000000000",
      [](std::string_view) {
        govern::Credential out;
        out.secret_access_key = "a secret that no input holds";
        return std::optional(out);
      },
      clock, clock);
  static const api::Service* services[] = {api::find_service("s3"), api::find_service("glue"), api::find_service("iam"),
                                           api::find_service("lambda")};
  if (size < 2) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = text.find('\n');
  api::WireRequest request;
  request.method = "GET";
  request.path = "/b/k";
  request.query = text.substr(0, cut);
  request.headers = {{"Host", "localhost"}, {"X-Amz-Date", format_basic_iso8601(clock.now())}};
  if (cut != text.npos) request.headers.emplace_back("Authorization", text.substr(cut + 1));
  if (data[1] & 1) request.headers.emplace_back("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  try {
    authenticator.authenticate(request, *services[data[0] % 4], nullptr);
    std::abort();
  } catch (const Error&) {
  }
  return 0;
}
