// The file system that DuckDB sees under s3://: objects of the store, opened with the session's own grants.
#include <bzlib.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/error.hpp"
#include "duckdb/common/file_opener.hpp"
#include "duckdb/main/client_context.hpp"
#include "query/duckdb_state.hpp"
#include "query/json_keys.hpp"
#include "query/piece_cache.hpp"

namespace tarn::query {

S3Path parse_s3_path(std::string_view path) {
  for (std::string_view scheme : {"s3://", "s3a://", "s3n://"}) {
    if (!path.starts_with(scheme)) continue;
    path.remove_prefix(scheme.size());
    const auto slash = path.find('/');
    S3Path out{std::string(path.substr(0, slash)), slash == path.npos ? "" : std::string(path.substr(slash + 1))};
    if (!out.bucket.empty()) return out;
  }
  throw Error(ErrorKind::caller, "InvalidRequestException",
              "'" + std::string(path) + "' is no S3 path: give s3://bucket/prefix");
}

void SessionState::count(uint64_t size_bytes) {
  if (scanned_size_bytes += size_bytes; scanned_size_bytes > max_scanned_size_bytes)
    fail(Error(ErrorKind::limit, "BytesScannedLimit", "Bytes scanned limit was exceeded"));
}

void SessionState::fail(const Error& error) {
  {
    std::lock_guard lock(mutex);
    if (!failure) failure = error;
  }
  throw duckdb::IOException("%s: %s", error.code(), error.message());
}

SessionState& SessionState::of(duckdb::ClientContext& context) {
  auto state = context.registered_state->Get<SessionState>(session_state_name);
  if (!state) throw duckdb::PermissionException("objects are read only for a session");
  return *state;
}

SessionState& SessionState::of(duckdb::optional_ptr<duckdb::FileOpener> opener) {
  auto context = duckdb::FileOpener::TryGetClientContext(opener);
  if (!context) throw duckdb::PermissionException("objects are read only for a session");
  return of(*context);
}

namespace {

// Runs `work`, whose failures are ours, inside a call from DuckDB.
template <class F>
auto guarded(SessionState& state, F work) {
  try {
    return work();
  } catch (const Error& error) {
    state.fail(error);
  }
}

// Reads of one body by way of the pieces that are kept in memory. A part of a piece is kept at once: Parquet's reader
// asks for a page's header, the page, the next header, and a sealed piece that was opened for each would be opened
// three times. Whole pieces are kept when they are asked for again.
class KeptReads {
 public:
  KeptReads(const store::ObjectReader& reader, PieceCache& cache, const PieceCache::Body& body)
      : reader_(reader), cache_(cache), body_(body) {}

  // As ObjectReader::read_at().
  std::size_t read_at(uint64_t offset, char* into, std::size_t size) const {
    std::size_t done = 0;
    while (done < size) {
      const uint64_t at = offset + done, number = at / piece_size, skip = at % piece_size;
      const std::size_t whole = (size - done) / piece_size;
      const std::size_t got = skip == 0 && whole > 0 ? read_whole(number, whole, into + done)
                                                     : read_part(number, skip, into + done,
                                                                 std::min<std::size_t>(size - done, piece_size - skip));
      done += got;
      if (got == 0) break;
    }
    return done;
  }

 private:
  static constexpr std::size_t piece_size = PieceCache::piece_size_bytes;

  // The first of `count` pieces, or as many as must be fetched in one.
  std::size_t read_whole(uint64_t number, std::size_t count, char* into) const {
    if (const auto piece = cache_.find(body_, number); piece.bytes) {
      std::memcpy(into, piece.bytes.get(), piece.size_bytes);
      return piece.size_bytes;
    }
    std::size_t missing = 1;
    while (missing < count && !cache_.find(body_, number + missing).bytes) ++missing;
    const std::size_t got = reader_.read_at(number * piece_size, into, missing * piece_size);
    for (std::size_t i = 0; (i + 1) * piece_size <= got; ++i)
      if (cache_.asked_before(body_, number + i)) keep(number + i, into + i * piece_size);
    return got;
  }

