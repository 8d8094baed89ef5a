// Message move tasks: dead letters taken back to where they came from, or to another queue, in the background
// ("StartMessageMoveTask"). Tasks are records of the metadata store; one that was under way when tarn ended goes on.
//
// Thread-safe. Errors: Error with SQS's codes (ResourceNotFoundException, InvalidParameterValue, UnsupportedOperation).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "meta/metadata.hpp"
#include "notify/queues.hpp"

namespace tarn::notify {

struct MoveTask {
  std::string handle;
  std::string status;  // RUNNING, COMPLETED, CANCELLED, FAILED
  std::string source_arn, destination_arn;
  std::optional<int64_t> rate;  // messages a second
  int64_t moved = 0, to_move = 0, started_ms = 0;
  std::string failure;
};

class MessageMoves {
 public:
  MessageMoves(meta::Metadata& metadata, Queues& queues, Clock& clock, Random& random);
  ~MessageMoves();
  MessageMoves(const MessageMoves&) = delete;

  // Takes up the tasks that an earlier tarn left.
  void start();
  // Returns the task's handle.
  std::string begin(const QueueAddress& source, std::string_view actor, const std::string& destination_arn,
                    std::optional<int64_t> rate);
  // Returns how many messages were moved by then.
  int64_t cancel(std::string_view account, const std::string& handle);
  // Newest first.
  std::vector<MoveTask> list(const QueueAddress& source, std::size_t limit) const;

 private:
  void step(const std::string& key);
  void schedule(const std::string& key, int64_t delay_ms);

  meta::Metadata& metadata_;
  Queues& queues_;
  Clock& clock_;
  Random& random_;
  // Held by each step, so that none runs once this has gone.
  struct Alive {
    std::mutex mutex;
    bool ended = false;
  };
  std::shared_ptr<Alive> alive_ = std::make_shared<Alive>();
};

}  // namespace tarn::notify
