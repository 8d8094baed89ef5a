#include "compute/images/tar.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "compute/images/limits.hpp"

namespace tarn::compute {
namespace {

constexpr std::size_t block_size_bytes = 512;

[[noreturn]] void invalid_archive(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidArchive", "The layer is no archive: " + what);
}

class Gunzip {
 public:
  explicit Gunzip(ByteSource source) : source_(std::move(source)), in_(64 * 1024) {
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Gunzip() { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;

  std::size_t read(char* into, std::size_t size_bytes) {
    stream_.next_out = reinterpret_cast<Bytef*>(into);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(size_bytes, 1 << 30));
    const uInt wanted = stream_.avail_out;
    while (stream_.avail_out == wanted) {
      if (stream_.avail_in == 0) {
        stream_.next_in = reinterpret_cast<Bytef*>(in_.data());
        stream_.avail_in = static_cast<uInt>(source_(in_.data(), in_.size()));
        if (stream_.avail_in == 0) {
          if (member_open_) invalid_archive("the compressed data breaks off");
          return 0;
        }
      }
      // Several members may follow each other.
      if (!member_open_) inflateReset(&stream_);
      member_open_ = true;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END)
        member_open_ = false;
      else if (result != Z_OK && result != Z_BUF_ERROR)
        invalid_archive("the compressed data is broken");
    }
    return wanted - stream_.avail_out;
  }

 private:
  ByteSource source_;
  std::vector<char> in_;
  z_stream stream_{};
  bool member_open_ = true;
};

class Unzstd {
 public:
  explicit Unzstd(ByteSource source) : source_(std::move(source)), in_(128 * 1024), stream_(ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
  }
  ~Unzstd() { ZSTD_freeDStream(stream_); }
  Unzstd(const Unzstd&) = delete;

  std::size_t read(char* into, std::size_t size_bytes) {
    ZSTD_outBuffer out{into, size_bytes, 0};
    while (out.pos == 0) {
      if (buffer_.pos == buffer_.size) {
        buffer_ = {in_.data(), source_(in_.data(), in_.size()), 0};
        if (buffer_.size == 0) {
          if (frame_open_) invalid_archive("the compressed data breaks off");
          return 0;
        }
      }
      const std::size_t left = ZSTD_decompressStream(stream_, &out, &buffer_);
      if (ZSTD_isError(left)) invalid_archive("the compressed data is broken");
      frame_open_ = left != 0;
    }
    return out.pos;
  }

 private:
  ByteSource source_;
  std::vector<char> in_;
  ZSTD_DStream* stream_;
  ZSTD_inBuffer buffer_{nullptr, 0, 0};
  bool frame_open_ = true;
};

// A field of octal digits, or GNU's base-256 one.
uint64_t number(std::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80)) {
    uint64_t out = static_cast<unsigned char>(field[0]) & 0x7f;
    for (char c : field.substr(1)) {
      if (out >> 54) invalid_archive("a number is too large");
      out = (out << 8) | static_cast<unsigned char>(c);
    }
    return out;
  }
  while (field.starts_with(' ')) field.remove_prefix(1);
  uint64_t out = 0;
  for (char c : field) {
    if (c == 0 || c == ' ') break;
    if (c < '0' || c > '7') invalid_archive("a number has other digits than octal ones");
    if (out >> 60) invalid_archive("a number is too large");
    out = out * 8 + static_cast<uint64_t>(c - '0');
  }
  return out;
}

std::string text(std::string_view field) {
  return std::string(field.substr(0, field.find('\0')));
}

bool checksum_fits(const std::array<char, block_size_bytes>& block) {
  uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i)
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(block[i]);
  return sum == number({block.data() + 148, 8});
}

}  // namespace

ByteSource unpacked(ByteSource source) {
  auto start = std::make_shared<std::string>(4, '\0');
  std::size_t have = 0;
  while (have < start->size()) {
    const std::size_t n = source(start->data() + have, start->size() - have);
    if (n == 0) break;
    have += n;
  }
  start->resize(have);
  ByteSource whole = [start, source = std::move(source)](char* into, std::size_t size_bytes) -> std::size_t {
    if (start->empty()) return source(into, size_bytes);
    const std::size_t n = start->copy(into, size_bytes);
    start->erase(0, n);
    return n;
  };
  if (start->starts_with("\x1f\x8b")) {
    auto gunzip = std::make_shared<Gunzip>(std::move(whole));
    return [gunzip](char* into, std::size_t size_bytes) { return gunzip->read(into, size_bytes); };
  }
  if (*start == "\x28\xb5\x2f\xfd") {
    auto unzstd = std::make_shared<Unzstd>(std::move(whole));
    return [unzstd](char* into, std::size_t size_bytes) { return unzstd->read(into, size_bytes); };
  }
  return whole;
}

struct TarReader::State {
  explicit State(ByteSource s) : source(std::move(s)) {}

  ByteSource source;
  uint64_t left = 0, padding = 0;  // of the entry last told

