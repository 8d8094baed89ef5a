// Pieces of objects that queries read, kept in memory: people ask the same tables again and again, and a piece on disk
// must be read, checked and decrypted. Whoever looks here has opened the object with a Grant; what is kept is found by
// the object's identity (bucket, key, version, ETag, time), so a piece of what was overwritten is never found again.
//
// Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/store.hpp"

namespace tarn::query {

class PieceCache {
 public:
  static constexpr std::size_t piece_size_bytes = 64 << 10;

  // The least recently used pieces go when all together pass `max_size_bytes`.
  explicit PieceCache(std::size_t max_size_bytes);

  // One object as it is at one time.
  using Body = std::array<uint64_t, 2>;
  static Body body(std::string_view bucket, const store::ObjectInfo& info);

  struct Piece {
    std::shared_ptr<char[]> bytes;  // nullptr: not here
    std::size_t size_bytes = 0;     // less than a piece's only at the end of an object
  };
  Piece find(const Body& body, uint64_t number);
  void add(const Body& body, uint64_t number, Piece piece);
  // Whether the piece was asked for before, a short while ago; notes that it was now. What is read once, from one end
  // to the other, should not push out what is read often.
  bool asked_before(const Body& body, uint64_t number);

 private:
  struct Key {
    Body body;
    uint64_t number;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  struct Kept {
    Key key;
    Piece piece;
  };
  struct Shard {
    std::mutex mutex;
    std::list<Kept> pieces;  // the latest used first
    std::unordered_map<Key, std::list<Kept>::iterator, Hash> by_key;
    std::size_t size_bytes = 0;
    std::vector<uint32_t> asked;  // by hash: a mark of what was asked for last
  };
  static constexpr std::size_t shard_count = 16, asked_per_shard = 4096;

  Shard& shard(std::size_t hash) { return shards_[hash % shard_count]; }

  const std::size_t max_shard_size_bytes_;
  std::array<Shard, shard_count> shards_;
};

}  // namespace tarn::query
