// The few requests to S3 that bodies on another system need ("Amazon S3 API Reference"). Path-style addresses, signed;
// what fails for the moment is tried again, limits::remote_attempts times in all.
//
// Thread-safe: each request takes a connection of its own, which is kept for the next. A system that can't be reached,
// or refuses, throws Error (outside, ServiceUnavailable) that says what it answered: the clients of this tarn are to
// try again.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/wire/http_client.hpp"
#include "store/remote.hpp"

namespace tarn::store {

class RemoteS3 {
 public:
  // A URL that is none of S3's, or lacking credentials, throw Error (caller, InvalidArgument).
  explicit RemoteS3(const RemoteBodies& remote);

  // "s3://bucket/prefix/" and the name. Names below are what follows the prefix.
  std::string url_of(std::string_view name) const;

  void put(const std::string& name, std::string body);
  // Absent when there is no such object.
  std::optional<std::string> get(const std::string& name);
  // A range, cut off at the end of the object; absent when there is no such object.
  std::optional<std::string> get(const std::string& name, uint64_t offset_bytes, uint64_t size_bytes);
  std::optional<uint64_t> size_of(const std::string& name);
  // Nothing happens when there is none. `attempts` 0: as many as ever.
  void remove(const std::string& name, int attempts = 0);
  void copy(const std::string& from, const std::string& to);

  struct Entry {
    std::string name;
    uint64_t size_bytes = 0;
  };
  // Those that begin with `start`, by name.
  std::vector<Entry> list(const std::string& start);

  // The id of the new upload.
  std::string start_upload(const std::string& name);
  // The ETag of the part.
  std::string put_part(const std::string& name, const std::string& upload_id, int number, std::string body);
  void complete_upload(const std::string& name, const std::string& upload_id, const std::vector<std::string>& etags,
                       uint64_t size_bytes);
  // Nothing happens when there is none.
  void abort_upload(const std::string& name, const std::string& upload_id, int attempts = 0);

 private:
  std::string path_of(std::string_view name) const;
  // Answers of a status in `expected`, or below 300; all others are failures.
  api::WireResponse send(api::WireRequest request, std::initializer_list<int> expected = {}, int attempts = 0);
  api::WireResponse send_once(api::WireRequest& request);
  [[noreturn]] void fail(const std::string& why) const;

  std::string bucket_, prefix_, endpoint_, region_;
  api::Credentials credentials_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<api::HttpClient>> idle_;
};

}  // namespace tarn::store