  void keep(uint64_t number, const char* bytes) const {
    PieceCache::Piece piece{std::make_shared_for_overwrite<char[]>(piece_size), piece_size};
    std::memcpy(piece.bytes.get(), bytes, piece_size);
    cache_.add(body_, number, std::move(piece));
  }

  std::size_t read_part(uint64_t number, uint64_t skip, char* into, std::size_t size) const {
    auto piece = cache_.find(body_, number);
    if (!piece.bytes) {
      piece.bytes = std::make_shared_for_overwrite<char[]>(piece_size);
      piece.size_bytes = reader_.read_at(number * piece_size, piece.bytes.get(), piece_size);
      cache_.add(body_, number, piece);
    }
    if (skip >= piece.size_bytes) return 0;
    const std::size_t part = std::min<std::size_t>(size, piece.size_bytes - skip);
    std::memcpy(into, piece.bytes.get() + skip, part);
    return part;
  }

  const store::ObjectReader& reader_;
  PieceCache& cache_;
  const PieceCache::Body body_;
};

class ReadHandle : public duckdb::FileHandle {
 public:
  ReadHandle(duckdb::FileSystem& fs, const std::string& opened, duckdb::FileOpenFlags how, SessionState& state,
             std::unique_ptr<store::ObjectReader> reader, PieceCache& pieces)
      : FileHandle(fs, opened, how),
        state_(state),
        reader_(std::move(reader)),
        reads_(*reader_, pieces, PieceCache::body(parse_s3_path(opened).bucket, reader_->info())) {}
  void Close() override {}

  virtual int64_t read_next(char* into, uint64_t size_bytes) {
    const std::size_t got = read_from(position_, into, size_bytes);
    position_ += got;
    return static_cast<int64_t>(got);
  }
  virtual bool can_seek() const { return true; }
  virtual void seek(uint64_t to) { position_ = to; }
  std::size_t read_from(uint64_t offset_bytes, char* into, std::size_t size_bytes) {
    if (state_.interrupted) throw duckdb::InterruptException();
    const std::size_t got = guarded(state_, [&] { return reads_.read_at(offset_bytes, into, size_bytes); });
    state_.count(got);
    return got;
  }
  uint64_t position() const { return position_; }
  const store::ObjectInfo& info() const { return reader_->info(); }

 protected:
  SessionState& state_;
  std::unique_ptr<store::ObjectReader> reader_;
  const KeptReads reads_;
  uint64_t position_ = 0;
};

// A bzip2 file, read from the start only. Several streams behind each other count as one, as bzip2 itself has it.
class Bzip2Handle : public ReadHandle {
 public:
  using ReadHandle::ReadHandle;
  ~Bzip2Handle() override { end(); }
  bool can_seek() const override { return false; }
  duckdb::FileCompressionType GetFileCompressionType() override { return duckdb::FileCompressionType::GZIP; }
  void seek(uint64_t to) override {
    if (to != 0) throw duckdb::IOException("a bzip2 file is read from its start only");
    end();
    position_ = 0;
    done_ = false;
    stream_ = {};
  }

  int64_t read_next(char* into, uint64_t size_bytes) override {
    uint64_t out = 0;
    while (out < size_bytes && !done_) {
      if (stream_.avail_in == 0) {
        const std::size_t got = read_from(position_, input_, sizeof input_);
        position_ += got;
        stream_.next_in = input_;
        stream_.avail_in = static_cast<unsigned>(got);
        if (got == 0) {
          if (open_) bad("ends in the middle");
          done_ = true;
          break;
        }
      }
      if (!open_) {
        char* const next = stream_.next_in;
        const unsigned available = stream_.avail_in;
        stream_ = {};
        if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) bad("does not open");
        stream_.next_in = next;
        stream_.avail_in = available;
        open_ = true;
      }
      const unsigned room = static_cast<unsigned>(std::min<uint64_t>(size_bytes - out, 1u << 30));
      stream_.next_out = into + out;
      stream_.avail_out = room;
      const int result = BZ2_bzDecompress(&stream_);
      if (result != BZ_OK && result != BZ_STREAM_END) bad("is corrupt");
      out += room - stream_.avail_out;
      if (result == BZ_STREAM_END) {
        BZ2_bzDecompressEnd(&stream_);
        open_ = false;
      }
    }
    return static_cast<int64_t>(out);
  }

