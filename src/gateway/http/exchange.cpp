#include "gateway/http/exchange.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "api/wire/codec.hpp"
#include "api/wire/percent.hpp"
#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "gateway/http/checked_body.hpp"
#include "gateway/http/request_ids.hpp"

namespace tarn::gateway {
namespace {

constexpr uint64_t small_body_size_bytes = 64 * 1024;  // sent together with the response's head
constexpr std::size_t stream_buffer_size_bytes = 256 * 1024;
constexpr uint64_t most_drained_bytes = 256 * 1024;  // of a body that nobody read, to keep the connection

bool is_s3(const api::Service& service) {
  return service.protocol == api::Protocol::rest_xml;
}

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status < 300 ? "OK" : status < 400 ? "Redirect" : "Error";
  }
}

void append_number(std::string& out, uint64_t number) {
  std::array<char, 24> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

// The Date header; written anew once a second in each thread.
std::string_view date_text(Time now) {
  thread_local Time second{};
  thread_local std::string text;
  Time this_second = std::chrono::floor<std::chrono::seconds>(now);
  if (this_second != second || text.empty()) {
    second = this_second;
    text = format_http_date(now);
  }
  return text;
}

// "content-type, x-amz-date" one by one.
std::vector<std::string> split_header_names(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty()) out.emplace_back(one);
  }
  return out;
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

Error as_error(const std::exception& e) {
  if (const auto* error = dynamic_cast<const Error*>(&e)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&e))
    return Error(ErrorKind::limit, "ServiceUnavailable", "tarn is out of memory.");
  return Error(ErrorKind::bug, "InternalFailure", "tarn failed: " + std::string(e.what()));
}

}  // namespace

Exchange::Exchange(const Surroundings& surroundings, Connection& connection, std::string_view head_text)
    : surroundings_(surroundings), connection_(connection) {
  try {
    head_ = parse_head(head_text);
    keep_alive_ = head_.keep_alive;
    body_.emplace(connection_, head_);
    if (head_.request.path.starts_with("/_tarn/") || head_.request.path == "/_tarn") {
      auto found = surroundings_.locals.find({head_.request.method, head_.request.path});
      if (found != surroundings_.locals.end())
        local_ = &found->second;
      else
        refusal_ = Error(ErrorKind::missing, "NotFound",
                         "tarn has no " + head_.request.method + " " + head_.request.path + ".");
      return;
    }
    if (surroundings_.options.website)
      if (const auto site = website_bucket(host_name())) {
        website_ = *site;
        return;
      }
    if (surroundings_.options.registry && asks_registry(head_.request, virtual_bucket())) {
      registry_ = true;
      return;
    }
    // A form's body tells its operation; it is read by the worker that answers.
    const std::string* type = head_.request.header("content-type");
    is_form_ = head_.request.method == "POST" && type && type->starts_with("application/x-www-form-urlencoded") &&
               (head_.request.path == "/" || api::signing_name(head_.request) == "sqs");
    if (is_form_ && head_.has_body()) return;
    is_upload_form_ = head_.request.method == "POST" && type && type->starts_with("multipart/form-data") &&
                      head_.request.query.empty() && is_bucket_path();
    if (is_upload_form_) {
      const api::Service& s3 = *api::find_service("s3");
      route_ = api::route_to(s3, *api::find_operation(s3, "PutObject"), s3.protocol);
      return;
    }
    find_route();
    quick_ = route_ && route_->operation && is_s3(*route_->service) && !head_.has_body() &&
             (route_->operation->name == "GetObject" || route_->operation->name == "HeadObject");
  } catch (const std::exception& e) {
    refusal_ = as_error(e);
    broken_ = !body_;
  }
}

Exchange::~Exchange() = default;

void Exchange::find_route() {
  api::RouteHints hints;
  hints.endpoint_names = surroundings_.options.endpoint_names;
  hints.bucket_exists = surroundings_.options.bucket_exists;
  route_ = api::route(head_.request, hints);
}

