#include "compute/images/manifest.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "compute/images/limits.hpp"

namespace tarn::compute {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidParameterException",
              "Invalid parameter at 'ImageManifest' failed to satisfy constraint: '" + what + "'");
}

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Layers of Windows, say, whose bytes no registry holds.
bool stands_elsewhere(std::string_view media_type) {
  return media_type.find(".foreign.") != media_type.npos || media_type.find("nondistributable") != media_type.npos;
}

BlobReference read_reference(const Value& v) {
  if (!v.is_map()) invalid("A descriptor is an object");
  BlobReference out{v.string_or("digest"), v.string_or("mediaType"), 0, {}, {}};
  if (!is_digest(out.digest)) invalid("Invalid digest: " + out.digest.substr(0, 100));
  const Value* size = v.find("size");
  if (!size || !size->is_int() || size->as_int() < 0) invalid("A descriptor has a size");
  out.size_bytes = static_cast<uint64_t>(size->as_int());
  if (const Value* platform = v.find("platform"); platform && platform->is_map()) {
    out.platform_os = platform->string_or("os");
    out.platform_architecture = platform->string_or("architecture");
  }
  return out;
}

const ValueList& list_of(const Value& v, std::string_view member) {
  static const ValueList none;
  const Value* found = v.find(member);
  if (!found || found->is_null()) return none;
  if (!found->is_list()) invalid(std::string(member) + " is a list");
  if (found->as_list().size() > limits::max_manifest_entries) invalid(std::string(member) + " is too long");
  return found->as_list();
}

Value read_json(std::string_view text) {
  try {
    Value out = parse_json(text);
    if (out.is_map()) return out;
  } catch (const Error&) {
  }
  invalid("Invalid JSON syntax");
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "000000000000.dkr.ecr.us-east-1.amazonaws.com:4566"
void read_host(std::string_view host, ImageReference& into) {
  constexpr std::string_view marks[] = {".dkr.ecr.", ".dkr-ecr."};
  for (std::string_view mark : marks) {
    const std::size_t at = host.find(mark);
    if (at == host.npos || !is_account(host.substr(0, at))) continue;
    std::string_view rest = host.substr(at + mark.size());
    into.account = host.substr(0, at);
    into.region = rest.substr(0, rest.find('.'));
  }
}

}  // namespace

uint64_t Manifest::size_bytes() const {
  uint64_t sum = config ? config->size_bytes : 0;
  for (const BlobReference& layer : layers) sum += layer.size_bytes;
  return sum;
}

bool is_digest(std::string_view text) {
  return text.size() == 71 && text.starts_with("sha256:") && is_lower_hex(text.substr(7));
}

std::string digest_of(std::string_view bytes) {
  return "sha256:" + hex_encode(digest(DigestKind::sha256, bytes));
}

Manifest parse_manifest(std::string_view text, std::string_view media_type) {
  const Value v = read_json(text);
  Manifest out;
  const std::string own = v.string_or("mediaType");
  out.media_type = media_type.empty() ? own : media_type;
  if (out.media_type.empty()) out.media_type = v.find("manifests") ? oci_index_type : oci_manifest_type;
  if (!own.empty() && own != out.media_type) invalid("The manifest says that it is " + own);
  const bool index = out.media_type == docker_list_type || out.media_type == oci_index_type;
  if (!index && out.media_type != docker_manifest_type && out.media_type != oci_manifest_type)
    invalid("Image manifest type " + out.media_type.substr(0, 200) + " is not supported");
  if (v.int_or("schemaVersion") != 2) invalid("schemaVersion is 2");
  out.artifact_type = v.string_or("artifactType");
  if (const Value* subject = v.find("subject"); subject && !subject->is_null())
    out.subject = read_reference(*subject).digest;
  if (index) {
    for (const Value& image : list_of(v, "manifests")) out.images.push_back(read_reference(image));
    return out;
  }
  const Value* config = v.find("config");
  if (!config) invalid("The manifest has no config");
  out.config = read_reference(*config);
  if (out.artifact_type.empty() && out.config->media_type.find("image") == std::string::npos)
    out.artifact_type = out.config->media_type;
  for (const Value& layer : list_of(v, "layers"))
    if (auto one = read_reference(layer); !stands_elsewhere(one.media_type)) out.layers.push_back(std::move(one));
  return out;
}

std::optional<ImageReference> parse_image_reference(std::string_view text) {
  ImageReference out;
  const std::size_t slash = text.find('/');
  if (slash == text.npos || slash == 0) return std::nullopt;
  const std::string_view host = text.substr(0, slash);
  if (host.find_first_of(".:") == host.npos && host != "localhost") return std::nullopt;
  read_host(host, out);
  std::string_view name = text.substr(slash + 1);
  if (const std::size_t at = name.find('@'); at != name.npos) {
    out.digest = name.substr(at + 1);
    if (!is_digest(out.digest)) return std::nullopt;
    name = name.substr(0, at);
  }
  if (const std::size_t colon = name.find(':'); colon != name.npos) {
    out.tag = name.substr(colon + 1);
    name = name.substr(0, colon);
    if (out.tag.empty()) return std::nullopt;
  }
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
  out.repository = name;
  if (name.empty()) return std::nullopt;
  return out;
}

}  // namespace tarn::compute