 private:
  [[noreturn]] void bad(const char* how) {
    state_.fail(Error(ErrorKind::caller, "HIVE_CURSOR_ERROR", "The bzip2 file " + path + " " + how));
  }
  void end() {
    if (open_) BZ2_bzDecompressEnd(&stream_);
    open_ = false;
  }

  bz_stream stream_ = {};
  bool open_ = false, done_ = false;
  char input_[64 * 1024];
};

// A JSON file whose keys are turned into the column names that the scan asks for.
class JsonKeysHandle : public duckdb::FileHandle {
 public:
  JsonKeysHandle(duckdb::FileSystem& fs, const std::string& opened, duckdb::unique_ptr<duckdb::FileHandle> inner,
                 const JsonText& options)
      : FileHandle(fs, opened, inner->flags), inner_(std::move(inner)), keys_(options) {}
  void Close() override { inner_->Close(); }
  duckdb::FileCompressionType GetFileCompressionType() override { return duckdb::FileCompressionType::GZIP; }

  int64_t read_next(char* into, uint64_t size_bytes) {
    while (at_ == ready_.size() && !finished_) {
      raw_.resize(256 * 1024);
      const int64_t got = inner_->Read(raw_.data(), raw_.size());
      ready_.clear();
      at_ = 0;
      if (got > 0)
        keys_.feed(std::string_view(raw_.data(), static_cast<std::size_t>(got)), ready_);
      else
        finished_ = true, keys_.finish(ready_);
    }
    const std::size_t count = std::min<std::size_t>(size_bytes, ready_.size() - at_);
    std::memcpy(into, ready_.data() + at_, count);
    at_ += count;
    return static_cast<int64_t>(count);
  }
  void reset() {
    inner_->Reset();
    keys_ = JsonKeys(keys_.options());
    ready_.clear();
    at_ = 0;
    finished_ = false;
  }
  duckdb::FileHandle& inner() { return *inner_; }

 private:
  duckdb::unique_ptr<duckdb::FileHandle> inner_;
  JsonKeys keys_;
  std::string raw_, ready_;
  std::size_t at_ = 0;
  bool finished_ = false;
};

// An object being written: handed over to the session when closed, visible when the session publishes.
class WriteHandle : public duckdb::FileHandle {
 public:
  WriteHandle(duckdb::FileSystem& fs, const std::string& opened, duckdb::FileOpenFlags how, SessionState& state,
              SessionState::Written& written)
      : FileHandle(fs, opened, how), state_(state), written_(written) {}
  void Close() override {
    std::lock_guard lock(state_.mutex);
    written_.closed = true;
  }
  void append(const char* bytes, uint64_t size_bytes) {
    if (state_.interrupted) throw duckdb::InterruptException();
    guarded(state_, [&] { written_.writer->append({bytes, size_bytes}); });
    written_.object.size_bytes += size_bytes;
  }
  uint64_t size_bytes() const { return written_.object.size_bytes; }

