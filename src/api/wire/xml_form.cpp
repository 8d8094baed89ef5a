#include "api/wire/xml_form.hpp"

#include <array>
#include <pugixml.hpp>

#include "api/wire/json_form.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::api {
namespace {

[[noreturn]] void malformed(std::string why) {
  throw Error(ErrorKind::caller, "SerializationException", "malformed XML: " + std::move(why));
}

std::string_view local_name(std::string_view name) {
  std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// All text of an element; comments and CDATA may cut it into pieces.
std::string text_of(pugi::xml_node element) {
  std::string text;
  for (pugi::xml_node child : element.children())
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  return text;
}

bool is_flattened(const Member& member) {
  return member.flattened || member.shape->flattened;
}

// The model has two customs for the name of a flattened list's elements: the member's own location name and its item's.
bool has_name(const Member& member, std::string_view element) {
  if (local_name(member.wire_name) == element) return true;
  return member.shape->type == Type::list && is_flattened(member) && !member.has_location_name &&
         member.shape->element->has_location_name && local_name(member.shape->element->wire_name) == element;
}

Value read(const Shape& shape, pugi::xml_node element, int depth);

std::pair<std::string, Value> read_entry(const Shape& shape, pugi::xml_node entry, int depth) {
  std::pair<std::string, Value> out;
  for (pugi::xml_node child : entry.children()) {
    if (child.type() != pugi::node_element) continue;
    if (local_name(child.name()) == local_name(shape.key->wire_name))
      out.first = text_of(child);
    else if (local_name(child.name()) == local_name(shape.element->wire_name))
      out.second = read(*shape.element->shape, child, depth + 1);
  }
  return out;
}

Value* find_or_add(ValueMap& members, std::string_view name, bool is_list) {
  for (ValueMember& member : members)
    if (member.key == name) return &member.value;
  members.push_back({std::string(name), is_list ? Value::list() : Value::map()});
  return &members.back().value;
}

void read_member(ValueMap& out, const Member& member, pugi::xml_node element, int depth) {
  const Shape& shape = *member.shape;
  if (is_flattened(member) && shape.type == Type::list) {
    Value item = read(*shape.element->shape, element, depth + 1);
    find_or_add(out, member.name, true)->push_back(std::move(item));
  } else if (is_flattened(member) && shape.type == Type::map) {
    auto [key, value] = read_entry(shape, element, depth + 1);
    find_or_add(out, member.name, false)->set(key, std::move(value));
  } else {
    Value value = read(shape, element, depth + 1);
    for (ValueMember& already : out)
      if (already.key == member.name) malformed("the element " + std::string(member.wire_name) + " stands twice");
    out.push_back({std::string(member.name), std::move(value)});
  }
}

Value read_structure(const Shape& shape, pugi::xml_node element, int depth) {
  ValueMap out;
  for (const Member& member : shape.members) {
    if (!member.xml_attribute) continue;
    for (pugi::xml_attribute attribute : element.attributes())
      if (attribute.name() == member.wire_name || local_name(attribute.name()) == local_name(member.wire_name))
        out.push_back({std::string(member.name), parse_scalar(*member.shape, attribute.value())});
  }
  const std::size_t count = shape.members.size();
  std::size_t hint = 0;
  for (pugi::xml_node child : element.children()) {
    if (child.type() != pugi::node_element) continue;
    std::string_view name = local_name(child.name());
    for (std::size_t i = 0; i < count; i++) {
      std::size_t at = hint + i < count ? hint + i : hint + i - count;
      const Member& member = shape.members[at];
      if (member.location != Location::body || member.xml_attribute || !has_name(member, name)) continue;
      hint = at;
      read_member(out, member, child, depth);
      break;
    }
  }
  return out;
}

Value read(const Shape& shape, pugi::xml_node element, int depth) {
  if (depth > limits::max_body_depth) malformed("it is nested too deeply");
  switch (shape.type) {
    case Type::structure:
      return read_structure(shape, element, depth);
    case Type::list: {
      ValueList items;
      for (pugi::xml_node child : element.children())
        if (child.type() == pugi::node_element) items.push_back(read(*shape.element->shape, child, depth + 1));
      return items;
    }
    case Type::map: {
      Value out = Value::map();
      for (pugi::xml_node child : element.children()) {
        if (child.type() != pugi::node_element) continue;
        auto [key, value] = read_entry(shape, child, depth + 1);
        out.set(key, std::move(value));
      }
      return out;
    }
    default:
      return parse_scalar(shape, text_of(element));
  }
}

// Loads `text` and returns its root. Document types are refused for all that they can do (entities, outside files).
pugi::xml_node load(pugi::xml_document& document, std::string_view text) {
  constexpr unsigned flags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_ws_pcdata_single | pugi::parse_eol |
                             pugi::parse_wconv_attribute | pugi::parse_doctype;
  pugi::xml_parse_result result = document.load_buffer(text.data(), text.size(), flags, pugi::encoding_utf8);
  if (!result) malformed(std::string(result.description()) + " at byte " + std::to_string(result.offset));
  pugi::xml_node root;
  for (pugi::xml_node child : document.children()) {
    if (child.type() == pugi::node_doctype) malformed("document types are not allowed");
    if (child.type() != pugi::node_element) continue;
    if (root) malformed("it has two roots");
    root = child;
  }
  if (!root) malformed("it has no root element");
  return root;
}

pugi::xml_node child_named(pugi::xml_node element, std::string_view name) {
  for (pugi::xml_node child : element.children())
    if (child.type() == pugi::node_element && local_name(child.name()) == name) return child;
  return {};
}

// ---- writing ----

constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> out{};
  for (std::size_t i = 0; i < 256; i++)
    out[i] = (i >= 0x20 && i != '&' && i != '<' && i != '>' && i != '"' && i != 0x7f) || i == '\t' || i == '\n';
  return out;
}
constexpr std::array<bool, 256> is_plain = make_plain();

void append_escaped(std::string& out, char c) {
  static constexpr char hex[] = "0123456789ABCDEF";
  switch (c) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    default:
      break;
  }
  // XML cannot hold control characters at all; S3 writes them so, and keys may contain them.
  auto byte = static_cast<unsigned char>(c);
  out += "&#x";
  if (byte >= 16) out += hex[byte >> 4];
  out += hex[byte & 15];
  out += ';';
}

