#include "base/cipher.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "store/body_cipher.hpp"
#include "store/local_store.hpp"

namespace tarn::store {

BodyWriter::BodyWriter(LocalStore& store, std::string wrapping_key)
    : store_(store), wrapping_key_(std::move(wrapping_key)) {
  store_.blobs_->require_space();
}
BodyWriter::~BodyWriter() = default;

void BodyWriter::append(std::string_view bytes) {
  if (size_bytes_ + bytes.size() > limits::max_single_put_size_bytes) {
    throw Error(ErrorKind::caller, "EntityTooLarge", "A body of more than 5 GiB has to be uploaded in parts.");
  }
  size_bytes_ += bytes.size();
  md5_of_all_.update(bytes);
  crc64nvme_of_all_.update(bytes);
  if (!file_ && size_bytes_ <= limits::max_inline_object_size_bytes) {
    inline_ += bytes;
    return;
  }
  if (!file_) {
    id_ = store_.new_id();
    draw_data_key();
    file_ = store_.blobs_->write(id_, data_key_);
    file_->append(inline_);
    inline_ = std::string();
  }
  file_->append(bytes);
}

void BodyWriter::finish() {
  md5_ = md5_of_all_.finish();
  crc64nvme_ = crc64nvme_of_all_.finish();
  if (file_) {
    file_record_ = file_->finish();
  } else if (size_bytes_ > 0) {
    id_ = store_.new_id();
    draw_data_key();
    if (!data_key_.empty()) inline_ = seal_small(data_key_, inline_);
  }
}

void BodyWriter::draw_data_key() {
  if (!wrapping_key_.empty()) data_key_ = store_.random_.bytes(cipher_key_size_bytes);
}

std::vector<Extent> BodyWriter::extents() const {
  if (size_bytes_ == 0) return {};
  Extent extent{id_, file_ != nullptr, 0, size_bytes_, {}, 0};
  if (!data_key_.empty()) {
    extent.wrapped_key = wrap_key(wrapping_key_, data_key_);
    extent.blob_size_bytes = size_bytes_;
  }
  return {extent};
}

void BodyWriter::add_to(Change& change) {
  if (file_) {
    change.add_file(id_, file_record_);
  } else if (size_bytes_ > 0) {
    change.add_body(id_, inline_, !data_key_.empty());
  }
}

void BodyWriter::commit(Change& change) {
  if (!file_) return change.commit();
  file_->kept();
  try {
    change.commit();
  } catch (const Error&) {
    store_.reclaimer_->doubtful(id_);  // a failed flush does not tell whether the index has the blob
    throw;
  }
  try {
    store_.blobs_->publish(id_);
  } catch (const Error& error) {  // readers find it where it is, and the next opening tries again
    log(LogLevel::warning, "a blob could not be moved to its place", Value::map({{"error", error.message()}}));
  }
}

}  // namespace tarn::store
