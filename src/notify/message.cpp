#include "notify/message.hpp"

#include <algorithm>
#include <cctype>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace tarn::notify {
namespace {

constexpr std::size_t max_attributes = 10, max_name_characters = 256, max_number_digits = 38;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterValue", what);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

void check_name(const std::string& name) {
  const bool characters = std::all_of(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.'; });
  if (name.empty() || name.size() > max_name_characters || !characters || name.front() == '.' || name.back() == '.' ||
      name.find("..") != std::string::npos)
    invalid("The message attribute name '" + name +
            "' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) "
            "characters, at most 256 of them, and neither begins or ends with a period nor has two in succession.");
  const std::string reserved = lower(name);
  if (reserved.starts_with("aws.") || reserved.starts_with("amazon."))
    invalid("The message attribute name '" + name + "' can't start with a reserved prefix: AWS. or Amazon.");
}

// Up to 38 digits, as "-12.5e3".
bool is_number(std::string_view text) {
  std::size_t digits = 0, i = 0;
  auto sign = [&] { i += i < text.size() && (text[i] == '-' || text[i] == '+'); };
  auto run = [&] {
    std::size_t n = 0;
    for (; i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])); ++i) ++n;
    return n;
  };
  sign();
  digits = run();
  if (i < text.size() && text[i] == '.') {
    ++i;
    digits += run();
  }
  if (digits == 0 || digits > max_number_digits) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    sign();
    if (run() == 0) return false;
  }
  return i == text.size();
}

void check_attribute(const std::string& name, const MessageAttribute& attribute) {
  check_name(name);
  const std::string kind = attribute.data_type.substr(0, attribute.data_type.find('.'));
  if (attribute.data_type.empty())
    invalid("The message attribute '" + name + "' must contain a non-empty message attribute type.");
  if ((kind != "String" && kind != "Number" && kind != "Binary") || attribute.data_type.size() > max_name_characters)
    invalid("The message attribute '" + name +
            "' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and "
            "String.");
  if (attribute.value.empty())
    invalid("The message attribute '" + name +
            "' must contain a non-empty message attribute value for message "
            "attribute type '" +
            attribute.data_type + "'.");
  if (kind == "Number" && !is_number(attribute.value))
    invalid("Can't cast the value of message (user) attribute '" + name + "' to a number.");
  if (kind == "String" && !has_valid_characters(attribute.value))
    invalid("The message attribute '" + name + "' contains characters that are not allowed.");
}

void append_part(std::string& out, std::string_view bytes) {
  const auto n = static_cast<uint32_t>(bytes.size());
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
  out += bytes;
}

class Parts {
 public:
  explicit Parts(std::string_view bytes) : left_(bytes) {}
  std::string next() {
    uint32_t n = 0;
    for (char c : take(4)) n = n << 8 | static_cast<unsigned char>(c);
    return std::string(take(n));
  }
  bool at_end() const { return left_.empty(); }

 private:
  std::string_view take(std::size_t n) {
    if (left_.size() < n) throw Error(ErrorKind::bug, "InternalFailure", "a stored message is cut short");
    std::string_view out = left_.substr(0, n);
    left_.remove_prefix(n);
    return out;
  }
  std::string_view left_;
};

void append_attributes(std::string& out, const MessageAttributes& attributes) {
  append_part(out, std::to_string(attributes.size()));
  for (const auto& [name, attribute] : attributes) {
    append_part(out, name);
    append_part(out, attribute.data_type);
    append_part(out, attribute.value);
  }
}

MessageAttributes next_attributes(Parts& parts) {
  MessageAttributes out;
  for (auto n = std::stoull(parts.next()); n > 0; --n) {
    std::string name = parts.next(), type = parts.next(), value = parts.next();
    out[std::move(name)] = {std::move(type), std::move(value)};
  }
  return out;
}

}  // namespace

bool has_valid_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
    if (length == 0 || first > 0xF4 || i + length > text.size()) return false;
    uint32_t code = length == 1 ? first : first & (0xFFu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3Fu);
    }
    if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10FFFF) return false;
    if (code < 0x20 && code != 0x9 && code != 0xA && code != 0xD) return false;
    if ((code >= 0xD800 && code < 0xE000) || code == 0xFFFE || code == 0xFFFF) return false;
    i += length;
  }
  return true;
}

void check_attributes(const MessageAttributes& attributes) {
  if (attributes.size() > max_attributes)
    invalid("Number of message attributes [" + std::to_string(attributes.size()) +
            "] exceeds the allowed maximum [10].");
  for (const auto& [name, attribute] : attributes) check_attribute(name, attribute);
}

void check_body(std::string_view body) {
  if (body.empty())
    throw Error(ErrorKind::caller, "MissingParameter", "The request must contain the parameter MessageBody.");
  if (!has_valid_characters(body))
    throw Error(ErrorKind::caller, "InvalidMessageContents",
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "
                "#xFFFD | #x10000 to #x10FFFF");
}

uint64_t size_bytes(std::string_view body, const MessageAttributes& attributes) {
  uint64_t out = body.size();
  for (const auto& [name, attribute] : attributes)
    out += name.size() + attribute.data_type.size() + attribute.value.size();
  return out;
}

std::string md5_of(std::string_view body) {
  return hex_encode(digest(DigestKind::md5, body));
}

// "Calculating the MD5 message digest for message attributes", Amazon SQS Developer Guide.
std::string md5_of(const MessageAttributes& attributes) {
  std::string bytes;
  for (const auto& [name, attribute] : attributes) {
    append_part(bytes, name);
    append_part(bytes, attribute.data_type);
    bytes += attribute.binary() ? '\2' : '\1';
    append_part(bytes, attribute.value);
  }
  return md5_of(std::string_view(bytes));
}

std::string encode(const Message& m) {
  std::string out;
  out.reserve(m.body.size() + 256);
  append_part(out, std::to_string(m.sent_ms));
  for (const std::string* part :
       {&m.group_id, &m.deduplication_id, &m.id, &m.sender_id, &m.dead_letter_source_arn, &m.body})
    append_part(out, *part);
  append_attributes(out, m.attributes);
  append_attributes(out, m.system_attributes);
  if (!m.key_blob.empty()) append_part(out, m.key_blob);
  return out;
}

std::string encode_content(const Message& m) {
  std::string out;
  append_part(out, m.body);
  append_attributes(out, m.attributes);
  append_attributes(out, m.system_attributes);
  return out;
}

void decode_content(std::string_view bytes, Message& into) {
  Parts parts(bytes);
  into.body = parts.next();
  into.attributes = next_attributes(parts);
  into.system_attributes = next_attributes(parts);
}

Message decode_message(std::string_view bytes) {
  Parts parts(bytes);
  Message m;
  m.sent_ms = std::stoll(parts.next());
  for (std::string* part : {&m.group_id, &m.deduplication_id, &m.id, &m.sender_id, &m.dead_letter_source_arn, &m.body})
    *part = parts.next();
  m.attributes = next_attributes(parts);
  m.system_attributes = next_attributes(parts);
  if (!parts.at_end()) m.key_blob = parts.next();
  return m;
}

}  // namespace tarn::notify