void Exchange::answer() {
  if (wait()) return call_again();
  answered_ = true;
  const bool s3 = website_ || (route_ && is_s3(*route_->service));
  request_id_ = s3 ? short_request_id(surroundings_.random) : long_request_id(surroundings_.random);
  try {
    if (refusal_) throw Error(*refusal_);
    if (local_) return call_local(*local_);
    if (website_) return answer_website();
    if (registry_) return answer_registry();
    if (is_upload_form_) return answer_form_upload();
    if (head_.request.method == "OPTIONS" && surroundings_.options.cross_origin) return answer_preflight();
    if (!route_ && is_form_) {
      read_control_body(*body_);
      find_route();
    }
    if (!route_) return respond(api::serialize_unknown(head_.request, request_id_), nullptr);
    call_operation();
  } catch (const std::exception& e) {
    respond_error(as_error(e));
  }
}

void Exchange::call_local(const Server::Local& local) {
  read_control_body(*body_);
  respond(local(head_.request), nullptr);
}

void Exchange::answer_website() {
  WebsiteAnswer answer = surroundings_.options.website(
      {*website_, head_.request, connection_.peer_ip(), request_id_, surroundings_.clock.now()});
  respond(std::move(answer.response), std::move(answer.stream));
}

void Exchange::answer_registry() {
  const std::string* host = head_.request.header("host");
  RegistryAnswer answer =
      surroundings_.options.registry({head_.request, *body_, "http://" + (host ? *host : surroundings_.options.host),
                                      connection_.peer_ip(), request_id_, surroundings_.clock.now()});
  respond(std::move(answer.response), std::move(answer.stream));
}

void Exchange::read_control_body(api::BodySource& source) {
  head_.request.body = read_all(source, limits::max_control_body_size_bytes);
}

void Exchange::call_operation() {
  if (route_->refusal) throw Error(*route_->refusal);
  api::Context& context = context_.emplace();
  context.response_body = std::make_unique<api::WaitSlot>();
  fill_context(context);
  respond_output(run(context));
}

void Exchange::fill_context(api::Context& context) const {
  context.request_id = request_id_;
  context.now = surroundings_.clock.now();
  context.source_ip = connection_.peer_ip();
  const std::string* host = head_.request.header("host");
  context.endpoint = "http://" + (host ? *host : surroundings_.options.host);
  if (const std::string* agent = head_.request.header("user-agent")) context.user_agent = *agent;
}

void Exchange::call_again() {
  try {
    respond_output(surroundings_.operations.call(*context_, *route_->service, *route_->operation, waiting_input_));
  } catch (const std::exception& e) {
    context_.reset();
    respond_error(as_error(e));
  }
}

std::shared_ptr<api::Wait> Exchange::wait() const {
  const api::WaitSlot* slot = context_ ? api::wait_slot(*context_) : nullptr;
  return slot ? slot->wait : nullptr;
}

void Exchange::answer_now() {
  api::wait_slot(*context_)->wait.reset();
  try {
    respond_output(std::move(waiting_output_));
  } catch (const std::exception& e) {
    respond_error(as_error(e));
  }
}

void Exchange::respond_output(Value output) {
  if (wait()) {
    waiting_output_ = std::move(output);
    return;
  }
  api::WireResponse response = api::serialize_output(*route_, output, request_id_);
  if (context_->response_status) response.status = context_->response_status;
  if (api::wait_slot(*context_)) context_->response_body.reset();
  respond(std::move(response), std::move(context_->response_body));
}

bool Exchange::is_bucket_path() const {
  std::string_view path = head_.request.path;
  if (!virtual_bucket().empty()) return path.empty() || path == "/";
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  return !path.empty() && path.find('/') == path.npos;
}

std::string_view Exchange::host_name() const {
  const std::string* header = head_.request.header("host");
  std::string_view host = header ? std::string_view(*header) : std::string_view();
  if (auto colon = host.rfind(':'); colon != host.npos && host.find(']', colon) == host.npos)
    host = host.substr(0, colon);
  return host;
}

