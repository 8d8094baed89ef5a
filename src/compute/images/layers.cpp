// Layers and their uploads. A part that was acknowledged is an object of its own; an upload of one part becomes the
// layer by name alone, and moves no bytes.
#include <vector>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "compute/images/limits.hpp"
#include "compute/images/records.hpp"
#include "compute/images/registry.hpp"

namespace tarn::compute {
namespace {

constexpr std::size_t buffer_size_bytes = 256 * 1024;

[[noreturn]] void upload_missing(const RepositoryName& name, const std::string& id) {
  throw Error(ErrorKind::missing, "UploadNotFoundException",
              "Upload with id '" + id + "' in the repository with name '" + name.name + "' in the registry with id '" +
                  name.account + "' could not be found");
}

uint64_t size_of(const Value& upload) {
  uint64_t sum = 0;
  for (const Value& part : upload.at("Parts").as_list()) sum += static_cast<uint64_t>(part.int_or("Size"));
  return sum;
}

// The parts of an upload, one behind the other.
class PartsReader : public api::BodySource {
 public:
  explicit PartsReader(std::vector<std::unique_ptr<store::ObjectReader>> parts) : parts_(std::move(parts)) {}
  std::size_t read(char* into, std::size_t size_bytes) override {
    for (; at_ < parts_.size(); ++at_)
      if (std::size_t n = parts_[at_]->read(into, size_bytes)) return n;
    return 0;
  }
  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }

 private:
  std::vector<std::unique_ptr<store::ObjectReader>> parts_;
  std::size_t at_ = 0;
};

Value layer_value(const std::string& object, uint64_t size_bytes, const std::string& media_type) {
  return Value::map({{"Object", object}, {"Size", size_bytes}, {"MediaType", media_type}});
}

}  // namespace

std::optional<StoredLayer> Registry::find_layer(const RepositoryName& name, const std::string& digest) const {
  auto found = p_.metadata.get(image_layer_kind, name.key(digest));
  if (!found) return std::nullopt;
  return StoredLayer{found->string_or("Object"), static_cast<uint64_t>(found->int_or("Size")),
                     found->string_or("MediaType")};
}

std::unique_ptr<store::ObjectReader> Registry::open_layer(const RepositoryName& name, const std::string& digest) const {
  const auto layer = find_layer(name, digest);
  return layer ? p_.store.open(grant_, layer_bucket, layer->object) : nullptr;
}

void Registry::ensure_bucket() {
  if (p_.store.find_bucket(layer_bucket)) return;
  try {
    p_.store.create_bucket({std::string(layer_bucket), "ecr", "us-east-1", p_.clock.now(), {}});
  } catch (const Error& e) {
    if (e.code() != "BucketAlreadyOwnedByYou") throw;  // another upload made it
  }
}

std::string Registry::new_object(const RepositoryName& name) {
  ensure_bucket();
  std::string object = name.account + "/" + name.region + "/" + p_.random.hex(32);
  p_.metadata.change_quietly([&](meta::Transaction& t) {
    require(t, name);
    t.put(loose_object_kind, object, Value::map());
  });
  return object;
}

Registry::Written Registry::write_object(const std::string& object, const std::string& kms_key_arn,
                                         api::BodySource& bytes, uint64_t at_most_bytes) {
  store::EncryptionWish wish;
  if (!kms_key_arn.empty()) {
    wish.kind = store::Encryption::Kind::kms;
    wish.kms_key_id = kms_key_arn;
  }
  auto writer = p_.store.write(grant_, layer_bucket, object, {}, {}, wish);
  Digest sha256(DigestKind::sha256);
  Written out;
  const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_size_bytes);
  while (const std::size_t n = bytes.read(buffer.get(), buffer_size_bytes)) {
    out.size_bytes += n;
    if (out.size_bytes > at_most_bytes)
      throw Error(ErrorKind::limit, "LimitExceededException", "The layer is larger than tarn takes.");
    sha256.update({buffer.get(), n});
    writer->append({buffer.get(), n});
  }
  if (out.size_bytes > 0) writer->finish({});
  out.digest = "sha256:" + hex_encode(sha256.finish());
  return out;
}

void Registry::discard(const std::vector<std::string>& objects) {
  if (objects.empty()) return;
  for (const std::string& object : objects) {
    try {
      if (p_.store.find_bucket(layer_bucket)) p_.store.erase(grant_, layer_bucket, object);
    } catch (const Error& e) {
      // The record stays, so the next start tries again.
      log(LogLevel::warning, "a layer was not removed", Value::map({{"object", object}, {"why", e.message()}}));
      continue;
    }
    p_.metadata.change_quietly([&](meta::Transaction& t) { t.erase(loose_object_kind, object); });
  }
}

bool Registry::mount_layer(const RepositoryName& from, const RepositoryName& to, std::string_view actor,
                           const std::string& digest) {
  const auto layer = find_layer(from, digest);
  if (!layer) return false;
  if (find_layer(to, digest)) return true;
  // Each repository encrypts as it was made.
  auto source = p_.store.open(grant_, layer_bucket, layer->object);
  if (!source) return false;
  const std::string object = new_object(to);
  std::vector<std::unique_ptr<store::ObjectReader>> parts;
  parts.push_back(std::move(source));
  if (kms_key_of(from) == kms_key_of(to)) {
    p_.store.copy(grant_, layer_bucket, layer->object, grant_, layer_bucket, object, std::nullopt);
  } else {
    PartsReader reader(std::move(parts));
    write_object(object, kms_key_of(to), reader, limits::max_layer_size_bytes);
  }
  bool mine = false;
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    require(t, to);
    mine = !t.get(image_layer_kind, to.key(digest));
    if (!mine) return;
    t.put(image_layer_kind, to.key(digest), layer_value(object, layer->size_bytes, layer->media_type));
    t.erase(loose_object_kind, object);
  });
  if (!mine) discard({object});
  return true;
}

