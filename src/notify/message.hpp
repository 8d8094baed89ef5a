// A message as a queue holds it: what may be in it, how it is measured, its digests ("Amazon SQS message metadata",
// "SendMessage"), and its form on disk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::notify {

struct MessageAttribute {
  std::string data_type;  // String, Number, Binary, perhaps with a label ("Number.int")
  std::string value;      // text, or bytes where the type is Binary
  bool binary() const { return data_type.starts_with("Binary"); }
  bool operator==(const MessageAttribute&) const = default;
};
using MessageAttributes = std::map<std::string, MessageAttribute>;

struct Message {
  std::string id;
  std::string body;
  MessageAttributes attributes;
  MessageAttributes system_attributes;  // AWSTraceHeader alone
  std::string sender_id;
  std::string group_id, deduplication_id;
  std::string dead_letter_source_arn;  // where it was before it became a dead letter
  int64_t sent_ms = 0;
  // Of a queue that a key of KMS encrypts: the ciphertext of the data key that seals the body and all attributes, which
  // then stand sealed in `body`. Empty: in the clear.
  std::string key_blob;
  bool operator==(const Message&) const = default;
};

// Throws Error (caller, InvalidParameterValue) in SQS's words where a name, type or value is not allowed. An attribute
// has a value of the kind that its type says; who reads it from a request sees to that.
void check_attributes(const MessageAttributes& attributes);
// Throws Error (caller): MissingParameter when empty, InvalidMessageContents for characters that SQS does not take.
void check_body(std::string_view body);
// Whether all of `text` are characters that XML 1.0 has.
bool has_valid_characters(std::string_view text);

// As SQS counts: the body, and of each attribute its name, type and value.
uint64_t size_bytes(std::string_view body, const MessageAttributes& attributes);
// Lower-case hexadecimal.
std::string md5_of(std::string_view body);
std::string md5_of(const MessageAttributes& attributes);

std::string encode(const Message& message);
// The body and the attributes alone, and back: what is sealed of a message.
std::string encode_content(const Message& message);
void decode_content(std::string_view bytes, Message& into);
// Bytes that encode() did not make are a broken invariant (Error, bug).
Message decode_message(std::string_view bytes);

}  // namespace tarn::notify
