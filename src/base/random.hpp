// Randomness, handed in by main so that a fault run repeats from its seed.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

namespace tarn {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(char* into, std::size_t size_bytes) = 0;

  uint64_t next();
  std::string bytes(std::size_t size_bytes);
  std::string uuid();                            // version 4, lower case
  std::string hex(std::size_t digits);           // lower case
  std::string alphanumeric(std::size_t length);  // A-Z and 2-7, as AWS's own ids
};

// The operating system's.
class SystemRandom : public Random {
 public:
  void fill(char* into, std::size_t size_bytes) override;
};

class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(char* into, std::size_t size_bytes) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace tarn
