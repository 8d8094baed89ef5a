// CBOR (RFC 8949), as Smithy's rpc-v2-cbor protocol and the CBOR form of the JSON services (application/x-amz-cbor-1.1)
// use it.
#pragma once

#include <string>
#include <string_view>

#include "api/model.hpp"
#include "base/value.hpp"

namespace tarn::api {

// What a timestamp (tag 1) counts: rpc-v2-cbor has seconds, application/x-amz-cbor-1.1 milliseconds.
enum class CborTime { seconds, milliseconds };

// One data item as plain data: byte strings are Blobs, tag 1 is a Time, null and undefined are null; integers beyond 64
// bits become doubles, of equal keys the last counts. Malformed bytes, anything after the item, keys that are not text
// and nesting deeper than limits::max_body_depth throw Error (caller, SerializationException).
Value parse_cbor(std::string_view bytes, CborTime time = CborTime::seconds);

// Appends `value` by its shape, with the rules of append_json.
void append_cbor(std::string& out, const Shape& shape, const Value& value, CborTime time = CborTime::seconds);
// Parts of an item, for what no shape describes (errors).
void append_cbor_map_head(std::string& out, std::size_t members);
void append_cbor_text(std::string& out, std::string_view text);

}  // namespace tarn::api
