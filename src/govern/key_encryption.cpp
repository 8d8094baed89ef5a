#include "govern/key_encryption.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

#include "base/base64.hpp"
#include "base/cipher.hpp"
#include "base/error.hpp"

namespace tarn::govern {
namespace {

constexpr std::size_t max_ring_size_bytes = 64 * 1024;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorKind::caller, "InvalidKeyEncryptionKey", what);
}

std::string version_bytes(uint32_t version) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(version >> shift);
  return out;
}

std::string line_of(uint32_t version, std::string_view key) {
  return std::to_string(version) + " " + base64_encode(key) + "\n";
}

std::string read_command(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "re"), ::pclose);
  if (!pipe) invalid("The command that prints the key-encryption key could not be started.");
  std::string out;
  std::array<char, 4096> buffer;
  while (std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    out.append(buffer.data(), n);
    if (out.size() > max_ring_size_bytes) invalid("The command that prints the key-encryption key prints too much.");
  }
  if (int status = ::pclose(pipe.release()); status != 0)
    invalid("The command that prints the key-encryption key failed (status " + std::to_string(status) + ").");
  return out;
}

// Absent when there is no such file.
std::optional<std::string> read_protected(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    invalid("The key file " + path + " can't be read: " + std::strerror(errno) + ".");
  }
  if (status.st_mode & 077) invalid("The key file " + path + " may be read by others. Run chmod 600 on it.");
  if (static_cast<std::size_t>(status.st_size) > max_ring_size_bytes) invalid("The key file " + path + " is too big.");
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) invalid("The key file " + path + " can't be read.");
  return text.str();
}

void flush_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

// Written beside it, flushed, then moved to its place: there is never half a ring.
void write_protected(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  ::unlink(beside.c_str());
  int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) invalid("The key file " + path + " can't be made: " + std::strerror(errno) + ".");
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(beside.c_str(), path.c_str()) != 0)
    invalid("The key file " + path + " can't be written: " + std::strerror(errno) + ".");
  flush_folder_of(path);
}

std::string_view next_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r"), rest.size()));
  std::string_view word = rest.substr(0, rest.find_first_of(" \t\r"));
  rest.remove_prefix(word.size());
  return word;
}

}  // namespace

KeyEncryptionKeys KeyEncryptionKeys::parse(std::string_view text) {
  KeyEncryptionKeys out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::string_view first = next_word(line), second = next_word(line);
    if (first.empty()) continue;
    uint32_t version = 1;
    if (second.empty()) {
      second = first;
    } else {
      auto [end, error] = std::from_chars(first.data(), first.data() + first.size(), version);
      if (error != std::errc() || end != first.data() + first.size() || version == 0)
        invalid("A key-encryption key begins with its version, a number from 1.");
    }
    auto key = base64_decode(second);
    if (!next_word(line).empty() || !key || key->size() != cipher_key_size_bytes)
      invalid("A key-encryption key is a line of its version and 32 bytes in base64.");
    if (!out.keys_.emplace(version, std::move(*key)).second)
      invalid("Version " + std::to_string(version) + " of the key-encryption key stands there twice.");
  }
  if (out.keys_.empty()) invalid("There is no key-encryption key. Make one with: openssl rand -base64 32");
  return out;
}

KeyEncryptionKeys KeyEncryptionKeys::load(const KeySource& source, const std::string& own_file, OwnFile state,
                                          Random& random) {
  if (!source.text.empty()) return parse(source.text);
  if (!source.command.empty()) return parse(read_command(source.command));
  if (!source.file.empty()) {
    auto text = read_protected(source.file);
    if (!text) invalid("There is no key file " + source.file + ". Make one with: openssl rand -base64 32");
    return parse(*text);
  }
  if (auto text = read_protected(own_file)) return parse(*text);
  if (state == OwnFile::must_be_there)
    invalid("The key file " + own_file +
            " is missing, and what this data folder holds is sealed by its keys. Put it back from its copy, or name "
            "the key that the folder was used with by --key-file, --key-command or TARN_KEY.");
  write_protected(own_file, line_of(1, random.bytes(cipher_key_size_bytes)));
  return parse(*read_protected(own_file));
}

uint32_t KeyEncryptionKeys::rotate(const std::string& file, Random& random) {
  auto text = read_protected(file);
  if (!text) invalid("There is no key file " + file + ".");
  KeyEncryptionKeys ring = parse(*text);
  const uint32_t version = ring.current_version() + 1;
  ring.keys_[version] = random.bytes(cipher_key_size_bytes);
  std::string changed;
  for (const auto& [number, key] : ring.keys_) changed += line_of(number, key);
  write_protected(file, changed);
  return version;
}

std::string KeyEncryptionKeys::seal(std::string_view secret, std::string_view purpose, Random& random) const {
  const std::string version = version_bytes(current_version());
  return version + tarn::seal(keys_.rbegin()->second, version + std::string(purpose), secret, random);
}

std::string KeyEncryptionKeys::open(std::string_view sealed, std::string_view purpose) const {
  auto key = keys_.find(version_of(sealed));
  if (key == keys_.end())
    throw Error(ErrorKind::bug, "InvalidKeyEncryptionKey",
                "The key-encryption key lacks version " + std::to_string(version_of(sealed)) +
                    ", which keys of this data folder are sealed by.");
  auto opened = open_sealed(key->second, version_bytes(key->first) + std::string(purpose), sealed.substr(4));
  if (!opened)
    throw Error(ErrorKind::bug, "InvalidKeyEncryptionKey",
                "A sealed key does not open: the key-encryption key is another one, or the key was changed on disk.");
  return std::move(*opened);
}

uint32_t KeyEncryptionKeys::version_of(std::string_view sealed) {
  if (sealed.size() < 4) return 0;
  uint32_t version = 0;
  for (int i = 0; i < 4; i++) version = version << 8 | static_cast<unsigned char>(sealed[static_cast<std::size_t>(i)]);
  return version;
}

}  // namespace tarn::govern
