// For tests only: a service's tables built at run time from a model in botocore's JSON, as botocore's protocol tests
// carry them.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "api/model.hpp"
#include "base/value.hpp"

namespace tarn::api {

// Owns all that its Service points to.
class RuntimeModel {
 public:
  // `suite` has metadata and shapes; `given` is the one operation.
  RuntimeModel(const Value& suite, const Value& given) {
    shapes_json_ = suite.find("shapes");
    if (const Value* shapes = suite.find("shapes"))
      for (const auto& [name, shape] : shapes->as_map()) {
        shapes_[name].name = keep(name);
        shapes_[name].streaming = shape.bool_or("streaming");
      }
    if (const Value* shapes = suite.find("shapes"))
      for (const auto& [name, shape] : shapes->as_map()) fill(shapes_[name], shape);
    const Value& meta = suite.at("metadata");
    service_.name = "runtime";
    service_.service_id = keep(meta.string_or("serviceId"));
    service_.target_prefix = keep(meta.string_or("targetPrefix"));
    service_.api_version = keep(meta.string_or("apiVersion"));
    service_.json_version = keep(meta.string_or("jsonVersion", "1.0"));
    service_.xml_namespace = keep(meta.string_or("xmlNamespace"));
    service_.protocol = protocol(meta.string_or("protocol"));
    service_.protocols = {&service_.protocol, 1};
    service_.query_compatible = meta.find("awsQueryCompatible") != nullptr;
    fill_operation(given);
    service_.operations = {&operation_, 1};
    for (auto& [name, shape] : shapes_)
      if (shape.is_error) errors_.push_back(&shape);
    service_.errors = errors_;
  }
  RuntimeModel(const RuntimeModel&) = delete;
  RuntimeModel& operator=(const RuntimeModel&) = delete;

  const Service& service() const { return service_; }
  const Operation& operation() const { return operation_; }

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  static Protocol protocol(const std::string& name) {
    static const std::map<std::string, Protocol> names = {
        {"json", Protocol::json},         {"rest-json", Protocol::rest_json},
        {"rest-xml", Protocol::rest_xml}, {"query", Protocol::query},
        {"ec2", Protocol::ec2},           {"smithy-rpc-v2-cbor", Protocol::rpc_v2_cbor}};
    return names.at(name);
  }

  static Type type(const std::string& name) {
    static const std::map<std::string, Type> names = {
        {"structure", Type::structure},     {"list", Type::list},          {"map", Type::map},
        {"string", Type::string},           {"character", Type::string},   {"integer", Type::integer},
        {"long", Type::long_integer},       {"float", Type::float_number}, {"double", Type::double_number},
        {"boolean", Type::boolean},         {"blob", Type::blob},          {"timestamp", Type::timestamp},
        {"bigdecimal", Type::double_number}};
    return names.at(name);
  }

  static TimestampFormat format(const std::string& name) {
    return name == "iso8601"         ? TimestampFormat::iso8601
           : name == "rfc822"        ? TimestampFormat::rfc822
           : name == "unixTimestamp" ? TimestampFormat::unix_timestamp
                                     : TimestampFormat::unspecified;
  }

  static Location location(const std::string& name) {
    static const std::map<std::string, Location> names = {{"", Location::body},
                                                          {"header", Location::header},
                                                          {"headers", Location::headers},
                                                          {"uri", Location::uri},
                                                          {"querystring", Location::query_string},
                                                          {"statusCode", Location::status_code}};
    return names.at(name);
  }

  void xml_namespace(const Value& node, std::string_view& uri, std::string_view& prefix) {
    const Value* ns = node.find("xmlNamespace");
    if (!ns) return;
    uri = keep(ns->is_string() ? ns->as_string() : ns->string_or("uri"));
    if (ns->is_map()) prefix = keep(ns->string_or("prefix"));
  }

