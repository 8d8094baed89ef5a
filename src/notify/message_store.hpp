// What queues and deliveries keep on disk: short values under byte keys, in a RocksDB of their own that is opened when
// first used, so that a tarn without queues pays nothing.
//
// Thread-safe. Writers that flush at the same time share the flush. Failing storage throws Error (bug,
// InternalFailure).
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "govern/value_sealer.hpp"

namespace tarn::notify {

// `kind`, then each number in eight bytes that sort as numbers do.
std::string store_key(char kind, std::initializer_list<uint64_t> numbers);
// The number that begins at byte `at` of a key or value.
uint64_t number_at(std::string_view bytes, std::size_t at);
void append_number_bytes(std::string& out, uint64_t v);

// Changes that are made together or not at all.
class StoreBatch {
 public:
  void put(std::string key, std::string value) { changes_.push_back({std::move(key), std::move(value)}); }
  void erase(std::string key) { changes_.push_back({std::move(key), std::nullopt}); }
  // All keys from `from` up to `to`, exclusive.
  void erase_range(std::string from, std::string to) { ranges_.push_back({std::move(from), std::move(to)}); }
  bool empty() const { return changes_.empty() && ranges_.empty(); }

 private:
  friend class MessageStore;
  struct Change {
    std::string key;
    std::optional<std::string> value;
  };
  std::vector<Change> changes_;
  std::vector<std::pair<std::string, std::string>> ranges_;
};

enum class StoreFlush {
  now,    // on disk when it returns
  later,  // survives kill -9 of tarn at once, power loss with the next flush
};

// How a store keeps its values secret.
struct StoreSealing {
  const govern::KeyEncryptionKeys& keys;
  Random& random;
  bool of_new = true;  // whether a new store's values are sealed; what an older one's are stays as it is
};

class MessageStore {
 public:
  // `durable` false leaves out the flushes: for throw-away use. Without `sealing` values stand in the clear.
  MessageStore(std::string path, bool durable, std::optional<StoreSealing> sealing = std::nullopt);
  ~MessageStore();
  MessageStore(const MessageStore&) = delete;

  void write(const StoreBatch& batch, StoreFlush flush);
  std::optional<std::string> get(std::string_view key);
  // In the order of `keys`.
  std::vector<std::optional<std::string>> get_all(const std::vector<std::string>& keys);
  // Calls `take` for the records from key `from` up to `to` (exclusive) in key order, until it returns false.
  void scan(std::string_view from, std::string_view to,
            const std::function<bool(std::string_view key, std::string_view value)>& take);
  // A number above all that were given before, after a restart too.
  uint64_t take_numbers(std::size_t count = 1);
  // Forgets everything.
  void reset();

 private:
  struct Database;
  Database* open(bool make);  // nullptr when there is none yet and `make` is false

  const std::string path_;
  const bool durable_;
  const std::optional<StoreSealing> sealing_;
  std::mutex mutex_;  // guards opening
  std::unique_ptr<Database> database_;
  std::mutex numbers_mutex_;
  uint64_t last_number_ = 0;
};

}  // namespace tarn::notify
