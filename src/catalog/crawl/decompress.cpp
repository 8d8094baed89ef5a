#include "catalog/crawl/decompress.hpp"

#include <bzlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.hpp"

namespace tarn::catalog::crawl {
namespace {

constexpr std::size_t input_size_bytes = 64 * 1024;

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorKind::caller, "InvalidData", std::string("the ") + what + " data is corrupt or cut");
}

class Plain : public Decompressor {
 public:
  explicit Plain(Reader in) : in_(std::move(in)) {}
  std::size_t read(char* into, std::size_t size_bytes) override { return in_(into, size_bytes); }

 private:
  Reader in_;
};

class Gzip : public Decompressor {
 public:
  explicit Gzip(Reader in) : in_(std::move(in)), buffer_(input_size_bytes, '\0') {
    if (inflateInit2(&z_, 15 + 16) != Z_OK) throw Error(ErrorKind::bug, "InternalFailure", "zlib does not start");
  }
  ~Gzip() override { inflateEnd(&z_); }

  std::size_t read(char* into, std::size_t size_bytes) override {
    z_.next_out = reinterpret_cast<Bytef*>(into);
    z_.avail_out = static_cast<uInt>(size_bytes);
    while (z_.avail_out == size_bytes) {
      if (z_.avail_in == 0) {
        z_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
        z_.avail_in = static_cast<uInt>(in_(buffer_.data(), buffer_.size()));
        if (z_.avail_in == 0) {
          if (!between_) fail("gzip");
          return 0;
        }
      }
      if (between_ && z_.next_in[0] != 0x1f) return 0;  // padding behind the last member
      between_ = false;
      int result = inflate(&z_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        inflateReset(&z_);
        between_ = true;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        fail("gzip");
      }
    }
    return size_bytes - z_.avail_out;
  }

 private:
  Reader in_;
  std::string buffer_;
  z_stream z_{};
  bool between_ = false;  // members
};

class Bzip2 : public Decompressor {
 public:
  explicit Bzip2(Reader in) : in_(std::move(in)), buffer_(input_size_bytes, '\0') { start(); }
  ~Bzip2() override { BZ2_bzDecompressEnd(&z_); }

  std::size_t read(char* into, std::size_t size_bytes) override {
    z_.next_out = into;
    z_.avail_out = static_cast<unsigned>(size_bytes);
    while (z_.avail_out == size_bytes) {
      if (z_.avail_in == 0) {
        z_.next_in = buffer_.data();
        z_.avail_in = static_cast<unsigned>(in_(buffer_.data(), buffer_.size()));
        if (z_.avail_in == 0) {
          if (!between_) fail("bzip2");
          return 0;
        }
      }
      if (between_) {
        char* next = z_.next_in;
        unsigned left = z_.avail_in, room = z_.avail_out;
        BZ2_bzDecompressEnd(&z_);
        start();
        z_.next_in = next, z_.avail_in = left, z_.next_out = into, z_.avail_out = room;
      }
      between_ = false;
      int result = BZ2_bzDecompress(&z_);
      if (result == BZ_STREAM_END)
        between_ = true;
      else if (result != BZ_OK)
        fail("bzip2");
    }
    return size_bytes - z_.avail_out;
  }

 private:
  void start() {
    z_ = {};
    if (BZ2_bzDecompressInit(&z_, 0, 0) != BZ_OK)
      throw Error(ErrorKind::bug, "InternalFailure", "bzip2 does not start");
  }

  Reader in_;
  std::string buffer_;
  bz_stream z_{};
  bool between_ = false;  // streams
};

class Zstd : public Decompressor {
 public:
  explicit Zstd(Reader in) : in_(std::move(in)), buffer_(input_size_bytes, '\0'), z_(ZSTD_createDStream()) {
    // 128 MiB of window: what the zstd tool takes by default.
    ZSTD_DCtx_setParameter(z_, ZSTD_d_windowLogMax, 27);
  }
  ~Zstd() override { ZSTD_freeDStream(z_); }

  std::size_t read(char* into, std::size_t size_bytes) override {
    ZSTD_outBuffer out{into, size_bytes, 0};
    while (out.pos == 0) {
      if (input_.pos == input_.size) {
        input_ = {buffer_.data(), in_(buffer_.data(), buffer_.size()), 0};
        if (input_.size == 0) {
          if (!between_) fail("zstd");
          return 0;
        }
      }
      std::size_t result = ZSTD_decompressStream(z_, &out, &input_);
      if (ZSTD_isError(result)) fail("zstd");
      between_ = result == 0;
    }
    return out.pos;
  }

 private:
  Reader in_;
  std::string buffer_;
  ZSTD_DStream* z_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool between_ = false;  // frames
};

}  // namespace

Compression compression_of(std::string_view first_bytes) {
  if (first_bytes.starts_with("\x1f\x8b")) return Compression::gzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd")) return Compression::zstd;
  if (first_bytes.starts_with("BZh") && first_bytes.size() > 3 && first_bytes[3] >= '1' && first_bytes[3] <= '9')
    return Compression::bzip2;
  return Compression::none;
}

const char* name_of(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return "gzip";
    case Compression::zstd:
      return "zstd";
    case Compression::bzip2:
      return "bzip2";
    case Compression::none:
      break;
  }
  return "none";
}

std::unique_ptr<Decompressor> open_decompressor(Compression compression, Decompressor::Reader compressed) {
  switch (compression) {
    case Compression::gzip:
      return std::make_unique<Gzip>(std::move(compressed));
    case Compression::zstd:
      return std::make_unique<Zstd>(std::move(compressed));
    case Compression::bzip2:
      return std::make_unique<Bzip2>(std::move(compressed));
    case Compression::none:
      break;
  }
  return std::make_unique<Plain>(std::move(compressed));
}

}  // namespace tarn::catalog::crawl
