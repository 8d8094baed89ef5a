#include "store/index_repair.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "store/index_options.hpp"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t batch_size_bytes = 1 << 20;
// Behind a damaged place records are looked up one by one until so many in a row were sound.
constexpr int sound_in_a_row = 64;
constexpr std::array families = {Family::records, Family::objects, Family::versions, Family::bodies};
constexpr std::array family_names = {"records", "objects", "versions", "bodies"};

[[noreturn]] void fail(const std::string& doing, const rocksdb::Status& status) {
  throw Error(status.IsNoSpace() ? ErrorKind::outside : ErrorKind::bug, "InternalError",
              doing + " failed: " + status.ToString());
}

// What is wrong is told in our own words.
rocksdb::DBOptions quiet_options(Index::Age age) {
  rocksdb::DBOptions options = database_options(rocksdb::Env::Default(), age);
  options.info_log->SetInfoLogLevel(rocksdb::FATAL_LEVEL);
  return options;
}

// Stands in no index of ours: see add_family_tables().
constexpr std::string_view seed_key = "\xff\xff seed";

// An open database with its families.
class Database {
 public:
  // Only for reading, and whatever its files are like.
  static rocksdb::Status open_damaged(const std::string& path, std::unique_ptr<Database>& out) {
    rocksdb::DBOptions options = quiet_options(Index::Age::old);
    options.paranoid_checks = false;
    options.create_missing_column_families = false;
    std::unique_ptr<Database> opened(new Database);
    rocksdb::DB* db = nullptr;
    rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, path, family_descriptors(), &opened->handles_, &db);
    opened->db_.reset(db);
    if (status.ok()) out = std::move(opened);
    return status;
  }
  static std::unique_ptr<Database> create(const std::string& path) {
    std::unique_ptr<Database> made(new Database);
    rocksdb::DB* db = nullptr;
    rocksdb::Status status =
        rocksdb::DB::Open(quiet_options(Index::Age::fresh), path, family_descriptors(), &made->handles_, &db);
    if (!status.ok()) fail("making a new index", status);
    made->db_.reset(db);
    return made;
  }
  ~Database() { let_go(); }

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(Family family) { return handles_[static_cast<std::size_t>(family)]; }
  void flush() {
    rocksdb::Status status = db_->Flush({}, handles_);
    let_go();
    if (status.ok()) status = db_->Close();
    if (!status.ok()) fail("writing the new index", status);
  }

 private:
  Database() = default;
  void let_go() {
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    handles_.clear();
  }
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// Copies one family, stepping over what is damaged.
class FamilyCopy {
 public:
  FamilyCopy(Database& from, Database& to, Family family, Salvage& salvage)
      : from_(from), to_(to), family_(family), salvage_(salvage) {
    checked_.fill_cache = unchecked_.fill_cache = false;
    unchecked_.verify_checksums = false;
  }

  // False when the walk can't get past a place at all.
  bool run() {
    bool stuck = false;
    std::string from;
    while (copy_sound(from) && !(stuck = !step_over(from))) continue;
    write();
    return !stuck;
  }

 private:
  void take(const rocksdb::Slice& key, const rocksdb::Slice& value) {
    if (key.ToStringView() == seed_key) return;
    batch_.Put(to_.handle(family_), key, value);
    salvage_.kept++;
    if (batch_.GetDataSize() > batch_size_bytes) write();
  }

  void write() {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    rocksdb::Status status = to_.db().Write(options, &batch_);
    if (!status.ok()) fail("writing the new index", status);
    batch_.Clear();
  }

  // All from `next` on, as long as it is sound; `next` is then the first key not yet taken. False at the end.
  bool copy_sound(std::string& next) {
    std::unique_ptr<rocksdb::Iterator> at(from_.db().NewIterator(checked_, from_.handle(family_)));
    for (at->Seek(next); at->Valid(); at->Next()) {
      take(at->key(), at->value());
      next = at->key().ToString() + '\0';
    }
    return !at->status().ok();
  }

  // Past a damaged place: what can still be told apart is looked up, record by record. True once `next` is a place to
  // go on from.
  bool step_over(std::string& next) {
    std::unique_ptr<rocksdb::Iterator> at(from_.db().NewIterator(unchecked_, from_.handle(family_)));
    at->Seek(next);
    for (int sound = 0; sound < sound_in_a_row;) {
      if (!at->Valid()) {
        if (at->status().ok()) {
          next = std::string(2048, '\xff');
          return true;
        }
        sound = 0;
        salvage_.passed_over.push_back(std::string("records of the family ") +
                                       family_names[static_cast<std::size_t>(family_)] + " stand in a damaged place");
        if (!jump(*at, next)) return false;
        continue;
      }
      std::string value;
      const std::string key = at->key().ToString();
      const rocksdb::Status status = from_.db().Get(checked_, from_.handle(family_), key, &value);
      if (status.ok()) {
        take(key, value);
        sound++;
      } else {
        salvage_.lost.emplace_back(family_, key);
        sound = 0;
      }
      next = key + '\0';
      at->Next();
    }
    return true;
  }

