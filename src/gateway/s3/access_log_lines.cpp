#include "gateway/s3/access_log_lines.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {
namespace {

using Name = std::pair<std::string_view, std::string_view>;
// Those whose resource is called otherwise than the operation.
constexpr std::array<Name, 29> names = {{
    {"AbortMultipartUpload", "DELETE.UPLOAD"},
    {"CompleteMultipartUpload", "POST.UPLOAD"},
    {"CopyObject", "COPY.OBJECT"},
    {"CreateBucket", "PUT.BUCKET"},
    {"CreateMultipartUpload", "POST.UPLOADS"},
    {"DeleteBucket", "DELETE.BUCKET"},
    {"DeleteBucketPolicy", "DELETE.BUCKETPOLICY"},
    {"DeleteObject", "DELETE.OBJECT"},
    {"DeleteObjects", "POST.MULTI_OBJECT_DELETE"},
    {"GetBucketAcl", "GET.ACL"},
    {"GetBucketLogging", "GET.LOGGING_STATUS"},
    {"GetBucketNotificationConfiguration", "GET.NOTIFICATION"},
    {"GetBucketPolicy", "GET.BUCKETPOLICY"},
    {"GetObject", "GET.OBJECT"},
    {"GetObjectAcl", "GET.ACL"},
    {"HeadBucket", "HEAD.BUCKET"},
    {"HeadObject", "HEAD.OBJECT"},
    {"ListMultipartUploads", "GET.UPLOADS"},
    {"ListObjectVersions", "GET.BUCKETVERSIONS"},
    {"ListObjects", "GET.BUCKET"},
    {"ListObjectsV2", "GET.BUCKET"},
    {"ListParts", "GET.UPLOAD"},
    {"PutBucketAcl", "PUT.ACL"},
    {"PutBucketLogging", "PUT.LOGGING_STATUS"},
    {"PutBucketPolicy", "PUT.BUCKETPOLICY"},
    {"PutObject", "PUT.OBJECT"},
    {"PutObjectAcl", "PUT.ACL"},
    {"UploadPart", "PUT.PART"},
    {"UploadPartCopy", "COPY.PART"},
}};

// "GetBucketVersioning" is VERSIONING, "PutObjectTagging" OBJECT_TAGGING.
std::string resource_of(std::string_view operation) {
  for (std::string_view verb : {"Get", "Put", "Delete", "List", "Head", "Create"})
    if (operation.starts_with(verb)) {
      operation.remove_prefix(verb.size());
      break;
    }
  if (operation.starts_with("Bucket")) operation.remove_prefix(6);
  if (operation.ends_with("Configuration")) operation.remove_suffix(13);
  std::string out;
  for (char c : operation) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty()) out += '_';
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::string_view or_dash(std::string_view text) {
  return text.empty() ? "-" : text;
}

// A field in quotes ends neither them nor the line.
std::string quoted(const std::string* text) {
  std::string out = "\"";
  if (!text || text->empty()) out += '-';
  if (text)
    for (char c : *text) {
      if (c == '"') {
        out += "%22";
      } else if (static_cast<unsigned char>(c) < ' ') {
        out += ' ';
      } else {
        out += c;
      }
    }
  return out + "\"";
}

std::string number(uint64_t n) {
  return n ? std::to_string(n) : "-";
}

std::string requester(const api::Principal* caller) {
  if (!caller) return "-";
  return caller->arn.ends_with(":root") ? canonical_user_id(caller->account) : caller->arn;
}

std::pair<const char*, const char*> signature_and_kind(const AccessRecord& r) {
  const std::string* header = r.request.header("authorization");
  if (header) return {header->starts_with("AWS4") ? "SigV4" : "SigV2", "AuthHeader"};
  if (r.request.query.find("X-Amz-Signature=") != std::string::npos) return {"SigV4", "QueryString"};
  if (r.request.query.find("Signature=") != std::string::npos) return {"SigV2", "QueryString"};
  return {"-", "-"};
}

}  // namespace

std::string access_log_operation(std::string_view operation, std::string_view method) {
  if (operation.empty()) return "WEBSITE." + std::string(method) + ".OBJECT";
  for (const Name& name : names)
    if (name.first == operation) return "REST." + std::string(name.second);
  return "REST." + std::string(method) + "." + resource_of(operation);
}

std::string access_log_line(const AccessRecord& r, const store::BucketInfo& bucket) {
  const std::string* host = r.request.header("host");
  const auto [signature, kind] = signature_and_kind(r);
  std::string target = r.request.method + " " + r.request.path;
  if (!r.request.query.empty()) target += "?" + r.request.query;
  target += " HTTP/1.1";
  std::string out = canonical_user_id(bucket.account);
  auto add = [&](std::string_view field) { out.append(" ").append(field); };
  add(bucket.name);
  add("[" + format_time(r.time, "%d/%b/%Y:%H:%M:%S +0000") + "]");
  add(or_dash(r.source_ip));
  add(requester(r.caller));
  add(r.request_id);
  add(access_log_operation(r.operation, r.request.method));
  add(or_dash(r.key));
  add(quoted(&target));
  add(std::to_string(r.status));
  add(or_dash(r.error_code));
  add(number(r.sent_body_bytes));
  add(r.object_size_bytes ? number(*r.object_size_bytes) : "-");
  add(std::to_string(r.total_ms));
  add(r.turn_around_ms ? std::to_string(r.turn_around_ms) : "-");
  add(quoted(r.request.header("referer")));
  add(quoted(r.request.header("user-agent")));
  add(or_dash(r.version_id));
  add(r.request_id);  // the host id, too
  add(signature);
  add("-");  // cipher suite
  add(kind);
  add(host ? or_dash(*host) : "-");
  add("-");  // TLS version
  add("-");  // access point
  add("-");  // aclRequired
  add(bucket.region);
  return out + "\n";
}

std::string access_log_key(const api::s3::LoggingEnabled& logging, const store::BucketInfo& source, Time now,
                           std::string_view unique) {
  std::string key = logging.target_prefix;
  const char* time = "%Y-%m-%d-%H-%M-%S-";
  if (logging.target_object_key_format && logging.target_object_key_format->partitioned_prefix) {
    key += source.account + "/" + source.region + "/" + source.name + format_time(now, "/%Y/%m/%d/");
    const auto& by = logging.target_object_key_format->partitioned_prefix->partition_date_source;
    if (by == "EventTime") time = "%Y-%m-%d-00-00-00-";
  }
  return key + format_time(now, time) + std::string(unique);
}

}  // namespace tarn::gateway::s3
