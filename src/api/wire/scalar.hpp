// How scalars stand in text: in headers, query strings, path labels, XML elements and forms.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/model.hpp"
#include "base/value.hpp"

namespace tarn::api {

// The format that the member or its shape asks for, else `otherwise` (the protocol's and location's own).
TimestampFormat timestamp_format(const Member& member, TimestampFormat otherwise);

// How a protocol writes timestamps where the model says nothing, and whether whole seconds carry ".000" all the same
// (S3 and EC2 do).
struct TimestampStyle {
  TimestampFormat format = TimestampFormat::iso8601;
  bool always_ms = false;
};

// Appends the text of a string, number, boolean, timestamp or blob (base64). A Value of another type throws Error
// (bug): what a handler returns does not fit its own model.
void append_scalar(std::string& out, const Member& member, const Value& value, TimestampStyle style);
void append_timestamp(std::string& out, Time time, TimestampStyle style);
// Shortest text that reads back the same; "NaN", "Infinity", "-Infinity".
void append_number(std::string& out, double number);
void append_number(std::string& out, int64_t number);

// The Value of such text. Text that is none throws Error (caller, SerializationException) that says what was expected.
Value parse_scalar(const Shape& shape, std::string_view text);
// Any of the three formats, whichever the text has: seconds since 1970, ISO 8601, HTTP date.
std::optional<Time> parse_timestamp(std::string_view text);
// Seconds since 1970 as a Time, to the nearest millisecond; absent beyond the years that a Time can tell (1 to 9999).
std::optional<Time> time_of_seconds(double seconds);
// "NaN", "Infinity", "-Infinity" or a number; absent otherwise.
std::optional<double> parse_number(std::string_view text);

}  // namespace tarn::api
