#include "gateway/http/signature.hpp"

#include <algorithm>
#include <charconv>
#include <shared_mutex>
#include <unordered_map>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/limits.hpp"
#include "gateway/http/auth_errors.hpp"
#include "gateway/http/canonical.hpp"

namespace tarn::gateway {
namespace {

constexpr const char* default_region = "us-east-1";
constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";
constexpr std::string_view streaming = "STREAMING-";

bool is_s3(const api::Service& service) {
  return service.protocol == api::Protocol::rest_xml;
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_account_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The aws-chunked form that x-amz-content-sha256 names, without what its signatures are made with.
ChunkedForm chunked_form(const api::WireRequest& request, std::string_view content) {
  ChunkedForm form;
  if (content == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") {
    form.has_signatures = true;
  } else if (content == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") {
    form.has_signatures = form.has_trailer = true;
  } else if (content == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    form.has_trailer = true;
  } else {
    throw Error(ErrorKind::unsupported, "NotImplemented",
                "tarn does not take x-amz-content-sha256: " + std::string(content) + ".");
  }
  const std::string* length = request.header("x-amz-decoded-content-length");
  if (!length)
    throw Error(ErrorKind::caller, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), form.decoded_size_bytes);
  if (length->empty() || error != std::errc() || end != length->data() + length->size())
    throw Error(ErrorKind::caller, "InvalidArgument", "x-amz-decoded-content-length must be a number of bytes.");
  if (!form.has_trailer) return form;
  if (const std::string* names = request.header("x-amz-trailer")) {
    std::string name;
    for (char c : *names + ",") {
      if (c == ',') {
        if (!name.empty()) form.announced.push_back(std::move(name));
        name.clear();
      } else if (c != ' ' && c != '\t') {
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
    }
  }
  return form;
}

// What x-amz-content-sha256 says of the body.
void read_payload_form(const api::WireRequest& request, Authenticated& result) {
  const std::string* content = request.header("x-amz-content-sha256");
  if (!content || *content == unsigned_payload) return;
  if (content->starts_with(streaming))
    result.chunked = chunked_form(request, *content);
  else if (is_sha256_hex(*content))
    result.payload_sha256 = *content;
  else
    throw Error(
        ErrorKind::caller, "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD or a valid sha256 value.");
}

// The last line of the canonical request.
std::string signed_payload_hash(const api::WireRequest& request, const api::Service& service,
                                const api::Operation* operation, const SignatureParts& sign) {
  const std::string* given = request.header("x-amz-content-sha256");
  if (!is_s3(service)) {
    if (given && *given == unsigned_payload && operation && operation->unsigned_payload) return *given;
    return hex_encode(digest(DigestKind::sha256, request.body));
  }
  if (given) return *given;
  if (sign.presigned) return std::string(unsigned_payload);
  throw Error(ErrorKind::caller, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
}

Error mismatch(const api::Service& service, const SignatureParts& sign, const std::string& to_sign,
               const std::string& canonical) {
  Error error = auth_error(service, AuthProblem::mismatch);
  if (!is_s3(service)) return error;
  error.with("AWSAccessKeyId", sign.access_key_id)
      .with("StringToSign", to_sign)
      .with("SignatureProvided", sign.signature);
  if (!canonical.empty()) error.with("CanonicalRequest", canonical);
  return error;
}

// What is not signed could have been added on the way.
void refuse_unsigned_headers(const api::WireRequest& request, const api::Service& service, const SignatureParts& sign) {
  auto is_signed = [&](std::string_view name) {
    return std::any_of(sign.signed_headers.begin(), sign.signed_headers.end(),
                       [&](const std::string& s) { return api::same_header(s, name); });
  };
  std::string not_signed = is_signed("host") ? "" : "host";
  if (is_s3(service))
    for (const auto& [name, value] : request.headers)
      if (name.size() > 6 && api::same_header(std::string_view(name).substr(0, 6), "x-amz-") &&
          !api::same_header(name, "x-amz-content-sha256") && !is_signed(name))
        not_signed += (not_signed.empty() ? "" : ", ") + name;
  if (not_signed.empty()) return;
  constexpr const char* message = "There were headers present in the request which were not signed";
  Error error = is_s3(service) ? Error(ErrorKind::denied, "AccessDenied", message)
                               : auth_error(service, AuthProblem::mismatch, message);
  throw error.with("HeadersNotSigned", not_signed);
}

}  // namespace

// Deriving a key takes four HMACs, and a client uses the same one all day.
class Authenticator::KeyCache {
 public:
  std::string get(const std::string& secret, const SignatureParts& parts) {
    std::string id = parts.access_key_id + "\n" + parts.scope();
    {
      std::shared_lock lock(mutex_);
      auto found = keys_.find(id);
      if (found != keys_.end() && found->second.secret == secret) return found->second.key;
    }
    Entry entry{secret, signing_key(secret, parts)};
    std::unique_lock lock(mutex_);
    if (keys_.size() >= 10'000) keys_.clear();
    return keys_.insert_or_assign(std::move(id), std::move(entry)).first->second.key;
  }

 private:
  struct Entry {
    std::string secret, key;
  };
  std::shared_mutex mutex_;
  std::unordered_map<std::string, Entry> keys_;
};

Authenticator::Authenticator(AuthMode mode, std::string default_account, FindKey find_key, const Clock& clock,
                             const Clock& wall_clock)
    : mode_(mode),
      default_account_(std::move(default_account)),
      find_key_(std::move(find_key)),
      clock_(clock),
      wall_clock_(wall_clock),
      keys_(std::make_unique<KeyCache>()) {}

Authenticator::~Authenticator() = default;

Authenticated Authenticator::authenticate(const api::WireRequest& request, const api::Service& service,
                                          const api::Operation* operation, std::string_view virtual_bucket) const {
  auto sign = find_signature(request, service);
  Authenticated result = sign ? Authenticated{} : unsigned_request(service, operation);
  if (is_s3(service)) read_payload_form(request, result);
  if (!sign) return result;

  result.region = sign->region.empty() ? default_region : sign->region;
  auto credential = find_key_(sign->access_key_id);
  if (!credential) {
    if (mode_ == AuthMode::strict)
      throw auth_error(service, AuthProblem::unknown_key).with("AWSAccessKeyId", sign->access_key_id);
    if (sign->presigned) check_times(*sign, service);
    result.principal = act_as_root(sign->access_key_id);
    return result;
  }
  check_credential(*credential, *sign, service);
  check_times(*sign, service);
  if (sign->version_2) {
    const std::string to_sign = string_to_sign_version_2(request, virtual_bucket);
    if (!equal_secrets(base64_encode(hmac_sha1(credential->secret_access_key, to_sign)), sign->signature))
      throw mismatch(service, *sign, to_sign, {});
  } else {
    const std::string key = keys_->get(credential->secret_access_key, *sign);
    const std::string canonical =
        canonical_request(request, *sign, !is_s3(service), signed_payload_hash(request, service, operation, *sign));
    const std::string to_sign = string_to_sign(*sign, canonical);
    if (!equal_secrets(hex_encode(hmac_sha256(key, to_sign)), sign->signature))
      throw mismatch(service, *sign, to_sign, canonical);
    refuse_unsigned_headers(request, service, *sign);
    if (result.chunked && result.chunked->has_signatures)
      result.chunked->signing = ChunkSigning{key, sign->timestamp, sign->scope(), sign->signature};
  }
  result.principal = credential->principal;
  result.principal.access_key_id = sign->access_key_id;
  result.verified = true;
  return result;
}

namespace {

// The parts of a form's signature, of either version; absent: it has none.
std::optional<SignatureParts> form_signature(const std::map<std::string, std::string>& fields, const api::Service& s3) {
  auto field = [&](const char* name) -> std::string {
    auto at = fields.find(name);
    return at == fields.end() ? std::string() : at->second;
  };
  SignatureParts parts;
  parts.session_token = field("x-amz-security-token");
  if (!field("awsaccesskeyid").empty()) {
    parts.version_2 = true;
    parts.access_key_id = field("awsaccesskeyid");
    parts.signature = field("signature");
    return parts;
  }
  const std::string credential = field("x-amz-credential");
  if (credential.empty() && field("x-amz-signature").empty()) return std::nullopt;
  auto malformed = [&] {
    return auth_error(s3, AuthProblem::incomplete,
                      "The form's fields x-amz-credential, x-amz-date, x-amz-algorithm and "
                      "x-amz-signature are no signature.");
  };
  // KEY/20260101/us-east-1/s3/aws4_request
  std::string* const wanted[] = {&parts.access_key_id, &parts.date, &parts.region, &parts.service};
  std::string_view rest = credential;
  for (std::string* part : wanted) {
    const auto slash = rest.find('/');
    if (slash == rest.npos || slash == 0) throw malformed();
    *part = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
  }
  if (rest != "aws4_request" || field("x-amz-algorithm") != "AWS4-HMAC-SHA256") throw malformed();
  parts.timestamp = field("x-amz-date");
  parts.signature = field("x-amz-signature");
  const auto time = parse_basic_iso8601(parts.timestamp);
  if (!time || !parts.timestamp.starts_with(parts.date)) throw malformed();
  parts.time = *time;
  return parts;
}

}  // namespace

Authenticated Authenticator::authenticate_form(const std::map<std::string, std::string>& fields,
                                               const api::Service& s3) const {
  const auto sign = form_signature(fields, s3);
  if (!sign) return unsigned_request(s3, nullptr);
  const auto policy = fields.find("policy");
  if (policy == fields.end())
    throw Error(ErrorKind::caller, "InvalidArgument",
                "Bucket POST must contain a field named 'policy'.  If it is specified, please check the order of the "
                "fields.")
        .with("ArgumentName", "policy")
        .with("ArgumentValue", "");
  Authenticated result;
  result.region = sign->region.empty() ? default_region : sign->region;
  const auto credential = find_key_(sign->access_key_id);
  if (!credential) {
    if (mode_ == AuthMode::strict)
      throw auth_error(s3, AuthProblem::unknown_key).with("AWSAccessKeyId", sign->access_key_id);
    result.principal = act_as_root(sign->access_key_id);
    return result;
  }
  check_credential(*credential, *sign, s3);
  const std::string wanted =
      sign->version_2 ? base64_encode(hmac_sha1(credential->secret_access_key, policy->second))
                      : hex_encode(hmac_sha256(keys_->get(credential->secret_access_key, *sign), policy->second));
  if (!equal_secrets(wanted, sign->signature)) throw mismatch(s3, *sign, policy->second, {});
  result.principal = credential->principal;
  result.principal.access_key_id = sign->access_key_id;
  result.verified = true;
  return result;
}

Authenticated Authenticator::unsigned_request(const api::Service& service, const api::Operation* operation) const {
  Authenticated result;
  result.region = default_region;
  if (mode_ == AuthMode::dev)
    result.principal = act_as_root({});
  else if (!operation || !operation->no_signature)
    throw auth_error(service, AuthProblem::missing);
  return result;  // in strict mode nobody, who may call what needs no signature
}

api::Principal Authenticator::act_as_root(std::string_view access_key_id) const {
  api::Principal root =
      govern::Identities::root_of(is_account_id(access_key_id) ? access_key_id : std::string_view(default_account_));
  root.access_key_id = access_key_id;
  return root;
}

void Authenticator::check_credential(const govern::Credential& credential, const SignatureParts& sign,
                                     const api::Service& service) const {
  if (!credential.active)
    throw auth_error(service, AuthProblem::inactive_key).with("AWSAccessKeyId", sign.access_key_id);
  if (!equal_secrets(credential.session_token, sign.session_token)) throw auth_error(service, AuthProblem::wrong_token);
  if (credential.expires && *credential.expires <= clock_.now()) throw auth_error(service, AuthProblem::expired_token);
  if (!sign.version_2 && sign.service != service.signing_name && !(is_s3(service) && sign.service == "s3express"))
    throw auth_error(service, AuthProblem::wrong_service,
                     is_s3(service) ? "The authorization header is malformed; incorrect service \"" + sign.service +
                                          "\". This endpoint belongs to \"s3\"."
                                    : "Credential should be scoped to correct service: '" +
                                          std::string(service.signing_name) + "'.");
}

void Authenticator::check_times(const SignatureParts& sign, const api::Service& service) const {
  using std::chrono::seconds;
  const Time now = wall_clock_.now();
  const seconds skew(limits::max_clock_skew_s);
  if (sign.presigned && is_s3(service)) {
    Time until = sign.time + seconds(sign.expires_s);  // Version 2 names the end itself
    if (sign.time > now + skew && !sign.version_2)
      throw Error(ErrorKind::denied, "AccessDenied", "Request is not yet valid").with("X-Amz-Date", sign.timestamp);
    if (now > until)
      throw Error(ErrorKind::denied, "AccessDenied", "Request has expired")
          .with("X-Amz-Expires", std::to_string(sign.expires_s))
          .with("Expires", format_iso8601(until, false))
          .with("ServerTime", format_iso8601(now, false));
    return;
  }
  const bool early = sign.time > now + skew,
             late = sign.time + (sign.presigned ? std::max(skew, seconds(sign.expires_s)) : skew) < now;
  if (!early && !late) return;
  if (is_s3(service))
    throw auth_error(service, AuthProblem::skewed)
        .with("RequestTime", sign.timestamp)
        .with("ServerTime", format_iso8601(now, false))
        .with("MaxAllowedSkewMilliseconds", std::to_string(limits::max_clock_skew_s * 1000));
  const std::string limit = format_basic_iso8601(late ? now - skew : now + skew), server = format_basic_iso8601(now);
  throw auth_error(
      service, AuthProblem::skewed,
      late ? "Signature expired: " + sign.timestamp + " is now earlier than " + limit + " (" + server + " - 15 min.)"
           : "Signature not yet current: " + sign.timestamp + " is still later than " + limit + " (" + server +
                 " + 15 min.)");
}

}  // namespace tarn::gateway
