// The attributes of topics and subscriptions: which there are and what they may be.
#pragma once

#include <string>

#include "notify/topics.hpp"

namespace tarn::notify {

[[noreturn]] void invalid_parameter(const std::string& name, const std::string& why);

// Throws Error (caller, InvalidParameter), or (unsupported, NotImplemented) where tarn does not do what is asked for.
void check_topic_attribute(const std::string& name, const std::string& value, bool fifo);
void check_subscription_attribute(const std::string& name, const std::string& value, const std::string& protocol);
// Of a subscription's attributes together: which Content-Type its DeliveryPolicy may ask for hangs on
// RawMessageDelivery.
void check_content_type(const TopicAttributes& subscription);
void check_endpoint(const SubscribeRequest& request);
std::string default_topic_policy(const TopicAddress& address);
std::string effective_delivery_policy(const TopicAttributes& topic, const TopicAttributes& subscription);

}  // namespace tarn::notify