std::string_view Exchange::virtual_bucket() const {
  return api::virtual_bucket(host_name(), surroundings_.options.endpoint_names);
}

std::string Exchange::bucket() const {
  if (std::string_view in_host = virtual_bucket(); !in_host.empty()) return std::string(in_host);
  std::string_view path = head_.request.path;
  if (path.starts_with('/')) path.remove_prefix(1);
  return api::percent_decode(path.substr(0, path.find('/')), false);
}

void Exchange::answer_preflight() {
  const api::Service& s3 = *api::find_service("s3");
  auto refuse = [&](ErrorKind kind, const char* code, const std::string& message) {
    respond(api::serialize_error(s3, nullptr, s3.protocol, Error(kind, code, message), request_id_, "OPTIONS",
                                 head_.request.path),
            nullptr);
  };
  const std::string *origin = head_.request.header("origin"),
                    *method = head_.request.header("access-control-request-method"),
                    *names = head_.request.header("access-control-request-headers");
  if (!origin)
    return refuse(ErrorKind::caller, "BadRequest", "Insufficient information. Origin request header needed.");
  if (!method) return refuse(ErrorKind::caller, "BadRequest", "Invalid Access-Control-Request-Method: null");
  CrossOriginRequest asked{*origin, *method, split_header_names(names ? *names : ""), true};
  CrossOriginAnswer answer = surroundings_.options.cross_origin(bucket(), asked);
  if (!answer.headers)
    return refuse(ErrorKind::denied, "AccessForbidden",
                  answer.enabled ? "CORSResponse: This CORS request is not allowed. This is usually because the "
                                   "evalution of Origin, request method / Access-Control-Request-Method or "
                                   "Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
                                 : "CORSResponse: CORS is not enabled for this bucket.");
  api::WireResponse response;
  response.status = 200;
  response.headers = *std::move(answer.headers);
  response.headers.emplace_back("x-amz-request-id", request_id_);
  respond(std::move(response), nullptr);
}

void Exchange::add_cross_origin_headers(api::WireResponse& response) const {
  if (!route_ || !is_s3(*route_->service) || response.header("access-control-allow-origin")) return;
  const CrossOriginRequest request{*head_.request.header("origin"), head_.request.method, {}, false};
  if (auto answer = surroundings_.options.cross_origin(bucket(), request); answer.headers)
    for (auto& header : *answer.headers) response.headers.push_back(std::move(header));
}

