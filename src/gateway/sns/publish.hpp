// Publish and PublishBatch.
#pragma once

#include "api/operations.hpp"
#include "notify/publisher.hpp"

namespace tarn::gateway {

// Error (denied, AuthorizationError) when the topic is another account's.
notify::TopicAddress topic_of(const api::Context& context, const std::string& arn, const char* action);

void register_publish(api::Operations& operations, notify::Publisher& publisher);

}  // namespace tarn::gateway
