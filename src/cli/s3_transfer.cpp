#include "cli/s3_transfer.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

constexpr uint64_t max_parts = 10000;
// CopyObject takes no more.
constexpr uint64_t max_copy_size_bytes = 5ull << 30;
constexpr uint64_t copied_part_size_bytes = 1ull << 30;
constexpr std::string_view unfinished = ".part";

File open_file(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode), std::fclose);
  if (!file) throw Error(ErrorKind::caller, "File", path + " can't be opened.");
  return file;
}

void move_to(std::FILE* file, uint64_t offset_bytes) {
  if (::fseeko(file, static_cast<off_t>(offset_bytes), SEEK_SET) != 0)
    throw Error(ErrorKind::outside, "File", "The file can't be read.");
}

// Raw, of `size_bytes` from where the file stands.
std::string md5_of(std::FILE* file, uint64_t size_bytes) {
  Digest digest(DigestKind::md5);
  std::string buffer(1 << 20, '\0');
  while (size_bytes > 0) {
    const std::size_t n = std::fread(buffer.data(), 1, std::min<uint64_t>(size_bytes, buffer.size()), file);
    if (n == 0) throw Error(ErrorKind::outside, "File", "The file became shorter while it was read.");
    digest.update({buffer.data(), n});
    size_bytes -= n;
  }
  return digest.finish();
}

uint64_t part_size_of(uint64_t size_bytes) {
  return std::max(upload_part_size_bytes, (size_bytes + max_parts - 1) / max_parts);
}

void upload_in_parts(Client& client, std::FILE* file, uint64_t size_bytes, const Place& to,
                     const api::Headers& headers) {
  std::map<int, StoredPart> there;
  // Headers belong to the upload's start, so only one without any can be taken up again.
  std::optional<std::string> id = headers.empty() ? find_upload(client, to) : std::nullopt;
  if (id) {
    for (const StoredPart& part : list_parts(client, to, *id)) there[part.number] = part;
  } else {
    id = start_upload(client, to, headers);
  }
  const uint64_t part_size_bytes = part_size_of(size_bytes);
  std::vector<StoredPart> parts;
  for (uint64_t done = 0; done < size_bytes; done += part_size_bytes) {
    StoredPart part{static_cast<int>(parts.size()) + 1, std::min(part_size_bytes, size_bytes - done), ""};
    if (auto at = there.find(part.number); at != there.end() && at->second.size_bytes == part.size_bytes) {
      move_to(file, done);
      if (hex_encode(md5_of(file, part.size_bytes)) == at->second.etag) part.etag = at->second.etag;
    }
    if (part.etag.empty()) {
      move_to(file, done);
      part.etag = put_part(client, to, *id, part.number, file, part.size_bytes);
    }
    parts.push_back(part);
  }
  complete_upload(client, to, *id, parts);
}

void upload(Client& client, std::FILE* file, uint64_t size_bytes, const Place& to, const api::Headers& headers) {
  if (size_bytes > upload_part_size_bytes)
    upload_in_parts(client, file, size_bytes, to, headers);
  else
    client.s3("PUT", to.path(), "", {}, headers, file, size_bytes);
}

bool is_md5(std::string_view etag) {
  return etag.size() == 32 && etag.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void set_time(const std::string& path, const std::string& modified) {
  auto time = parse_iso8601(modified);
  if (!time) return;
  const auto since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(time->time_since_epoch());
  timespec times[2] = {{0, UTIME_OMIT}, {since_epoch.count() / 1'000'000'000, since_epoch.count() % 1'000'000'000}};
  ::utimensat(AT_FDCWD, path.c_str(), times, 0);
}

}  // namespace

void upload_file(Client& client, const std::string& from, const Place& to) {
  File file = open_file(from, "rb");
  upload(client, file.get(), fs::file_size(from), to, {});
}

bool is_unfinished_download(const std::string& file_name) {
  if (!file_name.ends_with(unfinished)) return false;
  std::string_view stem(file_name.data(), file_name.size() - unfinished.size());
  auto dot = stem.rfind('.');
  return dot != std::string_view::npos && is_md5(stem.substr(dot + 1).substr(0, 32));
}

