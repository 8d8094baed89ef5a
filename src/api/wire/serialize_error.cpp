#include "api/wire/cbor_form.hpp"
#include "api/wire/codec.hpp"
#include "api/wire/json_form.hpp"
#include "api/wire/s3_errors.hpp"
#include "api/wire/scalar.hpp"
#include "api/wire/xml_form.hpp"
#include "base/json.hpp"

namespace tarn::api {
namespace {

bool is_xml(Protocol protocol) {
  return protocol == Protocol::rest_xml || protocol == Protocol::query || protocol == Protocol::ec2;
}

// The shape that the model gives the error, found by its name or else by its code on the wire.
const Shape* error_shape(const Service& service, const Operation* operation, const Error& error) {
  std::span<const Shape* const> lists[] = {operation ? operation->errors : std::span<const Shape* const>(),
                                           service.errors};
  for (auto shapes : lists)
    for (const Shape* shape : shapes)
      if (shape && shape->name == error.code()) return shape;
  for (auto shapes : lists)
    for (const Shape* shape : shapes)
      if (shape && !shape->error_code.empty() && shape->error_code == error.code()) return shape;
  return nullptr;
}

int status_of_kind(ErrorKind kind, Protocol protocol) {
  const bool rpc = protocol == Protocol::json || protocol == Protocol::rpc_v2_cbor;
  switch (kind) {
    case ErrorKind::caller:
      return 400;
    case ErrorKind::denied:
      return rpc ? 400 : 403;
    case ErrorKind::missing:
      return rpc ? 400 : 404;
    case ErrorKind::conflict:
      return rpc ? 400 : 409;
    case ErrorKind::limit:
      return protocol == Protocol::rest_json ? 429 : 400;
    case ErrorKind::unsupported:
      return 501;
    case ErrorKind::outside:
      return 502;
    case ErrorKind::bug:
      return 500;
  }
  return 500;
}

std::string code_on_wire(const Shape* shape, const Error& error) {
  if (!shape) return error.code();
  return std::string(shape->error_code.empty() ? shape->name : shape->error_code);
}

// What of the error's details goes into the body, each with its member where the model has one.
struct Detail {
  std::string_view name, value;
  const Member* member;
};
constexpr std::string_view header_mark = "header:";

std::vector<Detail> body_details(const Shape* shape, const Error& error, bool also_unmodelled) {
  std::vector<Detail> out;
  for (const auto& [name, value] : error.details()) {
    if (name.starts_with(header_mark)) continue;
    const Member* member = shape ? find_member(*shape, name) : nullptr;
    if (member || also_unmodelled) out.push_back({member ? member->wire_name : std::string_view(name), value, member});
  }
  return out;
}

const Member* message_member(const Shape* shape) {
  if (!shape) return nullptr;
  for (const Member& member : shape->members)
    if (member.name == "message" || member.name == "Message" || member.name == "errorMessage") return &member;
  return nullptr;
}

Value detail_value(const Detail& detail) {
  if (!detail.member || detail.member->shape->type == Type::string) return detail.value;
  if (detail.member->shape->type == Type::structure || detail.member->shape->type == Type::list ||
      detail.member->shape->type == Type::map)
    return from_data(*detail.member->shape, parse_json(detail.value), true);
  return parse_scalar(*detail.member->shape, detail.value);
}

std::string type_name(const Service& service, const Shape* shape, const Error& error) {
  std::string name = shape ? std::string(shape->name) : error.code();
  if (service.name == "dynamodb") return "com.amazonaws.dynamodb.v20120810#" + name;
  if (service.name == "sqs") return "com.amazonaws.sqs#" + name;
  return name;
}

void write_json_error(const Service& service, Protocol protocol, const Shape* shape, const Error& error,
                      WireResponse& response) {
  std::string& out = response.body;
  out = "{";
  if (protocol == Protocol::json) {
    out += "\"__type\":";
    append_json_string(out, type_name(service, shape, error));
    out += ',';
  }
  const Member* message = message_member(shape);
  append_json_string(out, message ? message->wire_name : std::string_view("message"));
  out += ':';
  append_json_string(out, error.message());
  for (const Detail& detail : body_details(shape, error, false)) {
    if (detail.member == message) continue;
    out += ',';
    append_json_string(out, detail.name);
    out += ':';
    append_json(out, *detail.member->shape, detail_value(detail));
  }
  out += '}';
  response.headers.emplace_back("x-amzn-ErrorType", shape ? std::string(shape->name) : error.code());
  response.headers.emplace_back("Content-Type", protocol == Protocol::json && !service.json_version.empty()
                                                    ? "application/x-amz-json-" + std::string(service.json_version)
                                                    : std::string("application/json"));
}

void write_cbor_error(const Service& service, const Shape* shape, const Error& error, bool rpc_v2,
                      WireResponse& response) {
  auto details = body_details(shape, error, false);
  std::string& out = response.body;
  append_cbor_map_head(out, 2 + details.size());
  append_cbor_text(out, "__type");
  append_cbor_text(out, type_name(service, shape, error));
  const Member* message = message_member(shape);
  append_cbor_text(out, message ? message->wire_name : std::string_view("message"));
  append_cbor_text(out, error.message());
  for (const Detail& detail : details) {
    append_cbor_text(out, detail.name);
    append_cbor(out, *detail.member->shape, detail_value(detail));
  }
  if (rpc_v2) response.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
  response.headers.emplace_back("Content-Type", rpc_v2 ? "application/cbor" : "application/x-amz-cbor-1.1");
}

void append_details(std::string& out, const Shape* shape, const Error& error, bool also_unmodelled) {
  for (const Detail& detail : body_details(shape, error, also_unmodelled)) {
    if (detail.name == "Message" || detail.name == "message") continue;
    append_xml_element(out, detail.name, detail.value);
  }
}

void write_query_error(const Service& service, const Shape* shape, const Error& error, std::string_view request_id,
                       WireResponse& response) {
  std::string& out = response.body;
  out = "<ErrorResponse xmlns=\"";
  append_xml_text(out, service.xml_namespace);
  out += "\"><Error>";
  append_xml_element(out, "Type", response.status < 500 ? "Sender" : "Receiver");
  append_xml_element(out, "Code", code_on_wire(shape, error));
  append_xml_element(out, "Message", error.message());
  append_details(out, shape, error, false);
  out += "</Error>";
  append_xml_element(out, "RequestId", request_id);
  out += "</ErrorResponse>";
  response.headers.emplace_back("Content-Type", "text/xml");
}

void write_ec2_error(const Shape* shape, const Error& error, std::string_view request_id, WireResponse& response) {
  std::string& out = response.body;
  out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>";
  append_xml_element(out, "Code", code_on_wire(shape, error));
  append_xml_element(out, "Message", error.message());
  out += "</Error></Errors>";
  append_xml_element(out, "RequestID", request_id);
  out += "</Response>";
  response.headers.emplace_back("Content-Type", "text/xml;charset=UTF-8");
}

// S3's <Error>, which stands within an <ErrorResponse> in S3 Control and the services like it.
void write_rest_xml_error(const Service& service, const Shape* shape, const Error& error, std::string_view request_id,
                          std::string_view resource, WireResponse& response) {
  const bool s3 = service.name == "s3";
  std::string& out = response.body;
  out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  if (!s3) out += "<ErrorResponse>";
  out += "<Error>";
  if (!s3) append_xml_element(out, "Type", response.status < 500 ? "Sender" : "Receiver");
  append_xml_element(out, "Code", s3 ? error.code() : code_on_wire(shape, error));
  append_xml_element(out, "Message", error.message());
  append_details(out, shape, error, true);
  if (s3 && !resource.empty()) append_xml_element(out, "Resource", resource);
  if (!s3) out += "</Error>";
  append_xml_element(out, "RequestId", request_id);
  append_xml_element(out, "HostId", request_id);
  out += s3 ? "</Error>" : "</ErrorResponse>";
  response.headers.emplace_back("Content-Type", "application/xml");
}

void write_headers(const Error& error, WireResponse& response) {
  for (const auto& [name, value] : error.details()) {
    if (!name.starts_with(header_mark)) continue;
    std::string text = value;
    for (char& c : text)
      if (c == '\r' || c == '\n') c = ' ';
    response.headers.emplace_back(name.substr(header_mark.size()), std::move(text));
  }
}

WireResponse write_error(const Service& service, const Operation* operation, Protocol protocol, bool cbor_body,
                         const Error& error, std::string_view request_id, std::string_view method,
                         std::string_view resource) {
  const Shape* shape = error_shape(service, operation, error);
  WireResponse response;
  response.status = error_status(service, operation, protocol, error);
  const bool s3_form = service.protocol == Protocol::rest_xml;
  response.headers.emplace_back(s3_form ? "x-amz-request-id" : "x-amzn-RequestId", request_id);
  if (s3_form) response.headers.emplace_back("x-amz-id-2", request_id);
  write_headers(error, response);
  if (service.query_compatible && !is_xml(protocol))
    response.headers.emplace_back("x-amzn-query-error",
                                  code_on_wire(shape, error) + (response.status < 500 ? ";Sender" : ";Receiver"));
  switch (protocol) {
    case Protocol::json:
      if (cbor_body)
        write_cbor_error(service, shape, error, false, response);
      else
        write_json_error(service, protocol, shape, error, response);
      break;
    case Protocol::rest_json:
      write_json_error(service, protocol, shape, error, response);
      break;
    case Protocol::rpc_v2_cbor:
      write_cbor_error(service, shape, error, true, response);
      break;
    case Protocol::query:
      write_query_error(service, shape, error, request_id, response);
      break;
    case Protocol::ec2:
      write_ec2_error(shape, error, request_id, response);
      break;
    case Protocol::rest_xml:
      write_rest_xml_error(service, shape, error, request_id, resource, response);
      break;
  }
  if (method == "HEAD" || response.status == 304) response.body.clear();
  return response;
}

}  // namespace

int error_status(const Service& service, const Operation* operation, Protocol protocol, const Error& error) {
  if (error.kind() == ErrorKind::unsupported) return 501;
  if (error.kind() == ErrorKind::bug) return 500;
  if (service.name == "s3")
    if (int status = s3_error_status(error.code())) return status;
  const Shape* shape = error_shape(service, operation, error);
  if (shape && shape->http_status) return shape->http_status;
  if (error.code() == "UnknownOperationException" && protocol == Protocol::rest_json) return 404;
  if (error.code() == "ServiceUnavailable") return 503;  // of all services ("Common Errors")
  if (error.code() == "DryRunOperation") return 412;     // ec2
  // A modelled error of an RPC service without a status of its own is 400, whoever threw it.
  return status_of_kind(error.kind(), protocol);
}

WireResponse serialize_error(const Service& service, const Operation* operation, Protocol protocol, const Error& error,
                             std::string_view request_id, std::string_view method, std::string_view resource) {
  return write_error(service, operation, protocol, false, error, request_id, method, resource);
}

WireResponse serialize_error(const Route& route, const Error& error, std::string_view request_id,
                             std::string_view method, std::string_view resource) {
  return write_error(*route.service, route.operation, route.protocol, route.cbor_body, error, request_id, method,
                     resource);
}

WireResponse serialize_unknown(const WireRequest& request, std::string_view request_id) {
  WireResponse response;
  const std::string* type = request.header("content-type");
  const std::string* target = request.header("x-amz-target");
  const std::string_view signed_for = signing_name(request);
  std::string what = target               ? "the target " + target->substr(0, 200)
                     : signed_for.empty() ? request.method + " " + request.path.substr(0, 200)
                                          : "the service " + std::string(signed_for.substr(0, 200));
  std::string message = "tarn does not serve " + what + ". See docs/COVERAGE.md for what it has.";
  response.headers.emplace_back("x-amzn-RequestId", request_id);
  response.status = 501;
  if (target || (type && type->find("json") != std::string::npos)) {
    response.body = "{\"__type\":\"NotImplemented\",\"message\":";
    append_json_string(response.body, message);
    response.body += '}';
    response.headers.emplace_back("x-amzn-ErrorType", "NotImplemented");
    response.headers.emplace_back("Content-Type", type ? *type : "application/json");
  } else {
    response.body =
        "<?xml version=\"1.0\" "
        "encoding=\"UTF-8\"?>\n<ErrorResponse><Error><Type>Receiver</Type><Code>NotImplemented</Code>";
    append_xml_element(response.body, "Message", message);
    response.body += "</Error>";
    append_xml_element(response.body, "RequestId", request_id);
    response.body += "</ErrorResponse>";
    response.headers.emplace_back("x-amzn-ErrorType", "NotImplemented");
    response.headers.emplace_back("Content-Type", "text/xml");
  }
  if (request.method == "HEAD") response.body.clear();
  return response;
}

}  // namespace tarn::api
