#include "query/piece_cache.hpp"

#include <gtest/gtest.h>

namespace tarn::query {
namespace {

PieceCache::Piece piece(char filled_with) {
  PieceCache::Piece out{std::make_shared<char[]>(PieceCache::piece_size_bytes), PieceCache::piece_size_bytes};
  std::fill_n(out.bytes.get(), out.size_bytes, filled_with);
  return out;
}

store::ObjectInfo object(const std::string& key, const std::string& etag) {
  store::ObjectInfo out;
  out.key = key;
  out.etag = etag;
  return out;
}

TEST(PieceCache, FindsWhatItWasGiven) {
  PieceCache cache(64 << 20);
  const auto body = PieceCache::body("lake", object("a", "1"));
  EXPECT_EQ(cache.find(body, 3).bytes, nullptr);
  cache.add(body, 3, piece('x'));
  EXPECT_EQ(cache.find(body, 3).bytes[100], 'x');
  EXPECT_EQ(cache.find(body, 4).bytes, nullptr);
}

TEST(PieceCache, WhatWasOverwrittenIsAnotherBody) {
  const auto body = PieceCache::body("lake", object("a", "1"));
  EXPECT_EQ(body, PieceCache::body("lake", object("a", "1")));
  auto later = object("a", "1");
  later.last_modified += std::chrono::milliseconds(1);
  EXPECT_NE(body, PieceCache::body("lake", later));
  EXPECT_NE(body, PieceCache::body("lake", object("a", "2")));
  EXPECT_NE(body, PieceCache::body("lak", object("ea", "1")));
}

TEST(PieceCache, TheLeastRecentlyUsedGo) {
  constexpr std::size_t room = 64;  // pieces
  PieceCache cache(room * PieceCache::piece_size_bytes);
  const auto body = PieceCache::body("lake", object("a", "1"));
  cache.add(body, 0, piece('k'));
  for (uint64_t number = 1; number < 20 * room; ++number) {
    cache.add(body, number, piece('x'));
    EXPECT_NE(cache.find(body, 0).bytes, nullptr) << "used all the time, gone after " << number;
  }
  std::size_t here = 0;
  for (uint64_t number = 0; number < 20 * room; ++number) here += cache.find(body, number).bytes != nullptr;
  EXPECT_LE(here, room);
  EXPECT_GT(here, room / 2);
}

TEST(PieceCache, NotesWhatIsAskedForAgain) {
  PieceCache cache(1 << 20);
  const auto body = PieceCache::body("lake", object("a", "1"));
  EXPECT_FALSE(cache.asked_before(body, 7));
  EXPECT_TRUE(cache.asked_before(body, 7));
}

}  // namespace
}  // namespace tarn::query