[[noreturn]] void wrong(const Shape& shape) {
  wrong_output(shape);
}

void append_namespace(std::string& out, std::string_view uri, std::string_view prefix) {
  if (uri.empty()) return;
  out += prefix.empty() ? " xmlns" : " xmlns:";
  out += prefix;
  out += "=\"";
  append_xml_text(out, uri);
  out += '"';
}

std::string_view name_of(const Member& member, const XmlStyle& style) {
  return style.form_names && !member.query_name.empty() ? member.query_name : member.wire_name;
}

void append_attributes(std::string& out, const Shape& shape, const Value& value, const XmlStyle& style) {
  for (const Member& member : shape.members) {
    if (!member.xml_attribute) continue;
    const Value* given = value.find(member.name);
    if (!given || given->is_null()) continue;
    out += ' ';
    out += member.wire_name;
    out += "=\"";
    std::string text;
    append_scalar(text, member, *given, style.times);
    append_xml_text(out, text);
    out += '"';
  }
}

void close(std::string& out, std::string_view name) {
  out += "</";
  out += name;
  out += '>';
}

void append_element(std::string& out, std::string_view name, const Member& member, const Value& value,
                    const XmlStyle& style);

void open(std::string& out, std::string_view name, const Member& member) {
  const Shape& shape = *member.shape;
  const bool own = !member.xml_namespace.empty();
  out += '<';
  out += name;
  append_namespace(out, own ? member.xml_namespace : shape.xml_namespace,
                   own ? member.xml_namespace_prefix : shape.xml_namespace_prefix);
}

void append_entries(std::string& out, std::string_view name, const Member& member, const Value& value,
                    const XmlStyle& style) {
  const Shape& shape = *member.shape;
  if (!value.is_map()) wrong(shape);
  const bool flattened = is_flattened(member);
  if (!flattened) {
    open(out, name, member);
    out += '>';
  }
  for (const ValueMember& entry : value.as_map()) {
    if (flattened)
      open(out, name, member);
    else
      out += "<entry";
    out += '>';
    append_element(out, name_of(*shape.key, style), *shape.key, Value(entry.key), style);
    append_element(out, name_of(*shape.element, style), *shape.element, entry.value, style);
    close(out, flattened ? name : "entry");
  }
  if (!flattened) close(out, name);
}

