// The metadata store: everything that tarn knows beside the bytes of objects (tables, jobs, workgroups, users, runs
// ...).
//
// Records are Values in named kinds ("glue.table"), under keys that sort as bytes. Keys are built with key(): parts
// joined by '\0', so that a prefix of parts is a prefix of keys and no name can spill into another's ("account",
// "region", "database", "table"). Every change is a numbered entry of one change log (who, when, before, after),
// written in the same transaction as the change: audit, history, events and undo read it.
//
// Thread-safe. A change that returned is on disk (kill -9 and power loss lose nothing acknowledged). Failing storage
// throws Error (bug, InternalFailure).
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/value.hpp"

namespace tarn::meta {

// The key of these parts; as a prefix, all keys that begin with these parts and have more.
std::string key(std::initializer_list<std::string_view> parts);
std::string prefix(std::initializer_list<std::string_view> parts);
// The parts of a key made by key().
std::vector<std::string> key_parts(std::string_view key);

struct Record {
  std::string key;
  Value value;
};

struct Change {
  int64_t number;
  Time at;
  std::string actor;  // the principal's ARN; "tarn" for what it does by itself
  std::string kind;
  std::string key;
  std::optional<Value> before, after;
};

class Reader {
 public:
  virtual ~Reader() = default;
  virtual std::optional<Value> get(std::string_view kind, std::string_view key) = 0;
  // Records whose keys begin with `prefix` and sort after `after` (exclusive; empty: from the start), at most `limit`,
  // in key order.
  virtual std::vector<Record> list(std::string_view kind, std::string_view prefix, std::string_view after = {},
                                   std::size_t limit = SIZE_MAX) = 0;
  // The keys alone that list() would give: much cheaper where keys say all that is asked.
  virtual std::vector<std::string> keys(std::string_view kind, std::string_view prefix, std::string_view after = {},
                                        std::size_t limit = SIZE_MAX) = 0;
  virtual std::size_t count(std::string_view kind, std::string_view prefix) = 0;
};

class Transaction : public Reader {
 public:
  virtual void put(std::string_view kind, std::string_view key, const Value& value) = 0;
  // False when there was none.
  virtual bool erase(std::string_view kind, std::string_view key) = 0;
  // Removes all records whose keys begin with `prefix`; returns how many.
  virtual std::size_t erase_all(std::string_view kind, std::string_view prefix) = 0;
};

class Metadata : public Reader {
 public:
  // Runs `work` as one transaction: all of its puts and erases, or (when it throws) none. One writer at a time, in
  // order; `work` sees its own writes, must not call Metadata itself, and should be short.
  virtual void change(std::string_view actor, const std::function<void(Transaction&)>& work) = 0;
  // Like change() for what is no fact worth keeping a history of (progress, heartbeats, counters): leaves no entry in
  // the change log.
  virtual void change_quietly(const std::function<void(Transaction&)>& work) = 0;
  // Entries of the change log after number `after`, oldest first.
  virtual std::vector<Change> changes(int64_t after, std::size_t limit) = 0;
  // Forgets everything, the change log too.
  virtual void reset() = 0;
};

// Opens or creates the store in the file `path`. A file that is no database of ours throws Error (caller,
// InvalidDataFolder). `durable` false leaves out the flushes: for throw-away use.
std::unique_ptr<Metadata> open_sqlite(const std::string& path, Clock& clock, bool durable = true);

}  // namespace tarn::meta
