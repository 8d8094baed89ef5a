// The store as a whole: its counts, its folder, what it finds there after a crash.
#include <dirent.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "store/blob_files.hpp"
#include "store/local_store.hpp"
#include "store/test_store.hpp"
#include "store/verify.hpp"

namespace tarn::store {
namespace {

TEST_F(StoreTest, StatisticsCountWhatIsThere) {
  put("a", "12345");
  put("b", pattern(100'000, 1));
  put("a", "123");
  store->copy(grant, "lake", "b", grant, "lake", "c", {});
  store->erase(grant, "lake", "b");
  for (int i = 0; i < 2; i++) {
    StoreStatistics s = store->statistics();
    EXPECT_EQ(s.objects, 2u);
    EXPECT_EQ(s.size_bytes, 100'003u);
    reopen();
  }
}

TEST_F(StoreTest, ResetForgetsEverything) {
  put("a", pattern(100'000, 1));
  put("b", "x");
  auto upload = store->create_upload(grant, "lake", "big", {}, "", "");
  put_part(upload.upload_id, 1, pattern(100'000, 2));
  auto late = store->write(grant, "lake", "late", {});
  late->append(pattern(100'000, 3));
  store->reset();
  EXPECT_FALSE(store->find_bucket("lake"));
  make_bucket("lake");
  EXPECT_EQ(code_of([&] { late->finish({}); }), "NoSuchBucket");
  late.reset();
  expect_files(0);
  put("new", pattern(100'000, 4));
  EXPECT_EQ(keys(), std::vector<std::string>{"new"});
  EXPECT_TRUE(store->list_uploads(grant, "lake", "", "", "", 10).empty());
  EXPECT_EQ(store->statistics().objects, 1u);
  reopen();
  expect_files(1);
  EXPECT_EQ(get("new"), pattern(100'000, 4));
}

TEST_F(StoreTest, ResetForgetsManyObjectsToo) {
  for (int i = 0; i < 1500; i++) put("k" + std::to_string(i), "x");
  store->reset();
  make_bucket("lake");
  EXPECT_TRUE(keys().empty());
  put("k1", "y");
  EXPECT_EQ(keys(), std::vector<std::string>{"k1"});
  store.reset();
  EXPECT_TRUE(verify_local(folder).problems.empty());
}

TEST_F(StoreTest, AFolderServesOneOpenerAtATime) {
  EXPECT_EQ(code_of([&] { open_local(folder, clock, random, Durability::none); }), "DataFolderInUse");
}

TEST_F(StoreTest, AFolderOfOtherThingsIsRefused) {
  std::string other = folder + "_other";
  std::filesystem::create_directories(other);
  std::ofstream(other + "/letter.txt") << "dear";
  EXPECT_EQ(code_of([&] { open_local(other, clock, random, Durability::none); }), "InvalidDataFolder");
  std::filesystem::remove(other + "/letter.txt");
  std::ofstream(other + "/STORE") << "tarn object store, format 99\n";
  EXPECT_EQ(code_of([&] { open_local(other, clock, random, Durability::none); }), "InvalidDataFolder");
  std::filesystem::remove_all(other);
  std::ofstream(other.c_str()) << "a file";
  EXPECT_EQ(code_of([&] { open_local(other, clock, random, Durability::none); }), "InvalidDataFolder");
  std::filesystem::remove(other);
}

TEST_F(StoreTest, ACreationThatCameToNoEndIsBegunAgain) {
  std::string other = folder + "_other";
  std::filesystem::create_directories(other + "/index");
  std::ofstream(other + "/STORE") << "tarn object store, being made\n";
  std::ofstream(other + "/index/CURRENT") << "half";
  EXPECT_EQ(code_of([&] { verify_local(other); }), "InvalidDataFolder");
  auto made = open_local(other, clock, random, Durability::flushed);
  made->create_bucket({"b", "000000000000", "us-east-1", clock.now(), {}});
  made.reset();
  EXPECT_TRUE(open_local(other, clock, random, Durability::flushed)->find_bucket("b"));
  EXPECT_TRUE(verify_local(other).problems.empty());
  std::filesystem::remove_all(other);
}

TEST_F(StoreTest, WhatAnInterruptedWriteLeftIsRemovedAtTheNextOpening) {
  put("k", pattern(100'000, 1));
  store.reset();
  std::ofstream(folder + "/incoming/00000000000000ff") << "half";
  std::ofstream(folder + "/incoming/strange") << "half";
  // A blob that was committed but not yet moved.
  for (auto& entry : std::filesystem::recursive_directory_iterator(folder + "/blobs")) {
    if (entry.is_regular_file())
      std::filesystem::rename(entry.path(), folder + "/incoming/" + entry.path().filename().string());
  }
  reopen();
  expect_files(1);
  EXPECT_TRUE(std::filesystem::is_empty(folder + "/incoming"));
  EXPECT_EQ(get("k"), pattern(100'000, 1));
}

TEST_F(StoreTest, DamageToABodyIsSeen) {
  put("small", "hello");
  put("large", pattern(3'000'000, 1));
  store.reset();
  reopen();  // removes what was written and not yet moved
  store.reset();
  std::string path;
  for (auto& entry : std::filesystem::recursive_directory_iterator(folder + "/blobs")) {
    if (entry.is_regular_file()) path = entry.path();
  }
  BlobFiles files(folder, false);
  Index index(folder + "/index", false);
  BlobId id = std::stoull(std::filesystem::path(path).filename(), nullptr, 16);
  std::string stored;
  ASSERT_TRUE(index.get(Family::records, file_key(id), stored));
  FileRecord record = decode_file(stored);
  EXPECT_EQ(record.size_bytes, sealed_size_bytes(3'000'000));
  EXPECT_EQ(files.damage(id, record), std::nullopt);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(1'500'000);
    const char byte = static_cast<char>(file.get());
    file.seekp(1'500'000);
    file.put(static_cast<char>(byte ^ 1));
  }
  EXPECT_EQ(files.damage(id, record), "the MiB at offset 1048576 is damaged");
  std::filesystem::resize_file(path, 2'000'000);
  EXPECT_EQ(files.damage(id, record), "the file is too short");
}

}  // namespace
}  // namespace tarn::store
