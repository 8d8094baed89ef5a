#include "api/wire/http_client.hpp"

#include <curl/curl.h>

#include <memory>

#include "base/error.hpp"

namespace tarn::api {
namespace {

struct Answer {
  WireResponse response;
  const HttpTransfer& transfer;
  CURL* curl;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto* answer = static_cast<Answer*>(to);
  long status = 0;
  curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &status);
  if (answer->transfer.download && status < 300)
    return answer->transfer.download({data, size * count}) ? size * count : 0;
  answer->response.body.append(data, size * count);
  return size * count;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* to) {
  std::string line(data, size * count);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  if (auto colon = line.find(':'); colon != std::string::npos) {
    auto value = line.find_first_not_of(' ', colon + 1);
    static_cast<Answer*>(to)->response.headers.emplace_back(line.substr(0, colon),
                                                            value == std::string::npos ? "" : line.substr(value));
  }
  return size * count;
}

std::size_t give_body(char* into, std::size_t size, std::size_t count, void* from) {
  return static_cast<const HttpTransfer*>(from)->upload(into, size * count);
}

void set_body(CURL* curl, const WireRequest& request, const HttpTransfer& transfer) {
  if (transfer.upload) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.upload_size_bytes));
  } else if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

}  // namespace

HttpClient::HttpClient(std::string endpoint, HttpLimits limits)
    : endpoint_(std::move(endpoint)), limits_(limits), curl_(curl_easy_init()) {
  TARN_ASSERT(curl_);
}

HttpClient::~HttpClient() {
  curl_easy_cleanup(curl_);
}

std::string HttpClient::host() const {
  const auto scheme = endpoint_.find("://");
  return scheme == std::string::npos ? endpoint_ : endpoint_.substr(scheme + 3);
}

WireResponse HttpClient::send(const WireRequest& request, const HttpTransfer& transfer) {
  CURL* curl = static_cast<CURL*>(curl_);
  curl_easy_reset(curl);
  const std::string url = endpoint_ + request.path + (request.query.empty() ? "" : "?" + request.query);
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers)
    list = curl_slist_append(list, (name + (value.empty() ? ";" : ": " + value)).c_str());
  list = curl_slist_append(list, "Expect:");
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(list, curl_slist_free_all);
  Answer answer{{}, transfer, curl};
  char problem[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(limits_.connect_timeout_s));
  if (limits_.stall_timeout_s > 0) {
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits_.stall_timeout_s));
  }
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  set_body(curl, request, transfer);
  const CURLcode result = curl_easy_perform(curl);
  if (result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST)
    throw Error(ErrorKind::outside, "Unreachable", "Nothing answers at " + endpoint_ + ".");
  if (result != CURLE_OK)
    throw Error(ErrorKind::outside, "TransferFailed",
                endpoint_ + ": " + (*problem ? problem : curl_easy_strerror(result)));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.response.status = static_cast<int>(status);
  return std::move(answer.response);
}

}  // namespace tarn::api
