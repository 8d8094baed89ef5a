// Bodies as objects of another's S3: PREFIX/blobs/ID, each written once and never changed; PREFIX/STORE says whose they
// are. While one is on its way, an empty file incoming/ID stands in the data folder (or it holds the id of the upload
// that the body goes in), so that an opening knows what was left unfinished. Large bodies go up in parts of
// limits::remote_part_size_bytes, of which one is in memory; ranges come by GET with a Range.
#pragma once

#include <string>
#include <vector>

#include "store/blob_files.hpp"
#include "store/remote_s3.hpp"

namespace tarn::store {

class Index;

class RemoteBlobs final : public Blobs {
 public:
  // `folder` is the data folder.
  RemoteBlobs(const std::string& folder, bool flushed, const RemoteBodies& remote);

  // Whose bodies the prefix holds: the id of a store; empty when nobody's yet.
  std::string owner();
  void set_owner(const std::string& store_id);

  void require_space() const override { require_disk_space(folder_.get()); }
  std::unique_ptr<BlobWriter> write(BlobId id, std::string_view data_key) override;
  void publish(BlobId id) override;
  std::unique_ptr<BlobReader> open(BlobId id) const override;
  bool open_ones_stay() const override { return false; }
  void remove(BlobId id) override;
  void flush_removals(const std::vector<BlobId>&) override {}
  std::vector<BlobId> unsettled() override;
  void remove_unsettled(BlobId id) override { remove(id); }
  std::vector<BlobId> all() const override;
  uint64_t size_of(BlobId id) const override;
  std::string put_aside(BlobId id) override;
  std::string place_of(BlobId id) const override;

 private:
  friend class RemoteBlobWriter;
  friend class RemoteBlobReader;
  void mark(BlobId id);
  void unmark(BlobId id);

  Descriptor folder_, incoming_;
  bool flushed_;
  FolderFlush incoming_flush_;
  mutable RemoteS3 s3_;
};

// Where a store's large bodies are: as its index says, else as `remote` asks for. Error (caller, InvalidDataFolder)
// when both say something else, or a store that has bodies on its disk already is to keep them elsewhere; (caller,
// InvalidArgument) when credentials lack; (outside, ServiceUnavailable) when a new store's S3 can't be reached.
std::unique_ptr<Blobs> open_blobs(const std::string& folder, bool flushed, Index& index, const RemoteBodies& remote,
                                  const std::string& new_store_id);

}  // namespace tarn::store
