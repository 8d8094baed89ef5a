#include "compute/functions/archive.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"

namespace tarn::compute {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t local_header = 0x04034b50, directory_header = 0x02014b50, directory_end = 0x06054b50,
                   directory_end_64 = 0x06064b50, locator_64 = 0x07064b50;
constexpr std::size_t local_header_size = 30, directory_header_size = 46, directory_end_size = 22, locator_size = 20,
                      directory_end_64_size = 56, max_comment_size = 65535;
constexpr uint16_t method_stored = 0, method_deflated = 8, zip64_extra = 1;
constexpr uint16_t encrypted_flag = 1;
constexpr uint8_t made_on_unix = 3, made_on_macos = 19;
constexpr uint64_t most_entries = 500'000;

[[noreturn]] void broken(const std::string& why) {
  throw Error(ErrorKind::caller, "InvalidArchive", "The zip archive is broken: " + why + ".");
}

[[noreturn]] void disk_failed(const std::string& path) {
  throw Error(ErrorKind::bug, "InternalFailure", path + " can't be written: " + std::strerror(errno));
}

uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  if (at > bytes.size() || bytes.size() - at < size) broken("it ends too soon");
  uint64_t out = 0;
  for (std::size_t i = size; i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
  return out;
}
uint16_t u16(std::string_view bytes, std::size_t at) {
  return static_cast<uint16_t>(number(bytes, at, 2));
}
uint32_t u32(std::string_view bytes, std::size_t at) {
  return static_cast<uint32_t>(number(bytes, at, 4));
}
uint64_t u64(std::string_view bytes, std::size_t at) {
  return number(bytes, at, 8);
}

std::string_view part(std::string_view bytes, uint64_t at, uint64_t size) {
  if (at > bytes.size() || bytes.size() - at < size) broken("it ends too soon");
  return bytes.substr(at, size);
}

// Behind the directory, before a comment of any length.
std::size_t find_directory_end(std::string_view bytes) {
  if (bytes.size() < directory_end_size) broken("it has no directory");
  const std::size_t last = bytes.size() - directory_end_size;
  const std::size_t first = last > max_comment_size ? last - max_comment_size : 0;
  for (std::size_t at = last + 1; at-- > first;)
    if (u32(bytes, at) == directory_end) return at;
  broken("it has no directory");
}

std::string checked_name(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '\\', '/');
  if (out.empty() || out[0] == '/' || out.find('\0') != out.npos) broken("a name in it is no relative path");
  for (const fs::path& step : fs::path(out))
    if (step == "..") broken("the name " + out + " leads out of the folder");
  return out;
}

std::string inflate_all(std::string_view packed, uint64_t size_bytes) {
  std::string out(size_bytes, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    throw Error(ErrorKind::bug, "InternalFailure", "zlib could not begin to inflate");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  char none = 0;
  stream.next_out = reinterpret_cast<Bytef*>(size_bytes ? out.data() : &none);
  stream.avail_out = static_cast<uInt>(size_bytes);
  const int code = inflate(&stream, Z_FINISH);
  const bool whole = code == Z_STREAM_END && stream.total_out == size_bytes;
  inflateEnd(&stream);
  if (!whole) broken("a file in it does not inflate to its size");
  return out;
}

void write_file(const std::string& path, std::string_view content, mode_t permissions) {
  ::unlink(path.c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) disk_failed(path);
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      ::close(fd);
      disk_failed(path);
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  ::fchmod(fd, permissions);
  ::close(fd);
}

// A link in the archive must not make a later file land elsewhere.
void make_parents(const std::string& root, const std::string& name) {
  for (std::size_t slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
    const std::string path = root + "/" + name.substr(0, slash);
    if (fs::is_symlink(path) || (fs::exists(path) && !fs::is_directory(path))) fs::remove(path);
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) disk_failed(path);
  }
}

}  // namespace

Archive::Archive(std::string_view bytes) : bytes_(bytes) {
  const std::size_t end = find_directory_end(bytes);
  uint64_t count = u16(bytes, end + 10), size = u32(bytes, end + 12), offset = u32(bytes, end + 16);
  uint64_t behind = end;
  if (end >= locator_size && u32(bytes, end - locator_size) == locator_64) {
    const uint64_t end_64 = u64(bytes, end - locator_size + 8);
    if (end_64 > bytes.size() || u32(bytes, end_64) != directory_end_64) broken("its ZIP64 directory is not there");
    part(bytes, end_64, directory_end_64_size);
    count = u64(bytes, end_64 + 32);
    size = u64(bytes, end_64 + 40);
    offset = u64(bytes, end_64 + 48);
    behind = end_64;
  }
  if (count > most_entries) broken("it has more than " + std::to_string(most_entries) + " files");
  // What stands before the archive (a program that unpacks itself) shifts every offset.
  if (size > behind || offset > behind - size) broken("its directory lies outside of it");
  bytes_.remove_prefix(behind - size - offset);
  read_directory(offset, count);
}

