// AWS's service models as constant tables: every operation and shape of every service in services.txt, generated from
// botocore's models by tools/generate_api.py. The walkers read them; nothing writes them. All pointers are to static
// storage.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tarn::api {

enum class Type : uint8_t {
  structure,
  list,
  map,
  string,
  integer,
  long_integer,
  float_number,
  double_number,
  boolean,
  blob,
  timestamp
};

// Where a member of an input or output travels.
enum class Location : uint8_t { body, header, headers /* all with a prefix */, query_string, uri, status_code };

enum class TimestampFormat : uint8_t { unspecified, iso8601, rfc822, unix_timestamp };

enum class Protocol : uint8_t { json, rest_json, rest_xml, query, ec2, rpc_v2_cbor };

struct Shape;

struct Member {
  std::string_view name;        // as AWS's SDKs name it
  std::string_view wire_name;   // locationName; equal to `name` where the model gives none
  std::string_view query_name;  // ec2's queryName; empty where the model gives none
  const Shape* shape;
  Location location;
  TimestampFormat timestamp_format;
  bool has_location_name;
  bool required;
  bool flattened;
  bool streaming;
  bool xml_attribute;
  bool idempotency_token;
  bool sensitive;
  bool host_label;
  std::string_view xml_namespace;  // xmlNamespace.uri
  std::string_view xml_namespace_prefix;
  bool json_value;  // a string that holds JSON; base64 of it where it travels in a header
};

struct Shape {
  std::string_view name;
  Type type;
  std::span<const Member> members;                // structure
  const Member* element;                          // list: the item. map: the value
  const Member* key;                              // map
  std::span<const std::string_view> enumeration;  // string; empty when open
  std::string_view pattern;                       // string; empty when none. Anchored at both ends when matched
  double minimum, maximum;                        // length of strings, blobs, lists, maps; value of numbers
  bool has_minimum, has_maximum;
  bool flattened, streaming, sensitive, document, is_union, event_stream;
  TimestampFormat timestamp_format;
  std::string_view payload;  // structure: the member that is the whole body, if any
  std::string_view xml_namespace;
  std::string_view xml_name;  // structure: the element's name where the model gives one
  // Errors only.
  bool is_error, sender_fault;
  int http_status;              // 0 where the model gives none
  std::string_view error_code;  // the code on the wire where it differs from `name`; else empty
  std::string_view xml_namespace_prefix;
};

struct Operation {
  std::string_view name;
  std::string_view http_method;
  std::string_view request_uri;  // "/{Bucket}/{Key+}?uploads"
  int success_status;            // 0 where the model gives none
  const Shape* input;            // nullptr: none
  const Shape* output;           // nullptr: none
  std::string_view input_root;   // rest-xml: the name of the body's root element where the input itself is the body
  std::string_view input_namespace;
  std::string_view result_wrapper;  // query: "CreateStackResult"
  std::span<const Shape* const> errors;
  bool unsigned_payload;         // authtype v4-unsigned-body
  bool no_signature;             // authtype none
  bool checksum_required;        // httpChecksumRequired, or httpChecksum.requestChecksumRequired
  std::string_view host_prefix;  // "sync-", "{AccountId}.": what clients put before the host's name
  bool deprecated;
  std::string_view coverage;  // of the overlay: "done", or "partly: " and what is missing; empty: tarn refuses it
};

struct Service {
  std::string_view name;          // botocore's: "stepfunctions"
  std::string_view id;            // the prefix of its IAM actions: "states"
  std::string_view service_id;    // the model's: "SFN"
  std::string_view signing_name;  // as credentials are scoped: "states"
  std::string_view endpoint_prefix;
  std::string_view target_prefix;  // X-Amz-Target before the dot; empty where the protocol has none
  std::string_view api_version;
  std::string_view json_version;  // "1.0", "1.1" or empty
  std::string_view xml_namespace;
  Protocol protocol;  // the one that today's SDKs prefer
  std::span<const Protocol> protocols;
  bool query_compatible;                  // awsQueryCompatible: a json service that once spoke query
  std::span<const Operation> operations;  // sorted by name
  std::span<const Shape* const> errors;
};

// All services, sorted by name.
std::span<const Service* const> services();
// By botocore's name or by IAM prefix; nullptr when unknown.
const Service* find_service(std::string_view name_or_id);
// nullptr when the service has no such operation.
const Operation* find_operation(const Service& service, std::string_view name);
// nullptr when absent.
const Member* find_member(const Shape& structure, std::string_view name);

}  // namespace tarn::api