 private:
  SessionState& state_;
  SessionState::Written& written_;
};

class StoreFileSystem : public duckdb::FileSystem {
 public:
  explicit StoreFileSystem(std::size_t kept_size_bytes) : pieces_(kept_size_bytes) {}
  std::string GetName() const override { return "StoreFileSystem"; }
  bool CanHandleFile(const std::string& path) override { return path.starts_with("s3://"); }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                  duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    return OpenFileExtended(duckdb::OpenFileInfo(path), flags, opener);
  }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFileExtended(const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags,
                                                          duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    SessionState& state = SessionState::of(opener);
    if (flags.OpenForWriting()) return open_for_writing(file.path, flags, state);
    const S3Path at = parse_s3_path(file.path);
    auto reader = guarded(state, [&] {
      return state.store.open(state.authority.objects(state.principal, store::Access::read, at.bucket, at.key),
                              at.bucket, at.key);
    });
    if (!reader) {
      if (flags.ReturnNullIfNotExists()) return nullptr;
      state.fail(Error(ErrorKind::missing, "HIVE_CANNOT_OPEN_SPLIT",
                       "Error opening Hive split " + file.path + ": the object is gone"));
    }
    if (at.key.ends_with(".bz2"))
      return duckdb::make_uniq<Bzip2Handle>(*this, file.path, flags, state, std::move(reader), pieces_);
    return duckdb::make_uniq<ReadHandle>(*this, file.path, flags, state, std::move(reader), pieces_);
  }
  bool SupportsOpenFileExtended() const override { return true; }