void Archive::read_directory(uint64_t offset, uint64_t count) {
  std::size_t at = offset;
  for (uint64_t i = 0; i < count; ++i) at = read_entry(at);
}

std::size_t Archive::read_entry(std::size_t at) {
  part(bytes_, at, directory_header_size);
  if (u32(bytes_, at) != directory_header) broken("its directory is damaged");
  const std::size_t name_size = u16(bytes_, at + 28), extra_size = u16(bytes_, at + 30),
                    comment_size = u16(bytes_, at + 32);
  ArchiveEntry entry;
  Place place;
  entry.name = checked_name(part(bytes_, at + directory_header_size, name_size));
  if (u16(bytes_, at + 8) & encrypted_flag) broken(entry.name + " is encrypted");
  place.method = u16(bytes_, at + 10);
  if (place.method != method_stored && place.method != method_deflated)
    broken(entry.name + " is compressed in an unknown way");
  place.crc = u32(bytes_, at + 16);
  place.packed_size_bytes = u32(bytes_, at + 20);
  entry.size_bytes = u32(bytes_, at + 24);
  place.header_offset = u32(bytes_, at + 42);
  const auto made_by = static_cast<uint8_t>(u16(bytes_, at + 4) >> 8);
  if (made_by == made_on_unix || made_by == made_on_macos) entry.mode = u32(bytes_, at + 38) >> 16;

  std::string_view extra = part(bytes_, at + directory_header_size + name_size, extra_size);
  while (extra.size() >= 4) {
    const uint16_t id = u16(extra, 0), size = u16(extra, 2);
    std::string_view field = part(extra, 4, size);
    extra.remove_prefix(4u + size);
    if (id != zip64_extra) continue;
    for (uint64_t* value : {&entry.size_bytes, &place.packed_size_bytes, &place.header_offset})
      if (*value == UINT32_MAX) {
        *value = u64(field, 0);
        field.remove_prefix(8);
      }
  }
  // Deflate packs at most about 1030 to 1: a size beyond is a lie that would only cost memory.
  if (entry.size_bytes > place.packed_size_bytes * 1100 + 64) broken(entry.name + " has an impossible size");
  part(bytes_, at, directory_header_size + name_size + extra_size + comment_size);
  entries_.push_back(std::move(entry));
  places_.push_back(place);
  return at + directory_header_size + name_size + extra_size + comment_size;
}

uint64_t Archive::unpacked_size_bytes() const {
  uint64_t sum = 0;
  for (const ArchiveEntry& e : entries_) sum += e.size_bytes;
  return sum;
}

std::string Archive::read(std::size_t entry) const {
  const ArchiveEntry& e = entries_.at(entry);
  const Place& p = places_.at(entry);
  part(bytes_, p.header_offset, local_header_size);
  if (u32(bytes_, p.header_offset) != local_header) broken("the header of " + e.name + " is not where it should be");
  const uint64_t content =
      p.header_offset + local_header_size + u16(bytes_, p.header_offset + 26) + u16(bytes_, p.header_offset + 28);
  std::string_view packed = part(bytes_, content, p.packed_size_bytes);
  std::string out = p.method == method_stored ? std::string(packed) : inflate_all(packed, e.size_bytes);
  if (out.size() != e.size_bytes) broken(e.name + " has another size than is told");
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(out.data()), out.size());
  if (static_cast<uint32_t>(crc) != p.crc) broken(e.name + " is damaged");
  return out;
}

void Archive::unpack(const std::string& folder) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const ArchiveEntry& e = entries_[i];
    const std::string path = folder + "/" + e.name;
    make_parents(folder, e.name);
    if (e.name.ends_with('/')) continue;
    std::string content = read(i);
    if (S_ISLNK(e.mode)) {
      ::unlink(path.c_str());
      if (::symlink(content.c_str(), path.c_str()) != 0) disk_failed(path);
    } else {
      write_file(path, content, e.mode & 0777 ? e.mode & 0777 : 0644);
    }
  }
}

}  // namespace tarn::compute