  // Old models put a member's traits into its shape where it has but one member.
  Value with_traits_of_shape(const Value& ref) const {
    Value out = ref;
    const Value& shape = shapes_json_->at(ref.at("shape").as_string());
    if (!shape.find("location")) return out;
    for (const char* trait : {"location", "locationName"})
      if (const Value* value = shape.find(trait); value && !out.find(trait)) out.set(trait, *value);
    return out;
  }

  Member member(const std::string& name, const Value& given) {
    const Value ref = with_traits_of_shape(given);
    Member m{};
    m.shape = &shapes_.at(ref.at("shape").as_string());
    m.name = keep(name);
    m.wire_name = keep(ref.string_or("locationName", name));
    m.has_location_name = ref.find("locationName") != nullptr;
    m.query_name = keep(ref.string_or("queryName"));
    m.location = location(ref.string_or("location"));
    m.timestamp_format = format(ref.string_or("timestampFormat"));
    m.flattened = ref.bool_or("flattened");
    m.streaming = ref.bool_or("streaming") || m.shape->streaming;
    m.xml_attribute = ref.bool_or("xmlAttribute");
    m.idempotency_token = ref.bool_or("idempotencyToken");
    m.json_value = ref.bool_or("jsonvalue");
    xml_namespace(ref, m.xml_namespace, m.xml_namespace_prefix);
    return m;
  }

  void fill(Shape& shape, const Value& json) {
    shape.type = type(json.at("type").as_string());
    shape.flattened = json.bool_or("flattened");
    shape.document = json.bool_or("document");
    shape.is_union = json.bool_or("union");
    shape.event_stream = json.bool_or("eventstream");
    shape.timestamp_format = format(json.string_or("timestampFormat"));
    shape.payload = keep(json.string_or("payload"));
    shape.xml_name = keep(json.string_or("locationName"));
    xml_namespace(json, shape.xml_namespace, shape.xml_namespace_prefix);
    shape.is_error = json.bool_or("exception") || json.find("error");
    if (const Value* error = json.find("error")) {
      shape.http_status = static_cast<int>(error->int_or("httpStatusCode"));
      shape.error_code = keep(error->string_or("code"));
      shape.sender_fault = error->bool_or("senderFault");
    }
    auto& members = members_.emplace_back();
    if (const Value* given = json.find("members"))
      for (const auto& [name, ref] : given->as_map()) members.push_back(member(name, ref));
    if (shape.type == Type::list) members.push_back(member("member", json.at("member")));
    if (shape.type == Type::map) {
      members.push_back(member("key", json.at("key")));
      members.push_back(member("value", json.at("value")));
    }
    if (shape.type == Type::structure) shape.members = members;
    if (shape.type == Type::list) shape.element = &members[0];
    if (shape.type == Type::map) {
      shape.key = &members[0];
      shape.element = &members[1];
    }
  }

  void fill_operation(const Value& given) {
    operation_.name = keep(given.string_or("name", "OperationName"));
    const Value nothing = Value::map();
    const Value& http = given.find("http") ? given.at("http") : nothing;
    operation_.http_method = keep(http.string_or("method", "POST"));
    operation_.request_uri = keep(http.string_or("requestUri", "/"));
    operation_.success_status = static_cast<int>(http.int_or("responseCode"));
    if (const Value* input = given.find("input")) {
      Shape& shape = shapes_.at(input->at("shape").as_string());
      if (input->find("payload")) shape.payload = keep(input->string_or("payload"));
      operation_.input = &shape;
      operation_.input_root = keep(input->string_or("locationName"));
      std::string_view prefix;
      xml_namespace(*input, operation_.input_namespace, prefix);
    }
    if (const Value* output = given.find("output")) {
      operation_.output = &shapes_.at(output->at("shape").as_string());
      operation_.result_wrapper = keep(output->string_or("resultWrapper"));
    }
  }

  const Value* shapes_json_ = nullptr;  // the suite's, while the tables are built
  std::deque<std::string> texts_;
  std::map<std::string, Shape> shapes_;
  std::deque<std::vector<Member>> members_;
  std::vector<const Shape*> errors_;
  Operation operation_{};
  Service service_{};
};

}  // namespace tarn::api
