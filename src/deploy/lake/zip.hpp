// Writes zip files, the same bytes for the same files: a function's package is named for its digest.
#pragma once

#include <map>
#include <string>

namespace tarn::deploy {

// Path within the archive → bytes.
std::string zip(const std::map<std::string, std::string>& files);

}  // namespace tarn::deploy