void append_element(std::string& out, std::string_view name, const Member& member, const Value& value,
                    const XmlStyle& style) {
  const Shape& shape = *member.shape;
  if (shape.type == Type::map) return append_entries(out, name, member, value, style);
  if (shape.type == Type::list) {
    if (!value.is_list()) wrong(shape);
    const bool flattened = is_flattened(member);
    if (!flattened) {
      open(out, name, member);
      out += '>';
    }
    for (const Value& item : value.as_list())
      append_element(out, flattened ? name : shape.element->wire_name, *shape.element, item, style);
    if (!flattened) close(out, name);
    return;
  }
  open(out, name, member);
  if (shape.type == Type::structure) {
    if (!value.is_map()) wrong(shape);
    append_attributes(out, shape, value, style);
    out += '>';
    append_xml_members(out, shape, value, style);
  } else {
    out += '>';
    if (shape.type == Type::string && value.is_string())
      append_xml_text(out, value.as_string());
    else if (!value.is_null())
      append_scalar(out, member, value, style.times);
  }
  close(out, name);
}

}  // namespace

ReadXml parse_xml(const Shape& shape, std::string_view text, const std::vector<std::string>& inside) {
  pugi::xml_document document;
  pugi::xml_node element = load(document, text);
  ReadXml out{std::string(local_name(element.name())), Value::map()};
  for (const std::string& step : inside) {
    element = child_named(element, step);
    if (!element) return out;
  }
  out.value = read_structure(shape, element, 0);
  return out;
}

std::string parse_xml_root_text(std::string_view text) {
  pugi::xml_document document;
  return text_of(load(document, text));
}

std::optional<XmlError> parse_xml_error(std::string_view text) {
  pugi::xml_document document;
  pugi::xml_node root;
  try {
    root = load(document, text);
  } catch (const Error&) {
    return std::nullopt;
  }
  pugi::xml_node error = root;  // S3's <Error>, query's <ErrorResponse><Error>, ec2's <Response><Errors><Error>
  if (pugi::xml_node errors = child_named(root, "Errors"))
    error = child_named(errors, "Error");
  else if (pugi::xml_node inner = child_named(root, "Error"))
    error = inner;
  if (!child_named(error, "Code")) return std::nullopt;
  XmlError out;
  for (pugi::xml_node child : error.children()) {
    if (child.type() != pugi::node_element) continue;
    std::string_view name = local_name(child.name());
    if (name == "Code")
      out.code = text_of(child);
    else if (name == "Message" || name == "message")
      out.message = text_of(child);
    else if (name == "RequestId")
      out.request_id = text_of(child);
    else
      out.members.emplace_back(name, text_of(child));
  }
  for (const char* name : {"RequestId", "RequestID"})
    if (pugi::xml_node id = child_named(root, name)) out.request_id = text_of(id);
  return out;
}

void append_xml_text(std::string& out, std::string_view text) {
  std::size_t plain = 0;  // from where on nothing had to be escaped
  for (std::size_t i = 0; i < text.size(); i++) {
    if (is_plain[static_cast<unsigned char>(text[i])]) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    append_escaped(out, text[i]);
  }
  out.append(text, plain);
}

void append_xml_element(std::string& out, std::string_view name, std::string_view text) {
  out += '<';
  out += name;
  out += '>';
  append_xml_text(out, text);
  close(out, name);
}

void append_xml_members(std::string& out, const Shape& shape, const Value& value, const XmlStyle& style) {
  if (!value.is_map()) wrong(shape);
  std::size_t hint = 0;
  for (const ValueMember& given : value.as_map()) {
    if (given.value.is_null()) continue;
    const Member* member = next_member(shape, given.key, true, hint);
    if (!member || member->location != Location::body || member->xml_attribute || member->streaming ||
        member->shape->event_stream)
      continue;
    append_element(out, name_of(*member, style), *member, given.value, style);
  }
}

void append_xml_structure(std::string& out, std::string_view name, const Shape& shape, const Value& value,
                          std::string_view xml_namespace, const XmlStyle& style) {
  if (!value.is_map()) wrong(shape);
  out += '<';
  out += name;
  const bool own = !shape.xml_namespace.empty();
  append_namespace(out, own ? shape.xml_namespace : xml_namespace,
                   own ? shape.xml_namespace_prefix : std::string_view());
  append_attributes(out, shape, value, style);
  out += '>';
  append_xml_members(out, shape, value, style);
  close(out, name);
}

}  // namespace tarn::api
