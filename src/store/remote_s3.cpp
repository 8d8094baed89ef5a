#include "store/remote_s3.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <thread>

#include "api/wire/percent.hpp"
#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "store/limits.hpp"

namespace tarn::store {
namespace {

constexpr std::string_view scheme = "s3://";
constexpr std::size_t max_idle_connections = 32;
constexpr int connect_timeout_s = 5;

std::string encoded(std::string_view text, bool keep_slash = false) {
  std::string out;
  api::append_percent_encoded(out, text, keep_slash);
  return out;
}

Error invalid(const std::string& why) {
  return Error(ErrorKind::caller, "InvalidArgument", why);
}

pugi::xml_document parse_answer(const std::string& text) {
  pugi::xml_document document;
  document.load_buffer(text.data(), text.size());  // what can't be read lacks what is looked for
  return document;
}

// "SlowDown: Reduce your request rate", or the status where the answer is no error of S3's.
std::string told(const api::WireResponse& response) {
  const auto document = parse_answer(response.body);
  const auto error = document.child("Error");
  if (!error) return "status " + std::to_string(response.status);
  return std::string(error.child_value("Code")) + ": " + error.child_value("Message");
}

bool passes(const api::WireResponse& response) {
  return response.status >= 500 || response.status == 429 ||
         (response.status == 400 && told(response).starts_with("RequestTimeout"));
}

}  // namespace

RemoteS3::RemoteS3(const RemoteBodies& remote)
    : endpoint_(remote.endpoint), region_(remote.region), credentials_(remote.credentials) {
  if (!remote.url.starts_with(scheme)) throw invalid(remote.url + " is not of the form s3://bucket/prefix.");
  const std::string place = remote.url.substr(scheme.size());
  const auto slash = std::min(place.find('/'), place.size());
  bucket_ = place.substr(0, slash);
  prefix_ = place.substr(std::min(slash + 1, place.size()));
  if (bucket_.empty()) throw invalid(remote.url + " names no bucket.");
  if (!prefix_.empty() && prefix_.back() != '/') prefix_ += '/';
  if (region_.empty()) region_ = "us-east-1";
  if (endpoint_.empty()) endpoint_ = "https://s3." + region_ + ".amazonaws.com";
  while (endpoint_.ends_with("/")) endpoint_.pop_back();
  if (!endpoint_.starts_with("http://") && !endpoint_.starts_with("https://"))
    throw invalid(endpoint_ + " is no address: write http://host:port or https://host.");
  if (credentials_.access_key_id.empty() || credentials_.secret_access_key.empty())
    throw invalid("The bodies of this store are in " + remote.url +
                  ", and no keys for it are given: set TARN_STORE_ACCESS_KEY_ID and TARN_STORE_SECRET_ACCESS_KEY.");
}

std::string RemoteS3::url_of(std::string_view name) const {
  return std::string(scheme) + bucket_ + "/" + prefix_ + std::string(name);
}

std::string RemoteS3::path_of(std::string_view name) const {
  return "/" + bucket_ + "/" + encoded(prefix_ + std::string(name), true);
}

void RemoteS3::fail(const std::string& why) const {
  throw Error(ErrorKind::outside, "ServiceUnavailable",
              "The S3 that holds the bodies of objects (" + url_of("") + " at " + endpoint_ + ") failed: " + why +
                  ". Please try again.");
}

api::WireResponse RemoteS3::send_once(api::WireRequest& request) {
  std::unique_ptr<api::HttpClient> client;
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      client = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!client)
    client = std::make_unique<api::HttpClient>(endpoint_,
                                               api::HttpLimits{connect_timeout_s, limits::remote_stall_timeout_s});
  api::set_header(request.headers, "Host", client->host());
  // By the clock on the wall, whatever time tarn has: the other system checks it.
  api::sign(request, credentials_, region_, "s3", hex_encode(digest(DigestKind::sha256, request.body)),
            SystemClock().now());
  api::WireResponse response = client->send(request);
  std::lock_guard lock(mutex_);
  if (idle_.size() < max_idle_connections) idle_.push_back(std::move(client));
  return response;
}

api::WireResponse RemoteS3::send(api::WireRequest request, std::initializer_list<int> expected, int attempts) {
  if (attempts == 0) attempts = limits::remote_attempts;
  std::chrono::milliseconds pause(100);
  for (int attempt = 1;; attempt++) {
    const bool last = attempt == attempts;
    try {
      api::WireResponse response = send_once(request);
      const bool good =
          response.status < 300 || std::find(expected.begin(), expected.end(), response.status) != expected.end();
      if (good) return response;
      if (last || !passes(response)) fail(told(response));
    } catch (const Error& error) {
      if (error.code() == "ServiceUnavailable") throw;
      if (last) fail(error.message());
    }
    std::this_thread::sleep_for(pause);
    pause *= 3;
  }
}

