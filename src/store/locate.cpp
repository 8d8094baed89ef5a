#include "store/locate.hpp"

#include <filesystem>

#include "base/error.hpp"
#include "store/body_cipher.hpp"
#include "store/data_folder.hpp"
#include "store/index.hpp"
#include "store/records.hpp"
#include "store/remote_blobs.hpp"

namespace tarn::store {

std::optional<Location> locate_local(const std::string& path, std::string_view bucket, std::string_view key,
                                     const RemoteBodies& remote) {
  DataFolder folder(path, DataFolder::Missing::refuse);
  Index index(path + "/index", false);
  const std::unique_ptr<Blobs> blobs = open_blobs(path, false, index, remote, "");
  std::string stored;
  if (!index.get(Family::objects, object_key(bucket, key), stored)) return std::nullopt;
  ObjectRecord object = decode_object(stored);
  if (object.layout) {
    if (!index.get(Family::records, layout_key(object.layout), stored))
      throw Error(ErrorKind::bug, "InternalError",
                  "The record of where its bytes lie is missing: see tarn store verify.");
    decode_layout(stored, object);
  }
  Location out{object.info.size_bytes, object.info.etag, {}};
  for (const Extent& extent : object.extents) {
    BodyPiece piece;
    const std::string place = blobs->place_of(extent.blob);
    piece.blob = blob_name(extent.blob);
    piece.size_bytes = extent.size_bytes;
    piece.sealed = extent.sealed();
    auto place_of = [&](uint64_t offset) { return piece.sealed ? sealed_offset_bytes(offset) : offset; };
    piece.stored_offset_bytes = place_of(extent.offset_bytes);
    piece.stored_size_bytes = place_of(extent.offset_bytes + extent.size_bytes - 1) + 1 - piece.stored_offset_bytes;
    if (!extent.file) {
      piece.file = "index";
      piece.there = index.get(Family::bodies, body_key(extent.blob), stored);
    } else {
      // What was just committed before a crash waits in incoming/ for the next opening.
      piece.file = place;
      if (blobs->open_ones_stay() && !std::filesystem::exists(path + "/" + place) &&
          std::filesystem::exists(path + "/incoming/" + piece.blob))
        piece.file = "incoming/" + piece.blob;
      piece.there = blobs->size_of(extent.blob) > 0;
    }
    out.pieces.push_back(std::move(piece));
  }
  return out;
}

}  // namespace tarn::store