void download_object(Client& client, const Place& bucket, const Listed& from, const std::string& to) {
  const Place place{bucket.bucket, from.key};
  if (fs::path(to).has_parent_path()) fs::create_directories(fs::path(to).parent_path());
  const std::string part = to + "." + from.etag + std::string(unfinished);
  std::error_code absent;
  const uint64_t have = fs::file_size(part, absent);
  const bool go_on = !absent && have > 0 && have < from.size_bytes;
  {
    File file = open_file(part, go_on ? "ab" : "wb");
    api::Headers headers{{"If-Match", "\"" + from.etag + "\""}};  // what has come, and what comes, are of one object
    if (go_on) headers.emplace_back("Range", "bytes=" + std::to_string(have) + "-");
    client.s3("GET", place.path(), "", {}, headers, nullptr, 0, file.get());
    if (std::fflush(file.get()) != 0) throw Error(ErrorKind::outside, "File", part + " can't be written.");
  }
  File whole = open_file(part, "rb");
  const bool right = fs::file_size(part) == from.size_bytes &&
                     (!go_on || !is_md5(from.etag) || hex_encode(md5_of(whole.get(), from.size_bytes)) == from.etag);
  if (!right) {
    fs::remove(part);
    throw Error(ErrorKind::outside, "File", place.url() + " did not come whole.");
  }
  set_time(part, from.modified);
  fs::rename(part, to);
}

void copy_object(Client& client, const Place& from, uint64_t size_bytes, const Place& to) {
  if (size_bytes <= max_copy_size_bytes) {
    client.s3("PUT", to.path(), "", {}, {{"x-amz-copy-source", from.path()}});
    return;
  }
  const std::string id = start_upload(client, to, {});
  try {
    std::vector<StoredPart> parts;
    for (uint64_t done = 0; done < size_bytes; done += copied_part_size_bytes) {
      StoredPart part{static_cast<int>(parts.size()) + 1, std::min(copied_part_size_bytes, size_bytes - done), ""};
      part.etag = copy_part(client, from, done, part.size_bytes, to, id, part.number);
      parts.push_back(part);
    }
    complete_upload(client, to, id, parts);
  } catch (...) {
    abort_upload(client, to, id);
    throw;
  }
}

void relay_object(Client& source, const Place& from, Client& target, const Place& to) {
  File file(std::tmpfile(), std::fclose);
  if (!file) throw Error(ErrorKind::outside, "File", "No temporary file can be made.");
  auto answer = source.s3("GET", from.path(), "", {}, {}, nullptr, 0, file.get());
  api::Headers kept;
  for (const auto& [name, value] : answer.headers) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (lower.starts_with("x-amz-meta-") || lower == "content-type" || lower == "content-encoding" ||
        lower == "content-language" || lower == "content-disposition" || lower == "cache-control" || lower == "expires")
      kept.emplace_back(lower, value);
  }
  const long size_bytes = std::ftell(file.get());
  if (size_bytes < 0) throw Error(ErrorKind::outside, "File", "The temporary file can't be read.");
  std::rewind(file.get());
  upload(target, file.get(), static_cast<uint64_t>(size_bytes), to, kept);
}

bool same_bytes(Client& client, const std::string& path, const Place& bucket, const Listed& object) {
  File file = open_file(path, "rb");
  if (is_md5(object.etag)) return hex_encode(md5_of(file.get(), object.size_bytes)) == object.etag;
  // "…-N": all parts but the last are as large as the first where a usual client made them.
  auto first = client.s3("HEAD", Place{bucket.bucket, object.key}.path(), "partNumber=1");
  const std::string* told = first.header("Content-Length");
  const uint64_t part_size_bytes = told ? std::strtoull(told->c_str(), nullptr, 10) : 0;
  if (part_size_bytes == 0) return false;
  std::string sums;
  uint64_t parts = 0;
  for (uint64_t done = 0; done < object.size_bytes; done += part_size_bytes, parts++)
    sums += md5_of(file.get(), std::min(part_size_bytes, object.size_bytes - done));
  return hex_encode(digest(DigestKind::md5, sums)) + "-" + std::to_string(parts) == object.etag;
}

}  // namespace tarn::cli
