#include "api/wire/cbor_form.hpp"
#include "api/wire/codec.hpp"
#include "api/wire/http_scalar.hpp"
#include "api/wire/json_form.hpp"
#include "api/wire/xml_form.hpp"

namespace tarn::api {
namespace {

constexpr std::string_view xml_declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

TimestampStyle xml_times(const Route& route) {
  return {TimestampFormat::iso8601,
          route.protocol == Protocol::ec2 || route.service->name == "s3" || route.service->name == "s3control"};
}

// About how many bytes `value` takes as text; of a list only the first item is looked at. Growing a long listing's
// buffer step by step costs as much as writing it.
std::size_t estimated_size_bytes(const Value& value) {
  if (value.is_string()) return value.as_string().size() + 8;
  if (value.is_blob()) return value.as_blob().bytes.size() * 4 / 3 + 8;
  std::size_t out = 24;
  if (value.is_list() && !value.as_list().empty())
    out += value.as_list().size() * estimated_size_bytes(value.as_list()[0]);
  if (value.is_map())
    for (const ValueMember& member : value.as_map())
      out += 2 * member.key.size() + 5 + estimated_size_bytes(member.value);
  return out;
}

void write_headers(const Route& route, const Value& output, WireResponse& response) {
  const Bindings& bindings = *route.output;
  for (const ValueMember& given : output.as_map()) {
    if (given.value.is_null()) continue;
    const Member* member = bindings.members.find(given.key);
    if (!member) continue;
    if (member->location == Location::header) {
      // The gateway counts the bytes of a body itself; only an answer without one has to be told.
      if (same_header(member->wire_name, "content-length") && route.operation->http_method != "HEAD") continue;
      response.headers.emplace_back(member->wire_name, format_http_value(*member, given.value));
    } else if (member->location == Location::headers) {
      if (!given.value.is_map()) wrong_output(*member->shape);
      for (const ValueMember& entry : given.value.as_map())
        response.headers.emplace_back(std::string(member->wire_name) + entry.key,
                                      format_http_value(*member->shape->element, entry.value));
    } else if (member->location == Location::status_code && given.value.is_int()) {
      response.status = static_cast<int>(given.value.as_int());
    }
  }
}

// The name of the root element of an answer: S3's own names stand in its overlay.
std::string_view root_name(const Shape& shape) {
  return shape.xml_name.empty() ? shape.name : shape.xml_name;
}

void write_payload(const Route& route, const Member& payload, const Value* value, WireResponse& response) {
  const Shape& shape = *payload.shape;
  if (!value || value->is_null()) return;
  switch (shape.type) {
    case Type::blob:
      if (!value->is_blob()) wrong_output(shape);
      response.body = value->as_blob().bytes;
      return;
    case Type::string:
      if (!value->is_string()) wrong_output(shape);
      response.body = value->as_string();
      return;
    default:
      break;
  }
  if (route.protocol == Protocol::rest_json) {
    append_json(response.body, shape, *value);
    return;
  }
  response.body = xml_declaration;
  std::string_view name = payload.has_location_name ? payload.wire_name
                          : shape.xml_name.empty()  ? payload.name
                                                    : shape.xml_name;
  append_xml_structure(response.body, name, shape, *value,
                       payload.xml_namespace.empty() ? route.service->xml_namespace : payload.xml_namespace,
                       xml_times(route));
}

// GetBucketLocation answers one element that holds the text itself.
void write_location_constraint(const Route& route, const Value& output, std::string& body) {
  body = xml_declaration;
  body += "<LocationConstraint xmlns=\"";
  body += route.service->xml_namespace;
  body += "\">";
  append_xml_text(body, output.string_or("LocationConstraint"));
  body += "</LocationConstraint>";
}

std::string_view body_type(const Route& route, const Member* payload) {
  if (payload && payload->shape->type == Type::blob) return "application/octet-stream";
  // A policy is the only string that is a body of its own.
  if (payload && payload->shape->type == Type::string)
    return route.service->name == "s3" ? "application/json" : "text/plain";
  return route.protocol == Protocol::rest_xml ? "application/xml" : "application/json";
}

void write_rest(const Route& route, const Value& output, WireResponse& response) {
  if (!route.output) return;
  const Bindings& bindings = *route.output;
  write_headers(route, output, response);
  if (bindings.streams) {
    response.has_streaming_body = true;
    return;
  }
  if (bindings.payload) {
    write_payload(route, *bindings.payload, output.find(bindings.payload->name), response);
  } else if (route.service->name == "s3" && route.operation->name == "GetBucketLocation") {
    write_location_constraint(route, output, response.body);
  } else if (bindings.has_body_members && route.protocol == Protocol::rest_xml) {
    response.body = xml_declaration;
    append_xml_structure(response.body, root_name(*bindings.shape), *bindings.shape, output,
                         route.service->xml_namespace, xml_times(route));
  } else if (route.protocol == Protocol::rest_json && response.status != 204) {
    append_json(response.body, *bindings.shape, output, true);
  }
  if (!response.body.empty() && !response.header("content-type"))
    response.headers.emplace_back("Content-Type", body_type(route, bindings.payload));
}

void write_query(const Route& route, const Value& output, std::string_view request_id, WireResponse& response) {
  const std::string name(route.operation->name);
  std::string& out = response.body;
  out = xml_declaration;
  out += "<" + name + "Response xmlns=\"";
  append_xml_text(out, route.service->xml_namespace);
  out += "\">";
  if (route.output) {
    const std::string wrapper =
        route.operation->result_wrapper.empty() ? name + "Result" : std::string(route.operation->result_wrapper);
    out += "<" + wrapper + ">";
    append_xml_members(out, *route.output->shape, output, {xml_times(route), true});
    out += "</" + wrapper + ">";
  }
  out += "<ResponseMetadata>";
  append_xml_element(out, "RequestId", request_id);
  out += "</ResponseMetadata></" + name + "Response>";
  response.headers.emplace_back("Content-Type", "text/xml");
}

void write_ec2(const Route& route, const Value& output, std::string_view request_id, WireResponse& response) {
  const std::string name(route.operation->name);
  std::string& out = response.body;
  out = xml_declaration;
  out += "<" + name + "Response xmlns=\"";
  append_xml_text(out, route.service->xml_namespace);
  out += "/\">";
  append_xml_element(out, "requestId", request_id);
  if (route.output) append_xml_members(out, *route.output->shape, output, xml_times(route));
  out += "</" + name + "Response>";
  response.headers.emplace_back("Content-Type", "text/xml;charset=UTF-8");
}

void write_json(const Route& route, const Value& output, WireResponse& response) {
  if (route.cbor_body) {
    if (route.output) append_cbor(response.body, *route.output->shape, output, CborTime::milliseconds);
    response.headers.emplace_back("Content-Type", "application/x-amz-cbor-1.1");
    return;
  }
  if (route.output) append_json(response.body, *route.output->shape, output);
  response.headers.emplace_back("Content-Type", "application/x-amz-json-" + std::string(route.service->json_version));
}

void write_cbor(const Route& route, const Value& output, WireResponse& response) {
  response.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
  if (!route.output) return;
  append_cbor(response.body, *route.output->shape, output);
  response.headers.emplace_back("Content-Type", "application/cbor");
}

}  // namespace

WireResponse serialize_output(const Route& route, const Value& output, std::string_view request_id) {
  TARN_ASSERT(route.operation);
  if (!output.is_map() && !output.is_null()) wrong_output(route.output ? *route.output->shape : Shape{});
  const Value nothing = Value::map();
  const Value& members = output.is_null() ? nothing : output;
  WireResponse response;
  response.headers.reserve(16);
  if (!route.output || !route.output->streams) response.body.reserve(128 + estimated_size_bytes(members));
  if (route.operation->success_status) response.status = route.operation->success_status;
  const bool s3_form = route.service->protocol == Protocol::rest_xml;
  response.headers.emplace_back(s3_form ? "x-amz-request-id" : "x-amzn-RequestId", request_id);
  if (s3_form) response.headers.emplace_back("x-amz-id-2", request_id);
  // A stream of events in an RPC protocol is the whole body.
  const bool rest = route.protocol == Protocol::rest_json || route.protocol == Protocol::rest_xml;
  if (!rest && route.output && route.output->streams) {
    response.has_streaming_body = true;
    return response;
  }
  switch (route.protocol) {
    case Protocol::json:
      write_json(route, members, response);
      break;
    case Protocol::query:
      write_query(route, members, request_id, response);
      break;
    case Protocol::ec2:
      write_ec2(route, members, request_id, response);
      break;
    case Protocol::rpc_v2_cbor:
      write_cbor(route, members, response);
      break;
    default:
      write_rest(route, members, response);
      break;
  }
  if (route.operation->http_method == "HEAD") response.body.clear();
  return response;
}

}  // namespace tarn::api
