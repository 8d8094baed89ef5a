#include "cli/s3_requests.hpp"

#include <pugixml.hpp>

#include "api/wire/percent.hpp"
#include "base/error.hpp"

namespace tarn::cli {
namespace {

std::string encode(std::string_view text, bool keep_slash) {
  std::string out;
  api::append_percent_encoded(out, text, keep_slash);
  return out;
}

pugi::xml_document parse_xml(const std::string& body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size()))
    throw Error(ErrorKind::outside, "BadAnswer", "The answer is no XML.");
  return document;
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

uint64_t number_in(const pugi::xml_node& node, const char* name) {
  return node.child(name).text().as_ullong();
}

// S3 answers these with status 200 before it knows how they end.
void require_result(const std::string& body, const char* root) {
  auto document = parse_xml(body);
  if (document.child(root)) return;
  auto error = document.child("Error");
  throw Error(ErrorKind::outside, error ? error.child_value("Code") : "BadAnswer",
              error ? error.child_value("Message") : std::string("The answer holds no ") + root + ".");
}

}  // namespace

std::string Place::path() const {
  return "/" + bucket + (key.empty() ? "" : "/" + encode(key, true));
}

std::string Place::url() const {
  return "s3://" + bucket + "/" + key;
}

bool is_s3(const std::string& text) {
  return text.starts_with("s3://");
}

Place parse_place(const std::string& text) {
  if (!is_s3(text)) throw Error(ErrorKind::caller, "InvalidPlace", text + " is not of the form s3://bucket/key.");
  const std::string rest = text.substr(5);
  auto slash = rest.find('/');
  Place out{rest.substr(0, slash), slash == std::string::npos ? "" : rest.substr(slash + 1)};
  if (out.bucket.empty()) throw Error(ErrorKind::caller, "InvalidPlace", text + " names no bucket.");
  return out;
}

std::vector<Listed> list_objects(Client& client, const Place& place, bool one_level) {
  std::vector<Listed> out;
  for (std::string token;;) {
    std::string query = "list-type=2&prefix=" + encode(place.key, false);
    if (one_level) query += "&delimiter=%2F";
    if (!token.empty()) query += "&continuation-token=" + encode(token, false);
    auto document = parse_xml(client.s3("GET", "/" + place.bucket, query).body);
    auto root = document.child("ListBucketResult");
    for (auto prefix : root.children("CommonPrefixes")) out.push_back({prefix.child_value("Prefix"), "", 0, true, ""});
    for (auto object : root.children("Contents"))
      out.push_back({object.child_value("Key"), object.child_value("LastModified"), number_in(object, "Size"), false,
                     unquoted(object.child_value("ETag"))});
    token = root.child_value("NextContinuationToken");
    if (token.empty()) return out;
  }
}

std::string start_upload(Client& client, const Place& to, const api::Headers& headers) {
  auto started = parse_xml(client.s3("POST", to.path(), "uploads=", {}, headers).body);
  return started.child("InitiateMultipartUploadResult").child_value("UploadId");
}

std::optional<std::string> find_upload(Client& client, const Place& to) {
  std::optional<std::string> found;
  std::string initiated, key_marker, id_marker;
  for (;;) {
    std::string query = "prefix=" + encode(to.key, false) + "&uploads=";
    if (!key_marker.empty())
      query = "key-marker=" + encode(key_marker, false) + "&" + query + "&upload-id-marker=" + encode(id_marker, false);
    auto document = parse_xml(client.s3("GET", "/" + to.bucket, query).body);
    auto root = document.child("ListMultipartUploadsResult");
    for (auto upload : root.children("Upload")) {
      if (upload.child_value("Key") != to.key || upload.child_value("Initiated") < initiated) continue;
      initiated = upload.child_value("Initiated");
      found = upload.child_value("UploadId");
    }
    // Uploads come in the order of their keys, and the prefix itself is the first of them.
    if (!root.child("IsTruncated").text().as_bool() || root.child_value("NextKeyMarker") != to.key) return found;
    key_marker = root.child_value("NextKeyMarker");
    id_marker = root.child_value("NextUploadIdMarker");
  }
}

std::vector<StoredPart> list_parts(Client& client, const Place& to, const std::string& upload_id) {
  std::vector<StoredPart> out;
  for (std::string after;;) {
    std::string query = "uploadId=" + encode(upload_id, false);
    if (!after.empty()) query = "part-number-marker=" + after + "&" + query;
    auto document = parse_xml(client.s3("GET", to.path(), query).body);
    auto root = document.child("ListPartsResult");
    for (auto part : root.children("Part"))
      out.push_back(
          {part.child("PartNumber").text().as_int(), number_in(part, "Size"), unquoted(part.child_value("ETag"))});
    if (!root.child("IsTruncated").text().as_bool()) return out;
    after = root.child_value("NextPartNumberMarker");
  }
}

std::string put_part(Client& client, const Place& to, const std::string& upload_id, int number, std::FILE* file,
                     uint64_t size_bytes) {
  auto answer =
      client.s3("PUT", to.path(), "partNumber=" + std::to_string(number) + "&uploadId=" + encode(upload_id, false), {},
                {}, file, size_bytes);
  const std::string* etag = answer.header("ETag");
  if (!etag) throw Error(ErrorKind::outside, "BadAnswer", "The answer to a part has no ETag.");
  return unquoted(*etag);
}

std::string copy_part(Client& client, const Place& from, uint64_t offset_bytes, uint64_t size_bytes, const Place& to,
                      const std::string& upload_id, int number) {
  const std::string range =
      "bytes=" + std::to_string(offset_bytes) + "-" + std::to_string(offset_bytes + size_bytes - 1);
  auto answer =
      client.s3("PUT", to.path(), "partNumber=" + std::to_string(number) + "&uploadId=" + encode(upload_id, false), {},
                {{"x-amz-copy-source", from.path()}, {"x-amz-copy-source-range", range}});
  require_result(answer.body, "CopyPartResult");
  return unquoted(parse_xml(answer.body).child("CopyPartResult").child_value("ETag"));
}

void complete_upload(Client& client, const Place& to, const std::string& upload_id,
                     const std::vector<StoredPart>& parts) {
  std::string body = "<CompleteMultipartUpload>";
  for (const StoredPart& part : parts)
    body +=
        "<Part><PartNumber>" + std::to_string(part.number) + "</PartNumber><ETag>\"" + part.etag + "\"</ETag></Part>";
  body += "</CompleteMultipartUpload>";
  auto answer = client.s3("POST", to.path(), "uploadId=" + encode(upload_id, false), std::move(body));
  require_result(answer.body, "CompleteMultipartUploadResult");
}

void abort_upload(Client& client, const Place& to, const std::string& upload_id) {
  client.s3("DELETE", to.path(), "uploadId=" + encode(upload_id, false));
}

}  // namespace tarn::cli
