// The folder of a store: its mark, and its lock.
#pragma once

#include <string>

#include "store/blob_files.hpp"

namespace tarn::store {

// Checks that the folder is a store of ours, or (with `create`) makes it one, and locks it until the descriptor is
// closed. A folder of something else throws Error (caller, InvalidDataFolder), one that is locked Error (caller,
// DataFolderInUse).
Descriptor take_data_folder(const std::string& path, bool create);

}  // namespace tarn::store
