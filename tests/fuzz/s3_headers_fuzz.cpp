// Headers of S3 that have a grammar of their own: tags, conditions, names, dates.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/names.hpp"
#include "gateway/s3/tags.hpp"

namespace {

using namespace tarn;
using namespace tarn::gateway::s3;

void conditions(const std::string& first, const std::string& second) {
  store::ObjectInfo object;
  object.etag = bare_etag(first);
  object.last_modified = Time(std::chrono::days(19'000));
  Conditions given{first, second, parse_http_date(first), parse_http_date(second)};
  // What the object's own ETag demands is there, and a client that has it is told so.
  if (!object.etag.empty() && object.etag.find_first_of("\",* \t") == std::string::npos) {
    const std::string quoted = quoted_etag(object.etag);
    Conditions own;
    own.if_match = quoted;
    if (!check_read(own, object)) std::abort();
    own = {};
    own.if_none_match = quoted;
    if (check_read(own, object)) std::abort();
  }
  try {
    check_read(given, object);
    check_copy_source(given, object);
  } catch (const Error&) {
  }
  try {
    write_conditions(first, second);
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto tags = parse_tag_header(text);
    if (tags.size() > max_object_tags) std::abort();
    if (tags_from_setting(tags_to_setting(tags)) != tags) std::abort();
  } catch (const Error&) {
  }
  try {
    check_bucket_name(text);
    if (size < 3 || size > 63) std::abort();
  } catch (const Error&) {
  }
  const std::size_t cut = text.find('\n');
  if (cut != text.npos) conditions(std::string(text.substr(0, cut)), std::string(text.substr(cut + 1)));
  if (stored_content_encoding(text).find("aws-chunked,") == 0) std::abort();
  for (auto parse : {parse_http_date, parse_iso8601, parse_basic_iso8601})
    if (auto instant = parse(text)) format_iso8601(*instant);
  return 0;
}