void RemoteS3::put(const std::string& name, std::string body) {
  send({"PUT", path_of(name), "", {}, std::move(body)});
}

std::optional<std::string> RemoteS3::get(const std::string& name) {
  auto response = send({"GET", path_of(name), "", {}, ""}, {404});
  if (response.status == 404 && !told(response).starts_with("NoSuchKey")) fail(told(response));
  if (response.status == 404) return std::nullopt;
  return std::move(response.body);
}

std::optional<std::string> RemoteS3::get(const std::string& name, uint64_t offset, uint64_t size) {
  if (size == 0) return std::string();
  const std::string range = "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1);
  auto response = send({"GET", path_of(name), "", {{"Range", range}}, ""}, {404, 416});
  if (response.status == 416) return std::string();
  if (response.status == 404 && !told(response).starts_with("NoSuchKey")) fail(told(response));
  if (response.status == 404) return std::nullopt;
  if (response.status == 200) {  // takes no ranges
    response.body.erase(0, std::min<uint64_t>(offset, response.body.size()));
  }
  if (response.body.size() > size) response.body.resize(size);
  return std::move(response.body);
}

std::optional<uint64_t> RemoteS3::size_of(const std::string& name) {
  auto response = send({"HEAD", path_of(name), "", {}, ""}, {404});
  if (response.status == 404) return std::nullopt;
  const std::string* length = response.header("Content-Length");
  return length ? std::strtoull(length->c_str(), nullptr, 10) : 0;
}

void RemoteS3::remove(const std::string& name, int attempts) {
  send({"DELETE", path_of(name), "", {}, ""}, {404}, attempts);
}

void RemoteS3::copy(const std::string& from, const std::string& to) {
  auto response = send({"PUT", path_of(to), "", {{"x-amz-copy-source", path_of(from)}}, ""});
  if (!parse_answer(response.body).child("CopyObjectResult")) fail(told(response));
}

std::vector<RemoteS3::Entry> RemoteS3::list(const std::string& start) {
  std::vector<Entry> out;
  for (std::string token;;) {
    std::string query = "list-type=2&prefix=" + encoded(prefix_ + start);
    if (!token.empty()) query = "continuation-token=" + encoded(token) + "&" + query;
    const auto document = parse_answer(send({"GET", "/" + bucket_, query, {}, ""}).body);
    const auto root = document.child("ListBucketResult");
    if (!root) fail("its answer is no listing");
    for (auto object : root.children("Contents")) {
      const std::string_view key = object.child_value("Key");
      if (key.starts_with(prefix_))
        out.push_back({std::string(key.substr(prefix_.size())), object.child("Size").text().as_ullong()});
    }
    const std::string next = root.child_value("NextContinuationToken");
    if (!root.child("IsTruncated").text().as_bool() || next.empty() || next == token) return out;
    token = next;
  }
}

std::string RemoteS3::start_upload(const std::string& name) {
  const auto document = parse_answer(send({"POST", path_of(name), "uploads=", {}, ""}).body);
  const std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) fail("it began no upload");
  return id;
}

std::string RemoteS3::put_part(const std::string& name, const std::string& upload_id, int number, std::string body) {
  const auto response = send({"PUT",
                              path_of(name),
                              "partNumber=" + std::to_string(number) + "&uploadId=" + encoded(upload_id),
                              {},
                              std::move(body)});
  const std::string* etag = response.header("ETag");
  if (!etag) fail("its answer to a part has no ETag");
  return *etag;
}

void RemoteS3::complete_upload(const std::string& name, const std::string& upload_id,
                               const std::vector<std::string>& etags, uint64_t size_bytes) {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < etags.size(); i++)
    body += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + etags[i] + "</ETag></Part>";
  body += "</CompleteMultipartUpload>";
  const auto response = send({"POST", path_of(name), "uploadId=" + encoded(upload_id), {}, std::move(body)}, {404});
  // Its answer to an earlier attempt may have been lost on the way; and an error may come behind a good status.
  if (parse_answer(response.body).child("CompleteMultipartUploadResult")) return;
  if (size_of(name) != size_bytes) fail(told(response));
}

void RemoteS3::abort_upload(const std::string& name, const std::string& upload_id, int attempts) {
  send({"DELETE", path_of(name), "uploadId=" + encoded(upload_id), {}, ""}, {404}, attempts);
}

}  // namespace tarn::store
