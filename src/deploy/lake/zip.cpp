#include "deploy/lake/zip.hpp"

#include <zlib.h>

#include <cstdint>

#include "base/error.hpp"

namespace tarn::deploy {
namespace {

void append(std::string& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  TARN_ASSERT(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  TARN_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// What a file's local header and its entry in the directory share.
std::string description(const std::string& name, const std::string& bytes, const std::string& packed) {
  std::string out;
  append(out, 20, 2);            // version needed
  append(out, 1u << 11, 2);      // names are UTF-8
  append(out, 8, 2);             // deflate
  append(out, 0, 2);             // 00:00
  append(out, (1 << 5) | 1, 2);  // 1980-01-01
  append(out,
         static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()))),
         4);
  append(out, static_cast<uint32_t>(packed.size()), 4);
  append(out, static_cast<uint32_t>(bytes.size()), 4);
  append(out, static_cast<uint32_t>(name.size()), 2);
  append(out, 0, 2);  // extra
  return out;
}

}  // namespace

std::string zip(const std::map<std::string, std::string>& files) {
  std::string out, directory;
  for (const auto& [name, bytes] : files) {
    const std::string packed = deflated(bytes);
    const std::string shared = description(name, bytes, packed);
    const auto offset = static_cast<uint32_t>(out.size());
    out += "PK\3\4" + shared + name + packed;
    directory += "PK\1\2";
    append(directory, (3u << 8) | 20, 2);  // made on Unix
    directory += shared;
    append(directory, 0, 2);  // comment
    append(directory, 0, 2);  // disk
    append(directory, 0, 2);  // internal attributes
    append(directory, 0100644u << 16, 4);
    append(directory, offset, 4);
    directory += name;
  }
  const auto offset = static_cast<uint32_t>(out.size());
  out += directory + "PK\5\6";
  append(out, 0, 4);
  append(out, static_cast<uint32_t>(files.size()), 2);
  append(out, static_cast<uint32_t>(files.size()), 2);
  append(out, static_cast<uint32_t>(directory.size()), 4);
  append(out, offset, 4);
  append(out, 0, 2);
  return out;
}

}  // namespace tarn::deploy
