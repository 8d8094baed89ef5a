#include "base/random.hpp"

#include <sys/random.h>

#include <cstring>

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn {

uint64_t Random::next() {
  uint64_t value;
  fill(reinterpret_cast<char*>(&value), sizeof value);
  return value;
}

std::string Random::bytes(std::size_t size_bytes) {
  std::string out(size_bytes, '\0');
  fill(out.data(), out.size());
  return out;
}

std::string Random::uuid() {
  std::string raw = bytes(16);
  raw[6] = static_cast<char>((raw[6] & 0x0f) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3f) | 0x80);
  std::string text = hex_encode(raw);
  for (std::size_t at : {20, 16, 12, 8}) text.insert(at, "-");
  return text;
}

std::string Random::hex(std::size_t digits) {
  return hex_encode(bytes((digits + 1) / 2)).substr(0, digits);
}

std::string Random::alphanumeric(std::size_t length) {
  std::string out = bytes(length);
  for (char& c : out) c = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[c & 31];
  return out;
}

void SystemRandom::fill(char* into, std::size_t size_bytes) {
  while (size_bytes > 0) {
    ssize_t got = getrandom(into, size_bytes, 0);
    TARN_ASSERT(got > 0);
    into += got;
    size_bytes -= static_cast<std::size_t>(got);
  }
}

void SeededRandom::fill(char* into, std::size_t size_bytes) {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < size_bytes; i += 8) {
    uint64_t word = engine_();
    std::memcpy(into + i, &word, std::min<std::size_t>(8, size_bytes - i));
  }
}

}  // namespace tarn