// S3 hashes its bodies as they stream; the signatures of all others are made over the whole body.
Value Exchange::run(api::Context& context) {
  const api::Service& service = *route_->service;
  const api::Operation& operation = *route_->operation;
  const bool s3 = is_s3(service), streams = route_->input && route_->input->streams;
  if (!s3 && head_.request.body.empty() && !streams) read_control_body(*body_);
  Authenticated who = surroundings_.authenticator->authenticate(head_.request, service, &operation, virtual_bucket());
  caller_ = who.principal;
  context.principal = std::move(who.principal);
  context.region = std::move(who.region);
  if (!head_.has_body() && !(s3 && (streams || operation.checksum_required))) {
    Value input = api::parse_input(*route_, head_.request, surroundings_.random);
    Value output = surroundings_.operations.call(context, service, operation, input);
    if (wait()) waiting_input_ = std::move(input);
    return output;
  }

  if (s3 && streams && !head_.content_length && !head_.chunked)
    throw Error(ErrorKind::caller, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  api::BodySource* source = &*body_;
  std::optional<AwsChunkedBody> chunked;
  std::optional<CheckedBody> checked;
  if (who.chunked) source = &chunked.emplace(*source, *std::move(who.chunked));
  if (s3) {
    const bool hashed = streams || operation.checksum_required;
    ExpectedHashes expected = hashed
                                  ? read_expected_hashes(head_.request, who.payload_sha256,
                                                         chunked ? chunked->announced_checksum() : std::string_view(),
                                                         operation.checksum_required && !streams)
                                  : ExpectedHashes{who.payload_sha256, {}, {}, {}};
    source = &checked.emplace(*source, chunked ? &*chunked : nullptr, std::move(expected));
  }
  if (streams)
    context.request_body = source;
  else if (s3)
    read_control_body(*source);
  Value input = api::parse_input(*route_, head_.request, surroundings_.random);
  Value output = surroundings_.operations.call(context, service, operation, input);
  if (wait()) waiting_input_ = std::move(input);
  return output;
}

void Exchange::respond_error(const Error& error) {
  try {
    if (error.kind() == ErrorKind::bug)
      log(LogLevel::error, "request failed",
          Value::map({{"request_id", request_id_}, {"code", error.code()}, {"why", error.message()}}));
    stream_.reset();
    error_code_ = error.code();
    const std::string_view method = head_.request.method;
    if (route_) return respond(api::serialize_error(*route_, error, request_id_, method, head_.request.path), nullptr);
    if (!local_ && !broken_ && !head_.request.path.starts_with("/_tarn"))
      return respond(api::serialize_unknown(head_.request, request_id_), nullptr);
    api::WireResponse response;
    response.status = error.code() == "NotFound"                  ? 404
                      : error.code() == "HTTPVersionNotSupported" ? 505
                      : error.kind() == ErrorKind::caller         ? 400
                      : error.kind() == ErrorKind::unsupported    ? 501
                      : error.kind() == ErrorKind::bug            ? 500
                      : error.kind() == ErrorKind::denied         ? 403
                                                                  : 409;
    response.headers.emplace_back("Content-Type", "application/json");
    response.body =
        to_json(Value::map({{"code", error.code()}, {"message", error.message()}, {"requestId", request_id_}})) + "\n";
    respond(std::move(response), nullptr);
  } catch (const std::exception& e) {
    keep_alive_ = false;  // nothing was written that could be taken for an answer
    out_.clear();
    log(LogLevel::error, "an error could not be answered", Value::map({{"why", e.what()}}));
  }
}

void Exchange::respond(api::WireResponse response, std::unique_ptr<api::BodyStream> stream) {
  status_ = response.status;
  if (surroundings_.options.cross_origin && head_.request.header("origin")) add_cross_origin_headers(response);
  if (broken_)
    keep_alive_ = false;
  else if (keep_alive_ && body_ && !body_->drain(most_drained_bytes))
    keep_alive_ = false;
  const bool head_only = head_.request.method == "HEAD";
  const bool with_body = may_have_body(status_) && !head_only;
  std::optional<uint64_t> length;
  if (stream)
    length = stream->size_bytes();
  else if (may_have_body(status_) && !(head_only && response.header("content-length")))
    length = response.body.size();
  if (!may_have_body(status_)) length.reset();
  note_for_access_log(response, length);
  write_head(response, length);
  if (!with_body) return;
  if (!stream) {
    out_ += response.body;
    return;
  }
  stream_bytes_ = stream->size_bytes();
  if (stream_bytes_ > small_body_size_bytes) {
    stream_ = std::move(stream);
    return;
  }
  std::size_t at = out_.size();
  out_.resize(at + stream_bytes_);
  while (at < out_.size()) {
    std::size_t got = stream->read(out_.data() + at, out_.size() - at);
    if (got == 0) throw Error(ErrorKind::bug, "InternalError", "The object is shorter than its record says.");
    at += got;
  }
  stream_bytes_ = 0;
}

void Exchange::write_head(const api::WireResponse& response, std::optional<uint64_t> length_bytes) {
  out_.clear();
  out_.reserve(512 + response.body.size() +
               (length_bytes.value_or(0) <= small_body_size_bytes ? length_bytes.value_or(0) : 0));
  out_ += "HTTP/1.1 ";
  append_number(out_, static_cast<uint64_t>(status_));
  out_.append(" ").append(reason(status_)).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (length_bytes && api::same_header(name, "content-length")) continue;
    out_.append(name).append(": ");
    for (char c : value) out_ += c == '\r' || c == '\n' ? ' ' : c;  // a value can't end its line
    out_ += "\r\n";
  }
  if (length_bytes) {
    out_ += "Content-Length: ";
    append_number(out_, *length_bytes);
    out_ += "\r\n";
  }
  if (!response.header("x-amz-request-id") && !response.header("x-amzn-RequestId"))
    out_.append("x-amzn-RequestId: ").append(request_id_).append("\r\n");
  out_.append("Date: ").append(date_text(surroundings_.wall_clock.now())).append("\r\nServer: tarn\r\n");
  if (!keep_alive_)
    out_ += "Connection: close\r\n";
  else if (!head_.version_1_1)
    out_ += "Connection: keep-alive\r\n";
  out_ += "\r\n";
  head_size_bytes_ = out_.size();
}

