// The bytes of uploads, from the request into the store.
#pragma once

#include "api/operations.hpp"
#include "store/store.hpp"

namespace tarn::gateway::s3 {

// Throws Error (caller, EntityTooLarge) when the body says that it is longer than limits::max_single_put_size_bytes.
void check_upload_size(const api::Context& context);

// Moves the request's body into `writer`, a buffer at a time, and returns the checksum that came with it and was right.
// A body that breaks off, is falsified or grows too long throws Error; the writer is then to be thrown away.
store::Checksum receive(api::Context& context, store::ObjectWriter& writer);

}  // namespace tarn::gateway::s3
