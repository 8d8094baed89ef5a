#include <zlib.h>

#include <algorithm>

#include "api/wire/cbor_form.hpp"
#include "api/wire/codec.hpp"
#include "api/wire/form.hpp"
#include "api/wire/http_scalar.hpp"
#include "api/wire/json_form.hpp"
#include "api/wire/percent.hpp"
#include "api/wire/xml_form.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"

namespace tarn::api {
namespace {

bool is_s3(const Route& route) {
  return route.service->name == "s3";
}

std::string unpacked(std::string_view packed) {
  z_stream stream{};
  constexpr int gzip_or_zlib = 15 + 32;
  if (inflateInit2(&stream, gzip_or_zlib) != Z_OK)
    throw Error(ErrorKind::bug, "InternalFailure", "zlib does not start");
  std::string out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int status = Z_OK;
  char buffer[16 * 1024];
  while (status == Z_OK && out.size() <= limits::max_control_body_size_bytes) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer, sizeof buffer - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > limits::max_control_body_size_bytes)
    throw Error(ErrorKind::limit, "RequestEntityTooLarge", "the request's body is too large once it is unpacked");
  if (status != Z_STREAM_END)
    throw Error(ErrorKind::caller, "SerializationException", "the request's body is not valid gzip");
  return out;
}

// Adds to `out` what `text` says of `member`; what it cannot mean is refused with the place that it stands in.
void add_scalar(const Route& route, Value& out, const Member& member, std::string_view text, std::string_view name) {
  try {
    out.as_map().push_back({std::string(member.name), parse_http_value(member, text)});
  } catch (const Error& error) {
    if (!is_s3(route)) throw Error(error.kind(), error.code(), std::string(name) + ": " + error.message());
    // A condition that is no date is as good as none (RFC 9110, section 13.1.3).
    if (member.shape->type == Type::timestamp && member.location == Location::header &&
        same_header(name.substr(0, 3), "if-"))
      return;
    throw Error(ErrorKind::caller, "InvalidArgument", std::string(name) + ": " + error.message())
        .with("ArgumentName", std::string(name))
        .with("ArgumentValue", std::string(text));
  }
}

// S3 stores an object's encoding without the framing that it was sent in.
std::string without_aws_chunked(std::string_view encodings) {
  std::string out;
  while (!encodings.empty()) {
    std::string_view one = encodings.substr(0, encodings.find(','));
    encodings.remove_prefix(std::min(one.size() + 1, encodings.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty() || same_header(one, "aws-chunked")) continue;
    if (!out.empty()) out += ',';
    out += one;
  }
  return out;
}

void read_prefixed(const Bindings& input, Value& out, const std::string& name, const std::string& value) {
  for (const Member* member : input.prefixed) {
    std::string_view prefix = member->wire_name;
    if (name.size() < prefix.size() || !same_header(std::string_view(name).substr(0, prefix.size()), prefix)) continue;
    std::string key = name.substr(prefix.size());
    // Clients write X-Amz-Meta-Colour and x-amz-meta-colour; S3 keeps the one name.
    if (prefix == "x-amz-meta-")
      std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return c < 128 ? tolower(c) : c; });
    Value& map = out[member->name];
    if (map.is_null()) map = Value::map();
    if (Value* already = map.find(key))
      already->as_string() += "," + value;
    else
      map.set(key, value);
  }
}

// A list may stand in several lines (RFC 9110, section 5.3); AWS's SDK for Java writes it so.
void add_to_list(const Route& route, Value& out, const Member& member, std::string_view text, std::string_view name) {
  Value more = Value::map();
  add_scalar(route, more, member, text, name);
  if (const Value* list = more.find(member.name))
    for (const Value& one : list->as_list()) out[member.name].push_back(one);
}

void read_headers(const Route& route, const WireRequest& request, Value& out) {
  const Bindings& input = *route.input;
  if (input.headers.empty() && input.prefixed.empty()) return;
  for (const auto& [name, value] : request.headers) {
    if (!input.prefixed.empty()) read_prefixed(input, out, name, value);
    const Member* member = input.headers.find(name);
    if (!member) continue;
    if (out.find(member->name)) {
      if (member->shape->type == Type::list) add_to_list(route, out, *member, value, name);
    } else if (is_s3(route) && same_header(name, "content-encoding")) {
      std::string kept = without_aws_chunked(value);
      if (!kept.empty()) add_scalar(route, out, *member, kept, name);
    } else if (is_s3(route) && same_header(name, "content-length")) {
      const std::string* decoded = request.header("x-amz-decoded-content-length");
      add_scalar(route, out, *member, decoded ? *decoded : value, name);
    } else {
      add_scalar(route, out, *member, value, name);
    }
  }
}

// The map of all parameters takes those that neither another member nor the path's own literals take.
void add_to_query_map(const Member& member, std::string_view request_uri, const std::string& name,
                      const std::string& text, Value& out) {
  if (request_uri.find("?" + name + "=") != std::string_view::npos) return;
  Value& map = out[member.name];
  if (map.is_null()) map = Value::map();
  if (member.shape->element->shape->type == Type::list)
    map[name].push_back(text);
  else if (!map.find(name))
    map.set(name, text);
}

