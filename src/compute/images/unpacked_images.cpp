#include "compute/images/unpacked_images.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "base/json.hpp"
#include "compute/images/limits.hpp"
#include "compute/images/root_folder.hpp"

namespace tarn::compute {
namespace {

namespace fs = std::filesystem;

#if defined(__aarch64__)
constexpr std::string_view own_architecture = "arm64";
#else
constexpr std::string_view own_architecture = "amd64";
#endif

[[noreturn]] void bad_image(const std::string& message) {
  throw Error(ErrorKind::caller, "InvalidParameterValueException", message);
}

// Another after each start of the machine.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string out;
  std::getline(file, out);
  return out;
}

ByteSource source_of(std::unique_ptr<store::ObjectReader> object) {
  std::shared_ptr<store::ObjectReader> shared = std::move(object);
  return [shared](char* into, std::size_t size_bytes) { return shared->read(into, size_bytes); };
}

}  // namespace

UnpackedImages::UnpackedImages(Registry& registry, std::string folder)
    : registry_(registry), folder_(std::move(folder)) {}

std::string UnpackedImages::folder_of(const std::string& digest) const {
  return folder_ + "/" + digest.substr(digest.find(':') + 1);
}

RunnableImage UnpackedImages::open(const std::string& account, const std::string& region, const std::string& uri) {
  const auto reference = parse_image_reference(uri);
  if (!reference) bad_image("Source image " + uri + " is not valid. Provide a valid source image.");
  if (!reference->account.empty() && (reference->account != account || reference->region != region))
    bad_image("Source image " + uri + " is in another account or region. tarn runs images of the same ones.");
  const RepositoryName repository{account, region, reference->repository};
  auto image = registry_.find_image(repository, reference->digest, reference->tag);
  if (image && parse_manifest(image->manifest, image->media_type).is_index()) {
    const Manifest index = parse_manifest(image->manifest, image->media_type);
    image.reset();
    for (const BlobReference& one : index.images)
      if (one.platform_architecture == own_architecture && one.platform_os == "linux")
        image = registry_.find_image(repository, one.digest, "");
    if (!image) bad_image("Source image " + uri + " has no image for linux/" + std::string(own_architecture) + ".");
  }
  if (!image) bad_image("Source image " + uri + " does not exist. Provide a valid source image.");
  std::lock_guard lock(mutex_);
  if (!fs::exists(folder_of(image->digest))) unpack(repository, *image);
  return read(repository, image->digest);
}

RunnableImage UnpackedImages::open_again(const RepositoryName& repository, const std::string& digest) {
  std::lock_guard lock(mutex_);
  if (!fs::exists(folder_of(digest))) {
    const auto image = registry_.find_image(repository, digest, "");
    if (!image) bad_image("Source image " + repository.name + "@" + digest + " does not exist any more.");
    unpack(repository, *image);
  }
  return read(repository, digest);
}

std::string UnpackedImages::config_text(const RepositoryName& repository, const Manifest& manifest) const {
  auto blob = registry_.open_layer(repository, manifest.config->digest);
  if (!blob) throw Error(ErrorKind::bug, "InternalFailure", "The configuration of an image is missing.");
  if (blob->info().size_bytes > limits::max_image_config_size_bytes)
    bad_image("The source image's configuration is too large.");
  std::string text(blob->info().size_bytes, '\0');
  std::size_t filled = 0;
  while (std::size_t n = blob->read(text.data() + filled, text.size() - filled)) filled += n;
  return text;
}

// In a folder "….part", which gets its name when all of it is there.
void UnpackedImages::unpack(const RepositoryName& repository, const StoredImage& image) {
  const Manifest manifest = parse_manifest(image.manifest, image.media_type);
  const std::string config = config_text(repository, manifest);
  const ImageConfig parsed = read_image_config(config);
  if (!parsed.architecture.empty() && parsed.architecture != own_architecture)
    bad_image("The source image is for " + parsed.architecture + "; this machine is " + std::string(own_architecture) +
              ".");
  const std::string path = folder_of(image.digest), part = path + ".part";
  std::error_code ignored;
  fs::remove_all(part, ignored);
  try {
    fs::create_directories(part + "/root");
    RootFolder root(part + "/root");
    for (const BlobReference& layer : manifest.layers) {
      auto blob = registry_.open_layer(repository, layer.digest);
      if (!blob) throw Error(ErrorKind::bug, "InternalFailure", "The layer " + layer.digest + " is missing.");
      root.add_layer(source_of(std::move(blob)), limits::max_unpacked_image_size_bytes);
    }
    root.add_mount_points();
    std::ofstream(part + "/config.json") << config;
    std::ofstream(part + "/origin.json") << to_json(Value::map({{"Account", repository.account},
                                                                {"Region", repository.region},
                                                                {"Repository", repository.name},
                                                                {"Boot", boot_id()}}));
    if (::rename(part.c_str(), path.c_str()) != 0)
      throw Error(ErrorKind::bug, "InternalFailure", path + " can't be made: " + std::strerror(errno));
  } catch (const Error& e) {
    fs::remove_all(part, ignored);
    if (e.code() == "InvalidArchive") bad_image("The source image can't be unpacked: " + e.message());
    throw;
  }
}

RunnableImage UnpackedImages::read(const RepositoryName& repository, const std::string& digest) const {
  std::ifstream file(folder_of(digest) + "/config.json", std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return {repository, digest, folder_of(digest) + "/root", read_image_config(text.str())};
}

// Nothing here is flushed: what a machine that went down may have left in pieces is unpacked anew where that can be
// done.
bool UnpackedImages::may_be_broken(const std::string& digest) const {
  std::ifstream file(folder_of(digest) + "/origin.json", std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  try {
    const Value origin = parse_json(text.str());
    if (origin.string_or("Boot") == boot_id()) return false;
    const RepositoryName repository{origin.string_or("Account"), origin.string_or("Region"),
                                    origin.string_or("Repository")};
    return registry_.find_image(repository, digest, "").has_value();
  } catch (const Error&) {
    return true;  // it breaks off
  }
}

void UnpackedImages::keep_only(const std::set<std::string>& digests) {
  std::lock_guard lock(mutex_);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string digest = "sha256:" + entry.path().filename().string();
    std::error_code ignored;
    if (!digests.contains(digest) || may_be_broken(digest)) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace tarn::compute
