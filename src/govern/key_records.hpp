// How the records of keys are kept. Private to Keys.
#pragma once

#include "govern/key_specs.hpp"
#include "govern/keys.hpp"

namespace tarn::govern {

inline constexpr std::string_view key_kind = "kms.key";
inline constexpr std::string_view material_kind = "kms.material";

std::string record_key(const KeyScope& scope, std::string_view key_id);
KeyRecord record_from(const Value& value);
void put_record(meta::Transaction& t, const KeyRecord& record);

// The secret of a new key: random bytes, or a private key in DER.
std::string new_secret(const KeySpec& spec, Random& random);
// Makes the metadata tell which material encrypts, as it does for symmetric keys.
void show_material(KeyRecord& record);

}  // namespace tarn::govern
