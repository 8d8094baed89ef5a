// Shapes in XML: the bodies of rest-xml, and the answers of query and ec2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/model.hpp"
#include "api/wire/scalar.hpp"
#include "base/value.hpp"

namespace tarn::api {

// ---- reading ----

struct ReadXml {
  std::string root;  // the root element's name, without prefix
  Value value;
};

// Reads the structure `shape` out of the root element, or out of the element reached from it by `inside` (each step may
// be absent: then the value is an empty structure). Unknown elements are ignored. Text that is not well-formed XML, has
// a document type, or nests deeper than limits::max_body_depth, and scalars of a wrong form throw Error (caller,
// SerializationException).
ReadXml parse_xml(const Shape& shape, std::string_view text, const std::vector<std::string>& inside = {});

// The text of the root element alone (S3's LocationConstraint). Throws as parse_xml does.
std::string parse_xml_root_text(std::string_view text);

// What an answer in one of the XML error forms says; `members` are the scalar elements beside Code and Message.
struct XmlError {
  std::string code, message, request_id;
  std::vector<std::pair<std::string, std::string>> members;
};
// Absent when the text is no such error.
std::optional<XmlError> parse_xml_error(std::string_view text);

// ---- writing ----

void append_xml_text(std::string& out, std::string_view text);
// <name>text</name>
void append_xml_element(std::string& out, std::string_view name, std::string_view text);

struct XmlStyle {
  XmlStyle(TimestampStyle its_times, bool its_form_names = false) : times(its_times), form_names(its_form_names) {}
  XmlStyle(TimestampFormat format, bool always_ms) : XmlStyle(TimestampStyle{format, always_ms}) {}
  TimestampStyle times;
  bool form_names;  // members go by the names that they have in forms, where those differ (SQS)
};

// The members of a structure that travel in the body, one after the other. Null, streaming and unknown members are left
// out; a value that does not fit throws Error (bug, InternalFailure).
void append_xml_members(std::string& out, const Shape& shape, const Value& value, const XmlStyle& style);

// The structure as one element; `xml_namespace` empty writes none but the shape's own.
void append_xml_structure(std::string& out, std::string_view name, const Shape& shape, const Value& value,
                          std::string_view xml_namespace, const XmlStyle& style);

}  // namespace tarn::api