  // False at the end of the bytes, where `may_end` allows that.
  bool fill(char* into, std::size_t size_bytes, bool may_end) {
    std::size_t have = 0;
    while (have < size_bytes) {
      const std::size_t n = source(into + have, size_bytes - have);
      if (n == 0) {
        if (have == 0 && may_end) return false;
        invalid_archive("it breaks off");
      }
      have += n;
    }
    return true;
  }
  void skip(uint64_t size_bytes) {
    std::array<char, 16 * 1024> buffer;
    while (size_bytes > 0) {
      const std::size_t n = std::min<uint64_t>(size_bytes, buffer.size());
      fill(buffer.data(), n, false);
      size_bytes -= n;
    }
  }
  std::string content(uint64_t size_bytes) {
    if (size_bytes > limits::max_tar_header_size_bytes) invalid_archive("a header is too long");
    std::string out(size_bytes, '\0');
    fill(out.data(), out.size(), false);
    skip((block_size_bytes - size_bytes % block_size_bytes) % block_size_bytes);
    return out;
  }
};

namespace {

// "27 path=folder/a-long-name\n", one after the other.
void read_pax(std::string_view bytes, std::map<std::string, std::string, std::less<>>& into) {
  while (!bytes.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), length);
    const auto digits = static_cast<std::size_t>(end - bytes.data());
    if (error != std::errc() || length > bytes.size() || length < digits + 3 || bytes[digits] != ' ' ||
        bytes[length - 1] != '\n')
      invalid_archive("a record of a pax header is malformed");
    const std::string_view record = bytes.substr(digits + 1, length - digits - 2);
    const std::size_t equals = record.find('=');
    if (equals == record.npos) invalid_archive("a record of a pax header is malformed");
    into[std::string(record.substr(0, equals))] = record.substr(equals + 1);
    bytes.remove_prefix(length);
  }
}

TarEntry::Kind kind_of(char type) {
  switch (type) {
    case '0':
    case '\0':
    case '7':
      return TarEntry::Kind::file;
    case '1':
      return TarEntry::Kind::hard_link;
    case '2':
      return TarEntry::Kind::symbolic_link;
    case '5':
      return TarEntry::Kind::folder;
    default:
      return TarEntry::Kind::other;
  }
}

}  // namespace

TarReader::TarReader(ByteSource source) : state_(std::make_unique<State>(std::move(source))) {}
TarReader::~TarReader() = default;

bool TarReader::next(TarEntry& entry) {
  State& s = *state_;
  s.skip(s.left + s.padding);
  s.left = s.padding = 0;
  std::map<std::string, std::string, std::less<>> pax;
  std::string long_name, long_target;
  for (;;) {
    std::array<char, block_size_bytes> block;
    if (!s.fill(block.data(), block.size(), true)) return false;
    if (std::all_of(block.begin(), block.end(), [](char c) { return c == 0; })) return false;
    if (!checksum_fits(block)) invalid_archive("a checksum is wrong");
    auto field = [&](std::size_t at, std::size_t size) { return std::string_view(block.data() + at, size); };
    const uint64_t size = number(field(124, 12));
    const char type = block[156];
    if (type == 'x' || type == 'g') {
      const std::string records = s.content(size);
      if (type == 'x') read_pax(records, pax);
      continue;
    }
    if (type == 'L' || type == 'K') {
      (type == 'L' ? long_name : long_target) = text(s.content(size));
      continue;
    }
    entry.kind = kind_of(type);
    entry.mode = static_cast<uint32_t>(number(field(100, 8)) & 0777);
    entry.name = text(field(0, 100));
    entry.target = text(field(157, 100));
    if (field(257, 6) == std::string_view("ustar\0", 6))
      if (const std::string prefix = text(field(345, 155)); !prefix.empty()) entry.name = prefix + "/" + entry.name;
    if (!long_name.empty()) entry.name = long_name;
    if (!long_target.empty()) entry.target = long_target;
    if (auto path = pax.find("path"); path != pax.end()) entry.name = path->second;
    if (auto target = pax.find("linkpath"); target != pax.end()) entry.target = target->second;
    entry.size_bytes = size;
    if (auto given = pax.find("size"); given != pax.end())
      if (std::from_chars(given->second.data(), given->second.data() + given->second.size(), entry.size_bytes).ec !=
          std::errc())
        invalid_archive("a size is no number");
    // A file whose name ends in a slash is a folder of very old archives.
    if (entry.kind == TarEntry::Kind::file && entry.name.ends_with('/')) entry.kind = TarEntry::Kind::folder;
    if (entry.kind == TarEntry::Kind::file || entry.kind == TarEntry::Kind::other) {
      s.left = entry.size_bytes;
      s.padding = (block_size_bytes - s.left % block_size_bytes) % block_size_bytes;
    } else {
      entry.size_bytes = 0;
    }
    return true;
  }
}

std::size_t TarReader::read(char* into, std::size_t size_bytes) {
  State& s = *state_;
  const std::size_t n = std::min<uint64_t>(size_bytes, s.left);
  if (n == 0) return 0;
  const std::size_t got = s.source(into, n);
  if (got == 0) invalid_archive("it breaks off");
  s.left -= got;
  return got;
}

}  // namespace tarn::compute
