#include "api/wire/client.hpp"

#include <algorithm>

#include "api/wire/bindings.hpp"
#include "api/wire/cbor_form.hpp"
#include "api/wire/form.hpp"
#include "api/wire/http_scalar.hpp"
#include "api/wire/json_form.hpp"
#include "api/wire/percent.hpp"
#include "api/wire/xml_form.hpp"
#include "base/json.hpp"

namespace tarn::api {
namespace {

// ---- requests ----

const Member& label_member(const Shape* input, std::string_view name) {
  if (input)
    for (const Member& member : input->members)
      if (member.location == Location::uri && member.wire_name == name) return member;
  throw Error(ErrorKind::bug, "InternalFailure", "the model has no member for the path label " + std::string(name));
}

void append_path(std::string& path, const Operation& operation, const Value& input) {
  std::string_view uri = operation.request_uri.substr(0, operation.request_uri.find('?'));
  while (!uri.empty()) {
    std::size_t open = uri.find('{');
    path += uri.substr(0, open);
    if (open == std::string_view::npos) return;
    std::size_t end = uri.find('}', open);
    std::string_view name = uri.substr(open + 1, end - open - 1);
    uri.remove_prefix(end + 1);
    const bool greedy = name.ends_with('+');
    if (greedy) name.remove_suffix(1);
    const Member& member = label_member(operation.input, name);
    const Value* value = input.find(member.name);
    std::string text = value && !value->is_null() ? format_http_value(member, *value) : std::string();
    if (text.empty())
      throw Error(ErrorKind::caller, "ValidationException",
                  "the member " + std::string(member.name) + " must be given");
    append_percent_encoded(path, text, greedy);
  }
}

void append_parameter(std::string& query, std::string_view name, std::string_view text) {
  if (!query.empty()) query += '&';
  append_percent_encoded(query, name);
  query += '=';
  append_percent_encoded(query, text);
}

// A map of parameters gives way to the members that have parameters of their own.
bool is_named(const Bindings& bindings, const Value& input, std::string_view name) {
  const Member* member = bindings.query.find(name);
  return member && input.find(member->name);
}

void append_query(std::string& query, const Bindings& bindings, const Value& input, const Member& member,
                  const Value& value) {
  const Shape& shape = *member.shape;
  if (shape.type == Type::list) {
    for (const Value& item : value.as_list())
      append_parameter(query, member.wire_name, format_http_value(*shape.element, item));
  } else if (shape.type == Type::map) {
    for (const ValueMember& entry : value.as_map()) {
      if (is_named(bindings, input, entry.key)) continue;
      if (!entry.value.is_list()) {
        append_parameter(query, entry.key, format_http_value(*shape.element, entry.value));
        continue;
      }
      for (const Value& item : entry.value.as_list()) append_parameter(query, entry.key, item.as_string());
    }
  } else {
    append_parameter(query, member.wire_name, format_http_value(member, value));
  }
}

void write_outside_body(const Bindings& bindings, const Value& input, WireRequest& request) {
  for (const ValueMember& given : input.as_map()) {
    const Member* member = bindings.members.find(given.key);
    if (!member || given.value.is_null()) continue;
    if (member->location == Location::query_string) append_query(request.query, bindings, input, *member, given.value);
    const bool is_empty_list = given.value.is_list() && given.value.as_list().empty();
    if (member->location == Location::header && !is_empty_list)
      request.headers.emplace_back(member->wire_name, format_http_value(*member, given.value));
    if (member->location == Location::headers)
      for (const ValueMember& entry : given.value.as_map())
        request.headers.emplace_back(std::string(member->wire_name) + entry.key,
                                     format_http_value(*member->shape->element, entry.value));
  }
}

void write_payload(const Service& service, const Member& payload, const Value* value, WireRequest& request) {
  const Shape& shape = *payload.shape;
  if (payload.streaming || shape.event_stream) return;
  const bool json = service.protocol != Protocol::rest_xml;
  if (!value || value->is_null()) {
    if (json && shape.type == Type::structure) request.body = "{}";
  } else if (shape.type == Type::blob) {
    request.body = value->as_blob().bytes;
  } else if (shape.type == Type::string) {
    request.body = value->as_string();
  } else if (json) {
    append_json(request.body, shape, *value);
  } else {
    std::string_view name = payload.has_location_name ? payload.wire_name
                            : shape.xml_name.empty()  ? shape.name
                                                      : shape.xml_name;
    append_xml_structure(request.body, name, shape, *value, payload.xml_namespace, {TimestampFormat::iso8601, false});
  }
  if (request.body.empty()) return;
  request.headers.emplace_back("Content-Type", shape.type == Type::blob     ? "application/octet-stream"
                                               : shape.type == Type::string ? "text/plain"
                                               : json                       ? "application/json"
                                                                            : "application/xml");
}

void write_rest(const Service& service, const Operation& operation, const Value& input, WireRequest& request) {
  append_path(request.path, operation, input);
  std::size_t question = operation.request_uri.find('?');
  if (question != std::string_view::npos) request.query = operation.request_uri.substr(question + 1);
  const Bindings* bindings = bindings_of(operation.input);
  if (!bindings) return;
  write_outside_body(*bindings, input, request);
  if (bindings->payload)
    return write_payload(service, *bindings->payload, input.find(bindings->payload->name), request);
  if (!bindings->has_body_members) return;
  const Shape& shape = *bindings->shape;
  if (service.protocol == Protocol::rest_json) {
    append_json(request.body, shape, input, true);
    request.headers.emplace_back("Content-Type", "application/json");
    return;
  }
  std::string members;
  append_xml_members(members, shape, input, {TimestampFormat::iso8601, false});
  if (members.empty()) return;
  std::string_view name = !shape.xml_name.empty()         ? shape.xml_name
                          : !operation.input_root.empty() ? operation.input_root
                                                          : shape.name;
  append_xml_structure(request.body, name, shape, input, operation.input_namespace, {TimestampFormat::iso8601, false});
  request.headers.emplace_back("Content-Type", "application/xml");
}

void write_json(const Service& service, const Operation& operation, const Value& input, WireRequest& request) {
  request.path = "/";
  request.headers.emplace_back("Content-Type", "application/x-amz-json-" + std::string(service.json_version));
  request.headers.emplace_back("X-Amz-Target", std::string(service.target_prefix) + "." + std::string(operation.name));
  if (service.query_compatible) request.headers.emplace_back("x-amzn-query-mode", "true");
  if (operation.input)
    append_json(request.body, *operation.input, input);
  else
    request.body = "{}";
}

void write_form(const Service& service, const Operation& operation, FormStyle style, const Value& input,
                WireRequest& request) {
  request.path = "/";
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body = "Action=" + std::string(operation.name) + "&Version=" + std::string(service.api_version);
  if (operation.input) append_form(request.body, *operation.input, input, style);
}

void write_cbor(const Service& service, const Operation& operation, const Value& input, WireRequest& request) {
  request.path = "/service/" + std::string(service.target_prefix) + "/operation/" + std::string(operation.name);
  request.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
  request.headers.emplace_back("Accept", "application/cbor");
  if (service.query_compatible) request.headers.emplace_back("x-amzn-query-mode", "true");
  if (!operation.input) return;
  request.headers.emplace_back("Content-Type", "application/cbor");
  append_cbor(request.body, *operation.input, input);
}

// ---- responses ----

void read_headers(const Bindings& bindings, const WireResponse& response, Value& out) {
  for (const auto& [name, text] : response.headers) {
    if (const Member* member = bindings.headers.find(name); member && !out.find(member->name))
      out.set(member->name, parse_http_value(*member, text));
    for (const Member* member : bindings.prefixed) {
      std::string_view prefix = member->wire_name;
      if (name.size() < prefix.size() || !same_header(std::string_view(name).substr(0, prefix.size()), prefix))
        continue;
      out[member->name].set(name.substr(prefix.size()), text);
    }
  }
  if (bindings.status_code) out.set(bindings.status_code->name, response.status);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

void read_payload(const Service& service, const Member& payload, const std::string& body, Value& out) {
  const Shape& shape = *payload.shape;
  if (payload.streaming || shape.event_stream) return;
  if (shape.type == Type::blob) {
    if (!body.empty()) out.set(payload.name, Blob{body});
  } else if (shape.type == Type::string) {
    if (!body.empty()) out.set(payload.name, body);
  } else if (!is_blank(body)) {
    out.set(payload.name,
            service.protocol == Protocol::rest_xml ? parse_xml(shape, body).value : from_json(shape, body));
  }
}

Value read_rest(const Service& service, const Operation& operation, const WireResponse& response) {
  Value out = Value::map();
  const Bindings& bindings = *bindings_of(operation.output);
  read_headers(bindings, response, out);
  if (bindings.payload) {
    read_payload(service, *bindings.payload, response.body, out);
    return out;
  }
  if (is_blank(response.body) || bindings.streams) return out;
  if (service.name == "s3" && operation.name == "GetBucketLocation") {
    std::string region = parse_xml_root_text(response.body);
    if (!region.empty()) out.set("LocationConstraint", std::move(region));
    return out;
  }
  Value members = service.protocol == Protocol::rest_xml ? parse_xml(*bindings.shape, response.body).value
                                                         : from_json(*bindings.shape, response.body);
  for (ValueMember& member : members.as_map())
    if (const Member* modelled = bindings.members.find(member.key); modelled && modelled->location == Location::body)
      out.set(member.key, std::move(member.value));
  return out;
}

Value read_by_protocol(const Service& service, const Operation& operation, Protocol protocol,
                       const WireResponse& response) {
  const Shape& shape = *operation.output;
  const std::string& body = response.body;
  switch (protocol) {
    case Protocol::json:
      return from_json(shape, body);
    case Protocol::rpc_v2_cbor:
      return body.empty() ? Value::map() : from_data(shape, parse_cbor(body));
    case Protocol::query: {
      std::string wrapper(operation.result_wrapper);
      if (wrapper.empty()) wrapper = std::string(operation.name) + "Result";
      return is_blank(body) ? Value::map() : parse_xml(shape, body, {wrapper}).value;
    }
    case Protocol::ec2:
      return is_blank(body) ? Value::map() : parse_xml(shape, body).value;
    default:
      return read_rest(service, operation, response);
  }
}

// ---- errors ----

ErrorKind kind_of_status(int status) {
  if (status == 401 || status == 403) return ErrorKind::denied;
  if (status == 404) return ErrorKind::missing;
  if (status == 409) return ErrorKind::conflict;
  if (status == 429 || status == 503) return ErrorKind::limit;
  if (status == 501) return ErrorKind::unsupported;
  return status >= 500 ? ErrorKind::outside : ErrorKind::caller;
}

// "aws.protocoltests#FooError:http://…" is FooError.
std::string bare_code(std::string_view code) {
  code = code.substr(0, code.find(':'));
  std::size_t hash = code.rfind('#');
  return std::string(hash == std::string_view::npos ? code : code.substr(hash + 1));
}

// x-amzn-query-error: "AWS.SimpleQueueService.NonExistentQueue;Sender" is the code that clients of a once-query service
// know.
std::string code_in_headers(const Service& service, const WireResponse& response) {
  if (service.query_compatible)
    if (const std::string* code = response.header("x-amzn-query-error")) return code->substr(0, code->find(';'));
  const std::string* type = response.header("x-amzn-errortype");
  return type ? bare_code(*type) : std::string();
}

Error data_error(const Service& service, const Value& data, const WireResponse& response) {
  std::string code = code_in_headers(service, response);
  for (const char* name : {"__type", "code", "Code"})
    if (code.empty()) code = bare_code(data.string_or(name));
  std::string message = data.string_or("message", data.string_or("Message", data.string_or("errorMessage")));
  if (code.empty()) code = "Unknown";
  if (message.empty() && code == "Unknown") message = "HTTP status " + std::to_string(response.status);
  Error error(kind_of_status(response.status), std::move(code), std::move(message));
  if (data.is_map())
    for (const ValueMember& member : data.as_map()) {
      if (member.key == "__type" || member.key == "message" || member.key == "Message" || member.key == "code")
        continue;
      if (member.value.is_null()) continue;
      error.with(member.key, member.value.is_string() ? member.value.as_string() : to_json(member.value));
    }
  return error;
}

}  // namespace

WireRequest serialize_input(const Service& service, const Operation& operation, Protocol protocol, const Value& input,
                            Random& random) {
  WireRequest request;
  request.method = operation.http_method;
  Value members = input.is_null() ? Value::map() : input;
  if (const Bindings* bindings = bindings_of(operation.input))
    for (const Member* token : bindings->tokens)
      if (!members.find(token->name)) members.set(token->name, random.uuid());
  switch (protocol) {
    case Protocol::json:
      write_json(service, operation, members, request);
      break;
    case Protocol::query:
      write_form(service, operation, FormStyle::query, members, request);
      break;
    case Protocol::ec2:
      write_form(service, operation, FormStyle::ec2, members, request);
      break;
    case Protocol::rpc_v2_cbor:
      write_cbor(service, operation, members, request);
      break;
    default:
      write_rest(service, operation, members, request);
      break;
  }
  return request;
}

WireRequest serialize_input(const Service& service, const Operation& operation, const Value& input) {
  SystemRandom random;
  return serialize_input(service, operation, service.protocol, input, random);
}

Value parse_output(const Service& service, const Operation& operation, Protocol protocol,
                   const WireResponse& response) {
  if (!operation.output) return Value::map();
  try {
    return read_by_protocol(service, operation, protocol, response);
  } catch (const Error& error) {
    throw Error(ErrorKind::outside, error.code(), "the endpoint's answer cannot be read: " + error.message());
  }
}

Value parse_output(const Service& service, const Operation& operation, const WireResponse& response) {
  return parse_output(service, operation, service.protocol, response);
}

Error parse_error(const Service& service, Protocol protocol, const WireResponse& response) {
  if (protocol == Protocol::query || protocol == Protocol::ec2 || protocol == Protocol::rest_xml) {
    auto xml = parse_xml_error(response.body);
    if (!xml) return data_error(service, Value::map(), response);
    Error error(kind_of_status(response.status), std::move(xml->code), std::move(xml->message));
    for (auto& [name, text] : xml->members)
      if (name != "Type") error.with(std::move(name), std::move(text));
    return error;
  }
  Value data;
  try {
    data = protocol == Protocol::rpc_v2_cbor ? parse_cbor(response.body) : parse_json(response.body);
  } catch (const Error&) {
    data = Value::map();  // a proxy's page, say: the headers and the status still tell something
  }
  return data_error(service, data, response);
}

}  // namespace tarn::api
