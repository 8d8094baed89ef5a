#include "gateway/s3/names.hpp"

#include <algorithm>

#include "api/wire/percent.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "gateway/s3/requests.hpp"

namespace tarn::gateway::s3 {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c);
}

// "192.168.5.4", which would be taken for a host.
bool looks_like_address(std::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 3 &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || c == '.'; });
}

bool is_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  if (!is_lower_or_digit(name.front()) || !is_lower_or_digit(name.back())) return false;
  if (!std::all_of(name.begin(), name.end(), [](char c) { return is_lower_or_digit(c) || c == '-' || c == '.'; }))
    return false;
  if (name.find("..") != name.npos || looks_like_address(name)) return false;
  for (std::string_view prefix : {"xn--", "sthree-", "amzn-s3-demo-"})
    if (name.starts_with(prefix)) return false;
  for (std::string_view suffix : {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"})
    if (name.ends_with(suffix)) return false;
  return true;
}

}  // namespace

void check_bucket_name(std::string_view name) {
  if (!is_bucket_name(name))
    throw Error(ErrorKind::caller, "InvalidBucketName", "The specified bucket is not valid.")
        .with("BucketName", std::string(name));
}

void check_version_id(std::string_view version_id) {
  const bool well_formed = version_id.size() == 32 && std::all_of(version_id.begin(), version_id.end(), [](char c) {
                             return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
                           });
  if (well_formed || version_id == "null") return;
  throw Error(ErrorKind::caller, "InvalidArgument",
              version_id.empty() ? "Version id cannot be the empty string" : "Invalid version id specified")
      .with("ArgumentName", "versionId")
      .with("ArgumentValue", std::string(version_id));
}

void check_user_metadata(const std::map<std::string, std::string>& metadata) {
  std::size_t size = 0;
  for (const auto& [name, value] : metadata) size += name.size() + value.size();
  if (size > limits::max_user_metadata_size_bytes)
    throw Error(ErrorKind::caller, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
        .with("Size", std::to_string(size))
        .with("MaxSizeAllowed", std::to_string(limits::max_user_metadata_size_bytes));
}

std::string stored_content_encoding(std::string_view given) {
  std::string out;
  while (!given.empty()) {
    std::string_view coding = given.substr(0, given.find(','));
    given.remove_prefix(std::min(coding.size() + 1, given.size()));
    while (!coding.empty() && coding.front() == ' ') coding.remove_prefix(1);
    while (!coding.empty() && coding.back() == ' ') coding.remove_suffix(1);
    if (coding.empty() || coding == "aws-chunked") continue;
    if (!out.empty()) out += ',';
    out += coding;
  }
  return out;
}

CopySource parse_copy_source(std::string_view text) {
  auto invalid = [] {
    throw Error(ErrorKind::caller, "InvalidArgument",
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
        .with("ArgumentName", "x-amz-copy-source");
  };
  std::string version_id;
  if (auto question = text.rfind("?versionId="); question != text.npos) {
    version_id = text.substr(question + 11);
    check_version_id(version_id);
    text = text.substr(0, question);
  }
  std::string decoded = api::percent_decode(text, false);
  std::string_view path = decoded;
  if (path.starts_with("arn:")) refuse_unsupported("copying from access points");
  if (path.starts_with('/')) path.remove_prefix(1);
  auto slash = path.find('/');
  if (slash == path.npos || slash == 0 || slash + 1 == path.size()) invalid();
  return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1)), std::move(version_id)};
}

}  // namespace tarn::gateway::s3
