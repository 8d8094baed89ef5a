// The CRC that S3 gives every object ("CRC64NVME"): NVMe's, bits reflected, all ones before and behind.
#pragma once

#include <cstdint>
#include <string_view>

namespace tarn {

// The register after `bytes`, from the register before them; begin with ~0, the sum is its complement. By the
// processor's carry-less multiplication where it has one, else by tables. Thread-safe.
uint64_t crc64nvme(uint64_t crc, std::string_view bytes);

}  // namespace tarn
