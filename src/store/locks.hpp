// Locks by name: a fixed table of reader-writer locks that names are hashed onto.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tarn::store {

// Thread-safe. A thread takes all that it wants of one table in one call, and tables always in the same order, so none
// waits in a circle. Waiting writers go before new readers: else a busy bucket could never be changed.
class LockTable {
 public:
  explicit LockTable(std::size_t size);
  ~LockTable();
  LockTable(const LockTable&) = delete;
  LockTable& operator=(const LockTable&) = delete;

  enum class Mode { shared, exclusive };
  struct Want {
    std::size_t slot;
    Mode mode;
  };
  // Given back when destroyed.
  class Held {
   public:
    Held() = default;
    Held(Held&& other) noexcept : table_(std::exchange(other.table_, nullptr)), slots_(std::move(other.slots_)) {}
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    friend class LockTable;
    LockTable* table_ = nullptr;
    std::vector<std::size_t> slots_;
  };

  std::size_t size() const { return size_; }
  std::size_t slot_of(std::string_view name) const { return std::hash<std::string_view>()(name) % size_; }
  std::size_t slot_of(uint64_t number) const { return number % size_; }
  Want shared(std::string_view name) const { return {slot_of(name), Mode::shared}; }
  Want exclusive(std::string_view name) const { return {slot_of(name), Mode::exclusive}; }

  Held hold(std::vector<Want> wants);
  Held hold_all();

 private:
  std::size_t size_;
  std::unique_ptr<pthread_rwlock_t[]> locks_;
};

}  // namespace tarn::store
