#include "store/locks.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tarn::store {

LockTable::LockTable(std::size_t size) : size_(size), locks_(new pthread_rwlock_t[size]) {
  pthread_rwlockattr_t attributes;
  TARN_ASSERT(pthread_rwlockattr_init(&attributes) == 0);
  TARN_ASSERT(pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
  for (std::size_t i = 0; i < size_; i++) TARN_ASSERT(pthread_rwlock_init(&locks_[i], &attributes) == 0);
  pthread_rwlockattr_destroy(&attributes);
}

LockTable::~LockTable() {
  for (std::size_t i = 0; i < size_; i++) pthread_rwlock_destroy(&locks_[i]);
}

LockTable::Held LockTable::hold(std::vector<Want> wants) {
  std::sort(wants.begin(), wants.end(), [](const Want& a, const Want& b) {
    return a.slot != b.slot ? a.slot < b.slot : a.mode > b.mode;  // the exclusive one first: it covers the shared one
  });
  Held held;
  held.table_ = this;
  held.slots_.reserve(wants.size());
  for (const Want& want : wants) {
    if (!held.slots_.empty() && held.slots_.back() == want.slot) continue;
    pthread_rwlock_t* lock = &locks_[want.slot];
    TARN_ASSERT((want.mode == Mode::exclusive ? pthread_rwlock_wrlock(lock) : pthread_rwlock_rdlock(lock)) == 0);
    held.slots_.push_back(want.slot);
  }
  return held;
}

LockTable::Held LockTable::hold_all() {
  std::vector<Want> wants;
  for (std::size_t i = 0; i < size_; i++) wants.push_back({i, Mode::exclusive});
  return hold(std::move(wants));
}

LockTable::Held::~Held() {
  if (!table_) return;
  for (std::size_t slot : slots_) TARN_ASSERT(pthread_rwlock_unlock(&table_->locks_[slot]) == 0);
}

}  // namespace tarn::store
