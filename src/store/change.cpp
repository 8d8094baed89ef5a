#include "base/error.hpp"
#include "store/coding.hpp"
#include "store/local_store.hpp"

namespace tarn::store {

// A body in the index: a byte for its form, its CRC32C, its bytes.
static constexpr char plain_body = 1, sealed_body = 2;

std::string encode_body(std::string_view bytes, bool sealed) {
  std::string out;
  out.reserve(5 + bytes.size());
  out += sealed ? sealed_body : plain_body;
  out += digest(DigestKind::crc32c, bytes);
  out += bytes;
  return out;
}

bool decode_body(std::string& body) {
  if (body.size() < 5 || (body[0] != plain_body && body[0] != sealed_body) ||
      digest(DigestKind::crc32c, std::string_view(body).substr(5)) != body.substr(1, 4)) {
    throw Error(ErrorKind::bug, "InternalError", "The stored body of this object is damaged. Restore it from a copy.");
  }
  const bool sealed = body[0] == sealed_body;
  body.erase(0, 5);
  return sealed;
}

Change::Change(LocalStore& store) : store_(store), batch_(store.index_), events_(store.outbox_) {}

void Change::add_body(BlobId id, std::string_view bytes, bool sealed) {
  batch_.put(Family::bodies, body_key(id), encode_body(bytes, sealed));
}

void Change::add_file(BlobId id, const FileRecord& file) {
  batch_.put(Family::records, file_key(id), encode(file));
}

void Change::use(const std::vector<Extent>& extents) {
  for (const Extent& e : extents) {
    uses_[e.blob]++;
    is_file_[e.blob] = e.file;
  }
}

void Change::release(const std::vector<Extent>& extents) {
  for (const Extent& e : extents) {
    uses_[e.blob]--;
    is_file_[e.blob] = e.file;
  }
}

void Change::commit() {
  std::erase_if(uses_, [](const auto& use) { return use.second == 0; });
  std::vector<LockTable::Want> wants;
  for (const auto& [id, difference] : uses_)
    wants.push_back({store_.blob_locks_.slot_of(id), LockTable::Mode::exclusive});
  auto held = store_.blob_locks_.hold(std::move(wants));

  std::vector<BlobId> removed;
  std::string stored;
  for (const auto& [id, difference] : uses_) {
    const std::string key = references_key(id);
    bool shared = store_.index_.get(Family::records, key, stored);
    int64_t before = shared ? static_cast<int64_t>(Decoder(stored).varint()) : 1;
    int64_t after = before + difference;
    TARN_ASSERT(after >= 0);
    if (after > 1) {
      std::string count;
      put_varint(count, static_cast<uint64_t>(after));
      batch_.put(Family::records, key, count);
    } else if (shared) {
      batch_.erase(Family::records, key);
    }
    if (after > 0) continue;
    if (is_file_[id]) {
      batch_.erase(Family::records, file_key(id));
      batch_.put(Family::records, removal_key(id), {});
      removed.push_back(id);
    } else {
      batch_.erase(Family::bodies, body_key(id));
    }
  }
  store_.index_.commit(batch_);
  events_.committed();
  store_.objects_ += objects_;
  store_.size_bytes_ += size_bytes_;
  store_.reclaimer_->removed(removed);
}

}  // namespace tarn::store