  // To a key behind the damaged place, the nearest that is found by changing a byte of `from`, the last ones first.
  static bool jump(rocksdb::Iterator& at, const std::string& from) {
    std::string base = from.empty() ? std::string(1, '\0') : from;
    for (std::size_t length = base.size(); length > 0; length--) {
      std::string probe = base.substr(0, length);
      for (int byte = static_cast<unsigned char>(base[length - 1]) + 1; byte < 256; byte++) {
        probe.back() = static_cast<char>(byte);
        at.Seek(probe);
        if (at.Valid() || at.status().ok()) return true;
      }
    }
    return false;
  }

  Database& from_;
  Database& to_;
  Family family_;
  Salvage& salvage_;
  rocksdb::ReadOptions checked_, unchecked_;
  rocksdb::WriteBatch batch_;
};

// False when some of it could not be got past.
bool copy_all(Database& from, const std::string& into, Salvage& salvage) {
  salvage = {};
  fs::remove_all(into);
  auto to = Database::create(into);
  bool whole = true;
  for (Family family : families) whole = FamilyCopy(from, *to, family, salvage).run() && whole;
  to->flush();
  return whole;
}

// Tables never change, so a link is a copy of one; the rest is small.
void link_or_copy(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (!entry.is_regular_file() || entry.path().filename() == "LOCK") continue;
    const fs::path copy = to / entry.path().filename();
    std::error_code error;
    if (entry.path().extension() == ".sst") fs::create_hard_link(entry.path(), copy, error);
    if (entry.path().extension() != ".sst" || error) fs::copy_file(entry.path(), copy);
  }
}

// RocksDB's repair learns from the tables which families there are, and leaves out of the logs what belongs to others.
// So each gets a table, of one key, with the number that the family has in all our indexes.
void add_family_tables(const fs::path& folder) {
  const std::string made = folder.string() + ".families";
  fs::remove_all(made);
  {
    auto database = Database::create(made);
    for (Family family : families) {
      rocksdb::WriteOptions options;
      options.disableWAL = true;
      rocksdb::Status status =
          database->db().Put(options, database->handle(family), rocksdb::Slice(seed_key.data(), seed_key.size()), "");
      if (!status.ok()) fail("making a table", status);
    }
    database->flush();
  }
  uint64_t number = 0;
  for (const auto& entry : fs::directory_iterator(folder))
    number = std::max<uint64_t>(number, std::strtoull(entry.path().stem().c_str(), nullptr, 10));
  for (const auto& entry : fs::directory_iterator(made)) {
    if (entry.path().extension() != ".sst") continue;
    std::string name = std::to_string(++number);
    name.insert(0, 6 - std::min<std::size_t>(name.size(), 6), '0');
    fs::copy_file(entry.path(), folder / (name + ".sst"));
  }
  fs::remove_all(made);
}

}  // namespace

std::optional<std::string> index_damage(const std::string& path) {
  rocksdb::DBOptions options = quiet_options(Index::Age::old);
  options.create_missing_column_families = false;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, path, family_descriptors(), &handles, &opened);
  std::unique_ptr<rocksdb::DB> db(opened);
  if (status.ok()) {
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    status = db->VerifyChecksum(read);
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }
  if (status.ok()) return std::nullopt;
  return status.ToString();
}

Salvage salvage_index(const std::string& path, const std::string& into) {
  if (!fs::is_directory(path))
    throw Error(ErrorKind::bug, "InternalError", "There is no object index at " + path + ".");
  Salvage salvage;
  std::unique_ptr<Database> damaged;
  if (Database::open_damaged(path, damaged).ok() && copy_all(*damaged, into, salvage)) return salvage;
  damaged.reset();

  const std::string copy = into + ".copy";
  link_or_copy(path, copy);
  add_family_tables(copy);
  rocksdb::DBOptions options = quiet_options(Index::Age::old);
  rocksdb::Status status = rocksdb::RepairDB(copy, options, family_descriptors());
  if (!status.ok()) fail("repairing the index", status);
  status = Database::open_damaged(copy, damaged);
  if (!status.ok()) fail("opening the repaired index", status);
  const bool whole = copy_all(*damaged, into, salvage);
  damaged.reset();
  if (!whole) salvage.passed_over.push_back("the end of a family could not be read");
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(copy + "/lost", error))
    salvage.passed_over.push_back("the table " + entry.path().filename().string() + " can't be read");
  fs::remove_all(copy);
  return salvage;
}

}  // namespace tarn::store
