#include "query/piece_cache.hpp"

#include <cstring>

#include "base/digest.hpp"

namespace tarn::query {

PieceCache::PieceCache(std::size_t max_size_bytes) : max_shard_size_bytes_(max_size_bytes / shard_count) {}

PieceCache::Body PieceCache::body(std::string_view bucket, const store::ObjectInfo& info) {
  std::string identity(bucket);
  for (std::string_view part :
       {std::string_view(info.key), std::string_view(info.version_id), std::string_view(info.etag)})
    identity.append(1, '\0').append(part);
  identity +=
      '\0' + std::to_string(info.last_modified.time_since_epoch().count()) + '\0' + std::to_string(info.size_bytes);
  const std::string digest = tarn::digest(DigestKind::sha256, identity);
  Body out;
  std::memcpy(out.data(), digest.data(), sizeof out);
  return out;
}

std::size_t PieceCache::Hash::operator()(const Key& key) const {
  uint64_t h = key.body[0] ^ (key.number + 1) * 0x9e3779b97f4a7c15ull;
  h = (h ^ h >> 32) * 0xd6e8feb86659fd93ull;
  return h ^ h >> 32;
}

PieceCache::Piece PieceCache::find(const Body& body, uint64_t number) {
  const Key key{body, number};
  Shard& in = shard(Hash()(key));
  std::lock_guard lock(in.mutex);
  auto found = in.by_key.find(key);
  if (found == in.by_key.end()) return {};
  in.pieces.splice(in.pieces.begin(), in.pieces, found->second);
  return found->second->piece;
}

void PieceCache::add(const Body& body, uint64_t number, Piece piece) {
  const Key key{body, number};
  Shard& in = shard(Hash()(key));
  std::lock_guard lock(in.mutex);
  if (in.by_key.contains(key)) return;
  in.size_bytes += piece.size_bytes;
  in.pieces.push_front({key, std::move(piece)});
  in.by_key.emplace(key, in.pieces.begin());
  while (in.size_bytes > max_shard_size_bytes_) {
    in.size_bytes -= in.pieces.back().piece.size_bytes;
    in.by_key.erase(in.pieces.back().key);
    in.pieces.pop_back();
  }
}

bool PieceCache::asked_before(const Body& body, uint64_t number) {
  const std::size_t hash = Hash()({body, number});
  const auto mark = static_cast<uint32_t>(hash >> 32 | 1);
  Shard& in = shard(hash);
  std::lock_guard lock(in.mutex);
  if (in.asked.empty()) in.asked.resize(asked_per_shard);
  uint32_t& last = in.asked[hash / shard_count % asked_per_shard];
  const bool before = last == mark;
  last = mark;
  return before;
}

}  // namespace tarn::query