std::string Registry::begin_upload(const RepositoryName& name) {
  std::string id = p_.random.uuid();
  p_.metadata.change_quietly([&](meta::Transaction& t) {
    require(t, name);
    t.put(upload_kind, name.key(id), Value::map({{"Started", p_.clock.now()}, {"Parts", Value::list()}}));
  });
  return id;
}

uint64_t Registry::upload_size_bytes(const RepositoryName& name, const std::string& id) const {
  require(p_.metadata, name);
  auto upload = p_.metadata.get(upload_kind, name.key(id));
  if (!upload) upload_missing(name, id);
  return size_of(*upload);
}

uint64_t Registry::append(const RepositoryName& name, const std::string& id, std::optional<uint64_t> first_byte,
                          api::BodySource& bytes) {
  const uint64_t before = upload_size_bytes(name, id);
  auto check_place = [&](uint64_t size) {
    if (size == first_byte.value_or(before)) return;
    throw Error(ErrorKind::conflict, "InvalidLayerPartException",
                "Invalid layer part in the upload with id '" + id + "' in the repository with name '" + name.name +
                    "' in the registry with id '" + name.account + "': first byte " +
                    std::to_string(first_byte.value_or(before)) + ", but byte " + std::to_string(size) + " is next")
        .with("registryId", name.account)
        .with("repositoryName", name.name)
        .with("uploadId", id);
  };
  check_place(before);
  const std::string object = new_object(name);
  Written written;
  uint64_t size = before;
  try {
    written = write_object(object, kms_key_of(name), bytes, limits::max_layer_size_bytes - before);
    p_.metadata.change_quietly([&](meta::Transaction& t) {
      auto upload = t.get(upload_kind, name.key(id));
      if (!upload) upload_missing(name, id);
      check_place(size_of(*upload));
      if (written.size_bytes == 0) return;
      Value& parts = upload->at("Parts").is_list() ? *upload->find("Parts") : (*upload)["Parts"];
      if (parts.as_list().size() >= limits::max_layer_parts)
        throw Error(ErrorKind::limit, "LimitExceededException", "A layer has at most 4200 parts.");
      parts.push_back(Value::map({{"Object", object}, {"Size", written.size_bytes}, {"Digest", written.digest}}));
      t.put(upload_kind, name.key(id), *upload);
      t.erase(loose_object_kind, object);
      size = before + written.size_bytes;
    });
  } catch (...) {
    discard({object});
    throw;
  }
  if (written.size_bytes == 0) discard({object});
  return size;
}

void Registry::complete_upload(const RepositoryName& name, std::string_view actor, const std::string& id,
                               const std::string& digest) {
  require(p_.metadata, name);
  auto upload = p_.metadata.get(upload_kind, name.key(id));
  if (!upload) upload_missing(name, id);
  const ValueList parts = upload->at("Parts").as_list();
  if (parts.empty())
    throw Error(ErrorKind::caller, "EmptyUploadException",
                "Upload with id '" + id + "' in the repository with name '" + name.name +
                    "' in the registry with id '" + name.account + "' is empty");
  std::string object = parts.front().string_or("Object"), got = parts.front().string_or("Digest");
  std::vector<std::string> loose;
  if (parts.size() > 1) {
    std::vector<std::unique_ptr<store::ObjectReader>> readers;
    for (const Value& part : parts) {
      loose.push_back(part.string_or("Object"));
      readers.push_back(p_.store.open(grant_, layer_bucket, loose.back()));
      if (!readers.back()) throw Error(ErrorKind::bug, "ServerException", "A part of the layer is missing.");
    }
    PartsReader reader(std::move(readers));
    object = new_object(name);
    got = write_object(object, kms_key_of(name), reader, limits::max_layer_size_bytes).digest;
  }
  if (got != digest) {
    if (parts.size() > 1) discard({object});
    throw Error(ErrorKind::caller, "InvalidLayerException",
                "The digest of the layer is '" + got + "', not '" + digest + "'");
  }
  bool there = false;
  p_.metadata.change(actor, [&](meta::Transaction& t) {
    require(t, name);
    if (!t.erase(upload_kind, name.key(id))) upload_missing(name, id);
    there = t.get(image_layer_kind, name.key(digest)).has_value();
    if (!there) {
      t.put(image_layer_kind, name.key(digest), layer_value(object, size_of(*upload), ""));
      t.erase(loose_object_kind, object);
    } else {
      loose.push_back(object);
    }
    for (const std::string& one : loose) t.put(loose_object_kind, one, Value::map());
  });
  discard(loose);
  if (there)
    throw Error(ErrorKind::conflict, "LayerAlreadyExistsException",
                "Layer with digest '" + digest + "' already exists in the repository with name '" + name.name +
                    "' in the registry with id '" + name.account + "'");
}

void Registry::cancel_upload(const RepositoryName& name, const std::string& id) {
  std::vector<std::string> loose;
  p_.metadata.change_quietly([&](meta::Transaction& t) {
    auto upload = t.get(upload_kind, name.key(id));
    if (!upload) upload_missing(name, id);
    for (const Value& part : upload->at("Parts").as_list()) {
      loose.push_back(part.string_or("Object"));
      t.put(loose_object_kind, loose.back(), Value::map());
    }
    t.erase(upload_kind, name.key(id));
  });
  discard(loose);
}

}  // namespace tarn::compute
