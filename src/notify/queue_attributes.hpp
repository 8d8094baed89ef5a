// The attributes of queues: which there are, what they may be, their defaults ("SetQueueAttributes", "CreateQueue").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::notify {

using QueueAttributes = std::map<std::string, std::string>;  // as callers set them

struct RedrivePolicy {
  std::string target_arn;
  int64_t max_receive_count = 10;
};

// What a queue does, read out of its attributes.
struct QueueSettings {
  bool fifo = false;
  bool deduplicates_by_content = false;
  bool deduplicates_by_group = false;
  int64_t delay_s = 0, visibility_timeout_s = 30, retention_s = 345'600, wait_s = 0;
  int64_t max_message_size_bytes = 1'048'576;
  std::optional<RedrivePolicy> redrive;
  std::string kms_key_id;  // empty: no key of KMS encrypts it
  int64_t data_key_reuse_s = 300;
};

// Throws Error (caller): InvalidAttributeName for a name that can't be set, InvalidAttributeValue for a wrong value. A
// value of RedrivePolicy, RedriveAllowPolicy, KmsMasterKeyId or Policy may be empty: it is removed.
void check_queue_attributes(const QueueAttributes& attributes, bool fifo);
// Throws Error (caller, InvalidAttributeName) for a name that GetQueueAttributes does not know.
void check_queue_attribute_names(const std::vector<std::string>& names);
QueueSettings queue_settings(const QueueAttributes& attributes);
// All attributes of a queue but those that change by themselves, defaults filled in.
QueueAttributes with_defaults(const QueueAttributes& attributes);
// Whether the dead-letter queue with these attributes lets the queue `source_arn` use it.
bool allows_redrive(const QueueAttributes& dead_letter_queue, std::string_view source_arn);

}  // namespace tarn::notify
