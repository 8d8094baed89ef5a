#include "store/blobs.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tarn::store {
namespace {

constexpr std::size_t buffer_size_bytes = 128 << 10;
constexpr std::size_t sealed_buffer_size_bytes = 4 * sealed_piece_size_bytes;

// False where the blob ends before.
bool read_fully(const BlobReader& blob, uint64_t offset_bytes, std::size_t size_bytes, std::string& into) {
  into.resize(size_bytes);
  blob.pass_by(offset_bytes, size_bytes);
  const bool whole = blob.read(offset_bytes, into.data(), size_bytes) == size_bytes;
  blob.pass_by(offset_bytes, size_bytes);
  return whole;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t value = 0;
  for (unsigned char byte : digest(DigestKind::crc32c, bytes)) value = value << 8 | byte;
  return value;
}

BlobWriter::BlobWriter(BlobId id, std::string_view data_key) : id_(id) {
  if (!data_key.empty()) sealer_.emplace(data_key);
}

void BlobWriter::append(std::string_view bytes) {
  if (sealer_) return append_sealed(bytes);
  append_plain(bytes);
}

void BlobWriter::append_plain(std::string_view bytes) {
  if (buffer_.empty() && bytes.size() >= buffer_size_bytes) return write_out(bytes);
  if (buffer_.capacity() < buffer_size_bytes) buffer_.reserve(buffer_size_bytes);
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, buffer_size_bytes - buffer_.size());
    buffer_ += part;
    bytes.remove_prefix(part.size());
    if (buffer_.size() == buffer_size_bytes) {
      write_out(buffer_);
      buffer_.clear();
    }
  }
}

// Sealing is the copy into the buffer: a piece that comes whole is copied by nothing else.
void BlobWriter::append_sealed(std::string_view bytes) {
  if (buffer_.capacity() == 0) buffer_.reserve(sealed_buffer_size_bytes);
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, piece_size_bytes - piece_.size());
    bytes.remove_prefix(part.size());
    if (part.size() == piece_size_bytes) {
      sealer_->seal(part, buffer_);
    } else {
      if (piece_.capacity() < piece_size_bytes) piece_.reserve(piece_size_bytes);
      piece_ += part;
      if (piece_.size() < piece_size_bytes) return;
      sealer_->seal(piece_, buffer_);
      piece_.clear();
    }
    if (buffer_.size() < sealed_buffer_size_bytes) continue;
    write_out(buffer_);
    buffer_.clear();
  }
}

void BlobWriter::sum_up(std::string_view bytes) {
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, Blobs::chunk_size_bytes - chunk_fill_bytes_);
    chunk_.update(part);
    chunk_fill_bytes_ += part.size();
    if (chunk_fill_bytes_ == Blobs::chunk_size_bytes) end_chunk();
    bytes.remove_prefix(part.size());
  }
}

void BlobWriter::end_chunk() {
  table_ += chunk_.finish();
  chunk_ = Digest(DigestKind::crc32c);
  chunk_fill_bytes_ = 0;
}

void BlobWriter::write_out(std::string_view bytes) {
  sum_up(bytes);
  size_bytes_ += bytes.size();
  write_bytes(bytes);
}

FileRecord BlobWriter::finish() {
  if (!piece_.empty()) sealer_->seal(piece_, buffer_);
  write_out(buffer_);
  if (chunk_fill_bytes_ > 0) end_chunk();
  write_bytes(table_);
  complete();
  return {size_bytes_, crc32c(table_), sealer_.has_value()};
}

std::optional<std::string> Blobs::damage(BlobId id, const FileRecord& expected, const Pace& pace) const {
  try {
    const std::unique_ptr<BlobReader> blob = open(id);
    if (!blob) return "the file is missing";
    std::string table, chunk;
    for (uint64_t offset = 0; offset < expected.size_bytes; offset += chunk_size_bytes) {
      const uint64_t size = std::min(chunk_size_bytes, expected.size_bytes - offset);
      if (pace && !pace(size)) return std::nullopt;
      if (!read_fully(*blob, offset, size, chunk)) return "the file is too short";
      table += digest(DigestKind::crc32c, chunk);
    }
    if (!read_fully(*blob, expected.size_bytes, table.size(), chunk)) return "the file is too short";
    if (crc32c(chunk) != expected.table_crc32c) return "its table of checksums is damaged";
    for (std::size_t i = 0; i < table.size(); i += 4) {
      if (table.compare(i, 4, chunk, i, 4) != 0)
        return "the MiB at offset " + std::to_string(i / 4 * chunk_size_bytes) + " is damaged";
    }
    return std::nullopt;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bug) throw;
    return size_of(id) == 0 ? "the file is missing" : "it can't be read";
  }
}

std::optional<FileRecord> Blobs::rebuild_record(BlobId id, bool sealed) const {
  const uint64_t stored_bytes = size_of(id);
  const uint64_t chunks = (stored_bytes + chunk_size_bytes + 3) / (chunk_size_bytes + 4);
  if (stored_bytes <= 4 * chunks) return std::nullopt;
  FileRecord record{stored_bytes - 4 * chunks, 0, sealed};
  const std::unique_ptr<BlobReader> blob = open(id);
  std::string table;
  if (!blob || !read_fully(*blob, record.size_bytes, 4 * chunks, table)) return std::nullopt;
  record.table_crc32c = crc32c(table);
  if (damage(id, record)) return std::nullopt;
  return record;
}

}  // namespace tarn::store
