// A store in a folder of its own, as the tests of this module use it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "store/store.hpp"
#include "store/test_keeper.hpp"

namespace tarn::govern {
// Stands in for govern's, which lies above the store: makes the Grants of these tests.
class Authority {
 public:
  static store::Grant grant(store::Access access, std::string bucket = "", std::string prefix = "") {
    return store::Grant("arn:aws:iam::000000000000:root", "000000000000", access, std::move(bucket), std::move(prefix));
  }
};
}  // namespace tarn::govern

namespace tarn::store {

using std::chrono::milliseconds;

// The code of the Error that `work` throws; "" when it throws none.
template <class F>
std::string code_of(F work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

inline std::string pattern(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  uint64_t state = seed * 0x9E3779B97F4A7C15ull + 1;
  for (char& c : out) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    c = static_cast<char>(state >> 56);
  }
  return out;
}

inline std::string etag_of(std::string_view bytes) {
  return hex_encode(digest(DigestKind::md5, bytes));
}

inline constexpr std::size_t inline_limit = limits::max_inline_object_size_bytes;
inline constexpr std::size_t min_part = limits::min_part_size_bytes;

struct StoreTest : testing::Test {
  std::string folder = testing::TempDir() + "/store_" + std::to_string(getpid()) + "_" + test_name();
  ManualClock clock{Time{} + std::chrono::hours(24 * 365 * 50)};
  SeededRandom random{7};
  TestKeeper keeper;
  Grant grant = govern::Authority::grant(Access::write);
  std::unique_ptr<Store> store;

  // A parameter stands behind a slash.
  static std::string test_name() {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '_');
    return name;
  }

  StoreTest() {
    std::filesystem::remove_all(folder);
    reopen();
    make_bucket("lake");
  }
  ~StoreTest() override {
    store.reset();
    std::filesystem::remove_all(folder);
  }

  void reopen(AtRest at_rest = AtRest::encrypted) {
    store.reset();
    store = open_local(folder, clock, random, Durability::none, &keeper, at_rest);
  }
  void make_bucket(const std::string& name, const std::string& account = "000000000000") {
    store->create_bucket({name, account, "us-east-1", clock.now(), {}});
  }
  ObjectInfo put(std::string_view key, std::string_view body, ObjectHeaders headers = {},
                 Preconditions conditions = {}) {
    auto writer = store->write(grant, "lake", key, std::move(headers), std::move(conditions));
    writer->append(body);
    return writer->finish({});
  }
  std::string get(std::string_view key) {
    auto reader = store->open(grant, "lake", key);
    return reader ? read_all(*reader) : "(absent)";
  }
  static std::string read_all(ObjectReader& reader) {
    std::string out, buffer(100'000, '\0');
    while (std::size_t n = reader.read(buffer.data(), buffer.size())) out.append(buffer, 0, n);
    return out;
  }
  std::string put_part(const std::string& upload_id, int number, std::string_view body, const Checksum& checksum = {},
                       std::string_view key = "big") {
    auto writer = store->write_part(grant, "lake", key, upload_id, number);
    writer->append(body);
    return writer->finish(checksum).etag;
  }
  // Per key, whether there was one.
  std::vector<bool> erase_all(std::string_view bucket, const std::vector<std::string>& names) {
    std::vector<Erasure> erasures;
    for (const std::string& name : names) erasures.push_back({name, {}, {}, {}});
    store->erase_all(grant, bucket, erasures);
    std::vector<bool> found;
    for (const Erasure& erasure : erasures) found.push_back(erasure.done.found);
    return found;
  }
  void set_tags(const Grant& by, std::string_view bucket, std::string_view key,
                const std::map<std::string, std::string>& tags) {
    store->change_object(by, bucket, key, "", [&](ObjectInfo& info) { info.headers.tags = tags; });
  }
  std::vector<std::string> keys(std::string_view prefix = "", std::string_view delimiter = "") {
    std::vector<std::string> out;
    Listing listing = store->list(grant, "lake", prefix, delimiter, "", 1000);
    for (auto& object : listing.objects) out.push_back(object.key);
    for (auto& common : listing.prefixes) out.push_back(common);
    return out;
  }
  // Files under blobs/ and incoming/, once removals have been worked off.
  std::size_t files() {
    std::size_t count = 0;
    for (int wait = 0; wait < 200; wait++) {
      count = 0;
      for (const char* part : {"/blobs", "/incoming"}) {
        for (auto& entry : std::filesystem::recursive_directory_iterator(folder + part))
          count += entry.is_regular_file();
      }
      if (count == expected_files) break;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return count;
  }
  std::size_t expected_files = 0;
  void expect_files(std::size_t count) {
    expected_files = count;
    EXPECT_EQ(files(), count);
  }
};

}  // namespace tarn::store