  void Read(duckdb::FileHandle& handle, void* buffer, int64_t size_bytes, duckdb::idx_t location) override {
    const auto got =
        handle.Cast<ReadHandle>().read_from(location, static_cast<char*>(buffer), static_cast<std::size_t>(size_bytes));
    if (got != static_cast<std::size_t>(size_bytes))
      throw duckdb::IOException(
          "the object %s ends before byte %llu", handle.path,
          static_cast<unsigned long long>(location) + static_cast<unsigned long long>(size_bytes));
  }
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t size_bytes) override {
    return handle.Cast<ReadHandle>().read_next(static_cast<char*>(buffer), static_cast<uint64_t>(size_bytes));
  }
  int64_t Write(duckdb::FileHandle& handle, void* buffer, int64_t size_bytes) override {
    handle.Cast<WriteHandle>().append(static_cast<const char*>(buffer), static_cast<uint64_t>(size_bytes));
    return size_bytes;
  }
  void Write(duckdb::FileHandle& handle, void* buffer, int64_t size_bytes, duckdb::idx_t location) override {
    if (location != handle.Cast<WriteHandle>().size_bytes())
      throw duckdb::IOException("objects are written from start to end");
    Write(handle, buffer, size_bytes);
  }

  int64_t GetFileSize(duckdb::FileHandle& handle) override {
    if (handle.flags.OpenForWriting()) return static_cast<int64_t>(handle.Cast<WriteHandle>().size_bytes());
    return static_cast<int64_t>(handle.Cast<ReadHandle>().info().size_bytes);
  }
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override {
    return duckdb::Timestamp::FromEpochMs(handle.Cast<ReadHandle>().info().last_modified.time_since_epoch().count());
  }
  std::string GetVersionTag(duckdb::FileHandle& handle) override { return handle.Cast<ReadHandle>().info().etag; }
  duckdb::FileType GetFileType(duckdb::FileHandle&) override { return duckdb::FileType::FILE_TYPE_REGULAR; }
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override { handle.Cast<ReadHandle>().seek(location); }
  void Reset(duckdb::FileHandle& handle) override { Seek(handle, 0); }
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override {
    if (handle.flags.OpenForWriting()) return handle.Cast<WriteHandle>().size_bytes();
    return handle.Cast<ReadHandle>().position();
  }
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle&) override { return true; }
  void FileSync(duckdb::FileHandle&) override {}  // an object is durable once published

  bool FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    SessionState& state = SessionState::of(opener);
    const S3Path at = parse_s3_path(path);
    return guarded(state, [&] {
      return state.store
          .head(state.authority.objects(state.principal, store::Access::read, at.bucket, at.key), at.bucket, at.key)
          .has_value();
    });
  }
  bool DirectoryExists(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override { return true; }
  void CreateDirectory(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override {}
  void CreateDirectoriesRecursive(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override {}
  bool ListFiles(const std::string&, const std::function<void(const std::string&, bool)>&,
                 duckdb::FileOpener*) override {
    return false;  // COPY asks whether its target is empty: Athena's rules for that are checked before
  }
  // Only objects written here and not published go away: no statement deletes files.
  bool TryRemoveFile(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    SessionState& state = SessionState::of(opener);
    const S3Path at = parse_s3_path(path);
    std::lock_guard lock(state.mutex);
    return std::erase_if(state.written, [&](const auto& w) {
             return w.closed && w.object.bucket == at.bucket && w.object.key == at.key;
           }) > 0;
  }
  void RemoveFile(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    TryRemoveFile(path, opener);
  }

  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path, duckdb::FileOpener* opener) override {
    if (FileExists(path, opener)) return {duckdb::OpenFileInfo(path)};
    return {};
  }

 private:
  duckdb::unique_ptr<duckdb::FileHandle> open_for_writing(const std::string& path, duckdb::FileOpenFlags flags,
                                                          SessionState& state) {
    const S3Path at = parse_s3_path(path);
    auto writer = guarded(state, [&] {
      return state.store.write(state.authority.objects(state.principal, store::Access::write, at.bucket, at.key),
                               at.bucket, at.key, {});
    });
    std::lock_guard lock(state.mutex);
    auto& written = state.written.emplace_back(SessionState::Written{{at.bucket, at.key, 0}, std::move(writer), false});
    return duckdb::make_uniq<WriteHandle>(*this, path, flags, state, written);
  }

  PieceCache pieces_;
};

// s3json://SCAN/bucket/key: the object, decompressed, with the keys that the scan of that number wants. Read from the
// start only.
class JsonKeysFileSystem : public duckdb::FileSystem {
 public:
  std::string GetName() const override { return "JsonKeysFileSystem"; }
  bool CanHandleFile(const std::string& path) override { return path.starts_with(json_scheme); }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string& path, duckdb::FileOpenFlags,
                                                  duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    SessionState& state = SessionState::of(opener);
    const auto [scan, object] = split_json_path(path);
    auto& files = duckdb::FileSystem::GetFileSystem(*duckdb::FileOpener::TryGetClientContext(opener));
    auto inner = files.OpenFile(object, duckdb::FileFlags::FILE_FLAGS_READ | duckdb::FileCompressionType::AUTO_DETECT);
    std::lock_guard lock(state.mutex);
    return duckdb::make_uniq<JsonKeysHandle>(*this, path, std::move(inner), state.scans.at(scan).json);
  }
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t size_bytes) override {
    return handle.Cast<JsonKeysHandle>().read_next(static_cast<char*>(buffer), static_cast<uint64_t>(size_bytes));
  }
  void Reset(duckdb::FileHandle& handle) override { handle.Cast<JsonKeysHandle>().reset(); }
  int64_t GetFileSize(duckdb::FileHandle& handle) override {
    return static_cast<int64_t>(handle.Cast<JsonKeysHandle>().inner().GetFileSize());
  }
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle&) override { return duckdb::timestamp_t(0); }
  duckdb::FileType GetFileType(duckdb::FileHandle&) override { return duckdb::FileType::FILE_TYPE_REGULAR; }
  bool CanSeek() override { return false; }
  bool OnDiskFile(duckdb::FileHandle&) override { return false; }
};

}  // namespace

std::pair<std::size_t, std::string> split_json_path(const std::string& path) {
  const auto slash = path.find('/', json_scheme.size());
  return {std::stoul(path.substr(json_scheme.size(), slash - json_scheme.size())), "s3://" + path.substr(slash + 1)};
}

void register_store_file_systems(duckdb::FileSystem& files, std::size_t kept_size_bytes) {
  files.RegisterSubSystem(duckdb::make_uniq<StoreFileSystem>(kept_size_bytes));
  files.RegisterSubSystem(duckdb::make_uniq<JsonKeysFileSystem>());
}

}  // namespace tarn::query
