// Runs botocore's protocol tests (tests/unit/protocols of its source package, made from Smithy's compliance tests) in
// four ways:
//   input cases:  HTTP -> value (server), value -> HTTP (client)
//   output cases: value -> HTTP (server), HTTP -> value (client)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <pugixml.hpp>
#include <set>
#include <sstream>

#include "api/wire/cbor_form.hpp"
#include "api/wire/client.hpp"
#include "api/wire/codec.hpp"
#include "api/wire/percent.hpp"
#include "api/wire/runtime_model.hpp"
#include "api/wire/scalar.hpp"
#include "base/base64.hpp"
#include "base/json.hpp"

namespace tarn::api {
namespace {

namespace fs = std::filesystem;

// ---- comparing ----

std::string number_text(double number) {
  std::string out;
  if (std::isfinite(number) && std::trunc(number) == number && std::abs(number) < 9e15)
    append_number(out, static_cast<int64_t>(number));
  else
    append_number(out, number);
  return out;
}

// One text for all values that are equal, whatever the order of their members.
std::string canonical(const Value& v) {
  if (v.is_number()) return number_text(v.as_double());
  if (v.is_list()) {
    std::string out = "[";
    for (const Value& item : v.as_list()) out += canonical(item) + ",";
    return out + "]";
  }
  if (v.is_map()) {
    std::map<std::string, std::string> members;
    for (const ValueMember& member : v.as_map()) members[member.key] = canonical(member.value);
    std::string out = "{";
    for (auto& [key, text] : members) out += key + ":" + text + ",";
    return out + "}";
  }
  if (v.is_blob()) return "blob(" + v.as_blob().bytes + ")";
  if (v.is_time()) return "time(" + std::to_string(v.as_time().time_since_epoch().count()) + ")";
  return tarn::to_json(v);
}

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

std::string canonical_xml(pugi::xml_node node, bool with_name) {
  std::map<std::string, std::string> attributes;
  for (auto a : node.attributes()) attributes[a.name()] = a.value();
  std::string out = "<" + std::string(with_name ? node.name() : "");
  for (auto& [name, value] : attributes)
    if (with_name) out += " " + name + "=" + value;
  out += ">";
  bool elements = false;
  for (auto child : node.children()) elements |= child.type() == pugi::node_element;
  std::string text;
  std::map<std::string, std::string> children;  // by name, so that the order of members does not count
  for (auto child : node.children()) {
    if (child.type() == pugi::node_element)
      children[child.name()] += canonical_xml(child, true);
    else
      text += child.value();
  }
  for (auto& [name, inner] : children) out += inner;
  return out + (elements ? trimmed(text) : text) + "</>";
}

std::string canonical_xml(const std::string& text, bool with_root) {
  pugi::xml_document document;
  if (!document.load_string(text.c_str(), pugi::parse_default | pugi::parse_ws_pcdata_single))
    return "not XML: " + text;
  return canonical_xml(document.document_element(), with_root);
}

std::string canonical_parameters(std::string_view text) {
  Parameters parameters = parse_parameters(text);
  std::stable_sort(parameters.begin(), parameters.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::string out;
  for (auto& [name, value] : parameters) out += name + "=" + value + "\n";
  return out;
}

// ---- the tests' own form of values ----

// The Value that the tests' JSON stands for: blobs are plain text there, timestamps numbers.
Value modelled(const Shape& shape, const Value& json) {
  if (json.is_null() || shape.document) return json;
  switch (shape.type) {
    case Type::structure: {
      Value out = Value::map();
      for (const ValueMember& member : json.as_map()) {
        const Member* known = find_member(shape, member.key);
        if (known && !known->streaming && !member.value.is_null())
          out.set(member.key, modelled(*known->shape, member.value));
      }
      return out;
    }
    case Type::list: {
      ValueList out;
      for (const Value& item : json.as_list()) out.push_back(modelled(*shape.element->shape, item));
      return out;
    }
    case Type::map: {
      Value out = Value::map();
      for (const ValueMember& entry : json.as_map()) out.set(entry.key, modelled(*shape.element->shape, entry.value));
      return out;
    }
    case Type::blob:
      return Blob{json.as_string()};
    case Type::timestamp:
      return json.is_string() ? Value(*parse_timestamp(json.as_string())) : Value(*time_of_seconds(json.as_double()));
    case Type::float_number:
    case Type::double_number:
      return json.is_string() ? *parse_number(json.as_string()) : json.as_double();
    case Type::string:
      return json.is_string() ? json : Value(tarn::to_json(json));
    default:
      return json;
  }
}

bool streams_events(const Shape* shape) {
  return shape && std::any_of(shape->members.begin(), shape->members.end(),
                              [](const Member& m) { return m.shape->event_stream; });
}

Headers headers_of(const Value& message) {
  Headers out;
  if (const Value* headers = message.find("headers"))
    for (const ValueMember& header : headers->as_map()) out.emplace_back(header.key, header.value.as_string());
  return out;
}

// ---- the run ----

// The tests expect the token that a generator of zeros makes.
class ZeroRandom : public Random {
 public:
  void fill(char* into, std::size_t size_bytes) override { std::fill_n(into, size_bytes, 0); }
};

struct Tally {
  int passed = 0, skipped = 0;
  std::vector<std::string> failed;
};
std::map<std::string, Tally> tallies;

// Cases that do not tell what a server (or client) of ours does: the ways that it holds for, what is in the case's id,
// and why.
struct Exception {
  std::string way, id, why;
};
const std::vector<Exception>& exceptions();
std::set<const Exception*> used;

const Exception* exception(const std::string& way, const std::string& id) {
  for (const Exception& e : exceptions())
    if (way.starts_with(e.way) && id.find(e.id) != std::string::npos) return &e;
  return nullptr;
}

struct Case {
  std::string file;
  std::string id;
  const Value& suite;
  const Value& json;
};

void record(const std::string& way, const Case& c, const std::string& difference) {
  Tally& tally = tallies[way];
  if (difference.empty()) {
    tally.passed++;
  } else if (const Exception* known = exception(way, c.id)) {
    tally.skipped++;
    used.insert(known);
  } else {
    tally.failed.push_back(c.file + " " + c.id + " (" + c.json.string_or("description") + "):\n" + difference);
  }
}

std::string differ(const char* what, const std::string& got, const std::string& wanted) {
  return got == wanted ? "" : std::string(what) + "\n  got    " + got + "\n  wanted " + wanted + "\n";
}

std::string body_text(Protocol protocol, const std::string& body) {
  if (protocol != Protocol::rpc_v2_cbor) return body;
  return base64_decode(body).value_or("");
}

std::string canonical_body(Protocol protocol, const std::string& body, bool with_root) {
  switch (protocol) {
    case Protocol::rpc_v2_cbor:
      return body.empty() ? "" : canonical(parse_cbor(body));
    case Protocol::query:
    case Protocol::ec2:
      return canonical_parameters(body);
    default:
      break;
  }
  std::string text = trimmed(body);
  if (text.starts_with("<")) return canonical_xml(text, with_root);
  try {
    return text.empty() ? "" : canonical(parse_json(text));
  } catch (const Error&) {
    return body;
  }
}

std::string canonical_header(const std::string& value) {
  std::string out;
  for (char c : value)
    if (c != ' ') out += c;
  return out;
}

std::string differ_headers(const Headers& got, const Headers& wanted) {
  std::string out;
  for (auto& [name, value] : wanted) {
    if (same_header(name, "content-length")) continue;
    const std::string* mine = find_header(got, name);
    std::string theirs = same_header(name, "content-type") ? value.substr(0, value.find(';')) : value;
    std::string ours = mine ? *mine : "(absent)";
    if (same_header(name, "content-type")) ours = ours.substr(0, ours.find(';'));
    out += differ(name.c_str(), canonical_header(ours), canonical_header(theirs));
  }
  return out;
}

WireRequest request_of(const Value& serialized, const RuntimeModel& model) {
  WireRequest request;
  request.method = serialized.string_or("method", model.operation().http_method);
  std::string uri = serialized.string_or("uri", "/");
  std::size_t question = uri.find('?');
  request.path = uri.substr(0, question);
  if (question != std::string::npos) request.query = uri.substr(question + 1);
  request.headers = headers_of(serialized);
  request.body = body_text(model.service().protocol, serialized.string_or("body"));
  return request;
}

Route route_in(const RuntimeModel& model, const WireRequest& request) {
  Route out = route_to(model.service(), model.operation(), model.service().protocol);
  if (model.service().protocol != Protocol::rest_json && model.service().protocol != Protocol::rest_xml) return out;
  RestIndex index(model.service());
  auto match = index.find(request.method, request.path, QueryView(request.query), request.headers, false);
  if (!match) throw Error(ErrorKind::caller, "NoRoute", "no operation has this path");
  out.labels = std::move(match->labels);
  return out;
}

std::string run_server_input(const RuntimeModel& model, const Value& c) {
  const Shape* input = model.operation().input;
  Value wanted = input ? modelled(*input, c.at("params")) : Value::map();
  WireRequest request = request_of(c.at("serialized"), model);
  ZeroRandom random;
  Value got = parse_input(route_in(model, request), request, random);
  return differ("value", canonical(got), canonical(wanted));
}

std::string run_client_input(const RuntimeModel& model, const Value& c) {
  const Shape* input = model.operation().input;
  const Value& wanted = c.at("serialized");
  ZeroRandom random;
  WireRequest got = serialize_input(model.service(), model.operation(), model.service().protocol,
                                    input ? modelled(*input, c.at("params")) : Value::map(), random);
  std::string uri = wanted.string_or("uri", "/");
  std::size_t question = uri.find('?');
  const Protocol protocol = model.service().protocol;
  std::string out = differ("method", got.method, wanted.string_or("method", got.method));
  out += differ("path", got.path, uri.substr(0, question));
  out += differ("query", canonical_parameters(got.query),
                question == std::string::npos ? "" : canonical_parameters(uri.substr(question + 1)));
  if (wanted.find("body") && !(input && !input->payload.empty() && find_member(*input, input->payload)->streaming))
    out += differ("body", canonical_body(protocol, got.body, true),
                  canonical_body(protocol, body_text(protocol, wanted.string_or("body")), true));
  out += differ_headers(got.headers, headers_of(wanted));
  if (const Value* forbidden = wanted.find("forbidHeaders"))
    for (const Value& name : forbidden->as_list())
      if (find_header(got.headers, name.as_string())) out += "header " + name.as_string() + " is forbidden\n";
  return out;
}

WireResponse response_of(const Value& c, const RuntimeModel& model) {
  const Value& given = c.at("response");
  WireResponse response;
  response.status = static_cast<int>(given.int_or("status_code", 200));
  response.headers = headers_of(given);
  response.body = body_text(model.service().protocol, given.string_or("body"));
  return response;
}

std::string run_client_output(const RuntimeModel& model, const Value& c) {
  WireResponse response = response_of(c, model);
  if (c.find("error")) {
    Error error = parse_error(model.service(), model.service().protocol, response);
    return differ("code", error.code(), c.string_or("errorCode")) +
           differ("message", error.message(), c.string_or("errorMessage"));
  }
  const Shape* output = model.operation().output;
  Value wanted = output ? modelled(*output, c.at("result")) : Value::map();
  return differ("value", canonical(parse_output(model.service(), model.operation(), response)), canonical(wanted));
}

std::string differ_answer(const RuntimeModel& model, const WireResponse& got, const WireResponse& wanted, bool smithy) {
  Protocol protocol = model.service().protocol;
  std::string out = differ("status", std::to_string(got.status), std::to_string(wanted.status));
  const bool xml = protocol == Protocol::query || protocol == Protocol::ec2 || protocol == Protocol::rest_xml;
  if (!got.has_streaming_body) {
    // Answers in XML are compared as clients see them: their outer elements carry namespaces and request ids of any
    // kind.
    Protocol form = xml ? Protocol::rest_xml : protocol;
    std::string ours = canonical_body(form, got.body, smithy), theirs = canonical_body(form, wanted.body, smithy);
    // Where nothing is in the body the cases ask for {} in one place and for nothing in another; clients take both.
    const bool nothing = (ours.empty() || ours == "{}") && (theirs.empty() || theirs == "{}");
    if (!nothing || xml) out += differ("body", ours, theirs);
  }
  return out + differ_headers(got.headers, wanted.headers);
}

std::string run_server_output(const RuntimeModel& model, const Value& c, bool smithy) {
  WireResponse wanted = response_of(c, model);
  Protocol protocol = model.service().protocol;
  Route route = route_to(model.service(), model.operation(), protocol);
  if (c.find("error")) {
    Error error(wanted.status == 500 ? ErrorKind::bug : ErrorKind::caller, c.string_or("errorCode"),
                c.string_or("errorMessage"));
    for (const ValueMember& member : c.at("error").as_map())
      error.with(member.key, member.value.is_string() ? member.value.as_string() : tarn::to_json(member.value));
    WireResponse got = serialize_error(route, error, "foo-id");
    Error read = parse_error(model.service(), protocol, got);
    return differ("status", std::to_string(got.status), std::to_string(wanted.status)) +
           differ("code", read.code(), error.code()) + differ("message", read.message(), error.message());
  }
  const Shape* output = model.operation().output;
  Value value = output ? modelled(*output, c.at("result")) : Value::map();
  WireResponse got = serialize_output(route, value, "foo-id");
  if (smithy && protocol != Protocol::query && protocol != Protocol::ec2)
    return differ_answer(model, got, wanted, smithy);
  // query, ec2 and the old tests: what a client reads out of our answer is what it reads out of theirs.
  return differ("value", canonical(parse_output(model.service(), model.operation(), got)), canonical(value));
}

void run_case(const Case& c, bool input, bool smithy) {
  static std::list<RuntimeModel> models;  // what is compiled from a shape is kept for ever, so the shapes must be too
  RuntimeModel& model = models.emplace_back(c.suite, c.json.at("given"));
  auto attempt = [&](const std::string& way, auto run) {
    if (streams_events(model.operation().input) || streams_events(model.operation().output)) {
      tallies[way].skipped++;  // events travel in the body that handlers read and write themselves
      return;
    }
    std::string difference;
    try {
      difference = run();
    } catch (const Error& error) {
      difference = "threw " + error.code() + ": " + error.message();
    }
    record(way, c, difference);
  };
  if (input) {
    attempt("input, server", [&] { return run_server_input(model, c.json); });
    attempt("input, client", [&] { return run_client_input(model, c.json); });
  } else {
    attempt("output, server", [&] { return run_server_output(model, c.json, smithy); });
    attempt("output, client", [&] { return run_client_output(model, c.json); });
  }
}

void run_file(const fs::path& path, bool input, bool smithy) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  Value suites = parse_json(text.str());
  for (const Value& suite : suites.as_list()) {
    int number = 0;
    for (const Value& json : suite.at("cases").as_list()) {
      if (!json.find(input ? "params" : "response")) continue;
      std::string id = json.string_or(
          "id", "legacy " + path.stem().string() + " " + suite.string_or("description") + " " + std::to_string(number));
      number++;
      run_case({(smithy ? "" : "legacy ") + path.stem().string(), id, suite, json}, input, smithy);
    }
  }
}

const std::vector<Exception>& exceptions() {
  static const char* const elsewhere = "compressing, checksums and the endpoint's own path are the caller's business";
  static const char* const no_root =
      "botocore's form of the model has lost the root element's name (botocore leaves it out too)";
  static const char* const token = "the server fills in the token that the case leaves out";
  static const char* const empty = "an empty list or map that is not sent is absent when it arrives";
  static const char* const arrives = "an absent structure is sent as {}, which arrives as an empty one";
  static const char* const sparse = "botocore's models do not say which maps and lists may hold null";
  static const char* const tolerance = "tells what a client must bear, not what a server should send";
  static const char* const others = "a map of parameters holds only those that no other member takes";
  static const char* const in_output = "no model of tarn's services has query members in an output";
  static const std::vector<Exception> all = {
      {"input", "HostWithPath", elsewhere},
      {"input", "SDKAppliedContentEncoding_", elsewhere},
      {"input", "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_", elsewhere},
      {"input", "SDKAppendedGzipAfterProvidedEncoding_", elsewhere},
      {"input, client", "RestJsonHttpChecksumRequired", elsewhere},
      {"input", "Content-Type and JSON body 7", elsewhere},
      {"input, client", "RestXmlHttpPayloadWithUnion", no_root},
      {"input, client", "HttpPayloadWithXmlName", no_root},
      {"input, client", "XmlAttributesOnPayload", no_root},
      {"output, server", "RestXmlHttpPayloadWithUnion", no_root},
      {"output, server", "HttpPayloadWithXmlName", no_root},
      {"output, server", "XmlAttributesOnPayload", no_root},
      {"input, client", "RestJsonHttpPayloadWithUnsetUnion", "botocore sends {} as it does for any absent structure"},
      {"input, server", "TokenAutoFill", token},
      {"input, server", "Idempotency token auto fill 1", token},
      {"input, server", "Ec2EmptyQueryLists", empty},
      {"input, server", "QueryEmptyQueryMaps", empty},
      {"input, server", "HttpPrefixHeadersAreNotPresent", empty},
      {"input, server", "OmitsEmptyListQueryValues", empty},
      {"input, server", "List in header 1", empty},
      {"input, client", "NullAndEmptyHeaders", "botocore's older tests forbid the empty header that this one asks for"},
      {"input, server", "RestJsonHttpWithEmptyStructurePayload", arrives},
      {"input, server", "RestJsonHttpWithHeadersButNoPayload", arrives},
      {"input, server", "Structure payload 1", arrives},
      {"input, server", "Content-Type and JSON body 2", arrives},
      {"input, server", "Content-Type and JSON body 4", arrives},
      {"input, server", "QueryPrecedence", "the map's entry that gave way is not sent"},
      {"input, server", "RestJsonAllQueryStringTypes", others},
      {"input, server", "RestJsonQueryStringEscaping", others},
      {"input, server", "FloatQueryValues", others},
      {"input, server", "RestJsonZeroAndFalseQueryValues", others},
      {"output, client", "ComplexError", "the case's answer has a message that its result leaves out"},
      {"output", "DeserializesDenseSetMapAndSkipsNull", sparse},
      {"output, client", "HttpPrefixHeadersAreNotPresent", empty},
      {"output", "IgnoreQueryParamsInResponse", in_output},
      {"output, client", "legacy json Lists 1", "the case's answer has structures where its model has strings"},
      {"output", "Supports header maps 0", "a map of all headers, without prefix, is in no model of tarn's services"},
      {"output, server", "DateTimeWithNegativeOffset", tolerance},
      {"output, server", "DateTimeWithPositiveOffset", tolerance},
      {"output, server", "DeserializeIgnoreType", tolerance},
      {"output, server", "StructuresDontDeserializeNullValues", tolerance},
      {"output, server", "DeserializeNullStructureValues", tolerance},
      {"output, server", "DeserializeAllowNulls", tolerance},
      {"output, server", "unexpected_json_output", tolerance},
      {"output, server", "UnexpectedJsonOutput", tolerance},
      {"output, server", "SimpleScalarPropertiesWithXMLPreamble", tolerance},
      {"output, server", "RpcV2CborExtraFieldsInTheBodyShouldBeSkippedByClients", tolerance},
      {"output, server", "NoOutputClientAllowsEmpty", tolerance},
      {"output, server", "RpcV2CborPayloadWithUnsetUnion", "the case's answer has members that its result leaves out"},
      {"output, server", "AwsJson11IntEnums", "the case's answer has a header of requests"},
      {"output, server", "parses_the_request_id_from_the_response", "the request's id is ours"},
      {"output, server", "CustomCodeError", "the model gives the error 402, the case's answer has 400"},
      {"output, server", "RestXmlHttpResponseCode", "an answer without a body has no content type"},
  };
  return all;
}

TEST(ProtocolVectors, OfBotocore) {
  const fs::path root = TARN_PROTOCOL_TESTS;
  if (!fs::exists(root / "input"))
    GTEST_SKIP() << "botocore's protocol tests are not in " << root << ": run tools/setup test";
  for (const char* folder : {"input", "output"})
    for (bool smithy : {true, false}) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(smithy ? root / folder : root / "legacy" / folder))
        files.push_back(entry.path());
      std::sort(files.begin(), files.end());
      for (const fs::path& file : files) run_file(file, std::string_view(folder) == "input", smithy);
    }
  for (auto& [way, tally] : tallies) {
    std::cout << way << ": " << tally.passed << " passed, " << tally.skipped << " skipped, " << tally.failed.size()
              << " failed\n";
    for (const std::string& failure : tally.failed) ADD_FAILURE() << way << ": " << failure;
    EXPECT_GT(tally.passed, 420) << way;
  }
  for (const Exception& e : exceptions()) EXPECT_TRUE(used.contains(&e)) << e.id << " is an exception without a case";
}

}  // namespace
}  // namespace tarn::api
