// A browser's upload by form: it becomes a PutObject whose headers are the form's fields and whose body is the file.
#include "api/wire/codec.hpp"
#include "api/wire/percent.hpp"
#include "api/wire/xml_form.hpp"
#include "base/base64.hpp"
#include "base/limits.hpp"
#include "gateway/http/checked_body.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/form_upload.hpp"
#include "gateway/http/post_policy.hpp"

namespace tarn::gateway {
namespace {

using Fields = std::map<std::string, std::string>;

// A file of no more and no fewer bytes than the policy lets through.
class SizedBody : public api::BodySource {
 public:
  SizedBody(api::BodySource& inner, UploadSizes sizes) : inner_(inner), sizes_(sizes) {}
  std::size_t read(char* into, std::size_t size_bytes) override {
    const std::size_t got = inner_.read(into, size_bytes);
    total_ += got;
    if (total_ > sizes_.most_bytes)
      throw Error(ErrorKind::caller, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
          .with("ProposedSize", std::to_string(total_))
          .with("MaxSizeAllowed", std::to_string(sizes_.most_bytes));
    if (got == 0 && total_ < sizes_.least_bytes)
      throw Error(ErrorKind::caller, "EntityTooSmall",
                  "Your proposed upload is smaller than the minimum allowed object size.")
          .with("ProposedSize", std::to_string(total_))
          .with("MinSizeAllowed", std::to_string(sizes_.least_bytes));
    return got;
  }
  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }

 private:
  api::BodySource& inner_;
  UploadSizes sizes_;
  uint64_t total_ = 0;
};

const std::string* find(const Fields& fields, const char* name) {
  auto at = fields.find(name);
  return at == fields.end() ? nullptr : &at->second;
}

std::string key_of(const FormUpload& form) {
  const std::string* key = find(form.fields(), "key");
  if (!key || key->empty())
    throw Error(ErrorKind::caller, "InvalidArgument",
                "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the "
                "fields.")
        .with("ArgumentName", "key")
        .with("ArgumentValue", "");
  std::string out = *key;
  constexpr std::string_view place = "${filename}";
  if (auto at = out.find(place); at != out.npos) out.replace(at, place.size(), form.file_name());
  return out;
}

// The PutObject that the form stands for.
api::WireRequest as_put(const FormUpload& form, std::string_view bucket, std::string_view key) {
  api::WireRequest out;
  out.method = "PUT";
  out.path = "/";
  api::append_percent_encoded(out.path, bucket);
  out.path += '/';
  api::append_percent_encoded(out.path, key, true);
  for (const auto& [name, value] : form.fields()) {
    if (name == "acl") out.headers.emplace_back("x-amz-acl", value);
    if (name == "tagging")
      throw Error(
          ErrorKind::unsupported, "NotImplemented",
          "tarn's S3 does not have the field tagging in uploads by form. See docs/COVERAGE.md for what it has.");
    const bool header = name == "cache-control" || name == "content-type" || name == "content-disposition" ||
                        name == "content-encoding" || name == "expires" || name == "content-md5" ||
                        name.starts_with("x-amz-");
    const bool of_signature = name == "x-amz-signature" || name == "x-amz-credential" || name == "x-amz-date" ||
                              name == "x-amz-algorithm" || name == "x-amz-security-token";
    if (header && !of_signature) out.headers.emplace_back(name, value);
  }
  return out;
}

}  // namespace

void Exchange::answer_form_upload() {
  const std::string bucket_name = bucket();
  FormUpload form(*body_, *head_.request.header("content-type"));
  const std::string key = key_of(form);
  const Fields& fields = form.fields();
  const api::Service& s3 = *route_->service;
  Authenticated who = surroundings_.authenticator->authenticate_form(fields, s3);
  caller_ = who.principal;
  UploadSizes sizes;
  if (const std::string* policy = find(fields, "policy")) {
    auto document = base64_decode(*policy);
    if (!document) throw Error(ErrorKind::caller, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON.");
    sizes = check_post_policy(*document, bucket_name, fields, surroundings_.wall_clock.now());
  }
  const api::WireRequest put = as_put(form, bucket_name, key);
  api::RouteHints hints;
  hints.signing_name = "s3";
  route_ = api::route(put, hints);
  if (route_->refusal) throw Error(*route_->refusal);

  api::Context context;
  fill_context(context);
  context.principal = std::move(who.principal);
  context.region = std::move(who.region);
  SizedBody sized(form, sizes);
  CheckedBody checked(sized, nullptr, read_expected_hashes(put, {}, {}, false));
  FormBody body(checked);
  context.request_body = &body;
  const Value output = surroundings_.operations.call(context, s3, *route_->operation,
                                                     api::parse_input(*route_, put, surroundings_.random));
  respond(form_answer(fields, bucket_name, key, output), nullptr);
}

api::WireResponse Exchange::form_answer(const Fields& fields, const std::string& bucket_name, const std::string& key,
                                        const Value& output) const {
  const std::string etag = output.string_or("ETag");
  const std::string* host = head_.request.header("host");
  std::string location = "http://" + (host ? *host : surroundings_.options.host) + "/";
  if (virtual_bucket().empty()) location += bucket_name + "/";
  api::append_percent_encoded(location, key);
  // The status and headers are PutObject's, but for what the form asks for.
  api::WireResponse out = api::serialize_output(*route_, output, request_id_);
  const std::string* redirect = find(fields, "success_action_redirect");
  if (!redirect) redirect = find(fields, "redirect");
  if (redirect && (redirect->starts_with("http://") || redirect->starts_with("https://"))) {
    std::string to = *redirect + (redirect->find('?') == redirect->npos ? "?" : "&") + "bucket=";
    api::append_percent_encoded(to, bucket_name);
    api::append_percent_encoded(to += "&key=", key);
    api::append_percent_encoded(to += "&etag=", etag);
    out.status = 303;
    out.headers.emplace_back("Location", to);
    return out;
  }
  out.headers.emplace_back("Location", location);
  const std::string* status = find(fields, "success_action_status");
  out.status = status && *status == "200" ? 200 : status && *status == "201" ? 201 : 204;
  if (out.status != 201) return out;
  out.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>";
  api::append_xml_element(out.body, "Location", location);
  api::append_xml_element(out.body, "Bucket", bucket_name);
  api::append_xml_element(out.body, "Key", key);
  api::append_xml_element(out.body, "ETag", etag);
  out.body += "</PostResponse>";
  out.headers.emplace_back("Content-Type", "application/xml");
  return out;
}

}  // namespace tarn::gateway
