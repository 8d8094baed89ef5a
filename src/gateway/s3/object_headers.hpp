// What is stored beside an object's bytes, from requests and into responses. Templates, since S3 has the same members
// in many shapes.
#pragma once

#include "base/error.hpp"
#include "gateway/s3/archive.hpp"
#include "gateway/s3/names.hpp"
#include "gateway/s3/object_locks.hpp"
#include "gateway/s3/tags.hpp"
#include "store/store.hpp"

namespace tarn::gateway::s3 {

inline constexpr const char* default_content_type = "binary/octet-stream";

// Of PutObject, CreateMultipartUpload and CopyObject. Throws Error (caller): MetadataTooLarge, InvalidTag,
// InvalidArgument.
template <class Request>
store::ObjectHeaders headers_from(const Request& in, Time now) {
  store::ObjectHeaders out;
  out.content_type = in.content_type.value_or(default_content_type);
  out.content_encoding = stored_content_encoding(in.content_encoding.value_or(""));
  out.content_language = in.content_language.value_or("");
  out.content_disposition = in.content_disposition.value_or("");
  out.cache_control = in.cache_control.value_or("");
  out.expires = in.expires.value_or("");
  out.website_redirect_location = in.website_redirect_location.value_or("");
  out.storage_class = in.storage_class.value_or("STANDARD");
  if (in.metadata) {
    check_user_metadata(*in.metadata);
    out.user_metadata = *in.metadata;
  }
  if (in.tagging) out.tags = parse_tag_header(*in.tagging);
  out.retention = parse_retention(in.object_lock_mode, in.object_lock_retain_until_date, now);
  out.legal_hold = parse_legal_hold(in.object_lock_legal_hold_status);
  return out;
}

// Into GetObject's and HeadObject's outputs.
template <class Output>
void headers_into(const store::ObjectHeaders& in, Output& out, Time now) {
  auto set = [](std::optional<std::string>& member, const std::string& value) {
    if (!value.empty()) member = value;
  };
  set(out.content_type, in.content_type);
  set(out.content_encoding, in.content_encoding);
  set(out.content_language, in.content_language);
  set(out.content_disposition, in.content_disposition);
  set(out.cache_control, in.cache_control);
  set(out.expires, in.expires);
  set(out.website_redirect_location, in.website_redirect_location);
  if (in.storage_class != "STANDARD") out.storage_class = in.storage_class;
  if (!in.user_metadata.empty()) out.metadata = in.user_metadata;
  if (in.retention) {
    out.object_lock_mode = in.retention->mode;
    out.object_lock_retain_until_date = in.retention->until;
  }
  if (in.legal_hold) out.object_lock_legal_hold_status = *in.legal_hold ? "ON" : "OFF";
  out.restore = restore_header(in, now);
  if (!in.tags.empty()) out.tag_count = static_cast<int64_t>(in.tags.size());
}

}  // namespace tarn::gateway::s3