bool Exchange::try_send() {
  std::ptrdiff_t sent = connection_.try_send(std::string_view(out_).substr(out_sent_));
  if (sent < 0) {
    keep_alive_ = false;
    stream_.reset();
    return true;  // nobody is there to send to
  }
  out_sent_ += static_cast<std::size_t>(sent);
  sent_bytes_ += static_cast<std::size_t>(sent);
  return out_sent_ == out_.size() && !stream_;
}

void Exchange::send() {
  std::string_view rest = std::string_view(out_).substr(out_sent_);
  bool well = connection_.send(rest, {}, limits::body_read_timeout_s);
  if (well) sent_bytes_ += rest.size();
  if (well && stream_) well = send_stream();
  if (!well) keep_alive_ = false;
  stream_.reset();
}

bool Exchange::send_stream() {
  if (auto range = stream_->file_range()) {
    if (!connection_.send_file(range->fd, range->offset_bytes, range->size_bytes, limits::body_read_timeout_s))
      return false;
    sent_bytes_ += range->size_bytes;
    return true;
  }
  try {
    auto buffer = std::make_unique_for_overwrite<char[]>(stream_buffer_size_bytes);
    uint64_t left = stream_bytes_;
    while (left > 0) {
      std::size_t got = stream_->read(buffer.get(), std::min<uint64_t>(left, stream_buffer_size_bytes));
      if (got == 0 || !connection_.send({buffer.get(), got}, {}, limits::body_read_timeout_s)) return false;
      left -= got;
      sent_bytes_ += got;
    }
    return true;
  } catch (const std::exception& e) {
    // The head is sent: only a broken connection can tell the client now.
    log(LogLevel::error, "a response broke off", Value::map({{"request_id", request_id_}, {"why", e.what()}}));
    return false;
  }
}

bool Exchange::finish(bool may_keep) {
  record();
  return keep_alive_ && may_keep;
}

void Exchange::record() {
  const auto took = std::chrono::steady_clock::now() - started_;
  const auto took_us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  const uint64_t received = body_ ? body_->received_bytes() : 0;
  surroundings_.statistics->count(route_ ? route_->service : nullptr, route_ ? route_->operation : nullptr, status_,
                                  took_us, received, sent_bytes_);
  if (surroundings_.options.access_log && (website_ || (route_ && is_s3(*route_->service))))
    record_access(took_us / 1000);
  if (!surroundings_.options.log_requests || !logs(LogLevel::info)) return;
  std::string what =
      route_ ? std::string(route_->service->name) + ":" + std::string(route_->operation ? route_->operation->name : "?")
             : head_.request.method + " " + head_.request.path.substr(0, 200);
  log(LogLevel::info, what,
      Value::map({{"status", status_},
                  {"ms", static_cast<double>(took_us / 10) / 100},
                  {"in", static_cast<int64_t>(received)},
                  {"out", static_cast<int64_t>(sent_bytes_)},
                  {"caller", caller_.arn},
                  {"request_id", request_id_}}));
}

}  // namespace tarn::gateway