void read_query(const Route& route, const WireRequest& request, Value& out) {
  const Bindings& input = *route.input;
  if (request.query.empty() || (input.query.empty() && !input.query_map)) return;
  for (auto& [name, text] : parse_parameters(request.query)) {
    const Member* member = input.query.find(name);
    if (!member && input.query_map) add_to_query_map(*input.query_map, route.operation->request_uri, name, text, out);
    if (!member) continue;
    if (member->shape->type == Type::list) {
      Value item = Value::map();
      add_scalar(route, item, *member->shape->element, text, name);
      out[member->name].push_back(std::move(item.as_map().at(0).value));
    } else if (!out.find(member->name)) {
      add_scalar(route, out, *member, text, name);
    }
  }
}

[[noreturn]] void malformed_xml(const Error& error) {
  throw Error(
      ErrorKind::caller, "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema: " + error.message());
}

Value read_xml_body(const Route& route, const Shape& shape, std::string_view root, std::string_view body) {
  try {
    ReadXml read = parse_xml(shape, body);
    if (is_s3(route) && !root.empty() && read.root != root)
      throw Error(ErrorKind::caller, "SerializationException",
                  "the root is " + read.root + ", not " + std::string(root));
    return std::move(read.value);
  } catch (const Error& error) {
    if (error.code() != "SerializationException") throw;
    malformed_xml(error);
  }
}

void read_payload(const Route& route, const Member& payload, std::string_view body, Value& out) {
  const Shape& shape = *payload.shape;
  if (payload.streaming || shape.event_stream) return;
  switch (shape.type) {
    case Type::blob:
      if (!body.empty()) out.set(payload.name, Blob{std::string(body)});
      return;
    case Type::string:
      if (!body.empty()) out.set(payload.name, body);
      return;
    default:
      break;
  }
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  if (route.protocol == Protocol::rest_xml)
    out.set(payload.name,
            read_xml_body(route, shape, payload.has_location_name ? payload.wire_name : std::string_view(), body));
  else
    out.set(payload.name, from_json(shape, body));
}

void read_body_members(const Route& route, std::string_view body, Value& out) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  const Shape& shape = *route.operation->input;
  Value members = route.protocol == Protocol::rest_xml ? read_xml_body(route, shape, {}, body) : from_json(shape, body);
  for (ValueMember& member : members.as_map()) {
    const Member* modelled = find_member(shape, member.key);
    if (modelled && modelled->location == Location::body) out.set(member.key, std::move(member.value));
  }
}

Value parse_rest(const Route& route, const WireRequest& request, std::string_view body) {
  Value out = Value::map();
  out.as_map().reserve(16);
  for (const auto& [member, text] : route.labels)
    if (member) add_scalar(route, out, *member, text, member->wire_name);
  read_query(route, request, out);
  read_headers(route, request, out);
  const Bindings& input = *route.input;
  if (input.payload)
    read_payload(route, *input.payload, body, out);
  else if (input.has_body_members)
    read_body_members(route, body, out);
  return out;
}

Value parse_form_input(const Route& route, const WireRequest& request, std::string_view body) {
  const Shape& shape = *route.operation->input;
  Parameters parameters = parse_parameters(request.query);
  for (auto& parameter : parse_parameters(body)) parameters.push_back(std::move(parameter));
  // A form that is sent to a queue's own URL does not name the queue again.
  if (route.service->name == "sqs" && request.path.size() > 1 &&
      std::none_of(parameters.begin(), parameters.end(), [](const auto& p) { return p.first == "QueueUrl"; }))
    parameters.emplace_back("QueueUrl", request.path);
  try {
    return parse_form(shape, std::move(parameters),
                      route.protocol == Protocol::ec2 ? FormStyle::ec2 : FormStyle::query);
  } catch (const Error& error) {
    if (error.code() != "SerializationException") throw;
    throw Error(ErrorKind::caller, route.protocol == Protocol::ec2 ? "InvalidParameterValue" : "MalformedInput",
                error.message());
  }
}

Value parse_by_protocol(const Route& route, const WireRequest& request, std::string_view body) {
  const Shape& shape = *route.operation->input;
  switch (route.protocol) {
    case Protocol::json:
      if (!route.cbor_body) return from_json(shape, body);
      return body.empty() ? Value::map() : from_data(shape, parse_cbor(body, CborTime::milliseconds));
    case Protocol::rpc_v2_cbor:
      return body.empty() ? Value::map() : from_data(shape, parse_cbor(body));
    case Protocol::query:
    case Protocol::ec2:
      return parse_form_input(route, request, body);
    default:
      return parse_rest(route, request, body);
  }
}

}  // namespace

Value parse_input(const Route& route, const WireRequest& request, Random& random) {
  TARN_ASSERT(route.operation);
  if (!route.input) return Value::map();
  std::string unpacked_body;
  std::string_view body = request.body;
  if (!route.input->streams && !body.empty() && !is_s3(route))
    if (const std::string* encoding = request.header("content-encoding"); encoding && same_header(*encoding, "gzip")) {
      unpacked_body = unpacked(body);
      body = unpacked_body;
    }
  Value out = parse_by_protocol(route, request, body);
  for (const Member* token : route.input->tokens) {
    Value* given = out.find(token->name);
    if (!given) out.set(token->name, random.uuid());
  }
  return out;
}

Value parse_input(const Route& route, const WireRequest& request) {
  static SystemRandom random;
  return parse_input(route, request, random);
}

Value input_from_json(const Operation& operation, std::string_view json) {
  if (!operation.input) return Value::map();
  return from_data(*operation.input, parse_json(json), true);
}

}  // namespace tarn::api
